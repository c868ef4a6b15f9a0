"""Which tables run together, in order: tables of one grain whose inputs come before them.

What belongs here: the list. What does not: what is due of it (running.py, due_sensor.py).
"""

from dataclasses import dataclass

import dagster as dg

from findata_assets.partitions import MONTHS, SESSIONS

REFERENCE = (
    "reference.instruments",
    "reference.symbols",
    "reference.sessions",
    "reference.session_changes",
)


@dataclass(frozen=True)
class Group:
    """Tables that one run makes, upstream before downstream; `grain`: their partitions, None where they have none.

    `is_made_due`: ops.due says when it is to run.
    """

    name: str
    tables: tuple[str, ...]
    grain: dg.TimeWindowPartitionsDefinition | None = None
    is_made_due: bool = True


# In the order of the lineage.
GROUPS: tuple[Group, ...] = (
    Group("reference", REFERENCE),
    Group("actions", ("reference.dividends", "reference.splits")),
    Group("securities", ("reference.listings", "reference.securities", "reference.security_symbols")),
    Group("sessions", ("market.bars", "market.candles"), SESSIONS),
    Group("days", ("market.bars_1d",), MONTHS),
    Group(
        "periods",
        (
            "market.weekly_candles",
            "market.monthly_candles",
            "signals.weekly_pivots",
            "ops.coverage",
            "ops.breaks",
        ),
    ),
    Group(
        "series",
        (
            "economic.series",
            "economic.vintages",
            "economic.observations",
            "economic.revisions",
            "economic.fx_rates",
            "economic.index_levels",
            "economic.index_members",
        ),
    ),
    Group(
        "rates",
        ("rates.rates", "rates.published_averages", "rates.averages", "rates.calendar_disagreements"),
    ),
    Group("signals", ("signals.pivot_signals",), SESSIONS),
    # Time makes things late, no change of a table: the sensor `freshness` says when.
    Group("arrivals", ("ops.arrivals",), is_made_due=False),
)
