"""A finding: one line of what the doctor says, and how bad it is.

What belongs here: the shape. What does not: the rules (machine, servers, books, outside).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class State(StrEnum):
    """How bad: wrong needs a hand now, warn will, ok needs none."""

    OK = "ok"
    WARN = "warn"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """What was looked at (`area`, `subject`), how it is, and the next step where it is not ok."""

    area: str
    subject: str
    state: State
    said: str
    next_step: str = ""


def ok(area: str, subject: str, said: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(area, subject, State.OK, said)


def warn(area: str, subject: str, said: str, next_step: str) -> Finding:
    """Return a finding that will need something."""
    return Finding(area, subject, State.WARN, said, next_step)


def wrong(area: str, subject: str, said: str, next_step: str) -> Finding:
    """Return a finding that needs something now."""
    return Finding(area, subject, State.WRONG, said, next_step)


def is_wrong(findings: Iterable[Finding]) -> bool:
    """Tell whether something needs a hand now."""
    return any(finding.state is State.WRONG for finding in findings)


def spell(duration: timedelta) -> str:
    """Return a duration as one reads it: 3 days, 5 hours, 7 minutes, 12 seconds."""
    seconds = int(duration.total_seconds())
    for unit, width in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if abs(seconds) >= 2 * width:
            return f"{seconds // width} {unit}s"
    return f"{seconds} seconds"


def some(names: Iterable[str], most: int = 3) -> str:
    """Return the first of some names, and how many more there are."""
    every = list(names)
    shown = ", ".join(every[:most])
    return f"{shown} and {len(every) - most:,} more" if len(every) > most else shown
