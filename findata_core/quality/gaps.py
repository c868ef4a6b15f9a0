"""Coverage: how much of each session a source has brought, and which stretches are missing.

What belongs here: the expected grid of each instrument, session, source and interval against the bars
that are there, as rows of ops.coverage. What does not: fetching what is missing, whether the bars that
are there are right.
"""

from __future__ import annotations

import polars as pl

from findata_core.calendars import SessionBounds, mic_of
from findata_core.intervals import INTERVALS, MICROSECONDS_PER_MINUTE
from findata_core.schema.frames import polars_schema
from findata_core.schema.tables import table

COVERAGE = table("ops.coverage")
SCOPE = ("instrument_id", "session_date", "source", "interval")
SERIES = ("instrument_id", "source", "interval")


def coverage(bars: pl.DataFrame, sessions: pl.DataFrame, instruments_sources: pl.DataFrame) -> pl.DataFrame:
    """Rows of ops.coverage: one for each session of each series, also for those without any bar.

    `instruments_sources`: instrument_id, source, interval, first_date, last_date (both inclusive; null
    where unbounded): what is asked for. `bars`: rows of market.bars and market.bars_1d; of several bases
    of one source the bars count once. Bars outside of what is asked for are left out.

    The grid starts at each segment's open; where a series' bars of a session do not stand on it but on
    whole intervals of the local day (hours from 10:00), it is that one, from the open on. Missing ranges
    are UTC, do not cross a break and end at the segment's close.
    """
    asked = _asked(instruments_sources, _of_the_series(sessions, instruments_sources))
    placed = bars.select(*SCOPE, "session_phase", "event_time").join(asked, on=SCOPE)
    scopes = _with_grid(asked, placed)
    slots = _slots(scopes, placed)
    gaps = _gaps(scopes, slots)
    present = slots.group_by(SCOPE).agg(present_bars=pl.len())
    other = placed.filter(pl.col("session_phase") != "regular").group_by(SCOPE).agg(other_bars=pl.len())
    expected = scopes.group_by(SCOPE).agg(expected_bars=pl.col("slot_count").sum())
    counted = expected.join(present, on=SCOPE, how="left").join(other, on=SCOPE, how="left")
    rows = counted.join(gaps, on=SCOPE, how="left").with_columns(
        pl.col("present_bars", "other_bars").fill_null(0), pl.col("missing_ranges").fill_null([])
    )
    schema = polars_schema(COVERAGE)
    complete = rows.with_columns(_status().alias("status"))
    return complete.select(pl.col(name).cast(dtype) for name, dtype in schema.items()).sort(
        COVERAGE.business_key
    )


