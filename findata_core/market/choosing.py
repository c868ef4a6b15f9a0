"""The stated rule that takes one source's bars for each instrument, session and interval.

What belongs here: the order of sources and of adjustment bases, and the choice by it. What does not:
comparing sources with each other (quality), merging bars of two sources, which findata never does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from findata_core.schema.runs import is_of_one, rows_at, starts

# Best first; sources that are not named follow in alphabetical order.
SOURCE_ORDER = ("yahoo", "alphavantage")
# Of one source's bases the one that its intraday and daily bars share: Yahoo's are "split" at every width.
ADJUSTMENT_ORDER = ("split", "raw", "split_dividend")

SCOPE = ("instrument_id", "session_date", "interval")

Run = tuple[Any, ...]  # its scope, source and adjustment


def choose_sources(bars: pl.DataFrame) -> pl.DataFrame:
    """Keep the bars of the chosen (source, adjustment) of each instrument, session and interval.

    The first source in SOURCE_ORDER that has a regular bar there, in the first basis of ADJUSTMENT_ORDER
    that it has; where none has a regular bar, the first source. Rows keep their order. The choice looks
    at nothing but the bars given, so that the same bars always give the same choice.
    """
    if is_of_one(bars.get_column("source")) and is_of_one(bars.get_column("adjustment")):
        return bars
    columns = bars[[*SCOPE, "source", "adjustment"]]
    firsts = starts(columns, columns.columns)
    is_regular = (bars.get_column("session_phase") == "regular").fill_null(value=False).to_numpy()
    runs = rows_at(columns, firsts).rows()
    chosen = _chosen(runs, np.logical_or.reduceat(is_regular, firsts).tolist())
    is_chosen = np.array([run in chosen for run in runs])
    if is_chosen.all():
        return bars
    # Whoever lacks a part of the key is nobody's choice.
    is_whole = np.array([None not in run for run in runs])
    return bars.filter(np.repeat(is_chosen & is_whole, np.diff(firsts, append=bars.height)))


def _chosen(runs: list[Run], is_regular: list[bool]) -> set[Run]:
    """Of each scope's runs of bars those of the best source and basis; a run that has a regular bar is told."""
    has_regular: dict[Run, bool] = {}
    for run, has in zip(runs, is_regular, strict=True):
        has_regular[run] = has_regular.get(run, False) or has
    worst_first = sorted(has_regular, key=lambda run: _preference(run, has_regular[run]), reverse=True)
    best = {run[: len(SCOPE)]: run for run in worst_first}
    return set(best.values())


def _preference(run: Run, has_regular: bool) -> tuple[object, ...]:
    *_, source, adjustment = run
    return (not has_regular, *_rank(source, SOURCE_ORDER), *_rank(adjustment, ADJUSTMENT_ORDER))


def _rank(name: str | None, order: tuple[str, ...]) -> tuple[int, bool, str]:
    """A name's place in the order; those that are not in it follow, without a name first."""
    return (order.index(name) if name in order else len(order), name is not None, name or "")
