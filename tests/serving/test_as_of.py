"""What was known at an instant, and what follows from a split: two payloads and a split, their answers by hand.

Received on 2022-06-01: three minutes of MSFT from 13:30 on 2022-05-31. Received on 2022-06-10: the second of them said
otherwise. From 2022-08-25 on the shares are split three for one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import refresh_reference
from tests.conftest import MakePlatform
from tests.serving.served import served
from tests.steps.folders import Bar, load, minutes_from, write_folder, write_rates

FIRST, SECOND = "2022-06-01T12:00:00Z", "2022-06-10T12:00:00Z"
JUST_BEFORE = "2022-06-10T11:59:59.999999Z"
OPEN = datetime.fromisoformat("2022-05-31 13:30:00+00:00")
SAID: list[Bar] = [(300, 306, 297, 303, 900), (303, 309, 300, 306, 600), (306, 306, 303, 303, 300)]
SAID_LATER: list[Bar] = [(300, 306, 297, 303, 900), (303, 333, 300, 306, 660), (306, 306, 303, 303, 300)]
CANDLES = "/v1/instruments/MSFT.XNAS/candles"
WINDOW = {"start": "2022-05-31", "end": "2022-06-01", "format": "columns"}
SPLIT = """INSERT INTO reference.splits (instrument_id, source, ex_date, numerator, denominator, ratio_said, ingest_time,
    payload_id) VALUES ('MSFT.XNAS', 'recorded', '2022-08-25', 3, 1, '3:1', '2022-08-01', 1)"""


@pytest.fixture(scope="module")
def corrected(make_module_platform: MakePlatform, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """A platform that was told twice."""
    platform = make_module_platform()
    folder = tmp_path_factory.mktemp("told")
    refresh_reference(platform)
    for name, received, bars in (("first", FIRST, SAID), ("second", SECOND, SAID_LATER)):
        load(platform, write_folder(folder / name, received, minutes_from(OPEN, bars)))
    for name, received, rate in (("a", FIRST, 0.8), ("b", SECOND, 0.81)):
        load(platform, write_rates(folder / name, received, {"2022-05-24": rate, "2022-05-25": 0.9}), "rates")
    run_due(platform)
    with platform.store.database.transaction() as cursor:
        cursor.execute(SPLIT)
    return platform


@pytest.fixture(scope="module")
def asking(corrected: Platform) -> Iterator[httpx.Client]:
    """A client of a server over it."""
    with served(corrected) as client:
        yield client


def columns(client: httpx.Client, path: str = CANDLES, **asked: Any) -> dict[str, Any]:
    answer = client.get(path, params=WINDOW | asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["columns"]
    return found


@pytest.mark.parametrize(
    ("as_of", "high", "volume"),
    [(FIRST, 309, 1800), (JUST_BEFORE, 309, 1800), (SECOND, 333, 1860), (None, 333, 1860)],
)
@pytest.mark.parametrize("interval", ["5m", "15m", "1h", "1d"])
def test_a_candle_is_what_was_known_of_it(
    asking: httpx.Client, interval: str, as_of: str | None, high: float, volume: int
) -> None:
    asked = {"interval": interval} | ({"as_of": as_of} if as_of else {})
    found = columns(asking, **asked)
    assert (found["open"], found["high"], found["low"], found["close"]) == ([300], [high], [297], [303])
    assert found["volume"] == [volume]


@pytest.mark.parametrize(("as_of", "highs"), [(FIRST, [306, 309, 306]), (SECOND, [306, 333, 306])])
def test_minutes_are_what_was_known_of_them(asking: httpx.Client, as_of: str, highs: list[float]) -> None:
    assert columns(asking, interval="1m", as_of=as_of)["high"] == highs


@pytest.mark.parametrize("as_of", ["2022-05-31T23:00:00Z", "2022-06-01T11:59:59.999999Z"])
def test_before_anything_was_known_there_is_nothing_and_the_answer_says_so(
    asking: httpx.Client, as_of: str
) -> None:
    for path in (CANDLES, "/v1/instruments/MSFT.XNAS/signals"):
        answer = asking.get(path, params={"as_of": as_of, "start": "2022-05-31", "end": "2022-06-01"}).json()
        assert answer["rows"] == []
        assert as_of[:19] in answer["notes"][0]


def test_the_instants_at_which_something_became_known_are_told(asking: httpx.Client) -> None:
    found = columns(asking, "/v1/instruments/MSFT.XNAS/known-times", interval="5m")
    times = [int(datetime.fromisoformat(text).timestamp()) * 1_000_000 for text in (FIRST, SECOND)]
    assert found["known_time"] == times


def test_a_fixing_is_what_was_known_of_it_and_its_versions_are_told(asking: httpx.Client) -> None:
    def rates(**asked: str) -> list[float]:
        answer = asking.get("/v1/rates/SOFR", params=asked).json()
        return [row["ratePercent"] for row in answer["rows"]]

    assert rates() == rates(as_of=SECOND) == [0.81, 0.9]
    assert rates(as_of=JUST_BEFORE) == [0.8, 0.9]
    versions = asking.get("/v1/rates/SOFR/revisions").json()["rows"]
    assert [(row["ratePercent"], row.get("supersededTime")) for row in versions] == [
        (0.8, SECOND),
        (0.81, None),
    ]


def test_a_split_divides_prices_and_multiplies_volumes(asking: httpx.Client) -> None:
    for interval in ("1m", "5m", "1d", "1w"):
        found = columns(asking, interval=interval, adjust="split", start="2022-05-30", source_interval="1m")
        last = {name: found[name][-1] for name in ("high", "close", "volume")}
        stored = columns(asking, interval=interval, start="2022-05-30", source_interval="1m")
        assert last["close"] == pytest.approx(101)  # 303 / 3
        assert last["volume"] == 3 * stored["volume"][-1]
    assert columns(asking, interval="5m", adjust="split")["price_factor"] == [pytest.approx(1 / 3)]


def test_before_the_split_nothing_is_divided(asking: httpx.Client) -> None:
    found = columns(asking, interval="5m", adjust="split", as_of="2022-08-20T00:00:00Z")
    assert (found["close"], found["price_factor"]) == ([303], [1])


def test_a_session_says_what_is_there_what_was_revised_and_whether_it_can_be_used(
    asking: httpx.Client,
) -> None:
    answer = asking.get(
        "/v1/instruments/MSFT.XNAS/sessions", params={"start": "2022-05-28", "end": "2022-06-01"}
    )
    (row,) = answer.json()["rows"]  # a weekend, then Memorial Day

    assert row["sessionDate"] == "2022-05-31"
    assert (row["status"], row["presentBars"], row["expectedBars"]) == ("partial", 3, 390)
    assert row["missingRanges"] == ["13:33-20:00"]
    assert (row["quarantinedRows"], row["revisedRows"]) == ("0", "1")
    assert row["isSettled"] is True
    assert row["verdict"] in ("no", "exceptions")


def test_a_candle_is_explained_down_to_the_payloads(asking: httpx.Client, corrected: Platform) -> None:
    asked = {"interval": "5m", "event_time": "2022-05-31T13:30:00Z"}
    (chain,) = asking.get("/v1/instruments/MSFT.XNAS/explain", params=asked).json()["explanations"]

    assert chain["isEqual"] is True
    assert chain["differences"] == []
    assert chain["stored"] == chain["refolded"]
    assert chain["stored"]["high"] == 333
    assert sum(payload["bars"] for payload in chain["payloads"]) == 3
    assert {payload["receivedTime"] for payload in chain["payloads"]} == {FIRST, SECOND}
    assert all(payload["sha256"] == payload["sha256Now"] for payload in chain["payloads"])


def test_a_kept_answer_is_not_given_when_a_payload_has_changed_it(
    asking: httpx.Client, corrected: Platform, tmp_path: Path
) -> None:
    """Last, as it changes what is stored."""
    before = [columns(asking, interval="15m")["low"] for _ in range(4)]
    later: list[Bar] = [SAID_LATER[0], SAID_LATER[1], (306, 306, 222, 303, 300)]
    load(corrected, write_folder(tmp_path / "third", "2022-06-20T12:00:00Z", minutes_from(OPEN, later)))
    run_due(corrected)
    asking_app_forgets(asking)

    assert before == [[297]] * 4
    assert columns(asking, interval="15m")["low"] == [222]


def asking_app_forgets(client: httpx.Client) -> None:
    """Wait until the digests are asked for again: they are after a second."""
    deadline = time.monotonic() + 1.1
    while time.monotonic() < deadline:
        client.get("/live")
