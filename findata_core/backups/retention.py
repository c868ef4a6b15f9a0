"""Which backups are kept: the newest of each of the last days, weeks and months that have one.

The newest is always kept, and so is the newest that a drill has proven: a rule that removes the only one that is
known to work is worth less than its bytes.

What belongs here: the rule and its spelling. What does not: removing (findata_resources/backups/catalogue.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

_PERIODS: Mapping[str, Callable[[datetime], str]] = {
    "daily": lambda time: f"{time:%Y-%m-%d}",
    "weekly": lambda time: f"{time:%G-W%V}",  # ISO weeks: they begin on Monday
    "monthly": lambda time: f"{time:%Y-%m}",
}
_SPELLING = re.compile(r"(daily|weekly|monthly)=(\d{1,4})")
# Objects without a manifest: a backup under way, or one that was interrupted. No backup takes a day.
HALF_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Kept:
    """How many days, weeks and months (UTC) keep their newest backup."""

    daily: int = 0
    weekly: int = 0
    monthly: int = 0


def parse_kept(text: str) -> Kept:
    """Return the rule that a text as "daily=7,weekly=5,monthly=12" spells; what is not named keeps nothing."""
    counts: dict[str, int] = {}
    for word in text.replace(" ", "").split(","):
        match = _SPELLING.fullmatch(word)
        if match is None or match[1] in counts:
            raise ValueError(f"'{word}' is no rule; write for example daily=7,weekly=5,monthly=12")
        counts[match[1]] = int(match[2])
    return Kept(**counts)


def to_remove(times: Iterable[datetime], proven: Collection[datetime], rule: Kept) -> list[datetime]:
    """Return which backups the rule no longer keeps, oldest first. `times` and `proven` are in UTC."""
    every = sorted(set(times), reverse=True)
    kept = set(every[:1]) | {max(proven)} if proven else set(every[:1])
    for period, key in _PERIODS.items():
        newest: dict[str, datetime] = {}
        for time in every:
            newest.setdefault(key(time), time)
        kept |= set(list(newest.values())[: getattr(rule, period)])
    return [time for time in reversed(every) if time not in kept]


def abandoned(halves: Iterable[datetime], now: datetime) -> list[datetime]:
    """Return which backups without a manifest nobody is making any more."""
    return sorted(time for time in halves if now - time > HALF_AFTER)
