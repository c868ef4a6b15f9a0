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
from findata_core.errors import FindataError, NotRunning
from findata_resources.environment import Settings, resolve_endpoints
from findata_resources.migrations.role_names import LIVE_READER
from findata_resources.stores.objects import Objects
from findata_serving.connections import LOST, Connections
from findata_serving.problems import Problem, away

LOG = logging.getLogger("findata.serving")

HOT_CONNECTIONS = 8
RUN_CONNECTIONS = 4
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
NO_SUCH_ROLE = (
    asyncpg.InvalidParameterValueError,
    asyncpg.UndefinedObjectError,
    asyncpg.InsufficientPrivilegeError,
)


class Sources:
    """The stores as routes see them. Nothing is connected until it is asked, and what was lost is connected again."""

    def __init__(self, settings: Settings, open_one: Callable[[Settings], Platform] = open_platform) -> None:
        self.settings = settings
        self._open_one = open_one
        self._has_role = True
        self._probe: asyncio.Task[bool] | None = None  # one at a time, however many ask
        self._pools = {
            "hot": Connections(self._connect_as_reader, HOT_CONNECTIONS),
            # Runs of rows are put together by hashing: sorting all rows for it takes a quarter of the query's time,
            # and the planner, which can't know how many there are, would sort them.
            "runs": Connections(lambda: self._connect_as_reader(enable_sort="off"), RUN_CONNECTIONS),
            "books": Connections(self._connect, BOOK_CONNECTIONS),
        }
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="findata-serving")
        self._of_thread = threading.local()
        self._platforms: list[Platform] = []

    async def rows(
        self, query: str, *arguments: object, books: bool = False, in_runs: bool = False
    ) -> Sequence[asyncpg.Record]:
        """Run a query; a Problem says that the database is away or that it took too long.

        `books`: it asks for findata's own books. `in_runs`: it groups many rows.
        """
        try:
            pool = "books" if books else "runs" if in_runs else "hot"
            return await self._pools[pool].fetch(query, *arguments)
        except (asyncpg.QueryCanceledError, TimeoutError):
            raise too_slow() from None
        except AWAY as error:
            raise away() from error

    async def step(self, work: Callable[[Platform], Any]) -> Any:
        """Run a function of a platform in a thread; calendars are read anew, as they may have changed."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._work, work)

    async def objects_answer(self) -> bool:
        """Tell whether S3 answers, within some seconds."""
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(asyncio.to_thread(_objects_answer, self.settings))
        try:
            return await asyncio.wait_for(asyncio.shield(self._probe), CONNECT_SECONDS)
        except TimeoutError:
            return False

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

    async def _connect_as_reader(self, **settings: str) -> asyncpg.Connection:
        """Return a connection in the role of the readers of live rows; without it where the user may not take it."""
        if self._has_role:
            try:
                return await self._connect(role=LIVE_READER, **settings)
            except NO_SUCH_ROLE:
                LOG.warning(
                    "The database's user can't be %s: what is read is not narrowed by it", LIVE_READER
                )
                self._has_role = False
        return await self._connect(**settings)

    async def _connect(self, **settings: str) -> asyncpg.Connection:
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
                # Queries name rows by the front of a key: planning anew for each value takes longer than reading.
                "plan_cache_mode": "force_generic_plan",
                **settings,
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


def _objects_answer(settings: Settings) -> bool:
    try:
        Objects(resolve_endpoints(settings)).version("raw/probe")
    except FindataError as error:
        LOG.warning("%s", error)
        return False
    return True
