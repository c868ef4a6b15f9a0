"""Sessions of New York made by hand: minutes, days and wider bars with the columns that reconciling reads.

What belongs here: builders. What does not: what is expected of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from findata_core.calendars import sessions_of

INSTANT = pl.Datetime("us", "UTC")
DAY = date(2024, 3, 6)  # a Wednesday in winter time: 14:30 to 21:00 UTC
OPEN = datetime(2024, 3, 6, 14, 30, tzinfo=UTC)
SETTLED = datetime(2024, 3, 7, 21, tzinfo=UTC)
RECEIVED = datetime(2024, 3, 8, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SCHEMA: dict[str, Any] = {
    **dict.fromkeys(("instrument_id", "interval", "source", "adjustment", "session_phase"), pl.String),
    "session_date": pl.Date,
    "event_time": INSTANT,
    **dict.fromkeys(("open", "high", "low", "close"), pl.Float64),
    "volume": pl.Int64,
    **dict.fromkeys(("settles_time", "ingest_time", "superseded_time", "known_time"), INSTANT),
}
PLAIN: dict[str, Any] = {
    "instrument_id": "ABC.XNAS",
    "interval": "1m",
    "source": "yahoo",
    "adjustment": "split",
    "session_phase": "regular",
    "session_date": DAY,
    "event_time": OPEN,
    **dict.fromkeys(("open", "high", "low", "close"), 100.0),
    "volume": 1000,
    "settles_time": SETTLED,
    "ingest_time": RECEIVED,
    "superseded_time": None,
    "known_time": RECEIVED,
}


def bars(*rows: dict[str, Any]) -> pl.DataFrame:
    """Bars that are plain but for what each row says."""
    return pl.DataFrame([PLAIN | row for row in rows], schema=SCHEMA)


def minutes(volumes: Sequence[int] = (1000,) * 390, **columns: Any) -> pl.DataFrame:
    """The regular minutes of DAY, or the first of them, flat at 100."""
    return bars(
        *({"event_time": OPEN + n * MINUTE, "volume": volume, **columns} for n, volume in enumerate(volumes))
    )


def daily(**columns: Any) -> pl.DataFrame:
    """The daily bar of DAY, flat at 100: 390 minutes of 1,000 shares are 78 % of its volume."""
    return bars({"interval": "1d", "volume": 500_000, **columns})


def new_york(first: date = date(2024, 2, 1), last: date = date(2024, 4, 30)) -> pl.DataFrame:
    """The sessions of XNAS and XNYS."""
    return pl.concat([sessions_of("XNAS", first, last), sessions_of("XNYS", first, last)])
