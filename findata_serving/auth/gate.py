"""What a request passes before any route: its form, its host, who asks, how much they ask. And what every
answer carries.

What belongs here: the order of the questions. What does not: the answers to them (credentials, limits,
refusals), scopes (requires, beside the routes), connections (listening): a request that never ends never
comes here.

Closed unless it is open: a path that is not in OPEN_PATHS needs a caller, whether or not its route asks for a
scope.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from findata_resources.environment import Clock
from findata_resources.loopback import host_of, is_loopback
from findata_serving.auth.audit import KEPT_PER_MINUTE, Asked, AuditFile, note_request, requests
from findata_serving.auth.credentials import Credentials, RawHeaders, Refused
from findata_serving.auth.limits import BURST_SECONDS, Allowance, Allowances
from findata_serving.auth.refusals import (
    BODY,
    FORWARDED,
    LONG_ADDRESS,
    LONG_HEADERS,
    NOT_A_GET,
    OTHER_HOST,
    Refusal,
    too_many,
)
from findata_serving.auth.scopes import Caller, anybody

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CALLER = "findata.caller"  # where in the scope a route finds who asks
LONGEST_ADDRESS_BYTES = 8192
LONGEST_HEADERS_BYTES = 16_384
_HEALTH = frozenset({"/live", "/ready"})  # asked by whoever restarts the server: never turned away
OPEN_PATHS = _HEALTH | {"/", "/favicon.ico"}
OPEN_FOLDERS = ("/static/",)
# What proxies add: one on this machine would make others look like it.
_FORWARDED = frozenset({b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"})
_METHODS = frozenset({"GET", "HEAD"})

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
)
SECURITY_HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)


@dataclass(frozen=True)
class Doors:
    """What decides. `credentials` None: nobody is asked, and only names of the loopback are answered."""

    credentials: Credentials | None
    allowances: Allowances
    audit: AuditFile
    clock: Clock


class Gate:
    """ASGI middleware around the whole app."""

    def __init__(self, app: App, doors: Doors) -> None:
        self._app = app
        self._doors = doors
        self._kept = Allowances(KEPT_PER_MINUTE, time.monotonic)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let the app answer it."""
        if scope["type"] == "http":
            await _Passing(self._app, self._doors, self._kept, scope).run(receive, send)
        elif scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})  # live data comes by server-sent events

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Close what was opened before the server hears that all is closed: it waits for nothing after that."""

        async def watched(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown"):
                if self._doors.credentials is not None:
                    await self._doors.credentials.close()
                self._doors.audit.close()
            await send(message)

        await self._app(scope, receive, watched)


class _Passing:
    """One request on its way through."""

    def __init__(self, app: App, doors: Doors, kept: Allowances, scope: Scope) -> None:
        self._app = app
        self._doors = doors
        self._kept = kept
        self._scope = scope
        self._address = (scope.get("client") or ("unknown",))[0]
        self._who = ""
        self._status = 0
        self._sent_bytes = 0
        self._limit: tuple[tuple[bytes, bytes], ...] = ()

    async def run(self, receive: Receive, send: Send) -> None:
        """Pass, or be refused; and be written down either way."""
        began = time.perf_counter()
        reason = ""

        async def watched(message: Message) -> None:
            await send(self._noted(message))

        try:
            self._scope[CALLER] = await self._admitted()
            await self._app(self._scope, receive, watched)
        except Refused as refused:
            reason = refused.reason
            await _answer(refused.refusal, watched)
        finally:
            self._write_down((time.perf_counter() - began) * 1000, reason)

    async def _admitted(self) -> Caller:
        """Return who asks, or raise Refused."""
        headers: RawHeaders = self._scope["headers"]
        _require_form(self._scope, headers)
        credentials = self._doors.credentials
        path = self._scope["path"]
        if credentials is None:
            _require_own_host(headers)
        elif path not in OPEN_PATHS and not path.startswith(OPEN_FOLDERS):
            return await self._known(credentials, headers)
        caller = (
            anybody(self._address) if credentials is None else Caller(self._address, "anybody", frozenset())
        )
        self._who = caller.who
        if path not in _HEALTH:
            self._take(caller.who)
        return caller

    async def _known(self, credentials: Credentials, headers: RawHeaders) -> Caller:
        self._who = f"address:{self._address}"
        try:
            caller = await credentials.caller(headers)
        except Refused:
            self._take(self._who)
            raise
        self._who = caller.who
        self._take(caller.who)
        return caller

    def _take(self, who: str) -> None:
        allowance = self._doors.allowances.take(who)
        if allowance is None:
            return
        self._limit = _limit_headers(self._doors.allowances, allowance)
        if not allowance.is_given:
            raise Refused(too_many(allowance.wait_seconds, ()), "it asked too much")

    def _noted(self, message: Message) -> Message:
        """Note what is sent, and give the head of an answer what every answer carries."""
        if message["type"] == "http.response.body":
            self._sent_bytes += len(message.get("body", b""))
        elif message["type"] == "http.response.start":
            self._status = message["status"]
            own = list(message.get("headers", ()))
            names = {name.lower() for name, _ in own}
            more = [pair for pair in SECURITY_HEADERS if pair[0] not in names]
            return {**message, "headers": [*own, *more, *self._limit]}
        return message

    def _write_down(self, milliseconds: float, reason: str) -> None:
        is_kept = self._is_kept(reason)
        if not is_kept and not requests.isEnabledFor(logging.INFO):
            return
        asked = Asked(
            time=self._doors.clock.now(),
            who=self._who or f"address:{self._address}",
            address=self._address,
            method=self._scope["method"],
            path=self._scope.get("raw_path", b"").decode("ascii", "replace"),
            status=self._status,
            milliseconds=milliseconds,
            sent_bytes=self._sent_bytes,
            reason=reason,
        )
        note_request(asked, self._doors.audit, is_kept=is_kept)

    def _is_kept(self, reason: str) -> bool:
        """Tell whether an operator must find the request later: it showed something that was refused."""
        if self._status != 403 and not (self._status == 401 and reason):
            return False
        allowance = self._kept.take(self._address)
        return allowance is None or allowance.is_given


def _require_form(scope: Scope, headers: RawHeaders) -> None:
    """Refuse what no client of ours sends, before anything is looked up."""
    if scope["method"] not in _METHODS:
        raise Refused(NOT_A_GET, "")
    if len(scope.get("raw_path", b"")) + len(scope["query_string"]) > LONGEST_ADDRESS_BYTES:
        raise Refused(LONG_ADDRESS, "")
    length = 0
    for name, value in headers:
        length += len(name) + len(value)
        if name == b"transfer-encoding" or (name == b"content-length" and value.strip(b" 0")):
            raise Refused(BODY, "")
    if length > LONGEST_HEADERS_BYTES:
        raise Refused(LONG_HEADERS, "")


def _require_own_host(headers: RawHeaders) -> None:
    """Refuse names of others: a page whose own name is made to resolve to 127.0.0.1 would read all."""
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) != 1 or not is_loopback(host_of(hosts[0].decode("latin-1"))):
        raise Refused(OTHER_HOST, "the host is not a name of the loopback")
    if any(name in _FORWARDED for name, _ in headers):
        raise Refused(FORWARDED, "a proxy has forwarded it")


def _limit_headers(allowances: Allowances, allowance: Allowance) -> tuple[tuple[bytes, bytes], ...]:
    """Return the fields of draft-ietf-httpapi-ratelimit-headers."""
    policy = f'"caller";q={allowances.burst};w={BURST_SECONDS}'
    left = f'"caller";r={allowance.left};t={allowance.wait_seconds}'
    return ((b"ratelimit-policy", policy.encode()), (b"ratelimit", left.encode()))


async def _answer(refusal: Refusal, send: Send) -> None:
    headers: Sequence[tuple[bytes, bytes]] = [
        (name.encode("ascii"), value.encode("ascii")) for name, value in refusal.all_headers()
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.body})
