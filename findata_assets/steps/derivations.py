"""What derived tables are made of: each function reads its inputs and calls one pure function.

What belongs here: the same derivation for what is stored now and for what was known at an instant (Reads).
What does not: what is due, and writing it (derived).
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Protocol

import polars as pl

from findata_core.economic.vintages import revisions
from findata_core.market.candles import daily_candles, fold_session_candles
from findata_core.market.choosing import choose_sources
from findata_core.market.periods import fold_period_candles
from findata_core.market.releases import with_received_times
from findata_core.rates.disagreements import calendar_disagreements
from findata_core.rates.preferring import merged_averages, preferred_fixings
from findata_core.rates.sofr import recompute_averages
from findata_core.reference.securities import identify
from findata_core.schema.frames import conform, empty
from findata_core.schema.tables import table
from findata_core.signals.pivot_signals import pivot_signals
from findata_core.signals.pivots import weekly_pivots

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
FEW_SUBJECTS = 4
SOURCE_INTERVAL = "1m"  # intraday candles are folded from minutes
SIGNAL_INTERVAL = "5m"  # and levels are watched on these
PERIODS = {"market.weekly_candles": "1w", "market.monthly_candles": "1mo"}


class Reads(Protocol):
    """Tables as they stand, or as they stood."""

    def read(
        self,
        address: str,
        start: date | None = None,
        end: date | None = None,
        subjects: pl.Series | None = None,
        interval: str | None = None,
        *,
        are_few: bool = False,
    ) -> pl.DataFrame:
        """Return rows with scope dates in [start, end) of some subjects and one interval (default: all).

        `are_few`: the caller knows of some dozens at most, which come a quicker way.
        """
        ...

    def closed(self, address: str) -> pl.DataFrame:
        """Return the closed versions of a table of facts, with superseded_time."""
        ...

    def sessions_of(self, instrument_ids: pl.Series) -> pl.DataFrame:
        """Return the sessions of the exchanges that some instruments trade on."""
        ...

    def released(self, instrument_ids: pl.Series) -> pl.DataFrame:
        """Return what was held at first of instruments' prices and then released, in RELEASED_SCHEMA."""
        ...


def session_candles(
    reads: Reads, start: date | None, end: date | None, subjects: pl.Series | None
) -> pl.DataFrame:
    """Return the candles of sessions in [start, end), folded from minutes."""
    bars = choose_sources(reads.read("market.bars", start, end, subjects, SOURCE_INTERVAL))
    return _or_empty("market.candles", bars, lambda rows: fold_session_candles(rows, _sessions(reads, rows)))


def period_candles(
    reads: Reads, address: str, start: date | None, end: date | None, subjects: pl.Series | None
) -> pl.DataFrame:
    """Return the weekly or monthly candles of periods that begin in [start, end), whole periods.

    A period that begins before `start` is left out: only its rest would be read.
    """
    period = PERIODS[address]
    reach = end and (end + WEEK if period == "1w" else (end + 31 * DAY).replace(day=1))
    days = daily_of_both_families(reads, subjects, start, reach)
    splits = splits_of(reads, subjects)
    days = as_received(reads, days, splits)
    candles = _or_empty(
        address, days, lambda rows: fold_period_candles(rows, _sessions(reads, rows), period, splits)
    )
    begins = pl.col("period_start_date")
    return candles.filter(begins >= (start or date.min), begins < (end or date.max))


def pivots_of_weeks(
    reads: Reads, start: date | None, end: date | None, subjects: pl.Series | None
) -> pl.DataFrame:
    """Return the pivots of complete weeks that begin in [start, end)."""
    weeks = reads.read("market.weekly_candles", start, end, subjects, are_few=_are_few(subjects))
    # Levels are valid in the next trading week, which a week-long holiday may push back by one.
    days = daily_of_both_families(reads, subjects, start, end and end + 3 * WEEK)
    splits = splits_of(reads, subjects)
    days = as_received(reads, days, splits)
    return _or_empty(
        "signals.weekly_pivots", weeks, lambda rows: weekly_pivots(rows, days, _sessions(reads, rows), splits)
    )


