"""Errors of the client, named by what the caller does next; each carries what the server says to do.

ClientError
├── BadQuestion   correct the question: a parameter can't be used
├── NotKnown      show an API key, or another one (401)
├── NotAllowed    ask for the scope that is missing (403)
├── NotFound      ask for something else; `near` are names that are like it
├── TooMany       ask less often (429)
├── ServerAway    the server or its database does not answer; the client has tried again already
└── Unexpected    the server failed: its log knows more

What belongs here: problems (RFC 9457) as exceptions. What does not: when to try again (asking).
"""

from __future__ import annotations

import json
from typing import Any

NEXT_STEPS = {
    401: "Give api_key, or set FINDATA_API_KEY; findata keys create makes one",
    403: "Ask whoever made the key for the scope that is missing",
    429: "Ask less often",
    503: "Ask again in some seconds",
}


class ClientError(Exception):
    """A question was not answered. `status`: of HTTP, None where nobody answered; `kind`: of the problem.

    `members`: further members of the problem.
    """

    def __init__(
        self,
        message: str,
        next_step: str,
        status: int | None = None,
        kind: str = "",
        members: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message, next_step)
        self.message = message
        self.next_step = next_step
        self.status = status
        self.kind = kind
        self.members = members or {}

    def __str__(self) -> str:
        return f"{self.message}. Next: {self.next_step}"


class BadQuestion(ClientError):
    """A parameter can't be used as it is."""


class NotKnown(ClientError):
    """The server does not know who asks."""


class NotAllowed(ClientError):
    """Who asks may not read this."""


class NotFound(ClientError):
    """There is nothing of this name."""

    @property
    def near(self) -> list[str]:
        """Names that are like the one that was asked for."""
        found = self.members.get("near", [])
        return [str(name) for name in found] if isinstance(found, list) else []


class TooMany(ClientError):
    """More was asked than is allowed."""


class ServerAway(ClientError):
    """Nobody answers, or the server says that it can't now."""


class Unexpected(ClientError):
    """The server failed in a way that it does not explain."""


_OF_STATUS: dict[int, type[ClientError]] = {
    401: NotKnown,
    403: NotAllowed,
    404: NotFound,
    429: TooMany,
    502: ServerAway,
    503: ServerAway,
    504: ServerAway,
}


def error_of(status: int, body: bytes) -> ClientError:
    """Return the error that an answer is, as its problem tells it."""
    problem = _problem(body)
    kind = str(problem.pop("type", "")).rpartition(":")[2]
    message = str(problem.pop("detail", "") or f"The server answered {status}")
    next_step = str(
        problem.pop("next_step", "") or NEXT_STEPS.get(status, "Look at the question, then ask again")
    )
    otherwise = BadQuestion if 400 <= status < 500 else Unexpected
    return _OF_STATUS.get(status, otherwise)(message, next_step, status, kind, problem)


def away(address: str, reason: str) -> ServerAway:
    """Return the error of a server that nobody answers for."""
    return ServerAway(
        f"Nothing answers at {address}: {reason}",
        "See that findata serve runs there, or name another address in base_url or FINDATA_URL",
    )


def _problem(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
