"""Signals of candles at the levels of the week, from frames to rows.

What belongs here: which candles and levels meet in a validity window, on one scale, and the rows of what is found.
What does not: the rules of the three kinds (crossings.py), the levels themselves (pivots.py) and folding candles
(findata_core/market).
"""

from collections.abc import Collection
from datetime import date
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from findata_core.market.releases import receipt_column
from findata_core.market.scales import Scale, price_factors
from findata_core.schema.frames import conform, empty
from findata_core.schema.runs import row_places, rows_where
from findata_core.schema.tables import table
from findata_core.signals.columns import (
    UNKNOWN,
    Floats,
    Numbers,
    common_ranks,
    expanded,
    gathered,
    instants,
    instants_column,
    instants_text,
    joined_text,
    ranks,
    starts_run,
    text_lists,
)
from findata_core.signals.crossings import KINDS, NONE, Found, Prices, joined, search
from findata_core.signals.pivots import LEVELS, SCALE_OF_LEVELS, with_first_session, with_knowledge

__all__ = ["KINDS", "PIVOT_SIGNALS", "pivot_signals"]

PIVOT_SIGNALS = "signals.pivot_signals"
CANDLE_INTERVAL = "5m"
FAMILY = ("instrument_id", "adjustment")
KNOWN_BASIS = (*FAMILY, "ingest_time")
KIND_ORDER = np.argsort(np.argsort(KINDS))  # by name, as rows are sorted
CANDLE_KEY = ("instrument_id", "interval", "source_interval", "event_time")


class Levels(NamedTuple):
    """Levels in the order of their windows: the row of the pivots, the position in LEVELS, the price."""

    row: Numbers
    name: Numbers
    price: Floats


class Windows(NamedTuple):
    """Validity windows: positions, ends exclusive, of the candles that lie in each and of its levels."""

    first_candle: Numbers
    end_candle: Numbers
    first_level: Numbers
    end_level: Numbers

    def in_which_both_are(self) -> "Windows":
        """Return the windows that hold candles and levels."""
        both = (self.first_candle < self.end_candle) & (self.first_level < self.end_level)
        return Windows(*(positions[both] for positions in self))


class Matched(NamedTuple):
    """Candles and pivots as frames, and what lies where: positions are of candles and levels in their order."""

    bars: pl.DataFrame
    pivots: pl.DataFrame
    candle_rows: Numbers  # in the order of instrument, basis and time
    prices: Prices  # in that order, on the scale of the levels
    to_levels: Floats  # by what prices were multiplied for it
    levels: Levels
    windows: Windows


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
    bars = rows_where(candles, candles.get_column("interval") == CANDLE_INTERVAL)
    chosen = rows_where(pivots, pivots.get_column("source_interval") == source_interval)
    signals = empty(table(PIVOT_SIGNALS))
    if not bars.is_empty() and not chosen.is_empty():
        matched = _matched(with_knowledge(bars), with_knowledge(chosen))
        has_windows = len(matched.windows.first_level) > 0
        if has_windows and sessions is not None and splits is not None and not splits.is_empty():
            matched = _on_one_scale(matched, sessions, splits)
        found = _of_sessions(_found(matched), matched, session_dates)
        signals = _rows(_sorted(found, matched), matched) if len(found.candle) else signals
    return signals if "ingest_time" in candles.columns else signals.drop("ingest_time")


def _matched(bars: pl.DataFrame, pivots: pl.DataFrame) -> Matched:
    """Bring candles and levels into the order of their windows."""
    bar_family, pivot_family = common_ranks(bars, pivots, FAMILY)
    times, starts = instants(bars.get_column("event_time")), instants(pivots.get_column("valid_from_time"))
    candle_rows, pivot_rows = np.lexsort((times, bar_family)), np.lexsort((starts, pivot_family))
    family, starts = pivot_family[pivot_rows], starts[pivot_rows]
    first = np.flatnonzero(starts_run(family) | starts_run(starts))
    ends = np.maximum.reduceat(instants(pivots.get_column("valid_until_time"))[pivot_rows], first)
    spans = _spans(bar_family[candle_rows], times[candle_rows], family[first], starts[first], ends)
    levels, edges = _levels(pivots, pivot_rows, first)
    columns = (bars.get_column(name).to_numpy()[candle_rows] for name in Prices._fields)
    windows = Windows(*spans, edges[:-1], edges[1:]).in_which_both_are()
    return Matched(bars, pivots, candle_rows, Prices(*columns), np.ones(bars.height), levels, windows)


