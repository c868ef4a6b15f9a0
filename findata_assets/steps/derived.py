"""Deriving tables from tables: each step reads the scopes that are due, calls one pure function, replaces.

A scope is replaced as a whole; one that comes out the same is not touched.
"""

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl
from psycopg import sql

from findata_assets.steps.platform import Platform
from findata_core.market.candles import daily_candles, fold_session_candles
from findata_core.market.choosing import choose_sources
from findata_core.market.periods import fold_period_candles
from findata_core.rates.sofr import recompute_averages
from findata_core.schema.frames import conform, empty
from findata_core.schema.tables import table
from findata_core.signals.pivot_signals import pivot_signals
from findata_core.signals.pivots import weekly_pivots
from findata_resources.stores import due
from findata_resources.stores.reports import WriteReport

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
PAIR = ["subject", "scope_date"]
RATE_ADMINISTRATOR = "nyfed"
SOURCE_INTERVAL = "1m"  # intraday candles are folded from minutes


def fold_candles(platform: Platform, start: date | None = None, end: date | None = None) -> WriteReport:
    """Fold the session candles that are due, a session at a time."""
    marks = _due_marks(platform, "market.candles", start, end)
    report = WriteReport()
    for (day,), session in marks.group_by(["scope_date"], maintain_order=True):
        assert isinstance(day, date)
        bars = read_interval(
            platform, "market.bars", SOURCE_INTERVAL, day, day + DAY, session.get_column("subject")
        )
        chosen = choose_sources(bars)
        candles = _or_empty(
            "market.candles", chosen, lambda rows: fold_session_candles(rows, _sessions(platform, rows))
        )
        report += _replace(platform, "market.candles", candles, session)
    return report


def fold_weeks(platform: Platform) -> WriteReport:
    """Fold the weekly candles that are due."""
    return _fold_periods(platform, "market.weekly_candles", "1w", lambda day: day + WEEK)


def fold_months(platform: Platform) -> WriteReport:
    """Fold the monthly candles that are due."""
    return _fold_periods(
        platform, "market.monthly_candles", "1mo", lambda day: (day + 31 * DAY).replace(day=1)
    )


def derive_pivots(platform: Platform) -> WriteReport:
    """Derive the weekly pivots that are due, from complete weeks."""
    marks = _due_marks(platform, "signals.weekly_pivots")
    if marks.is_empty():
        return WriteReport()
    start, end = _span(marks)
    subjects = marks.get_column("subject").unique()
    weeks = platform.store.read(table("market.weekly_candles"), start, end + DAY, subjects)
    # Levels are valid in the next trading week, which a week-long holiday may push back by one.
    days = daily_of_both_families(platform, subjects, start, end + 3 * WEEK)
    pivots = _or_empty(
        "signals.weekly_pivots", weeks, lambda rows: weekly_pivots(rows, days, _sessions(platform, rows))
    )
    due_pivots = _of_scopes(pivots, marks, "instrument_id", "window_start_date")
    return _replace(platform, "signals.weekly_pivots", due_pivots, marks)


def derive_signals(platform: Platform, start: date | None = None, end: date | None = None) -> WriteReport:
    """Derive the signals of the sessions that are due; crossings carry their state from Monday on."""
    marks = _due_marks(platform, "signals.pivot_signals", start, end)
    report = WriteReport()
    for _, week in marks.group_by(pl.col("scope_date").dt.truncate("1w"), maintain_order=True):
        first, last = _span(week)
        monday = first - first.weekday() * DAY
        subjects = week.get_column("subject").unique()
        candles = read_interval(platform, "market.candles", "5m", monday, last + DAY, subjects)
        pivots = platform.store.read(table("signals.weekly_pivots"), monday - 2 * WEEK, monday, subjects)
        signals = pivot_signals(candles, pivots, week.get_column("scope_date").unique().to_list())
        report += _replace(
            platform,
            "signals.pivot_signals",
            _of_scopes(signals, week, "instrument_id", "session_date"),
            week,
        )
    return report


