"""The stores themselves: whether they answer and how fast, what they hold, how full disks are.

What belongs here: the exporter's own probes. A probe that fails says 0; it raises nothing.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import LiteralString

import obstore
import psycopg
from obstore.exceptions import BaseError, NotFoundError
from prometheus_client.core import Metric

from findata_assets.metrics.families import counter, gauge, one
from findata_assets.metrics.outside import Outside, rows
from findata_core.backups import manifest
from findata_core.errors import FindataError
from findata_resources.stores.lake_layout import LakeObject, current, partition_in, published_tables

ABSENT_KEY = "findata-probe"  # nobody puts it: "there is none" is S3's whole answer
FAILURES = (psycopg.Error, BaseError, OSError, FindataError)

ACTIVITY: LiteralString = """
    SELECT datname, numbackends, xact_commit + xact_rollback AS transactions, deadlocks,
           pg_database_size(datname) AS bytes,
           CASE WHEN blks_hit + blks_read > 0 THEN blks_hit::float8 / (blks_hit + blks_read) ELSE 1 END AS hits
    FROM pg_stat_database WHERE datname = current_database()
"""
SESSIONS: LiteralString = """
    SELECT current_setting('max_connections')::int AS most, count(*) AS connections,
           coalesce(max(extract(epoch FROM clock_timestamp() - xact_start))
               FILTER (WHERE datname = current_database() AND pid <> pg_backend_pid()), 0) AS longest,
           count(*) FILTER (WHERE wait_event_type = 'Lock') AS waiting
    FROM pg_stat_activity WHERE backend_type = 'client backend'
"""
SIZES: LiteralString = """
    SELECT hypertable_schema || '.' || hypertable_name AS name,
           hypertable_size(format('%I.%I', hypertable_schema, hypertable_name)::regclass) AS bytes
    FROM timescaledb_information.hypertables
    UNION ALL
    SELECT schemaname || '.' || relname, pg_total_relation_size(relid) FROM pg_stat_user_tables
    WHERE schemaname IN ('economic', 'history', 'market', 'ops', 'rates', 'reference', 'signals')
    AND NOT EXISTS (SELECT FROM timescaledb_information.hypertables
                    WHERE hypertable_schema = schemaname AND hypertable_name = relname)
"""


def probes(outside: Outside) -> Iterator[Metric]:
    """Yield whether the stores answer, and how long they take."""
    asked: dict[str, Callable[[], float]] = {
        "findata_database": lambda: _database_seconds(outside),
        "findata_s3": lambda: _objects_seconds(outside),
    }
    for name, ask in asked.items():
        seconds: float | None = None
        with suppress(*FAILURES):
            seconds = ask()
        yield one(f"{name}_up", "1 if it answers.", float(seconds is not None))
        if seconds is not None:
            yield one(f"{name}_round_trip_seconds", "How long it takes to answer the least request.", seconds)


def disks(outside: Outside) -> Iterator[Metric]:
    """Yield how much room there is on the disks of some folders."""
    found = []
    for folder in outside.settings.watched_folders():
        with suppress(OSError):
            usage = shutil.disk_usage(_existing(folder))
            found.append({"folder": str(folder), "free": usage.free, "size": usage.total})
    by_folder = {"folder": "folder"}
    yield gauge("findata_disk_free_bytes", "Free bytes of a folder's disk.", found, "free", by_folder)
    yield gauge("findata_disk_size_bytes", "Size of a folder's disk.", found, "size", by_folder)


def database(outside: Outside) -> Iterator[Metric]:
    """Yield what the database says of itself."""
    with outside.database() as connection:
        activity, sessions = rows(connection, ACTIVITY), rows(connection, SESSIONS)
    for name, column, meaning in (
        ("findata_database_size_bytes", "bytes", "Size of the database on disk."),
        ("findata_database_cache_hit_ratio", "hits", "Blocks found in memory, of all that were read."),
    ):
        yield gauge(name, meaning, activity, column)
    yield counter("findata_database_transactions_total", "Transactions that ended.", activity, "transactions")
    yield counter("findata_database_deadlocks_total", "Deadlocks.", activity, "deadlocks")
    for name, column, meaning in (
        ("findata_database_connections", "connections", "Connections of all clients of the server."),
        ("findata_database_connections_limit", "most", "Connections that the server allows."),
        (
            "findata_database_longest_transaction_seconds",
            "longest",
            "Age of the oldest transaction under way.",
        ),
        ("findata_database_waiting_sessions", "waiting", "Sessions that wait for a lock."),
    ):
        yield gauge(name, meaning, sessions, column)


def tables(outside: Outside) -> Iterator[Metric]:
    """Yield the size of each table on the database's disk, its indexes and chunks too."""
    with outside.database() as connection:
        found = rows(connection, SIZES)
    yield gauge(
        "findata_table_size_bytes", "Size of a table with its indexes.", found, "bytes", {"table": "name"}
    )


def lake(outside: Outside) -> Iterator[Metric]:
    """Yield what lies in the lake of each table: the objects that speak."""
    bucket, found = outside.bucket(), []
    for source in published_tables():
        listed = [
            LakeObject(item["path"], partition, item["size"], "")
            for batch in obstore.list(bucket, f"{source.schema}/{source.name}")
            for item in batch
            if (partition := partition_in(item["path"])) is not None
        ]
        speaking = current(listed)
        size = sum(item.size_bytes for item in speaking)
        found.append({"table": source.address, "objects": len(speaking), "bytes": size})
    by_table = {"table": "table"}
    yield gauge("findata_lake_bytes", "Bytes of the lake's objects.", found, "bytes", by_table)
    yield gauge("findata_lake_objects", "Objects of the lake.", found, "objects", by_table)


def backups(outside: Outside) -> Iterator[Metric]:
    """Yield how many backups lie on S3, and when the last one and the last trial restore were made."""
    listed = [item for batch in obstore.list(outside.bucket(), manifest.PREFIX) for item in batch]
    changed = {item["path"]: item["last_modified"].timestamp() for item in listed}
    names = {path.split("/")[1] for path in changed if manifest.is_name(path.split("/")[1])}
    # A backup is whole when its manifest is there.
    whole = [name for name in names if manifest.key_of(name, manifest.MANIFEST) in changed]
    drills = [manifest.key_of(name, manifest.DRILL) for name in whole]
    yield one("findata_backups", "Backups on S3 that are whole.", len(whole))
    made = [manifest.time_of(name).timestamp() for name in whole]
    drilled = [changed[key] for key in drills if key in changed]
    for name, meaning, times in (
        ("findata_backup_last_timestamp_seconds", "When the last backup was made.", made),
        ("findata_backup_drill_last_timestamp_seconds", "When one was last restored on trial.", drilled),
    ):
        if times:
            yield one(name, meaning, max(times))


def _database_seconds(outside: Outside) -> float:
    with outside.database() as connection:
        started = time.perf_counter()
        rows(connection, "SELECT 1 AS answer")
        return time.perf_counter() - started


def _objects_seconds(outside: Outside) -> float:
    bucket, started = outside.bucket(), time.perf_counter()
    with suppress(NotFoundError, FileNotFoundError):
        obstore.head(bucket, ABSENT_KEY)
    return time.perf_counter() - started


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest above it that is there already."""
    return folder if folder.exists() or folder == folder.parent else _existing(folder.parent)
