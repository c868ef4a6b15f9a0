"""The app over a platform's stores, as tests of readers ask it: in this process, or on a port of its own.

What belongs here: starting and stopping. What does not: loading data (tests/conftest.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from findata_assets.steps.platform import Platform
from findata_resources.environment import Settings
from findata_serving.app import create_app
from findata_serving.server import KEEP_ALIVE_SECONDS, Server

START_SECONDS = 60
OPEN_TO_ALL = {"serving_auth": "off", "serving_requests_per_minute": 0}


def settings_of(platform: Platform, **changes: Any) -> Settings:
    """Return the platform's settings; nobody is asked who they are, unless `changes` say so."""
    asked = {**OPEN_TO_ALL, **changes}
    known = {name: value for name, value in asked.items() if name in Settings.model_fields}
    return platform.settings.model_copy(update=known)


@contextmanager
def served(platform: Platform, app: FastAPI | None = None, **changes: Any) -> Iterator[httpx.Client]:
    """Yield a client of the app, which listens on a free port of the loopback."""
    with (
        listening(app or create_app(settings_of(platform, **changes))) as address,
        httpx.Client(base_url=address, timeout=30) as client,
    ):
        yield client


@contextmanager
def listening(app: Callable[..., Any]) -> Iterator[str]:
    """Yield the address of an app that runs in a thread."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        ws="none",
        log_config=None,
        lifespan="on",
        # Longer than clients keep an idle connection: by default both let it go at the same moment.
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    server = Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{_port(server, thread)}"
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)


def _port(server: uvicorn.Server, thread: threading.Thread) -> int:
    """Return the port once it listens."""
    for _ in range(START_SECONDS * 100):
        if server.started:
            return int(server.servers[0].sockets[0].getsockname()[1])
        thread.join(0.01)
        assert thread.is_alive(), "the server ended before it listened"
    raise AssertionError(f"the server does not listen after {START_SECONDS} seconds")
