"""Which table is made from which, and how a change spreads: the catalogue behind what is due.

One line per arrow. The arrows say which scopes (subject, date) of the downstream table a change of an
upstream scope makes due; how a spread is computed in SQL is in findata_resources/stores/due.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from findata_core.schema.tables import table


class Spread(StrEnum):
    """How the date of a changed scope becomes the dates of the scopes that depend on it."""

    SAME_DATE = "the same date"
    WEEK = "the Monday of its week"
    MONTH = "the first day of its month"
    WEEKS_BEFORE = "the Mondays of the two weeks before: a week's pivots may need the next week's open"
    REST_OF_WEEK = "its session and the later ones of its week: crossings carry their state along"
    WEEKS_AFTER = "the sessions of the two weeks after: pivots are valid in the next trading week"
    WHOLE = "the subject's whole history"
    EVERY_COMPARISON = (
        "the sessions with several slices of bars: on whose scales they are depends on what lies between"
    )
    EVERY_SCOPE = "all that is stored of the subject: on whose scale a price is depends on what lies between"


@dataclass(frozen=True)
class Arrow:
    """`downstream` is made from `upstream`."""

    upstream: str
    downstream: str
    spread: Spread


ARROWS = (
    Arrow("economic.observations", "economic.revisions", Spread.WHOLE),
    Arrow("market.bars", "market.candles", Spread.SAME_DATE),
    Arrow("market.bars", "ops.breaks", Spread.SAME_DATE),
    Arrow("market.bars", "ops.coverage", Spread.SAME_DATE),
    Arrow("market.bars_1d", "market.monthly_candles", Spread.MONTH),
    Arrow("market.bars_1d", "market.weekly_candles", Spread.WEEK),
    Arrow("market.bars_1d", "ops.breaks", Spread.SAME_DATE),
    Arrow("market.bars_1d", "ops.coverage", Spread.SAME_DATE),
    Arrow("market.bars_1d", "signals.weekly_pivots", Spread.WEEKS_BEFORE),
    Arrow("market.candles", "market.monthly_candles", Spread.MONTH),
    Arrow("market.candles", "market.weekly_candles", Spread.WEEK),
    Arrow("market.candles", "signals.pivot_signals", Spread.REST_OF_WEEK),
    Arrow("market.candles", "signals.weekly_pivots", Spread.WEEKS_BEFORE),
    Arrow("market.weekly_candles", "signals.weekly_pivots", Spread.SAME_DATE),
    Arrow("rates.published_averages", "rates.averages", Spread.WHOLE),
    Arrow("rates.rates", "rates.averages", Spread.WHOLE),
    Arrow("rates.rates", "rates.calendar_disagreements", Spread.WHOLE),
    Arrow("reference.sessions", "reference.session_changes", Spread.WHOLE),
    Arrow("reference.listings", "reference.securities", Spread.WHOLE),
    Arrow("reference.listings", "reference.security_symbols", Spread.WHOLE),
    Arrow("reference.splits", "market.monthly_candles", Spread.EVERY_SCOPE),
    Arrow("reference.splits", "market.weekly_candles", Spread.EVERY_SCOPE),
    Arrow("reference.splits", "ops.breaks", Spread.EVERY_COMPARISON),
    Arrow("reference.splits", "signals.pivot_signals", Spread.EVERY_SCOPE),
    Arrow("reference.splits", "signals.weekly_pivots", Spread.EVERY_SCOPE),
    Arrow("signals.weekly_pivots", "signals.pivot_signals", Spread.WEEKS_AFTER),
)


def arrows_from(upstream: str) -> Iterator[Arrow]:
    """Yield the arrows that leave a table."""
    return (arrow for arrow in ARROWS if arrow.upstream == upstream)


def upstream_of(downstream: str) -> list[str]:
    """Return the tables that a table is made from, sorted."""
    return sorted({arrow.upstream for arrow in ARROWS if arrow.downstream == downstream})


def column_sources(downstream: str) -> dict[str, list[tuple[str, str]]]:
    """Return, for each column of a derived table, the (table, column) pairs that it is made from.

    A column of the same name upstream is a source; the others are listed in RENAMED.
    """
    upstream = [table(name) for name in upstream_of(downstream)]
    sources: dict[str, list[tuple[str, str]]] = {}
    for column in table(downstream).column_names:
        same = [(item.address, column) for item in upstream if column in item.column_names]
        renamed = RENAMED.get((downstream, column), [])
        if same or renamed:
            sources[column] = [*same, *renamed]
    return sources


_CANDLE_MINUTES = [("reference.sessions", "trading_minutes")]
_WEEK = [("market.weekly_candles", name) for name in ("open", "high", "low", "close")]
_LEVELS = ("pp", "r1", "r2", "r3", "r4", "r5", "s1", "s2", "s3", "s4", "s5")

# (table, column) -> sources whose names differ
RENAMED: dict[tuple[str, str], list[tuple[str, str]]] = {
    **{
        ("economic.revisions", name): [("economic.observations", source)]
        for name, source in (
            ("available_time", "release_time"),
            ("change", "value"),
            ("is_start_exact", "vintage_kind"),
            ("realtime_end_date", "vintage_date"),
            ("realtime_start_date", "vintage_date"),
        )
    },
    ("market.candles", "source_interval"): [("market.bars", "interval")],
    ("market.candles", "expected_minutes"): _CANDLE_MINUTES,
    ("market.candles", "present_minutes"): [("market.bars", "event_time")],
    ("market.candles", "available_time"): [("reference.sessions", "close_time")],
    **{
        (f"market.{period}_candles", "period_start_date"): [("market.candles", "session_date")]
        for period in ("weekly", "monthly")
    },
    **{("signals.weekly_pivots", level): _WEEK for level in _LEVELS},
    ("signals.weekly_pivots", "window_start_date"): [("market.weekly_candles", "period_start_date")],
    ("signals.weekly_pivots", "current_open"): [("market.candles", "open"), ("market.bars_1d", "open")],
    ("signals.pivot_signals", "level_price"): [("signals.weekly_pivots", level) for level in _LEVELS],
    ("signals.pivot_signals", "price"): [("market.candles", "close")],
    ("rates.calendar_disagreements", "is_published"): [("rates.rates", "observation_date")],
    ("rates.averages", "published_source"): [("rates.published_averages", "source")],
    ("rates.averages", "recomputed"): [("rates.rates", "rate_percent")],
    ("reference.session_changes", "open_time_before"): [("reference.sessions", "open_time")],
    ("reference.session_changes", "close_time_before"): [("reference.sessions", "close_time")],
    ("reference.session_changes", "trading_minutes_before"): [("reference.sessions", "trading_minutes")],
    ("rates.averages", "published"): [
        ("rates.published_averages", name)
        for name in (
            "average_30day_percent",
            "average_90day_percent",
            "average_180day_percent",
            "index_value",
        )
    ],
}
