"""What candles do at the levels of the week: crossings, touches and breakouts.

What belongs here: the rules of the three kinds and their vectorised search. What does not: the levels
themselves (pivots.py) and folding candles (findata_core/market).

The side of a level that the price is on is the side of the last close strictly above or below it; before
the first such close of a validity window, that of the first candle's open (none where it opens on the
level). A candle's rules use nothing later than its own end, so later candles change no earlier signal:
- crossing: it closes strictly on the other side than the price was on before.
- touch: low <= level <= high without a crossing; "up" from below, "down" from above.
- breakout: the very next candle after a crossing, all of it strictly beyond the level.
"""

from collections.abc import Collection, Iterator
from datetime import date
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from findata_core.market.scales import Scale, price_factors, rescaled
from findata_core.schema.frames import conform, empty
from findata_core.schema.tables import table
from findata_core.signals.pivots import LEVELS, SCALE_OF_LEVELS, with_first_session, with_knowledge

PIVOT_SIGNALS = "signals.pivot_signals"
KINDS = ("crossing", "touch", "breakout")
CANDLE_INTERVAL = "5m"
NONE = -1  # no candle
TO_LEVELS = "to_levels"  # what a candle's prices are multiplied by to be compared with its levels

Floats = NDArray[np.float64]
Numbers = NDArray[np.intp]


class Found(NamedTuple):
    """Signals as positions: of the candle, of the one that set the side before it (or NONE), of the level."""

    candle: Numbers
    candle_before: Numbers
    level: Numbers
    kind: Numbers  # position in KINDS
    is_up: NDArray[np.bool_]

    def moved(self, candles: int, levels: int) -> "Found":
        """Return the same signals as positions in frames where that many rows come before."""
        before = np.where(self.candle_before == NONE, NONE, self.candle_before + candles)
        return self._replace(candle=self.candle + candles, candle_before=before, level=self.level + levels)


