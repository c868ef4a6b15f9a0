"""What each vintage of a series says: which windows are asked for, realtime bounds, the state on a day.

A source answers for a window of vintages, and cuts the bounds of a value to that window: what it calls the start of a
value at the window's own start may be older (fredapi's pull request 52 shows how that goes wrong). Windows therefore
begin on a vintage that is known already, and bounds are made from all vintages together, never taken from an answer.

What belongs here: frames and dates in, frames and dates out. What does not: asking (findata_assets/steps/series.py),
reading answers (findata_resources/providers/fred_answers.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from findata_core.schema.frames import conform
from findata_core.schema.tables import table

DAY = timedelta(days=1)
# FRED's first and last realtime day (https://fred.stlouisfed.org/docs/api/fred/realtime_period.html).
EARLIEST, LATEST = date(1776, 7, 4), date(9999, 12, 31)
# "exceeds the maximum number of vintage dates allowed (2000)": what FRED answers to a wider window.
MOST_VINTAGES = 2000
PUBLISHERS_ZONE = "America/Chicago"  # the St. Louis Fed counts its days there

_OBSERVATION = ["series_id", "source", "observation_date"]


@dataclass(frozen=True)
class Window:
    """Vintages to ask for, both days inclusive. `continues`: what stands on its first day is known already."""

    start: date
    end: date
    continues: bool


@dataclass(frozen=True)
class Answered:
    """A window that was answered, both days inclusive, and the publisher's day of the answer."""

    start: date
    end: date
    received_date: date


def settled_until(answers: Iterable[Answered]) -> date | None:
    """Return the day up to which, inclusive, all vintages are known and can't change any more; None: nothing is.

    The vintage of the day of an answer may still grow on that day, so it ends the day before.
    """
    settled: date | None = None
    for answer in sorted(answers, key=lambda one: (one.start, one.end)):
        reached = min(answer.end, answer.received_date - DAY)
        joins = answer.start == EARLIEST or (settled is not None and answer.start <= settled)
        if joins:
            settled = max(settled or reached, reached)
    return settled


def next_window(vintages: Sequence[date], settled: date | None, most: int = MOST_VINTAGES) -> Window | None:
    """Return the next window to ask for, of `most` vintages (at least 2) at the most; None if all are settled.

    It begins on the last settled vintage, so that the bounds of whatever changes after it are whole.
    """
    before = [day for day in vintages if settled is not None and day <= settled]
    pending = sorted(day for day in vintages if settled is None or day > settled)
    if not pending:
        return None
    room = most - (1 if before else 0)
    end = pending[room] - DAY if len(pending) > room else LATEST
    return Window(max(before), end, continues=True) if before else Window(EARLIEST, end, continues=False)


def values_as_of(observations: pl.DataFrame, day: date) -> pl.DataFrame:
    """Return what a series was on a day, inclusive: one row of economic.observations each, withdrawn ones left out."""
    known = observations.filter(pl.col("vintage_date") <= day)
    latest = _in_order(known).unique(_OBSERVATION, keep="last", maintain_order=True)
    return latest.filter(pl.col("state") != "withdrawn")


def revisions(observations: pl.DataFrame) -> pl.DataFrame:
    """Return economic.revisions: a row for each change of an observation, with its true realtime bounds."""
    changes = _in_order(observations).filter(_differs())
    following = pl.col("realtime_start_date").shift(-1).over(_OBSERVATION)
    made = changes.rename({"vintage_date": "realtime_start_date"}).with_columns(
        pl.int_range(pl.len(), dtype=pl.Int32).over(_OBSERVATION).alias("revision_number"),
        (following - DAY).alias("realtime_end_date"),
        (pl.col("vintage_kind") == "released").alias("is_start_exact"),
        (pl.col("value") - pl.col("value").shift().over(_OBSERVATION)).alias("change"),
        following.is_null().alias("is_latest"),
    )
    return conform(made.with_columns(available_time()), table("economic.revisions"))


def available_time() -> pl.Expr:
    """Return from when on a vintage may be used: its release, else the end of its day at the publisher."""
    midnight = (pl.col("realtime_start_date") + DAY).cast(pl.Datetime("us"))
    end_of_day = midnight.dt.replace_time_zone(PUBLISHERS_ZONE).dt.convert_time_zone("UTC")
    return pl.coalesce(pl.col("release_time"), end_of_day).alias("available_time")


def _in_order(observations: pl.DataFrame) -> pl.DataFrame:
    """Sort by vintage, and keep one row of a day: what was released on it, not what was seen before that."""
    ordered = observations.sort(
        [*_OBSERVATION, "vintage_date", "vintage_kind"], descending=[False, False, False, False, True]
    )
    return ordered.unique([*_OBSERVATION, "vintage_date"], keep="last", maintain_order=True)


def _differs() -> pl.Expr:
    """Tell whether a row says something else than the vintage before; a withdrawal of nothing is no change."""
    before = [pl.col(name).shift().over(_OBSERVATION) for name in ("state", "value")]
    is_first = pl.int_range(pl.len()).over(_OBSERVATION) == 0
    changed = pl.col("state").ne_missing(before[0]) | pl.col("value").ne_missing(before[1])
    return (is_first & (pl.col("state") != "withdrawn")) | (~is_first & changed)
