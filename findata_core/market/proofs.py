"""Proofs about candles that do not use the code that folds them.

What belongs here: refolding parents from their children, and the tiling of sessions, as questions whose
answer is a frame of what is wrong; an empty frame is the proof. What does not: folding (folding, candles,
periods), whether the prices themselves are plausible (quality).
"""

from __future__ import annotations

import polars as pl

from findata_core.calendars import mic_of
from findata_core.intervals import INTERVALS

FOLDED = ("open", "high", "low", "close", "volume", "present_minutes")
SERIES = ("instrument_id", "source_interval", "adjustment")
FINDING = ("instrument_id", "interval", "source_interval", "event_time", "finding")


def refold_differences(parents: pl.DataFrame, children: pl.DataFrame) -> pl.DataFrame:
    """Rows that differ from the fold of their children: instrument_id, interval, source_interval,
    event_time and finding (which columns differ). Empty: proven.

    `parents`: rows of market.candles or of a table of periods, of one interval. `children`: candles of
    an interval below it (or regular 1m bars). A child belongs to the parent of its instrument, source
    interval and basis with event_time <= child's event_time < available_time; a child without a parent
    and a parent without children are differences too. Values are compared exactly.
    """
    placed = _with_parent(_as_candles(children), parents)
    refolded = (
        placed.filter(pl.col("parent_time").is_not_null())
        .group_by(*SERIES, "parent_time")
        .agg(
            pl.col("open").sort_by("event_time").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").sort_by("event_time").last(),
            pl.col("volume").sum(),
            pl.col("present_minutes").sum(),
        )
    )
    compared = parents.join(
        refolded,
        left_on=[*SERIES, "event_time"],
        right_on=[*SERIES, "parent_time"],
        how="left",
        suffix="_refolded",
    )
    differing = pl.concat_list(
        pl.when(pl.col(name).ne_missing(pl.col(f"{name}_refolded"))).then(pl.lit(name)) for name in FOLDED
    ).list.drop_nulls()
    findings = compared.with_columns(finding=differing.list.join(", ")).filter(pl.col("finding") != "")
    orphans = placed.filter(pl.col("parent_time").is_null()).with_columns(
        finding=pl.lit("child without parent")
    )
    return pl.concat([findings.select(FINDING), orphans.select(FINDING)]).sort(FINDING)


def counted_in_periods(days: pl.DataFrame, periods: pl.DataFrame) -> pl.DataFrame:
    """Return the daily candles but for those of another basis than the period that they lie in counts.

    A period whose sessions come in two bases counts those of one and lacks the others (periods). What lies in no
    period stays: it is a child without parent.
    """
    series = ["instrument_id", "source_interval"]
    spans = periods.select(
        *series, "event_time", period_end="available_time", period_basis=pl.col("adjustment")
    )
    placed = days.sort("event_time").join_asof(
        spans.sort("event_time"), on="event_time", by=series, strategy="backward", check_sortedness=False
    )
    is_other = (pl.col("event_time") < pl.col("period_end")) & (
        pl.col("adjustment") != pl.col("period_basis")
    )
    return placed.filter(~is_other.fill_null(value=False)).select(days.columns)


def _as_candles(children: pl.DataFrame) -> pl.DataFrame:
    """Children as candles: a regular minute bar is the candle of its own minute."""
    if "source_interval" in children.columns:
        return children
    minutes = children.filter(interval="1m", session_phase="regular")
    return minutes.with_columns(source_interval=pl.lit("1m"), present_minutes=pl.lit(1, pl.Int32))


def _with_parent(children: pl.DataFrame, parents: pl.DataFrame) -> pl.DataFrame:
    """Add parent_time: start of the parent that the child starts in; null where there is none."""
    spans = parents.select(*SERIES, "event_time", parent_time="event_time", parent_end="available_time")
    placed = children.sort("event_time").join_asof(
        spans.sort("event_time"), on="event_time", by=SERIES, strategy="backward", check_sortedness=False
    )
    is_inside = pl.col("event_time") < pl.col("parent_end")
    return placed.with_columns(parent_time=pl.when(is_inside).then("parent_time"))


def untiled(candles: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Candles that do not tile their session's segments, with the finding; empty: proven.

    A candle of a fixed width starts a whole number of widths after its segment's open and ends a width
    later or at the segment's close; one of 1d is its session from open to close. So no two of a width
    overlap, none crosses a break or a session, and expected_minutes is what the calendar says.
    """
    calendar = sessions.select(
        "mic",
        "session_date",
        "open_time",
        "break_start_time",
        "break_end_time",
        "close_time",
        "trading_minutes",
    )
    placed = candles.with_columns(mic=mic_of(pl.col("instrument_id"))).join(
        calendar, on=["mic", "session_date"], how="left"
    )
    judged = placed.with_columns(_segment()).with_columns(_finding().alias("finding"))
    key = ["instrument_id", "interval", "source_interval", "event_time"]
    doubled = candles.filter(candles.select(key).is_duplicated()).with_columns(
        finding=pl.lit("two of one start")
    )
    wrong = judged.filter(pl.col("finding").is_not_null())
    return pl.concat([wrong.select(FINDING), doubled.select(FINDING)]).sort(FINDING)


def _segment() -> list[pl.Expr]:
    is_second = (pl.col("event_time") >= pl.col("break_end_time")).fill_null(value=False)
    first_close = pl.coalesce("break_start_time", "close_time")
    return [
        pl.when(is_second).then("break_end_time").otherwise("open_time").alias("segment_open"),
        pl.when(is_second).then("close_time").otherwise(first_close).alias("segment_close"),
    ]


def _finding() -> pl.Expr:
    """What is wrong with a candle, the first thing only; null where nothing is."""
    is_daily = pl.col("interval") == "1d"
    minutes = {name: interval.minutes for name, interval in INTERVALS.items() if interval.minutes}
    width = pl.duration(
        minutes=pl.col("interval").replace_strict(minutes, default=None, return_dtype=pl.Int64)
    )
    start, end = pl.col("event_time"), pl.col("available_time")
    since_open = (start - pl.col("segment_open")).dt.total_microseconds()
    expected_end = pl.min_horizontal(start + width, pl.col("segment_close"))
    expected = pl.when(is_daily).then("trading_minutes").otherwise((end - start).dt.total_minutes())
    is_whole_session = (start == pl.col("open_time")) & (end == pl.col("close_time"))
    is_outside = (start < pl.col("segment_open")) | (start >= pl.col("segment_close"))
    is_off_grid = since_open % width.dt.total_microseconds() != 0
    return (
        pl.when(pl.col("open_time").is_null())
        .then(pl.lit("no such session"))
        .when(is_daily & ~is_whole_session)
        .then(pl.lit("not from the session's open to its close"))
        .when(~is_daily & width.is_null())
        .then(pl.lit("not an interval of a session"))
        .when(~is_daily & is_outside)
        .then(pl.lit("outside of the session's segments"))
        .when(~is_daily & is_off_grid)
        .then(pl.lit("not a whole number of widths after the segment's open"))
        .when(~is_daily & (end != expected_end))
        .then(pl.lit("does not end with its width or its segment"))
        .when(pl.col("expected_minutes") != expected)
        .then(pl.lit("expects other minutes than the calendar"))
    )
