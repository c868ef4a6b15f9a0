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

    Both are told: nobody knows which of them is right. A spell that is said twice in the same words is one.
    """
    start, end = pl.col("from_date"), pl.col("to_date").fill_null(date.max)
    is_said_again = ((start == start.shift()) & (end == end.shift())).fill_null(value=False)
    is_said_next = is_said_again.shift(-1, fill_value=False)
    reached = pl.when(~is_said_again).then(end.cum_max().shift()).forward_fill()
    following = pl.when(~is_said_next).then(start.shift(-1)).backward_fill()
    shares_a_day = (start <= reached).fill_null(value=False) | (following <= end).fill_null(value=False)
    return shares_a_day.over(_SYMBOL, order_by="from_date")
