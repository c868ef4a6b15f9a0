"""Which days of a rate are asked for again: the newest, which may still be revised, and those never answered.

What belongs here: dates. What does not: requests (findata_assets/steps/live.py), business days (closures.py).
"""

from collections.abc import Collection, Iterator
from datetime import date, timedelta

from findata_core.rates.closures import certain_business_days

DAY = timedelta(days=1)
# A revision comes on the day of publication. A week costs one request all the same, and hears it whatever the long
# weekend, and after days without a run.
ASKED_AGAIN = timedelta(days=7)
# Nobody has closed a week without a fixing: so many business days in a row that lack one were never answered.
NEVER_ANSWERED_DAYS = 5


def spans_to_ask(known: Collection[date], first: date, today: date) -> list[tuple[date, date]]:
    """Return the spans [start, end) to ask for, oldest first: what was never answered, and what may be revised.

    `known`: days with a figure of the source; `first`: the first day that it has one of.
    """
    if not known:
        return [(first, today + DAY)]
    latest = max(known)
    newest = (max(first, latest - ASKED_AGAIN), max(today, latest) + DAY)
    # What lies in the newest as a whole is asked for with it.
    return [*(span for span in never_answered(known, first, latest) if span[0] < newest[0]), newest]


def never_answered(known: Collection[date], first: date, latest: date) -> Iterator[tuple[date, date]]:
    """Yield the spans of business days in a row without a figure, where they are too many for a closure."""
    days, run = set(known), list[date]()
    for day in [*certain_business_days(first, latest), latest + DAY]:
        if day not in days and day <= latest:
            run.append(day)
            continue
        if len(run) >= NEVER_ANSWERED_DAYS:
            yield run[0], run[-1] + DAY
        run = []


def windows(start: date, end: date, widest: timedelta) -> Iterator[tuple[date, date]]:
    """Cut a span [start, end) into windows that are no wider than one request may be, oldest first."""
    while start < end:
        stop = min(start + widest, end)
        yield start, stop
        start = stop
