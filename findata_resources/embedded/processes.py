"""Long-lived processes: start them detached, recognise them again, end them, find free ports.

What belongs here: what is true of any server process on Linux.
What does not: which servers there are (`timescale`, `objects`, `orchestrator`) and in what order (`stack`).

A process is never recognised by its number alone, since numbers are used again: a record holds the
number and the start time from /proc. Each process also carries a mark in its environment, so that one
which was started but not yet recorded (kill -9 at the wrong moment) is found by the next command.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel

MARK_VARIABLE = "FINDATA_STACK_PROCESS"
_PROC = Path("/proc")
_LOG_SIZE_LIMIT_BYTES = 20_000_000
# Below the ephemeral range of Linux (32768 and up), also after adding SeaweedFS's gRPC offset, and no wider than
# that: no port is another one's after adding it.
_INTERNAL_PORTS = range(11_000, 21_000)


class ProcessRecord(BaseModel):
    """A process as seen when it started: its number and its start time in clock ticks since boot."""

    process_id: int
    boot_id: str
    start_ticks: int

    @property
    def is_running(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        if self.boot_id != _boot_id() or _start_ticks(self.process_id) != self.start_ticks:
            return False
        return not _is_dead(self.process_id)


def record_of(process_id: int) -> ProcessRecord | None:
    """The record of a running process, None when there is none (any more)."""
    ticks = _start_ticks(process_id)
    if ticks is None or _is_dead(process_id):
        return None
    return ProcessRecord(process_id=process_id, boot_id=_boot_id(), start_ticks=ticks)


def spawn_detached(
    command: Sequence[str], *, log: Path, environment: Mapping[str, str], folder: Path, mark: str
) -> int:
    """Start `command` in a session of its own, so that Ctrl-C here does not reach it; return its number."""
    _roll(log)
    with log.open("ab") as output:
        log.chmod(0o600)
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**environment, MARK_VARIABLE: mark},
            start_new_session=True,
        )
    # The server outlives this command on purpose: without a return code Popen would warn about it.
    child.returncode = 0
    return child.pid


def marked_processes(mark: str) -> list[ProcessRecord]:
    """The running processes that carry this mark (their own or inherited), except this one."""
    wanted = f"{MARK_VARIABLE}={mark}".encode()
    found = (
        record_of(process_id)
        for process_id in _process_ids()
        if process_id != os.getpid() and wanted in _environment_of(process_id)
    )
    return [record for record in found if record is not None]


def end(records: Sequence[ProcessRecord], *, first_signal: signal.Signals, patience_seconds: float) -> None:
    """Ask all of them with `first_signal`, wait for their exit, and kill when the patience is over."""
    for signal_number, wait_seconds in ((first_signal, patience_seconds), (signal.SIGKILL, 10.0)):
        for record in records:
            if record.is_running:
                _send(record.process_id, signal_number)
        if wait_until(lambda: not any(record.is_running for record in records), wait_seconds):
            return


def processes_in(folder: Path) -> list[ProcessRecord]:
    """The running processes whose working directory is `folder`."""
    found = (record_of(process_id) for process_id in _process_ids() if _folder_of(process_id) == folder)
    return [record for record in found if record is not None]


def wait_until(condition: Callable[[], bool], timeout_seconds: float, *, pause_seconds: float = 0.05) -> bool:
    """Ask until `condition` holds; False when `timeout_seconds` have passed without it."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause_seconds)
    return True


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections are in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count: int, *, offset: int = 0) -> list[int]:
    """`count` ports that are free, each also at `port + offset`, below the ephemeral range."""
    candidates = random.sample(_INTERNAL_PORTS, len(_INTERNAL_PORTS))
    found = (
        port for port in candidates if port_is_free(port) and (not offset or port_is_free(port + offset))
    )
    return [next(found) for _ in range(count)]


def last_lines(log: Path, count: int = 8) -> str:
    """The end of a log file, for an error message."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])


def _send(process_id: int, signal_number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(process_id, signal_number)


def _is_dead(process_id: int) -> bool:
    """Whether it has ended, if only its parent has not asked how; when we are the parent, ask."""
    state = _status_fields(process_id)[:1]
    if state and state[0] not in "ZX":
        return False
    with suppress(ChildProcessError):
        os.waitpid(process_id, os.WNOHANG)
    return True


def _start_ticks(process_id: int) -> int | None:
    fields = _status_fields(process_id)
    return int(fields[19]) if fields else None


def _status_fields(process_id: int) -> list[str]:
    """Fields 3 (state) and up of /proc/<number>/stat; field 22 (start) is the twentieth. See proc(5)."""
    try:
        text = (_PROC / str(process_id) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    # Field 2, the command's name, is in parentheses and may hold spaces.
    return text.rpartition(")")[2].split()


def _boot_id() -> str:
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def _process_ids() -> Iterator[int]:
    return (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())


def _environment_of(process_id: int) -> list[bytes]:
    """The environment that a process was started with; empty for other users' processes."""
    try:
        return (_PROC / str(process_id) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _folder_of(process_id: int) -> Path | None:
    try:
        return (_PROC / str(process_id) / "cwd").readlink()
    except OSError:
        return None


def _roll(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_SIZE_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))
