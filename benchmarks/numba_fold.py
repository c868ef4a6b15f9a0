"""The limit that candle folding is measured against: one compiled pass over the minutes, in parallel.

What belongs here: the fastest plain way that we know, which knows nothing of gaps it need not know. It
shares no code with findata_core.market.folding, so that equal results are evidence too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit, prange

from benchmarks.year import MINUTE, Year

WIDTHS = (5, 15, 30, 60, 240)


@dataclass(frozen=True)
class Dense:
    """Candles of one width, a row an instrument and a column a bucket of the year; present 0: no candle."""

    present: npt.NDArray[np.int32]
    open: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    close: npt.NDArray[np.float64]
    volume: npt.NDArray[np.int64]


def fold(year: Year) -> list[Dense]:
    """5m, 15m, 30m, 1h, 4h, then sessions, weeks and months, for sessions without breaks."""
    bounds, bars = year.bounds, year.bars
    instruments = len(year.instruments)
    minutes = (bounds.close - bounds.open) // MINUTE
    # Column of each session's first bucket, for each width.
    firsts = np.array([np.append(0, np.cumsum(-(-minutes // width))) for width in WIDTHS])
    days = year.sessions["session_date"]
    weeks = (days.dt.truncate("1w").rank("dense") - 1).cast(int).to_numpy()
    months = (days.dt.truncate("1mo").rank("dense") - 1).cast(int).to_numpy()
    columns = [*firsts[:, -1], len(minutes), weeks[-1] + 1, months[-1] + 1]
    folded = [_empty(instruments, int(count)) for count in columns]
    edges = np.searchsorted(bars.instrument, np.arange(instruments + 1))
    groups = np.vstack([np.arange(len(minutes)), weeks, months])
    for width, first, dense in zip(WIDTHS[:1], firsts[:1], folded[:1], strict=True):
        _fold_minutes(
            edges, bars.time, bars.open, bars.high, bars.low, bars.close, bars.volume,
            bounds.open, bounds.close, first, width * MINUTE,
            dense.present, dense.open, dense.high, dense.low, dense.close, dense.volume,
        )  # fmt: skip
    for level in range(1, len(WIDTHS)):
        factor = WIDTHS[level] // WIDTHS[level - 1]
        parent = _parents(firsts[level - 1], firsts[level], factor)
        _fold_dense(parent, *_columns(folded[level - 1]), *_columns(folded[level]))
    sessions = np.repeat(groups[0], np.diff(firsts[-1]))
    _fold_dense(sessions, *_columns(folded[len(WIDTHS) - 1]), *_columns(folded[len(WIDTHS)]))
    for number in (1, 2):
        _fold_dense(groups[number], *_columns(folded[len(WIDTHS)]), *_columns(folded[len(WIDTHS) + number]))
    return folded


def _empty(instruments: int, columns: int) -> Dense:
    shape = (instruments, columns)
    prices = [np.empty(shape, dtype=np.float64) for _ in range(4)]
    return Dense(np.zeros(shape, dtype=np.int32), *prices, np.empty(shape, dtype=np.int64))


def _columns(dense: Dense) -> tuple[npt.NDArray[np.generic], ...]:
    return dense.present, dense.open, dense.high, dense.low, dense.close, dense.volume


def _parents(
    child_firsts: npt.NDArray[np.int64], firsts: npt.NDArray[np.int64], factor: int
) -> npt.NDArray[np.int64]:
    """Column of the parent of each child's column."""
    counts = np.diff(child_firsts)
    within = np.arange(child_firsts[-1]) - np.repeat(child_firsts[:-1], counts)
    return np.repeat(firsts[:-1], counts) + within // factor


@njit(parallel=True, cache=False)
def _fold_minutes(  # noqa: ANN001, ANN202
    edges, time, opens, highs, lows, closes, volumes, session_open, session_close, first, step,
    present, out_open, out_high, out_low, out_close, out_volume,
):  # fmt: skip
    for instrument in prange(len(edges) - 1):
        session = 0
        for row in range(edges[instrument], edges[instrument + 1]):
            at = time[row]
            while session < len(session_close) and at >= session_close[session]:
                session += 1
            column = first[session] + (at - session_open[session]) // step
            if present[instrument, column] == 0:
                out_open[instrument, column] = opens[row]
                out_high[instrument, column] = highs[row]
                out_low[instrument, column] = lows[row]
                out_volume[instrument, column] = volumes[row]
            else:
                out_high[instrument, column] = max(out_high[instrument, column], highs[row])
                out_low[instrument, column] = min(out_low[instrument, column], lows[row])
                out_volume[instrument, column] += volumes[row]
            out_close[instrument, column] = closes[row]
            present[instrument, column] += 1


@njit(parallel=True, cache=False)
def _fold_dense(  # noqa: ANN001, ANN202
    parent, child_present, child_open, child_high, child_low, child_close, child_volume,
    present, out_open, out_high, out_low, out_close, out_volume,
):  # fmt: skip
    for instrument in prange(child_present.shape[0]):
        for child in range(child_present.shape[1]):
            if child_present[instrument, child] == 0:
                continue
            column = parent[child]
            if present[instrument, column] == 0:
                out_open[instrument, column] = child_open[instrument, child]
                out_high[instrument, column] = child_high[instrument, child]
                out_low[instrument, column] = child_low[instrument, child]
                out_volume[instrument, column] = child_volume[instrument, child]
            else:
                out_high[instrument, column] = max(
                    out_high[instrument, column], child_high[instrument, child]
                )
                out_low[instrument, column] = min(out_low[instrument, column], child_low[instrument, child])
                out_volume[instrument, column] += child_volume[instrument, child]
            out_close[instrument, column] = child_close[instrument, child]
            present[instrument, column] += child_present[instrument, child]
