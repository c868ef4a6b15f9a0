"""A database of the contract's tests: at any revision, with the sample's rows, read as findata_reader reads.

What belongs here: making it and asking it. What does not: what must hold (the tests).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from alembic import command
from psycopg import sql

from findata_core.schema.tables import Table, table, tables
from findata_resources.migrations.functions import create_as_of_functions
from findata_resources.migrations.migrate import alembic_config, create_extension, known_revisions, locked
from findata_resources.migrations.roles import create_roles, grant
from findata_resources.migrations.view_sources import SOURCES
from findata_resources.migrations.views import create_views, drop_views
from tests.schema.good_rows import GOOD_ROWS

QUERIES = Path(__file__).parent / "queries"
# The revision at which the views were first made: nobody was promised anything before.
FIRST = "0011"
# Views as they were before a migration that the views of today do not fit: <revision>.sql.
EARLIER = Path(__file__).parent / "earlier"
READER = "-c role=findata_reader -c default_transaction_read_only=on -c timezone=UTC"

Answers = dict[str, list[tuple[Any, ...]]]


def revisions() -> list[str]:
    """Return the revisions since the first with views, oldest first."""
    every = list(reversed(known_revisions()))
    return every[every.index(FIRST) :]


def bring_to(url: str, revision: str) -> None:
    """Bring a database to a revision, with the views that belong to it."""
    with locked(url) as connection:
        create_extension(connection)
        create_roles(connection)
        drop_views(connection)
        command.upgrade(alembic_config(connection), revision)
        _views_at(connection, revision)
        create_as_of_functions(connection)
        grant(connection)
        connection.commit()


def _views_at(connection: sa.Connection, revision: str) -> None:
    """Make the views over the storage of a revision: those of today, unless a file says what they were."""
    written = EARLIER / f"{revision}.sql"
    if written.exists():
        connection.exec_driver_sql(written.read_text())
        return
    try:
        create_views(connection)
    except sa.exc.DBAPIError as error:
        raise AssertionError(
            f"The views of today do not fit the storage of revision {revision}. Put the statements that made them "
            f"before your change (findata_resources.migrations.views.statements) into {written}: {error.orig}"
        ) from error


def sources() -> list[Table]:
    """Return the tables that the views read, with their histories."""
    current = {source.table for found in SOURCES.values() for source in found}
    histories = {table(address).history().address for address in current if table(address).has_history}
    return [item for item in tables() if item.address in current | histories]


def copy_rows(origin: str, target: str) -> None:
    """Copy the rows that views read, in the columns that both databases have."""
    with psycopg.connect(origin) as reading, psycopg.connect(target) as writing:
        for item in sources():
            columns = sql.SQL(", ").join(map(sql.Identifier, _columns(writing, item)))
            name = sql.Identifier(item.schema, item.name)
            out = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(columns, name)
            into = sql.SQL("COPY {} ({}) FROM STDIN").format(name, columns)
            with reading.cursor().copy(out) as rows, writing.cursor().copy(into) as sink:
                for block in rows:
                    sink.write(block)


def add_good_rows(url: str) -> None:
    """Put one good row into each table that is empty, so that every query answers something."""
    with psycopg.connect(url) as connection:
        for item in (found for found in sources() if found.schema != "history"):
            row = GOOD_ROWS[item.message]
            columns = [name for name in _columns(connection, item) if name in row]
            name = sql.Identifier(item.schema, item.name)
            connection.execute(
                sql.SQL("INSERT INTO {0} ({1}) SELECT {2} WHERE NOT EXISTS (SELECT FROM {0})").format(
                    name,
                    sql.SQL(", ").join(map(sql.Identifier, columns)),
                    sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
                ),
                [row[name] for name in columns],
            )


def answers(url: str) -> Answers:
    """Return what each consumer's query answers to findata_reader."""
    with reading(url) as connection:
        return {
            path.stem: connection.execute(query_in(path)).fetchall() for path in sorted(QUERIES.glob("*.sql"))
        }


@contextmanager
def reading(url: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """Yield a connection in the role findata_reader."""
    with psycopg.connect(url, options=READER) as connection:
        yield connection


def query_in(path: Path) -> bytes:
    """Return a query, Grafana's macro made what Grafana makes of the sample's time range."""
    window = "BETWEEN '2022-05-18T00:00:00Z' AND '2022-06-16T00:00:00Z'"
    return path.read_text().replace("$__timeFilter(event_time)", f"event_time {window}").encode()


def execute(url: str, statement: str) -> None:
    """Run one statement as findata's own user."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def _columns(connection: psycopg.Connection[Any], item: Table) -> list[str]:
    query = "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
    found = {row[0] for row in connection.execute(query, [item.schema, item.name])}
    return [name for name in item.column_names if name in found]
