"""A database in numbers: rows and fingerprints of its tables, and the hash over the book of digests.

What belongs here: reading them, all in the caller's transaction. What does not: comparing
(findata_core/backups/fitting.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from findata_core.backups.manifest import TableCount

Connection = psycopg.Connection[tuple[Any, ...]]

# Tables that are somebody's: not PostgreSQL's, not TimescaleDB's (a hypertable's chunks are counted with it), no
# extension's.
_TABLES = """
    SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
    AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT LIKE '\\_timescaledb\\_%'
    AND n.nspname NOT IN ('information_schema', 'timescaledb_information', 'timescaledb_experimental')
    AND NOT EXISTS (
        SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    )
    ORDER BY 1, 2
"""
_DIGESTS = """
    SELECT table_name, subject, scope_date::text, slice, sha256 FROM ops.digests
    ORDER BY table_name COLLATE "C", subject COLLATE "C", scope_date, slice COLLATE "C"
"""
_ROWS_AT_ONCE = 10_000


def user_tables(connection: Connection) -> list[tuple[str, str]]:
    """Return schema and name of each table that is neither PostgreSQL's nor an extension's, sorted."""
    return [(schema, name) for schema, name in connection.execute(_TABLES)]


def counts(connection: Connection) -> dict[str, TableCount]:
    """Return rows and fingerprint of each table: a sum over its rows' hashes, so that no order matters."""
    connection.execute(
        "SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'; SET LOCAL extra_float_digits = 1"
    )
    return {f"{schema}.{name}": _count(connection, schema, name) for schema, name in user_tables(connection)}


def has_rows(connection: Connection, schema: str, name: str) -> bool:
    """Tell whether a table has a row."""
    query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(schema, name))
    return bool(_one(connection, query))


def content(connection: Connection) -> dict[str, str]:
    """Return the sha256 over each table's digests; nothing where the database has no book of digests."""
    if _one(connection, sql.SQL("SELECT to_regclass('ops.digests')")) is None:
        return {}
    hashes: dict[str, Any] = {}
    with connection.cursor(name="findata_digests") as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        for row in cursor.execute(_DIGESTS):
            hashes.setdefault(row[0], hashlib.sha256()).update("\x1f".join(row).encode() + b"\n")
    return {name: found.hexdigest() for name, found in hashes.items()}


def content_hash(hashes: Mapping[str, str]) -> str:
    """Return one hash for all tables: the sha256 over the lines "table sha256", sorted."""
    lines = "".join(f"{name} {found}\n" for name, found in sorted(hashes.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def newest_payload_time(connection: Connection) -> datetime | None:
    """Return the receive time of the youngest payload in the books."""
    if _one(connection, sql.SQL("SELECT to_regclass('ops.payloads')")) is None:
        return None
    found: datetime | None = _one(connection, sql.SQL("SELECT max(received_time) FROM ops.payloads"))
    return found


def extension_version(connection: Connection) -> str:
    """Return the version of TimescaleDB in this database, "" where there is none."""
    return str(
        _one(connection, sql.SQL("SELECT max(extversion) FROM pg_extension WHERE extname = 'timescaledb'"))
        or ""
    )


def migration(connection: Connection) -> str:
    """Return the migration that the database is at, "" before the first."""
    if _one(connection, sql.SQL("SELECT to_regclass('findata_version')")) is None:
        return ""
    return str(_one(connection, sql.SQL("SELECT max(version_num) FROM findata_version")) or "")


def _count(connection: Connection, schema: str, name: str) -> TableCount:
    # hashtextextended gives 64 bits; a sum modulo 2^64 keeps a line short. What was dumped is proven by sha256.
    query = sql.SQL(
        "SELECT count(*), mod(coalesce(sum(hashtextextended(line::text, 0)), 0), 18446744073709551616) FROM {} AS line"
    )
    row = connection.execute(query.format(sql.Identifier(schema, name))).fetchone()
    assert row is not None
    return TableCount(int(row[0]), f"{int(row[1]) % 2**64:016x}")


def _one(connection: Connection, query: sql.SQL | sql.Composed) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row else None
