"""What the client does with answers that are none: tried again, named, or given up. The other side is made up."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from findata_client import (
    BadQuestion,
    Client,
    ClientError,
    NotAllowed,
    NotKnown,
    ServerAway,
    TooMany,
    Unexpected,
)
from findata_client.asking import Patience

INSTRUMENT = {"instrument_id": "GE.XNYS"}


@dataclass(frozen=True)
class Given:
    """An answer of the other side. `is_cut`: it hangs up after the body, which promised more."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False


HUNG_UP = Given(0)


@dataclass(frozen=True)
class Asked:
    """A request that arrived."""

    target: str
    headers: Message

    @property
    def parameters(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)


class Other:
    """A server on loopback that gives these answers in turn."""

    def __init__(self, *given: Given) -> None:
        self.asked: list[Asked] = []
        left = iter(given)
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                asked.append(Asked(self.path, self.headers))
                answer = next(left)
                self.close_connection = answer.is_cut or answer is HUNG_UP
                if answer is not HUNG_UP:
                    self._give(answer)

            def _give(self, answer: Given) -> None:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body) + 10 * answer.is_cut))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def other(*given: Given) -> Iterator[Other]:
    server = Other(*given)
    try:
        yield server
    finally:
        server.close()


Answers = Callable[..., tuple[Client, list[Asked], list[float]]]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """Make a client that gets the given answers; the requests that it makes, and how long it waits."""
    monkeypatch.delenv("FINDATA_API_KEY", raising=False)
    with ExitStack() as ended:

        def make(*given: Given) -> tuple[Client, list[Asked], list[float]]:
            server = ended.enter_context(other(*given))
            pauses: list[float] = []
            patience = Patience(tries=4, sleep=pauses.append, chance=lambda: 0.5)
            client = ended.enter_context(Client(server.url, "a-key", patience=patience))
            return client, server.asked, pauses

        yield make


def problem(status: int, headers: dict[str, str] | None = None, **members: Any) -> Given:
    body = {
        "type": "urn:findata:problem:made-up",
        "status": status,
        "detail": "It is so",
        "next_step": "Do this",
    }
    return Given(status, json.dumps({**body, **members}).encode(), headers or {})


def told(document: Any) -> Given:
    return Given(200, json.dumps(document).encode())


def test_who_was_turned_away_comes_back_when_the_server_said(answers: Answers) -> None:
    client, asked, pauses = answers(
        problem(429, {"Retry-After": "7"}), problem(503), HUNG_UP, told(INSTRUMENT)
    )

    assert client.instrument("GE.XNYS") == INSTRUMENT
    assert pauses == [7 + 0.125, 0.25, 0.5]  # said; then half of 0.5 and of 1 second
    assert {request.headers["Authorization"] for request in asked} == {"Bearer a-key"}
    assert urlsplit(asked[0].target).path == "/v1/instruments/GE.XNYS"


def test_it_does_not_wait_for_an_hour(answers: Answers) -> None:
    client, asked, pauses = answers(problem(429, {"Retry-After": "3600"}))
    with pytest.raises(TooMany):
        client.instrument("GE.XNYS")
    assert (len(asked), pauses) == (1, [])


@pytest.mark.parametrize(
    ("status", "error", "tries"),
    [
        (401, NotKnown, 1),
        (403, NotAllowed, 1),
        (500, Unexpected, 1),
        (503, ServerAway, 4),
        (504, ServerAway, 4),
    ],
)
def test_each_refusal_is_an_error_of_its_own(
    status: int, error: type[ClientError], tries: int, answers: Answers
) -> None:
    client, asked, _ = answers(*[problem(status, parameter="x") for _ in range(4)])
    with pytest.raises(error, match=r"It is so\. Next: Do this") as refused:
        client.instrument("GE.XNYS")
    assert len(asked) == tries
    assert (refused.value.kind, refused.value.members["parameter"]) == ("made-up", "x")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"\xff\xfe"])
