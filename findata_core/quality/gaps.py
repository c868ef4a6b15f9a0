"""Coverage: how much of each session a source has brought, and which stretches are missing.

What belongs here: the expected grid of each instrument, session, source and interval against the bars
that are there, as rows of ops.coverage. What does not: fetching what is missing, whether the bars that
are there are right.

All of it on arrays: a query of a frame costs as much for one bar as for thousands. The slots of all grids
stand in one row, each segment's followed by an end: what is missing lies between neighbours among those taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from findata_core.calendars import SessionBounds, mic_of
from findata_core.intervals import MICROSECONDS_PER_MINUTE, interval_of
from findata_core.schema.frames import empty
from findata_core.schema.tables import table

COVERAGE = table("ops.coverage")
SCOPE = ("instrument_id", "session_date", "source", "interval")
SERIES = ("instrument_id", "source", "interval")

MINUTES_PER_DAY = 1440
CLOCK = tuple(f"{minute // 60:02}:{minute % 60:02}" for minute in range(MINUTES_PER_DAY))
STATES = pl.Series(["missing", "partial", "complete"])

# Dates are days since 1970 in 32 bits, and an exchange's code stands above.
FIRST_DAY, LAST_DAY, DAY_SPAN = -(2**31), 2**31 - 1, 2**32
# The second segment of a session without a break opens and closes when no bar ever starts.
NEVER = 2**62
NO_TIME = -(2**63)
OTHER, REGULAR, NO_PHASE = range(3)

Int64s = npt.NDArray[np.int64]


def coverage(bars: pl.DataFrame, sessions: pl.DataFrame, instruments_sources: pl.DataFrame) -> pl.DataFrame:
    """Rows of ops.coverage: one for each session of each series, also for those without any bar.

    `instruments_sources`: instrument_id, source, interval, first_date, last_date (both inclusive; null
    where unbounded): what is asked for. `bars`: rows of market.bars and market.bars_1d; of several bases
    of one source the bars count once. Bars outside of what is asked for are left out.

    The grid starts at each segment's open; where a series' bars of a session do not stand on it but on
    whole intervals of the local day (hours from 10:00), it is that one, from the open on. Missing ranges
    are UTC, do not cross a break and end at the segment's close.
    """
    scopes = _scopes(instruments_sources, _of_the_series(sessions, instruments_sources))
    if not len(scopes.number):
        return empty(COVERAGE)
    segments = _segments(scopes, instruments_sources["interval"].to_list())
    regular, others = _placed(bars, scopes, segments)
    grid = _grid(segments, regular)
    gaps = _gaps(grid, _taken(grid, regular))
    expected = grid.slot_count.reshape(-1, 2).sum(axis=1)
    present = expected - gaps.slots_by_scope(len(expected))
    names = instruments_sources[scopes.line]
    columns = {
        "instrument_id": names.get_column("instrument_id"),
        "session_date": scopes.bounds.session_date[scopes.session],
        "source": names.get_column("source"),
        "interval": names.get_column("interval"),
        "status": STATES[np.where(present == expected, 2, present > 0)],
        "expected_bars": pl.Series(expected).cast(pl.Int32),
        "present_bars": pl.Series(present).cast(pl.Int32),
        "other_bars": pl.Series(others).cast(pl.Int32),
        "missing_ranges": gaps.ranges_by_scope(len(expected)),
    }
    return pl.DataFrame(columns)


def _of_the_series(sessions: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    """The sessions that any of the series asks for."""
    first, last = series["first_date"], series["last_date"]
    if series.is_empty() or first.null_count() or last.null_count():
        return sessions
    return sessions.filter(sessions["session_date"].is_between(first.min(), last.max()))


@dataclass(frozen=True)
class _Numbering:
    """Scopes as numbers that sort like ops.coverage: names count by their place among those of the series."""

    places: tuple[Mapping[str | None, int], ...]  # of each of SERIES, from 1
    first_day: int
    day_count: int

    @classmethod
    def of(cls, series: pl.DataFrame, days: Int64s) -> _Numbering:
        """The numbers of scopes of these series on these days."""
        names = (sorted(set(series.get_column(column)) - {None}) for column in SERIES)
        places = tuple({name: place for place, name in enumerate(known, 1)} for known in names)
        first_day = int(days.min(initial=LAST_DAY))
        return cls(places, first_day, int(days.max(initial=first_day)) - first_day + 1)

    def codes(self, rows: pl.DataFrame) -> list[Int64s]:
        """For each of SERIES the places of the rows' names; 0 for those that no series has."""
        columns = zip(SERIES, self.places, strict=True)
        return [_codes(rows.get_column(column), places) for column, places in columns]

    def numbers(self, codes: Sequence[Int64s], days: Int64s) -> Int64s:
        """One number for each row; names and days have to be known ones."""
        instrument, source, interval = codes
        _, sources, intervals = (len(places) + 1 for places in self.places)
        number = instrument * self.day_count + (days - self.first_day)
        return (number * sources + source) * intervals + interval

    def knows(self, codes: Sequence[Int64s], days: Int64s) -> npt.NDArray[np.bool_]:
        """Tell for each row whether its names and its day are among those that have a number."""
        is_named = np.minimum(np.minimum(codes[0], codes[1]), codes[2]) > 0
        return is_named & (days >= self.first_day) & (days < self.first_day + self.day_count)


