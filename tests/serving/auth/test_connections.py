"""Connections that mean no good: a thousand at once, heads that never end or are too long, readers who do not read."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from findata_resources.embedded.processes import wait_until
from findata_serving import listening, server
from findata_serving.server import allow_files
from tests.serving.auth.guarded import LARGE_BYTES, Guarded, guarded

OFF = {"serving_auth": "off", "serving_requests_per_minute": 0}
ASKED = b"GET /v1/market HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
PATIENCE_SECONDS = 60.0


@pytest.fixture
def files() -> Iterator[None]:
    """Let this process, which is client and server at once, open more files for a while."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    allow_files(1000)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[Guarded]:
    """A server without patience."""
    with guarded(tmp_path, **OFF, serving_patience_seconds=0.3) as app:
        yield app


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A server with the patience that it has by default."""
    with guarded(tmp_path_factory.mktemp("patient"), **OFF) as app:
        yield app


def connected(app: Guarded, data: bytes = b"") -> socket.socket:
    """Connect, and send something."""
    made = socket.create_connection(("127.0.0.1", app.port), timeout=PATIENCE_SECONDS)
    made.sendall(data)
    return made


def told(connection: socket.socket) -> bytes:
    """Return what the server says until it closes."""
    heard = b""
    while piece := connection.recv(65_536):
        heard += piece
    return heard


def problem(heard: bytes) -> tuple[int, str]:
    """Return status and kind of a problem that the server told."""
    head, _, body = heard.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert b"content-security-policy" in head
    said = json.loads(body)
    assert head.startswith(f"HTTP/1.1 {said['status']} {said['title']}\r\n".encode())
    return said["status"], said["type"].rpartition(":")[2]


async def _crowd(port: int, size: int) -> tuple[Counter[int], list[bytes]]:
    """Connect so many at once, ask on each, and hold those that were answered until all have heard something."""
    writers: list[asyncio.StreamWriter] = []

    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writers.append(writer)
        writer.write(ASKED)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)
        return head if head.startswith(b"HTTP/1.1 200") else head + await reader.read()

    answers = await asyncio.gather(*(ask() for _ in range(size)))
    for writer in writers:
        writer.close()
    return Counter(int(answer.split(b" ", 2)[1]) for answer in answers), answers


def test_of_a_thousand_connections_the_limit_is_served_the_others_are_told_and_then_all_goes_on(
    tmp_path: Path, files: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Client and server are this one process: beside others it may not come to all of them in some seconds.
    monkeypatch.setattr(listening, "PARTING_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(server, "KEEP_ALIVE_SECONDS", PATIENCE_SECONDS)
    patience = {"serving_patience_seconds": PATIENCE_SECONDS}
    with guarded(tmp_path, **OFF, **patience, serving_connections=100) as app:
        statuses, answers = asyncio.run(_crowd(app.port, 1000))
        assert statuses == {200: 100, 503: 900}
        refused = next(answer for answer in answers if answer.startswith(b"HTTP/1.1 503"))
        assert problem(refused) == (503, "full")
        assert b"\r\nretry-after: 2\r\n" in refused
        assert wait_until(lambda: not app.door.served and not app.door.parting, PATIENCE_SECONDS)
        assert app.ask("/v1/market").status_code == 200


def test_who_says_nothing_at_all_is_parted_with_without_a_word(hasty: Guarded) -> None:
    with connected(hasty) as connection:
        assert told(connection) == b""
    assert wait_until(lambda: not hasty.door.served, PATIENCE_SECONDS)


@pytest.mark.parametrize("said", [b"G", b"GET / HTTP/1.1\r\nHost:", ASKED + b"GET /v1/market HT"])
def test_who_does_not_end_asking_is_told_so_and_parted_with(hasty: Guarded, said: bytes) -> None:
    with connected(hasty, said) as connection:
        heard = told(connection)
    assert problem(heard[heard.rindex(b"HTTP/1.1") :]) == (408, "too-slow")
    assert wait_until(lambda: not hasty.door.served, PATIENCE_SECONDS)


def test_a_letter_now_and_then_buys_no_time(hasty: Guarded) -> None:
    with connected(hasty, b"GET / HTTP/1.1\r\n") as connection:
        connection.settimeout(0.02)
        heard, sent = b"", 0
        while not heard and sent < 2000:
            connection.sendall(b"X")
            sent += 1
            try:
                heard = connection.recv(65_536)
            except TimeoutError:
                continue
    assert problem(heard) == (408, "too-slow")


def test_who_does_not_read_is_parted_with_and_others_are_served_meanwhile(tmp_path: Path) -> None:
    with guarded(tmp_path, **OFF, serving_patience_seconds=4) as app, socket.socket() as sluggish:
        sluggish.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sluggish.connect(("127.0.0.1", app.port))
        sluggish.sendall(ASKED.replace(b"/v1/market", b"/v1/large"))
        assert wait_until(lambda: len(app.door.served) == 1, PATIENCE_SECONDS)
        assert app.ask("/v1/market", connection="close").status_code == 200
        assert app.door.served
        app.door.patience_seconds = 0.3  # from here on: before, a busy machine might not have looked in time
        assert wait_until(lambda: not app.door.served, PATIENCE_SECONDS)


def test_who_reads_gets_all_of_a_large_answer(patient: Guarded) -> None:
    assert len(patient.ask("/v1/large").content) == LARGE_BYTES


@pytest.mark.parametrize(
    ("said", "status", "kind"),
    [
        (b"GET /?q=" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 414, "too-long"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n", 431, "too-long"),
        (b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 100_000 + b"\r\n", 431, "too-long"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "no-http"),
        (b"GET / HTTP/9.9\r\n\r\n", 400, "no-http"),
        (b"\x00" * 100_000, 400, "no-http"),
        (
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            400,
            "no-http",
        ),
        (b"GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "no-http"),
    ],
)
def test_what_is_too_long_or_no_http_is_told_so(
    patient: Guarded, said: bytes, status: int, kind: str
) -> None:
    with connected(patient, said) as connection:
        assert problem(told(connection)) == (status, kind)
    assert not patient.reached


def test_a_request_with_two_hosts_is_not_answered(patient: Guarded) -> None:
    with connected(patient, b"GET / HTTP/1.0\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n") as connection:
        assert problem(told(connection)) == (421, "other-host")
