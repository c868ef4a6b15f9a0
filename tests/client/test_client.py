"""The client against a served sample: frames are the database's rows, in the contract's dtypes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from findata_assets.steps.platform import Platform
from findata_client import BadQuestion, Client, NotFound, ServerAway
from findata_client import client as clients
from findata_client.asking import Patience
from findata_core.schema.frames import polars_schema
from findata_core.schema.views import view
from tests.serving.served import OPEN_TO_ALL, served

MSFT, LONDON = "MSFT.XNAS", "AZN.XLON"
START, END = date(2022, 6, 1), date(2022, 6, 8)


@pytest.fixture(scope="module")
def client(loaded_sample: Platform) -> Iterator[Client]:
    with served(loaded_sample, **OPEN_TO_ALL) as serving, Client(str(serving.base_url)) as asking:
        yield asking


def stored(platform: Platform, instrument_id: str, interval: str) -> pl.DataFrame:
    rows = platform.read("market.candles", START, END, interval=interval)
    return rows.filter(pl.col("instrument_id") == instrument_id, pl.col("source_interval") == "1m").sort(
        "event_time"
    )


def test_candles_are_the_database_s_rows_in_the_dtypes_of_the_contract(
    client: Client, loaded_sample: Platform
) -> None:
    found = client.candles(MSFT, "5m", start=START, end=END)

    expected = stored(loaded_sample, MSFT, "5m")
    assert found.schema == polars_schema(view("v1_live.candles"))
    shared = [name for name in expected.columns if name in found.columns]
    assert len(shared) >= 15
    assert found.select(shared).equals(expected.select(shared))


def test_pages_are_joined_and_nothing_is_doubled(
    client: Client, loaded_sample: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = client.candles(MSFT, "5m", start=START, end=END)
    monkeypatch.setattr(clients, "MOST_ROWS", 100)

    assert client.candles(MSFT, "5m", start=START, end=END).equals(whole)
    assert client.candles(MSFT, "5m", start=START, end=END, limit=150).equals(whole.head(150))
    assert client.candles(MSFT, "5m", limit=7)["event_time"].is_sorted()


def test_lists_without_a_start_are_all_rows_or_the_latest_in_the_order_of_time(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = client.rates("SOFR", start="1900-01-01")
    monkeypatch.setattr(clients, "MOST_ROWS", 40)

    assert whole.height > 100
    assert client.rates("SOFR").equals(whole)
    assert client.rates("SOFR", limit=50).equals(whole.tail(50))
    assert client.rates("SOFR", start="1900-01-01", limit=50).equals(whole.head(50))


def test_several_instruments_come_one_after_the_other(client: Client) -> None:
    both = client.candles([LONDON, MSFT], "1d", start=START, end=END, source_interval="1m")
    one_by_one = [
        client.candles(name, "1d", start=START, end=END, source_interval="1m") for name in (LONDON, MSFT)
    ]
    assert both.equals(pl.concat(one_by_one))


def test_minutes_are_bars_and_pandas_takes_them(client: Client) -> None:
    minutes = client.bars(MSFT, start=date(2022, 6, 1), end=date(2022, 6, 2))
    assert minutes.height == 390
    assert minutes.schema == client.candles(MSFT, "1m", limit=1).schema
    assert minutes.to_pandas()["close"].tolist() == minutes["close"].to_list()


@pytest.mark.parametrize("window", [{"start": date(2022, 5, 1)}, {}], ids=["forward", "back in time"])
def test_a_month_of_minutes_is_every_regular_bar_of_its_source(
    client: Client, loaded_sample: Platform, window: dict[str, date]
) -> None:
    found = client.bars(MSFT, limit=50_000, **window)

    bars = loaded_sample.read("market.bars", date(2022, 5, 1), date(2022, 7, 1), interval="1m")
    expected = bars.filter(
        pl.col("instrument_id") == MSFT,
        pl.col("session_phase") == "regular",
        pl.col("source") == found["source"].first(),
    ).sort("event_time")
    shared = [
        "event_time",
        "open",
        "high",
        "low",
        "close",
        "volume",
        "session_date",
        "settles_time",
        "ingest_time",
    ]
    assert found["session_date"].n_unique() > 15
    assert found.select(shared).equals(expected.select(shared))


def test_as_of_before_anything_was_known_is_an_empty_frame_of_the_same_shape(client: Client) -> None:
    nothing = client.candles(MSFT, "5m", start=START, end=END, as_of="2000-01-01T00:00:00Z")
    assert nothing.is_empty()
    assert nothing.schema == polars_schema(view("v1_live.candles"))
    known = client.candles(MSFT, "5m", start=START, end=END, as_of=datetime.now(UTC) - timedelta(minutes=1))
    assert known.select("event_time", "close").equals(
        client.candles(MSFT, "5m", start=START, end=END).select("event_time", "close")
    )


def test_every_question_has_the_rows_that_its_view_has(client: Client) -> None:
    views = {
        "pivots": client.pivots(MSFT, limit=5),
        "signals": client.signals(MSFT, limit=5),
        "rates": client.rates("SOFR", start="2022-01-01", limit=5),
        "averages": client.averages("SOFR", start="2022-01-01", limit=5),
        "sessions": client.sessions("XNAS", start=START, end=END),
    }
    for name, frame in views.items():
        assert not frame.is_empty(), name
        for column, kind in polars_schema(view(f"v1_live.{name}")).items():
            assert frame.schema.get(column, kind) == kind, (name, column)
    assert MSFT in client.instruments("MSFT")["instrument_id"].to_list()
    assert "SOFR" in client.rates()["rate"].to_list()
    assert client.series().width > 3
    assert client.revisions("SOFR").width > 3
    assert client.coverage(MSFT, start=START, end=END)["session_date"].to_list()[0] == START


def test_a_candle_is_explained_down_to_its_payloads(client: Client) -> None:
    told = client.explain(MSFT, "5m", datetime(2022, 6, 1, 13, 30, tzinfo=UTC))
    assert told


def test_one_instrument_is_told_and_one_that_is_not_there_has_neighbours(client: Client) -> None:
    assert MSFT in str(client.instrument(MSFT))
    with pytest.raises(NotFound) as missing:
        client.candles("MSTF.XNAS")
    assert missing.value.status == 404
    assert missing.value.next_step
    assert MSFT in missing.value.near or MSFT in str(missing.value.members)


@pytest.mark.parametrize(
    "asking",
    [
        lambda client: client.candles(MSFT, "7m"),
        lambda client: client.candles(MSFT, start=datetime(2022, 6, 1)),  # noqa: DTZ001  (no zone)
        lambda client: client.candles(MSFT, limit=0),
        lambda client: client.candles(MSFT, limit=1_000_000),
        lambda client: client.candles([]),
        lambda client: client.candles(""),
        lambda client: client.candles(MSFT, as_of="2100-01-01T00:00:00Z"),
        lambda client: next(client.stream(interval="1m")),
    ],
)
def test_a_question_that_can_not_be_answered_says_what_to_do(
    client: Client, asking: Callable[[Client], object]
) -> None:
    with pytest.raises(BadQuestion) as refused:
        asking(client)
    assert refused.value.next_step


def test_where_nobody_answers_it_says_so_after_its_tries() -> None:
    pauses: list[float] = []
    patience = Patience(tries=3, sleep=pauses.append, chance=lambda: 1.0)
    with (
        Client("http://127.0.0.1:9", patience=patience) as nobody,
        pytest.raises(ServerAway, match=r"127\.0\.0\.1:9"),
    ):
        nobody.instruments()
    assert pauses == [0.25, 0.5]


def test_importing_it_loads_nothing_of_findata_but_the_contract() -> None:
    program = (
        "import sys, findata_client\n"
        "heavy = {'findata_core', 'findata_resources', 'dagster', 'pandas', 'pyarrow', 'fastapi', 'sqlalchemy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