def _spans(
    bar_families: Numbers, times: Numbers, families: Numbers, starts: Numbers, ends: Numbers
) -> tuple[Numbers, Numbers]:
    """Return where the candles of each window begin and end; it ends at the latest where the next one begins."""
    goes_on = families[1:] == families[:-1]
    ends[:-1] = np.where(goes_on, np.minimum(ends[:-1], starts[1:]), ends[:-1])
    first, end = (np.searchsorted(bar_families, families, side) for side in ("left", "right"))
    places = [
        low + np.searchsorted(times[low:high], [start, stop])
        for low, high, start, stop in zip(first, end, starts, ends, strict=True)
    ]
    spans = np.array(places)
    return spans[:, 0], spans[:, 1]


def _levels(pivots: pl.DataFrame, rows: Numbers, first: Numbers) -> tuple[Levels, Numbers]:
    """Return the levels of pivots in the order of these rows, and where those of each window begin and the last end."""
    prices = np.column_stack([pivots.get_column(level).to_numpy() for level in LEVELS])[rows]
    at, name = np.nonzero(
        ~np.isnan(prices)
    )  # a NaN, which no price is above or below, gives no signal as none does
    edges = np.searchsorted(at, np.append(first, len(rows)))
    return Levels(rows[at], name, prices[at, name]), edges


def _on_one_scale(matched: Matched, sessions: pl.DataFrame, splits: pl.DataFrame) -> Matched:
    """Bring the levels of each window to the scale of its youngest, and the prices of its candles too."""
    levels, windows = matched.levels, matched.windows
    level_window, level_at = expanded(windows.first_level, windows.end_level)
    candle_window, candle_at = expanded(windows.first_candle, windows.end_candle)
    wanted = _wanted(matched, level_window, level_at, sessions)
    known = gathered(matched.pivots, KNOWN_BASIS, levels.row[level_at])
    received = receipt_column(matched.bars)
    placed = gathered(matched.bars, ("session_date", *FAMILY, received), matched.candle_rows[candle_at])
    level_factors = _factors(known, wanted, level_window, SCALE_OF_LEVELS, sessions, splits)
    given = Scale("session_date", received)
    to_levels, level_prices = matched.to_levels.copy(), levels.price.copy()
    to_levels[candle_at] = _factors(placed, wanted, candle_window, given, sessions, splits)
    level_prices[level_at] *= level_factors
    prices = Prices(*(price * to_levels for price in matched.prices))
    return matched._replace(prices=prices, to_levels=to_levels, levels=levels._replace(price=level_prices))


def _wanted(
    matched: Matched, level_window: Numbers, level_at: Numbers, sessions: pl.DataFrame
) -> pl.DataFrame:
    """Return the scale of each window: its first session, and when the youngest of its levels became known."""
    rows = matched.levels.row[level_at]
    first = np.flatnonzero(starts_run(level_window))
    windows = gathered(matched.pivots, ("instrument_id", "valid_from_time"), rows[first])
    youngest = np.maximum.reduceat(instants(matched.pivots.get_column("ingest_time"))[rows], first)
    dates = with_first_session(windows, sessions).get_column("first_session_date")
    return pl.DataFrame([dates, instants_column("youngest_time", youngest)])


