"""Rules about the machine: Python, disks, limits, ports, clocks, files that a killed process has left.

What belongs here: judging numbers. What does not: measuring them (findata_resources/doctor/machine.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from findata_core.doctor.findings import Finding, ok, warn, wrong

OLDEST_PYTHON = (3, 11)
# Ours: below the one a checkpoint, a merge of the lake or the next week of minutes no longer fits; the other is time
# to act in.
LEAST_FREE_BYTES = 1_000_000_000
FEW_FREE_BYTES = 5_000_000_000
FEW_FREE_INODES = 10_000
# The S3 server keeps its volumes open, PostgreSQL its tables' files: Debian's own default is 1024.
LEAST_OPEN_FILES = 1_024
# S3 refuses what is signed 15 minutes off (RequestTimeTooSkewed); receive times that are minutes off put facts into
# another order long before.
SKEW_NOTED = timedelta(seconds=5)
SKEW_WRONG = timedelta(minutes=1)


@dataclass(frozen=True)
class Disk:
    """A folder's file system: free bytes and inodes (None where it counts none)."""

    name: str
    folder: str
    free_bytes: int
    total_bytes: int
    free_inodes: int | None


@dataclass(frozen=True)
class Port:
    """A port that a server of this home needs: who it is for, whether it runs, whether the port is free."""

    server: str
    port: int
    variable: str
    runs_on: int | None
    is_free: bool


def python_finding(version: tuple[int, int, int]) -> Finding:
    """Judge the interpreter."""
    said = ".".join(map(str, version))
    if version[:2] < OLDEST_PYTHON:
        return wrong("versions", "Python", said, "run make env with Python 3.11 or later")
    return ok("versions", "Python", said)


def disk_finding(disk: Disk) -> Finding:
    """Judge the room on a file system."""
    free = disk.free_bytes
    said = f"{free / 1e9:,.1f} GB of {disk.total_bytes / 1e9:,.1f} free ({disk.folder})"
    next_step = f"make room there, or move it with {disk.name} (docs/operations.md, Disk)"
    if free < LEAST_FREE_BYTES:
        return wrong("machine", f"disk of {disk.name}", said, next_step)
    if disk.free_inodes is not None and disk.free_inodes < FEW_FREE_INODES:
        return warn("machine", f"disk of {disk.name}", f"{disk.free_inodes:,} inodes free", next_step)
    if free < FEW_FREE_BYTES:
        return warn("machine", f"disk of {disk.name}", said, next_step)
    return ok("machine", f"disk of {disk.name}", said)


def open_files_finding(soft: int | None, hard: int | None) -> Finding:
    """Judge how many files a process may open; None is without a limit."""
    if soft is None or soft >= LEAST_OPEN_FILES:
        return ok("machine", "open files", "no limit" if soft is None else f"{soft:,} a process")
    reach = LEAST_OPEN_FILES if hard is None or hard >= LEAST_OPEN_FILES else hard
    return warn(
        "machine",
        "open files",
        f"{soft:,} a process",
        f"ulimit -n {reach}, then findata down and findata up: servers keep the limit that they were started with",
    )


def port_finding(port: Port) -> Finding:
    """Judge the port of a server."""
    subject = f"port of {port.server}"
    if port.runs_on is not None and port.runs_on != port.port:
        said = f"it runs on {port.runs_on}, the settings say {port.port}"
        return wrong(
            "machine", subject, said, f"findata down, then findata up, or set {port.variable}={port.runs_on}"
        )
    if port.runs_on is not None:
        return ok("machine", subject, f"{port.port}, its own")
    if not port.is_free:
        next_step = f"end the program that has it (ss -ltnp 'sport = :{port.port}'), or set {port.variable}"
        return wrong("machine", subject, f"{port.port} is taken by another program", next_step)
    return ok("machine", subject, f"{port.port}, free")


def clock_finding(whose: str, skew: timedelta, uncertainty: timedelta) -> Finding:
    """Judge how far another clock is from ours: ahead is positive; `uncertainty`: what the measuring may be off."""
    off = max(abs(skew) - uncertainty, timedelta(0))
    said = f"{round(skew.total_seconds(), 1) + 0.0:+.1f} s from this machine's"
    next_step = "set both clocks by NTP (timedatectl): receive times decide which of two answers speaks"
    if off > SKEW_WRONG:
        return wrong("clocks", whose, said, next_step)
    if off > SKEW_NOTED:
        return warn("clocks", whose, said, next_step)
    return ok("clocks", whose, said)


def permission_findings(open_files: Iterable[str]) -> list[Finding]:
    """Judge files that hold secrets and that others may read."""
    found = [
        wrong("keys", path, "others may read this file, which holds secrets", f"chmod 600 {path}")
        for path in open_files
    ]
    return found or [ok("keys", "files with secrets", "nobody else may read them")]


def leftover_findings(
    dead_servers: Iterable[str], pid_files: Iterable[str], *, is_locked: bool
) -> list[Finding]:
    """Judge what killed processes have left: servers in the books that are dead, pid files; and a lock that is held."""
    found = [
        warn("leftovers", name, "it is in the books as running and is dead", "findata up starts it again")
        for name in dead_servers
    ]
    found += [
        warn(
            "leftovers",
            path,
            "the process that it names is gone",
            "findata up clears it and starts the server",
        )
        for path in pid_files
    ]
    if is_locked:  # the kernel lets go of it when its holder ends
        said = "a findata up or down is under way and holds it"
        found.append(warn("leftovers", "stack.lock", said, "wait for it, or end it: fuser -v stack.lock"))
    return found or [ok("leftovers", "pid files and locks", "none is stale")]
