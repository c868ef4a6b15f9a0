"""Lines of the journal as server-sent events.

What belongs here: the bytes of an event. What does not: which lines there are (lines), who gets them (feed).

Of a line's events the last one bears the id, which is the cursor after the line: who resumes after a cut gets the rest
of the line again, and never less. https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from findata_core.schema.tables import ColumnKind, table
from findata_resources.stores.journal import ALONE
from findata_serving.formats import camel
from findata_serving.stream.lines import Line
from findata_serving.stream.positions import Position, StreamCursor

NEW, REVISED, RETRACTED, RESET = "new", "revised", "retracted", "reset"
RECONNECT_MILLISECONDS = 2_000
PERIOD_OF = {"market.weekly_candles": "1w", "market.monthly_candles": "1mo"}
RESET_STEPS = "Read the range that you show anew, then go on from the id of this event"


@dataclass(frozen=True)
class Batch:
    """A line's events: (interval, event without its end), in order."""

    position: Position
    subject: str
    events: tuple[tuple[str, bytes], ...]

    def written(self, feed: str, intervals: Collection[str] | None) -> bytes:
        """Return the events of some intervals (default: all); the last bears the cursor after the line."""
        chosen = [event for interval, event in self.events if intervals is None or interval in intervals]
        if not chosen:
            return b""
        return b"\n".join(chosen) + _end(StreamCursor(feed, self.position))


def batch_of(line: Line, rows: Sequence[Mapping[str, Any]]) -> Batch:
    """Return the events of a line, given the rows that its scope holds now.

    A row that was taken out, or put in again, since the line was written is left to the line that says so.
    """
    return Batch(line.position, line.subject, tuple(_events(line, rows)))


def _events(line: Line, rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, bytes]]:
    there = set()
    for row in rows:
        key = _key(line, row)
        there.add(key)
        if line.is_whole or key in line.new:
            yield row["interval"], _event(NEW, candle(line.table_name, row))
        elif key in line.revised:
            yield row["interval"], _event(REVISED, candle(line.table_name, row))
    for key in line.retracted:
        if key not in there:
            gone = retracted(line, key)
            yield gone["interval"], _event(RETRACTED, gone)


def candle(address: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row by protobuf's JSON mapping, and whether its provider may still revise it."""
    named = {
        camel(column.name): str(row[column.name]) if column.kind is ColumnKind.INT64 else row[column.name]
        for column in table(address).columns
        if row[column.name] is not None
    }
    return {**named, "isSettled": row["is_settled"]}


def retracted(line: Line, key: str) -> dict[str, Any]:
    """Return what is left to say of a row that is gone: its key."""
    said = {"instrumentId": line.subject, "sourceInterval": line.slice}
    if key == ALONE:
        return {**said, "interval": PERIOD_OF[line.table_name], "periodStartDate": line.scope_date}
    interval, _, event_time = key.partition("/")
    return {**said, "interval": interval, "eventTime": event_time, "sessionDate": line.scope_date}


def opening(cursor: StreamCursor) -> bytes:
    """Return what a stream begins with: where it stands, and how soon to come again after a cut."""
    return f": findata\nretry: {RECONNECT_MILLISECONDS}\n".encode() + _end(cursor)


def heartbeat(cursor: StreamCursor) -> bytes:
    """Return a sign of life, which tells how far the stream is."""
    return b": heartbeat\n" + _end(cursor)


def reset(cursor: StreamCursor) -> bytes:
    """Return the event that says that changes may be missing from here back, and what to do."""
    detail = "The changes since this cursor are not kept any more, or another server answers"
    return _event(RESET, {"detail": detail, "next_step": RESET_STEPS}) + _end(cursor)


def _event(name: str, data: Mapping[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data, option=orjson.OPT_UTC_Z) + b"\n"


def _end(cursor: StreamCursor) -> bytes:
    return f"id: {cursor}\n\n".encode()


def _key(line: Line, row: Mapping[str, Any]) -> str:
    if line.table_name in PERIOD_OF:
        return ALONE
    begin: datetime = row["event_time"]
    return f"{row['interval']}/{begin.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"
