"""TradingView's UDF protocol: what its library asks, answered with what the files hold."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from findata_serving.udf_symbols import session_text


def second(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def history(client: httpx.Client, **asked: Any) -> dict[str, Any]:
    answer = client.get("/udf/history", params={"symbol": "MSFT.XNAS", **asked})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_days_stand_at_midnight_of_their_session_and_are_those_of_the_file(client: httpx.Client) -> None:
    asked = {"resolution": "1D", "from": second("2022-05-18"), "to": second("2022-05-20")}
    found = history(client, **asked)

    # findata_resources/sample/MSFT_1d.csv
    assert found["s"] == "ok"
    assert found["t"] == [second("2022-05-18"), second("2022-05-19")]
    assert found["c"] == [pytest.approx(254.08, abs=1e-4), pytest.approx(253.14, abs=1e-4)]
    assert found["v"] == [31_356_000, 32_692_300]


def test_days_of_an_exchange_in_the_east_stand_at_their_own_date(client: httpx.Client) -> None:
    asked = {
        "symbol": "XHKG:9988",
        "resolution": "D",
        "from": second("2022-05-18"),
        "to": second("2022-05-19"),
    }
    assert history(client, **asked)["t"] == [second("2022-05-18")]


def test_months_stand_at_their_first_trading_day(client: httpx.Client) -> None:
    found = history(client, resolution="1M", **{"from": 0, "to": second("2022-07-01")})
    assert found["t"] == [second("2022-05-02"), second("2022-06-01")]  # May 1st was a Sunday


def test_a_window_is_open_at_its_end(client: httpx.Client) -> None:
    asked = {"from": second("2022-05-24 13:30"), "to": second("2022-05-24 14:30")}
    assert history(client, resolution="30", **asked)["t"] == [
        second("2022-05-24 13:30"),
        second("2022-05-24 14:00"),
    ]


def test_countback_goes_before_the_window_where_it_must(client: httpx.Client) -> None:
    asked = {"from": second("2022-05-24 13:30"), "to": second("2022-05-24 14:00"), "countback": 3}
    found = history(client, resolution="30", **asked)
    assert found["t"] == [second(f"2022-05-{text}") for text in ("23 19:00", "23 19:30", "24 13:30")]


@pytest.mark.parametrize(("resolution", "latest"), [("60", "2022-05-27 19:30"), ("1D", "2022-05-27 00:00")])
def test_of_a_weekend_it_says_where_the_latest_data_is(
    client: httpx.Client, resolution: str, latest: str
) -> None:
    asked = {"from": second("2022-05-28"), "to": second("2022-05-30")}
    assert history(client, resolution=resolution, **asked) == {"s": "no_data", "nextTime": second(latest)}


def test_before_all_data_there_is_none_and_no_next_time(client: httpx.Client) -> None:
    asked = {"from": second("2001-05-28"), "to": second("2001-05-30")}
    assert history(client, resolution="5", **asked) == {"s": "no_data"}


def test_an_unknown_symbol_is_told_in_the_librarys_words(client: httpx.Client) -> None:
    answer = client.get("/udf/symbols", params={"symbol": "NOPE"})
    assert (answer.status_code, answer.json()["s"], answer.json()["errmsg"]) == (
        404,
        "error",
        "unknown_symbol",
    )


@pytest.mark.parametrize(
    ("symbol", "session", "zone"),
    [
        ("MSFT.XNAS", "0930-1600", "America/New_York"),
        ("AZN.XLON", "0800-1630", "Europe/London"),
        ("9988.XHKG", "0930-1200,1300-1600", "Asia/Hong_Kong"),
    ],
)
def test_a_symbol_has_its_exchanges_hours(client: httpx.Client, symbol: str, session: str, zone: str) -> None:
    found = client.get("/udf/symbols", params={"symbol": symbol}).json()
    assert (found["session"], found["timezone"]) == (session, zone)
    assert found["ticker"] == symbol


def test_what_the_library_sends_besides_is_not_refused(client: httpx.Client) -> None:
    asked = {"from": second("2022-05-24"), "to": second("2022-05-25"), "currencyCode": "USD", "unitId": "1"}
    assert history(client, resolution="240", **asked)["s"] == "ok"


def test_marks_stand_on_candles(client: httpx.Client) -> None:
    window: dict[str, Any] = {"from": second("2022-05-18"), "to": second("2022-06-16")}
    for resolution in ("5", "60", "1D"):
        marks = client.get(
            "/udf/marks", params={**window, "symbol": "MSFT.XNAS", "resolution": resolution}
        ).json()
        times = set(history(client, resolution=resolution, **window)["t"])
        assert marks["time"]
        assert set(marks["time"]) <= times
        assert len({len(values) for values in marks.values()}) == 1
        assert max(marks["time"].count(time) for time in marks["time"]) <= 10


def test_a_session_that_lacks_minutes_is_marked(client: httpx.Client) -> None:
    # The sample's minutes of MSFT begin at 16:00 UTC on 2022-05-18: the 4h candle of 13:30 has 90 of its 240.
    window = {
        "symbol": "MSFT.XNAS",
        "from": second("2022-05-18"),
        "to": second("2022-05-19"),
        "resolution": "240",
    }
    marks = client.get("/udf/marks", params=window).json()
    assert "90 of 240 minutes are there" in marks["text"]


def test_half_days_do_not_change_the_usual_hours() -> None:
    zone = ZoneInfo("America/New_York")
    usual = [_hours(date(2022, 11, 14) + timedelta(days=day), 16, zone) for day in range(3)]
    assert session_text([_hours(date(2022, 11, 25), 13, zone), *usual], zone) == "0930-1600"


def _hours(day: date, closing: int, zone: ZoneInfo) -> tuple[datetime | None, ...]:
    opens = datetime(day.year, day.month, day.day, 9, 30, tzinfo=zone)
    return opens, None, None, opens.replace(hour=closing, minute=0)


def test_search_finds_parts_of_names_in_any_case(client: httpx.Client) -> None:
    found = client.get("/udf/search", params={"query": "ms", "exchange": "", "type": "", "limit": 5}).json()
    assert [one["ticker"] for one in found] == ["MSFT.XNAS"]
    assert client.get("/udf/search", params={"query": "ms", "exchange": "XLON"}).json() == []


def test_the_server_tells_the_time(client: httpx.Client) -> None:
    assert abs(int(client.get("/udf/time").text) - datetime.now(UTC).timestamp()) < 60
    assert client.get("/udf/config").json()["supports_time"] is True
