"""How many requests a provider allows, and when the next one is free: arithmetic without a clock.

A second's or minute's limit is a leaky bucket that holds one request and leaks `requests` of them a window: they
are spaced evenly, because a bucket of several would let through up to twice the limit in one window. A day's
limit counts the requests of the provider's own calendar day.

A window is kept until it is over and never moves back, so a clock that steps back gives nothing again, and one
that steps forward gives one window's worth at most, however far it steps.

What belongs here: limits, their spelling, and the next free instant. What does not: where what is spent is kept
(findata_resources/stores/quotas.py), who waits (findata_assets/steps/patience.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

# Windows that a leaky bucket serves, and how long they are. Sorted by width.
BUCKET_WINDOWS: Mapping[str, timedelta] = {"second": timedelta(seconds=1), "minute": timedelta(minutes=1)}
DAY = "day"
NO_LIMIT = "none"
# More is a slip of the keyboard: who wants no limit says so. It also fits the books' integers.
MOST_REQUESTS = 1_000_000_000
_MICROSECOND = timedelta(microseconds=1)
_SPELLING = re.compile(r"(\d+)/(second|minute|day)")


@dataclass(frozen=True)
class Limit:
    """So many requests in a window ("second", "minute", "day"); a day begins at midnight in `zone`."""

    requests: int
    window: str
    zone: str = "UTC"

    def __post_init__(self) -> None:
        """Refuse what would allow nothing, hold back nobody, or is no window."""
        if self.requests < 1:
            raise ValueError(f"a limit of {self.requests} requests allows nothing; it must be 1 or more")
        if self.requests > MOST_REQUESTS:
            raise ValueError(f"more than {MOST_REQUESTS:,} requests is no limit; write {NO_LIMIT}")
        if self.window != DAY and self.window not in BUCKET_WINDOWS:
            raise ValueError(f"'{self.window}' is no window; use second, minute or day")

    @property
    def capacity(self) -> int:
        """Requests that may be made in one window of `Spent`."""
        return self.requests if self.window == DAY else 1


@dataclass(frozen=True)
class Spent:
    """What is used of a limit in the window [start_time, end_time)."""

    start_time: datetime
    end_time: datetime
    used: int


# Before the first request: a window that is over.
NOTHING_SPENT = Spent(datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC), 0)


def next_free(limit: Limit, spent: Spent, now: datetime) -> datetime:
    """Return the instant from which a request is free: `now`, or when a window begins or is over."""
    if now >= spent.end_time:
        return now
    # Where the clock was further once, what is left belongs to the window that it showed then.
    return max(now, spent.start_time) if spent.used < limit.capacity else spent.end_time


def spend(limit: Limit, spent: Spent, now: datetime) -> Spent:
    """Return what is spent after one more request; the caller has asked `next_free`."""
    if now < spent.end_time:
        return replace(spent, used=spent.used + 1)
    return Spent(*_window_of(limit, now), 1)


def used_up(limit: Limit, spent: Spent) -> Spent:
    """Return what is spent where the provider says that nothing is left of it: others may have used it too.

    Of the window that the last request was granted in: when it is over, the provider is asked again.
    """
    return replace(spent, used=max(spent.used, limit.capacity))


def earliest_end(
    limits: Sequence[Limit], spent: Mapping[str, Spent], requests: int, now: datetime
) -> datetime:
    """Return the instant from which the last of so many requests is free, if each is made as soon as it is.

    `spent`: by window, what was used before; a window that it does not name is unused.
    """
    if requests < 1:
        return now
    ends = (_last_free(limit, spent.get(limit.window, NOTHING_SPENT), requests, now) for limit in limits)
    return max(ends, default=now)


def _last_free(limit: Limit, spent: Spent, requests: int, now: datetime) -> datetime:
    if limit.window != DAY:
        return next_free(limit, spent, now) + (requests - 1) * BUCKET_WINDOWS[limit.window] / limit.requests
    today = spent if now < spent.end_time else Spent(*_window_of(limit, now), 0)
    later = requests - max(0, limit.requests - today.used)
    if later <= 0:
        return next_free(limit, today, now)
    midnight = today.end_time.astimezone(ZoneInfo(limit.zone))
    return (midnight + timedelta(days=(later - 1) // limit.requests)).astimezone(UTC)


def parse_limits(text: str) -> dict[str, tuple[Limit, ...]]:
    """Return the limits that "yahoo=24/minute,alphavantage=1/second+25/day" names; ValueError says what is wrong.

    "yahoo=none" takes all limits away, for a mirror of one's own.
    """
    found: dict[str, tuple[Limit, ...]] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        provider, separator, spelled = (part.strip() for part in entry.partition("="))
        if not separator or not provider or provider in found:
            raise ValueError(f"'{entry}' does not name each provider once, as in yahoo=24/minute")
        found[provider] = () if spelled == NO_LIMIT else tuple(_limits(spelled.split("+")))
    return found


def with_zones(limits: Sequence[Limit], declared: Sequence[Limit]) -> tuple[Limit, ...]:
    """Return limits whose days begin where those that the provider declares do."""
    zone = next((limit.zone for limit in declared if limit.window == DAY), "UTC")
    return tuple(replace(limit, zone=zone) if limit.window == DAY else limit for limit in limits)


def _limits(spellings: Sequence[str]) -> list[Limit]:
    limits = []
    for spelling in spellings:
        match = _SPELLING.fullmatch(spelling.strip())
        if match is None:
            raise ValueError(
                f"'{spelling}' is no limit; write requests/window as in 24/minute, 1/second+25/day, or none"
            )
        limits.append(Limit(int(match[1]), match[2]))
    if len({limit.window for limit in limits}) < len(limits):
        raise ValueError(f"'{'+'.join(spellings)}' limits one window twice")
    return limits


def _window_of(limit: Limit, now: datetime) -> tuple[datetime, datetime]:
    """Return the window that a request at `now` opens, ends in UTC."""
    if limit.window in BUCKET_WINDOWS:
        # Rounded up: a microsecond too few between requests would be one too many in some window.
        return now, now + -(-BUCKET_WINDOWS[limit.window] // (limit.requests * _MICROSECOND)) * _MICROSECOND
    zone = ZoneInfo(limit.zone)
    day = now.astimezone(zone).date()
    midnights = (datetime.combine(day + timedelta(days=n), time(), zone) for n in (0, 1))
    start, end = (midnight.astimezone(UTC) for midnight in midnights)
    return start, end
