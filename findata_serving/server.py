"""The server as a process: its socket, its limits, its logs, its end.

What belongs here: starting and ending. What does not: what is answered (app), limits of requests (auth), of
connections (listening).
"""

from __future__ import annotations

import errno
import logging
import resource
import socket
import sys

import uvicorn
from fastapi import FastAPI

from findata_core.errors import PortTaken, StackError
from findata_resources import tracing
from findata_resources.environment import Settings
from findata_serving.listening import MOST_PARTING, Door

KEEP_ALIVE_SECONDS = 30
PARTING_SECONDS = 5  # for answers that are under way when the server ends
FILES_BESIDE_CONNECTIONS = 256  # of the process itself: libraries, the database, S3, logs
BACKLOG = 2048


class Server(uvicorn.Server):
    """uvicorn's server, whose streams end when it does: it would wait for them, and they for nothing."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then all else in good order."""
        feed = getattr(self.config.app.state, "feed", None) if isinstance(self.config.app, FastAPI) else None
        if feed is not None:
            feed.end()
        await super().shutdown(sockets)


def listen(settings: Settings) -> socket.socket:
    """Take the port, before anything is opened; PortTaken or StackError say what to do where that can't be."""
    address, port = settings.serving_address, settings.serving_port
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((address, port))
        taken.listen(BACKLOG)
    except OSError as error:
        taken.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"port {port} of the serving server is taken by another program",
                "end that program or choose another port with FINDATA_SERVING_PORT",
            ) from error
        raise StackError(
            f"can't listen on {address}:{port}: {error.strerror}",
            "correct FINDATA_SERVING_ADDRESS and FINDATA_SERVING_PORT",
        ) from error
    return taken


def server_of(app: FastAPI, settings: Settings, door: Door | None = None) -> uvicorn.Server:
    """Return uvicorn with our limits around an app. It says nothing of itself: requests are told by the audit log."""
    door = door or door_of(settings)
    return Server(
        uvicorn.Config(
            app,
            http=door.protocol(),  # type: ignore[arg-type]  # a factory does what a class does
            loop="uvloop",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(settings.serving_proxies),
            forwarded_allow_ips=settings.serving_proxies or None,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=PARTING_SECONDS,
            backlog=BACKLOG,
        )
    )


def door_of(settings: Settings) -> Door:
    """Return the limits of connections."""
    return Door(settings.serving_connections, settings.serving_patience_seconds)


def serve(app: FastAPI, settings: Settings, taken: socket.socket) -> None:
    """Answer on a socket until SIGINT or SIGTERM, then end in good order."""
    tracing.begin(settings)
    # It warns of every request that is no HTTP, which anybody may send as often as they like.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    _log_plainly(settings)
    allow_files(settings.serving_connections)
    server_of(app, settings).run(sockets=[taken])


def allow_files(connections: int) -> None:
    """Raise the process's own limit of open files to what its connections need, as far as the machine allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Those who are turned away need one too, for a moment.
    wanted = connections + MOST_PARTING + FILES_BESIDE_CONNECTIONS
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _log_plainly(settings: Settings) -> None:
    """Without JSON lines, warnings and what ends the server go to standard error with their time."""
    if settings.log_format == "text":
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        handler.setLevel(logging.WARNING)
        logging.getLogger().addHandler(handler)
