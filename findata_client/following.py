"""Following candles: events of /v1/stream, resumed where they were cut.

What belongs here: reading server-sent events, going on after a cut. What does not: other questions (client).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from findata_client.asking import AGAIN, OK, Asking, Values
from findata_client.errors import ClientError, away, error_of

SILENCE_SECONDS = 60.0  # four heartbeats


@dataclass(frozen=True)
class Event:
    """Something that became of a candle.

    `name`: "new", "revised", "retracted" (`candle` is its key), or "reset": read anew what you show, then go on.
    `cursor`: resume from here; None within what one write has changed.
    """

    name: str
    candle: dict[str, Any]
    cursor: str | None


def follow(asking: Asking, parameters: Values, cursor: str | None) -> Iterator[Event]:
    """Yield events for ever; after a cut what was missed comes first, and some events may come twice."""
    failures = 0
    while True:
        try:
            for event in _events(asking, parameters, cursor):
                failures = 0
                cursor = event.cursor or cursor
                if event.name:
                    yield event
            error: ClientError = away(asking.address, "the stream ended")
        except HTTPError as problem:
            error = away(asking.address, type(problem).__name__)
        except ClientError as problem:
            if problem.status not in AGAIN:
                raise
            error = problem
        failures += 1
        asking.wait(failures, error)


def _events(asking: Asking, parameters: Values, cursor: str | None) -> Iterator[Event]:
    headers = {"Accept": "text/event-stream", **({"Last-Event-ID": cursor} if cursor else {})}
    answer = asking.stream("/v1/stream", parameters, headers, SILENCE_SECONDS)
    try:
        if answer.status != OK:
            raise error_of(answer.status, answer.data)
        yield from _parsed(_lines(answer))
    finally:
        answer.close()


def _lines(answer: BaseHTTPResponse) -> Iterator[str]:
    """Yield whole lines as they arrive; one that is cut off is none."""
    begun = b""
    while arrived := answer.read1():
        *whole, begun = (begun + arrived).split(b"\n")
        yield from (line.rstrip(b"\r").decode() for line in whole)


def _parsed(lines: Iterator[str]) -> Iterator[Event]:
    """Yield what the lines say; an id without data is an event without a name."""
    said: dict[str, str] = {}
    for line in lines:
        if line:
            key, _, value = line.partition(":")
            said[key] = value.removeprefix(" ")
            continue
        if "data" in said:
            yield Event(said.get("event", ""), json.loads(said["data"]), said.get("id"))
        elif "id" in said:
            yield Event("", {}, said["id"])
        said = {}
