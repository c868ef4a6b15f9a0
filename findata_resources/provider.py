"""What a provider is: what it can be asked for, what was asked, what came back, what it says.

Fetch and parse are two functions. `fetch` returns the entity body untouched; `parse` is pure, takes the
body and the stored request, and can be run again years later. Here belong the shapes that both share.
Providers themselves are in providers/, one module each; the catalogue of them is providers/__init__.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import polars as pl

from findata_core.schema.frames import polars_schema
from findata_core.schema.tables import table

# Columns that the store adds: they come from the payload, not from what it says.
STORED_COLUMNS = frozenset({"ingest_time", "payload_id"})

# Rows of market.bars and market.bars_1d as parse gives them, in this order. `row_number` counts from 0 in
# the order of the payload. Intraday rows have event_time (inclusive start, UTC) and no session_date; daily
# rows the reverse: session and settling are the calendar's to say (findata_core.market.bars). Everything
# but the row number may be null where the payload says nothing readable: refusing is done downstream.
BAR_ROWS: Mapping[str, pl.DataType] = {
    "row_number": pl.Int64(),
    "instrument_id": pl.String(),
    "interval": pl.String(),
    "source": pl.String(),
    "adjustment": pl.String(),
    "event_time": pl.Datetime("us", "UTC"),
    "session_date": pl.Date(),
    "open": pl.Float64(),
    "high": pl.Float64(),
    "low": pl.Float64(),
    "close": pl.Float64(),
    "volume": pl.Float64(),
    "vwap": pl.Float64(),
    "trade_count": pl.Int64(),
}

# Response headers worth keeping. A list of what is kept, not of what is dropped: cookies, crumbs and keys
# can't slip through under a new name.
KEPT_HEADERS = frozenset(
    {"age", "cache-control", "content-encoding", "content-length", "content-type", "date", "etag"}
    | {"last-modified", "retry-after", "server"}
)


class Clock(Protocol):
    """Anything that tells the time."""

    def now(self) -> datetime:
        """Return the present instant, UTC."""
        ...


@dataclass(frozen=True)
class Capability:
    """One dataset that a provider answers for, and its limits.

    `interval` is "" where the dataset has none. `widest_window`: longest [start, end) of one request;
    `wall`: how far before now the start may lie; both None where unlimited. `label`: which end of a bar the
    provider's stamps name. `settles_after`: the provider's own revisions are over this long after the
    session's close. `month_zone`: where a request covers one calendar month, the zone of the months; else "".
    `recent_reach`: what begins so long before now or later is asked for by itself, since more may be refused as a
    whole; None where it makes no difference.
    """

    dataset: str
    interval: str
    widest_window: timedelta | None
    wall: timedelta | None
    label: str
    adjustment: str
    is_float32: bool
    settles_after: timedelta
    month_zone: str = ""
    recent_reach: timedelta | None = None


@dataclass(frozen=True)
class Request:
    """What is asked, with all that parsing needs beside the body; no secret ever stands in it.

    `provider` is the module that fetches and parses ("recorded"), `source` what is written on the rows
    ("yahoo"). `subject` is an instrument_id or a rate; "" where the body names several. The window is
    [start, end), None where a file is taken as it is. `parameters` holds JSON values only.
    """

    provider: str
    source: str
    dataset: str
    subject: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    window_start: datetime | None = None
    window_end: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the request as it is stored: JSON values, instants as ISO 8601 in UTC."""
        return {
            "provider": self.provider,
            "source": self.source,
            "dataset": self.dataset,
            "subject": self.subject,
            "parameters": dict(self.parameters),
            "window_start": _iso(self.window_start),
            "window_end": _iso(self.window_end),
        }

    def to_json(self) -> str:
        """Return the canonical JSON: sorted keys, no spaces; equal requests give equal text."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True)
class Received:
    """An answer: the entity body byte for byte, and when it was whole (`received_time`, UTC)."""

    request: Request
    body: bytes
    http_status: int | None
    headers: Mapping[str, str]
    received_time: datetime


@dataclass(frozen=True)
class Parsed:
    """What a payload says for one table (`schema.name`): `row_number` and the table's own columns."""

    table: str
    rows: pl.DataFrame


class Provider(Protocol):
    """An outside source. Its parser is a module-level pure function in the catalogue, not a method.

    One that is asked with a key has `key_id` besides (findata_resources/stores/quotas.py): each key has its own quota.
    """

    @property
    def name(self) -> str:
        """The name that requests carry in `provider`."""
        ...

    @property
    def capabilities(self) -> tuple[Capability, ...]:
        """What it can be asked for."""
        ...

    def fetch(self, request: Request, clock: Clock) -> Received:
        """Ask once and return the answer.

        RetriableProviderError: ask again later. RefusedRequest: do not ask again. BeyondWall: nothing was sent, the
        window begins before what is still given.
        """
        ...


def bar_rows(columns: Mapping[str, Any]) -> pl.DataFrame:
    """Return rows of BAR_ROWS from columns of equal length, in payload order; what is absent is null."""
    frame = pl.DataFrame(columns)
    return frame.with_row_index("row_number").select(
        (pl.col(name) if name in (*columns, "row_number") else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in BAR_ROWS.items()
    )


def repeated(value: object, height: int, dtype: pl.DataType) -> pl.Series:
    """Return a constant column; pl.repeat makes a query for each, and a load makes thousands."""
    return pl.Series([value], dtype=dtype).new_from_index(0, height)


def table_rows(address: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return `row_number` and the table's columns, without those that the store adds, from records."""
    schema = {"row_number": pl.Int64(), **row_schema(address)}
    numbered = [{"row_number": number, **row} for number, row in enumerate(rows)]
    return pl.DataFrame(numbered, schema=schema)


def row_schema(address: str) -> dict[str, pl.DataType]:
    """Return the table's columns as a payload gives them: all but those that the store adds."""
    columns = polars_schema(table(address)).items()
    return {name: dtype for name, dtype in columns if name not in STORED_COLUMNS}


def windows_over(
    capability: Capability, spans: Iterable[tuple[datetime, datetime]]
) -> Iterator[tuple[datetime, datetime]]:
    """Join spans [start, end), in order, into the fewest windows that one request each may cover.

    No span is cut: the first bar of a window is not always right (Yahoo's often has volume 0).
    """
    begin: datetime | None = None
    stop = datetime.min.replace(tzinfo=UTC)
    for start, end in spans:
        if begin is not None and not _is_one_window(capability, begin, end):
            yield begin, stop
            begin = None
        begin, stop = begin or start, end
    if begin is not None:
        yield begin, stop


def _is_one_window(capability: Capability, start: datetime, end: datetime) -> bool:
    if capability.widest_window and end - start > capability.widest_window:
        return False
    if not capability.month_zone:
        return True
    zone = ZoneInfo(capability.month_zone)
    first, last = start.astimezone(zone), (end - timedelta(microseconds=1)).astimezone(zone)
    return (first.year, first.month) == (last.year, last.month)


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers worth keeping, names in lower case."""
    lowered = {name.lower(): value for name, value in headers.items()}
    return {name: lowered[name] for name in sorted(KEPT_HEADERS & lowered.keys())}


def _iso(instant: datetime | None) -> str | None:
    if instant is None:
        return None
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no zone")
    return instant.astimezone(UTC).isoformat()
