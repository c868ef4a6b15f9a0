"""A small app behind the gate: a route for each scope, one that asks for none, and a count of what reached them.

What belongs here: an app whose routes need no stores. What does not: the real app's routes (test_routes).
"""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI, Request
from starlette.responses import PlainTextResponse, Response

from findata_resources.environment import Settings, load_settings
from findata_serving import auth, problems
from findata_serving.listening import Door
from findata_serving.server import door_of, server_of

END_SECONDS = 30
LARGE_BYTES = 30_000_000  # more than the buffers of both ends hold
ROUTES = {"/v1/market": "read:market", "/v1/rates": "read:rates", "/metrics": "admin"}


def guarded_app(settings: Settings, reached: Counter[str]) -> FastAPI:
    """Return the app; `reached` counts the paths whose routes were run."""
    app = FastAPI(openapi_url="/openapi.json")
    problems.install(app)

    async def answer(request: Request) -> Response:
        reached[request.url.path] += 1
        caller = auth.caller_of(request)
        return PlainTextResponse(caller.who if caller else "")

    async def large() -> Response:
        return Response(bytes(LARGE_BYTES))

    for path, scope in ROUTES.items():
        router = APIRouter(dependencies=[auth.requires(scope)])  # type: ignore[arg-type]
        router.add_api_route(path, answer)
        app.include_router(router)
    app.add_api_route("/v1/large", large)
    for path in ("/", "/live", "/static/page.js", "/v1/forgotten"):
        app.add_api_route(path, answer)
    auth.install(app, settings)
    return app


class Guarded:
    """The app as a client meets it."""

    def __init__(self, client: httpx.Client, reached: Counter[str], door: Door) -> None:
        self.client = client
        self.reached = reached
        self.door = door

    @property
    def port(self) -> int:
        """Where it listens on the loopback."""
        return int(self.client.base_url.port or 0)

    def ask(self, path: str, token: str | None = None, **headers: str) -> Any:
        """Ask for a path, with a token or none."""
        shown = {} if token is None else {"authorization": f"Bearer {token}"}
        return self.client.get(path, headers={**shown, **headers})


@contextmanager
def guarded(home: Path, **settings: Any) -> Iterator[Guarded]:
    """Yield the app behind the gate, with settings, on a port of its own and with the limits of the real server."""
    reached: Counter[str] = Counter()
    made = load_settings(**{"home": home, "_env_file": None, **settings})
    door = door_of(made)
    with (
        serving(guarded_app(made, reached), made, door) as address,
        httpx.Client(base_url=address, timeout=30, trust_env=False) as client,
    ):
        yield Guarded(client, reached, door)


@contextmanager
def serving(app: FastAPI, settings: Settings, door: Door | None = None) -> Iterator[str]:
    """Yield the address of an app that findata's own server runs in a thread."""
    taken = socket.create_server(("127.0.0.1", 0), backlog=2048)
    server = server_of(app, settings, door)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"  # the kernel lets connections wait until it accepts
    finally:
        server.should_exit = True
        thread.join(END_SECONDS)
        assert not thread.is_alive()


def reasons(home: Path) -> str:
    """Return what the audit file says; "" where there is none."""
    file = home / "logs" / "audit.jsonl"
    return file.read_text() if file.exists() else ""
