"""Measuring: sides that take turns, medians, and the lines of the report.

What belongs here: what every benchmark says in the same way. What does not: what is measured.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Line:
    """One line of the report: a measure beside its target (None: there for comparison), with what was seen.

    `measure` is a ratio to the other side of the same run, or GB where the name says so.
    """

    name: str
    measure: float
    target: float | None
    detail: str

    @property
    def is_met(self) -> bool:
        """Whether the measure is within its target; a line without one is always met."""
        return self.target is None or self.measure <= self.target

    @property
    def verdict(self) -> str:
        """What is printed for it."""
        if self.target is None:
            return "no target"
        return "met" if self.is_met else "MISSED"


def seconds_of(work: Callable[[], object]) -> float:
    """How long one call takes, by the wall clock."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak_gb() -> float:
    """Return the peak resident memory of this program alone: getrusage counts what the parent had before, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e9


def medians(sides: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of each side after a first turn that does not count; the sides take turns."""
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(repeats + 1):
        for name, side in sides.items():
            seconds = seconds_of(side)
            if turn:
                spent[name].append(seconds)
    return {name: statistics.median(times) for name, times in spent.items()}
