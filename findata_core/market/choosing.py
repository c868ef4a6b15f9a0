"""The stated rule that takes one source's bars for each instrument, session and interval.

What belongs here: the order of sources and of adjustment bases, and the choice by it. What does not:
comparing sources with each other (quality), merging bars of two sources, which findata never does.
"""

from __future__ import annotations

import polars as pl

# Best first; sources that are not named follow in alphabetical order.
SOURCE_ORDER = ("yahoo", "alphavantage")
# Of one source's bases the one that its intraday and daily bars share: Yahoo's are "split" at every width.
ADJUSTMENT_ORDER = ("split", "raw", "split_dividend")

SCOPE = ("instrument_id", "session_date", "interval")


def choose_sources(bars: pl.DataFrame) -> pl.DataFrame:
    """Keep the bars of the chosen (source, adjustment) of each instrument, session and interval.

    The first source in SOURCE_ORDER that has a regular bar there, in the first basis of ADJUSTMENT_ORDER
    that it has; where none has a regular bar, the first source. Rows keep their order. The choice looks
    at nothing but the bars given, so that the same bars always give the same choice.
    """
    if bars.is_empty() or (_is_of_one(bars, "source") and _is_of_one(bars, "adjustment")):
        return bars
    candidates = bars.group_by(*SCOPE, "source", "adjustment").agg(
        has_regular=(pl.col("session_phase") == "regular").any()
    )
    best_first = [~pl.col("has_regular"), _rank("source", SOURCE_ORDER), pl.col("source")]
    chosen = (
        candidates.sort([*best_first, _rank("adjustment", ADJUSTMENT_ORDER), pl.col("adjustment")])
        .unique(SCOPE, keep="first", maintain_order=True)
        .drop("has_regular")
    )
    if len(chosen) == len(candidates):
        return bars
    return bars.join(chosen, on=[*SCOPE, "source", "adjustment"], how="semi", maintain_order="left")


def _is_of_one(bars: pl.DataFrame, column: str) -> bool:
    """Tell whether all rows have the same text, as mostly they do: there is nothing to choose then."""
    values = bars.get_column(column)
    return values.min() == values.max() and not values.null_count()


def _rank(column: str, order: tuple[str, ...]) -> pl.Expr:
    ranks = {name: rank for rank, name in enumerate(order)}
    return pl.col(column).replace_strict(ranks, default=len(order), return_dtype=pl.Int64)
