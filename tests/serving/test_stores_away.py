"""A store that is away is told of, and costs no more than it must; callers that hang up leave nothing running."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest
from pydantic import SecretStr

from findata_assets.steps.platform import Platform
from findata_resources.embedded.processes import free_ports, wait_until
from tests.chaos.proxy import Proxy
from tests.serving.served import served

PATIENCE_SECONDS = 60.0
CANDLES = "/v1/instruments/MSFT.XNAS/candles"
EXPLAIN = "/v1/instruments/MSFT.XNAS/explain?interval=1h&event_time=2022-06-01T13:30:00Z"


def at_port(url: str, port: int) -> SecretStr:
    parts = urlsplit(url)
    return SecretStr(urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}")))


def test_without_the_database_every_route_says_so_and_they_recover_by_themselves(
    loaded_sample: Platform,
) -> None:
    url = loaded_sample.store.database.url
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    proxy = Proxy(parts.hostname, parts.port, lambda: None)
    with served(loaded_sample, database_url=at_port(url, proxy.port)) as client:
        with proxy:
            assert client.get(CANDLES).status_code == 200
            assert client.get("/ready").status_code == 200
        _kill_connections(url)

        for path in (CANDLES, "/v1/rates", "/udf/config", EXPLAIN, f"{CANDLES}?as_of=2022-06-16T00:00:00Z"):
            answer = client.get(path)
            assert answer.status_code == 503, path
            assert answer.headers["content-type"] == "application/problem+json"
            assert "/ready" in answer.json()["next_step"]
            assert "127.0.0.1" not in answer.text
        ready = client.get("/ready")
        assert (ready.status_code, ready.json()["stores"]["database"]) == (503, "away")
        assert client.get("/live").status_code == 200

        proxy_again = Proxy(parts.hostname, parts.port, lambda: None)
        client_again = served(loaded_sample, database_url=at_port(url, proxy_again.port))
        with proxy_again, client_again as other:
            assert other.get(CANDLES).status_code == 200
            _kill_connections(url)
            assert other.get(CANDLES).status_code == 200  # the lost connection is replaced on the way


def _kill_connections(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE application_name = 'findata serving' AND datname = current_database()"
        )


def test_without_s3_only_explain_suffers(loaded_sample: Platform) -> None:
    (port,) = free_ports(1)
    with served(loaded_sample, s3_endpoint=f"http://127.0.0.1:{port}") as client:
        assert client.get(CANDLES).status_code == 200
        ready = client.get("/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        explained = client.get(EXPLAIN)
        assert explained.status_code == 503
        assert "S3" in explained.json()["detail"]


@pytest.fixture
def waiting(loaded_sample: Platform) -> Callable[[], int]:
    """Tells how many queries of the server wait for a lock."""

    def count() -> int:
        with psycopg.connect(loaded_sample.store.database.url, autocommit=True) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'findata serving' "
                "AND datname = current_database() AND state = 'active'"
            ).fetchone()
        assert row is not None
        return int(row[0])

    return count


def test_a_caller_who_hangs_up_leaves_no_query_running(
    client: httpx.Client, loaded_sample: Platform, waiting: Callable[[], int]
) -> None:
    with psycopg.connect(loaded_sample.store.database.url) as locking:
        locking.execute("LOCK TABLE market.candles IN ACCESS EXCLUSIVE MODE")
        with suppress(httpx.ReadTimeout):
            client.get(CANDLES, params={"limit": 3}, timeout=0.5)
            raise AssertionError("it was answered in spite of the lock")
        assert wait_until(lambda: waiting() == 0, PATIENCE_SECONDS)
        locking.rollback()
    assert client.get(CANDLES, params={"limit": 3}).status_code == 200
