"""Answers as frames: Arrow in, Polars out, in the dtypes of the contract.

What belongs here: bytes into frames, Python's times into parameters. What does not: asking.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import date, datetime

import polars as pl

from findata_client.errors import BadQuestion

ARROW = "application/vnd.apache.arrow.stream"
When = str | date | datetime


def frame_of(pages: Iterable[bytes]) -> pl.DataFrame:
    """Return the rows of all pages, in their order. A page without rows still says which columns there are."""
    frames = [pl.read_ipc_stream(io.BytesIO(page)) for page in pages]
    return frames[0] if len(frames) == 1 else pl.concat(frames, rechunk=False)


def when(name: str, value: When | None) -> str | None:
    """Return a time as a parameter: text as it is, a date as YYYY-MM-DD, an instant with its zone."""
    if isinstance(value, datetime) and value.tzinfo is None:
        raise BadQuestion(
            f"{name} is a time without a zone: {value}",
            "Give it a tzinfo, for example datetime.UTC, or a date",
        )
    return value.isoformat() if isinstance(value, date) else value