@dataclass(frozen=True)
class _Scopes:
    """What is asked for, in the order of ops.coverage: each a line of the series and a session of the bounds."""

    numbering: _Numbering
    number: Int64s  # sorted, distinct
    line: Int64s
    session: Int64s
    bounds: SessionBounds

    def positions_of(self, rows: pl.DataFrame) -> Int64s:
        """The position of each row's scope; -1 where nobody asks for it."""
        codes, days = self.numbering.codes(rows), _int64s(rows.get_column("session_date"), FIRST_DAY)
        number = np.where(self.numbering.knows(codes, days), self.numbering.numbers(codes, days), -1)
        # Rows of one scope mostly follow each other: only the first of each run is looked up.
        is_first = np.ones(len(number), dtype=np.bool_)
        np.not_equal(number[1:], number[:-1], out=is_first[1:])
        first = np.flatnonzero(is_first)
        position = np.searchsorted(self.number, number[first]).clip(max=len(self.number) - 1)
        position[self.number[position] != number[first]] = -1
        return np.repeat(position, np.diff(first, append=len(number)))


def _scopes(series: pl.DataFrame, sessions: pl.DataFrame) -> _Scopes:
    """One scope for each session of each series, also of a series that is named twice."""
    bounds = SessionBounds.of(sessions)
    days = _int64s(bounds.session_date, FIRST_DAY)
    line, session = _sessions_of(series, bounds, days)
    numbering = _Numbering.of(series, days[session])
    codes = [code[line] for code in numbering.codes(series)]
    number, first = np.unique(numbering.numbers(codes, days[session]), return_index=True)
    return _Scopes(numbering, number, line[first], session[first], bounds)


def _sessions_of(series: pl.DataFrame, bounds: SessionBounds, days: Int64s) -> tuple[Int64s, Int64s]:
    """Pairs of a line of the series and a session of its exchange from its first to its last date."""
    mics = series.select(mic_of(pl.col("instrument_id"))).to_series()
    venue = _codes(mics, {mic: place for place, mic in enumerate(bounds.mics, 1)}) * DAY_SPAN
    places = (bounds.venue + 1) * DAY_SPAN + days
    first = np.searchsorted(places, venue + _int64s(series.get_column("first_date"), FIRST_DAY))
    last = np.searchsorted(places, venue + _int64s(series.get_column("last_date"), LAST_DAY), side="right")
    count = (last - first).clip(min=0)
    line = np.repeat(np.arange(len(count)), count)
    return line, np.arange(len(line)) - np.repeat(np.cumsum(count) - count - first, count)


@dataclass(frozen=True)
class _Segments:
    """Two stretches of trading a scope, one after the other, in microseconds; a day has the first alone."""

    open: Int64s
    close: Int64s
    midnight: Int64s  # where the local day starts
    width: Int64s  # of the interval


def _segments(scopes: _Scopes, intervals: Sequence[str]) -> _Segments:
    bounds, session = scopes.bounds, scopes.session
    lines, place = np.unique(scopes.line, return_inverse=True)
    width = np.array([_width(intervals[line]) for line in lines.tolist()], dtype=np.int64)[place]
    is_daily = np.array([intervals[line] == "1d" for line in lines.tolist()])[place]
    close, break_end = bounds.close[session], bounds.break_end[session]
    has_break = (break_end < close) & ~is_daily
    first_close = np.where(is_daily, close, bounds.break_start[session])
    return _Segments(
        open=np.column_stack((bounds.open[session], np.where(has_break, break_end, NEVER))).ravel(),
        close=np.column_stack((first_close, np.where(has_break, close, NEVER))).ravel(),
        midnight=np.repeat(bounds.day_start[session], 2),
        width=np.repeat(width, 2),
    )


def _width(interval: str) -> int:
    """Width of the interval in microseconds; a day is wider than any session."""
    return (interval_of(interval).minutes or MINUTES_PER_DAY) * MICROSECONDS_PER_MINUTE


@dataclass(frozen=True)
class _Regular:
    """The regular bars of what is asked for."""

    segment: Int64s
    start: Int64s  # microseconds


