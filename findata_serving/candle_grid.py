"""A page of candles on the grid of its exchange's calendar: which sessions the page spans.

What belongs here: the ends of the grid. What does not: the grid itself (grids), rows (candle_queries, candle_frames).
"""

from __future__ import annotations

from datetime import datetime

from findata_serving import grids, parameters
from findata_serving.candle_queries import PERIODS, Conditions, Wanted, instant_at
from findata_serving.problems import bad_parameter
from findata_serving.reading import Query, Rows, read
from findata_serving.records import record
from findata_serving.sources import Sources


async def on_grid(sources: Sources, wanted: Wanted, rows: Rows, now: datetime, *, is_last: bool) -> Rows:
    """Return the rows with those that the calendar expects, between the window's ends; up to now.

    A page that others follow ends with its own last row, and one that others precede in time begins with its first.
    """
    if wanted.interval in PERIODS:
        raise bad_parameter("fill", "Weeks and months have no grid", "Ask for fill=none, or for days")
    conditions = Conditions(wanted.instrument_id.rpartition(".")[2])
    conditions.texts.append('"mic" = $1')
    low = _low(wanted, rows, conditions, is_last=is_last)
    high = _high(wanted, rows, conditions, is_last=is_last)
    high = min(_microseconds(now), high) if high is not None else _microseconds(now)
    if low is not None:
        conditions.add('"close_time" > {}', instant_at(low))
    elif wanted.span.start is None:
        high = -1  # nothing is there, and nobody said where to begin
    conditions.add('"open_time" <= {}', instant_at(high))
    query = Query(record("sessions"), conditions.joined(), conditions.arguments, ("session_date",))
    times = grids.expected_times(wanted.interval, await read(sources, query))
    times = times[(times >= (low if low is not None else times[:1].sum())) & (times <= high)]
    if times.size > parameters.MOST_ROWS:
        raise bad_parameter(
            "start",
            f"The calendar expects {times.size:,} candles there",
            f"Ask for a window of {parameters.MOST_ROWS:,} or fewer, or for a wider interval",
            widest_rows=parameters.MOST_ROWS,
        )
    key = {name: getattr(wanted, name) for name in ("instrument_id", "interval", "source_interval")}
    return grids.filled(rows, times, key)


def _low(wanted: Wanted, rows: Rows, conditions: Conditions, *, is_last: bool) -> int | None:
    """Return the first instant, inclusive; None where a date begins the grid, which is a condition then."""
    start = wanted.span.start
    if wanted.after is not None:
        return wanted.after + 1
    if start is None or (wanted.is_latest and not is_last):
        return int(rows.first("event_time")) if rows.height else None
    if isinstance(start.at, datetime):
        return _microseconds(start.at)
    conditions.add('"session_date" >= {}', start.at)
    return None


def _high(wanted: Wanted, rows: Rows, conditions: Conditions, *, is_last: bool) -> int | None:
    """Return the last instant, inclusive; None where a date or nothing ends the grid."""
    end = wanted.span.end
    if wanted.before is not None:
        return wanted.before - 1
    if not wanted.is_latest and not is_last:
        return int(rows.last("event_time"))
    if end is None:
        return int(rows.last("event_time")) if rows.height else None
    if isinstance(end.at, datetime):
        return _microseconds(end.at) - 1
    conditions.add('"session_date" < {}', end.at)
    return None


def _microseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1_000_000)
