"""One listener of the database for all who follow: it reads the journal once and hands each line to whom it concerns.

What belongs here: the listener, subscriptions, their bounded stock of lines. What does not: HTTP (routes), SQL (lines).

A notification only wakes the listener up; what counts is the journal, which it looks at every second without one. Who
takes its lines too slowly, or has just come, is behind: it reads the journal itself from where it stands, at its own
pace, and joins the others when it has come up to them. So nothing is kept for it but a position.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg

from findata_core.errors import FindataError
from findata_resources.stores.journal import CHANNEL
from findata_serving.problems import Problem
from findata_serving.stream import events
from findata_serving.stream.events import Batch, batch_of
from findata_serving.stream.lines import Ask, Lines, read_lines, read_rows
from findata_serving.stream.positions import MOST_TRANSACTION, Position, StreamCursor

LOG = logging.getLogger("findata.serving")

MOST_SUBSCRIBERS = 500
MOST_LINES = 200  # that lie ready for one subscriber; who has more is behind
POLL_SECONDS = 1.0
PENDING_SECONDS = 0.1  # while lines wait for a transaction that nobody tells the end of
HEARTBEAT_SECONDS = 15.0
PAUSE_SECONDS = 0.2  # before the journal is asked again where it did not answer
LONGEST_PAUSE_SECONDS = 5.0
END_OF_JOURNAL = Position(MOST_TRANSACTION, 0)

Connect = Callable[[], Awaitable[asyncpg.Connection]]


@dataclass(eq=False)
class Subscription:
    """Who follows: which candles, from which cursor on. None stands for all instruments or intervals."""

    cursor: StreamCursor
    instruments: frozenset[str] | None = None
    intervals: frozenset[str] | None = None
    is_behind: bool = True
    is_over: bool = False
    _ready: deque[Batch] = field(default_factory=deque)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def give(self, batch: Batch) -> None:
        """Lay a line ready, unless it is behind or becomes so."""
        if self.is_behind or batch.position <= self.cursor.position:
            return
        if self.instruments is not None and batch.subject not in self.instruments:
            return
        if len(self._ready) >= MOST_LINES:
            self.fall_behind()
            return
        self._ready.append(batch)
        self._woken.set()

    def fall_behind(self) -> None:
        """Let it read the journal itself from where it stands."""
        self.is_behind = True
        self._ready.clear()
        self._woken.set()

    def end(self) -> None:
        """Let it end with what it has sent."""
        self.is_over = True
        self._woken.set()

    def move(self, position: Position) -> None:
        """Say that everything up to a position was delivered or does not concern it."""
        self.cursor = StreamCursor(self.cursor.feed, position)

    def taken(self, batch: Batch) -> bytes:
        """Return the events of a line that concern it, and stand after the line."""
        self.move(batch.position)
        return batch.written(self.cursor.feed, self.intervals)

    async def next_line(self) -> Batch | None:
        """Return the next line that lies ready; None after a while without one, or when it fell behind or is over."""
        if not self._ready and not self.is_over and not self.is_behind:
            self._woken.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await self._woken.wait()
        return self._ready.popleft() if self._ready and not self.is_over else None


class Feed:
    """Follows the journal while somebody follows it. `ask`: how those who are behind read."""

    def __init__(self, connect: Connect, ask: Ask) -> None:
        self._connect = connect
        self._ask = ask
        self._subscriptions: set[Subscription] = set()
        self._task: asyncio.Task[None] | None = None
        self._name = ""
        self._position: Position | None = None
        self._is_closed = False

    @property
    def subscribers(self) -> int:
        """How many follow now."""
        return len(self._subscriptions)

    async def now(self) -> StreamCursor:
        """Return the cursor after everything that can be read now; a Problem where the database is away."""
        page = await read_lines(self._ask, END_OF_JOURNAL)
        return StreamCursor(page.feed, page.horizon)

    def join(self, subscription: Subscription) -> None:
        """Let somebody follow; a Problem where there are too many, or the server is going down."""
        if self._is_closed or len(self._subscriptions) >= MOST_SUBSCRIBERS:
            raise _full()
        self._subscriptions.add(subscription)
        if self._task is None:
            self._task = asyncio.create_task(self._follow(), name="findata stream")

    def leave(self, subscription: Subscription) -> None:
        """Let somebody go; with the last one the listener goes, too."""
        self._subscriptions.discard(subscription)
        if not self._subscriptions and self._task is not None:
            self._task.cancel()
            self._task, self._position = None, None

    def end(self) -> None:
        """End every stream: the server is going down. Can be called by a handler of a signal."""
        self._is_closed = True
        for subscription in self._subscriptions:
            subscription.end()

    async def close(self) -> None:
        """End every stream and the listener."""
        self.end()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def messages(self, subscription: Subscription) -> AsyncIterator[bytes]:
        """Yield what is sent to a subscriber, for as long as it follows."""
        yield events.opening(subscription.cursor)
        while not subscription.is_over:
            if subscription.is_behind:
                async for message in self._catch_up(subscription):
                    yield message
                continue
            batch = await subscription.next_line()
            if batch is not None:
                if message := subscription.taken(batch):
                    yield message
            elif not subscription.is_behind and not subscription.is_over:
                subscription.move(max(subscription.cursor.position, self._position or Position(0, 0)))
                yield events.heartbeat(subscription.cursor)

    async def _catch_up(self, subscription: Subscription) -> AsyncIterator[bytes]:
        """Yield a page of what a subscriber lacks, and let it join the others when that was all."""
        before = subscription.cursor
        try:
            page = await read_lines(
                self._ask,
                before.position,
                sorted(subscription.instruments) if subscription.instruments else None,
            )
            rows = await read_rows(self._ask, page.lines)
        except FindataError:
            await asyncio.sleep(PAUSE_SECONDS)
            yield b": the database is away\n\n"
            return
        if not page.continues(before.feed, before.position):
            subscription.cursor = StreamCursor(page.feed, page.horizon)
            yield events.reset(subscription.cursor)
            return
        for line in page.lines:
            if message := subscription.taken(batch_of(line, rows[line.scope])):
                yield message
        subscription.move(page.end)
        if page.is_complete and not self._joins(subscription):
            await asyncio.sleep(PAUSE_SECONDS)

    def _joins(self, subscription: Subscription) -> bool:
        """Let a subscriber join the others if it has come up to them; nothing else runs between asking and joining."""
        place = subscription.cursor
        if self._position is None or place.feed != self._name or place.position < self._position:
            return False
        subscription.is_behind = False
        return True

    async def _follow(self) -> None:
        pause = PAUSE_SECONDS
        while True:
            try:
                await self._listen()
                pause = PAUSE_SECONDS
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, FindataError) as error:
                LOG.warning("The stream's listener lost the database: %s", type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _listen(self) -> None:
        """Hand on what the journal holds until the connection is lost."""
        connection = await self._connect()
        woken = asyncio.Event()
        try:
            await connection.add_listener(CHANNEL, lambda *_: woken.set())
            connection.add_termination_listener(lambda *_: woken.set())
            while not connection.is_closed():
                woken.clear()
                page = await self._advance(connection.fetch)
                if page.is_complete:
                    await _wait(woken, PENDING_SECONDS if page.is_pending else POLL_SECONDS)
        finally:
            connection.terminate()

    async def _advance(self, ask: Ask) -> Lines:
        """Hand on a page; where it does not continue the one before, everybody looks for themselves."""
        instruments = self._instruments()
        asked = None if instruments is None else sorted(instruments)
        before = self._position
        page = await read_lines(ask, END_OF_JOURNAL if before is None else before, asked)
        if before is None or not page.continues(self._name, before):
            self._name, self._position = page.feed, page.horizon
            for subscription in self._subscriptions:
                subscription.fall_behind()
            return page
        rows = await read_rows(ask, page.lines)
        for subscription in self._subscriptions:
            if not _covers(instruments, subscription.instruments):
                subscription.fall_behind()
        for line in page.lines:
            batch = batch_of(line, rows[line.scope])
            for subscription in self._subscriptions:
                subscription.give(batch)
        self._position = page.end
        return page

    def _instruments(self) -> frozenset[str] | None:
        """Return what anybody asks for; None for everything."""
        asked = [subscription.instruments for subscription in self._subscriptions]
        if None in asked:
            return None
        return frozenset().union(*(some for some in asked if some))


def _covers(read: frozenset[str] | None, asked: frozenset[str] | None) -> bool:
    return read is None or (asked is not None and asked <= read)


async def _wait(woken: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await woken.wait()


def _full() -> Problem:
    return Problem(
        503,
        "too-many-streams",
        "This server has as many streams as it takes, or is going down",
        "Come again in some seconds, with the id of the last event as Last-Event-ID",
        headers={"Retry-After": "5"},
    )
