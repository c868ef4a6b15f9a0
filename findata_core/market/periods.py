"""Weeks and months: frames of market.weekly_candles and market.monthly_candles from daily candles.

What belongs here: which sessions a period has and the fold of its daily candles. What does not: candles
inside a session (candles), levels and signals of a period (signals).

A week is the ISO 8601 week, Monday to Sunday, of session dates, so a New-Year week stays whole; a month
is the calendar month of session dates. Each is folded from sessions by itself: a week crosses months.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from findata_core.calendars import mic_of
from findata_core.errors import UnknownInterval
from findata_core.intervals import PERIOD_INTERVALS
from findata_core.market.choosing import ADJUSTMENT_ORDER
from findata_core.market.scales import on_one_scale
from findata_core.schema.tables import table

PERIOD_CANDLES = table("market.weekly_candles")
SERIES = ("instrument_id", "source_interval", "period_start_date")


def period_bounds(first: date, last: date, period: str) -> tuple[date, date]:
    """First and last calendar day, both inclusive, of the whole periods that touch `first` to `last`."""
    days = pl.DataFrame({"session_date": [first, last]}).select(start=_start(period), end=_end(period))
    return days["start"][0], days["end"][1]


def fold_period_candles(
    candles: pl.DataFrame, sessions: pl.DataFrame, period: str, splits: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Fold daily candles into weeks ("1w") or months ("1mo"), each source_interval by itself.

    `candles`: rows of market.candles; other intervals than 1d are left out. `sessions` must hold ALL
    sessions of the periods, also those after the last candle (period_bounds says from when to when):
    they say what is expected, hence whether a period is complete.

    Bases are never mixed: where a period has sessions of several, those of the first in ADJUSTMENT_ORDER
    count and the others are absent. Sources may differ between sessions; then they are joined by "+".
    `splits`: rows of reference.splits; sessions of one period on both sides of one are brought to the youngest
    scale among them (scales), without it none is known.
    """
    sessions = _of_the_periods(sessions, candles, period)
    known = sessions.select("mic", "session_date").unique()
    placed = candles.filter(interval="1d").with_columns(
        mic=mic_of(pl.col("instrument_id")), period_start_date=_start(period)
    )
    counted = _of_one_basis(placed.join(known, on=["mic", "session_date"], how="semi"))
    counted = on_one_scale(counted, splits, sessions, SERIES)
    folded = counted.sort("event_time").group_by(*SERIES, "mic").agg(_fold(counted))
    rows = folded.join(_expected(sessions, period), on=["mic", "period_start_date"])
    is_whole = pl.col("is_every_one_complete") & (pl.col("present_sessions") == pl.col("expected_sessions"))
    columns = [
        c.name for c in PERIOD_CANDLES.columns if c.name != "ingest_time" or "ingest_time" in candles.columns
    ]
    return rows.with_columns(interval=pl.lit(period), is_complete=is_whole).select(columns).sort(SERIES)


def on_one_scale_of_periods(
    days: pl.DataFrame, splits: pl.DataFrame, sessions: pl.DataFrame, period: str
) -> pl.DataFrame:
    """Return daily candles as their periods fold them: those of one period on one scale."""
    placed = days.with_columns(period_start_date=_start(period))
    return on_one_scale(placed, splits, sessions, SERIES).drop("period_start_date")


def _of_the_periods(sessions: pl.DataFrame, candles: pl.DataFrame, period: str) -> pl.DataFrame:
    """The sessions of the periods that the candles touch."""
    first, last = candles["session_date"].min(), candles["session_date"].max()
    if first is None:
        return sessions.clear()
    assert isinstance(first, date)
    assert isinstance(last, date)
    return sessions.filter(pl.col("session_date").is_between(*period_bounds(first, last, period)))


def _start(period: str) -> pl.Expr:
    """First day of the period of session_date; a truncated week starts on Monday."""
    return pl.col("session_date").dt.truncate(_known(period))


def _end(period: str) -> pl.Expr:
    return _start(period).dt.offset_by(_known(period)) - pl.duration(days=1)


def _known(period: str) -> str:
    """The period's name, which Polars happens to read as findata means it."""
    if period not in PERIOD_INTERVALS:
        raise UnknownInterval(
            f"{period!r} is not a period of sessions", f"use one of {', '.join(PERIOD_INTERVALS)}"
        )
    return period


def _expected(sessions: pl.DataFrame, period: str) -> pl.DataFrame:
    return sessions.group_by("mic", period_start_date=_start(period)).agg(
        period_end_date=_end(period).first(),
        event_time=pl.col("open_time").min(),
        available_time=pl.col("close_time").max(),
        expected_sessions=pl.len().cast(pl.Int32),
        expected_minutes=pl.col("trading_minutes").sum().cast(pl.Int32),
    )


def _of_one_basis(candles: pl.DataFrame) -> pl.DataFrame:
    ranks = {name: rank for rank, name in enumerate(ADJUSTMENT_ORDER)}
    rank = pl.col("adjustment").replace_strict(ranks, default=len(ranks), return_dtype=pl.Int64)
    return candles.filter(rank == rank.min().over(SERIES)) if len(candles) else candles


def _fold(candles: pl.DataFrame) -> list[pl.Expr]:
    """The fold of a period's daily candles, which stand in the order of their sessions."""
    latest = [name for name in ("settles_time", "ingest_time") if name in candles.columns]
    # Joining texts group by group costs more than all the rest, and there is seldom more than one.
    has_one = candles["source"].n_unique() <= 1
    source = pl.col("source").first() if has_one else pl.col("source").unique().sort().str.join("+")
    return [
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
        pl.len().cast(pl.Int32).alias("present_sessions"),
        pl.col("present_minutes").sum().cast(pl.Int32),
        pl.col("is_complete").all().alias("is_every_one_complete"),
        source,
        pl.col("adjustment").first(),
        *(pl.col(name).max() for name in latest),
    ]
