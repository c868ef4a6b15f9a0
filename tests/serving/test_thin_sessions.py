"""Sessions of few minutes: pages and bars of charts hold all of them, however few rows a session has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import httpx
import pytest

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.sources import refresh_reference
from findata_core.calendars import sessions_of
from tests.conftest import MakePlatform
from tests.serving.served import served
from tests.steps.folders import Bar, load, minutes_from, write_folder

SESSIONS = 14
MINUTES: list[Bar] = [(300, 306, 297, 303, 900), (303, 309, 300, 306, 600), (306, 306, 303, 303, 300)]
CANDLES = "/v1/instruments/MSFT.XNAS/candles"


def opens() -> list[datetime]:
    """The opens of the sessions, 13:30 UTC in summer."""
    days = sessions_of("XNAS", date(2022, 6, 1), date(2022, 7, 1))["session_date"].to_list()[:SESSIONS]
    return [datetime.combine(day, time(13, 30), UTC) for day in days]


@pytest.fixture(scope="module")
def client(
    make_module_platform: MakePlatform, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A client of a server that holds three minutes of each of many sessions."""
    platform = make_module_platform()
    refresh_reference(platform)
    folder = tmp_path_factory.mktemp("thin")
    for start in opens():
        received = f"{start:%Y-%m-%d}T22:00:00Z"
        load(platform, write_folder(folder / f"{start:%d}", received, minutes_from(start, MINUTES)))
    run_due(platform)
    with served(platform) as asking:
        yield asking


def expected() -> list[int]:
    return [int((start + timedelta(minutes=minute)).timestamp()) for start in opens() for minute in range(3)]


@pytest.mark.parametrize("limit", [2, 20, 1_000])
@pytest.mark.parametrize("start", ["2022-06-01", "2022-06-01T00:00:00Z", None])
def test_pages_hold_every_minute_once(client: httpx.Client, limit: int, start: str | None) -> None:
    asked = {"interval": "1m", "limit": limit, "format": "columns", **({"start": start} if start else {})}
    times: list[int] = []
    cursor: str | None = None
    while True:
        answer = client.get(CANDLES, params=asked | ({"cursor": cursor} if cursor else {})).json()
        page = [value // 1_000_000 for value in answer["columns"]["event_time"]]
        times = times + page if start else page + times
        cursor = answer["next_cursor"]
        assert len(page) == limit or cursor is None, "only the last page is a short one"
        if cursor is None:
            break
    assert times == expected()


def test_a_chart_gets_as_many_bars_as_it_asks_for(client: httpx.Client) -> None:
    asked = {"symbol": "MSFT.XNAS", "resolution": "1", "from": 0, "to": 1_658_000_000, "countback": 30}
    assert client.get("/udf/history", params=asked).json()["t"] == expected()[-30:]


@pytest.mark.parametrize("limit", [1, 2, 20])
@pytest.mark.parametrize("known", [1, 7, SESSIONS])
def test_pages_of_what_was_known_hold_every_minute_once(client: httpx.Client, limit: int, known: int) -> None:
    instant = f"{opens()[known - 1]:%Y-%m-%d}T22:00:00Z"
    asked = {"interval": "1m", "limit": limit, "format": "columns", "as_of": instant}
    times: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = client.get(CANDLES, params=asked | ({"cursor": cursor} if cursor else {})).json()
        times = [value // 1_000_000 for value in answer["columns"]["event_time"]] + times
        cursor = answer["next_cursor"]
    assert times == expected()[: 3 * known]