def test_an_answer_of_somebody_between_is_an_error_too(body: bytes, answers: Answers) -> None:
    client, _, _ = answers(*[Given(502, body) for _ in range(4)])
    with pytest.raises(ServerAway, match="502"):
        client.instrument("GE.XNYS")


def test_a_body_that_ends_too_early_is_asked_for_again(answers: Answers) -> None:
    client, asked, _ = answers(Given(200, b'{"instrument', is_cut=True), told(INSTRUMENT))
    assert client.instrument("GE.XNYS") == INSTRUMENT
    assert len(asked) == 2


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        pauses: list[float] = []
        patience = Patience(tries=2, sleep=pauses.append, chance=lambda: 0.5)
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with Client(nobody, patience=patience) as client, pytest.raises(ServerAway, match="refused"):
            client.instrument("GE.XNYS")
    assert len(pauses) == 1


@pytest.mark.parametrize("address", ["findata.example:8642", "ftp://findata.example", "http://"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(BadQuestion, match="is no address"):
        Client(address)


def stream_of(*chunks: str) -> Given:
    return Given(200, "".join(chunks).encode(), {"Content-Type": "text/event-stream"}, is_cut=True)


def test_a_stream_that_is_cut_goes_on_where_it_was(answers: Answers) -> None:
    first = stream_of(
        ": findata\nretry: 2000\nid: f.1.0\n\n",
        'event: new\ndata: {"close": 1.5}\n\n',
        'event: revised\ndata: {"close": 2.5}\nid: f.2.1\n\n',
        ": heartbeat\nid: f.9.0\n\n",
        "event: new\ndata: {",  # cut within an event, which therefore is none
    )
    second = stream_of('event: retracted\ndata: {"eventTime": "x"}\nid: f.10.1\n\n')
    client, asked, _ = answers(first, HUNG_UP, problem(503), second)

    events = client.stream("GE.XNYS", ["5m", "1h"])
    found = [next(events) for _ in range(3)]

    assert [(event.name, event.cursor) for event in found] == [
        ("new", None),
        ("revised", "f.2.1"),
        ("retracted", "f.10.1"),
    ]
    assert [request.headers.get("Last-Event-ID") for request in asked] == [None, "f.9.0", "f.9.0", "f.9.0"]
    assert asked[0].parameters["interval"] == ["5m", "1h"]


@pytest.mark.parametrize(
    ("value", "path"),
    [("../admin", "%2E%2E%2Fadmin"), ("a b?c=d", "a%20b%3Fc%3Dd")],
)
def test_a_name_is_one_part_of_the_path_whatever_it_holds(value: str, path: str, answers: Answers) -> None:
    client, asked, _ = answers(told({}))
    client.instrument(value)
    name = urlsplit(asked[0].target).path.rpartition("/v1/instruments/")[2]
    assert name.upper() == path.upper().replace("%2E", ".")


def test_address_and_key_come_from_the_environment_unless_they_are_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with other(told({})) as named, other(told({})) as given:
        monkeypatch.setenv("FINDATA_URL", f"{named.url}/")
        monkeypatch.setenv("FINDATA_API_KEY", "from-the-environment")
        for client in (Client(), Client(given.url, "given")):
            with client:
                client.instrument("GE.XNYS")
        found = [server.asked[0].headers["Authorization"] for server in (named, given)]
    assert found == ["Bearer from-the-environment", "Bearer given"]


def test_a_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with other(told(INSTRUMENT)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//someone:of%40us@"))
        monkeypatch.delenv("no_proxy", raising=False)
        with Client("http://findata.example") as client:
            assert client.instrument("GE.XNYS") == INSTRUMENT
        (asked,) = proxy.asked
    assert asked.target.startswith("http://findata.example/v1/instruments/GE.XNYS")
    assert asked.headers["Proxy-Authorization"] == "Basic c29tZW9uZTpvZkB1cw=="  # base64 of someone:of@us


def test_a_server_of_this_machine_is_asked_without_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    with other(told(INSTRUMENT)) as server, other() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with Client(server.url) as client:
            assert client.instrument("GE.XNYS") == INSTRUMENT
        assert proxy.asked == []
