"""The databases that a backup is of and comes back to: looked at, made, put in place, dropped.

A database is restored beside the one it stands for, under that one's name and an ending, and takes its place by
renaming when it is whole: nobody ever reads a half. What a killed restore has left has such a name, is nobody's, and is
dropped by the next one; a lock on the server keeps two from working at once.

What belongs here: databases as wholes. What does not: their tables' meaning, dumps (dumps).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from findata_core.backups.fitting import Server
from findata_core.errors import StoreError
from findata_resources.backups.counting import Connection, content, content_hash, has_rows, user_tables
from findata_resources.backups.programs import database_in, plain
from findata_resources.embedded.processes import wait_until
from findata_resources.migrations.migrate import VERSION_TABLE
from findata_resources.migrations.model import schemas
from findata_resources.stores.database import store_error

RESTORING, REPLACED, DRILL = "_restoring", "_replaced", "_drill"  # endings of databases that are nobody's
ENDINGS = (RESTORING, REPLACED, DRILL)
LOCK = "findata restore"
_MAINTENANCE = ("postgres", "template1")
# What a fresh database of findata or of Dagster has by itself.
_OWN_ROWS = {
    VERSION_TABLE, "alembic_version", "concurrency_limits", "daemon_heartbeats", "instance_info", "secondary_indexes",
}  # fmt: skip
_NAME_BYTES = 63
_LEAVING_SECONDS = 3.0


@contextmanager
def connected(database_url: str, *, autocommit: bool = True) -> Iterator[Connection]:
    """Yield a connection; what a driver says becomes an error with a next step."""
    try:
        with psycopg.connect(
            plain(database_url), autocommit=autocommit, application_name="findata backup", connect_timeout=15
        ) as connection:
            yield connection
    except psycopg.Error as error:
        raise store_error(error.sqlstate, error) from error


@contextmanager
def snapshot_of(database_url: str) -> Iterator[tuple[Connection, str]]:
    """Yield a connection that sees one moment of a database, and the name by which pg_dump sees the same."""
    with connected(database_url, autocommit=False) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        yield connection, str(row[0])


@contextmanager
def administered(database_url: str) -> Iterator[Connection]:
    """Yield a connection to the server's own database, which alone may restore or drill until it is closed."""
    with maintenance(database_url) as connection:
        row = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [LOCK]).fetchone()
        if row is None or not row[0]:
            raise StoreError(
                "Another findata restore or drill is under way on this server",
                "Wait for it, or end it, then run this one again",
            )
        yield connection


@contextmanager
def maintenance(database_url: str) -> Iterator[Connection]:
    """Yield a connection to a database of the server that is always there, also while ours is not."""
    urls = [with_database(database_url, name) for name in _MAINTENANCE]
    with connected(urls[0] if _answers(urls[0]) else urls[1]) as connection:
        yield connection


def content_hash_of(database_url: str) -> str:
    """Return one hash for all tables of a database as they are now."""
    with connected(database_url, autocommit=False) as connection:
        return content_hash(content(connection))


def server_of(connection: Connection) -> Server:
    """Return what a server is."""
    major = connection.info.server_version // 10_000
    versions = connection.execute(
        "SELECT version FROM pg_available_extension_versions WHERE name = 'timescaledb'"
    )
    found = frozenset(version for (version,) in versions)
    row = connection.execute("SELECT current_setting('timescaledb.license', true)").fetchone()
    return Server(major, found, str((row and row[0]) or ""))


def databases(connection: Connection) -> set[str]:
    """Return the names of the server's databases."""
    return {name for (name,) in connection.execute("SELECT datname FROM pg_database WHERE NOT datistemplate")}


def why_not_empty(database_url: str) -> str | None:
    """Return what a database holds that a restore would put away; None where it holds nothing.

    Tables of findata or Dagster without rows are nothing: migrate and Dagster's start make them.
    """
    with connected(database_url) as connection:
        ours = {*schemas(), "public"}
        for schema, name in user_tables(connection):
            if schema not in ours:
                return f"it has the table {schema}.{name}, which is not findata's"
            if name not in _OWN_ROWS and has_rows(connection, schema, name):
                return f"{schema}.{name} has rows"
    return None