def _of_the_series(sessions: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    """The sessions that any of the series asks for."""
    first, last = series["first_date"], series["last_date"]
    if series.is_empty() or first.null_count() or last.null_count():
        return sessions
    return sessions.filter(pl.col("session_date").is_between(first.min(), last.max()))


def _status() -> pl.Expr:
    present = pl.col("present_bars")
    return (
        pl.when(present == pl.col("expected_bars"))
        .then(pl.lit("complete"))
        .when(present > 0)
        .then(pl.lit("partial"))
        .otherwise(pl.lit("missing"))
    )


def _asked(instruments_sources: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """One row for each series and session asked for, with the session's bounds in microseconds."""
    dates = pl.col("session_date")
    asked = instruments_sources.with_columns(mic=mic_of(pl.col("instrument_id"))).join(
        _bounds(sessions), on="mic"
    )
    is_inside = (dates >= pl.col("first_date")).fill_null(value=True) & (
        dates <= pl.col("last_date")
    ).fill_null(value=True)
    return asked.filter(is_inside).drop("mic", "first_date", "last_date").unique(SCOPE)


def _bounds(sessions: pl.DataFrame) -> pl.DataFrame:
    bounds = SessionBounds.of(sessions)
    mics = pl.Series(bounds.mics, dtype=pl.String)
    return pl.DataFrame(
        {
            "mic": mics.gather(bounds.venue),
            "session_date": bounds.session_date,
            "session_day_start": bounds.day_start,
            "session_open": bounds.open,
            "session_break_start": bounds.break_start,
            "session_break_end": bounds.break_end,
            "session_close": bounds.close,
        }
    )


def _width() -> pl.Expr:
    """Width of the interval in microseconds; a day is wider than any session."""
    widths = {name: (item.minutes or 1440) * MICROSECONDS_PER_MINUTE for name, item in INTERVALS.items()}
    return pl.col("interval").replace_strict(widths, return_dtype=pl.Int64)


def _with_grid(asked: pl.DataFrame, placed: pl.DataFrame) -> pl.DataFrame:
    """One row for each segment asked for: where its grid starts, and how many bars stand on it.

    A day is one segment with one bar. `segment_open` and `segment_close` bound the segment itself.
    """
    on_clock = _clock_scopes(placed)
    is_daily = pl.col("interval") == "1d"
    has_break = (pl.col("session_break_end") < pl.col("session_close")) & ~is_daily
    first_close = pl.when(is_daily).then("session_close").otherwise("session_break_start")
    firsts = asked.with_columns(segment=0, segment_open=pl.col("session_open"), segment_close=first_close)
    seconds = asked.filter(has_break).with_columns(
        segment=1, segment_open=pl.col("session_break_end"), segment_close=pl.col("session_close")
    )
    segments = pl.concat([firsts, seconds]).with_columns(width=_width())
    segments = segments.join(on_clock, on=SCOPE, how="left").with_columns(
        pl.col("is_on_clock").fill_null(value=False)
    )
    since_midnight = pl.col("segment_open") - pl.col("session_day_start")
    to_the_clock = (-since_midnight) % pl.col("width")
    start = pl.col("segment_open") + pl.when("is_on_clock").then(to_the_clock).otherwise(0)
    count = -((start - pl.col("segment_close")) // pl.col("width"))
    return segments.with_columns(grid_start=start, slot_count=count.clip(lower_bound=0))


def _regular(placed: pl.DataFrame) -> pl.DataFrame:
    """Regular bars with their start and the open of their segment, in microseconds."""
    start = pl.col("event_time").dt.epoch("us")
    is_second = (start >= pl.col("session_break_end")) & (
        pl.col("session_break_end") < pl.col("session_close")
    )
    is_second &= pl.col("interval") != "1d"
    return placed.filter(session_phase="regular").with_columns(
        start=start, segment=is_second.cast(pl.Int32), width=_width()
    )


def _clock_scopes(placed: pl.DataFrame) -> pl.DataFrame:
    """The scopes whose bars stand on the clock's grid: one at least is off the grid of its segment."""
    segment_open = pl.when(pl.col("segment") == 1).then("session_break_end").otherwise("session_open")
    is_off = (pl.col("start") - segment_open) % pl.col("width") != 0
    return _regular(placed).filter(is_off).select(SCOPE).unique().with_columns(is_on_clock=pl.lit(value=True))


def _slots(scopes: pl.DataFrame, placed: pl.DataFrame) -> pl.DataFrame:
    """The places of the grid that regular bars have taken, each once."""
    grid = scopes.select(*SCOPE, "segment", "grid_start", "slot_count")
    bars = _regular(placed).select(*SCOPE, "segment", "start", "width")
    slot = (pl.col("start") - pl.col("grid_start")) // pl.col("width")
    taken = bars.join(grid, on=[*SCOPE, "segment"]).with_columns(slot=slot)
    inside = taken.filter(pl.col("slot") >= 0, pl.col("slot") < pl.col("slot_count"))
    return inside.select(*SCOPE, "segment", "slot").unique()


def _gaps(scopes: pl.DataFrame, slots: pl.DataFrame) -> pl.DataFrame:
    """Missing ranges of each scope: between neighbours among the places taken and the segment's edges."""
    key = [*SCOPE, "segment"]
    before = scopes.select(*key, slot=pl.lit(-1, pl.Int64))
    after = scopes.select(*key, slot=pl.col("slot_count"))
    edges = pl.concat([slots, before, after]).sort(*key, "slot")
    first = pl.col("slot") + 1
    gaps = edges.with_columns(following=pl.col("slot").shift(-1).over(key)).filter(
        pl.col("following") > first
    )
    bounds = scopes.select(*key, "grid_start", "segment_close", "width")
    start = pl.col("grid_start") + first * pl.col("width")
    end = pl.min_horizontal(pl.col("grid_start") + pl.col("following") * pl.col("width"), "segment_close")
    ranges = gaps.join(bounds, on=key).with_columns(start=start, end=end).sort(*SCOPE, "start")
    text = pl.format("{}-{}", _clock(pl.col("start")), _clock(pl.col("end")))
    return ranges.group_by(SCOPE, maintain_order=True).agg(missing_ranges=text)


def _clock(microseconds: pl.Expr) -> pl.Expr:
    return pl.from_epoch(microseconds, time_unit="us").dt.strftime("%H:%M")
