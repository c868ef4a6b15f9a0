"""Who was in an index on a day, and which spells contradict each other.

What belongs here: rules over spells (symbol, from_date, to_date; both days inclusive, no to_date while it is a member).
"""

from datetime import date

import polars as pl

_SYMBOL = ["index_id", "source", "symbol"]


def members_on(spells: pl.DataFrame, day: date) -> pl.DataFrame:
    """Return the spells that hold a day, sorted by symbol."""
    has_begun = pl.col("from_date") <= day
    is_over = pl.col("to_date").fill_null(date.max) < day
    return spells.filter(has_begun & ~is_over).sort(*_SYMBOL)


def overlaps() -> pl.Expr:
    """Tell of each spell, sorted by symbol and from_date, whether another one of the symbol holds one of its days.

    Both are told: nobody knows which of them is right.
    """
    end = pl.col("to_date").fill_null(date.max)
    reached = end.cum_max().shift().over([*_SYMBOL], order_by="from_date")
    following = pl.col("from_date").shift(-1).over([*_SYMBOL], order_by="from_date")
    return (pl.col("from_date") <= reached).fill_null(value=False) | (following <= end).fill_null(value=False)
