"""The limit that candle folding is measured against: one compiled pass over the minutes, in parallel.

What belongs here: the fastest plain way that we know to the same rows: a loop over the minutes of each
instrument, wider candles from narrower ones, then a copy of those that are there. It shares no code with
findata_core.market.folding, so that equal results are evidence too. Sessions with a break are beyond it.
"""

from __future__ import annotations

# ruff: noqa: E741 - the kernels name columns by their first letter
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import njit, prange

from benchmarks.year import MINUTE, Year

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]
WIDTHS = (5, 15, 30, 60, 240)


@dataclass(frozen=True)
class Dense:
    """Candles of one width, a row an instrument and a column a bucket of the year; present 0: no candle."""

    present: Int32s
    first_row: Int64s
    open: Float64s
    high: Float64s
    low: Float64s
    close: Float64s
    volume: Int64s

    def columns(self) -> tuple[Any, ...]:
        return self.present, self.first_row, self.open, self.high, self.low, self.close, self.volume


@dataclass(frozen=True)
class Candles:
    """The candles that are there, sorted by instrument and start, with all that a row of candles needs."""

    instrument: Int32s
    bucket: Int32s
    start: Int64s
    end: Int64s
    expected: Int32s
    present: Int32s
    first_row: Int64s
    open: Float64s
    high: Float64s
    low: Float64s
    close: Float64s
    volume: Int64s

    def columns(self) -> tuple[Any, ...]:
        times = self.instrument, self.bucket, self.start, self.end, self.expected
        return *times, self.present, self.first_row, self.open, self.high, self.low, self.close, self.volume


@dataclass(frozen=True)
class Buckets:
    """The buckets of one width in the year: their bounds, and the column of each session's first."""

    start: Int64s
    end: Int64s
    expected: Int32s
    session: Int64s
    firsts: Int64s


def fold(year: Year) -> list[Candles]:
    """5m, 15m, 30m, 1h, 4h, then sessions, weeks and months, for sessions without breaks."""
    grids = [_buckets(year, width) for width in WIDTHS]
    sessions = np.arange(len(year.bounds.open))
    days = year.sessions["session_date"]
    weeks, months = (_numbers(days.dt.truncate(period)) for period in ("1w", "1mo"))
    folded = [_empty(len(year.instruments), len(grids[0].start))]
    _fold_minutes(*_minutes(year), grids[0].firsts, WIDTHS[0] * MINUTE, *folded[0].columns())
    parents = [_parents(child, parent) for child, parent in pairwise(grids)]
    for parent in (*parents, grids[-1].session, weeks, months):
        child = folded[-1] if parent is not months else folded[-2]
        folded.append(_empty(len(year.instruments), int(parent[-1]) + 1))
        _fold_dense(parent, *child.columns(), *folded[-1].columns())
    spans = [(grid.start, grid.end, grid.expected) for grid in grids]
    spans += [_spans(year, group) for group in (sessions, weeks, months)]
    return [_compact(dense, *span) for dense, span in zip(folded, spans, strict=True)]


def _minutes(year: Year) -> tuple[Any, ...]:
    bars, bounds = year.bars, year.bounds
    edges = np.searchsorted(bars.instrument, np.arange(len(year.instruments) + 1))
    values = bars.open, bars.high, bars.low, bars.close, bars.volume
    return edges, bars.time, *values, bounds.open, bounds.close


def _numbers(starts: pl.Series) -> Int64s:
    """0 for the first period of the year, 1 for the next one, and so on."""
    return (starts.rank("dense") - 1).cast(pl.Int64).to_numpy()


