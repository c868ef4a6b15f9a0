"""Folding minutes into candles on arrays: the arithmetic under market.candles, fast enough for years.

What belongs here: segments, buckets and `reduceat`, on NumPy arrays of microseconds since 1970. What
does not: frames and their columns (market.candles), weeks and months (market.periods).

A segment is a session, or its part before or after the break. Buckets are counted from each segment's
open and cut at its close, so none crosses a break or a session. Because each width is a whole number of
the one below it, a width is folded from the one below it: 1m -> 5m -> 15m -> 30m -> 1h -> 4h -> 1d.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from findata_core.calendars import SessionBounds
from findata_core.intervals import CANDLE_INTERVALS, MICROSECONDS_PER_MINUTE, width_minutes
from findata_core.market.reducing import Ranges, reduce_ranges

Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Float64s = npt.NDArray[np.float64]

# A session of 200 instruments is 78,000 rows and takes less time than starting threads.
ROWS_WORTH_THREADS = 500_000
NO_ROWS: Int64s = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class MinuteArrays:
    """Minute bars sorted by (instrument, time), times unique for each instrument.

    `latest`: further columns of which a candle takes the greatest (times of knowledge and settling).
    """

    instrument: Int32s
    time: Int64s
    open: Float64s
    high: Float64s
    low: Float64s
    close: Float64s
    volume: Int64s
    latest: Mapping[str, Int64s] = field(default_factory=dict)


@dataclass(frozen=True)
class Segments:
    """Stretches of unbroken trading, sorted by venue and open; `session` is a position in the bounds."""

    venue: Int64s
    session: Int32s
    open: Int64s
    close: Int64s

    @classmethod
    def of(cls, bounds: SessionBounds) -> Segments:
        """One segment for each session without a break, two for each with one."""
        second = np.flatnonzero(bounds.break_end < bounds.close)
        session = np.concatenate([np.arange(len(bounds.open)), second])
        opens = np.concatenate([bounds.open, bounds.break_end[second]])
        closes = np.concatenate([bounds.break_start, bounds.close[second]])
        order = np.lexsort((opens, bounds.venue[session]))
        session = session[order]
        return cls(bounds.venue[session], session.astype(np.int32), opens[order], closes[order])


@dataclass(frozen=True)
class CandleArrays:
    """Candles of one width, sorted by (instrument, start); `first_row` is where their first minute stands."""

    instrument: Int32s
    session: Int32s
    segment: Int32s
    bucket: Int32s
    start: Int64s
    end: Int64s
    expected_minutes: Int32s
    present_minutes: Int32s
    first_row: Int64s
    open: Float64s
    high: Float64s
    low: Float64s
    close: Float64s
    volume: Int64s
    latest: Mapping[str, Int64s]


def fold_arrays(
    bars: MinuteArrays, venue_of_instrument: Int64s, bounds: SessionBounds
) -> dict[str, CandleArrays]:
    """Fold minutes into every width of CANDLE_INTERVALS; minutes outside of all segments are left out.

    `venue_of_instrument[code]` is the position of the instrument's exchange in `bounds.mics` (-1: none).
    """
    segments = Segments.of(bounds)
    candles: dict[str, CandleArrays] = {}
    finest = CANDLE_INTERVALS[0]
    candles[finest] = _fold_minutes(bars, venue_of_instrument, segments, width_minutes(finest))
    for child, parent in pairwise(CANDLE_INTERVALS[:-1]):
        widths = width_minutes(parent), width_minutes(child)
        candles[parent] = _fold_candles(candles[child], segments, *widths)
    candles["1d"] = _fold_sessions(candles[CANDLE_INTERVALS[-2]], bounds)
    return candles


def _fold_minutes(
    bars: MinuteArrays, venue_of_instrument: Int64s, segments: Segments, width: int
) -> CandleArrays:
    """Fold minutes by looking up each bucket's edges among them: a search a bucket, none a minute."""
    buckets = _Buckets.of(segments, width)
    parts = _side_by_side(
        [
            partial(_present_buckets, bars.time[first:last], first, buckets, int(venue_of_instrument[code]))
            for code, first, last in _instrument_slices(bars.instrument)
        ],
        len(bars.time),
    )
    starts, ends, found = (
        np.concatenate([NO_ROWS, *columns]) for columns in zip(*parts or [(NO_ROWS,) * 3], strict=True)
    )
    segment = buckets.segment.take(found)
    return _candles(
        bars,
        Ranges.of(starts, ends, width),
        {
            "instrument": partial(bars.instrument.take, starts),
            "session": partial(segments.session.take, segment),
            "segment": lambda: segment,
            "bucket": partial(buckets.bucket.take, found),
            "start": partial(buckets.start.take, found),
            "end": partial(buckets.end.take, found),
            "expected_minutes": partial(_minutes(buckets.start, buckets.end).take, found),
            "present_minutes": lambda: (ends - starts).astype(np.int32),
            "first_row": lambda: starts,
        },
    )


