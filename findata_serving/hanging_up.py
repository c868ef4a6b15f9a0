"""Callers that hang up: what is asked of the database for them is cancelled.

What belongs here: noticing it. What does not: cancelling a query, which asyncpg does when its task is cancelled.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATIENCE_SECONDS = 0.1  # most answers are out by then, and cost nothing more
STREAMS = ("/v1/stream",)  # they notice it themselves


class HangingUp:
    """Cancels the work for a caller who is not there any more."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; look after its caller if it takes long."""
        if scope["type"] != "http" or scope["path"] in STREAMS:
            await self._app(scope, receive, send)
            return
        watch = _Watch(receive)
        timer = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, watch.begin)
        try:
            await self._app(scope, watch.receive, send)
        except asyncio.CancelledError:
            if not watch.has_hung_up:
                raise
        finally:
            timer.cancel()
            watch.end()


class _Watch:
    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._working = asyncio.current_task()
        self._listening: asyncio.Task[None] | None = None
        self.has_hung_up = False

    def begin(self) -> None:
        """Listen for the end of the connection."""
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    def end(self) -> None:
        """Listen no more."""
        if self._listening is not None:
            self._listening.cancel()

    async def receive(self) -> Message:
        """Give the app what comes: it reads no body."""
        return await self._receive()

    async def _listen(self) -> None:
        message: Any = {"type": ""}
        while message["type"] != "http.disconnect":
            message = await self._receive()
        self.has_hung_up = True
        if self._working is not None:
            self._working.cancel()
