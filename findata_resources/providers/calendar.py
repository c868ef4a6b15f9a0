"""Exchange calendars as payloads: a snapshot of what the calendar library says, kept like any answer.

The library changes its mind (ad hoc closures, new half days); what was computed with which sessions
must stay provable, so its answer is received, stored and parsed, and the tables come from that.
"""

import io
from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from findata_core.calendars import sessions_of
from findata_core.errors import MalformedPayload
from findata_resources.provider import Clock, Parsed, Received, Request, row_schema

PROVIDER = "findata"
DATASET = "sessions"
MOST_COLUMNS = 100  # more are no table, and take a minute to be read as one


def snapshot(mic: str, start: date, clock: Clock) -> Received:
    """Return the sessions of an exchange from `start` to the horizon, as CSV."""
    now = clock.now()
    body = sessions_of(mic, start, horizon(now.date())).write_csv().encode()
    return Received(Request(PROVIDER, PROVIDER, DATASET, mic), body, None, {}, now)


def horizon(today: date) -> date:
    """Return the last day of snapshots: it moves twice a year, so that most days bring no new snapshot.

    The library knows about a year ahead; at least half a year of it is always inside.
    """
    return date(today.year, 12, 31) if today.month <= 6 else date(today.year + 1, 6, 30)


def parse(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    """Return reference.sessions."""
    schema = row_schema("reference.sessions")
    texts = {name: pl.String() if isinstance(kind, pl.Datetime) else kind for name, kind in schema.items()}
    header = body.split(b"\n", maxsplit=1)[0].decode("utf-8", "replace").strip().split(",")
    if not set(schema) <= set(header) or len(header) > MOST_COLUMNS:
        raise MalformedPayload(
            f"The sessions of {request['subject']} have other columns",
            f"The first line is {','.join(schema)}",
        )
    try:
        rows = pl.read_csv(io.BytesIO(body), schema_overrides=texts)
        times = [name for name, kind in schema.items() if isinstance(kind, pl.Datetime)]
        converted = rows.with_columns(pl.col(times).str.to_datetime(time_unit="us", time_zone="UTC"))
        named = converted.with_row_index("row_number").select("row_number", *schema)
    except (pl.exceptions.PolarsError, OSError) as error:  # what looks like gzip is unpacked
        raise MalformedPayload(
            f"The sessions of {request['subject']} can't be read: {error}", "Take a new snapshot"
        ) from error
    return [Parsed("reference.sessions", named)]
