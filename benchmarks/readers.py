"""A market that is served: databases filled, the servers of both sides in processes of their own, and who calls them.

What belongs here: what the benchmarks of serving and of the client share. What does not: what is compared.

Servers are processes; callers, the raw loop and pandas share the benchmark's own. Both sides' servers run at once and
idle while the other is asked, so that turns can alternate. With two cores one is the server's and one is shared by
PostgreSQL and the caller, whoever is measured.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from benchmarks.servers import temporary_home, temporary_servers
from benchmarks.year import make_session
from findata_core.calendars import sessions_of
from findata_core.schema.frames import empty
from findata_core.schema.tables import table
from findata_resources.embedded.processes import free_ports
from findata_resources.environment import Endpoints, Settings
from findata_resources.migrations.migrate import migrate
from findata_resources.stores.timescale import Facts, TimescaleStore

BARS = table("market.bars")
MONTH = date(2025, 6, 1), date(2025, 7, 1)  # 20 sessions are whole; the newest ones are settled, too
START_SECONDS = 60


@dataclass(frozen=True)
class Market:
    """What is asked for: instruments, sessions, and where the database is."""

    database_url: str
    instruments: tuple[str, ...]
    sessions: tuple[date, ...]
    settings: dict[str, Any]


@contextmanager
def market(instruments: int, sessions: int) -> Iterator[Market]:
    """Yield a market of whole sessions of minutes on servers of its own."""
    with temporary_home() as home, temporary_servers(home) as (settings, endpoints):
        migrate(endpoints.database_url)
        days = _days(sessions)
        names = _fill(endpoints.database_url, instruments, days)
        yield Market(endpoints.database_url, names, days, _named(settings, endpoints))


def _days(sessions: int) -> tuple[date, ...]:
    days = sessions_of("XNYS", *MONTH).filter(pl.col("session_date") < MONTH[1])["session_date"].to_list()
    return tuple(days[:sessions])


def _fill(database_url: str, instruments: int, days: Sequence[date]) -> tuple[str, ...]:
    store = TimescaleStore(database_url)
    marks = pl.DataFrame(
        schema={
            "subject": pl.String,
            "scope_date": pl.Date,
            "mark_id": pl.Int64,
            "from_time": pl.Datetime("us", "UTC"),
        }
    )
    rows = pl.DataFrame()
    try:
        for number, day in enumerate(days):
            rows = make_session(instruments, seed=number, session_date=day)
            store.fold_facts(BARS, Facts(rows, marks, empty(table("ops.quarantine"))), [day])
        with store.database.transaction() as cursor:
            cursor.execute(b"ANALYZE")
    finally:
        store.close()
    return tuple(rows["instrument_id"].unique(maintain_order=True))


def _named(settings: Settings, endpoints: Endpoints) -> dict[str, Any]:
    return {
        "home": str(settings.home),
        "database_url": endpoints.database_url,
        "s3_endpoint": endpoints.s3_endpoint,
        "s3_bucket": settings.s3_bucket,
        "s3_access_key": endpoints.s3_access_key,
        "s3_secret_key": endpoints.s3_secret_key,
        "serving_auth": "off",
        "serving_requests_per_minute": 0,
    }


@contextmanager
def server(kind: str, asked: Market) -> Iterator[int]:
    """Yield the port of a server of a kind ("findata" or "orm"), a process of its own."""
    (port,) = free_ports(1)
    command = [
        sys.executable,
        "-m",
        "benchmarks.serving_process",
        kind,
        str(port),
        json.dumps(asked.settings),
    ]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    try:
        _await(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("a server of the benchmark did not start")


class Caller:
    """A keep-alive connection that sends a request and reads the whole answer, and does nothing else with it."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = f"HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\n\r\n"

    def get(self, path: str) -> bytes:
        """Return the body of an answer that says how long it is."""
        self._socket.sendall(f"GET {path} {self._head}".encode())
        read = b""
        while (end := read.find(b"\r\n\r\n")) < 0:
            read += self._socket.recv(1 << 18)
        head = read[:end].lower()
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(read[:2000].decode())
        size = int(head.partition(b"content-length: ")[2].split(b"\r\n", 1)[0])
        parts, left = [read[end + 4 :]], size - (len(read) - end - 4)
        while left > 0:
            part = self._socket.recv(min(left, 1 << 18))
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def bounds(day: date) -> tuple[str, str]:
    """Return a session's day and the next one, as parameters."""
    return day.isoformat(), (day + timedelta(days=1)).isoformat()
