"""Where parsed rows lie: the session of each, its phase, its start, its end, and whether it is on its grid.

What belongs here: what the calendar and a row's stamp say of it, for all rows at once and as arrays, because
most payloads are small and a query costs more than their rows. What does not: whether such a row is a bar
(bars), sessions themselves (calendars), minutes folded into candles (folding).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from findata_core.calendars import (
    CLOSING,
    NO_PHASE,
    REGULAR,
    Int64Array,
    SessionBounds,
    days_since_1970,
    microseconds,
    numbered,
)
from findata_core.intervals import MICROSECONDS_PER_MINUTE, interval_of
from findata_core.schema.runs import rows_at

MARGIN = np.timedelta64(3, "D")  # a session's rows start within two days around its date, in any zone
FIRST, LAST = -(2**63), 2**63 - 1  # before and after all that can be counted

Bools = npt.NDArray[np.bool_]


def sessions_near(rows: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """The sessions that rows can lie in: to lay out forty years of them takes longer than to read a file.

    In whole days since 1970, because a stamp in the wrong unit is beyond what Python calls a date.
    """
    if rows.is_empty():
        return sessions.clear()
    stamps = (rows["event_time"].to_numpy(), rows["session_date"].to_numpy())
    first, last = (  # of what is not null
        end.reduce([end.reduce(stamp).astype("datetime64[D]") for stamp in stamps])
        for end in (np.fmin, np.fmax)
    )
    dates = sessions["session_date"].to_numpy()
    is_near = (dates >= first - MARGIN) & (dates <= last + MARGIN)
    return rows_at(sessions, np.flatnonzero(is_near))


@dataclass(frozen=True)
class Placed:
    """Where each row lies: its session's position (-1 for none) and phase, its start and end, its place on the grid.

    `start` and `end` are microseconds since 1970. `keys`: what rows are sorted by and alike in, their payload
    and business key, as numbers in the order of the values.
    """

    index: Int64Array
    phase: npt.NDArray[np.int8]
    start: Int64Array
    end: Int64Array
    is_on_grid: Bools
    keys: tuple[Int64Array, ...]


def placed_rows(rows: pl.DataFrame, bounds: SessionBounds) -> Placed:
    """Where rows of bars.PARSED_SCHEMA and ORIGIN_SCHEMA lie in the sessions of their exchanges."""
    instruments, instrument = numbered(rows["instrument_id"])
    intervals, interval = numbered(rows["interval"])
    is_daily = np.array([*(name == "1d" for name in intervals), False])[interval]
    index = _session_indices(rows, bounds, _venues(instruments, bounds)[instrument], is_daily)
    phase = bounds.phase_at(index, rows["event_time"])
    phase[is_daily & (index >= 0)] = REGULAR
    index = np.where(phase == NO_PHASE, -1, index)
    start = np.where(is_daily, value_at(bounds.open, index), microseconds(rows["event_time"], 0))
    width = _widths(intervals)[interval]
    others = (numbered(rows[name])[1] for name in ("source", "adjustment"))
    return Placed(
        index=index,
        phase=phase,
        start=start,
        end=_ends(bounds, index, phase, start, width, is_daily),
        is_on_grid=is_daily | _is_on_grid(bounds, index, phase, start, width),
        keys=(filled(rows["payload_number"], FIRST), instrument, interval, *others, start),
    )


def _widths(intervals: tuple[str, ...]) -> Int64Array:
    """The width of each interval in microseconds, and at the end that of none, which is a day's."""
    minutes = [interval_of(name).minutes or 1440 for name in intervals]
    return np.array([*minutes, 1440]) * MICROSECONDS_PER_MINUTE


def _venues(instruments: tuple[str, ...], bounds: SessionBounds) -> Int64Array:
    """The position of each instrument's exchange in the bounds; -1 where it is none of theirs, and at the end."""
    venues = {f".{mic}": venue for venue, mic in enumerate(bounds.mics)}
    found = [venues.get("".join(instrument.rpartition(".")[1:]), -1) for instrument in instruments]
    return np.array([*found, -1])


def _session_indices(
    rows: pl.DataFrame, bounds: SessionBounds, venue: Int64Array, is_daily: Bools
) -> Int64Array:
    index = bounds.index_of_instants(venue, microseconds(rows["event_time"]))
    if not is_daily.any():
        return index
    return np.where(is_daily, bounds.index_of_days(venue, days_since_1970(rows["session_date"])), index)


def filled(numbers: pl.Series, where_null: int) -> npt.NDArray[Any]:
    """The numbers of a column, and another where it has none."""
    return (numbers.fill_null(where_null) if numbers.has_nulls() else numbers).to_numpy()


def value_at(values: Int64Array, index: Int64Array) -> Int64Array:
    """The value of the session at each position; 0 for -1, which is no session."""
    return np.append(values, 0)[index]


def _ends(
    bounds: SessionBounds,
    index: Int64Array,
    phase: npt.NDArray[np.int8],
    start: Int64Array,
    width: Int64Array,
    is_daily: Bools,
) -> Int64Array:
    """When each row can no longer grow: its end, for regular rows no later than its segment's close."""
    segment_close = np.where(
        start < value_at(bounds.break_start, index),
        value_at(bounds.break_start, index),
        value_at(bounds.close, index),
    )
    end = np.where(phase == REGULAR, np.minimum(start + width, segment_close), start + width)
    # A closing row is the print of an auction: a matter of an instant, whatever the width it is sent with.
    end = np.where(phase == CLOSING, start + MICROSECONDS_PER_MINUTE, end)
    return np.where(is_daily, value_at(bounds.close, index), end)


def _is_on_grid(
    bounds: SessionBounds,
    index: Int64Array,
    phase: npt.NDArray[np.int8],
    start: Int64Array,
    width: Int64Array,
) -> Bools:
    """Whether a row starts on the grid of its width, counted from a segment's edge or the local midnight.

    Yahoo counts New York's hours from 09:30, others from the whole hour: both are right.
    """
    edges = (bounds.open, bounds.break_end, bounds.close, bounds.day_start)
    is_on_grid: Bools = phase == CLOSING
    for edge in edges:
        is_reached = (start >= value_at(edge, index)) | (edge is bounds.open)
        is_on_grid |= is_reached & ((start - value_at(edge, index)) % width == 0)
    return is_on_grid