def _placed(bars: pl.DataFrame, scopes: _Scopes, segments: _Segments) -> tuple[_Regular, Int64s]:
    """The regular bars, and for each scope the number of the others; bars without a phase are neither."""
    position = scopes.positions_of(bars)
    phase = _codes(bars.get_column("session_phase"), {"regular": REGULAR, None: NO_PHASE})
    time = _int64s(bars.get_column("event_time").cast(pl.Datetime("us")), NO_TIME)
    is_regular = (position >= 0) & (phase == REGULAR) & (time != NO_TIME)
    is_other = (position >= 0) & (phase == OTHER)
    first, start = 2 * position[is_regular], time[is_regular]
    regular = _Regular(first + (start >= segments.open[first + 1]), start)
    return regular, np.bincount(position[is_other], minlength=len(scopes.number))


@dataclass(frozen=True)
class _Grid:
    """Where the grid of each segment starts, and how many bars stand on it."""

    start: Int64s
    close: Int64s
    width: Int64s
    slot_count: Int64s
    end: Int64s  # the place behind the last slot, in the row of all slots and ends


def _grid(segments: _Segments, regular: _Regular) -> _Grid:
    """The grid of a scope is the clock's where one bar at least is off the grid of its segment."""
    is_off = (regular.start - segments.open[regular.segment]) % segments.width[regular.segment] != 0
    is_on_clock = np.zeros(len(segments.open) // 2, dtype=np.bool_)
    is_on_clock[regular.segment[is_off] // 2] = True
    to_the_clock = (segments.midnight - segments.open) % segments.width
    start = segments.open + np.where(np.repeat(is_on_clock, 2), to_the_clock, 0)
    count = (-((start - segments.close) // segments.width)).clip(min=0)
    return _Grid(start, segments.close, segments.width, count, end=np.cumsum(count + 1) - 1)


def _taken(grid: _Grid, regular: _Regular) -> Int64s:
    """The places that bars have taken in the row of all slots and ends, in any order, some more than once."""
    segment = regular.segment
    slot = (regular.start - grid.start[segment]) // grid.width[segment]
    count = grid.slot_count[segment]
    return (grid.end[segment] - count + slot)[(slot >= 0) & (slot < count)]


@dataclass(frozen=True)
class _Gaps:
    """Missing ranges in the order of scopes and of time: [start, end) in microseconds, and how many slots."""

    scope: Int64s
    start: Int64s
    end: Int64s
    slots: Int64s

    def slots_by_scope(self, scopes: int) -> Int64s:
        """How many slots of each scope are missing."""
        total = np.concatenate(([0], np.cumsum(self.slots)))
        return np.diff(total[np.searchsorted(self.scope, np.arange(scopes + 1))])

    def ranges_by_scope(self, scopes: int) -> pl.Series:
        """The ranges of each scope as texts."""
        minutes = np.stack((self.start, self.end)) // MICROSECONDS_PER_MINUTE % MINUTES_PER_DAY
        texts = [f"{CLOCK[start]}-{CLOCK[end]}" for start, end in minutes.T.tolist()]
        offsets = np.searchsorted(self.scope, np.arange(scopes + 1))
        # Arrow takes the offsets as they are; a list of Python's lists takes Polars a hundred times as long.
        lists = pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(texts, pa.large_string()))
        return pl.Series(lists)


def _gaps(grid: _Grid, taken: Int64s) -> _Gaps:
    """What lies between neighbours among the places taken and the segments' ends."""
    places = np.sort(np.concatenate(([-1], taken, grid.end)))
    before = np.flatnonzero(np.diff(places) > 1)
    first, following = places[before] + 1, places[before + 1]
    segment = np.searchsorted(grid.end, first)
    width, grid_start = grid.width[segment], grid.start[segment]
    start = grid_start + (first - (grid.end - grid.slot_count)[segment]) * width
    end = np.minimum(start + (following - first) * width, grid.close[segment])
    return _Gaps(segment // 2, start, end, following - first)


def _codes(names: pl.Series, codes: Mapping[str | None, int]) -> Int64s:
    """The code of each name, 0 for those that have none; each distinct name is looked up once."""
    encoded = names.to_arrow().dictionary_encode(null_encoding="encode")
    known = [codes.get(name, 0) for name in encoded.dictionary.to_pylist()]
    of_rows: Int64s = np.array(known, dtype=np.int64)[encoded.indices.to_numpy()]
    return of_rows


def _int64s(numbers: pl.Series, instead_of_null: int) -> Int64s:
    whole = numbers.cast(pl.Int64)
    return (whole.fill_null(instead_of_null) if whole.null_count() else whole).to_numpy()
