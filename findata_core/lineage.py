"""Which table is made from which, and how a change spreads: the catalogue behind what is due.

One line per arrow. The arrows say which scopes (subject, date) of the downstream table a change of an
upstream scope makes due; how a spread is computed in SQL is in findata_resources/stores/due.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Spread(StrEnum):
    """How the date of a changed scope becomes the dates of the scopes that depend on it."""

    SAME_DATE = "the same date"
    WEEK = "the Monday of its week"
    MONTH = "the first day of its month"
    WEEKS_BEFORE = "the Mondays of the two weeks before: a week's pivots may need the next week's open"
    REST_OF_WEEK = "its session and the later ones of its week: crossings carry their state along"
    WEEKS_AFTER = "the sessions of the two weeks after: pivots are valid in the next trading week"
    WHOLE = "the subject's whole history"


@dataclass(frozen=True)
class Arrow:
    """`downstream` is made from `upstream`."""

    upstream: str
    downstream: str
    spread: Spread


ARROWS = (
    Arrow("market.bars", "market.candles", Spread.SAME_DATE),
    Arrow("market.bars", "ops.coverage", Spread.SAME_DATE),
    Arrow("market.bars_1d", "market.monthly_candles", Spread.MONTH),
    Arrow("market.bars_1d", "market.weekly_candles", Spread.WEEK),
    Arrow("market.bars_1d", "ops.coverage", Spread.SAME_DATE),
    Arrow("market.bars_1d", "signals.weekly_pivots", Spread.WEEKS_BEFORE),
    Arrow("market.candles", "market.monthly_candles", Spread.MONTH),
    Arrow("market.candles", "market.weekly_candles", Spread.WEEK),
    Arrow("market.candles", "signals.pivot_signals", Spread.REST_OF_WEEK),
    Arrow("market.candles", "signals.weekly_pivots", Spread.WEEKS_BEFORE),
    Arrow("market.weekly_candles", "signals.weekly_pivots", Spread.SAME_DATE),
    Arrow("rates.published_averages", "rates.averages", Spread.WHOLE),
    Arrow("rates.rates", "rates.averages", Spread.WHOLE),
    Arrow("signals.weekly_pivots", "signals.pivot_signals", Spread.WEEKS_AFTER),
)


def arrows_from(upstream: str) -> Iterator[Arrow]:
    """Yield the arrows that leave a table."""
    return (arrow for arrow in ARROWS if arrow.upstream == upstream)


def upstream_of(downstream: str) -> list[str]:
    """Return the tables that a table is made from, sorted."""
    return sorted({arrow.upstream for arrow in ARROWS if arrow.downstream == downstream})
