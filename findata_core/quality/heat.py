"""Coverage as a heat map: of each instrument's session, how many minutes of each slot are there.

What belongs here: cutting sessions into slots and taking missing stretches out of them. What does not: counting bars
(gaps), colours (whoever draws it).
"""

from __future__ import annotations

import polars as pl

from findata_core.calendars import mic_of

SLOT_MINUTES = 30  # a session of six and a half hours has thirteen
LINE = ["mic", "instrument_id", "source", "session_date"]
HEAT_SCHEMA = pl.Schema(
    [
        *((name, pl.String()) for name in LINE[:3]),
        ("session_date", pl.Date()),
        ("slot_time", pl.Datetime("us", "UTC")),
        ("expected", pl.Int64()),
        ("present", pl.Int64()),
    ]
)


def slots(sessions: pl.DataFrame) -> pl.DataFrame:
    """Return mic, session_date, slot_time and expected: the minutes of trading in each slot of each session.

    Slots start at the session's open and are as wide as SLOT_MINUTES; the last one, and one that a break cuts, hold
    fewer minutes. `sessions`: rows of reference.sessions.
    """
    open_minutes = _minutes(sessions)
    return (
        open_minutes.with_columns(slot_time=_slot())
        .group_by("mic", "session_date", "slot_time")
        .agg(expected=pl.len().cast(pl.Int64))
        .sort("mic", "session_date", "slot_time")
    )


def heat(states: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Return HEAT_SCHEMA: expected and present minutes of each slot, of each instrument and source.

    `states`: instrument_id, source, session_date, status and missing_ranges (as in ops.coverage, joined by blanks) of
    series of minutes. What has no bar at all ("missing") has none present, whatever its ranges say.
    """
    lines = states.with_columns(mic=mic_of(pl.col("instrument_id")))
    grid = lines.select(*LINE, "status").join(slots(sessions), on=["mic", "session_date"])
    missing = _missing_by_slot(lines.filter(pl.col("status") == "partial"), sessions)
    counted = grid.join(missing, on=[*LINE, "slot_time"], how="left")
    lost = pl.when(pl.col("status") == "missing").then("expected").otherwise(pl.col("lost").fill_null(0))
    return counted.select(
        *LINE, "slot_time", "expected", present=pl.col("expected") - pl.min_horizontal(lost, "expected")
    ).sort(*LINE, "slot_time")


def _slot() -> pl.Expr:
    """Return the start of the slot that a minute is in."""
    number = (pl.col("minute") - pl.col("open_time")).dt.total_minutes() // SLOT_MINUTES
    return pl.col("open_time") + pl.duration(minutes=number * SLOT_MINUTES)


def _minutes(sessions: pl.DataFrame) -> pl.DataFrame:
    """Return every minute of trading, breaks left out, with its session."""
    every = sessions.select(
        "mic",
        "session_date",
        "open_time",
        "break_start_time",
        "break_end_time",
        minute=pl.datetime_ranges("open_time", "close_time", "1m", closed="left"),
    ).explode("minute")
    is_break = (pl.col("minute") >= pl.col("break_start_time")) & (
        pl.col("minute") < pl.col("break_end_time")
    )
    return every.filter(~is_break.fill_null(value=False)).drop("break_start_time", "break_end_time")


def _missing_by_slot(lines: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Return LINE, slot_time and lost: how many minutes of a slot lie in a missing stretch."""
    ranges = (
        lines.select(*LINE, stretch=pl.col("missing_ranges").fill_null("").str.split(" "))
        .explode("stretch")
        .filter(pl.col("stretch").str.contains("-"))
        .with_columns(first=_clock("stretch", 0), last=_clock("stretch", 1))
    )
    minutes = _minutes(sessions).with_columns(
        clock=pl.col("minute").dt.hour().cast(pl.Int32) * 60 + pl.col("minute").dt.minute()
    )
    inside = ranges.join(minutes, on=["mic", "session_date"]).filter(_is_inside())
    return (
        inside.with_columns(slot_time=_slot()).group_by(*LINE, "slot_time").agg(lost=pl.len().cast(pl.Int64))
    )


def _is_inside() -> pl.Expr:
    """A stretch may cross midnight in UTC: 23:00-01:00."""
    first, last, clock = pl.col("first"), pl.col("last"), pl.col("clock")
    plain = (clock >= first) & (clock < last)
    around = (clock >= first) | (clock < last)
    return pl.when(first < last).then(plain).otherwise(around)


def _clock(stretch: str, number: int) -> pl.Expr:
    """Return the minute of the day at which a stretch such as 13:30-16:00 begins (0) or ends (1)."""
    text = pl.col(stretch).str.split("-").list.get(number)
    hours, minutes = text.str.split(":").list.get(0), text.str.split(":").list.get(1)
    return hours.cast(pl.Int32) * 60 + minutes.cast(pl.Int32)
