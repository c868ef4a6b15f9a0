"""Where answers come from: a pool of connections for hot reads, and platforms in threads for what steps compute.

What belongs here: connections, threads, what a driver's error means. What does not: queries (rest/, reading), rules.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg

from findata_assets.steps.platform import Platform, open_platform
from findata_core.errors import NotRunning
from findata_resources.environment import Settings, resolve_endpoints
from findata_resources.stores.objects import Objects
from findata_serving.connections import LOST, Connections
from findata_serving.problems import Problem, away

LOG = logging.getLogger("findata.serving")

HOT_CONNECTIONS = 8
BOOK_CONNECTIONS = 2
THREADS = 4
STATEMENT_SECONDS = 20
CONNECT_SECONDS = 5
AWAY = (
    *LOST,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidAuthorizationSpecificationError,
)


class Sources:
    """The stores as routes see them. Nothing is connected until it is asked, and what was lost is connected again."""

    def __init__(self, settings: Settings, open_one: Callable[[Settings], Platform] = open_platform) -> None:
        self.settings = settings
        self._open_one = open_one
        self._pools = {
            "hot": Connections(self._connect, HOT_CONNECTIONS),
            "books": Connections(self._connect, BOOK_CONNECTIONS),
        }
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="findata-serving")
        self._of_thread = threading.local()
        self._platforms: list[Platform] = []

    async def rows(self, query: str, *arguments: object, books: bool = False) -> Sequence[asyncpg.Record]:
        """Run a query; a Problem says that the database is away or that it took too long."""
        try:
            return await self._pools["books" if books else "hot"].fetch(query, *arguments)
        except (asyncpg.QueryCanceledError, TimeoutError):
            raise too_slow() from None
        except AWAY as error:
            raise away() from error

    async def step(self, work: Callable[[Platform], Any]) -> Any:
        """Run a function of a platform in a thread; calendars are read anew, as they may have changed."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._work, work)

    async def objects_answer(self) -> bool:
        """Tell whether S3 answers, within some seconds."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await asyncio.to_thread(_ask_objects, self.settings)
        except Exception:  # whatever it is, S3 does not answer
            LOG.warning("S3 does not answer", exc_info=True)
            return False
        return True

    async def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.close()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for platform in self._platforms:
            platform.close()

    def idle_connections(self) -> dict[str, tuple[int, int]]:
        """Return of each pool how many connections it has, and how many of them are idle."""
        return {name: (pool.size, pool.idle) for name, pool in self._pools.items()}

    def _work(self, work: Callable[[Platform], Any]) -> Any:
        platform = getattr(self._of_thread, "platform", None)
        if platform is None:
            platform = self._of_thread.platform = self._open_one(self.settings)
            self._platforms.append(platform)
        platform.forget_sessions()
        return work(platform)

    async def _connect(self) -> asyncpg.Connection:
        """Return a connection that can only read."""
        try:
            url = resolve_endpoints(self.settings).database_url
        except NotRunning as error:
            raise away() from error
        return await asyncpg.connect(
            url,
            timeout=CONNECT_SECONDS,
            server_settings={
                "application_name": "findata serving",
                "default_transaction_read_only": "on",
                "statement_timeout": str(STATEMENT_SECONDS * 1000),
                "timezone": "UTC",
                "jit": "off",
            },
        )


def too_slow() -> Problem:
    """Return the problem of a question that takes the database too long."""
    return Problem(
        503,
        "too-slow",
        f"The database did not answer within {STATEMENT_SECONDS} seconds",
        "Ask for a narrower window, or again later",
        headers={"Retry-After": "5"},
    )


def _ask_objects(settings: Settings) -> None:
    Objects(resolve_endpoints(settings)).version("raw/probe")
