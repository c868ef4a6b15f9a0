"""What can't be answered is told as a problem, with what to do next; nothing of the inside is shown."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from tests.serving.test_description import DESCRIBED, ROUTES

MSFT = "/v1/instruments/MSFT.XNAS"
REFUSED = [
    ("/v1/instruments/MSFT/candles", {}, 404, "MSFT.XNAS"),
    ("/v1/instruments/MSFT.XNYS", {}, 404, "MSFT.XNAS"),
    ("/v1/rates/SOFRR", {}, 404, "SOFR"),
    ("/v1/series/NONE/observations", {}, 404, "/v1/series"),
    ("/v1/sessions/XNAQ", {}, 404, "XNAS"),
    (f"{MSFT}/explain", {"interval": "1h", "event_time": "2022-06-01T13:31:00Z"}, 404, "13:30"),
    (f"{MSFT}/candles", {"interval": "7m"}, 400, "5m"),
    (f"{MSFT}/candles", {"start": "2022-06-02", "end": "2022-06-01"}, 400, "after the start"),
    (f"{MSFT}/candles", {"start": "yesterday"}, 400, "2022-06-01T13:30:00Z"),
    (f"{MSFT}/candles", {"start": "2022-06-01T13:30:00"}, 400, "2022-06-01T13:30:00Z"),
    (f"{MSFT}/candles", {"start": "0001-01-01"}, 400, "within"),
    (f"{MSFT}/candles", {"as_of": "2199-01-01T00:00:00Z"}, 400, "leave as_of out"),
    (f"{MSFT}/candles", {"as_of": "2022-06-01"}, 400, "2022-06-01T00:00:00Z"),
    (f"{MSFT}/candles", {"adjust": "dividends"}, 400, "split"),
    (f"{MSFT}/candles", {"fill": "forward"}, 400, "grid"),
    (f"{MSFT}/candles", {"fill": "grid", "interval": "1w"}, 400, "days"),
    (f"{MSFT}/candles", {"format": "xml"}, 400, "csv"),
    (f"{MSFT}/candles", {"cursor": "abc"}, 400, "next_cursor"),
    (f"{MSFT}/candles", {"cursor": base64.b64encode(b'["x","1m",5]').decode()}, 400, "Repeat the question"),
    (f"{MSFT}/candles", {"cursor": "é"}, 400, "next_cursor"),
    (f"{MSFT}/candles", {"limit": "0"}, 422, "openapi"),
    (f"{MSFT}/candles", {"limit": "50001"}, 422, "openapi"),
    (f"{MSFT}/candles", {"limt": "5"}, 400, "limit"),
    (f"{MSFT}/signals", {"kind": "x", "variant": "classic"}, 400, "touch"),
    (f"{MSFT}/sessions", {"start": "2020-01-01", "end": "2022-06-01"}, 400, "93 days"),
    ("/v1/rates/SOFR", {"start": "2022-06-01T00:00:00Z"}, 400, "YYYY-MM-DD"),
    ("/udf/history", {"symbol": "MSFT.XNAS", "resolution": "7", "from": 1, "to": 2}, 400, "60"),
    ("/udf/symbols", {"symbol": "NONE"}, 404, "/udf/search"),
    ("/nothing/here", {}, 404, "openapi"),
]


def is_problem(answer: httpx.Response) -> dict[str, Any]:
    """The problem that an answer is."""
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "next_step"} <= told.keys()
    assert told["status"] == answer.status_code
    return told


@pytest.mark.parametrize(("path", "asked", "status", "hint"), REFUSED)
def test_what_can_not_be_answered_says_what_to_do(
    client: httpx.Client, path: str, asked: dict[str, Any], status: int, hint: str
) -> None:
    answer = client.get(path, params=asked)
    told = is_problem(answer)
    assert answer.status_code == status, told
    assert hint in told["next_step"], told


def test_a_window_too_wide_names_the_widest_that_works(client: httpx.Client) -> None:
    asked = {"interval": "1m", "as_of": "2022-06-16T00:00:00Z", "start": "2020-01-01", "end": "2022-06-16"}
    told = is_problem(client.get(f"{MSFT}/candles", params=asked))
    assert told["widest_days"] == 93

    narrow = client.get(f"{MSFT}/candles", params={**asked, "start": "2022-03-16"})
    assert narrow.status_code == 200


def test_a_cursor_of_another_question_is_refused(client: httpx.Client) -> None:
    cursor = client.get(f"{MSFT}/candles", params={"limit": 2}).json()["nextCursor"]
    assert client.get(f"{MSFT}/candles", params={"limit": 3, "cursor": cursor}).status_code == 200
    told = is_problem(client.get(f"{MSFT}/candles", params={"limit": 2, "interval": "1h", "cursor": cursor}))
    assert told["type"].endswith("foreign-cursor")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_is_written(client: httpx.Client, method: str) -> None:
    answer = client.request(method, f"{MSFT}/candles")
    assert answer.status_code == 405
    is_problem(answer)


@pytest.mark.parametrize("path", [MSFT, f"{MSFT}/candles", "/udf/search", "/live"])
def test_a_query_of_many_bytes_is_refused(client: httpx.Client, path: str) -> None:
    """Of a megabyte nothing is read at all: tests/serving/auth."""
    answer = client.get(path + "?q=" + "a" * 60_000)
    assert answer.status_code == 414
    assert len(answer.content) < 1_000
    is_problem(answer)


INJECTIONS = (
    "' OR '1'='1",
    "'; DROP TABLE market.candles; --",
    "1) UNION SELECT usename, passwd FROM pg_shadow --",
    "$1",
    "%s",
    "\\'; SELECT pg_sleep(9); --",
    "\u0000",
    "{}",
    "ｗｉｄｅ",
)


@pytest.mark.parametrize("path", ROUTES)
def test_sql_in_any_parameter_is_only_a_text(client: httpx.Client, path: str) -> None:
    route = DESCRIBED["paths"][path]["get"]
    for parameter in route.get("parameters", ()):
        for text in INJECTIONS:
            names = {"instrument_id": "MSFT.XNAS", "rate": "SOFR", "mic": "XNAS", "series_id": "GDP"}
            query = {"symbol": "MSFT.XNAS", "resolution": "60", "from": "0", "to": "9", "interval": "1h"}
            known = {
                one["name"] for one in route["parameters"] if one["in"] == "query" and one.get("required")
            }
            asked = {name: query.get(name, "2022-06-01T13:30:00Z") for name in known}
            if parameter["in"] == "path":
                names[parameter["name"]] = text
            else:
                asked[parameter["name"]] = text
            address = path
            for name, value in names.items():
                address = address.replace(
                    "{" + name + "}", httpx.QueryParams({"": value}).__str__()[1:].replace("+", "%20")
                )
            answer = client.get(address, params=asked)
            assert answer.status_code < 500, (address, parameter["name"], text)
            for word in ("syntax error", "asyncpg", "psycopg", "Traceback", "pg_", "SELECT count"):
                assert word not in answer.text.replace(repr(text)[1:-1], "").replace(text, ""), answer.text
    assert client.get(f"{MSFT}/candles").json()["rows"]
