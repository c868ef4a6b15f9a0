"""How much one caller may ask: a bucket of tokens each, in this process.

What belongs here: arithmetic over a clock that is given. What does not: who a caller is (gate), how a refusal
looks (refusals), how many connections there may be (listening).

A bucket holds what may be asked in ten seconds and fills evenly. Buckets that are full again are forgotten
first: that is no loss to anybody.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

BURST_SECONDS = 10
MOST_CALLERS = 10_000  # a megabyte; beyond them whoever asked longest ago starts anew


@dataclass
class _Bucket:
    left: float
    time: float


@dataclass(frozen=True)
class Allowance:
    """What a caller has left: whole requests, and the seconds until there is one (0 where there is)."""

    is_given: bool
    left: int
    wait_seconds: int


class Allowances:
    """Buckets by caller. `per_minute` 0 means no limit. Not for several threads: the event loop is one."""

    def __init__(self, per_minute: int, clock: Callable[[], float], most_callers: int = MOST_CALLERS) -> None:
        self.per_second = per_minute / 60
        self.burst = max(1, math.ceil(self.per_second * BURST_SECONDS)) if per_minute else 0
        self._clock = clock
        self._most = most_callers
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, who: str) -> Allowance | None:
        """Take one request of a caller; None where there is no limit."""
        if not self.burst:
            return None
        bucket = self._filled(who)
        if bucket.left < 1:
            return Allowance(False, 0, math.ceil((1 - bucket.left) / self.per_second))
        bucket.left -= 1
        return Allowance(True, int(bucket.left), 0)

    def _filled(self, who: str) -> _Bucket:
        now = self._clock()
        bucket = self._buckets.get(who)
        if bucket is None:
            bucket = self._buckets[who] = _Bucket(self.burst, now)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(who)
        bucket.left = min(self.burst, bucket.left + max(0.0, now - bucket.time) * self.per_second)
        bucket.time = now
        return bucket

    def __len__(self) -> int:
        return len(self._buckets)
