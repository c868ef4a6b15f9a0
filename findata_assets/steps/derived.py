"""Deriving tables from tables: each step derives the scopes that are due, and replaces them.

A scope is replaced as a whole; one that comes out the same is not touched. What is derived from what is in
derivations.
"""

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl

from findata_assets.steps import marks
from findata_assets.steps.derivations import (
    Reads,
    averages_of_rates,
    disagreements_of_calendars,
    names_of_securities,
    period_candles,
    pivots_of_weeks,
    revisions_of_series,
    securities,
    session_candles,
    signals_of_week,
)
from findata_assets.steps.platform import Platform
from findata_core.schema import runs
from findata_core.schema.frames import conform
from findata_core.schema.tables import table
from findata_resources.stores import due
from findata_resources.stores.reports import WriteReport

DAY = timedelta(days=1)


def fold_candles(platform: Platform, start: date | None = None, end: date | None = None) -> WriteReport:
    """Fold the session candles that are due, a session at a time."""
    report = WriteReport()
    for session in marks.parts(_due_marks(platform, "market.candles", start, end), marks.day_of):
        day, _ = marks.span(session)
        candles = session_candles(platform, day, day + DAY, session.get_column("subject"))
        report += _replace(platform, "market.candles", candles, session)
    return report


def fold_weeks(platform: Platform) -> WriteReport:
    """Fold the weekly candles that are due."""
    return _fold_periods(platform, "market.weekly_candles")


def fold_months(platform: Platform) -> WriteReport:
    """Fold the monthly candles that are due."""
    return _fold_periods(platform, "market.monthly_candles")


def derive_pivots(platform: Platform) -> WriteReport:
    """Derive the weekly pivots that are due, from complete weeks."""
    weeks = _due_marks(platform, "signals.weekly_pivots")
    if weeks.is_empty():
        return WriteReport()
    start, last = marks.span(weeks)
    pivots = pivots_of_weeks(platform, start, last + DAY, weeks.get_column("subject").unique())
    due_pivots = _of_scopes(pivots, weeks, "instrument_id", "window_start_date")
    return _replace(platform, "signals.weekly_pivots", due_pivots, weeks)


def derive_signals(platform: Platform, start: date | None = None, end: date | None = None) -> WriteReport:
    """Derive the signals of the sessions that are due, a week at a time."""
    report = WriteReport()
    for week in marks.parts(_due_marks(platform, "signals.pivot_signals", start, end), marks.week_of):
        days = sorted(set(week.get_column("scope_date").to_list()))
        signals = signals_of_week(platform, days, week.get_column("subject").unique())
        due_signals = _of_scopes(signals, week, "instrument_id", "session_date")
        report += _replace(platform, "signals.pivot_signals", due_signals, week)
    return report


def derive_averages(platform: Platform) -> WriteReport:
    """Recompute the averages and the index of the rates that are due, the published ones beside them."""
    return _derive_whole(platform, "rates.averages", averages_of_rates)


def derive_disagreements(platform: Platform) -> WriteReport:
    """Compare calendars with the publications of the rates that are due."""
    return _derive_whole(platform, "rates.calendar_disagreements", disagreements_of_calendars)


def derive_revisions(platform: Platform) -> WriteReport:
    """Make the table of revisions of the series that are due again, from all their vintages."""
    return _derive_whole(platform, "economic.revisions", revisions_of_series)


def derive_securities(platform: Platform) -> WriteReport:
    """Tell again which names are one security, in the regions that are due."""
    return _derive_whole(platform, "reference.securities", securities)


def derive_security_symbols(platform: Platform) -> WriteReport:
    """Derive the names of the securities of the regions that are due."""
    return _derive_whole(platform, "reference.security_symbols", names_of_securities)


def _derive_whole(
    platform: Platform, address: str, derive: Callable[[Reads, pl.Series | None], pl.DataFrame]
) -> WriteReport:
    """Derive the whole histories of the subjects that are due."""
    histories = _due_marks(platform, address)
    if histories.is_empty():
        return WriteReport()
    return _replace(platform, address, derive(platform, histories.get_column("subject")), histories)


def _due_marks(
    platform: Platform, address: str, start: date | None = None, end: date | None = None
) -> pl.DataFrame:
    """Return what is due; first publish what an interrupted run has committed and not published."""
    platform.lake.publish(platform.store, address)
    return due.due_scopes(platform.store.database, address, start, end)


def _fold_periods(platform: Platform, address: str) -> WriteReport:
    periods = _due_marks(platform, address)
    if periods.is_empty():
        return WriteReport()
    start, last = marks.span(periods)
    candles = period_candles(platform, address, start, last + DAY, periods.get_column("subject").unique())
    return _replace(
        platform, address, _of_scopes(candles, periods, "instrument_id", "period_start_date"), periods
    )


def _replace(platform: Platform, address: str, rows: pl.DataFrame, answered: pl.DataFrame) -> WriteReport:
    target = table(address)
    ordered = conform(rows, target)
    if ordered.height > 1:
        ordered = ordered.sort(list(target.business_key))
    report = platform.store.replace(target, ordered, marks.pairs(answered), answered)
    platform.lake.publish(platform.store, address)
    return report


def _of_scopes(rows: pl.DataFrame, due_marks: pl.DataFrame, subject: str, day: str) -> pl.DataFrame:
    return runs.chosen(rows, runs.within(rows, [subject, day], frozenset(marks.pairs(due_marks))))
