"""Marks of what is due, in the order of their dates: cut into days, weeks, months or years, and what they span.

What belongs here: cutting. What does not: reading marks and clearing them (findata_resources/stores/due.py).
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import groupby

import polars as pl

PAIR = ["subject", "scope_date"]


def day_of(day: date) -> date:
    """Return the day itself."""
    return day


def week_of(day: date) -> date:
    """Return the Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def month_of(day: date) -> date:
    """Return the first of a day's month."""
    return day.replace(day=1)


def year_of(day: date) -> date:
    """Return the first of January of a day's year."""
    return day.replace(month=1, day=1)


def parts(marks: pl.DataFrame, period_of: Callable[[date], date]) -> Iterator[pl.DataFrame]:
    """Cut marks, which are sorted by scope_date, into those of a period each."""
    first = 0
    for _, days in groupby(marks.get_column("scope_date").to_list(), period_of):
        count = len(list(days))
        yield marks.slice(first, count)
        first += count


def span(marks: pl.DataFrame) -> tuple[date, date]:
    """Return the first and the last scope date of marks, of which there is one at least."""
    days = marks.get_column("scope_date")
    first, last = days.min(), days.max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    return first, last


def pairs(marks: pl.DataFrame) -> list[tuple[str, date]]:
    """Return the (subject, scope_date) of each mark."""
    return list(zip(*(marks.get_column(name).to_list() for name in PAIR), strict=True))
