"""A few connections that many requests share, each for one query at a time.

What belongs here: lending them out, and replacing those that were lost. What does not: what is asked, which error a
caller sees (sources). asyncpg's own pool resets a connection, in a task of its own, after each query: a quarter of the
time of a hot answer, for connections that hold no state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import asyncpg

WAIT_SECONDS = 5
LOST = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.AdminShutdownError)


class Connections:
    """At most `most` connections; the one used last is used first, so that few are open when few are needed."""

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]], most: int) -> None:
        self._connect = connect
        self._free = asyncio.Semaphore(most)
        self._idle: list[asyncpg.Connection] = []
        self._ending: set[asyncio.Task[None]] = set()
        self.size = 0

    @property
    def idle(self) -> int:
        """Return how many are open and not used."""
        return len(self._idle)

    async def fetch(self, query: str, *arguments: object) -> Sequence[asyncpg.Record]:
        """Run a query; once more where the connection turns out to be lost. TimeoutError: all are busy for too long."""
        if self._free.locked():
            async with asyncio.timeout(WAIT_SECONDS):
                await self._free.acquire()
        else:
            await self._free.acquire()
        try:
            if self._idle:
                try:
                    return await self._ask(self._idle.pop(), query, arguments)
                except LOST:
                    self._forget_idle()
            connection = await self._connect()
            self.size += 1
            return await self._ask(connection, query, arguments)
        finally:
            self._free.release()

    async def _ask(
        self, connection: asyncpg.Connection, query: str, arguments: Sequence[object]
    ) -> Sequence[asyncpg.Record]:
        is_good = False
        try:
            rows: Sequence[asyncpg.Record] = await connection.fetch(query, *arguments)
            is_good = True
            return rows
        except asyncpg.PostgresError as error:
            is_good = not isinstance(error, LOST)
            raise
        finally:
            if is_good and not connection.is_closed():
                self._idle.append(connection)
            else:
                self._part_with(connection)

    def _part_with(self, connection: asyncpg.Connection) -> None:
        """Close a connection whose query may still run: asyncpg tells the server to cancel it, which takes a while."""
        self.size -= 1
        task = asyncio.get_running_loop().create_task(_ended(connection))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _forget_idle(self) -> None:
        """Close those that are idle: what ended one has ended them."""
        for connection in self._idle:
            connection.terminate()
        self.size -= len(self._idle)
        self._idle.clear()

    def close(self) -> None:
        """Close all that are idle."""
        self._forget_idle()


async def _ended(connection: asyncpg.Connection) -> None:
    try:
        await connection.close(timeout=WAIT_SECONDS)
    except Exception:  # whatever it is, the connection is of no use any more
        connection.terminate()
