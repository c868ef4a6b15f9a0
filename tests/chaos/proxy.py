"""A TCP proxy on loopback that breaks connections: reset, cut off, stalled, after so many bytes.

What belongs here: bytes and sockets. What does not: who is behind it, what is expected of whom.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

RESET, CUT, STALL = "reset", "cut off", "stalled"
STALL_SECONDS = 0.3


@dataclass(frozen=True)
class Fault:
    """What happens to a connection when so many bytes have gone through it, both ways together."""

    kind: str
    after_bytes: int


class Proxy:
    """Listens on a free port; asks `next_fault` once for each connection that is made (None: it is left alone)."""

    def __init__(self, host: str, port: int, next_fault: Callable[[], Fault | None]) -> None:
        self._target = (host, port)
        self._next_fault = next_fault
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            _Connection(client, server, self._next_fault()).start()


class _Connection:
    """Two pumps that count together."""

    def __init__(self, client: socket.socket, server: socket.socket, fault: Fault | None) -> None:
        self._sockets = (client, server)
        self._fault = fault
        self._left = fault.after_bytes if fault else 0
        self._lock = threading.Lock()
        self._running = 2

    def start(self) -> None:
        client, server = self._sockets
        for source, target in ((client, server), (server, client)):
            threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(16_384):
                target.sendall(self._let_through(data))
            target.shutdown(socket.SHUT_WR)
        except OSError:
            self._end()
        with self._lock:
            self._running -= 1
            is_last = self._running == 0
        if is_last:
            for each in self._sockets:
                each.close()

    def _let_through(self, data: bytes) -> bytes:
        """Return what goes on; OSError where the connection ends."""
        with self._lock:
            if self._fault is None:
                return data
            self._left -= len(data)
            if self._left > 0:
                return data
            fault, self._fault = self._fault, None
        if fault.kind == STALL:
            time.sleep(STALL_SECONDS)
            return data
        if fault.kind == RESET:
            for each in self._sockets:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionResetError

    def _end(self) -> None:
        """Wake both pumps; the last one closes."""
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
