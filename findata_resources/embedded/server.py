"""The life of one embedded server: is it running, start it, wait for it, stop it.

What belongs here: what is the same for every server, and the protocol that each one fulfils.
What does not: what a server is made of (`timescale`, `objects`, `orchestrator`).
"""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from findata_core.errors import PortTaken, StackError
from findata_resources.embedded.processes import (
    ProcessRecord,
    end,
    last_lines,
    marked_processes,
    port_is_free,
    record_of,
    spawn_detached,
    wait_until,
)
from findata_resources.embedded.state import Progress, RunningServer, StackState, write_state

# SeaweedFS takes 4 to 6 seconds; a database under load writes a checkpoint first.
_STOP_PATIENCE_SECONDS = 40.0


class EmbeddedServer(Protocol):
    """What `ensure_running` needs to know about a server."""

    @property
    def name(self) -> str:
        """The key in stack.json and the name of the log file."""

    @property
    def port(self) -> int | None:
        """The loopback port where it answers, None for a server without one."""

    @property
    def port_variable(self) -> str:
        """The environment variable that sets the port."""

    @property
    def stop_signal(self) -> signal.Signals:
        """What makes it finish in good order."""

    @property
    def ready_seconds(self) -> float:
        """How long it may take until it answers, a recovery after a crash included."""

    @property
    def folder(self) -> Path:
        """Where it runs."""

    def prepare(self, progress: Progress) -> None:
        """Unpack and configure; called before each start, does nothing twice."""

    def command(self) -> Sequence[str]:
        """What to run."""

    def environment(self) -> Mapping[str, str]:
        """The environment to run it in."""

    def is_ready(self) -> bool:
        """Whether it answers."""

    def finish(self, state: StackState) -> None:
        """Create what belongs inside (databases, bucket) and put the endpoint into the state."""


def mark_of(home: Path, name: str) -> str:
    """The mark that the processes of this server carry in their environment."""
    return f"{home}:{name}"


def log_of(home: Path, name: str) -> Path:
    """The log file of a server."""
    return home / "logs" / f"{name}.log"


def ensure_running(home: Path, server: EmbeddedServer, state: StackState, progress: Progress) -> None:
    """Start the server unless it runs, and wait until it answers.

    When starting fails or is interrupted, what was started here is stopped again.
    """
    if _is_in_order(home, server, state):
        return
    try:
        _start(home, server, state, progress)
    except BaseException:
        stop(home, server.name, server.stop_signal, state)
        raise


def stop(home: Path, name: str, stop_signal: signal.Signals, state: StackState) -> bool:
    """Stop a server, recorded or only marked, with all its children; True when there was one."""
    recorded = state.servers.pop(name, None)
    first = [recorded.process] if recorded and recorded.process.is_running else []
    found = [*first, *marked_processes(mark_of(home, name))]
    end(found, first_signal=stop_signal, patience_seconds=_STOP_PATIENCE_SECONDS)
    # A child that was born while its parent was ending.
    end(marked_processes(mark_of(home, name)), first_signal=signal.SIGKILL, patience_seconds=10.0)
    write_state(home, state)
    return bool(found)


def _start(home: Path, server: EmbeddedServer, state: StackState, progress: Progress) -> None:
    if stop(home, server.name, server.stop_signal, state):
        progress(f"{server.name}: stopped a process that an earlier command left behind")
    _require_port(server)
    server.prepare(progress)
    progress(f"{server.name}: starting")
    process = _spawn(home, server)
    state.servers[server.name] = RunningServer(process=process, port=server.port)
    write_state(home, state)
    _wait_until_ready(home, server, process)
    server.finish(state)
    state.servers[server.name].is_finished = True
    write_state(home, state)
    progress(f"{server.name}: ready" + (f" on 127.0.0.1:{server.port}" if server.port else ""))


def _require_port(server: EmbeddedServer) -> None:
    if server.port is None or wait_until(lambda: port_is_free(server.port or 0), 1.0):
        return
    message = f"port {server.port} of the {server.name} server is taken by another program"
    raise PortTaken(message, f"end that program or choose another port with {server.port_variable}")


def _spawn(home: Path, server: EmbeddedServer) -> ProcessRecord:
    process_id = spawn_detached(
        server.command(),
        log=log_of(home, server.name),
        environment=server.environment(),
        folder=server.folder,
        mark=mark_of(home, server.name),
    )
    record = record_of(process_id)
    if record is None:
        raise _failed(home, server, "ended at once")
    return record


def _is_in_order(home: Path, server: EmbeddedServer, state: StackState) -> bool:
    """Whether it runs and answers; False also when it ends while we look, and it is started anew then."""
    if not (state.is_running(server.name) and state.servers[server.name].is_finished):
        return False
    _require_same_port(server, state.servers[server.name].port)
    return _becomes_ready(home, server, state.servers[server.name].process)


def _require_same_port(server: EmbeddedServer, running: int | None) -> None:
    """Refuse to wait on the port of the settings for a server that was started on another one."""
    if running != server.port:
        raise StackError(
            f"the {server.name} server runs on port {running}, the settings say {server.port}",
            f"run findata down first, or set {server.port_variable}={running}",
        )


def _wait_until_ready(home: Path, server: EmbeddedServer, process: ProcessRecord) -> None:
    if not _becomes_ready(home, server, process):
        raise _failed(home, server, "ended while starting")


def _becomes_ready(home: Path, server: EmbeddedServer, process: ProcessRecord) -> bool:
    answered = wait_until(lambda: server.is_ready() or not process.is_running, server.ready_seconds)
    if not answered:
        raise _failed(home, server, f"did not answer within {server.ready_seconds:.0f} seconds")
    return process.is_running


def _failed(home: Path, server: EmbeddedServer, what: str) -> StackError:
    log = log_of(home, server.name)
    message = f"the {server.name} server {what}; its log {log} ends with:\n{last_lines(log)}\n"
    return StackError(message, "mend what the log says, run findata down, then findata up")
