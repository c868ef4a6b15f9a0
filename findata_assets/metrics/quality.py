"""How the data stands: what is covered, late, due, held, refused, in disagreement, about to be forgotten.

What belongs here: the state of the books now. What does not: what was asked (ingestion), what ran (orchestration).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import LiteralString

import polars as pl
from prometheus_client.core import Metric

from findata_assets.metrics.families import Row, gauge
from findata_assets.metrics.outside import Outside, rows
from findata_assets.steps.bar_sources import BAR_PROVIDERS
from findata_assets.steps.expected import EXPIRES_SOON, followed_states
from findata_assets.steps.platform import platform_at

COVERAGE: LiteralString = """
    SELECT source, interval, status, count(*) AS number FROM ops.coverage GROUP BY 1, 2, 3
"""
TABLES: LiteralString = """
    SELECT table_name, sum(row_count) AS number,
           extract(epoch FROM max(scope_date) FILTER (WHERE scope_date > DATE '1970-01-01')) AS last_date
    FROM ops.digests GROUP BY 1
"""
BREAKS: LiteralString = "SELECT kind, state, count(*) AS number FROM ops.breaks GROUP BY 1, 2"
QUARANTINE: LiteralString = "SELECT table_name, rule, count(*) AS number FROM ops.quarantine GROUP BY 1, 2"
HOLDS: LiteralString = """
    SELECT rule, count(*) AS number, extract(epoch FROM %(now)s::timestamptz - min(held_time)) AS oldest
    FROM ops.holds WHERE state = 'held' GROUP BY 1
"""
DUE: LiteralString = "SELECT asset, count(*) AS number FROM ops.due GROUP BY 1"
MARKS: LiteralString = "SELECT table_name, count(*) AS number FROM ops.lake_dirty GROUP BY 1"
# Late by: what has not arrived and should have by now. What arrived, however late, is late no more.
ARRIVALS: LiteralString = """
    SELECT dataset, provider, slot,
           CASE WHEN arrived_time IS NOT NULL THEN 'arrived' WHEN expected_time < %(now)s THEN 'late'
                ELSE 'awaited' END AS state,
           count(*) AS number,
           max(CASE WHEN arrived_time IS NULL
               THEN greatest(0, extract(epoch FROM %(now)s::timestamptz - expected_time)) ELSE 0 END) AS lag
    FROM ops.arrivals WHERE due_date > %(now)s::date - 31 GROUP BY 1, 2, 3, 4
"""


def standing(outside: Outside) -> Iterator[Metric]:
    """Yield what the books say of coverage, tables and breaks."""
    with outside.database() as connection:
        coverage, tables = rows(connection, COVERAGE), rows(connection, TABLES)
        breaks, refused = rows(connection, BREAKS), rows(connection, QUARANTINE)
    yield gauge(
        "findata_coverage_sessions",
        "Instruments' sessions by how much of them a source has brought.",
        coverage,
        "number",
        {"provider": "source", "interval": "interval", "state": "status"},
    )
    by_table = {"table": "table_name"}
    yield gauge("findata_table_rows", "Rows by the book of digests.", tables, "number", by_table)
    yield gauge(
        "findata_table_last_date_timestamp_seconds",
        "Midnight UTC of the youngest session, period or observation that a table holds.",
        tables,
        "last_date",
        by_table,
    )
    kinds = {"kind": "kind", "state": "state"}
    yield gauge("findata_breaks", "Figures that should agree and do not.", breaks, "number", kinds)
    rules = {**by_table, "rule": "rule"}
    yield gauge("findata_quarantine_rows", "Rows that were refused, by rule.", refused, "number", rules)


def waiting(outside: Outside) -> Iterator[Metric]:
    """Yield what waits: payloads for a decision, scopes for a run, objects of the lake for publishing."""
    with outside.database() as connection:
        holds = rows(connection, HOLDS, {"now": outside.clock.now()})
        due, marks = rows(connection, DUE), rows(connection, MARKS)
    nothing: list[Row] = [{"number": 0, "oldest": 0}]
    meaning = "Payloads that are held and wait for a decision."
    yield gauge("findata_quarantine_waiting_payloads", meaning, holds or nothing, "number")
    oldest = max((row["oldest"] for row in holds), default=0)
    yield gauge(
        "findata_quarantine_oldest_age_seconds",
        "How long the oldest of them has waited.",
        [{"oldest": oldest}],
        "oldest",
    )
    yield gauge(
        "findata_due_scopes", "Scopes that an asset has yet to work on.", due, "number", {"asset": "asset"}
    )
    yield gauge(
        "findata_lake_unpublished_objects",
        "Objects of the lake that are older than their table.",
        marks,
        "number",
        {"table": "table_name"},
    )


def freshness(outside: Outside) -> Iterator[Metric]:
    """Yield what is late by the calendars."""
    with outside.database() as connection:
        found = rows(connection, ARRIVALS, {"now": outside.clock.now()})
    expected = {"dataset": "dataset", "provider": "provider", "slot": "slot"}
    yield gauge(
        "findata_arrivals",
        "What the calendars led to expect in the last 31 days: arrived, awaited or late.",
        found,
        "number",
        {**expected, "state": "state"},
    )
    worst: dict[tuple[str, ...], Row] = {}
    for row in found:
        key = tuple(row[name] for name in expected)
        worst[key] = max(worst.get(key, row), row, key=lambda each: each["lag"])
    yield gauge(
        "findata_freshness_lag_seconds",
        "By how much the latest of what has not arrived is late; 0 when nothing is.",
        worst.values(),
        "lag",
        expected,
    )


def expiring(outside: Outside) -> Iterator[Metric]:
    """Yield what sources will forget soon and nobody has brought yet. It reads the calendars: the dearest of all."""
    endpoints, now = outside.endpoints(), outside.clock.now()
    platform = platform_at(outside.settings, endpoints, outside.clock)
    try:
        found = {source: followed_states(platform, source) for source in BAR_PROVIDERS}
    finally:
        platform.close()
    counted = [
        {"source": source, **_due(states, now + EXPIRES_SOON)}
        for source, states in found.items()
        if not states.is_empty()
    ]
    provider = {"provider": "source"}
    yield gauge("findata_sessions_due", "Sessions to be asked for.", counted, "due", provider)
    yield gauge(
        "findata_sessions_expiring",
        "Sessions of them that the source forgets within seven days.",
        counted,
        "expiring",
        provider,
    )


def _due(states: pl.DataFrame, soon: datetime) -> dict[str, int]:
    due = states.filter("is_due")
    return {"due": due.height, "expiring": due.filter(pl.col("expires_time") <= soon).height}