def users_of(connection: Connection, database: str) -> list[str]:
    """Return who is connected to a database and stays so: who has just left is a moment longer on the list."""
    wait_until(lambda: not _sessions_in(connection, database), _LEAVING_SECONDS)
    return _sessions_in(connection, database)


def _sessions_in(connection: Connection, database: str) -> list[str]:
    """Return the names that programs connected to a database give themselves."""
    rows = connection.execute(
        "SELECT DISTINCT coalesce(nullif(application_name, ''), 'a program without a name') FROM pg_stat_activity "
        "WHERE datname = %s AND backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY 1",
        [database],
    )
    return [name for (name,) in rows]


def create(connection: Connection, database_url: str, timescaledb: str) -> None:
    """Create an empty database, with TimescaleDB in it and ready to be restored where a version is given.

    What an interrupted command has left under this name is dropped.
    """
    database = database_in(database_url)
    drop(connection, database)
    # Not of template1, in which some images have extensions and tables already.
    connection.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(database))
    )
    if timescaledb:
        with connected(database_url) as inside:
            version = sql.Literal(timescaledb)
            inside.execute(sql.SQL("CREATE EXTENSION timescaledb VERSION {}").format(version))
            inside.execute("SELECT timescaledb_pre_restore()")


def finish(database_url: str, timescaledb: str) -> None:
    """Let TimescaleDB work again in a database that was restored, and give the planner its statistics."""
    with connected(database_url) as connection:
        if timescaledb:
            connection.execute("SELECT timescaledb_post_restore()")
        connection.execute("ANALYZE")


def put_in_place(connection: Connection, restored: Mapping[str, str]) -> None:
    """Give restored databases (name now -> name to be) their names, all or none; empty ones of that name go."""
    there = databases(connection)
    for name in (*restored, *(there & {*restored.values()})):
        _close(connection, name)
    with connection.transaction():
        for name, target in restored.items():
            if target in there:
                _rename(connection, target, ending(target, REPLACED))
            _rename(connection, name, target)
            open_again(connection, target)
    for target in restored.values():
        drop(connection, ending(target, REPLACED))


def open_again(connection: Connection, database: str) -> None:
    """Let programs connect to a database, which a killed restore may have closed."""
    connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(database)))


def drop(connection: Connection, database: str) -> None:
    """Drop a database, if it is there, with the sessions in it."""
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))


def ending(database: str, end: str) -> str:
    """Return the name of the database that is made beside another."""
    return database.encode()[: _NAME_BYTES - len(end)].decode(errors="ignore") + end


def with_database(database_url: str, database: str) -> str:
    """Return the URL of another database of the same server."""
    return urlunsplit(urlsplit(plain(database_url))._replace(path=f"/{database}"))


def same_server(one: str, other: str) -> bool:
    """Tell whether two URLs lead to one server."""
    places = [(urlsplit(plain(url)).hostname, urlsplit(plain(url)).port or 5432) for url in (one, other)]
    return places[0] == places[1]


def exists(connection: Connection, database_url: str) -> bool:
    """Tell whether a URL's database is on the server."""
    return database_in(database_url) in databases(connection)


def _close(connection: Connection, database: str) -> None:
    """Let nobody in and end what is in it: a database is renamed only while nobody is connected, no worker either."""
    connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(database)))
    connection.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s", [database]
    )


def _rename(connection: Connection, database: str, name: str) -> None:
    statement = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    connection.execute(statement.format(sql.Identifier(database), sql.Identifier(name)))


def _answers(database_url: str) -> bool:
    with suppress(psycopg.OperationalError):
        psycopg.connect(plain(database_url), connect_timeout=15).close()
        return True
    return False
