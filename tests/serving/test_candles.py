"""Candles over HTTP: what is stored, page by page, on the calendar's grid; expected values by hand or from the files."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from typing import Any

import httpx
import polars as pl
import pytest

from findata_assets.steps.platform import Platform
from findata_serving import grids
from tests.conftest import SAMPLE

ANSWERS = SAMPLE.parents[1] / "tests" / "answers" / "candles_by_hand.csv"
INSTRUMENTS = ("9988.XHKG", "AZN.XLON", "MSFT.XNAS")
# Hong Kong trades 150 and 180 minutes, London 510, New York 390.
MINUTES = {"9988.XHKG": 330, "AZN.XLON": 510, "MSFT.XNAS": 390}


def columns(client: httpx.Client, instrument_id: str, **asked: Any) -> dict[str, list[Any]]:
    """The columns of an answer with candles."""
    answer = client.get(f"/v1/instruments/{instrument_id}/candles", params={**asked, "format": "columns"})
    assert answer.status_code == 200, answer.text
    found: dict[str, list[Any]] = answer.json()["columns"]
    return found


def microseconds(text: str) -> int:
    """An instant of UTC in microseconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def by_hand() -> list[dict[str, str]]:
    lines = [line for line in ANSWERS.read_text().splitlines() if not line.startswith("#")]
    return [row for row in csv.DictReader(lines) if row["instrument_id"] in INSTRUMENTS]


def test_candles_are_those_that_were_worked_out_by_hand(client: httpx.Client) -> None:
    rows = by_hand()
    assert len(rows) > 10
    for row in rows:
        start = row["start_time"].replace(" ", "T") + ":00Z"
        found = columns(
            client, row["instrument_id"], interval=row["interval"], start=start, limit=1, source_interval="1m"
        )
        assert found["event_time"] == [microseconds(row["start_time"])]
        for name in ("open", "high", "low", "close"):
            assert found[name] == [pytest.approx(float(row[name]), abs=1e-6)], row
        assert found["volume"] == [int(row["volume"])]
        assert found["present_minutes"] == [int(row["present_minutes"])]


def test_minutes_are_those_of_the_file_that_are_within_the_session(client: httpx.Client) -> None:
    text = (SAMPLE / "MSFT_1m.csv").read_text()
    lines = [row for row in csv.DictReader(io.StringIO(text)) if row["date"].startswith("2022-05-24")]
    regular = [row for row in lines if "13:30" <= row["date"][11:16] < "20:00"]

    found = columns(client, "MSFT.XNAS", interval="1m", start="2022-05-24", end="2022-05-25")

    assert found["event_time"] == [microseconds(row["date"][:19]) for row in regular]
    assert found["close"] == [pytest.approx(float(row["close"]), abs=1e-4) for row in regular]
    assert found["volume"] == [int(float(row["volume"])) for row in regular]


def test_days_are_the_providers_own_unless_minutes_are_asked_for(client: httpx.Client) -> None:
    own = columns(client, "AZN.XLON", interval="1d", start="2022-05-19", end="2022-05-20")
    folded = columns(
        client, "AZN.XLON", interval="1d", start="2022-05-19", end="2022-05-20", source_interval="1m"
    )

    # findata_resources/sample/AZN.L_1d.csv, the line of 2022-05-19
    assert (own["open"], own["high"], own["low"], own["close"]) == (
        [10182.0],
        [10276.0],
        [10088.0],
        [10250.0],
    )
    assert own["volume"] == [2_367_764]
    assert own["source_interval"] == ["1d"]
    assert folded["source_interval"] == ["1m"]


