"""What the client does with answers that are none: tried again, named, or given up. The other side is made up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from findata_client import Client, ClientError, NotAllowed, NotKnown, ServerAway, TooMany, Unexpected
from findata_client.asking import Patience

INSTRUMENT = {"instrument_id": "GE.XNYS"}


def answers(*given: httpx.Response | Exception) -> tuple[Client, list[httpx.Request], list[float]]:
    """A client that gets these answers in turn; the requests that it makes, and how long it waits."""
    asked: list[httpx.Request] = []
    pauses: list[float] = []
    left: Iterator[httpx.Response | Exception] = iter(given)

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        found = next(left)
        if isinstance(found, Exception):
            raise found
        return found

    patience = Patience(tries=4, sleep=pauses.append, chance=lambda: 0.5)
    client = Client(
        "http://findata.example", "a-key", patience=patience, transport=httpx.MockTransport(answer)
    )
    return client, asked, pauses


def problem(status: int, **members: Any) -> httpx.Response:
    body = {
        "type": "urn:findata:problem:made-up",
        "status": status,
        "detail": "It is so",
        "next_step": "Do this",
    }
    return httpx.Response(status, content=json.dumps({**body, **members}).encode())


def test_who_was_turned_away_comes_back_when_the_server_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FINDATA_API_KEY", raising=False)
    refused = problem(429)
    refused.headers["Retry-After"] = "7"
    client, asked, pauses = answers(
        refused, problem(503), httpx.ConnectError("no"), httpx.Response(200, json=INSTRUMENT)
    )

    assert client.instrument("GE.XNYS") == INSTRUMENT
    assert pauses == [7 + 0.125, 0.25, 0.5]  # said; then half of 0.5 and of 1 second
    assert {request.headers["Authorization"] for request in asked} == {"Bearer a-key"}
    assert asked[0].url.path == "/v1/instruments/GE.XNYS"


def test_it_does_not_wait_for_an_hour() -> None:
    refused = problem(429)
    refused.headers["Retry-After"] = "3600"
    client, asked, pauses = answers(refused)
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
def test_each_refusal_is_an_error_of_its_own(status: int, error: type[ClientError], tries: int) -> None:
    client, asked, _ = answers(*[problem(status, parameter="x") for _ in range(4)])
    with pytest.raises(error, match=r"It is so\. Next: Do this") as refused:
        client.instrument("GE.XNYS")
    assert len(asked) == tries
    assert (refused.value.kind, refused.value.members["parameter"]) == ("made-up", "x")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"\xff\xfe"])
def test_an_answer_of_somebody_between_is_an_error_too(body: bytes) -> None:
    client, _, _ = answers(*[httpx.Response(502, content=body) for _ in range(4)])
    with pytest.raises(ServerAway, match="502"):
        client.instrument("GE.XNYS")


def stream_of(*chunks: str) -> httpx.Response:
    return httpx.Response(
        200, content="".join(chunks).encode(), headers={"Content-Type": "text/event-stream"}
    )


def test_a_stream_that_is_cut_goes_on_where_it_was() -> None:
    first = stream_of(
        ": findata\nretry: 2000\nid: f.1.0\n\n",
        'event: new\ndata: {"close": 1.5}\n\n',
        'event: revised\ndata: {"close": 2.5}\nid: f.2.1\n\n',
        ": heartbeat\nid: f.9.0\n\n",
        "event: new\ndata: {",  # cut within an event, which therefore is none
    )
    second = stream_of('event: retracted\ndata: {"eventTime": "x"}\nid: f.10.1\n\n')
    client, asked, _ = answers(first, httpx.ReadError("cut"), problem(503), second)

    events = client.stream("GE.XNYS", ["5m", "1h"])
    found = [next(events) for _ in range(3)]

    assert [(event.name, event.cursor) for event in found] == [
        ("new", None),
        ("revised", "f.2.1"),
        ("retracted", "f.10.1"),
    ]
    assert [request.headers.get("Last-Event-ID") for request in asked] == [None, "f.9.0", "f.9.0", "f.9.0"]
    assert asked[0].url.params.get_list("interval") == ["5m", "1h"]


@pytest.mark.parametrize(
    ("value", "path"),
    [("../admin", "%2E%2E%2Fadmin"), ("a b?c=d", "a%20b%3Fc%3Dd")],
)
def test_a_name_is_one_part_of_the_path_whatever_it_holds(value: str, path: str) -> None:
    client, asked, _ = answers(httpx.Response(200, json={}))
    client.instrument(value)
    assert asked[0].url.raw_path.decode().rpartition("/v1/instruments/")[2].upper() == path.upper().replace(
        "%2E", "."
    )


def test_address_and_key_come_from_the_environment_unless_they_are_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FINDATA_URL", "http://elsewhere.example/")
    monkeypatch.setenv("FINDATA_API_KEY", "from-the-environment")
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    making: list[Callable[[], Client]] = [
        lambda: Client(transport=httpx.MockTransport(answer)),
        lambda: Client("http://here.example", "given", transport=httpx.MockTransport(answer)),
    ]
    for make in making:
        with make() as client:
            client.instrument("GE.XNYS")
    assert [(request.url.host, request.headers["Authorization"]) for request in seen] == [
        ("elsewhere.example", "Bearer from-the-environment"),
        ("here.example", "Bearer given"),
    ]