def pivot_signals(
    candles: pl.DataFrame,
    pivots: pl.DataFrame,
    session_dates: Collection[date] | None = None,
    source_interval: str = "1d",
    sessions: pl.DataFrame | None = None,
    splits: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the signals of 5-minute candles at pivot levels, in the shape of signals.pivot_signals.

    `candles`: rows of market.candles; those of interval "5m" are used. They must reach back to the start of
    the validity week of every session asked for: the side of a level is carried through the week. `pivots`:
    rows of signals.weekly_pivots; those of `source_interval` are used, each for the candles of its instrument
    and adjustment basis with valid_from_time <= event_time < valid_until_time. `session_dates`: sessions to
    return, all by default. Sorted by business key; ingest_time is there if the candles have it.

    `sessions` and `splits` (rows of reference.splits): where a split lies between a candle and a level, both are
    compared on the level's scale; price and level_price come out on the candle's.
    """
    chosen = pivots.filter(pl.col("source_interval") == source_interval)
    bars, levels = _matched(with_knowledge(candles), with_knowledge(chosen))
    if sessions is not None and splits is not None and not splits.is_empty():
        bars, levels = _with_scales(bars, levels, sessions, splits)
    rows = empty(table(PIVOT_SIGNALS)) if bars.is_empty() else _rows(bars, levels, list(_found(bars, levels)))
    if session_dates is not None:
        rows = rows.filter(pl.col("session_date").is_in(list(session_dates)))
    signals = conform(rows, table(PIVOT_SIGNALS)).sort(table(PIVOT_SIGNALS).business_key)
    return signals if "ingest_time" in candles.columns else signals.drop("ingest_time")


def _matched(candles: pl.DataFrame, pivots: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return candles that lie in a validity window, and levels, one a row; both sorted by window."""
    key = ["instrument_id", "adjustment", "valid_from_time"]
    windows = (
        pivots.select(*key, "valid_until_time").unique().sort("valid_from_time").with_row_index("window")
    )
    bars = (
        candles.filter(pl.col("interval") == CANDLE_INTERVAL)
        .sort("event_time")
        .join_asof(
            windows,
            left_on="event_time",
            right_on="valid_from_time",
            by=["instrument_id", "adjustment"],
            check_sortedness=False,  # both sorted above; Polars can't verify it within groups
        )
        .filter(pl.col("event_time") < pl.col("valid_until_time"))
    )
    levels = pivots.join(windows, on=key).unpivot(
        LEVELS,
        index=["window", "variant", "source_interval", "window_start_date", "settles_time", "ingest_time"],
        variable_name="level",
        value_name="level_price",
    )
    return bars.sort("window", "event_time"), levels.drop_nulls("level_price").sort("window")


def _with_scales(
    bars: pl.DataFrame, levels: pl.DataFrame, sessions: pl.DataFrame, splits: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return candles with the factor to the scale of their window's levels, and those levels, on that one scale."""
    placed = with_first_session(bars, sessions)
    windows = placed.select("window", "instrument_id", "adjustment", "first_session_date").unique()
    known = levels.join(windows, on="window", maintain_order="left").with_columns(
        youngest_time=pl.col("ingest_time").max().over("window")
    )
    wanted = Scale("first_session_date", "youngest_time")
    level_factors = price_factors(known, splits, sessions, SCALE_OF_LEVELS, wanted)
    placed = placed.join(known.select("window", "youngest_time").unique(), on="window", maintain_order="left")
    factors = price_factors(placed, splits, sessions, Scale("session_date", "ingest_time"), wanted)
    return (
        placed.select(bars.columns).with_columns(factors.alias(TO_LEVELS)),
        rescaled(known, level_factors, ["level_price"]).select(levels.columns),
    )


def _found(bars: pl.DataFrame, levels: pl.DataFrame) -> Iterator[Found]:
    """Search window by window: matrices of a week of candles by some fifty levels stay in the cache."""
    prices = bars.select("open", "high", "low", "close").to_numpy()
    if TO_LEVELS in bars.columns:
        prices = prices * bars.select(TO_LEVELS).to_numpy()
    level_prices = levels.get_column("level_price").to_numpy()
    bar_windows, level_windows = bars.get_column("window").to_numpy(), levels.get_column("window").to_numpy()
    for window in np.unique(bar_windows):
        first, end = np.searchsorted(bar_windows, [window, window + 1])
        first_level, end_level = np.searchsorted(level_windows, [window, window + 1])
        opens, highs, lows, closes = np.hsplit(prices[first:end], 4)
        found = _search(opens, highs, lows, closes, level_prices[first_level:end_level])
        yield found.moved(int(first), int(first_level))


def _search(opens: Floats, highs: Floats, lows: Floats, closes: Floats, levels: Floats) -> Found:
    """Find the signals of one window: prices are columns of candles in order, levels a row."""
    sides = np.sign(closes - levels).astype(np.int8)
    before = _last_strict_before(sides)
    sides_before = np.take_along_axis(sides, np.maximum(before, 0), axis=0)
    sides_before = np.where(before == NONE, np.sign(opens[:1] - levels).astype(np.int8), sides_before)
    crosses = sides * sides_before < 0
    touches = ~crosses & (sides_before != 0) & (lows <= levels) & (levels <= highs)
    beyond = np.where(sides_before > 0, lows > levels, highs < levels)
    breaks_out = np.vstack([np.zeros_like(crosses[:1]), crosses[:-1]]) & beyond
    kinds = np.select([crosses, touches, breaks_out], range(len(KINDS)), default=NONE)
    at = np.nonzero(kinds != NONE)
    kind = kinds[at]
    # A breakout goes on on the side it is on; a crossing and a touch move away from the side they come from.
    is_up = (sides_before[at] > 0) == (kind == KINDS.index("breakout"))
    return Found(at[0], before[at], at[1], kind, is_up)


def _last_strict_before(sides: NDArray[np.int8]) -> Numbers:
    """Return for each candle the last earlier one that closed strictly on a side, or NONE."""
    positions = np.arange(len(sides))[:, np.newaxis]
    last = np.maximum.accumulate(np.where(sides != 0, positions, NONE), axis=0)
    return np.vstack([np.full_like(last[:1], NONE), last[:-1]])


def _rows(bars: pl.DataFrame, levels: pl.DataFrame, found: list[Found]) -> pl.DataFrame:
    """Turn positions into rows; times of settlement and knowledge are the latest of all that was used."""
    candle, before, level, kind, is_up = (np.concatenate(parts) for parts in zip(*found, strict=True))
    shown = _evidence(bars)
    level_rows = levels[level].rename({"settles_time": "level_settles", "ingest_time": "level_ingest"})
    if TO_LEVELS in bars.columns:
        level_rows = level_rows.with_columns(pl.col("level_price") / bars.get_column(TO_LEVELS)[candle])
    earlier_index = (
        pl.Series(before).to_frame("at").select(pl.when(pl.col("at") != NONE).then("at")).to_series()
    )
    earlier = shown.select(pl.all().gather(earlier_index).name.suffix("_before"))
    columns = [shown[candle], level_rows, earlier, pl.DataFrame({"kind": kind, "is_up": is_up})]
    return pl.concat(columns, how="horizontal").with_columns(
        kind=pl.col("kind").replace_strict(dict(enumerate(KINDS)), return_dtype=pl.String),
        direction=pl.when("is_up").then(pl.lit("up")).otherwise(pl.lit("down")),
        evidence=pl.concat_list("key_before", "key").list.drop_nulls(),
        settles_time=pl.max_horizontal("settles_time", "settles_time_before", "level_settles"),
        ingest_time=pl.max_horizontal("ingest_time", "ingest_time_before", "level_ingest"),
    )


def _evidence(bars: pl.DataFrame) -> pl.DataFrame:
    start = pl.col("event_time").dt.to_string("%Y-%m-%dT%H:%M:%SZ")
    return bars.select(
        "instrument_id",
        "event_time",
        "session_date",
        "available_time",
        "settles_time",
        "ingest_time",
        price="close",
        key=pl.concat_str("instrument_id", "interval", "source_interval", start, separator="/"),
    )
