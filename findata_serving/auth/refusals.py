"""How a request is refused before any route sees it: problems (RFC 9457) with the headers that each status
asks for.

What belongs here: the words and headers of each refusal. What does not: when one is due (gate, connections).

Whatever is wrong with a token or a key, the answer is the same to the byte: why is in the log (audit).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus

REALM = 'Bearer realm="findata"'
PROBLEM = "application/problem+json"

Headers = tuple[tuple[str, str], ...]

PARTING: Headers = (("connection", "close"),)


@dataclass(frozen=True)
class Refusal:
    """A problem, and the headers that go with it. `kind`: what its type ends with, as in findata_serving.problems."""

    status: int
    kind: str
    detail: str
    next_step: str
    headers: Headers = ()

    @property
    def body(self) -> bytes:
        """The problem as JSON."""
        told = {
            "type": f"urn:findata:problem:{self.kind}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "next_step": self.next_step,
        }
        return json.dumps(told, separators=(",", ":")).encode()

    def all_headers(self) -> Headers:
        """The headers of the answer; nobody keeps a refusal."""
        return (
            ("content-type", PROBLEM),
            ("content-length", str(len(self.body))),
            ("cache-control", "no-store"),
            *self.headers,
        )


def retried(seconds: float) -> Headers:
    """Return Retry-After, in whole seconds and never none."""
    return (("retry-after", str(max(1, round(seconds)))),)


NOBODY = Refusal(
    401,
    "not-authenticated",
    "This needs a token or a key",
    "send the header Authorization: Bearer with a token of the provider or an API key (findata keys create)",
    (("www-authenticate", REALM),),
)
BAD_CREDENTIALS = Refusal(
    401,
    "not-authenticated",
    "The token or key was refused",
    "get a new one; the server's operator finds the reason in its audit log",
    (("www-authenticate", f'{REALM}, error="invalid_token"'),),
)
NOT_A_GET = Refusal(
    405, "no-such-method", "Only GET is answered", "ask with GET", (("allow", "GET"), *PARTING)
)
BODY = Refusal(
    400,
    "too-large",
    "A request with a body is not answered",
    "send no body with GET",
    PARTING,
)
LONG_ADDRESS = Refusal(414, "too-long", "The address is too long", "ask for less at once", PARTING)
LONG_HEADERS = Refusal(431, "too-long", "The headers are too long", "send fewer or shorter ones", PARTING)
NOT_HTTP = Refusal(400, "no-http", "This is no HTTP request", "send HTTP/1.1", PARTING)
SLOW = Refusal(
    408,
    "too-slow",
    "The request took too long to arrive",
    "send it again at once",
    PARTING,
)
FULL = Refusal(
    503,
    "full",
    "The server has as many connections as it takes",
    "ask again in a moment, on one connection for many requests",
    (*retried(2), *PARTING),
)
OTHER_HOST = Refusal(
    421,
    "other-host",
    "Without authentication only the names of this machine's loopback are answered",
    "ask http://127.0.0.1 or http://localhost, or turn on FINDATA_SERVING_AUTH=required",
)

FORWARDED = Refusal(
    421,
    "other-host",
    "A proxy has forwarded this; without authentication only this machine is answered",
    "ask without the proxy, or turn on FINDATA_SERVING_AUTH=required",
)


def lacking(scope: str) -> Refusal:
    """Return the refusal of a caller whose token or key is good and does not reach so far."""
    challenge = f'{REALM}, error="insufficient_scope", scope="{scope}"'
    return Refusal(
        403,
        "no-scope",
        f"This needs the scope {scope}",
        f"ask for a token or key with the scope {scope}",
        (("www-authenticate", challenge),),
    )


def too_many(wait_seconds: int, headers: Headers) -> Refusal:
    """Return the refusal of a caller who has asked too much."""
    return Refusal(
        429,
        "too-many",
        "These are more requests than one caller may make",
        f"ask again in {wait_seconds} s; fewer and larger requests go further",
        (*retried(wait_seconds), *headers),
    )


def unable(what: str, retry_seconds: float) -> Refusal:
    """Return the refusal of a server that can't tell who asks, and so answers nobody."""
    return Refusal(
        503,
        "store-away",
        f"{what} can't be asked who is asking",
        "ask again in a moment",
        retried(retry_seconds),
    )
