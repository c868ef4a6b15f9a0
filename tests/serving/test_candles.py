"""Candles over HTTP are the rows of the database."""

from __future__ import annotations

import httpx

from findata_assets.steps.platform import Platform


def test_the_latest_candles_are_those_of_the_table(client: httpx.Client, loaded_sample: Platform) -> None:
    answer = client.get(
        "/v1/instruments/MSFT.XNAS/candles", params={"interval": "1h", "format": "columns", "limit": 10}
    )

    assert answer.status_code == 200
    rows = loaded_sample.read("market.candles", interval="1h").filter(instrument_id="MSFT.XNAS")
    last = rows.sort("event_time").tail(10)
    columns = answer.json()["columns"]
    assert columns["close"] == last["close"].to_list()
    assert columns["event_time"] == last["event_time"].dt.epoch("us").to_list()
    assert columns["session_date"] == last["session_date"].cast(str).to_list()


def test_live_and_ready_say_so(client: httpx.Client) -> None:
    assert client.get("/live").status_code == 200
    assert client.get("/ready").json() == {
        "status": "ready",
        "stores": {"database": "ready", "objects": "ready"},
    }
