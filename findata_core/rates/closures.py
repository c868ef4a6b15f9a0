"""Days on which US government securities trade for certain, so that a fixing must exist.

Observed publications are the truth: a closure is only ever supposed here, never asserted, and each holiday
is taken generously (a Saturday holiday may or may not be kept on the Friday before). What is left are
weekdays that no known closure explains. The market follows SIFMA's recommendations, not NYSE's calendar:
it closes on Columbus and Veterans Day. Checked against the SOFR fixings of 2018-04-03 to 2026-07-22.
"""

from collections.abc import Iterator
from datetime import date, timedelta

MONDAY, THURSDAY, SATURDAY = 0, 3, 5
JUNETEENTH_SINCE = 2022  # Juneteenth became a federal holiday on 2021-06-17; SOFR was fixed on 2021-06-18
# Closures outside the yearly pattern, reviewed one by one; add a day here when one is announced.
REVIEWED_CLOSURES = {date(2018, 12, 5): "national day of mourning: no SOFR was fixed"}


def certain_business_days(first: date, last: date) -> list[date]:
    """Return the weekdays from `first` to `last`, both inclusive, that no known closure explains."""
    closed = possible_closures(first, last)
    days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    return [day for day in days if day.weekday() < SATURDAY and day not in closed]


def certain_closure(day: date) -> str | None:
    """Return why no US government security trades on a day for certain; None where it may, or does.

    A holiday that falls on a Saturday may or may not be kept on Friday, and some Good Fridays are half days.
    """
    if day.weekday() >= SATURDAY:
        return "a weekend"
    name = possible_closures(day, day).get(day)
    is_doubtful = name is None or name.startswith("the Friday before") or name == "Good Friday"
    return None if is_doubtful else name


def possible_closures(first: date, last: date) -> dict[date, str]:
    """Return the days on which the market may be closed, weekends aside, and why; those of whole years."""
    years = range(first.year, last.year + 2)
    return {day: name for year in years for day, name in _holidays(year)} | REVIEWED_CLOSURES


def _holidays(year: int) -> Iterator[tuple[date, str]]:
    """Yield the weekdays on which holidays may be kept (5 U.S.C. 6103, and Good Friday), and their names."""
    yield _observed(date(year, 1, 1), "New Year's Day")
    if year >= JUNETEENTH_SINCE:
        yield _observed(date(year, 6, 19), "Juneteenth")
    yield _observed(date(year, 7, 4), "Independence Day")
    yield _observed(date(year, 11, 11), "Veterans Day")
    yield _observed(date(year, 12, 25), "Christmas Day")
    yield _nth(year, 1, MONDAY, 3), "Martin Luther King Jr. Day"
    yield _nth(year, 2, MONDAY, 3), "Washington's Birthday"
    yield _nth(year, 6, MONDAY, 1) - timedelta(days=7), "Memorial Day"  # the last Monday of May
    yield _nth(year, 9, MONDAY, 1), "Labor Day"
    yield _nth(year, 10, MONDAY, 2), "Columbus Day"
    yield _nth(year, 11, THURSDAY, 4), "Thanksgiving Day"
    yield easter_sunday(year) - timedelta(days=2), "Good Friday"


def _observed(day: date, name: str) -> tuple[date, str]:
    """Return Friday for a Saturday, Monday for a Sunday, and how the day is called there."""
    moved = {5: (-1, f"the Friday before {name}"), 6: (1, f"the Monday after {name}")}
    shift, called = moved.get(day.weekday(), (0, name))
    return day + timedelta(days=shift), called


def _nth(year: int, month: int, weekday: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


def easter_sunday(year: int) -> date:
    """Gregorian Easter by the algorithm of Meeus (Astronomical Algorithms, chapter 8), years after 1582."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * weekday) // 451
    month, day = divmod(h + weekday - 7 * m + 114, 31)
    return date(year, month, day + 1)
