"""Dagster's event log, pruned: what a run said step by step goes, what assets and checks became stays.

What belongs here: the tables of Dagster's storage that this touches. What does not: when it is done.

dagster.yaml's `retention` knows ticks of schedules and sensors alone. Dagster's API deletes whole runs, and with them
the materializations and check results that its UI draws assets' histories from. So rows of event_logs are deleted here,
of runs that are over and older than asked, but for those that tell of assets, checks, and how runs began and ended.
"""

from __future__ import annotations

from datetime import datetime

from psycopg import sql

from findata_core.errors import StoreError
from findata_resources.stores.database import Cursor, Database

KEPT_PREFIXES = ("ASSET_", "PIPELINE_", "RUN_", "FRESHNESS_")
KEPT_TYPES = ("STEP_FAILURE",)  # why a run failed: short, and asked for long after
OVER = ("SUCCESS", "FAILURE", "CANCELED")
AT_ONCE = 10_000  # rows a transaction: the daemon goes on writing
NEEDED = {
    "event_logs": {"id", "run_id", "dagster_event_type", "timestamp"},
    "runs": {"run_id", "status"},
}


def prune_events(database: Database, before: datetime) -> int:
    """Delete what runs that are over said step by step before an instant; return how many events went.

    StoreError: the storage is not as this knows it; nothing was deleted.
    """
    if not _has_tables(database):
        return 0
    deleted = AT_ONCE
    total = 0
    while deleted == AT_ONCE:
        with database.transaction() as cursor:
            deleted = _prune_some(cursor, before)
        total += deleted
    return total


def _prune_some(cursor: Cursor, before: datetime) -> int:
    cursor.execute(
        b"DELETE FROM event_logs WHERE id IN (SELECT events.id FROM event_logs AS events JOIN runs USING (run_id) "
        b"WHERE runs.status = ANY(%(over)s) AND events.timestamp < %(before)s "
        b"AND (events.dagster_event_type IS NULL OR NOT (events.dagster_event_type = ANY(%(types)s) "
        b"OR events.dagster_event_type LIKE ANY(%(prefixes)s))) LIMIT %(most)s)",
        {
            "over": list(OVER),
            "before": before.replace(tzinfo=None),  # Dagster keeps times in UTC without a zone
            "types": list(KEPT_TYPES),
            "prefixes": [f"{prefix}%" for prefix in KEPT_PREFIXES],
            "most": AT_ONCE,
        },
    )
    return cursor.rowcount


def _has_tables(database: Database) -> bool:
    """Tell whether Dagster was ever started on this database. StoreError: its tables are not those known here."""
    rows = database.frame(
        sql.SQL(
            "SELECT table_name::text, column_name::text FROM information_schema.columns "
            "WHERE table_schema = 'public' AND table_name IN ('event_logs', 'runs')"
        )
    ).rows()
    if not rows:
        return False
    known = {name: {column for table, column in rows if table == name} for name in NEEDED}
    missing = [name for name, columns in NEEDED.items() if columns - known[name]]
    if missing:
        raise StoreError(
            f"Dagster's storage has another table {missing[0]} than findata knows",
            "Set FINDATA_DAGSTER_EVENT_DAYS=0, so that nothing is pruned, and report Dagster's version",
        )
    return True
