"""The simulated clock: it stands still but for those who sleep or look.

What belongs here: the time of the simulated month. What does not: when what runs (month).
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

TICK = timedelta(milliseconds=1)  # a look costs a moment, so that no two answers are received at one instant


class SimulatedClock:
    """Shared by the platform and by the providers, whose requests are served in threads of their own."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the time, a moment later than whoever looked before."""
        with self._lock:
            self._moment += TICK
            return self._moment

    def peek(self) -> datetime:
        """Return the time without spending any."""
        return self._moment

    def sleep(self, seconds: float) -> None:
        """Pass the time without waiting."""
        with self._lock:
            self._moment += timedelta(seconds=seconds)

    def forward_to(self, moment: datetime) -> None:
        """Pass the time until a moment, if it is not over."""
        with self._lock:
            self._moment = max(self._moment, moment)
