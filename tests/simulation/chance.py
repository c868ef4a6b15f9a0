"""Chance without order: what happens to a thing depends on its name and the seed, not on who asked before.

What belongs here: numbers of [0, 1) and generators by name. What does not: what they decide.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np


def chance(seed: int, *names: object) -> float:
    """Return the number of [0, 1) that belongs to a name."""
    return _number(seed, names) / 2**64


def generator(seed: int, *names: object) -> np.random.Generator:
    """Return the generator that belongs to a name, at its beginning."""
    return np.random.default_rng(_number(seed, names))


def _number(seed: int, names: tuple[object, ...]) -> int:
    said = "/".join(map(str, (seed, *names)))
    return int.from_bytes(blake2b(said.encode(), digest_size=8).digest())
