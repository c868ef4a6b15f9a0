"""Connections that can't hold the server: how many, how long a request's head may take and be, how slowly an
answer is read.

What belongs here: what happens before a request is whole and after its answer is made. What does not:
requests (auth.gate).

uvicorn waits for ever for the end of a request's head, for ever for a reader who reads nothing, keeps
whatever head is sent, and lets every connection in to tell it that there are too many. Here one round every
quarter of the patience looks at all connections: a request pays nothing for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any
from weakref import WeakSet

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from findata_serving.auth.gate import SECURITY_HEADERS
from findata_serving.auth.refusals import FULL, LONG_ADDRESS, LONG_HEADERS, NOT_HTTP, SLOW, Refusal

LONGEST_HEAD_BYTES = 65_536  # beyond what the gate answers politely; a head that is longer is not kept
SLOWEST_BYTES_PER_SECOND = 1024  # a reader who takes less is not reading
ROUNDS = 4  # looks at each connection within the patience
MOST_PARTING = 2000  # who is turned away beyond them hears nothing
PARTING_SECONDS = 5.0  # how long a refused client may take to read why


@dataclass
class Door:
    """What the connections of a server share. `most` are served; `patience_seconds`: for heads and readers."""

    most: int
    patience_seconds: float
    served: WeakSet[LimitedProtocol] = field(default_factory=WeakSet)
    parting: WeakSet[LimitedProtocol] = field(default_factory=WeakSet)
    is_watched: bool = False

    def protocol(self) -> Callable[..., LimitedProtocol]:
        """Return what makes a connection's protocol, as uvicorn's setting `http` takes it."""
        return partial(LimitedProtocol, self)

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have the connections looked at, for as long as there are any."""
        if not self.is_watched:
            self.is_watched = True
            loop.call_later(self.patience_seconds / ROUNDS, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        for connection in [*self.served, *self.parting]:
            connection.look()
        self.is_watched = False
        if self.served or self.parting:
            self.watch(loop)


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits of its own."""

    def __init__(self, door: Door, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._door = door
        self._head_began: float | None = None  # when the head that is not whole yet began
        self._head_bytes = 0
        self._is_asking = False  # whether something of it has come
        self._is_turned_away = False  # it came when there were too many, and has not been told so yet
        self._is_parting = False
        self._parting_began = 0.0
        self._unread = 0  # bytes that the client had not taken at the last round in which it took enough
        self._unread_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or say that there are too many."""
        if len(self._door.served) >= self._door.most:
            self._turn_away(transport)
            return
        self._door.served.add(self)
        self._head_began = self.loop.time()
        super().connection_made(transport)
        self._door.watch(self.loop)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._door.served.discard(self)
        self._door.parting.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what comes, unless the client was refused; a head that grows too long is refused."""
        if self._is_turned_away:
            self._refuse(FULL)
        if self._is_parting:
            return
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_began is not None and self._head_bytes > LONGEST_HEAD_BYTES and not self._is_parting:
            self._refuse(LONG_HEADERS if self.headers else LONG_ADDRESS)

    def eof_received(self) -> None:
        """The client has nothing more to say; one that was refused has heard why."""
        if self._is_parting:
            self.transport.close()

    def on_message_begin(self) -> None:
        """A head begins, perhaps behind a request that is still being answered."""
        super().on_message_begin()
        self._head_began, self._is_asking = self.loop.time(), True

    def on_headers_complete(self) -> None:
        """The head is whole: from here on the gate decides."""
        self._head_began, self._head_bytes, self._is_asking = None, 0, False
        super().on_headers_complete()

    def resume_writing(self) -> None:
        """The client has taken most of what lay there."""
        super().resume_writing()
        self._unread = 0

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, as a problem."""
        del msg
        self._refuse(NOT_HTTP)

    def look(self) -> None:
        """Part with a client who neither asks nor reads."""
        now = self.loop.time()
        if self._is_parting or self._is_turned_away:
            if now - self._parting_began > PARTING_SECONDS:
                self.transport.abort()
        elif self._head_began is not None and now - self._head_began > self._door.patience_seconds:
            self._give_up_waiting()
        elif not self._reads(now):
            self.transport.abort()

    def _give_up_waiting(self) -> None:
        """Say so to who has begun to ask; who has said nothing expects no answer."""
        if self._is_asking:
            self._refuse(SLOW)
        else:
            self._head_began = None
            self.transport.close()

    def _reads(self, now: float) -> bool:
        """Tell whether the client takes what is sent: all of it, or enough of it within the patience."""
        unread = self.transport.get_write_buffer_size()
        patience = self._door.patience_seconds
        enough = SLOWEST_BYTES_PER_SECOND * patience
        if not unread and not self.transport.is_closing():
            self._unread = 0
            return True
        if not self._unread or unread <= self._unread - enough:
            self._unread, self._unread_since = max(unread, 1), now
            return True
        return now - self._unread_since <= patience

    def _turn_away(self, transport: asyncio.Transport) -> None:
        """Refuse a connection as soon as it asks: an answer to nothing confuses clients."""
        self.transport = transport
        if len(self._door.parting) >= MOST_PARTING:
            transport.abort()
            return
        self._is_turned_away, self._parting_began = True, self.loop.time()
        self._door.parting.add(self)
        self._door.watch(self.loop)

    def _refuse(self, refusal: Refusal) -> None:
        """Answer, and read on until the client has closed: cut off while it sends it would not see the answer."""
        self._is_parting, self._is_turned_away = True, False
        self._parting_began = self.loop.time()
        self._head_began = None
        self._unset_keepalive_if_required()
        self.pipeline.clear()
        if self.cycle is not None:
            self.cycle.disconnected = True  # what it would still write comes after the end
        self._door.served.discard(self)
        self._door.parting.add(self)
        self.transport.write(_as_http(refusal))
        if self.transport.can_write_eof():
            self.transport.write_eof()


def _as_http(refusal: Refusal) -> bytes:
    headers = [(name.encode(), value.encode()) for name, value in refusal.all_headers()]
    lines = [name + b": " + value for name, value in (*headers, *SECURITY_HEADERS)]
    status = f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}".encode()
    return b"\r\n".join([status, *lines, b"", refusal.body])
