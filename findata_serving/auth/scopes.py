"""What a caller may read: three scopes, and who a caller is.

What belongs here: names of scopes, and which of them a token's claims grant. What does not: whether a token
is good (tokens), which route needs which scope (the routers, by `requires`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

SCOPES = {
    "admin": "what operators see: metrics",
    "read:market": "instruments, candles, pivots, signals, sessions, and where each came from",
    "read:rates": "rates, averages, economic series and their vintages",
}


@dataclass(frozen=True)
class Caller:
    """Who asks. `name` is a token's subject, a key's id, or the client's address where nobody is asked who they are."""

    name: str
    kind: Literal["anybody", "key", "token"]
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Tell whether a scope is among the caller's."""
        return scope in self.scopes

    @property
    def who(self) -> str:
        """The caller as logs and limits name it: a subject and a key of one name are two callers."""
        return f"{self.kind}:{self.name}"


def anybody(address: str) -> Caller:
    """Return the caller of a server that asks nobody who they are: everything is open."""
    return Caller(address, "anybody", frozenset(SCOPES))


def scopes_of(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the scopes that claims grant, of those that findata knows.

    `scope` is a text with spaces between (RFC 9068, 2.2.3), `scp` what some providers say instead: a text or
    a list.
    """
    return frozenset(word for name in ("scope", "scp") for word in _words(claims.get(name)) if word in SCOPES)


def _words(value: object) -> list[str]:
    if isinstance(value, str):
        return value.split()
    if isinstance(value, list):
        return [word for word in value if isinstance(word, str)]
    return []
