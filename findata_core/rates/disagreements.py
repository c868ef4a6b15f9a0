"""Where calendars are wrong about a rate: the observed publication is the judge.

What belongs here: comparing what calendars say with the days that have a fixing, and why they differ. What does not:
the calendars (calendars_asked.py). Nothing is computed from a calendar that loses.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from findata_core.rates.calendars_asked import CALENDARS, AskedCalendar
from findata_core.rates.catalogue import RATES
from findata_core.rates.closures import possible_closures
from findata_core.rates.gaps import never_answered
from findata_core.schema.frames import conform, polars_schema
from findata_core.schema.tables import table

DISAGREEMENTS = "rates.calendar_disagreements"
WEEKDAYS = 5

# Days on which exchanges and rates differed for a reason that no yearly pattern has; reviewed one by one.
REVIEWED_DAYS = {
    date(2001, 9, 11): "the stock exchanges were closed after the attacks of that day",
    date(2001, 9, 12): "the stock exchanges were closed after the attacks of the 11th",
    date(2001, 9, 13): "the stock exchanges were closed after the attacks of the 11th",
    date(2001, 9, 14): "the stock exchanges were closed after the attacks of the 11th",
    date(2004, 6, 11): "the stock exchanges were closed for a national day of mourning",
    date(2007, 1, 2): "the stock exchanges were closed for a national day of mourning",
    date(2012, 10, 29): "the stock exchanges were closed for a hurricane",
    date(2012, 10, 30): "the stock exchanges were closed for a hurricane",
    date(2021, 6, 18): "Juneteenth had become a holiday on the day before",
    date(2025, 1, 9): "the stock exchanges were closed for a national day of mourning",
}


def calendar_disagreements(fixings: pl.DataFrame) -> pl.DataFrame:
    """Return, in the shape of rates.calendar_disagreements, the weekdays of which a calendar is wrong.

    `fixings`: rows of rates.rates, one a rate and day. Judged are the weekdays from a rate's first to its last fixing,
    but for stretches that were never answered.
    """
    rows: list[dict[str, Any]] = []
    for (rate,), mine in fixings.sort("observation_date").group_by(["rate"], maintain_order=True):
        if str(rate) in RATES:
            rows += _of_rate(str(rate), dict(mine.select("observation_date", "ingest_time").iter_rows()))
    frame = pl.DataFrame(rows, schema=polars_schema(table(DISAGREEMENTS)))
    return conform(frame, table(DISAGREEMENTS)).sort(table(DISAGREEMENTS).business_key)


def _of_rate(rate: str, known: dict[date, datetime]) -> Iterable[dict[str, Any]]:
    first, last = min(known), max(known)
    days = judged_days(known.keys(), first, last)
    closures = possible_closures(first, last)
    following = _known_by(days, known)
    return [
        {
            "rate": rate,
            "calendar": calendar.name,
            "observation_date": day,
            "calendar_version": calendar.version,
            "is_business_day": day not in known,
            "is_published": day in known,
            "reason": closures.get(day) or REVIEWED_DAYS.get(day),
            "ingest_time": following[day],
        }
        for calendar in CALENDARS[RATES[rate].family]
        for day in _wrong_about(calendar, days, known)
    ]


def judged_days(known: Collection[date], first: date, last: date) -> list[date]:
    """Return the weekdays from `first` to `last`, both inclusive, of which the source has told whether it published.

    Of a stretch that was never answered nothing is known, its holidays included: all between the fixings around it.
    """
    starts = [start for start, _ in never_answered(known, first, last)]
    days, judged, silent = sorted(known), list[date](), False
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        position = bisect_left(days, day)
        if days[position : position + 1] == [day]:
            silent = _is_followed_by_one_of(starts, day, days[position + 1 : position + 2])
            judged.append(day)
        elif not silent and day.weekday() < WEEKDAYS:
            judged.append(day)
    return [day for day in judged if day.weekday() < WEEKDAYS]


def _is_followed_by_one_of(starts: list[date], day: date, following: list[date]) -> bool:
    return any(day < start and (not following or start < following[0]) for start in starts)


def _wrong_about(calendar: AskedCalendar, days: list[date], known: Iterable[date]) -> list[date]:
    said, published = calendar.business_days(days[0], days[-1]), set(known)
    return [day for day in days if (day in said) != (day in published)]


def _known_by(days: list[date], known: dict[date, datetime]) -> dict[date, datetime]:
    """Return when it was known of each day: with its fixing, or with the next one after it."""
    found, following = dict[date, datetime](), known[max(known)]
    for day in reversed(days):
        following = known.get(day, following)
        found[day] = following
    return found
