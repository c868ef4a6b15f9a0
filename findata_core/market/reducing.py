"""Reducing ranges of rows to one value each: what folding does to each column of prices.

What belongs here: ranges of rows, and a ufunc over each of them, at the speed of memory. What does not:
which rows belong together (folding).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
Number = TypeVar("Number", np.int32, np.int64, np.float64)

# Sixteen thousand ranges of five float64 are 640 kB: fewer wait for each other, more fall out of the cache.
RANGES_A_BLOCK = 16_384


@dataclass(frozen=True)
class Ranges:
    """Ranges [start, end) of rows: sorted, not empty, without overlap.

    `even_blocks`: of the blocks of RANGES_A_BLOCK ranges those in which each range has the usual length
    and follows the one before it.
    """

    starts: Int64s
    ends: Int64s
    usual: int
    even_blocks: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, starts: Int64s, ends: Int64s, usual: int) -> Ranges:
        """Ranges of mostly `usual` rows."""
        firsts = np.arange(0, len(starts), RANGES_A_BLOCK)
        if not len(firsts):
            return cls(starts, ends, usual, np.zeros(0, dtype=np.bool_))
        lasts = np.append(firsts[1:], len(starts)) - 1
        is_usual = np.logical_and.reduceat(ends - starts == usual, firsts)
        is_whole = ends[lasts] - starts[firsts] == usual * (lasts - firsts + 1)
        return cls(starts, ends, usual, is_usual & is_whole)

    @classmethod
    def from_starts(cls, starts: Int64s, row_count: int, usual: int) -> Ranges:
        """Ranges that follow each other, the last one up to the last row."""
        return cls.of(starts, np.append(starts[1:], row_count)[: len(starts)], usual)


def reduce_ranges(operation: np.ufunc, values: npt.NDArray[Number], ranges: Ranges) -> npt.NDArray[Number]:
    """Reduce the values of each range.

    Most minutes of most names are there, and even ranges need no `reduceat`: their first rows are
    combined with their second rows, and so on, block by block in a core's cache, at some five times its
    speed.
    """
    reduced = np.empty(len(ranges.starts), dtype=values.dtype)
    for number, is_even in enumerate(ranges.even_blocks):
        block = slice(number * RANGES_A_BLOCK, (number + 1) * RANGES_A_BLOCK)
        starts, ends, into = ranges.starts[block], ranges.ends[block], reduced[block]
        rows = values[starts[0] : ends[-1]]
        if is_even:
            _reduce_even(operation, rows, ranges.usual, into)
        else:
            _reduce_uneven(operation, rows, starts - starts[0], ends - starts[0], into)
    return reduced


def _reduce_even(
    operation: np.ufunc, rows: npt.NDArray[Number], usual: int, into: npt.NDArray[Number]
) -> None:
    into[:] = rows[::usual]
    for following in range(1, usual):
        operation(into, rows[following::usual], out=into)


def _reduce_uneven(
    operation: np.ufunc, rows: npt.NDArray[Number], starts: Int64s, ends: Int64s, into: npt.NDArray[Number]
) -> None:
    if np.array_equal(starts[1:], ends[:-1]):
        operation.reduceat(rows, starts, out=into)
        return
    # Rows outside of all segments lie between: they are reduced too, as ranges of their own, and left out.
    edges = np.column_stack([starts, ends]).ravel()[:-1]
    into[:] = operation.reduceat(rows, edges, dtype=rows.dtype)[::2]
