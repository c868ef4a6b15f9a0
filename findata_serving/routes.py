"""Routes that give a kept answer before FastAPI reads a parameter, and refuse parameters that they do not know.

What belongs here: the order of things in a request. What does not: what is kept and why it holds (caching).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from difflib import get_close_matches
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from findata_serving.arguments import PlainArguments
from findata_serving.caching import Given
from findata_serving.problems import Problem, bad_parameter, shown

LONGEST_QUERY_BYTES = 8_192


class KeepingRoute(APIRoute):
    """A route that refuses parameters it does not know, and gives a kept answer before FastAPI reads any.

    Its dependencies that guard it (findata_serving.auth) take the request alone; they are asked in both cases.
    """

    refuses_unknown = True

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        ordinary = super().get_route_handler()
        known = frozenset(field.alias for field in self.dependant.query_params)
        guards: list[Callable[[Request], Awaitable[object]]] = [
            one.dependency for one in self.dependencies if one.dependency is not None
        ]

        plain = PlainArguments(self.dependant)
        endpoint = self.endpoint

        async def handle(request: Request) -> Response:
            state = request.app.state
            key = key_of(request)
            if len(key[1]) > LONGEST_QUERY_BYTES:
                raise too_long()
            if kept := await state.kept.get(key, state.sources):
                for guard in guards:
                    await guard(request)
                return Given(kept, request)
            if self.refuses_unknown:
                _refuse_unknown(request, known)
            request.state.before = await state.kept.before(key, state.sources)
            arguments = plain.of(request) if plain.is_usable else None
            if arguments is None:
                return await ordinary(request)
            for guard in guards:
                await guard(request)
            answer: Response = await endpoint(**arguments)
            return answer

        return handle


class ForgivingRoute(KeepingRoute):
    """A route of a protocol that others have written: their clients send more than they must."""

    refuses_unknown = False


def key_of(request: Request) -> tuple[str, bytes, str]:
    """Return what an answer is kept under."""
    scope = request.scope
    return scope["path"], scope["query_string"], request.headers.get("accept", "")


def too_long() -> Problem:
    """Return the problem of an address that nobody reads."""
    return Problem(
        414,
        "too-long",
        f"The query has more than {LONGEST_QUERY_BYTES:,} bytes",
        "Ask for less in one request",
    )


def _refuse_unknown(request: Request, known: frozenset[str]) -> None:
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if name not in known:
            near = get_close_matches(name[:100], known, n=1, cutoff=0.5) or sorted(known)
            there = f"Use {', '.join(near)}" if near else "Ask without parameters"
            raise bad_parameter(name[:100], f"There is no parameter {shown(name)} here", there)
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise bad_parameter(repeated, f"{repeated} is given more than once", "Give it once")
