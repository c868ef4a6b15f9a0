"""The limit that validation is measured against: one compiled pass over the rules of market.bars, in parallel.

What belongs here: the fastest plain way that we know to the same judgement of each row. It reads arrays
that are laid out for it beforehand (texts as codes, nulls as flags), which is not counted, and writes a
number a row in which each broken rule is a bit. It shares no code with findata_core.schema.validation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import njit, prange

MINUTE = 60_000_000
# In the order of the bits.
RULES = (
    "interval_not_allowed",
    "adjustment_not_allowed",
    "session_phase_not_allowed",
    "volume_below_minimum",
    "trade_count_below_minimum",
    "high_not_highest",
    "low_not_lowest",
    "price_not_positive",
    "price_not_finite",
    "stamp_off_the_minute",
    "settles_too_early",
    "key_not_increasing",
    "null",
)
ALLOWED = {
    "interval": ("1m", "2m", "5m", "15m", "30m", "1h", "1d"),
    "adjustment": ("raw", "split", "split_dividend"),
    "session_phase": ("regular", "pre", "post", "closing"),
}
CODED = ("instrument_id", "interval", "source", "adjustment", "session_phase")
PLAIN = ("event_time", "settles_time", "open", "high", "low", "close", "volume", "trade_count")
NULLABLE = ("vwap", "trade_count")


@dataclass(frozen=True)
class Arrays:
    """Columns as the pass wants them; `is_null`: whether a column that may not be null is, per row."""

    codes: list[npt.NDArray[np.int32]]
    allowed: list[npt.NDArray[np.bool_]]
    plain: list[npt.NDArray[Any]]
    has_trade_count: npt.NDArray[np.bool_]
    is_null: npt.NDArray[np.bool_]


def arrays_of(rows: pl.DataFrame) -> Arrays:
    """Lay rows of market.bars out."""
    codes, allowed = [], []
    for name in CODED:
        texts = rows.get_column(name).unique(maintain_order=True).drop_nulls()
        numbers = pl.int_range(len(texts), eager=True, dtype=pl.Int32)
        codes.append(rows.get_column(name).replace_strict(texts, numbers, default=0).to_numpy())
        allowed.append(np.array([text in ALLOWED.get(name, (text,)) for text in texts]))
    return Arrays(
        codes,
        allowed,
        [rows.get_column(name).to_physical().fill_null(0).to_numpy() for name in PLAIN],
        rows.get_column("trade_count").is_not_null().to_numpy(),
        rows.select(pl.any_horizontal(pl.exclude(NULLABLE).is_null())).to_series().to_numpy(),
    )


def broken_rules(arrays: Arrays) -> npt.NDArray[np.uint16]:
    """A number a row: bit n is set where the row breaks RULES[n]."""
    broken = np.empty(len(arrays.is_null), dtype=np.uint16)
    _judge(
        *arrays.codes,
        *(arrays.allowed[CODED.index(name)] for name in ALLOWED),
        *arrays.plain,
        arrays.has_trade_count,
        arrays.is_null,
        broken,
    )
    return broken


# numba's own types know nothing of a compiled function's arguments.
compiled: Any = njit(parallel=True)


@compiled
def _judge(
    instrument: Any, interval: Any, source: Any, adjustment: Any, phase: Any,
    interval_allowed: Any, adjustment_allowed: Any, phase_allowed: Any,
    start: Any, settles: Any, opens: Any, highs: Any, lows: Any, closes: Any, volumes: Any, trades: Any,
    has_trades: Any, is_null: Any, broken: Any,
) -> None:  # fmt: skip
    for row in prange(len(broken)):
        if is_null[row]:
            broken[row] = 1 << 12
            continue
        opened, high, low, close = opens[row], highs[row], lows[row], closes[row]
        is_same_key = (
            row > 0
            and start[row] == start[row - 1]
            and instrument[row] == instrument[row - 1]
            and interval[row] == interval[row - 1]
            and source[row] == source[row - 1]
            and adjustment[row] == adjustment[row - 1]
        )
        bits = (not interval_allowed[interval[row]]) << 0
        bits |= (not adjustment_allowed[adjustment[row]]) << 1
        bits |= (not phase_allowed[phase[row]]) << 2
        bits |= (volumes[row] < 0) << 3
        bits |= (has_trades[row] and trades[row] < 0) << 4
        bits |= (high < opened or high < low or high < close) << 5
        bits |= (low > opened or low > high or low > close) << 6
        bits |= (not low > 0) << 7
        bits |= (not (np.isfinite(high - low) and np.isfinite(opened + close))) << 8
        bits |= (start[row] % MINUTE != 0) << 9
        bits |= (settles[row] < start[row]) << 10
        bits |= is_same_key << 11
        broken[row] = bits
