"""A mail server and a webhook on loopback, with their manners: slow, refusing, failing, busy.

What belongs here: what a sink talks to. What does not: what it is told. A pause ends with the server: one that is longer
than anybody waits costs nothing.
"""

from __future__ import annotations

import json
import socketserver
import threading
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass
class MailServer:
    """Takes mail without encryption. `answer`: to the mail's end; `pause_seconds`: before its greeting."""

    answer: bytes = b"250 taken"
    pause_seconds: float = 0
    offers: tuple[bytes, ...] = ()
    mails: list[Message] = field(default_factory=list)
    words: list[bytes] = field(default_factory=list)
    _is_over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        outer = self

        class Talk(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                if not outer._is_over.wait(outer.pause_seconds):
                    outer.talk(self)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.port = self._server.server_address[1]
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._is_over.set()
        self._server.shutdown()
        self._server.server_close()

    def talk(self, wire: socketserver.StreamRequestHandler) -> None:
        """Speak as much SMTP as a client needs."""

        def say(line: bytes) -> None:
            wire.wfile.write(line + b"\r\n")

        say(b"220 loopback")
        while word := wire.rfile.readline():
            self.words.append(word.strip())
            verb = word[:4].upper()
            if verb == b"EHLO":
                for offer in (b"loopback", *self.offers[:-1]):
                    say(b"250-" + offer)
                say(b"250 " + (self.offers[-1] if self.offers else b"8BITMIME"))
            elif verb == b"DATA":
                say(b"354 go on")
                self._take(wire)
                say(self.answer)
            elif verb == b"QUIT":
                say(b"221 bye")
                return
            else:
                say(b"250 fine")

    def _take(self, wire: socketserver.StreamRequestHandler) -> None:
        lines = []
        while (line := wire.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        if self.answer.startswith(b"2"):
            self.mails.append(message_from_bytes(b"".join(lines)))


@dataclass
class Webhook:
    """Takes JSON. `status`, `headers`, `body`: of its answer; `pause_seconds`: before it."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    pause_seconds: float = 0
    posted: list[dict[str, Any]] = field(default_factory=list)
    _is_over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        outer = self

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                said = self.rfile.read(int(self.headers["Content-Length"]))
                if outer._is_over.wait(outer.pause_seconds):
                    return
                if outer.status < 300:
                    outer.posted.append(json.loads(said))
                try:
                    self.send_response(outer.status)
                    for name, value in outer.headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(outer.body)
                except OSError:
                    pass  # the client did not wait

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook/s3cr3tpath"
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._is_over.set()
        self._server.shutdown()
        self._server.server_close()
