"""Seeded markets for the benchmarks: a year of minutes as arrays, a session of them as a frame.

What belongs here: data with the faults of real data (gaps, whole sessions missing, half days, both clock
changes), the same for the same seed on every machine. What does not: anything that is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from findata_core.calendars import SessionBounds, sessions_of
from findata_core.market.folding import MinuteArrays
from findata_core.schema.frames import conform
from findata_core.schema.tables import table

MINUTE = 60_000_000
# Of twenty instruments eighteen trade in every minute, one in most, one in a third (MELI in 2025-01 does).
PRESENCE = (*[1.0] * 18, 0.9, 0.3)
MISSING_SESSIONS_SHARE = 0.002


@dataclass(frozen=True)
class Year:
    """Minutes of a year sorted by (instrument, time), and the sessions that they are in."""

    bars: MinuteArrays
    instruments: tuple[str, ...]
    venues: npt.NDArray[np.int64]
    sessions: pl.DataFrame
    bounds: SessionBounds


def make_year(
    instruments: int = 200,
    seed: int = 7,
    first: date = date(2025, 1, 1),
    last: date = date(2025, 12, 31),
    presence: Sequence[float] = PRESENCE,
) -> Year:
    """A year of New York's minutes: 250 sessions, 3 half days, 18.7 million rows for 200 names."""
    sessions = sessions_of("XNYS", first, last)
    bounds = SessionBounds.of(sessions)
    minutes = np.concatenate(
        [np.arange(o, c, MINUTE) for o, c in zip(bounds.open, bounds.close, strict=True)]
    )
    session = np.repeat(np.arange(len(bounds.open)), (bounds.close - bounds.open) // MINUTE)
    random = np.random.default_rng(seed)
    kept = [
        _present(random, presence[code % len(presence)], session, len(bounds.open))
        for code in range(instruments)
    ]
    counts = np.array([len(rows) for rows in kept])
    bars = _empty(np.repeat(np.arange(instruments, dtype=np.int32), counts))
    for rows, end in zip(kept, np.cumsum(counts), strict=True):
        _fill(bars, slice(int(end) - len(rows), int(end)), minutes[rows], random)
    names = tuple(f"S{code:04d}.XNYS" for code in range(instruments))
    return Year(bars, names, np.zeros(instruments, dtype=np.int64), sessions, bounds)


def make_session(
    instruments: int = 200, seed: int = 7, session_date: date = date(2025, 6, 2)
) -> pl.DataFrame:
    """Rows of market.bars of one whole session: 390 minutes of each instrument, 78,000 rows for 200."""
    return frame_of(make_year(instruments, seed, session_date, session_date, presence=(1.0,)))


def frame_of(year: Year) -> pl.DataFrame:
    """The minutes as rows of market.bars."""
    bars, close = year.bars, year.bounds.close
    session = np.searchsorted(close, bars.time, side="right")
    names = pl.Series(year.instruments)
    frame = pl.DataFrame(
        {
            "instrument_id": names.gather(bars.instrument),
            "event_time": pl.Series(bars.time).cast(pl.Datetime("us", "UTC")),
            "session_date": year.bounds.session_date.gather(session),
            **{name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume")},
            "settles_time": pl.Series(close[session]).cast(pl.Datetime("us", "UTC")) + timedelta(hours=1),
        }
    ).with_columns(
        interval=pl.lit("1m"),
        source=pl.lit("yahoo"),
        adjustment=pl.lit("split"),
        session_phase=pl.lit("regular"),
        ingest_time=pl.lit(datetime(2026, 1, 5, tzinfo=UTC)),
        payload_id=pl.lit(1, pl.Int64),
    )
    return conform(frame, table("market.bars"))


def _present(
    random: np.random.Generator, share: float, session: npt.NDArray[np.int64], session_count: int
) -> npt.NDArray[np.int64]:
    """Positions of the minutes in which an instrument trades."""
    is_present = random.random(len(session)) < share
    if session_count > 1:
        is_present &= (random.random(session_count) >= MISSING_SESSIONS_SHARE)[session]
    return np.flatnonzero(is_present)


def _empty(instrument: npt.NDArray[np.int32]) -> MinuteArrays:
    rows = len(instrument)
    opens, highs, lows, closes = (np.empty(rows, dtype=np.float64) for _ in range(4))
    time, volume = (np.empty(rows, dtype=np.int64) for _ in range(2))
    return MinuteArrays(instrument, time, opens, highs, lows, closes, volume)


def _fill(bars: MinuteArrays, rows: slice, time: npt.NDArray[np.int64], random: np.random.Generator) -> None:
    """A walk in cents, reflected at one dollar, with volumes as uneven as real ones."""
    steps = random.integers(-5, 6, len(time)).cumsum()
    close = np.abs(steps + 10_000) + 100
    opened = np.append(10_100, close[:-1]) if len(close) else close
    reach = random.integers(0, 4, (2, len(time)))
    bars.time[rows] = time
    bars.open[rows] = opened / 100
    bars.close[rows] = close / 100
    bars.high[rows] = (np.maximum(opened, close) + reach[0]) / 100
    bars.low[rows] = (np.minimum(opened, close) - reach[1]) / 100
    bars.volume[rows] = (random.pareto(1.5, len(time)) * 1_000).astype(np.int64)
