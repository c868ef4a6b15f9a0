"""Volumes as a provider says them that puts running totals among them, as the trial data has them of March 2026.

What belongs here: the mechanism. What does not: what is expected of it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import accumulate


def with_running_totals(
    volumes: Sequence[int], times: float, chance: random.Random, part: tuple[float, float] = (0.0, 1.0)
) -> list[int]:
    """Put the volume so far in the place of minutes' own, and 0 into the minute after, here and there until the sum is
    `times` what was traded, or no minute is left. `part`: from where to where in the session, as shares of it."""
    so_far, told, taken = list(accumulate(volumes)), list(volumes), set[int]()
    first, last = max(int(len(volumes) * part[0]), 1), int(len(volumes) * part[1]) - 1
    for n in chance.sample(range(first, last), last - first):
        if sum(told) >= times * sum(volumes):
            break
        if taken.isdisjoint((n - 1, n, n + 1, n + 2)):
            told[n : n + 2] = [so_far[n], 0]
            taken |= {n, n + 1}
    return told
