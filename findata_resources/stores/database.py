"""One database connection: transactions, locks, frames in and out, errors that say what to do.

Nothing here knows what a table means; that is timescale.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, LiteralString

import adbc_driver_manager
import polars as pl
import psycopg
from psycopg import sql

from findata_core.errors import StoreError
from findata_core.schema.tables import Table
from findata_resources.stores.copying import copy_stream
from findata_resources.stores.frames import FrameConnection

Cursor = psycopg.Cursor[tuple[Any, ...]]

ADVICE = {
    "53100": ("The disk of the database is full", "Free space, then run the same command again"),
    "53300": ("The database has no connection left", "Wait, or raise max_connections, then run again"),
    "28P01": ("The database refused the password", "Look at FINDATA_DATABASE_URL with findata config"),
    "3D000": (
        "The database does not exist",
        "Create it, or look at FINDATA_DATABASE_URL with findata config",
    ),
    "3F000": ("A schema is missing", "Run findata migrate"),
    "42P01": ("A table is missing", "Run findata migrate"),
    "42501": ("The database user may not do this", "Use a user that may, in FINDATA_DATABASE_URL"),
    "57P01": ("The database is shutting down", "Run findata up, then the same command again"),
    "08001": (
        "The database does not answer",
        "Run findata up; if it is one of your own, see that it runs, and look at FINDATA_DATABASE_URL",
    ),
}
# libpq gives no SQLSTATE where a connection is refused, only words. In this order: the first that is found.
REFUSALS = (
    ("password authentication failed", "28P01"),
    ("no password supplied", "28P01"),
    ("does not exist", "3D000"),
    ("too many clients", "53300"),
    ("remaining connection slots", "53300"),
    ("connection to server", "08001"),
    ("could not translate host name", "08001"),
)


# Up to so many rows are sent as parameters: a staging table of its own takes longer than writing them.
FEW_ROWS = 20
ROWS_A_BLOCK = 10_000  # are objects of Python at a time


class Database:
    """A lazily opened connection for writing (psycopg), one for frames (ADBC), one that holds locks outside of
    transactions; not shared by threads.
    """

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._writer: psycopg.Connection[tuple[Any, ...]] | None = None
        self._holder: psycopg.Connection[tuple[Any, ...]] | None = None
        self._frames = FrameConnection(database_url)

    @property
    def url(self) -> str:
        """Where it connects to, password included."""
        return self._url

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """Yield a cursor inside one transaction: committed at the end, rolled back on any error."""
        with _explained():
            writer = self._writing()
            with writer.transaction(), writer.cursor() as cursor:
                yield cursor

    def frame(self, query: sql.Composable) -> pl.DataFrame:
        """Run a query and return its rows; what other transactions have committed is seen."""
        with _explained():
            return self._frames.frame(query.as_string(None))

    def few(
        self, query: sql.Composable, schema: Mapping[str, pl.DataType | type[pl.DataType]]
    ) -> pl.DataFrame:
        """Run a query that mostly answers some dozens of rows, and return them in these dtypes.

        A frame() takes most of a millisecond however little there is; here every value is made an object of
        Python first. Inside a transaction it reads what that has written. No column may be jsonb.
        """
        with _explained(), self._writing().cursor() as cursor:
            cursor.execute(query.as_string(None).encode())
            blocks = [pl.DataFrame(schema=schema)]
            while rows := cursor.fetchmany(ROWS_A_BLOCK):
                blocks.append(pl.DataFrame(rows, schema=schema, orient="row"))
        return blocks[-1] if len(blocks) <= 2 else pl.concat(blocks)

    @contextmanager
    def lock(self, name: str, *, is_shared: bool = False) -> Iterator[None]:
        """Hold a named lock, with others or alone, over several transactions; the end of the process ends it."""
        kind = sql.SQL("_shared" if is_shared else "")
        call = sql.SQL("SELECT pg_advisory_{}{}(hashtextextended(%s, 0))")
        with _explained():
            if self._holder is None or self._holder.closed:
                self._holder = psycopg.connect(self._url, autocommit=True, application_name="findata lock")
            self._holder.execute(call.format(sql.SQL("lock"), kind), [name])
        try:
            yield
        finally:
            if self._holder is not None and not self._holder.closed:
                with _explained():
                    self._holder.execute(call.format(sql.SQL("unlock"), kind), [name])

    def close(self) -> None:
        """Close all connections."""
        for connection in (self._writer, self._holder):
            if connection is not None:
                connection.close()
        self._writer = self._holder = None
        self._frames.close()

    def _writing(self) -> "psycopg.Connection[tuple[Any, ...]]":
        if self._writer is None or self._writer.closed:
            self._writer = psycopg.connect(self._url, autocommit=True, application_name="findata")
            # A plan that was kept while a table was small reads all of it when it has grown.
            self._writer.execute("SET plan_cache_mode = force_custom_plan; SET TimeZone = 'UTC'")
        return self._writer


def copy_into(
    cursor: Cursor, table: Table, frame: pl.DataFrame, target: sql.Composable | None = None
) -> None:
    """Append the frame's rows to the table (or to `target`, of the same columns) by binary COPY; few as parameters."""
    with copying(cursor, table, frame, target):
        pass