@pytest.mark.parametrize("interval", ["5m", "15m", "30m", "1h", "4h"])
def test_candles_of_every_width_are_all_the_rows_of_the_table(
    client: httpx.Client, loaded_sample: Platform, interval: str
) -> None:
    stored = loaded_sample.read("market.candles", interval=interval).filter(instrument_id="9988.XHKG")

    found = columns(
        client, "9988.XHKG", interval=interval, start="2022-01-01", end="2023-01-01", limit=50_000
    )

    assert found["event_time"] == stored.sort("event_time")["event_time"].dt.epoch("us").to_list()
    assert found["high"] == stored.sort("event_time")["high"].to_list()


@pytest.mark.parametrize(
    ("interval", "table"), [("1w", "market.weekly_candles"), ("1mo", "market.monthly_candles")]
)
@pytest.mark.parametrize("family", ["1m", "1d"])
def test_weeks_and_months_are_all_the_rows_of_their_tables(
    client: httpx.Client, loaded_sample: Platform, interval: str, table: str, family: str
) -> None:
    stored = loaded_sample.read(table).filter(instrument_id="MSFT.XNAS", source_interval=family)

    found = columns(client, "MSFT.XNAS", interval=interval, source_interval=family)

    assert found["period_start_date"] == stored["period_start_date"].cast(pl.String).to_list()
    assert found["close"] == stored["close"].to_list()
    assert found["session_date"] == [None] * stored.height


@pytest.mark.parametrize("interval", ["1m", "5m", "1d", "1w"])
@pytest.mark.parametrize("known", [{}, {"as_of": "2022-07-20T00:00:00Z"}], ids=["now", "as known then"])
@pytest.mark.parametrize("start", [{"start": "2022-05-20"}, {}], ids=["forward", "back in time"])
def test_pages_put_together_are_the_whole(
    client: httpx.Client, interval: str, known: dict[str, str], start: dict[str, str]
) -> None:
    asked = known | start
    whole = columns(client, "AZN.XLON", interval=interval, limit=50_000, **asked)
    times: list[int] = []
    cursor: str | None = ""
    pages = 0
    while cursor is not None:
        params = {
            **asked,
            "interval": interval,
            "limit": 997 if interval == "1m" else 13,
            "format": "columns",
        }
        answer = client.get(
            "/v1/instruments/AZN.XLON/candles", params=params | ({"cursor": cursor} if cursor else {})
        ).json()
        page = answer["columns"]["event_time"]
        times = times + page if start else page + times
        cursor, pages = answer["next_cursor"], pages + 1
    assert times == whole["event_time"]
    assert pages > 1 or interval == "1w"


