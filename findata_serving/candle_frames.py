"""Candles that are computed when they are asked for: as they were known at an instant, or on another basis.

What belongs here: which steps make them. What does not: the steps themselves (findata_assets.steps), stored candles
(candle_queries).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import polars as pl

from findata_assets.steps.adjusted import Wanted as AdjustedWanted
from findata_assets.steps.adjusted import adjusted_candles
from findata_assets.steps.derivations import as_received, splits_of
from findata_assets.steps.known import KnownAt
from findata_assets.steps.platform import Platform
from findata_core.market.adjusting import View
from findata_core.market.candles import daily_candles, fold_period_candles, minute_candles
from findata_core.market.choosing import choose_sources
from findata_core.schema.frames import empty, polars_schema
from findata_core.schema.tables import table
from findata_core.schema.views import view
from findata_serving.candle_queries import PERIODS, Wanted, last_days
from findata_serving.problems import bad_parameter
from findata_serving.sources import Sources

DAY = timedelta(days=1)
LONGEST_PERIOD = timedelta(days=31)
# How far a window may reach that is folded while the caller waits: a quarter of minutes shown, a year or two of minutes
# folded, or all days there are.
WIDEST_DAYS = {
    "1m": 93,
    "5m": 93,
    "15m": 366,
    "30m": 366,
    "1h": 366,
    "4h": 366,
    "1d": 732,
    "1w": 732,
    "1mo": 732,
}
WIDEST_OF_DAYS = 36_600
SESSION_MINUTES = 240  # a short one, so that a page is rarely not full
MINUTES = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240}
SESSIONS_A_ROW = {"1d": 1, "1w": 5, "1mo": 23}


@dataclass(frozen=True)
class Basis:
    """As known when, and in which shares. `instant` None: as it is now; `view` None: as it is stored."""

    instant: datetime | None
    view: View | None


@dataclass(frozen=True)
class Found:
    """Candles with the columns of v1_live.candles and, on another basis, their factors; what a reader should know."""

    rows: pl.DataFrame
    notes: tuple[str, ...]


async def days_read(sources: Sources, wanted: Wanted, basis: Basis) -> tuple[date, date] | None:
    """Return the days [first, end) of which candles are made, None where there are none; a Problem for too many."""
    end = _end(wanted, basis)
    first = wanted.span.first_day()
    widest = WIDEST_OF_DAYS if wanted.source_interval == "1d" else WIDEST_DAYS[wanted.interval]
    if first is None:
        found = await _last_days(sources, wanted, basis, _sessions(wanted, widest), end)
        return found and (found[0], found[1] + DAY)
    if wanted.after is not None:
        first = max(first, _day(wanted.after) - 2 * DAY)
    if end is None or (end - first).days > widest + 3:
        found = await _last_days(sources, wanted, basis, 1, end)
        if found is None or found[1] < first:
            return None
        end = min(end, found[1] + DAY) if end else found[1] + DAY
    if (end - first).days > widest + 3:
        raise bad_parameter(
            "start",
            f"A window of {(end - first).days:,} days of {wanted.interval} is too wide to be folded while you wait",
            f"Ask for {widest} days or fewer at once, or for a wider interval",
            widest_days=widest,
        )
    return first, end


async def _last_days(
    sources: Sources, wanted: Wanted, basis: Basis, count: int, end: date | None
) -> tuple[date, date] | None:
    return await last_days(sources, _book(wanted), wanted.instrument_id, count, end, basis.instant)


async def goes_back(sources: Sources, wanted: Wanted, basis: Basis, first: date) -> bool:
    """Tell whether there is something before a day, where pages go back in time."""
    return wanted.is_latest and await _last_days(sources, wanted, basis, 1, first) is not None


def _end(wanted: Wanted, basis: Basis) -> date | None:
    """Return a day later than all that can be in the answer."""
    ends = [wanted.span.end_day()]
    if wanted.before is not None:
        ends.append(_day(wanted.before) + 2 * DAY)
    if basis.instant is not None:
        ends.append(basis.instant.date() + 32 * DAY)  # a month that begins is known before it ends
    return min((end for end in ends if end is not None), default=None)


def _book(wanted: Wanted) -> str:
    """Return the table of facts whose days are counted."""
    return "market.bars_1d" if wanted.source_interval == "1d" else "market.bars"


def _sessions(wanted: Wanted, widest: int) -> int:
    """Return how many sessions a page takes; one of few rows has a cursor like any other.

    The days around the page before are asked for again: what they hold of it is left out, and they come on top.
    """
    count = wanted.limit + 2
    again = 0 if wanted.before is None else 4
    if wanted.interval in SESSIONS_A_ROW:
        return min(count * SESSIONS_A_ROW[wanted.interval], widest) + again
    return min(count * MINUTES[wanted.interval] // SESSION_MINUTES + 2, widest) + again


def _day(microseconds: int) -> date:
    return date(1970, 1, 1) + timedelta(days=microseconds // 86_400_000_000)


def candles_of(platform: Platform, wanted: Wanted, basis: Basis, first: date, end: date) -> Found:
    """Return an instrument's candles of sessions or periods that begin in [first, end), sorted."""
    reads = KnownAt(platform, basis.instant) if basis.instant else platform
    notes: tuple[str, ...] = ()
    if basis.view is None:
        rows = _rows(reads, wanted, first, end)
    else:
        asked = AdjustedWanted(wanted.instrument_id, wanted.interval, basis.view, None, basis.instant)
        rows, notes = adjusted_candles(platform, asked, wanted.source_interval, first, end)
    return Found(_shaped(rows, basis.instant or platform.clock.now()), notes)


