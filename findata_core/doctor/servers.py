"""Rules about the servers: their versions, their migrations, sessions that hold others up, databases left behind.

What belongs here: judging what a server said. What does not: asking it (findata_resources/doctor/database.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from findata_core.doctor.findings import Finding, ok, some, spell, warn, wrong

# Ours: a fold of a month of two hundred instruments stays below it; who is idle that long has forgotten.
IDLE_NOTED = timedelta(minutes=10)
WAITING_NOTED = timedelta(minutes=5)
CONNECTIONS_NOTED = 0.8


@dataclass(frozen=True)
class Extension:
    """TimescaleDB in a database: its version there ("" if it is not), the server's newest, the licence."""

    version: str
    newest: str
    license: str


@dataclass(frozen=True)
class Session:
    """A session that may hold others up. `kind`: "idle in transaction", "waiting" or "lock"."""

    process_id: int
    program: str
    kind: str
    duration: timedelta


@dataclass(frozen=True)
class Leftover:
    """A database that a killed verify, restore or drill may have left; `sessions`: who is in it now."""

    name: str
    sessions: int


def unreachable(server: str, reason: str, next_step: str) -> Finding:
    """Return that a server does not answer, and how it is started."""
    return wrong("servers", server, reason, next_step)


def server_finding(name: str, *, is_named: bool, is_running: bool) -> Finding:
    """Judge a server that the settings name, or that findata up starts."""
    if is_named:
        return ok("servers", name, "yours, named in the settings")
    if is_running:
        return ok("servers", name, "runs")
    return wrong("servers", name, "does not run", "findata up")


def dagster_finding(*, web_server: bool, daemon: bool) -> Finding:
    """Judge Dagster's processes: without the daemon no schedule runs, and commands work all the same."""
    if web_server and not daemon:
        return wrong(
            "servers",
            "dagster-daemon",
            "does not run beside the UI: no schedule or sensor runs",
            "findata up --ui",
        )
    if not web_server:
        return ok(
            "servers", "dagster", "does not run here; findata up --ui starts it, for schedules and the UI"
        )
    return ok("servers", "dagster", "runs")


def extension_finding(extension: Extension) -> Finding:
    """Judge TimescaleDB in findata's database."""
    subject = "TimescaleDB"
    if not extension.version:
        if not extension.newest:
            said, next_step = (
                "the server does not have it",
                "install it there, or use the embedded one (findata up)",
            )
        else:
            said, next_step = "it is not enabled in the database", "findata migrate"
        return wrong("versions", subject, said, next_step)
    said = f"{extension.version}, licence {extension.license or 'not said'}"
    if extension.newest and extension.newest != extension.version:
        return warn(
            "versions",
            subject,
            f"{said}; the server has {extension.newest}",
            "findata backup, then in psql with no other session: ALTER EXTENSION timescaledb UPDATE",
        )
    return ok("versions", subject, said)


def migration_findings(at: str, known: Sequence[str], difference: str) -> list[Finding]:
    """Judge the database's migration (`known`: ours, the newest first), and how its tables differ from the contract."""
    if not at:
        return [wrong("migrations", "tables", "it has no tables of findata yet", "findata migrate")]
    if at not in known:
        said = f"it is at {at}, ahead of this findata, which knows {known[0]}"
        return [wrong("migrations", "tables", said, "use the findata that migrated it, or a newer one")]
    if at != known[0]:
        said = f"it is at {at}, behind the contract by {known.index(at)}: the newest is {known[0]}"
        return [wrong("migrations", "tables", said, "findata backup, then findata migrate")]
    if difference:
        said = f"it is at {at}, and its tables are not the contract's"
        return [wrong("migrations", "tables", said, "findata schema diff shows how they differ")]
    return [ok("migrations", "tables", f"at {at}, the newest")]


def reader_finding(wanted: Sequence[str]) -> Finding:
    """Judge the readers' roles; `wanted`: what is to be run for them by who may."""
    if not wanted:
        return ok("migrations", "readers", "their roles have their rights, and no others")
    said = f"their roles lack what an administrator must run: {some(wanted, 1)}"
    return warn("migrations", "readers", said, "findata migrate, which prints all of it")


def session_findings(sessions: Iterable[Session]) -> list[Finding]:
    """Judge sessions that keep locks or wait for them."""
    found = [
        warn(
            "locks",
            f"session {session.process_id} ({session.program or 'no name'})",
            f"{session.kind} for {spell(session.duration)}",
            f"end that program, or in psql: SELECT pg_terminate_backend({session.process_id})",
        )
        for session in sessions
        if session.duration > (WAITING_NOTED if session.kind == "waiting" else IDLE_NOTED)
    ]
    return found or [ok("locks", "database sessions", "none holds others up")]


def connection_finding(used: int, most: int) -> Finding:
    """Judge how many of the server's connections are taken."""
    said = f"{used} of {most}"
    if used >= most * CONNECTIONS_NOTED:
        return warn(
            "servers", "connections", said, "raise max_connections, or end programs that keep connections"
        )
    return ok("servers", "connections", said)


def leftover_databases(databases: Collection[Leftover]) -> list[Finding]:
    """Judge databases that commands make for a while: nobody is in one whose command was killed."""
    idle = sorted(item.name for item in databases if not item.sessions)
    found = [
        warn(
            "leftovers",
            f"database {name}",
            "a verify, restore or drill that was killed has left it, unless one is under way",
            f'in psql: DROP DATABASE "{name}"',
        )
        for name in idle
    ]
    busy = sorted(item.name for item in databases if item.sessions)
    if busy:
        found.append(ok("leftovers", "scratch databases", f"in use: {some(busy)}"))
    return found or [ok("leftovers", "scratch databases", "none")]
