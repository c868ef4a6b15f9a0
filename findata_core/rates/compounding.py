"""Compounding of overnight fixings between any two days.

What belongs here: growth over a window by the rule of the New York Fed (docs/rates.md), and when it can't be
known; the rate that such a window has in arrears. What does not: which windows are published (sofr.py) and which
days need a fixing (closures.py).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from findata_core.rates.closures import certain_business_days

YEAR_DAYS = 360  # ACT/360


@dataclass(frozen=True)
class Growth:
    """What one unit becomes over a window, from how many fixings; or why that is not known."""

    factor: float | None
    fixing_count: int
    ingest_time: datetime | None
    reason: str | None = None


@dataclass(frozen=True)
class Fixings:
    """Fixings in order of date, and the business days without one.

    `compounded[k]` is what a unit invested on the first date has become on `dates[k]`.
    """

    dates: list[date]
    rates: list[float]
    ingest_times: list[datetime]
    compounded: list[float]
    missing: list[date]

    def growth(self, start: date, end: date) -> Growth:
        """Compound from `start`, inclusive, to `end`, exclusive."""
        first, last = bisect_right(self.dates, start) - 1, bisect_left(self.dates, end) - 1
        count = max(last - max(first, 0) + 1, 0)
        known = max(self.ingest_times[max(first, 0) : last + 1], default=None)
        if first < 0:
            return Growth(None, count, known, self._begins_too_early())
        absent = self.first_missing(self.dates[first], end)
        if absent is not None:
            return Growth(None, count, known, f"the business day {absent} has no fixing")
        return Growth(self._factor(first, last, start, end), count, known)

    def first_missing(self, after: date, before: date) -> date | None:
        """Return the first business day without a fixing between two days, both exclusive."""
        between = self.missing[bisect_right(self.missing, after) : bisect_left(self.missing, before)]
        return between[0] if between else None

    def _factor(self, first: int, last: int, start: date, end: date) -> float:
        """The rate in force on `start` may be of a day before it: only its days from `start` on count."""
        if last <= first:
            return self._simple(first, start, end)
        head = self._simple(first, start, self.dates[first + 1])
        body = self.compounded[last] / self.compounded[first + 1]
        return head * body * self._simple(last, self.dates[last], end)

    def _simple(self, position: int, start: date, end: date) -> float:
        return 1 + self.rates[position] / 100 * (end - start).days / YEAR_DAYS

    def ingest_time_of(self, day: date) -> datetime | None:
        """Return the knowledge time of the day's own fixing."""
        position = bisect_left(self.dates, day)
        return self.ingest_times[position] if self.dates[position : position + 1] == [day] else None

    def _begins_too_early(self) -> str:
        return (
            f"the window begins before the first fixing, {self.dates[0]}"
            if self.dates
            else "no fixing is known"
        )


def fixings_in(rates: pl.DataFrame, business_days: Iterable[date] = (), until: date | None = None) -> Fixings:
    """Return the fixings of one rate, from rows of rates.rates sorted by date.

    `business_days`: days that must have one besides those of which that is certain; these reach to the last of
    them, or to `until`, exclusive.
    """
    dates = rates.get_column("observation_date").to_list()
    values, times = rates.get_column("rate_percent").to_list(), rates.get_column("ingest_time").to_list()
    days = {*dates, *business_days}
    last = max([*days, *([until - timedelta(days=1)] if until else [])], default=date.min)
    certain = certain_business_days(dates[0], last) if dates else []
    return fixings_of(dates, values, times, {*days, *certain})


def fixings_of(
    dates: list[date], rates: list[float], ingest_times: list[datetime], business_days: set[date]
) -> Fixings:
    """Return fixings, given in order of date, and the business days that lack one."""
    compounded = [1.0]
    for rate, day, following in zip(rates, dates, dates[1:], strict=False):
        compounded.append(compounded[-1] * (1 + rate / 100 * (following - day).days / YEAR_DAYS))
    return Fixings(dates, rates, ingest_times, compounded, sorted(business_days - {*dates}))


def latest(*times: datetime | None) -> datetime | None:
    """Return the latest of the times that are known."""
    return max((time for time in times if time is not None), default=None)
