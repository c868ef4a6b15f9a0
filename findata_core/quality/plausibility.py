"""Whether what a payload says of bars can be true, beside what is known already.

What belongs here: the catalogue of rules about one payload, and what they are given. What does not: a rule's
arithmetic (scales, shifts), rules about a whole run (emptiness), bounds of single rows (rules), reading what
is stored, and what becomes of a payload that breaks one.

A rule speaks only where it is nearly sure: to hold a good payload costs as much as to let a bad one in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from findata_core.quality.scales import powers_of_ten_off, rescaled
from findata_core.quality.shifts import displaced, outside_sessions, weekdays_off

PRICES = ("open", "high", "low", "close")
SERIES = ("instrument_id", "interval", "source", "adjustment")


@dataclass(frozen=True)
class Finding:
    """A rule that was broken: its name, what was found in words, and some bars that show it."""

    rule: str
    reason: str
    evidence: list[dict[str, Any]]


@dataclass(frozen=True)
class Known:
    """What is known around a payload's bars, in the order that does not matter.

    `stored`: current bars of the same instruments, columns of market.bars. `levels`: instrument_id, source,
    adjustment, session_date, level: a price of each session near by. `sessions`: rows of reference.sessions.
    """

    stored: pl.DataFrame
    levels: pl.DataFrame
    sessions: pl.DataFrame


def judge_bars(said: pl.DataFrame, known: Known, known_ratios: Sequence[float] = ()) -> list[Finding]:
    """Return what is implausible about the bars that one payload says; nothing where all is well.

    `said`: rows as a parser gives them, those without four prices left out. `known_ratios`: factors by which
    a history may be rescaled, of splits that are known (10 or 0.1 for 10:1).
    """
    rows = placed(said).drop_nulls(["place", *PRICES]).filter(pl.all_horizontal(pl.col(*PRICES) > 0))
    stored = placed(known.stored)
    found: list[Finding] = []
    for series, mine in rows.group_by(SERIES, maintain_order=True):
        same = dict(zip(SERIES, series, strict=True))
        found.extend(_judge_series(mine, stored.filter(**same), known, known_ratios))
    return found


def placed(rows: pl.DataFrame) -> pl.DataFrame:
    """Add `place`: a bar's start, or the midnight of a daily bar's session, on a clock without zones."""
    is_daily = pl.col("interval") == "1d"
    instant = pl.col("event_time").dt.replace_time_zone(None)
    return rows.with_columns(
        pl.when(is_daily)
        .then(pl.col("session_date").cast(pl.Datetime("us")))
        .otherwise(instant)
        .alias("place")
    )


def _judge_series(
    said: pl.DataFrame, stored: pl.DataFrame, known: Known, known_ratios: Sequence[float]
) -> Iterator[Finding]:
    """Yield what is implausible about the bars of one series."""
    first = said.row(0, named=True)
    venue = known.sessions.filter(pl.col("mic") == str(first["instrument_id"]).rpartition(".")[2])
    near = known.levels.filter(**{name: first[name] for name in ("instrument_id", "source", "adjustment")})
    is_daily = first["interval"] == "1d"
    shifted = displaced(said, stored, is_daily=is_daily) or (
        weekdays_off(said, venue) if is_daily else outside_sessions(said, venue)
    )
    if shifted:
        # What stands at the wrong time is compared with the wrong bars: its scale says nothing.
        yield Finding("shifted_in_time", *shifted)
        return
    ratios = (1.0, *known_ratios, *(1 / ratio for ratio in known_ratios))
    off = powers_of_ten_off(said, near, ratios)
    if off:
        yield Finding("powers_of_ten_off", *off)
        return
    other_scale = rescaled(said, stored, ratios)
    if other_scale:
        yield Finding("history_rescaled", *other_scale)