def signals_of_week(reads: Reads, days: Sequence[date], subjects: pl.Series | None) -> pl.DataFrame:
    """Return the signals of sessions of one week; crossings carry their state from Monday on."""
    monday = min(days) - min(days).weekday() * DAY
    candles = reads.read("market.candles", monday, max(days) + DAY, subjects, SIGNAL_INTERVAL)
    weeks = (monday - 2 * WEEK, monday)
    pivots = reads.read("signals.weekly_pivots", *weeks, subjects, are_few=_are_few(subjects))
    splits, sessions = splits_of(reads, subjects), _sessions(reads, candles)
    candles = as_received(reads, candles, splits)
    return pivot_signals(candles, pivots, list(days), sessions=sessions, splits=splits)


def averages_of_rates(reads: Reads, rates: pl.Series | None) -> pl.DataFrame:
    """Return the averages and the index of rates recomputed, the published ones beside them."""
    fixings = preferred_fixings(reads.read("rates.rates", subjects=rates))
    published = merged_averages(reads.read("rates.published_averages", subjects=rates))
    return recompute_averages(fixings, published)


def disagreements_of_calendars(reads: Reads, rates: pl.Series | None) -> pl.DataFrame:
    """Return the weekdays of which calendars say other than what was published of rates."""
    return calendar_disagreements(preferred_fixings(reads.read("rates.rates", subjects=rates)))


def revisions_of_series(reads: Reads, series_ids: pl.Series | None) -> pl.DataFrame:
    """Return every change of the observations of series, with its realtime bounds."""
    observations = reads.read("economic.observations", subjects=series_ids)
    return _or_empty("economic.revisions", observations, revisions)


def securities(reads: Reads, regions: pl.Series | None) -> pl.DataFrame:
    """Return the securities of regions: what all sources say of names, joined."""
    return identify(reads.read("reference.listings", subjects=regions), _first_times(reads)).securities


def names_of_securities(reads: Reads, regions: pl.Series | None) -> pl.DataFrame:
    """Return the names of the securities of regions."""
    return identify(reads.read("reference.listings", subjects=regions), _first_times(reads)).names


def _first_times(reads: Reads) -> pl.DataFrame:
    """Return when each name was said first, of those of which a version is closed: an identifier goes by it.

    To be read after the names: a version that is closed in between is then in both, which says the same time.
    """
    closed = reads.closed("reference.listings")
    key = list(table("reference.listings").business_key)
    return closed.group_by(key).agg(pl.col("ingest_time").min().alias("first_time"))


def splits_of(reads: Reads, subjects: pl.Series | None = None) -> pl.DataFrame:
    """Return the splits of instruments, of all sources."""
    return reads.read("reference.splits", subjects=subjects, are_few=_are_few(subjects))


def as_received(reads: Reads, rows: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """Return candles with their received_time where it may matter: beside splits, of what was held at first."""
    if rows.is_empty() or splits.is_empty():
        return rows
    return with_received_times(rows, reads.released(splits.get_column("instrument_id")))


def daily_of_both_families(
    reads: Reads, subjects: pl.Series | None = None, start: date | None = None, end: date | None = None
) -> pl.DataFrame:
    """Return daily candles in [start, end): folded from minutes, and from the providers' own daily bars."""
    are_few = bool(start and end) and _are_few(subjects)
    candles = reads.read("market.candles", start, end, subjects, "1d", are_few=are_few)
    bars = choose_sources(reads.read("market.bars_1d", start, end, subjects, are_few=are_few))
    own = _or_empty("market.candles", bars, lambda rows: daily_candles(rows, _sessions(reads, rows)))
    return pl.concat([candles, own])


def _are_few(subjects: pl.Series | None) -> bool:
    """Whether what there is once a day or less often of some subjects, in weeks, is little."""
    return subjects is not None and len(subjects) <= FEW_SUBJECTS


def _sessions(reads: Reads, rows: pl.DataFrame) -> pl.DataFrame:
    return reads.sessions_of(rows.get_column("instrument_id"))


def _or_empty(
    address: str, rows: pl.DataFrame, derive: Callable[[pl.DataFrame], pl.DataFrame]
) -> pl.DataFrame:
    """Derive, unless there is nothing to derive from."""
    target = table(address)
    return empty(target) if rows.is_empty() else conform(derive(rows), target)