@dataclass(frozen=True)
class _Buckets:
    """Every bucket of one width in every segment, sorted by venue and start."""

    venue: Int64s
    segment: Int32s
    bucket: Int32s
    start: Int64s
    end: Int64s

    @classmethod
    def of(cls, segments: Segments, width: int) -> _Buckets:
        step = width * MICROSECONDS_PER_MINUTE
        counts = -(-(segments.close - segments.open) // step)
        segment = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        bucket = np.arange(len(segment)) - (np.cumsum(counts) - counts)[segment]
        start = segments.open.take(segment) + bucket * step
        end = np.minimum(start + step, segments.close.take(segment))
        return cls(segments.venue[segment], segment, bucket.astype(np.int32), start, end)


def _instrument_slices(instrument: Int32s) -> list[tuple[int, int, int]]:
    """Code, first row and end of each instrument's rows."""
    if not len(instrument):
        return []
    firsts = np.append(0, np.flatnonzero(instrument[1:] != instrument[:-1]) + 1)
    ends = np.append(firsts[1:], len(instrument))
    return [(int(instrument[i]), int(i), int(j)) for i, j in zip(firsts, ends, strict=True)]


def _present_buckets(
    time: Int64s, offset: int, buckets: _Buckets, venue: int
) -> tuple[Int64s, Int64s, Int64s]:
    """Row ranges [start, end) of one instrument's buckets that hold minutes, and those buckets' numbers.

    `offset` is the position of the instrument's first row among all rows.
    """
    first, last = np.searchsorted(buckets.venue, [venue, venue + 1])
    # Only buckets that the rows can reach: folding one session does not search a year of buckets.
    last = first + np.searchsorted(buckets.start[first:last], time[-1], side="right")
    first = first + np.searchsorted(buckets.end[first:last], time[0], side="right")
    starts = np.searchsorted(time, buckets.start[first:last])
    ends = np.append(starts[1:], 0)
    # Within a segment a bucket ends where the next one starts; only a segment's last has its own end.
    closes = np.flatnonzero(np.diff(buckets.segment[first:last], append=-1))
    ends[closes] = np.searchsorted(time, buckets.end[first:last][closes])
    present = np.flatnonzero(ends > starts)
    return starts[present] + offset, ends[present] + offset, present + first


def _fold_candles(children: CandleArrays, segments: Segments, width: int, child_width: int) -> CandleArrays:
    """Fold candles into wider ones of the same segments."""
    bucket = children.bucket // np.int32(width // child_width)
    starts = _changes(children.instrument, children.segment, bucket)
    segment, step = children.segment.take(starts), width * MICROSECONDS_PER_MINUTE
    start = segments.open.take(segment) + bucket.take(starts) * np.int64(step)
    end = np.minimum(start + step, segments.close.take(segment))
    ranges = Ranges.from_starts(starts, len(bucket), width // child_width)
    return _joined(children, ranges, bucket.take(starts), start, end, _minutes(start, end))


def _fold_sessions(children: CandleArrays, bounds: SessionBounds) -> CandleArrays:
    """Fold candles into one a session, both of its segments together."""
    starts = _changes(children.instrument, children.session)
    session = children.session.take(starts)
    start, end = bounds.open[session], bounds.close[session]
    expected = _minutes(start, end) - _minutes(bounds.break_start, bounds.break_end)[session]
    ranges = Ranges.from_starts(starts, len(children.start), usual=2)
    return _joined(children, ranges, np.zeros(len(starts), dtype=np.int32), start, end, expected)


def _joined(
    children: CandleArrays, ranges: Ranges, bucket: Int32s, start: Int64s, end: Int64s, expected: Int32s
) -> CandleArrays:
    """Candles of ranges of candles."""
    first = ranges.starts
    return _candles(
        children,
        ranges,
        {
            "instrument": partial(children.instrument.take, first),
            "session": partial(children.session.take, first),
            "segment": partial(children.segment.take, first),
            "bucket": lambda: bucket,
            "start": lambda: start,
            "end": lambda: end,
            "expected_minutes": lambda: expected,
            "present_minutes": partial(reduce_ranges, np.add, children.present_minutes, ranges),
            "first_row": partial(children.first_row.take, first),
        },
    )


Task = Callable[[], Any]


def _candles(children: MinuteArrays | CandleArrays, ranges: Ranges, columns: dict[str, Task]) -> CandleArrays:
    """Candles with these columns and the first, highest, lowest, last, sum and latest of their children."""
    tasks: dict[str, Task] = {
        **columns,
        "open": partial(children.open.take, ranges.starts),
        "high": partial(reduce_ranges, np.maximum, children.high, ranges),
        "low": partial(reduce_ranges, np.minimum, children.low, ranges),
        "close": lambda: children.close.take(ranges.ends - 1),
        "volume": partial(reduce_ranges, np.add, children.volume, ranges),
    }
    latest = {
        name: partial(reduce_ranges, np.maximum, values, ranges) for name, values in children.latest.items()
    }
    done = _side_by_side([*tasks.values(), *latest.values()], len(children.open))
    return CandleArrays(
        **dict(zip(tasks, done, strict=False)),
        latest=dict(zip(latest, done[len(tasks) :], strict=True)),
    )


def _side_by_side(tasks: Sequence[Task], row_count: int) -> list[Any]:
    """Results of tasks in their order; of a year they run on all cores, since NumPy frees the interpreter."""
    if row_count < ROWS_WORTH_THREADS:
        return [task() for task in tasks]
    with ThreadPoolExecutor() as pool:
        return [future.result() for future in [pool.submit(task) for task in tasks]]


def _changes(*columns: Int32s) -> Int64s:
    """Positions at which any of the columns differs from the row before; the first row is one."""
    is_change = np.zeros(len(columns[0]), dtype=np.bool_)
    is_change[:1] = True
    for column in columns:
        is_change[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(is_change)


def _minutes(start: Int64s, end: Int64s) -> Int32s:
    return ((end - start) // MICROSECONDS_PER_MINUTE).astype(np.int32)