def _rows(reads: Platform | KnownAt, wanted: Wanted, first: date, end: date) -> pl.DataFrame:
    subject = pl.Series([wanted.instrument_id])
    if wanted.interval in PERIODS:
        return _periods(reads, wanted, first, end)
    if wanted.interval == "1m" and wanted.source_interval == "1m":
        return minute_candles(choose_sources(reads.read("market.bars", first, end, subject, "1m")))
    if wanted.source_interval == "1d":
        if wanted.interval != "1d":
            return reads.read("market.candles", first, first, subject)  # nothing is narrower than its bars
        bars = choose_sources(reads.read("market.bars_1d", first, end, subject, "1d"))
        return daily_candles(bars, reads.sessions_of(subject))
    return reads.read("market.candles", first, end, subject, wanted.interval)


def _periods(reads: Platform | KnownAt, wanted: Wanted, first: date, end: date) -> pl.DataFrame:
    """Return whole weeks or months, folded from days of one source interval: the others need not be read."""
    subject = pl.Series([wanted.instrument_id])
    begin = first - LONGEST_PERIOD
    days = _rows(reads, replace(wanted, interval="1d"), begin, end + LONGEST_PERIOD)
    if days.is_empty():
        return empty(table(PERIODS[wanted.interval]))
    sessions = reads.sessions_of(subject)
    splits = splits_of(reads, subject)
    rows = fold_period_candles(as_received(reads, days, splits), sessions, wanted.interval, splits)
    return rows.filter(pl.col("period_start_date") >= begin)  # of an earlier one only the rest was read


def _shaped(rows: pl.DataFrame, instant: datetime) -> pl.DataFrame:
    """Return rows with the columns of the view; settled is what was settled at the instant."""
    settled = rows.with_columns(is_settled=pl.col("settles_time") <= instant)
    schema = polars_schema(view("v1_live.candles"))
    columns = [
        (pl.col(name) if name in settled.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in schema.items()
    ]
    factors = [name for name in ("price_factor", "volume_factor") if name in settled.columns]
    return settled.select(*columns, *factors).sort("event_time")


def page_of(rows: pl.DataFrame, wanted: Wanted) -> pl.DataFrame:
    """Return the rows of a page, and one more where there is a next one."""
    conditions = []
    for bound, is_start in ((wanted.span.start, True), (wanted.span.end, False)):
        if bound is not None:
            column = pl.col("event_time" if bound.is_instant else wanted.date_column)
            conditions.append(column >= bound.at if is_start else column < bound.at)
    if wanted.after is not None:
        conditions.append(pl.col("event_time").dt.epoch("us") > wanted.after)
    if wanted.before is not None:
        conditions.append(pl.col("event_time").dt.epoch("us") < wanted.before)
    if wanted.is_settled:
        conditions.append(pl.col("is_settled"))
    narrowed = rows.filter(*conditions) if conditions else rows
    return narrowed.tail(wanted.limit + 1) if wanted.is_latest else narrowed.head(wanted.limit + 1)
