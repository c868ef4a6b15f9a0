"""The catalogue of intervals: the widths that bars and candles come in.

What belongs here: names, widths and the error for a name that is not one. What does not: where an
interval starts, which depends on the exchange's session (calendars, market.candles).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from findata_core.errors import UnknownInterval

MICROSECONDS_PER_MINUTE = 60_000_000


@dataclass(frozen=True)
class Interval:
    """A width; `minutes` is None where a session, a week or a month decides it."""

    name: str
    minutes: int | None
    meaning: str


# Shortest first. A width of 4h is folded here and never asked from a provider.
INTERVALS: Mapping[str, Interval] = {
    interval.name: interval
    for interval in (
        Interval("1m", 1, "one minute"),
        Interval("2m", 2, "two minutes"),
        Interval("5m", 5, "five minutes"),
        Interval("15m", 15, "a quarter of an hour"),
        Interval("30m", 30, "half an hour"),
        Interval("1h", 60, "one hour"),
        Interval("4h", 240, "four hours"),
        Interval("1d", None, "one session of the exchange, its break included"),
        Interval("1w", None, "the sessions of an ISO 8601 week, Monday to Sunday"),
        Interval("1mo", None, "the sessions of a calendar month"),
    )
}

BAR_INTERVALS = ("1m", "2m", "5m", "15m", "30m", "1h", "1d")
CANDLE_INTERVALS = ("5m", "15m", "30m", "1h", "4h", "1d")
PERIOD_INTERVALS = ("1w", "1mo")


def interval_of(name: str) -> Interval:
    """The interval with this name; UnknownInterval names the nearest ones where there is none."""
    if name in INTERVALS:
        return INTERVALS[name]
    near = get_close_matches(name, INTERVALS, n=3, cutoff=0.3) or list(INTERVALS)
    raise UnknownInterval(f"There is no interval {name!r}", f"use one of {', '.join(near)}")


def width_minutes(name: str) -> int:
    """Minutes of an interval of fixed width; UnknownInterval for 1d, 1w and 1mo, which have none."""
    minutes = interval_of(name).minutes
    if minutes is None:
        fixed = [interval.name for interval in INTERVALS.values() if interval.minutes is not None]
        raise UnknownInterval(f"The interval {name!r} has no fixed width", f"use one of {', '.join(fixed)}")
    return minutes
