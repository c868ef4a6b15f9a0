"""The database as it is, asked in one read-only session: versions, sessions, books.

What belongs here: queries. What does not: judging (findata_core/doctor).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg

from findata_core.doctor.outside import Calendar, Quota, Resting
from findata_core.doctor.servers import Extension, Leftover, Session
from findata_core.errors import StoreError
from findata_resources.backups.counting import Connection, extension_version
from findata_resources.backups.programs import plain
from findata_resources.backups.servers import ENDINGS
from findata_resources.environment import Clock
from findata_resources.stores.database import store_error

SCRATCH = "findata_scratch_"
_TIMEOUT = "60s"


@contextmanager
def read_only(database_url: str) -> Iterator[Connection]:
    """Yield a session that can change nothing; what a driver says becomes an error with a next step."""
    options = f"-c default_transaction_read_only=on -c statement_timeout={_TIMEOUT}"
    try:
        with psycopg.connect(
            plain(database_url),
            autocommit=True,
            application_name="findata doctor",
            connect_timeout=10,
            options=options,
        ) as connection:
            yield connection
    except psycopg.Error as error:
        raise store_error(error.sqlstate, error) from error


def clock_skew(connection: Connection, clock: Clock) -> tuple[timedelta, timedelta]:
    """Return how far the database's clock is ahead of ours, and how far off that may be."""
    before = clock.now()
    theirs = _rows(connection, "SELECT clock_timestamp()")[0][0]
    after = clock.now()
    half = (after - before) / 2
    return theirs.astimezone(UTC) - (before + half), half


def extension(connection: Connection) -> Extension:
    """Return TimescaleDB in this database."""
    newest = _rows(
        connection, "SELECT default_version FROM pg_available_extensions WHERE name = 'timescaledb'"
    )
    license_name = _rows(connection, "SELECT current_setting('timescaledb.license', true)")[0][0]
    return Extension(extension_version(connection), newest[0][0] if newest else "", license_name or "")


def version(connection: Connection) -> str:
    """Return PostgreSQL's version."""
    return str(_rows(connection, "SHOW server_version")[0][0])


def connections(connection: Connection) -> tuple[int, int]:
    """Return how many connections clients have, and how many the server allows."""
    return _pair(
        connection,
        "SELECT count(*) FILTER (WHERE backend_type = 'client backend'), current_setting('max_connections')::int "
        "FROM pg_stat_activity",
    )


def sessions(connection: Connection) -> list[Session]:
    """Return sessions that sit in a transaction, wait for a lock, or hold one of findata's named locks."""
    rows = _rows(
        connection,
        """
        SELECT pid, application_name,
               CASE WHEN state LIKE 'idle in transaction%%' THEN 'idle in transaction'
                    WHEN wait_event_type = 'Lock' THEN 'waiting' ELSE 'idle with a lock' END,
               clock_timestamp() - coalesce(state_change, query_start, backend_start)
        FROM pg_stat_activity AS activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
        AND (state LIKE 'idle in transaction%%' OR wait_event_type = 'Lock' OR (state = 'idle' AND EXISTS (
            SELECT FROM pg_locks WHERE pg_locks.pid = activity.pid AND locktype = 'advisory' AND granted)))
        ORDER BY 4 DESC
        """,
    )
    return [Session(*row) for row in rows]


def leftover_databases(connection: Connection) -> list[Leftover]:
    """Return the databases that commands make for a while, with the sessions in them."""
    rows = _rows(
        connection,
        "SELECT datname, (SELECT count(*) FROM pg_stat_activity AS a WHERE a.datname = d.datname "
        "AND a.backend_type = 'client backend') FROM pg_database AS d",
    )
    return [Leftover(name, used) for name, used in rows if name.startswith(SCRATCH) or name.endswith(ENDINGS)]


def calendars(connection: Connection) -> list[Calendar]:
    """Return how far each exchange's calendar reaches, and which library said its last session."""
    return [
        Calendar(*row)
        for row in _rows(
            connection,
            "SELECT DISTINCT ON (mic) mic, session_date, calendar_version FROM reference.sessions "
            "ORDER BY mic, session_date DESC",
        )
    ]


def followed(connection: Connection) -> list[str]:
    """Return the exchanges of the instruments that are followed."""
    return [mic for (mic,) in _rows(connection, "SELECT DISTINCT mic FROM reference.instruments ORDER BY 1")]


def quotas(connection: Connection) -> list[Quota]:
    """Return what is spent of the providers' limits."""
    return [
        Quota(*row)
        for row in _rows(
            connection,
            "SELECT provider, limit_window, used, request_limit, end_time FROM ops.quotas ORDER BY 1, 2",
        )
    ]


def resting(connection: Connection, now: datetime) -> list[Resting]:
    """Return the providers that have failed, and until when they are left alone."""
    rows = _rows(
        connection, "SELECT provider, failures_in_row, open_time, probe_time FROM ops.breakers ORDER BY 1"
    )
    return [
        Resting(provider, failures, until if since and until and since <= now < until else None)
        for provider, failures, since, until in rows
    ]


def payload_bodies(connection: Connection) -> dict[int, str]:
    """Return the payloads in the books and the keys of their bodies."""
    return dict(_rows(connection, "SELECT payload_id, object_key FROM ops.payloads"))


def fetched_payloads(connection: Connection) -> set[int]:
    """Return the payloads that the ledger of requests names."""
    return {
        item
        for (item,) in _rows(connection, "SELECT payload_id FROM ops.fetches WHERE payload_id IS NOT NULL")
    }


def _rows(connection: Connection, query: LiteralString) -> list[tuple[Any, ...]]:
    try:
        return connection.execute(query.replace("%%", "%")).fetchall()
    except psycopg.errors.UndefinedTable as error:
        raise StoreError("the database has no tables of findata yet", "findata migrate") from error


def _pair(connection: Connection, query: LiteralString) -> tuple[int, int]:
    first, second = _rows(connection, query)[0]
    return int(first), int(second)
