"""Answers that are kept, and when they may be given again.

What belongs here: the store of answers, ETags, encodings. What does not: what an answer holds, when a route gives a
kept one (routes).

An answer is kept if all its rows are settled, the second time it is asked for: the digests of what it is made of are
read before the rows then, and the first time costs nothing more. It holds until a digest of what it was made from
changes: each write changes `ops.digests` in its own transaction, and a new session adds a line there. The digests are
asked for once in RECHECK_SECONDS and answer, so that nobody is given what was true longer ago than that. What was known
at an instant in the past does not change, and is kept without asking.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from zlib import compressobj

import xxhash
import zstandard
from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from findata_serving.sources import Sources

RECHECK_SECONDS = 1.0
MOST_BYTES = 64 * 1024 * 1024
MOST_ANSWER_BYTES = 4 * 1024 * 1024
MOST_REMEMBERED = 4_096
LEAST_ENCODED_BYTES = 1_000

LIVE = "private, no-cache"
SETTLED = "private, max-age=3600, immutable"
FOREVER = "private, max-age=31536000, immutable"
VARY = b"Accept, Accept-Encoding, Authorization"


@dataclass(frozen=True)
class Depends:
    """What an answer was made from: scopes of a table of one subject from a first to a last day, both inclusive."""

    table: str
    subject: str
    first: date
    last: date

    async def fingerprint(self, sources: Sources) -> str:
        """Return what changes when any of it does."""
        query = (
            "SELECT coalesce(md5(string_agg(sha256, ',' ORDER BY scope_date, slice)), '') FROM ops.digests "
            "WHERE table_name = $1 AND subject = $2 AND scope_date BETWEEN $3 AND $4"
        )
        rows = await sources.rows(query, self.table, self.subject, self.first, self.last, books=True)
        return str(rows[0][0])


@dataclass
class Answer:
    """A body, how it is headed, and its encodings as they are asked for."""

    body: bytes
    media_type: str
    cache_control: str
    headers: Mapping[str, str] = field(default_factory=dict)
    depends: Depends | None = None
    fingerprint: str = ""
    checked: float = 0.0
    _made: dict[str, tuple[bytes, list[tuple[bytes, bytes]]]] = field(default_factory=dict)

    def encoded(self, encoding: str) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        """Return the body in an encoding, and its headers."""
        if encoding not in self._made:
            body = _ENCODERS[encoding](self.body) if encoding else self.body
            self._made[encoding] = (body, self._headed(body, encoding))
        return self._made[encoding]

    def size_bytes(self) -> int:
        """Return about how much memory it takes, encodings included."""
        return 2 * len(self.body) + 2_000

    def _headed(self, body: bytes, encoding: str) -> list[tuple[bytes, bytes]]:
        digest = xxhash.xxh3_128_hexdigest(self.body)
        etag = f'"{digest}-{encoding}"' if encoding else f'"{digest}"'
        headers = [
            (b"content-type", self.media_type.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"etag", etag.encode()),
            (b"cache-control", self.cache_control.encode()),
            (b"vary", VARY),
            *((name.lower().encode(), value.encode()) for name, value in self.headers.items()),
        ]
        return [*headers, (b"content-encoding", encoding.encode())] if encoding else headers


class Kept:
    """The answers that are kept; the one used longest ago goes first."""

    def __init__(self, most_bytes: int = MOST_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._answers: OrderedDict[tuple[str, bytes, str], Answer] = OrderedDict()
        self._asked_before: OrderedDict[tuple[str, bytes, str], Depends] = OrderedDict()
        self._most_bytes = most_bytes
        self._bytes = 0
        self.clock = clock
        self.hits = 0

    def __len__(self) -> int:
        return len(self._answers)

    async def get(self, key: tuple[str, bytes, str], sources: Sources) -> Answer | None:
        """Return the answer that is kept under a key if it still holds."""
        answer = self._answers.get(key)
        if answer is None:
            return None
        if answer.depends and self.clock() - answer.checked >= RECHECK_SECONDS:
            if await answer.depends.fingerprint(sources) != answer.fingerprint:
                self._drop(key)
                return None
            answer.checked = self.clock()
        if key in self._answers:
            self._answers.move_to_end(key)
        self.hits += 1
        return answer

    async def before(self, key: tuple[str, bytes, str], sources: Sources) -> tuple[Depends, str] | None:
        """Return what the answer was made from when it was asked for before, and how that stands now."""
        depends = self._asked_before.get(key)
        return None if depends is None else (depends, await depends.fingerprint(sources))

    def offer(self, key: tuple[str, bytes, str], answer: Answer, before: tuple[Depends, str] | None) -> None:
        """Keep an answer made after `before` was read, or remember what it depends on for the next time."""
        if answer.depends is None:
            self._put(key, answer)
        elif before is not None and before[0] == answer.depends:
            answer.fingerprint = before[1]
            self._put(key, answer)
        else:
            self._asked_before[key] = answer.depends
            while len(self._asked_before) > MOST_REMEMBERED:
                self._asked_before.popitem(last=False)

    def _put(self, key: tuple[str, bytes, str], answer: Answer) -> None:
        if answer.size_bytes() > MOST_ANSWER_BYTES:
            return
        self._drop(key)
        answer.checked = self.clock()
        self._answers[key] = answer
        self._bytes += answer.size_bytes()
        while self._bytes > self._most_bytes:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: tuple[str, bytes, str]) -> None:
        dropped = self._answers.pop(key, None)
        if dropped is not None:
            self._bytes -= dropped.size_bytes()


class Given(Response):
    """An answer on its way out: two messages, and nothing else."""

    def __init__(
        self, answer: Answer, request: Request
    ) -> None:  # what Response makes of a body is made already
        body, headers = answer.encoded(_encoding(request, len(answer.body)))
        seen = request.headers.get("if-none-match")
        etag = headers[2][1].decode()
        is_known = seen is not None and _matches(seen, etag)
        self.status_code = 304 if is_known else 200
        self.body = b"" if is_known else body
        self.raw_headers = (
            [pair for pair in headers if pair[0] not in _OF_BODY] if is_known else list(headers)
        )
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        del scope, receive
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})


_OF_BODY = {b"content-type", b"content-length", b"content-encoding"}


def _matches(seen: str, etag: str) -> bool:
    """Tell whether If-None-Match names an ETag; the comparison is the weak one (RFC 9110, 13.1.2)."""
    return seen.strip() == "*" or any(
        part.strip().removeprefix("W/") == etag for part in seen[:4000].split(",")
    )


def _encoding(request: Request, size_bytes: int) -> str:
    if size_bytes < LEAST_ENCODED_BYTES:
        return ""
    accepted = request.headers.get("accept-encoding")
    return _chosen_encoding(accepted[:500]) if accepted else ""


@cache
def _chosen_encoding(accepted: str) -> str:
    wanted = {}
    for part in accepted.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        wanted[name] = not any(
            item.replace(" ", "") in {"q=0", "q=0.0", "q=0.00", "q=0.000"} for item in parameters
        )
    return next((name for name in _ENCODERS if wanted.get(name)), "")


def _gzip(body: bytes) -> bytes:
    writer = compressobj(level=2, wbits=31)
    return writer.compress(body) + writer.flush()


def _zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1).compress(body)


_ENCODERS: Mapping[str, Callable[[bytes], bytes]] = {"zstd": _zstd, "gzip": _gzip}
