"""Whether what a payload says of bars can be true, beside what is known already.

What belongs here: the catalogue of rules about one payload, and what they are given. What does not: a rule's
arithmetic (scales, shifts), rules about a whole run (emptiness), bounds of single rows (rules), reading what
is stored, and what becomes of a payload that breaks one.

A rule speaks only where it is nearly sure: to hold a good payload costs as much as to let a bad one in.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from findata_core.quality.scales import REACH, Rescaling, powers_of_ten_off, rescaled, rescalings
from findata_core.quality.shifts import displaced, outside_sessions, weekdays_off
from findata_core.quality.splits import Explained, explanation, no_splits, splits_of

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
    `splits`: instrument_id, ex_date, numerator, denominator, of those with an ex-date by now.
    """

    stored: pl.DataFrame
    levels: pl.DataFrame
    sessions: pl.DataFrame
    splits: pl.DataFrame = field(default_factory=no_splits)


def judge_bars(said: pl.DataFrame, known: Known) -> list[Finding]:
    """Return what is implausible about the bars that one payload says; nothing where all is well.

    `said`: rows as a parser gives them, those without four prices left out. Of the others only those are judged
    whose prices are finite and positive.
    """
    return [
        finding for mine, stored in _series(said, known) for finding in _judge_series(mine, stored, known)
    ]


def explained_rescalings(said: pl.DataFrame, known: Known) -> list[Explained]:
    """Return the stored sessions that a payload says again on a scale that known splits explain."""
    if known.splits.is_empty():
        return []
    return [
        explained
        for mine, stored in _series(said, known)
        for found in rescalings(mine, stored)
        if (explained := _explained(mine, found, known)) is not None
    ]


def _series(said: pl.DataFrame, known: Known) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield the bars said of each series, and those that are stored of it.

    A row with a price that is no number, infinite or not positive is no bar: it is refused by itself, when bars are
    completed (findata_core/market/bars.py), and says nothing of the others.
    """
    is_price = pl.col(*PRICES).is_between(0, math.inf, closed="none")  # NaN is not: Polars has it above all
    rows = placed(said).drop_nulls(["place", *PRICES]).filter(pl.all_horizontal(is_price))
    stored = placed(known.stored)
    for series, mine in rows.group_by(SERIES, maintain_order=True):
        yield mine, stored.filter(**dict(zip(SERIES, series, strict=True)))


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


def _judge_series(said: pl.DataFrame, stored: pl.DataFrame, known: Known) -> Iterator[Finding]:
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
    off = powers_of_ten_off(said, near, _ratios_near(said, known))
    if off:
        yield Finding("powers_of_ten_off", *off)
        return
    for other_scale in rescalings(said, stored):
        if _explained(said, other_scale, known) is None:
            yield Finding("history_rescaled", *rescaled(other_scale))
            return


def _ratios_near(said: pl.DataFrame, known: Known) -> Sequence[float]:
    """Return by what splits near the bars may set prices apart, both ways."""
    first, last = said.select(
        pl.col("place").dt.date().min(), pl.col("place").dt.date().max().alias("last")
    ).row(0)
    near = [
        float(ratio)
        for ex_date, ratio in splits_of(known.splits, str(said.item(0, "instrument_id")))
        if first - REACH <= ex_date <= last + REACH
    ]
    return (1.0, *near, *(1 / ratio for ratio in near))


def _explained(said: pl.DataFrame, found: Rescaling, known: Known) -> Explained | None:
    """Return how splits explain that bars were rescaled. Only bars that a provider rescales at splits can be."""
    first = said.row(0, named=True)
    if first["adjustment"] != "split":
        return None
    splits = splits_of(known.splits, str(first["instrument_id"]))
    explained = explanation(found.factor, found.session_date, splits)
    if explained is None:
        return None
    ratio, splits_in_words = explained
    return Explained(
        str(first["instrument_id"]),
        str(first["interval"]),
        found.session_date,
        ratio,
        found.factor,
        f"{found.words}: {splits_in_words}",
    )
