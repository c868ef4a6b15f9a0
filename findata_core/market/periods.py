"""Weeks and months: frames of market.weekly_candles and market.monthly_candles from daily candles.

What belongs here: which sessions a period has and the fold of its daily candles. What does not: candles
inside a session (candles), levels and signals of a period (signals).

A week is the ISO 8601 week, Monday to Sunday, of session dates, so a New-Year week stays whole; a month
is the calendar month of session dates. Each is folded from sessions by itself: a week crosses months.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from findata_core.errors import UnknownInterval
from findata_core.intervals import PERIOD_INTERVALS
from findata_core.market.choosing import ADJUSTMENT_ORDER
from findata_core.market.scales import on_one_scale
from findata_core.market.session_days import rows_of_days, span_of
from findata_core.schema.runs import is_of_one, row_places, rows_at, rows_where, starts
from findata_core.schema.tables import table

PERIOD_CANDLES = table("market.weekly_candles")
SERIES = ("instrument_id", "source_interval", "period_start_date")

# A place is an exchange and a day as one number: no day has more than 32 bits.
DAYS_OF_A_VENUE = 2**32
NO_MIC, UNKNOWN_MIC = -1, -2
UNKNOWN_PLACE = np.iinfo(np.int64).max

Days = npt.NDArray[np.datetime64]
Int64s = npt.NDArray[np.int64]


def period_bounds(first: date, last: date, period: str) -> tuple[date, date]:
    """First and last calendar day, both inclusive, of the whole periods that touch `first` to `last`."""
    starts = _starts(np.array([first, last], dtype="datetime64[D]"), period)
    return starts[0].item(), _ends(starts, period)[1].item()


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
    daily = rows_where(candles, candles.get_column("interval") == "1d")
    touched = span_of(daily.get_column("session_date"))
    sessions = rows_of_days(sessions, touched and period_bounds(*touched, period))
    calendar = _Calendar.of(sessions, period)
    counted = _of_one_basis(_placed(daily, calendar, period))
    counted = on_one_scale(counted, splits, sessions, SERIES)
    rows = _folded(counted, calendar, period)
    columns = [
        c.name for c in PERIOD_CANDLES.columns if c.name != "ingest_time" or "ingest_time" in candles.columns
    ]
    return rows[columns]


def on_one_scale_of_periods(
    days: pl.DataFrame, splits: pl.DataFrame, sessions: pl.DataFrame, period: str
) -> pl.DataFrame:
    """Return daily candles as their periods fold them: those of one period on one scale."""
    starts = _starts(days.get_column("session_date").to_numpy(), period)
    placed = days.hstack([_dates("period_start_date", starts)])
    return on_one_scale(placed, splits, sessions, SERIES).drop("period_start_date")


def _starts(days: Days, period: str) -> Days:
    """First day of each day's period: Monday, or the first of the month."""
    if period not in PERIOD_INTERVALS:
        raise UnknownInterval(
            f"{period!r} is not a period of sessions", f"use one of {', '.join(PERIOD_INTERVALS)}"
        )
    if period == "1mo":
        return days.astype("datetime64[M]").astype("datetime64[D]")
    return days - (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday


def _ends(starts: Days, period: str) -> Days:
    """Last day of periods."""
    if period == "1mo":
        return (starts.astype("datetime64[M]") + 1).astype("datetime64[D]") - 1
    return starts + 6


def _dates(name: str, days: Days) -> pl.Series:
    return pl.Series(name, days.astype(np.int64).astype(np.int32)).cast(pl.Date)


@dataclass(frozen=True)
class _Calendar:
    """Sessions of whole periods: the place of each, and what each exchange's period expects, by its place."""

    venues: dict[str, int]
    sessions: Int64s
    periods: Int64s
    expected: pl.DataFrame

    @classmethod
    def of(cls, sessions: pl.DataFrame, period: str) -> _Calendar:
        mics = sessions.get_column("mic")
        firsts = starts(sessions, ["mic"])
        names = mics[row_places(firsts)].to_list()
        venues = {mic: number for number, mic in enumerate(dict.fromkeys(names)) if mic is not None}
        venue = _repeated([venues.get(mic, NO_MIC) for mic in names], firsts, len(mics))
        days = sessions.get_column("session_date").to_numpy()
        place = pl.Series("place", _places(venue, _starts(days, period)))
        expected = sessions.hstack([place]).group_by("place", maintain_order=True).agg(_expected())
        return cls(venues, np.sort(_places(venue, days)), expected.get_column("place").to_numpy(), expected)

    def venue_of(self, instrument_id: str | None) -> int:
        """Number of the exchange of an instrument: symbol.MIC."""
        _, dot, mic = (instrument_id or "").rpartition(".")
        return self.venues.get(mic, UNKNOWN_MIC) if dot else UNKNOWN_MIC

    def known(self, places: Int64s) -> Int64s:
        """Positions of those places that are a session's."""
        sessions = np.append(UNKNOWN_PLACE, self.sessions)
        return np.flatnonzero(sessions[self.sessions.searchsorted(places, side="right")] == places)

    def expected_at(self, places: Int64s) -> pl.DataFrame:
        """What the periods at these places expect, all of which there are."""
        order = np.argsort(self.periods)
        return rows_at(self.expected, order[np.searchsorted(self.periods, places, sorter=order)])


def _places(venue: Int64s, days: Days) -> Int64s:
    return venue * DAYS_OF_A_VENUE + days.astype(np.int64)


def _repeated(numbers: list[int], firsts: Int64s, count: int) -> Int64s:
    """The number of each run of rows for each of its rows."""
    return np.repeat(np.array(numbers, dtype=np.int64), np.diff(firsts, append=count))


def _expected() -> list[pl.Expr]:
    return [
        pl.col("open_time").min().alias("event_time"),
        pl.col("close_time").max().alias("available_time"),
        pl.len().cast(pl.Int32).alias("expected_sessions"),
        pl.col("trading_minutes").sum().cast(pl.Int32).alias("expected_minutes"),
    ]


def _placed(daily: pl.DataFrame, calendar: _Calendar, period: str) -> pl.DataFrame:
    """Candles of the calendar's sessions by SERIES and time, with period_start_date and the place of their period."""
    series, instruments = _series_of(daily)
    venue = np.array([calendar.venue_of(name) for name in instruments], dtype=np.int64)[series]
    days = daily.get_column("session_date").to_numpy()
    starts = _starts(days, period)
    known = calendar.known(_places(venue, days))
    times = daily.get_column("event_time").to_numpy()
    order = np.lexsort((times[known], _places(series, starts)[known]))
    place = pl.Series("place", _places(venue, starts))
    return rows_at(daily.hstack([_dates("period_start_date", starts), place]), known[order])


def _series_of(daily: pl.DataFrame) -> tuple[Int64s, list[str | None]]:
    """The series of each candle, numbered in their order, nulls first; and the instrument of each series."""
    columns = daily[list(SERIES[:2])]
    firsts = starts(columns, columns.columns)
    runs = rows_at(columns, firsts).rows()
    ordered = sorted(set(runs), key=lambda run: [(text is not None, text or "") for text in run])
    numbers = {run: number for number, run in enumerate(ordered)}
    return _repeated([numbers[run] for run in runs], firsts, daily.height), [name for name, _ in ordered]


def _of_one_basis(candles: pl.DataFrame) -> pl.DataFrame:
    """Candles, sorted by SERIES, of each period's first basis."""
    basis = candles.get_column("adjustment")
    if is_of_one(basis):
        return candles
    ranks = {name: rank for rank, name in enumerate(ADJUSTMENT_ORDER)}
    rank = basis.replace_strict(ranks, default=len(ranks), return_dtype=pl.Int64).to_numpy()
    firsts = _period_starts(candles)
    best = np.repeat(np.minimum.reduceat(rank, firsts), np.diff(firsts, append=len(rank)))
    return rows_at(candles, np.flatnonzero(rank == best))


def _period_starts(candles: pl.DataFrame) -> Int64s:
    return starts(candles, SERIES)


def _folded(candles: pl.DataFrame, calendar: _Calendar, period: str) -> pl.DataFrame:
    """The fold of candles that are sorted by SERIES, a row for each period, beside what was expected of it."""
    firsts = _period_starts(candles)
    number = pl.Series("number", _repeated(list(range(len(firsts))), firsts, candles.height))
    folded = candles.hstack([number]).group_by("number", maintain_order=True).agg(_fold(candles))
    head = rows_at(candles[[*SERIES, "place"]], firsts)
    expected = calendar.expected_at(head.get_column("place").to_numpy())
    has_every_one = folded.get_column("present_sessions") == expected.get_column("expected_sessions")
    return head.hstack(
        [
            *folded.get_columns(),
            *expected.get_columns()[1:],
            _dates("period_end_date", _ends(head.get_column("period_start_date").to_numpy(), period)),
            pl.Series("interval", [period], pl.String).new_from_index(0, head.height),
            (folded.get_column("is_every_one_complete") & has_every_one).alias("is_complete"),
        ]
    )


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
