"""Bars that stand at the wrong time: displaced by hours against stored ones, beside the session, on other days.

What belongs here: places of bars on the clock and the calendar. What does not: their values' scale (scales).

Thresholds and why:
- Displaced: bars are known by their four prices, where these are no other bar's. Of a session's bars that are found
  again, eight of ten must stand one and the same step away, and fewer than one of ten in its place. Prices repeat by
  chance, but at all sorts of distances. Twenty minutes are needed; of days three, with their volumes.
- Beside the session: a block of bars that begins and ends with the session when moved by a whole number of half
  hours, both within ten minutes, has half of its minutes, and is as dense outside of the session as within. Feeds with
  hours before and after the session are longer than it, and sparse there; a name that trades seldom is let pass.
- On other days: one day in five or more is no session, and moved by a day all are. A provider's filler for a holiday
  is one day of many.
- Steps are half hours up to 26 hours: time zones are, and 24 hours is a day that is told again as the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from findata_core.intervals import interval_of

PRICES = ("open", "high", "low", "close")
STEP = timedelta(minutes=30)
FURTHEST = timedelta(hours=26)
FURTHEST_BLOCK = timedelta(
    hours=14
)  # no zone is farther from another, and sessions of a venue lie a day apart
FOUND_AGAIN, IN_PLACE = 0.8, 0.1
LEAST_MINUTES, LEAST_DAYS = 20, 3
BETWEEN_BLOCKS = timedelta(hours=4)
AT_THE_EDGE = timedelta(minutes=10)
LEAST_DENSE = 0.5
WEEK = 5
NO_SESSIONS = 0.2
SHOWN = 5

Found = tuple[str, list[dict[str, Any]]]


def displaced(said: pl.DataFrame, stored: pl.DataFrame, *, is_daily: bool) -> Found | None:
    """Return what is found if bars of a day repeat stored ones a constant step away from where they stand."""
    least = LEAST_DAYS if is_daily else LEAST_MINUTES
    marks = [*PRICES, "volume"] if is_daily else list(PRICES)
    both = _telling(said, marks).join(_telling(stored, marks), on=marks, suffix="_old")
    order = _ordered(said, stored) if is_daily else _on_the_clock
    both = both.with_columns(step=order("place") - order("place_old"))
    unit = pl.lit(0) if is_daily else pl.col("place").dt.date()
    for (day,), bars in both.group_by(unit.alias("day"), maintain_order=True):
        if bars.height < least:
            continue
        step, count = bars.group_by("step").len().sort("len", "step").row(-1)
        in_place = bars.filter(pl.col("step") == timedelta()).height
        is_step = timedelta() < abs(step) <= FURTHEST and not step % STEP
        if is_step and count >= FOUND_AGAIN * bars.height and in_place < IN_PLACE * bars.height:
            far = f"a session {_later(step)}" if is_daily else _in_words(step)
            when = "" if is_daily else f" of {day}"
            words = f"{count} bars{when} are stored ones, {far} than they stand there"
            return words, _moved(bars.filter(pl.col("step") == step).sort("place"))
    return None


def _on_the_clock(column: str) -> pl.Expr:
    return pl.col(column)


def _ordered(said: pl.DataFrame, stored: pl.DataFrame) -> Callable[[str], pl.Expr]:
    """Return what counts days of either frame as neighbours, whatever weekend lies between."""
    days = pl.concat([said.get_column("place"), stored.get_column("place")]).unique().sort()
    as_days = pl.int_range(len(days), eager=True) * pl.duration(days=1)
    steps = dict(zip(days, pl.select(as_days).to_series(), strict=True))
    return lambda column: pl.col(column).replace_strict(steps, return_dtype=pl.Duration("us"))


def outside_sessions(said: pl.DataFrame, sessions: pl.DataFrame) -> Found | None:
    """Return what is found if a block of intraday bars is a whole session, moved by some half hours."""
    width = timedelta(minutes=interval_of(said.item(0, "interval")).minutes or 0)
    ordered = said.select("place").unique().sort("place")
    is_first = (pl.col("place").diff() > BETWEEN_BLOCKS).fill_null(value=True)
    for _, block in ordered.group_by(is_first.cum_sum().alias("block"), maintain_order=True):
        first, last = block.item(0, 0), block.item(-1, 0)
        moved = _moved_session(block, first, last + width, width, sessions)
        if moved is not None:
            day, step, opens, closes = moved
            words = (
                f"{block.height} bars from {first:%Y-%m-%d %H:%M} to {last:%H:%M} UTC are the session of {day} "
                f"({opens:%H:%M} to {closes:%H:%M}), {_in_words(step)} than the calendar has it"
            )
            return words, [
                {"session": str(day), "open": str(opens), "first bar": str(first), "last bar": str(last)}
            ]
    return None


def _moved_session(
    block: pl.DataFrame, first: datetime, end: datetime, width: timedelta, sessions: pl.DataFrame
) -> tuple[date, timedelta, datetime, datetime] | None:
    """Return the session that a block is, and by how much it is moved; None if it is in its place or none."""
    plain = pl.col("open_time", "close_time").dt.replace_time_zone(None)
    near = sessions.with_columns(plain).filter((pl.col("open_time") - first).abs() <= FURTHEST_BLOCK)
    found = []
    columns = ("session_date", "open_time", "close_time", "trading_minutes")
    for day, opens, closes, minutes in near.select(columns).iter_rows():
        step = round((first - opens) / STEP) * STEP
        is_whole = abs(first - opens - step) <= AT_THE_EDGE and abs(end - closes - step) <= AT_THE_EDGE
        if not is_whole or block.height * width < LEAST_DENSE * timedelta(minutes=minutes):
            continue
        if not step:
            return None
        outside = block.filter((pl.col("place") < opens) | (pl.col("place") >= closes)).height * width
        if outside >= LEAST_DENSE * min(abs(step), closes - opens):
            found.append((day, step, opens, closes))
    return min(found, key=lambda moved: abs(moved[1]), default=None)


def weekdays_off(said: pl.DataFrame, sessions: pl.DataFrame) -> Found | None:
    """Return what is found if daily bars stand on days without a session, and one day on (or back) on sessions."""
    days = said.get_column("place").dt.date().unique().sort()
    if len(days) < WEEK or sessions.is_empty():
        return None
    open_days = sessions.get_column("session_date").implode()
    closed = days.filter(~days.is_in(open_days))
    if len(closed) < NO_SESSIONS * len(days):
        return None
    for step in (timedelta(days=1), timedelta(days=-1)):
        if (days + step).is_in(open_days).all():
            words = (
                f"{len(closed)} of {len(days)} days are no sessions ({closed[0]} the first of them), and all are, "
                f"one day {_later(step)}"
            )
            return words, [{"session": str(day), "open": None} for day in closed.head(SHOWN)]
    return None


def _telling(rows: pl.DataFrame, marks: list[str]) -> pl.DataFrame:
    """Return the bars that are known by their values: not flat, and no other bar of the series has the same."""
    moving = rows.filter(pl.col("high") > pl.col("low")).with_columns(pl.col("volume").cast(pl.Float64))
    return moving.filter(pl.struct(marks).is_unique()).select("place", *marks)


def _moved(bars: pl.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "old": {"time": str(row["place_old"])},
            "new": {"time": str(row["place"])},
            **{name: row[name] for name in PRICES},
        }
        for row in bars.gather_every(max(1, bars.height // SHOWN)).head(SHOWN).iter_rows(named=True)
    ]


def _in_words(step: timedelta) -> str:
    hours = abs(step) / timedelta(hours=1)
    return f"{hours:g} hours {_later(step)}"


def _later(step: timedelta) -> str:
    return "later" if step > timedelta() else "earlier"