def derive_averages(platform: Platform) -> WriteReport:
    """Recompute the averages and the index of the rates that are due, the published ones beside them."""
    marks = _due_marks(platform, "rates.averages")
    if marks.is_empty():
        return WriteReport()
    rates = marks.get_column("subject")
    fixings = _preferred(platform.store.read(table("rates.rates"), subjects=rates))
    published = _preferred(platform.store.read(table("rates.published_averages"), subjects=rates))
    return _replace(platform, "rates.averages", recompute_averages(fixings, published), marks)


def _due_marks(
    platform: Platform, address: str, start: date | None = None, end: date | None = None
) -> pl.DataFrame:
    """Return what is due; first publish what an interrupted run has committed and not published."""
    platform.lake.publish(platform.store, address)
    return due.due_scopes(platform.store.database, address, start, end)


def _preferred(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one source's row per rate and day: the administrator's own, else the first by name."""
    is_second_hand = pl.col("source") != RATE_ADMINISTRATOR
    ranked = rows.sort("rate", "observation_date", is_second_hand, "source")
    return ranked.unique(["rate", "observation_date"], keep="first", maintain_order=True)


def _fold_periods(
    platform: Platform, address: str, period: str, end_of: Callable[[date], date]
) -> WriteReport:
    marks = _due_marks(platform, address)
    if marks.is_empty():
        return WriteReport()
    start, last = _span(marks)
    days = daily_of_both_families(platform, marks.get_column("subject").unique(), start, end_of(last))
    candles = _or_empty(
        address, days, lambda rows: fold_period_candles(rows, _sessions(platform, rows), period)
    )
    return _replace(
        platform, address, _of_scopes(candles, marks, "instrument_id", "period_start_date"), marks
    )


def daily_of_both_families(
    platform: Platform, subjects: pl.Series | None = None, start: date | None = None, end: date | None = None
) -> pl.DataFrame:
    """Return daily candles in [start, end): folded from minutes, and from the providers' own daily bars."""
    candles = read_interval(platform, "market.candles", "1d", start, end, subjects)
    bars = choose_sources(platform.store.read(table("market.bars_1d"), start, end, subjects))
    own = _or_empty("market.candles", bars, lambda rows: daily_candles(rows, _sessions(platform, rows)))
    return pl.concat([candles, own])


def read_interval(
    platform: Platform,
    address: str,
    interval: str,
    start: date | None = None,
    end: date | None = None,
    subjects: pl.Series | None = None,
) -> pl.DataFrame:
    """Return the rows of one interval with session dates in [start, end): the server sends no others."""
    where = sql.SQL("interval = {}").format(sql.Literal(interval))
    return platform.store.read(table(address), start, end, subjects, where)


def _sessions(platform: Platform, rows: pl.DataFrame) -> pl.DataFrame:
    return platform.sessions_of(rows.get_column("instrument_id"))


def _or_empty(
    address: str, rows: pl.DataFrame, derive: Callable[[pl.DataFrame], pl.DataFrame]
) -> pl.DataFrame:
    """Derive, unless there is nothing to derive from."""
    target = table(address)
    return empty(target) if rows.is_empty() else conform(derive(rows), target)


def _replace(platform: Platform, address: str, rows: pl.DataFrame, marks: pl.DataFrame) -> WriteReport:
    target = table(address)
    ordered = conform(rows, target).sort(list(target.business_key))
    report = platform.store.replace(target, ordered, list(marks.select(PAIR).iter_rows()), marks)
    platform.lake.publish(platform.store, address)
    return report


def _of_scopes(rows: pl.DataFrame, marks: pl.DataFrame, subject: str, day: str) -> pl.DataFrame:
    return rows.join(marks, left_on=[subject, day], right_on=PAIR, how="semi", maintain_order="left")


def _span(marks: pl.DataFrame) -> tuple[date, date]:
    days = marks.get_column("scope_date")
    first, last = days.min(), days.max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    return first, last