@contextmanager
def copying(
    cursor: Cursor, table: Table, frame: pl.DataFrame, target: sql.Composable | None = None
) -> Iterator[None]:
    """Send the frame's rows as copy_into does, and yield while the server still works on the last of them.

    Megabytes lie in the sockets' buffers when the last row is sent: what the caller does in the block
    costs no time of its own. It must not use the cursor; an error in it takes the COPY back.
    """
    if frame.is_empty():
        yield
        return
    if frame.height <= FEW_ROWS and target is None:
        cursor.execute(_insert_of_few(table, frame.height), _parameters(frame))
        yield
        return
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        target or name_of(table), columns_of(table)
    )
    with cursor.copy(statement) as copy:
        for block in copy_stream(table, frame):
            copy.write(block)
        yield


def upsert(cursor: Cursor, table: Table, frame: pl.DataFrame) -> int:
    """Insert or update by business key; return how many rows changed. Rows that are equal are not touched."""
    if frame.is_empty():
        return 0
    if frame.height <= FEW_ROWS:
        cursor.execute(_upsert_of_few(table, frame.height), _parameters(frame))
        return cursor.rowcount
    staging = sql.Identifier(f"staging_{table.schema}_{table.name}")
    cursor.execute(
        sql.SQL("CREATE TEMP TABLE IF NOT EXISTS {} (LIKE {}) ON COMMIT DROP").format(staging, name_of(table))
    )
    cursor.execute(sql.SQL("TRUNCATE {}").format(staging))
    copy_into(cursor, table, frame, staging)
    cursor.execute(_upsert_statement(table, sql.SQL("SELECT {} FROM {}").format(columns_of(table), staging)))
    return cursor.rowcount


@cache
def _upsert_of_few(table: Table, height: int) -> sql.SQL:
    """Return the statement with VALUES, and a place for each value of so many rows."""
    return fixed(_upsert_statement(table, _places(table, height)))


@cache
def _insert_of_few(table: Table, height: int) -> sql.SQL:
    statement = sql.SQL("INSERT INTO {} ({}) {}")
    return fixed(statement.format(name_of(table), columns_of(table), _places(table, height)))


def _places(table: Table, height: int) -> sql.Composed:
    row = sql.SQL("({})").format(sql.SQL(", ").join([sql.Placeholder()] * len(table.columns)))
    return sql.SQL("VALUES {}").format(sql.SQL(", ").join([row] * height))


def _parameters(frame: pl.DataFrame) -> list[Any]:
    return [value for row in frame.iter_rows() for value in row]


def fixed(composed: sql.Composed) -> sql.SQL:
    """Return a composed text as one piece, to be kept: composing it anew takes longer than many a query."""
    return sql.SQL(composed.as_string(None))


@cache
def columns_of(table: Table) -> sql.SQL:
    """Return the quoted names of a table's columns, a comma between them."""
    return fixed(sql.SQL(", ").join(map(sql.Identifier, table.column_names)))


def name_of(table: Table, schema_prefix: str = "") -> sql.Identifier:
    """Return the quoted name `schema.table`."""
    return sql.Identifier(schema_prefix + table.schema, table.name)


def literal_list(values: Sequence[object], kind: LiteralString) -> sql.Composed:
    """Return an SQL array of literals of one type, for `= ANY(...)`."""
    items = sql.SQL(", ").join(sql.Literal(str(value)) for value in values)
    return sql.SQL("ARRAY[{}]::").format(items) + sql.SQL(kind) + sql.SQL("[]")


def _upsert_statement(table: Table, rows: sql.Composable) -> sql.Composed:
    others = [name for name in table.column_names if name not in table.business_key]
    target = sql.Identifier("target")
    assignments = [sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in others]
    differs = [
        sql.SQL("{0}.{1} IS DISTINCT FROM excluded.{1}").format(target, sql.Identifier(name))
        for name in others
    ]
    action = (
        sql.SQL("DO UPDATE SET {} WHERE {}").format(
            sql.SQL(", ").join(assignments), sql.SQL(" OR ").join(differs)
        )
        if others
        else sql.SQL("DO NOTHING")
    )
    key = sql.SQL(", ").join(map(sql.Identifier, table.business_key))
    return sql.SQL("INSERT INTO {} AS target ({}) {} ON CONFLICT ({}) {}").format(
        name_of(table), columns_of(table), rows, key, action
    )


@contextmanager
def _explained() -> Iterator[None]:
    """Turn a driver's error into one that says what to do next."""
    try:
        yield
    except psycopg.Error as error:
        raise store_error(error.sqlstate, error) from error
    except adbc_driver_manager.Error as error:
        raise store_error(getattr(error, "sqlstate", None), error) from error


def store_error(sqlstate: str | None, error: BaseException) -> StoreError:
    """Return the error that says what a driver's error means and what to do next."""
    text = str(error).strip()
    reason = (text.splitlines() or ["no reason given"])[0]
    words = next((state for words, state in REFUSALS if words in text), "")
    what, next_step = ADVICE.get(
        sqlstate or words,
        (
            "The database did not do it",
            "See findata status; if the database is down, findata up; then run again",
        ),
    )
    return StoreError(f"{what}: {reason}", next_step)
