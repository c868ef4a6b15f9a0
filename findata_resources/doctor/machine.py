"""The machine as it is: disks, limits, ports, files of the servers; nothing is changed.

What belongs here: measuring. What does not: judging (findata_core/doctor/machine.py).
"""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

from findata_core.doctor.machine import Disk, Port
from findata_resources.embedded.exporter import EXPORTER
from findata_resources.embedded.orchestrator import DAEMON, WEB_SERVER
from findata_resources.embedded.processes import port_is_free
from findata_resources.embedded.serving import SERVING
from findata_resources.embedded.state import read_state
from findata_resources.environment import Settings

_DATABASE, _OBJECTS = "database", "objects"


def disks(settings: Settings) -> list[Disk]:
    """Return the file systems of the home and the cache, each once."""
    found: dict[int, Disk] = {}
    for variable, folder in (("FINDATA_HOME", settings.home), ("FINDATA_CACHE", settings.cache)):
        there = _existing(folder)
        usage, inodes = shutil.disk_usage(there), os.statvfs(there)
        free_inodes = inodes.f_favail if inodes.f_files else None
        disk = Disk(variable, str(folder), usage.free, usage.total, free_inodes)
        found.setdefault(there.stat().st_dev, disk)
    return list(found.values())


def open_files() -> tuple[int | None, int | None]:
    """Return how many files a process may open, and how far it may raise that; None: without a limit."""
    soft, hard = (
        None if limit == resource.RLIM_INFINITY else limit
        for limit in resource.getrlimit(resource.RLIMIT_NOFILE)
    )
    return soft, hard


def ports(settings: Settings) -> list[Port]:
    """Return the ports of the servers that this home would run."""
    state = read_state(settings.home)
    wanted = [
        (_DATABASE, settings.database_port, "FINDATA_DATABASE_PORT", settings.database_url is None),
        (_OBJECTS, settings.s3_port, "FINDATA_S3_PORT", settings.s3_endpoint is None),
        (WEB_SERVER, settings.dagster_port, "FINDATA_DAGSTER_PORT", True),
        # Nobody needs them who does not look at metrics or serve: their ports are only looked at while they run.
        (SERVING, settings.serving_port, "FINDATA_SERVING_PORT", state.is_running(SERVING)),
        (EXPORTER, settings.metrics_port, "FINDATA_METRICS_PORT", state.is_running(EXPORTER)),
    ]
    return [
        Port(
            name,
            port,
            variable,
            state.servers[name].port if state.is_running(name) else None,
            port_is_free(port),
        )
        for name, port, variable, is_needed in wanted
        if is_needed
    ]


def running(settings: Settings) -> dict[str, bool]:
    """Return which servers of this home run."""
    state = read_state(settings.home)
    return {name: state.is_running(name) for name in (_DATABASE, _OBJECTS, WEB_SERVER, DAEMON)}


def dead_servers(settings: Settings) -> list[str]:
    """Return the servers that the books call running and that are dead."""
    state = read_state(settings.home)
    return sorted(name for name in state.servers if not state.is_running(name))


def stale_pid_files(settings: Settings) -> list[str]:
    """Return PostgreSQL's own pid file, where no server of this home runs."""
    path = settings.home / _DATABASE / "data" / "postmaster.pid"
    try:
        is_there = path.is_file()
    except PermissionError:  # another user's folder: not our server
        return []
    return [str(path)] if is_there and not read_state(settings.home).is_running(_DATABASE) else []


def is_locked(settings: Settings) -> bool:
    """Tell whether a command that starts or stops servers is under way."""
    try:
        with (settings.home / "stack.lock").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def open_secrets(settings: Settings) -> list[str]:
    """Return files with secrets that others than their owner may read."""
    return [str(path) for path in _secret_files(settings.home) if path.stat().st_mode & 0o077]


def _secret_files(home: Path) -> Iterator[Path]:
    for path in (home / "secrets.json", home / "stack.json", Path(".env")):
        if path.is_file():
            yield path


def _existing(folder: Path) -> Path:
    """Return the folder or the nearest one above it that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())
