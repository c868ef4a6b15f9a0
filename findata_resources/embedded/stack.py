"""Start, stop and show the embedded servers: the only place that decides which ones run.

What belongs here: the order of things, the lock around them, and what the settings make unnecessary.
What does not: what a server is made of (`timescale`, `objects`, `orchestrator`), how one starts (`server`).

A database or an S3 that the settings name is used as it is and nothing is started for it. Every command
repairs what an interrupted one left behind; two commands at once wait for each other.
"""

from __future__ import annotations

import errno
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from findata_core.errors import StackError
from findata_resources.embedded.exporter import EXPORTER, ExporterServer
from findata_resources.embedded.objects import ObjectServer
from findata_resources.embedded.orchestrator import (
    DAEMON,
    WEB_SERVER,
    dagster_environment,
    dagster_servers,
    prepare_dagster_home,
)
from findata_resources.embedded.server import EmbeddedServer, ensure_running, log_of, stop
from findata_resources.embedded.serving import SERVING, ServingServer, page_address
from findata_resources.embedded.state import Progress, locked, make_home, read_secrets, read_state
from findata_resources.embedded.timescale import TimescaleServer
from findata_resources.environment import Endpoints, Settings, resolve_endpoints

# In the order of stopping: who depends on another one goes first.
_STOP_SIGNALS = {
    SERVING: ServingServer.stop_signal,
    EXPORTER: ExporterServer.stop_signal,
    DAEMON: signal.SIGTERM,
    WEB_SERVER: signal.SIGTERM,
    ObjectServer.name: ObjectServer.stop_signal,
    TimescaleServer.name: TimescaleServer.stop_signal,
}
_DISK_ERRORS = {
    errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST
}  # fmt: skip


@dataclass(frozen=True)
class ServerStatus:
    """How a server of the stack is doing. `port` and `process_id` are None when it is not running."""

    name: str
    is_running: bool
    process_id: int | None
    port: int | None
    log: Path


def silent(_message: str) -> None:
    """A progress callback that says nothing."""


def up(settings: Settings, progress: Progress = silent) -> Endpoints:
    """Start the servers that the settings don't name and that don't run yet; safe to call at any time."""
    servers_needed = settings.database_url is None or settings.s3_endpoint is None
    if servers_needed:
        with _disk_errors(settings), _prepared_home(settings, progress):
            _run_all(settings, embedded_servers(settings), progress)
    return resolve_endpoints(settings)


def down(settings: Settings, progress: Progress = silent) -> None:
    """Stop every server of this home, Dagster's too, and wait for their exit. The data stays."""
    _stop_all(settings, list(_STOP_SIGNALS), progress)


def status(settings: Settings) -> list[ServerStatus]:
    """What runs now."""
    return [_status(settings, name) for name in reversed(_STOP_SIGNALS)]


def dagster_up(settings: Settings, endpoints: Endpoints, progress: Progress = silent) -> None:
    """Start Dagster's web server and daemon, unless they run, and wait until the UI answers."""
    with _disk_errors(settings), _prepared_home(settings, progress):
        prepare_dagster_home(settings)
        _run_all(settings, dagster_servers(settings, endpoints), progress)


def metrics_up(settings: Settings, endpoints: Endpoints, progress: Progress = silent) -> None:
    """Start the exporter of metrics, unless it runs, and wait until it answers."""
    exporter = ExporterServer(settings.metrics_port, dagster_environment(settings, endpoints))
    with _disk_errors(settings), _prepared_home(settings, progress):
        _run_all(settings, [exporter], progress)


def serving_up(settings: Settings, endpoints: Endpoints, progress: Progress = silent) -> None:
    """Start the server of the API, unless it runs, and wait until it answers."""
    variables = dagster_environment(settings, endpoints)
    server = ServingServer(settings.serving_port, page_address(settings), variables)
    with _disk_errors(settings), _prepared_home(settings, progress):
        _run_all(settings, [server], progress)


def dagster_down(settings: Settings, progress: Progress = silent) -> None:
    """Stop Dagster's processes, with the runs that they started, and leave the servers up."""
    _stop_all(settings, [DAEMON, WEB_SERVER], progress)


def embedded_servers(settings: Settings) -> list[EmbeddedServer]:
    """The servers that the settings don't name."""
    servers: list[EmbeddedServer] = []
    if settings.database_url is None:
        servers.append(_database(settings))
    if settings.s3_endpoint is None:
        servers.append(ObjectServer(settings.home, settings.s3_port, settings.s3_bucket, settings.s3_region))
    return servers


def _database(settings: Settings) -> TimescaleServer:
    return TimescaleServer(
        home=settings.home,
        cache=settings.cache,
        port=settings.database_port,
        password=read_secrets(settings.home).database_password,
        reader_password=read_secrets(settings.home).reader_password,
        mirror=settings.debian_mirror,
        keyring=settings.debian_keyring,
    )


def _run_all(settings: Settings, servers: Sequence[EmbeddedServer], progress: Progress) -> None:
    state = read_state(settings.home)
    for server in servers:
        ensure_running(settings.home, server, state, progress)


def _stop_all(settings: Settings, names: Sequence[str], progress: Progress) -> None:
    if not settings.home.exists():
        return
    with _disk_errors(settings), _prepared_home(settings, progress):
        state = read_state(settings.home)
        for name in names:
            if stop(settings.home, name, _STOP_SIGNALS[name], state):
                progress(f"{name}: stopped")


def _status(settings: Settings, name: str) -> ServerStatus:
    state = read_state(settings.home)
    log = log_of(settings.home, name)
    if not state.is_running(name):
        return ServerStatus(name, is_running=False, process_id=None, port=None, log=log)
    server = state.servers[name]
    return ServerStatus(
        name, is_running=True, process_id=server.process.process_id, port=server.port, log=log
    )


@contextmanager
def _prepared_home(settings: Settings, progress: Progress) -> Iterator[None]:
    """The home folder, held so that no other command starts or stops servers meanwhile."""
    make_home(settings.home)
    with locked(settings.home / "stack.lock", progress):
        yield


@contextmanager
def _disk_errors(settings: Settings) -> Iterator[None]:
    """Say what to do about a full or closed disk."""
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        message = f"can't write {error.filename or settings.home}: {error.strerror}"
        next_step = "make room or choose other folders with FINDATA_HOME and FINDATA_CACHE"
        raise StackError(message, next_step) from error
