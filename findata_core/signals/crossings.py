"""What candles do at levels: crossings, touches and breakouts, as positions in arrays.

What belongs here: the rules of the three kinds, and the search in one validity window. What does not: which candles
and levels meet, and the rows of signals (pivot_signals.py).

The side of a level that the price is on is the side of the last close strictly above or below it; before
the first such close of a validity window, that of the first candle's open (none where it opens on the
level). A candle's rules use nothing later than its own end, so later candles change no earlier signal:
- crossing: it closes strictly on the other side than the price was on before.
- touch: low <= level <= high without a crossing; "up" from below, "down" from above.
- breakout: the very next candle after a crossing, all of it strictly beyond the level.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from findata_core.signals.columns import Floats, Numbers, Truths, expanded

KINDS = ("crossing", "touch", "breakout")
CROSSING, TOUCH, BREAKOUT = range(len(KINDS))
NONE = -1  # no candle


class Prices(NamedTuple):
    """Prices of candles in the order of time."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats


class Found(NamedTuple):
    """Signals as positions: of the candle, of the one that set the side before it (or NONE), of the level."""

    candle: Numbers
    candle_before: Numbers
    level: Numbers
    kind: Numbers  # position in KINDS
    is_up: Truths

    def moved(self, candles: int, levels: int) -> "Found":
        """Return the same signals as positions among all where that many candles and levels come before."""
        before = np.where(self.candle_before == NONE, NONE, self.candle_before + candles)
        return self._replace(candle=self.candle + candles, candle_before=before, level=self.level + levels)

    def at(self, which: Numbers | Truths) -> "Found":
        """Return these signals, in this order."""
        candle, before, level, kind, is_up = self
        return Found(candle[which], before[which], level[which], kind[which], is_up[which])


_NONE_FOUND = np.empty(0, np.int64)
_NOTHING = Found(_NONE_FOUND, _NONE_FOUND, _NONE_FOUND, _NONE_FOUND, np.empty(0, np.bool_))


def joined(parts: Iterable[Found]) -> Found:
    """Return signals of several windows as one."""
    candle, before, level, kind, is_up = zip(_NOTHING, *parts, strict=True)
    return Found(
        np.concatenate(candle),
        np.concatenate(before),
        np.concatenate(level),
        np.concatenate(kind),
        np.concatenate(is_up),
    )


def search(prices: Prices, levels: Floats) -> Found:
    """Find the signals of one window.

    A level that a candle neither comes from nor reaches is not looked at: of some fifty it meets a few.
    """
    before, before_that = _earlier(prices.close)
    candle, level = _met(prices, levels, np.where(before == NONE, prices.open[0], prices.close[before]))
    at, setter = levels[level], before[candle]
    setter = np.where((setter != NONE) & (prices.close[setter] == at), before_that[candle], setter)
    side_before = _side(np.where(setter == NONE, prices.open[0], prices.close[setter]), at)
    crosses = _side(prices.close[candle], at) * side_before < 0
    touches = (side_before != 0) & (prices.low[candle] <= at) & (at <= prices.high[candle])
    met = Found(candle, setter, level, np.where(crosses, CROSSING, TOUCH), side_before < 0)
    return joined([met.at(crosses | touches), _breakouts(prices, levels, met.at(crosses))])


def _earlier(closes: Floats) -> tuple[Numbers, Numbers]:
    """Return for each candle the last earlier one that has a close, and the last before that with another; or NONE."""
    positions = np.arange(len(closes))
    known = np.maximum.accumulate(np.where(np.isnan(closes), NONE, positions))
    before = np.concatenate([[NONE], known[:-1]])
    held = closes[known]
    begins = np.concatenate([[True], (held[1:] != held[:-1]) | (known[:-1] == NONE)])
    before_run = before[np.maximum.accumulate(np.where(begins, positions, 0))]
    return before, np.concatenate([[NONE], before_run[:-1]])


def _met(prices: Prices, levels: Floats, origins: Floats) -> tuple[Numbers, Numbers]:
    """Return pairs of a candle and a level that lies from where the price came from to where the candle reaches."""
    order = np.argsort(levels)
    lowest = np.fmin(np.fmin(prices.low, prices.close), origins)
    highest = np.fmax(np.fmax(prices.high, prices.close), origins)
    first = np.searchsorted(levels, lowest, "left", sorter=order)
    candle, place = expanded(first, np.searchsorted(levels, highest, "right", sorter=order))
    return candle, order[place]


def _breakouts(prices: Prices, levels: Floats, crossings: Found) -> Found:
    """Return the candles right after crossings that are wholly beyond the level, on the side that was crossed to."""
    last = crossings.at(crossings.candle < len(prices.close) - 1)
    candle, at = last.candle + 1, levels[last.level]
    is_beyond = np.where(last.is_up, prices.low[candle] > at, prices.high[candle] < at)
    goes_back = np.where(last.is_up, prices.close[candle] < at, prices.close[candle] > at)
    kind = np.full_like(last.kind, BREAKOUT)
    return Found(candle, last.candle, last.level, kind, last.is_up).at(is_beyond & ~goes_back)


def _side(prices: Floats, levels: Floats) -> Numbers:
    """Return 1 above the level, -1 below it, 0 on it (or nowhere)."""
    return (prices > levels).astype(np.int64) - (prices < levels)
