"""Deriving tables from tables: each step derives the scopes that are due, and replaces them.

A scope is replaced as a whole; one that comes out the same is not touched. What is derived from what is in
derivations.
"""

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl

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
from findata_core.schema.frames import conform
from findata_core.schema.tables import table
from findata_resources.stores import due
from findata_resources.stores.reports import WriteReport

DAY = timedelta(days=1)
PAIR = ["subject", "scope_date"]


def fold_candles(platform: Platform, start: date | None = None, end: date | None = None) -> WriteReport:
    """Fold the session candles that are due, a session at a time."""
    marks = _due_marks(platform, "market.candles", start, end)
    report = WriteReport()
    for (day,), session in marks.group_by(["scope_date"], maintain_order=True):
        assert isinstance(day, date)
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
    marks = _due_marks(platform, "signals.weekly_pivots")
    if marks.is_empty():
        return WriteReport()
    start, last = _span(marks)
    pivots = pivots_of_weeks(platform, start, last + DAY, marks.get_column("subject").unique())
    due_pivots = _of_scopes(pivots, marks, "instrument_id", "window_start_date")
    return _replace(platform, "signals.weekly_pivots", due_pivots, marks)


def derive_signals(platform: Platform, start: date | None = None, end: date | None = None) -> WriteReport:
    """Derive the signals of the sessions that are due, a week at a time."""
    marks = _due_marks(platform, "signals.pivot_signals", start, end)
    report = WriteReport()
    for _, week in marks.group_by(pl.col("scope_date").dt.truncate("1w"), maintain_order=True):
        days = week.get_column("scope_date").unique().to_list()
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
    marks = _due_marks(platform, address)
    if marks.is_empty():
        return WriteReport()
    return _replace(platform, address, derive(platform, marks.get_column("subject")), marks)


def _due_marks(
    platform: Platform, address: str, start: date | None = None, end: date | None = None
) -> pl.DataFrame:
    """Return what is due; first publish what an interrupted run has committed and not published."""
    platform.lake.publish(platform.store, address)
    return due.due_scopes(platform.store.database, address, start, end)


def _fold_periods(platform: Platform, address: str) -> WriteReport:
    marks = _due_marks(platform, address)
    if marks.is_empty():
        return WriteReport()
    start, last = _span(marks)
    candles = period_candles(platform, address, start, last + DAY, marks.get_column("subject").unique())
    return _replace(
        platform, address, _of_scopes(candles, marks, "instrument_id", "period_start_date"), marks
    )


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