def _factors(
    rows: pl.DataFrame,
    wanted: pl.DataFrame,
    window: Numbers,
    given: Scale,
    sessions: pl.DataFrame,
    splits: pl.DataFrame,
) -> Floats:
    scaled = rows.hstack(gathered(wanted, wanted.columns, window))
    factors = price_factors(scaled, splits, sessions, given, Scale("first_session_date", "youngest_time"))
    return factors.to_numpy()


def _found(matched: Matched) -> Found:
    """Search window by window."""
    return joined(
        search(
            Prices(*(prices[first:end] for prices in matched.prices)), matched.levels.price[level:end_level]
        ).moved(first, level)
        for first, end, level, end_level in zip(*matched.windows, strict=True)
    )


def _of_sessions(found: Found, matched: Matched, session_dates: Collection[date] | None) -> Found:
    if session_dates is None:
        return found
    days = matched.bars.get_column("session_date").to_numpy()[matched.candle_rows[found.candle]]
    return found.at(np.isin(days, np.array(list(session_dates), "datetime64[D]")))


def _sorted(found: Found, matched: Matched) -> Found:
    """Return signals in the order of their business key."""
    rows, times = matched.levels.row[found.level], instants(matched.bars.get_column("event_time"))
    instrument, variant = (
        ranks(matched.pivots.get_column(name))[rows] for name in ("instrument_id", "variant")
    )
    level, kind = matched.levels.name[found.level], KIND_ORDER[found.kind]
    return found.at(np.lexsort((times[matched.candle_rows[found.candle]], kind, level, variant, instrument)))


def _rows(found: Found, matched: Matched) -> pl.DataFrame:
    """Turn positions into rows; times of settlement and knowledge are the latest of all that was used."""
    bars, pivots, levels = matched.bars, matched.pivots, matched.levels
    candle, pivot = matched.candle_rows[found.candle], levels.row[found.level]
    at_candle, at_pivot = row_places(candle), row_places(pivot)
    columns = [
        bars.get_column("instrument_id")[at_candle],
        pivots.get_column("variant")[at_pivot],
        pl.Series("level", LEVELS)[row_places(levels.name[found.level])],
        pl.Series("kind", KINDS)[row_places(found.kind)],
        *(bars.get_column(name)[at_candle] for name in ("event_time", "session_date", "available_time")),
        pl.Series("direction", ("down", "up"))[row_places(found.is_up)],
        pl.Series("level_price", levels.price[found.level] / matched.to_levels[found.candle]),
        bars.get_column("close")[at_candle].alias("price"),
        *(pivots.get_column(name)[at_pivot] for name in ("window_start_date", "source_interval")),
        _evidence(found, matched),
        *(_latest(name, found, matched, candle, pivot) for name in ("settles_time", "ingest_time")),
    ]
    return conform(pl.DataFrame(columns), table(PIVOT_SIGNALS))


def _latest(name: str, found: Found, matched: Matched, candle: Numbers, pivot: Numbers) -> pl.Series:
    of_bars, of_pivots = (instants(frame.get_column(name)) for frame in (matched.bars, matched.pivots))
    before = np.where(found.candle_before == NONE, UNKNOWN, of_bars[matched.candle_rows[found.candle_before]])
    return instants_column(name, np.maximum(np.maximum(of_bars[candle], before), of_pivots[pivot]))


def _evidence(found: Found, matched: Matched) -> pl.Series:
    """Return the keys of the candles that show each signal, in the order of time."""
    both = np.column_stack([found.candle_before, found.candle]).ravel()
    shown = both[both != NONE]
    is_shown = np.zeros(len(matched.candle_rows), np.bool_)
    is_shown[shown] = True
    rows = row_places(matched.candle_rows[is_shown])
    *names, times = (matched.bars.get_column(name)[rows] for name in CANDLE_KEY)
    keys = joined_text([name.to_arrow() for name in names] + [instants_text(times)])
    edges = np.concatenate([[0], np.cumsum(1 + (found.candle_before != NONE))])
    return text_lists("evidence", keys.take(pa.array((np.cumsum(is_shown) - 1)[shown])), edges)