@pytest.mark.parametrize("instrument_id", INSTRUMENTS)
@pytest.mark.parametrize("interval", ["1m", "5m", "15m", "30m", "1h", "4h", "1d"])
def test_every_candle_that_is_stored_lies_on_the_grid(
    client: httpx.Client, instrument_id: str, interval: str
) -> None:
    window = {"interval": interval, "start": "2022-05-18", "end": "2022-06-16", "limit": 50_000}
    stored = columns(client, instrument_id, **window)
    laid = columns(client, instrument_id, **window, fill="grid")

    assert [
        time for time, is_there in zip(laid["event_time"], laid["is_present"], strict=True) if is_there
    ] == stored["event_time"]
    if instrument_id != "9988.XHKG" and interval != "1d":  # no half day is in these weeks
        days = len({time // 86_400_000_000 for time in laid["event_time"]})
        assert len(laid["event_time"]) == days * -(-MINUTES[instrument_id] // grids.WIDTHS[interval])


def test_the_grid_of_a_session_with_a_break_has_both_its_segments(client: httpx.Client) -> None:
    laid = columns(client, "9988.XHKG", interval="1h", start="2022-05-20", end="2022-05-21", fill="grid")

    # 09:30, 10:30, 11:30 (half an hour), 13:00, 14:00, 15:00 in Hong Kong
    hours = ("01:30", "02:30", "03:30", "05:00", "06:00", "07:00")
    assert laid["event_time"] == [microseconds(f"2022-05-20 {hour}") for hour in hours]


def test_what_is_absent_is_null_and_marked_and_nothing_is_invented(client: httpx.Client) -> None:
    # The sample's minutes of MSFT begin at 16:00 on 2022-05-18, in mid-session (13:30 to 20:00).
    laid = columns(client, "MSFT.XNAS", interval="30m", start="2022-05-18", end="2022-05-19", fill="grid")

    assert laid["is_present"] == [False] * 5 + [True] * 8
    assert laid["open"][:5] == [None] * 5
    assert None not in laid["open"][5:]
    assert laid["volume"][:5] == [None] * 5


def test_a_grid_ends_now_and_not_in_the_future(client: httpx.Client) -> None:
    laid = columns(client, "MSFT.XNAS", interval="1d", start="2026-01-01", end="2199-01-01", fill="grid")

    assert all(time <= datetime.now(UTC).timestamp() * 1_000_000 for time in laid["event_time"])
    assert not any(laid["is_present"])


def test_without_a_split_adjusted_candles_are_as_they_are_stored(client: httpx.Client) -> None:
    for interval in ("1m", "1h", "1d", "1w", "1mo"):
        window = {"interval": interval, "start": "2022-05-23", "end": "2022-06-13"}
        stored, other = (
            columns(client, "MSFT.XNAS", **window),
            columns(client, "MSFT.XNAS", **window, adjust="split"),
        )
        for name in ("event_time", "open", "high", "low", "close", "volume"):
            assert other[name] == stored[name], (interval, name)
        assert stored["event_time"]


def test_only_settled_rows_are_all_rows_of_a_market_long_past(client: httpx.Client) -> None:
    window = {"interval": "1h", "start": "2022-05-23", "end": "2022-05-25"}
    assert columns(client, "MSFT.XNAS", **window, settled="true") == columns(client, "MSFT.XNAS", **window)


def test_a_window_of_instants_begins_and_ends_at_them(client: httpx.Client) -> None:
    window = {"start": "2022-05-23T14:00:00Z", "end": "2022-05-23T10:15:00-04:00"}
    found = columns(client, "MSFT.XNAS", interval="5m", **window)
    assert found["event_time"] == [microseconds(f"2022-05-23 14:{minute:02}") for minute in (0, 5, 10)]


def test_days_of_the_session_and_not_of_utc_are_meant_by_a_date(client: httpx.Client) -> None:
    found = columns(client, "9988.XHKG", interval="4h", start="2022-05-20", end="2022-05-21")
    assert found["session_date"] == [str(date(2022, 5, 20))] * 2


@pytest.mark.parametrize("interval", ["1m", "5m", "4h", "1d", "1w", "1mo"])
@pytest.mark.parametrize("family", ["1m", "1d"])
def test_what_is_known_after_the_last_payload_is_what_is_stored(
    client: httpx.Client, interval: str, family: str
) -> None:
    """Folded on the way by other code than what reads the tables."""
    asked = {"interval": interval, "source_interval": family, "limit": 700}
    stored = columns(client, "AZN.XLON", **asked)
    known = columns(client, "AZN.XLON", **asked, as_of="2022-07-20T00:00:00Z")
    assert known == stored
    assert bool(stored["event_time"]) == (family == "1m" or interval in ("1d", "1w", "1mo"))


def test_levels_and_signals_known_after_the_last_payload_are_those_that_are_stored(
    client: httpx.Client,
) -> None:
    for path, asked in (
        ("pivots", {}),
        ("pivots", {"start": "2022-06-01"}),
        ("signals", {"start": "2022-06-01"}),
    ):
        address = f"/v1/instruments/MSFT.XNAS/{path}"
        stored = client.get(address, params={**asked, "limit": 5000}).json()["rows"]
        known = client.get(address, params={**asked, "limit": 5000, "as_of": "2022-07-20T00:00:00Z"}).json()[
            "rows"
        ]
        assert known == stored
        assert stored
