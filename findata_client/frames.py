"""Answers as frames: Arrow in, Polars out, in the dtypes of the contract.

What belongs here: bytes into frames, Python's times into parameters. What does not: asking.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from findata_client.errors import BadQuestion

TWO_STREAMS = "application/vnd.findata.two-streams"
# A server that does not know the form in which repeated values are sent once gives plain Arrow.
ACCEPTED = f"{TWO_STREAMS}, application/vnd.apache.arrow.stream;q=0.5"
LENGTH_BYTES = 8
When = str | date | datetime


@dataclass(frozen=True)
class Body:
    """The bytes of an answer, and their media type."""

    content: bytes
    media_type: str


def frame_of(pages: Iterable[Body]) -> pl.DataFrame:
    """Return the rows of all pages, in their order. A page without rows still says which columns there are."""
    frames = [_read(page) for page in pages]
    return frames[0] if len(frames) == 1 else pl.concat(frames, rechunk=False)


def _read(page: Body) -> pl.DataFrame:
    if page.media_type != TWO_STREAMS:
        return pl.read_ipc_stream(io.BytesIO(page.content))
    length = int.from_bytes(page.content[:LENGTH_BYTES], "little")
    ends = memoryview(page.content)[LENGTH_BYTES:]
    first, differing = (pl.read_ipc_stream(io.BytesIO(part)) for part in (ends[:length], ends[length:]))
    if not first.height:
        return first
    theirs = set(differing.columns)
    columns = [
        differing[name] if name in theirs else first[name].new_from_index(0, differing.height)
        for name in first.columns
    ]
    return pl.DataFrame(columns)


def when(name: str, value: When | None) -> str | None:
    """Return a time as a parameter: text as it is, a date as YYYY-MM-DD, an instant with its zone."""
    if isinstance(value, datetime) and value.tzinfo is None:
        raise BadQuestion(
            f"{name} is a time without a zone: {value}",
            "Give it a tzinfo, for example datetime.UTC, or a date",
        )
    return value.isoformat() if isinstance(value, date) else value