def _buckets(year: Year, width: int) -> Buckets:
    opens, closes = year.bounds.open, year.bounds.close
    counts = -(-(closes - opens) // (width * MINUTE))
    firsts = np.append(0, np.cumsum(counts))
    session = np.repeat(np.arange(len(opens)), counts)
    start = opens[session] + (np.arange(firsts[-1]) - firsts[session]) * width * MINUTE
    end = np.minimum(start + width * MINUTE, closes[session])
    return Buckets(start, end, ((end - start) // MINUTE).astype(np.int32), session, firsts)


def _parents(child: Buckets, parent: Buckets) -> Int64s:
    """Column of the parent of each child's column."""
    return np.searchsorted(parent.start, child.start, side="right") - 1


def _spans(year: Year, group: Int64s) -> tuple[Int64s, Int64s, Int32s]:
    firsts = np.flatnonzero(np.diff(group, prepend=-1))
    lasts = np.append(firsts[1:], len(group)) - 1
    minutes = (year.bounds.close - year.bounds.open) // MINUTE
    expected = np.add.reduceat(minutes, firsts).astype(np.int32)
    return year.bounds.open[firsts], year.bounds.close[lasts], expected


def _empty(instruments: int, columns: int) -> Dense:
    shape = (instruments, columns)
    opens, highs, lows, closes = (np.empty(shape, dtype=np.float64) for _ in range(4))
    first_row, volume = (np.empty(shape, dtype=np.int64) for _ in range(2))
    return Dense(np.zeros(shape, dtype=np.int32), first_row, opens, highs, lows, closes, volume)


def _compact(dense: Dense, start: Int64s, end: Int64s, expected: Int32s) -> Candles:
    counts = (dense.present > 0).sum(axis=1)
    offsets = np.append(0, np.cumsum(counts))
    rows = int(offsets[-1])
    instrument, bucket, asked, present = (np.empty(rows, dtype=np.int32) for _ in range(4))
    starts, ends, first_row, volume = (np.empty(rows, dtype=np.int64) for _ in range(4))
    opens, highs, lows, closes = (np.empty(rows, dtype=np.float64) for _ in range(4))
    candles = Candles(
        instrument, bucket, starts, ends, asked, present, first_row, opens, highs, lows, closes, volume
    )
    _copy_present(offsets, start, end, expected, *dense.columns(), *candles.columns())
    return candles


# numba's own types know nothing of a compiled function's arguments.
compiled: Any = njit(parallel=True)


@compiled
def _fold_minutes(
    edges: Any, time: Any, opens: Any, highs: Any, lows: Any, closes: Any, volumes: Any,
    session_open: Any, session_close: Any, first: Any, step: Any,
    present: Any, first_row: Any, o: Any, h: Any, l: Any, c: Any, v: Any,
) -> None:  # fmt: skip
    for i in prange(len(edges) - 1):
        session = 0
        for row in range(edges[i], edges[i + 1]):
            at = time[row]
            while session < len(session_close) and at >= session_close[session]:
                session += 1
            column = first[session] + (at - session_open[session]) // step
            if present[i, column] == 0:
                first_row[i, column], o[i, column] = row, opens[row]
                h[i, column], l[i, column], v[i, column] = highs[row], lows[row], volumes[row]
            else:
                h[i, column] = max(h[i, column], highs[row])
                l[i, column] = min(l[i, column], lows[row])
                v[i, column] += volumes[row]
            c[i, column] = closes[row]
            present[i, column] += 1


@compiled
def _fold_dense(
    parent: Any, cp: Any, cf: Any, co: Any, ch: Any, cl: Any, cc: Any, cv: Any,
    present: Any, first_row: Any, o: Any, h: Any, l: Any, c: Any, v: Any,
) -> None:  # fmt: skip
    for i in prange(cp.shape[0]):
        for child in range(cp.shape[1]):
            if cp[i, child] == 0:
                continue
            column = parent[child]
            if present[i, column] == 0:
                first_row[i, column], o[i, column] = cf[i, child], co[i, child]
                h[i, column], l[i, column], v[i, column] = ch[i, child], cl[i, child], cv[i, child]
            else:
                h[i, column] = max(h[i, column], ch[i, child])
                l[i, column] = min(l[i, column], cl[i, child])
                v[i, column] += cv[i, child]
            c[i, column] = cc[i, child]
            present[i, column] += cp[i, child]


@compiled
def _copy_present(
    offsets: Any, starts: Any, ends: Any, expecteds: Any,
    dp: Any, df: Any, do: Any, dh: Any, dl: Any, dc: Any, dv: Any,
    instrument: Any, bucket: Any, start: Any, end: Any, expected: Any,
    present: Any, first_row: Any, o: Any, h: Any, l: Any, c: Any, v: Any,
) -> None:  # fmt: skip
    for i in prange(dp.shape[0]):
        row = offsets[i]
        for column in range(dp.shape[1]):
            if dp[i, column] == 0:
                continue
            instrument[row], bucket[row] = i, column
            start[row], end[row], expected[row] = starts[column], ends[column], expecteds[column]
            present[row], first_row[row] = dp[i, column], df[i, column]
            o[row], h[row], l[row] = do[i, column], dh[i, column], dl[i, column]
            c[row], v[row] = dc[i, column], dv[i, column]
            row += 1
