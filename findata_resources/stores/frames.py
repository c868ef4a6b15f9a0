"""Frames out of the database by ADBC, in a thread of their own: an interrupt ends a read and is never lost.

In the main thread ADBC takes SIGINT away from Python while a query runs. One that comes when the query has just ended
is gone without a trace, one that finds the statement freed ends the process (apache/arrow-adbc, _blocking_impl.cc of
1.13). In any other thread it leaves signals alone; the main thread waits, where Python can interrupt it.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, cast

import adbc_driver_manager
import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Connection, Cursor

INTERRUPT_SECONDS = 0.1  # a long read ends so long after an interrupt


class FrameConnection:
    """A connection opened by its first query and, after an error, anew by the next; for one caller at a time."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._connection: Connection | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._running: Cursor | None = None
        self._change = threading.Lock()  # a statement is not freed while it is cancelled

    def frame(self, query: str) -> pl.DataFrame:
        """Run a query and return its rows; an interrupt cancels it. Errors are the driver's."""
        if threading.current_thread() is not threading.main_thread():
            return self._read(query)
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="frames")
        reading: Future[pl.DataFrame] | None = None
        try:
            reading = self._thread.submit(self._read, query)
            return _awaited(reading)
        except BaseException:
            if reading is not None and not reading.done():
                self._cancel()
                wait([reading])
            raise

    def close(self) -> None:
        """Close the connection, and end the thread."""
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None
        self._disconnect()

    def _read(self, query: str) -> pl.DataFrame:
        with self._cursor() as cursor:
            cursor.execute(query)
            return cast("pl.DataFrame", pl.from_arrow(_plain(cursor.fetch_arrow_table())))

    @contextmanager
    def _cursor(self) -> Iterator["Cursor"]:
        if self._connection is None:
            # It imports pyarrow's datasets and with them pandas: a second that only those pay who read.
            import adbc_driver_postgresql.dbapi

            self._connection = adbc_driver_postgresql.dbapi.connect(self._url, autocommit=True)
        try:
            with self._connection.cursor() as cursor:
                self._note(cursor)
                try:
                    yield cursor
                finally:
                    self._note(None)
        except BaseException:
            self._disconnect()
            raise

    def _note(self, cursor: "Cursor | None") -> None:
        with self._change:
            self._running = cursor

    def _cancel(self) -> None:
        """Let the server stop; where it can't be told, the read goes on to its end."""
        with self._change, suppress(adbc_driver_manager.Error):
            if self._running is not None:
                self._running.adbc_cancel()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _awaited(reading: Future[pl.DataFrame]) -> pl.DataFrame:
    """Return what was read. A signal that the system gives to another thread wakes nobody: it is looked for."""
    while not reading.done():
        with suppress(TimeoutError):
            reading.exception(INTERRUPT_SECONDS)
    return reading.result()


def _plain(rows: pa.Table) -> pa.Table:
    """Return the rows without Arrow's extension types: jsonb comes as one, and is text to us."""
    for number, item in enumerate(rows.schema):
        if isinstance(item.type, pa.BaseExtensionType):
            rows = rows.set_column(number, item.name, rows.column(number).cast(item.type.storage_type))
    return rows
