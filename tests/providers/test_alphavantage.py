"""Alpha Vantage: answers over loopback, recorded ones, notices in place of data, and the key that stays hidden."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from findata_assets.contract import attempt
from findata_assets.steps.bar_sources import BAR_PROVIDERS, LIVE_SOURCES
from findata_core.errors import (
    ConfigurationError,
    DailyLimitReached,
    KeyRefused,
    MalformedPayload,
    ProviderError,
    RefusedRequest,
    RetriableProviderError,
)
from findata_resources.environment import load_settings
from findata_resources.provider import BAR_ROWS, Request, windows_over
from findata_resources.providers import CAPABILITIES, parse_payload, settles_after
from findata_resources.providers.alphavantage import AlphaVantageProvider
from findata_resources.providers.alphavantage_series import API_INTERVALS, bars_request, query_of
from findata_resources.providers.universe import parse as parse_universe
from tests.standin import (
    INVALID_CALL,
    INVALID_KEY,
    QUERY,
    SLOWER_THAN_ANYBODY_WAITS,
    TOO_MANY_REQUESTS,
    UNAVAILABLE,
    Answer,
    StandIn,
    patience_for,
)

NOW = datetime(2024, 7, 8, 21, 0, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
KEY = "Q7ZSECRETKEY42XX"
HEADER = "timestamp,open,high,low,close,volume"
PRICES = "100.5,101.25,100.0,101.0,1200"

# Texts that users of the service quote (finance-quote#104, alpha_vantage#248, finance-quote#546 and others).
DAILY = (
    f"We have detected your API key as {KEY} and our standard API rate limit is 25 requests per day. Please "
    "subscribe to any of the premium plans at https://www.alphavantage.co/premium/ to instantly remove all "
    "daily rate limits."
)
BURST = (
    "Thank you for using Alpha Vantage! Please consider spreading out your free API requests more sparingly (1 "
    "request per second). You may subscribe to any of the premium plans at https://www.alphavantage.co/premium/ "
    "to lift the free key rate limit (25 requests per day), raise the per-second burst limit, and instantly "
    "unlock all premium endpoints"
)
OLD_NOTE = (
    "Thank you for using Alpha Vantage! Our standard API call frequency is 5 calls per minute and 500 calls per "
    "day. Please visit https://www.alphavantage.co/premium/ if you would like to target a higher API call "
    "frequency."
)
PREMIUM = (
    "Thank you for using Alpha Vantage! The outputsize=full parameter value is a premium feature for the "
    "TIME_SERIES_DAILY endpoint. You may subscribe to any of the premium plans at "
    "https://www.alphavantage.co/premium/ to instantly unlock all premium features"
)
DEMO = "The **demo** API key is for demo purposes only. Please claim your free API key at (https://www...)"


@dataclass(frozen=True)
class FixedClock:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn(now=NOW) as server:
        yield server


@pytest.fixture
def provider(standin: StandIn) -> AlphaVantageProvider:
    return made(standin.base_url)


def made(base_url: str, timeout_seconds: float = 30) -> AlphaVantageProvider:
    return AlphaVantageProvider(SecretStr(KEY), base_url, timeout_seconds=timeout_seconds)


def july(interval: str = "1m", symbol: str = "IBM") -> Request:
    """July 2024 in New York: on the 3rd the exchange closed at 13:00, on the 4th it stayed closed."""
    start, end = datetime(2024, 7, 1, tzinfo=NEW_YORK), datetime(2024, 8, 1, tzinfo=NEW_YORK)
    return bars_request(f"{symbol}.XNYS", symbol, interval, start, end)


def parsed(body: bytes, request: Request | None = None) -> pl.DataFrame:
    (one,) = parse_payload(body, json.loads((request or july()).to_json()))
    return one.rows


def as_csv(stamps: Sequence[str]) -> bytes:
    return "\r\n".join([HEADER, *(f"{stamp},{PRICES}" for stamp in stamps), ""]).encode()


def as_json(stamps: Sequence[str], interval: str = "1min", **meta: str) -> bytes:
    said = {
        "1. Information": f"Intraday ({interval}) open, high, low, close prices and volume",
        "2. Symbol": "IBM",
        "3. Last Refreshed": max(stamps, default=""),
        "4. Interval": interval,
        "5. Output Size": "Full size",
        "6. Time Zone": "US/Eastern",
    }
    names = [f"{number}. {name}" for number, name in enumerate(HEADER.split(",")[1:], 1)]
    row = dict(zip(names, PRICES.split(","), strict=True))
    series = dict.fromkeys(stamps, row)
    return json.dumps({"Meta Data": {**said, **meta}, f"Time Series ({interval})": series}).encode()


def local_times(rows: pl.DataFrame) -> list[str]:
    return rows["event_time"].dt.convert_time_zone("America/New_York").dt.strftime("%m-%d %H:%M").to_list()


def test_an_answer_is_kept_byte_for_byte_and_becomes_rows(
    standin: StandIn, provider: AlphaVantageProvider
) -> None:
    body = as_json(["2024-07-01 15:59:00", "2024-07-01 09:30:00"])
    standin.alphavantage_bodies["IBM", "1min", "2024-07"] = body
    received = provider.fetch(july(), FixedClock())
    assert (received.body, received.http_status, received.received_time) == (body, 200, NOW)
    rows = parsed(received.body)
    assert rows.columns == list(BAR_ROWS)
    # In July New York is four hours behind UTC.
    assert rows.row(0, named=True) == {
        "row_number": 0,
        "instrument_id": "IBM.XNYS",
        "interval": "1m",
        "source": "alphavantage",
        "adjustment": "raw",
        "event_time": datetime(2024, 7, 1, 19, 59, tzinfo=UTC),
        "session_date": None,
        "open": 100.5,
        "high": 101.25,
        "low": 100.0,
        "close": 101.0,
        "volume": 1200.0,
        "vwap": None,
        "trade_count": None,
    }
    assert rows["row_number"].to_list() == [0, 1]


def test_minutes_are_asked_as_traded_in_regular_hours_by_the_month(
    standin: StandIn, provider: AlphaVantageProvider
) -> None:
    standin.alphavantage_bodies["IBM", "1min", "2024-07"] = as_json(["2024-07-01 09:30:00"])
    provider.fetch(july(), FixedClock())
    assert standin.paths == [
        f"{QUERY}?function=TIME_SERIES_INTRADAY&symbol=IBM&datatype=json&outputsize=full&interval=1min"
        f"&month=2024-07&adjusted=false&extended_hours=false&apikey={KEY}"
    ]


def test_days_are_asked_as_traded(standin: StandIn, provider: AlphaVantageProvider) -> None:
    meta = {"4. Output Size": "Full size", "5. Time Zone": "US/Eastern"}
    standin.alphavantage_bodies["IBM", "Daily", ""] = as_json(["2024-07-02", "2024-07-01"], "Daily", **meta)
    received = provider.fetch(july("1d"), FixedClock())
    assert standin.paths == [
        f"{QUERY}?function=TIME_SERIES_DAILY&symbol=IBM&datatype=json&outputsize=compact&apikey={KEY}"
    ]
    rows = parsed(received.body, july("1d"))
    assert rows["session_date"].to_list() == [date(2024, 7, 2), date(2024, 7, 1)]
    assert rows["event_time"].null_count() == 2


@pytest.mark.parametrize(
    ("start", "size"),
    [(date(2024, 4, 1), "compact"), (date(2024, 3, 1), "full"), (date(1999, 11, 1), "full")],
)
def test_days_are_asked_in_full_only_where_the_last_hundred_do_not_reach(start: date, size: str) -> None:
    begin = datetime(start.year, start.month, start.day, tzinfo=UTC)
    query = query_of(bars_request("IBM.XNYS", "IBM", "1d", begin, NOW), NOW)
    assert query["outputsize"] == size


def test_csv_and_json_say_the_same() -> None:
    stamps = ["2024-07-02 09:30:00", "2024-07-01 15:59:00", "2024-07-01 09:30:00"]
    assert parsed(as_csv(stamps)).equals(parsed(as_json(stamps)))


@pytest.mark.parametrize("name", ["AAPL", "PPLT", "UGA", "SPY"])
@pytest.mark.parametrize(("interval", "suffix", "minutes"), [("1m", "1min", 1), ("15m", "15min", 15)])
def test_recorded_stamps_of_2019_name_ends(
    trial_data: Path, name: str, interval: str, suffix: str, minutes: int
) -> None:
    path = trial_data / f"bars_1m/masonblier-eqker/{name}_{suffix}.csv"
    records = list(csv.DictReader(path.read_text().splitlines()))
    # The recorder has renamed the first column.
    body = path.read_bytes().replace(b"datetime", b"timestamp", 1)
    rows = parsed(body, bars_request(f"{name}.XNAS", name, interval, NOW, NOW + timedelta(days=1)))
    ends = [datetime.fromisoformat(record["datetime"]).replace(tzinfo=NEW_YORK) for record in records]
    assert rows["event_time"].to_list() == [end.astimezone(UTC) - timedelta(minutes=minutes) for end in ends]
    for column in ("open", "high", "low", "close", "volume"):
        assert rows[column].to_list() == [float(record[column]) for record in records]
    # The regular session in New York, in winter: 14:30 to 21:00 UTC.
    times = rows["event_time"].dt.time().to_list()
    assert min(times).isoformat() >= "14:30"
    assert max(times) == (datetime(2019, 2, 11, 21) - timedelta(minutes=minutes)).time()  # noqa: DTZ001


def test_recorded_days_are_the_files_own(trial_data: Path) -> None:
    path = trial_data / "bars_1m/masonblier-eqker/AAPL_daily.csv"
    body = path.read_bytes().replace(b"datetime", b"timestamp", 1)
    rows = parsed(body, bars_request("AAPL.XNAS", "AAPL", "1d", NOW, NOW + timedelta(days=1)))
    assert rows.height == 283
    assert rows.select("session_date", "open", "high", "low", "close", "volume").row(0) == (
        *(date(2019, 2, 15), 171.25, 171.7, 169.75, 170.42, 24626814.0),
    )


def test_a_recorded_afternoon_does_not_tell_its_label(trial_data: Path) -> None:
    # 100 minutes from 13:17 to 14:56.
    body = (trial_data / "payloads/RomelTorres-alpha_vantage/mock_time_series").read_bytes()
    with pytest.raises(MalformedPayload, match="can't be told whether stamps name the start or the end"):
        parsed(body, july(symbol="MSFT"))


def test_recorded_extended_hours_are_not_taken_for_regular_ones(trial_data: Path) -> None:
    # Stamps from 04:01 to 20:00, which name ends, and 09:30 among them.
    body = (trial_data / "payloads/RomelTorres-alpha_vantage/mock_time_series_extended").read_bytes()
    with pytest.raises(MalformedPayload, match="outside of 09:30 to 16:00"):
        parsed(body)


@pytest.mark.parametrize(
    ("interval", "times", "starts"),
    [
        ("1m", ["09:30", "15:59"], ["09:30", "15:59"]),
        ("1m", ["09:31", "16:00"], ["09:30", "15:59"]),
        ("1m", ["09:31", "15:58", "16:00"], ["09:30", "15:57", "15:59"]),
        # The print of the closing auction, under starts.
        ("1m", ["09:30", "15:59", "16:00"], ["09:30", "15:59", "16:00"]),
        ("5m", ["09:30", "15:55"], ["09:30", "15:55"]),
        ("5m", ["09:35", "16:00"], ["09:30", "15:55"]),
        ("30m", ["09:30", "15:30"], ["09:30", "15:30"]),
        ("30m", ["10:00", "16:00"], ["09:30", "15:30"]),
        # Hours that are counted from the whole hour: the first begins before the open.
        ("1h", ["09:00", "15:00"], ["09:00", "15:00"]),
        ("1h", ["10:00", "16:00"], ["09:00", "15:00"]),
        ("1h", ["10:30", "16:00"], ["09:30", "15:00"]),
    ],
)
def test_the_stamps_tell_which_end_of_a_bar_they_name(
    interval: str, times: list[str], starts: list[str]
) -> None:
    body = as_json([f"2024-07-01 {time}:00" for time in times], API_INTERVALS[interval])
    assert local_times(parsed(body, july(interval))) == [f"07-01 {time}" for time in starts]


@pytest.mark.parametrize(
    "times",
    [
        ["09:31", "15:59"],
        ["12:00"],
        ["09:31", "13:00"],  # a half day under ends, or a day under starts with a thin morning
        ["09:41", "15:58", "16:00"],  # the last minute under ends, or the closing auction under starts
    ],
)
def test_stamps_that_do_not_tell_shift_no_row_but_refuse_the_payload(times: list[str]) -> None:
    with pytest.raises(MalformedPayload, match="start or the end") as raised:
        parsed(as_csv([f"2024-07-03 {time}:00" for time in times]))
    assert raised.value.next_step


def test_a_half_day_follows_the_other_days_of_its_body() -> None:
    rows = parsed(as_json(["2024-07-02 16:00:00", "2024-07-03 09:31:00", "2024-07-03 13:00:00"]))
    assert local_times(rows) == ["07-02 15:59", "07-03 09:30", "07-03 12:59"]


@pytest.mark.parametrize(
    ("interval", "times"),
    [("1m", ["09:29", "09:30"]), ("1m", ["09:30", "16:01"]), ("5m", ["09:30", "16:03"]), ("1m", ["20:00"])],
)
def test_bars_of_hours_that_were_not_asked_for_refuse_the_payload(interval: str, times: list[str]) -> None:
    body = as_json([f"2024-07-01 {time}:00" for time in times], API_INTERVALS[interval])
    with pytest.raises(MalformedPayload, match=r"Next: .+"):
        parsed(body, july(interval))


def test_the_same_time_of_day_is_another_instant_after_the_clocks_change() -> None:
    # Clocks went forward on 2024-03-10 (US Energy Policy Act of 2005, section 110).
    rows = parsed(as_csv(["2024-03-11 09:30:00", "2024-03-08 09:30:00"]))
    assert rows["event_time"].dt.strftime("%m-%d %H:%M").to_list() == ["03-11 13:30", "03-08 14:30"]


@pytest.mark.parametrize("body", [as_csv([]), as_json([])])
def test_a_month_without_bars_has_no_rows(body: bytes) -> None:
    rows = parsed(body)
    assert (rows.height, rows.columns) == (0, list(BAR_ROWS))


@pytest.mark.parametrize(
    ("line", "nulls"),
    [
        ("2024-07-01 10:00:00,x,101,100,101,5", {"open"}),
        ("2024-07-01 10:00:00,nan,101,100,101,", {"open", "volume"}),
        ("2024-07-01 10:00:00,100,101", {"open", "high", "low", "close", "volume"}),
        ("01.07.2024,100,101,100,101,5", {"event_time"}),
        ("2024-02-30 10:00:00,100,101,100,101,5", {"event_time"}),
    ],
)
def test_what_is_unreadable_stays_a_row_with_nulls(line: str, nulls: set[str]) -> None:
    rows = parsed(as_csv(["2024-07-01 09:30:00"]) + line.encode())
    row = rows.row(1, named=True)
    checked = ("event_time", "open", "high", "low", "close", "volume")
    assert {name for name in checked if row[name] is None} == nulls


@pytest.mark.parametrize("name", ["Information", "Note"])
@pytest.mark.parametrize(
    ("text", "error", "seconds"),
    [
        (DAILY, DailyLimitReached, 86400.0),
        (BURST, RetriableProviderError, 1.0),
        (OLD_NOTE, RetriableProviderError, 60.0),
        (PREMIUM, RefusedRequest, None),
        (DEMO, KeyRefused, None),
        ("Something new", RefusedRequest, None),
    ],
)
def test_a_notice_with_200_is_told_by_its_words(
    standin: StandIn,
    provider: AlphaVantageProvider,
    name: str,
    text: str,
    error: type[ProviderError],
    seconds: float | None,
) -> None:
    body = json.dumps({name: text}).encode()
    standin.script = [Answer(200, body)]
    with pytest.raises(ProviderError, match=r"Next: .+") as raised:
        provider.fetch(july(), FixedClock())
    assert type(raised.value) is error
    assert raised.value.http_status == 200
    assert getattr(raised.value, "retry_after_seconds", None) == seconds
    # A body that was stored all the same gives no rows either.
    with pytest.raises(error):
        parsed(body)


def test_the_daily_limit_says_until_when() -> None:
    with pytest.raises(DailyLimitReached, match="used up") as raised:
        parsed(json.dumps({"Information": DAILY}).encode())
    assert "tomorrow" in raised.value.next_step
    assert "24 hours" in raised.value.next_step


def test_a_paid_endpoint_and_a_wrong_key_say_what_to_change() -> None:
    with pytest.raises(RefusedRequest, match="paid plan"):
        parsed(json.dumps({"Information": PREMIUM}).encode())
    with pytest.raises(RefusedRequest, match="FINDATA_ALPHAVANTAGE_API_KEY"):
        parsed(INVALID_KEY)


def test_an_unknown_symbol_is_refused(standin: StandIn, provider: AlphaVantageProvider) -> None:
    with pytest.raises(RefusedRequest, match="Invalid API call"):
        provider.fetch(july(symbol="NOSUCH"), FixedClock())
    with pytest.raises(RefusedRequest):
        parsed(INVALID_CALL)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (TOO_MANY_REQUESTS, RetriableProviderError),
        (UNAVAILABLE, RetriableProviderError),
        (Answer(200, as_json(["2024-07-01 09:30:00"]), kept_bytes=30), RetriableProviderError),
        (SLOWER_THAN_ANYBODY_WAITS, RetriableProviderError),
        (Answer(200, INVALID_KEY), RefusedRequest),
        (Answer(400, b"Bad Request"), RefusedRequest),
        (Answer(301, b"", {"Location": "https://www.alphavantage.co/elsewhere"}), RefusedRequest),
    ],
)
def test_what_is_no_answer_says_what_to_do(standin: StandIn, answer: Answer, error: type[Exception]) -> None:
    standin.script = [answer]
    with pytest.raises(error, match=r"Next: .+"):
        made(standin.base_url, patience_for(answer)).fetch(july(), FixedClock())
    assert standin.count() == 1


def test_nobody_listening_is_retriable() -> None:
    with StandIn() as gone:
        base_url = gone.base_url
    with pytest.raises(RetriableProviderError):
        made(base_url).fetch(july(), FixedClock())


@pytest.mark.parametrize("key", [None, SecretStr(""), SecretStr("  ")])
def test_without_a_key_nothing_is_asked(standin: StandIn, key: SecretStr | None) -> None:
    with pytest.raises(ConfigurationError, match="FINDATA_ALPHAVANTAGE_API_KEY"):
        AlphaVantageProvider(key, standin.base_url)
    assert standin.count() == 0


def test_a_source_is_made_from_the_settings(
    standin: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="FINDATA_ALPHAVANTAGE_API_KEY"):
        BAR_PROVIDERS["alphavantage"](load_settings(home=tmp_path))
    standin.alphavantage_bodies["IBM", "1min", "2024-07"] = as_json(["2024-07-01 09:30:00"])
    settings = load_settings(home=tmp_path, alphavantage_api_key=KEY, alphavantage_base_url=standin.base_url)
    assert KEY not in repr(settings)
    source = BAR_PROVIDERS["alphavantage"](settings)
    request = source.bars_request("IBM.XNYS", "IBM", "1m", *bounds(date(2024, 7, 1)))
    assert source.provider.fetch(request, FixedClock()).http_status == 200
    assert LIVE_SOURCES == ("alphavantage", "ecb", "fred", "nyfed", "yahoo")


def bounds(day: date) -> tuple[datetime, datetime]:
    start = datetime(day.year, day.month, day.day, 9, 30, tzinfo=NEW_YORK)
    return start, start + timedelta(hours=9, minutes=30)


def test_blanks_around_the_key_are_no_part_of_it(standin: StandIn) -> None:
    standin.alphavantage_bodies["IBM", "1min", "2024-07"] = as_json(["2024-07-01 09:30:00"])
    AlphaVantageProvider(SecretStr(f" {KEY}\n"), standin.base_url).fetch(july(), FixedClock())
    assert standin.paths[0].endswith(f"&apikey={KEY}")


def test_the_key_is_sent_and_stands_nowhere_else(
    standin: StandIn, provider: AlphaVantageProvider, caplog: pytest.LogCaptureFixture
) -> None:
    standin.alphavantage_bodies["IBM", "1min", "2024-07"] = as_json(["2024-07-01 09:30:00"])
    with caplog.at_level(logging.DEBUG):
        received = provider.fetch(july(), FixedClock())
    assert KEY in standin.paths[0]
    assert "/query" in caplog.text  # the address is logged by httpx, without the key
    kept = received.request.to_json() + json.dumps(dict(received.headers)) + received.body.decode()
    assert KEY not in kept + caplog.text + repr(provider) + repr(vars(provider))


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, json.dumps({"Information": DAILY}).encode()),
        Answer(200, json.dumps({"Note": "x" * 290 + KEY}).encode()),
        Answer(429, b"x" * 190 + KEY.encode()),
        Answer(403, f"key {KEY} is not allowed".encode()),
        Answer(302, b"", {"Location": f"/query?apikey={KEY}"}),
        Answer(200, json.dumps({"odd": KEY}).encode()),
        Answer(200, b"{}" + b" " * 100, kept_bytes=10),
    ],
)
def test_no_error_repeats_the_key(
    standin: StandIn, provider: AlphaVantageProvider, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    standin.script = [answer]
    with caplog.at_level(logging.INFO), pytest.raises(ProviderError) as raised:
        provider.fetch(july(), FixedClock())
    chain: BaseException | None = raised.value
    told = caplog.text
    while chain is not None:
        told += f"{chain} {chain!r} {getattr(chain, '_request', None)!r}"
        chain = chain.__cause__ or chain.__context__
    # Not even a part of it, cut where the quotation ends.
    assert KEY[:6] not in told


def test_a_stored_notice_does_not_repeat_the_key() -> None:
    with pytest.raises(DailyLimitReached) as raised:
        parsed(json.dumps({"Information": DAILY}).encode())
    assert KEY not in str(raised.value)


def test_a_body_that_is_no_data_is_received_so_that_it_can_be_kept(
    standin: StandIn, provider: AlphaVantageProvider
) -> None:
    standin.script = [Answer(200, b"<html>maintenance</html>")]
    assert provider.fetch(july(), FixedClock()).body == b"<html>maintenance</html>"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"\xff\xfe",
        b"{}",
        b"[]",
        b'{"Meta Data": {"2. Symbol": "IBM"',
        b"[" * 100_000,
        b'{"Meta Data": {}, "Time Series (1min)": []}',
        b'{"Meta Data": {}, "Time Series (1min)": {}}',
        as_json(["2024-07-01 09:30:00"], "5min"),
        as_json(["2024-07-01 09:30:00"], **{"2. Symbol": "MSFT"}),
        as_json(["2024-07-01 09:30:00"], **{"4. Interval": "5min"}),
        as_json(["2024-07-01 09:30:00"], **{"6. Time Zone": "UTC"}),
        as_json(["\ud800", "yesterday"]),
        as_csv(["yesterday"]),
        b"time,open\r\n1,2\r\n",
        b'timestamp,open,high,low,close,volume\r\n"' + b"x" * 200_000,
    ],
)
def test_a_body_that_can_not_be_read_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedPayload, match=r"Next: .+"):
        parsed(body)


def test_a_window_over_two_months_costs_no_request(standin: StandIn, provider: AlphaVantageProvider) -> None:
    start = datetime(2024, 6, 28, 13, 30, tzinfo=UTC)
    request = bars_request("IBM.XNYS", "IBM", "1m", start, start + timedelta(days=4))
    with pytest.raises(RefusedRequest, match=r"2024-06 to 2024-07.*one calendar month at a time"):
        provider.fetch(request, FixedClock())
    assert standin.count() == 0


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (datetime(1999, 12, 1, 15, tzinfo=UTC), datetime(1999, 12, 2, tzinfo=UTC), "begin in 2000-01"),
        (datetime(2024, 7, 2, tzinfo=UTC), datetime(2024, 7, 1, 15, tzinfo=UTC), "window"),
    ],
)
def test_a_window_that_can_not_be_is_refused(
    standin: StandIn, provider: AlphaVantageProvider, start: datetime, end: datetime, said: str
) -> None:
    with pytest.raises(RefusedRequest, match=said):
        provider.fetch(bars_request("IBM.XNYS", "IBM", "1m", start, end), FixedClock())
    assert standin.count() == 0


def test_a_month_is_one_of_new_york() -> None:
    # 02:00 UTC on the 1st of August is 22:00 on the 31st of July in New York.
    start, end = datetime(2024, 7, 31, 13, 30, tzinfo=UTC), datetime(2024, 8, 1, 2, tzinfo=UTC)
    assert bars_request("IBM.XNYS", "IBM", "1m", start, end).parameters["month"] == "2024-07"


@pytest.mark.parametrize("interval", ["2m", "4h", "1w", ""])
def test_an_interval_that_is_not_offered_is_refused(interval: str) -> None:
    with pytest.raises(RefusedRequest, match="1m, 5m, 15m, 30m, 1h, 1d"):
        bars_request("IBM.XNYS", "IBM", interval, NOW, NOW + timedelta(days=1))


def test_the_sessions_of_a_quarter_take_a_request_a_month_and_none_is_cut() -> None:
    minute, day = (
        one for name in ("1m", "1d") for one in CAPABILITIES["alphavantage"] if one.interval == name
    )
    days = [date(2024, 5, 1) + timedelta(days=number) for number in range(92)]
    spans = [bounds(one) for one in days if one.weekday() < 5]
    joined = list(windows_over(minute, spans))
    assert [f"{start:%Y-%m}" for start, _ in joined] == ["2024-05", "2024-06", "2024-07"]
    assert (joined[0][0], joined[-1][1]) == (spans[0][0], spans[-1][1])
    assert all(one[1] < other[0] for one, other in pairwise(joined))
    for start, end in joined:
        assert bars_request("IBM.XNYS", "IBM", "1m", start, end).parameters["month"] == f"{end:%Y-%m}"
    assert list(windows_over(day, spans)) == [(spans[0][0], spans[-1][1])]


@pytest.mark.parametrize("interval", ["1d", *API_INTERVALS])
def test_every_width_settles_a_day_after_the_close(interval: str) -> None:
    assert settles_after("alphavantage", interval) == timedelta(hours=24)


def test_the_universe_names_symbols_in_a_column_of_the_source() -> None:
    lines = "instrument_id,mic,currency,price_units,alphavantage\nBRK.B.XNYS,XNYS,USD,1,BRK-B\n"
    _, symbols = parse_universe(lines.encode(), {"source": "findata"})
    assert symbols.rows.select("source", "symbol", "instrument_id").rows() == [
        ("alphavantage", "BRK-B", "BRK.B.XNYS")
    ]


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3),
)
STAMPS = st.one_of(
    st.text(max_size=20),
    st.datetimes(datetime(1000, 1, 1), datetime(2999, 12, 31)).map(str),  # noqa: DTZ001
    st.times().map(lambda time: f"2024-07-01 {time:%H:%M}:00"),
)
SERIES = st.dictionaries(
    STAMPS,
    st.dictionaries(st.sampled_from(["1. open", "4. close", "5. volume"]), VALUES) | VALUES,
    max_size=5,
)
CONTENTS = st.dictionaries(st.sampled_from(["Note", "Meta Data", "Time Series (1min)"]) | st.text(), VALUES)
ANY_BODY = st.one_of(
    st.binary(),
    st.text().map(lambda text: f"{HEADER}\n{text}".encode("utf-8", "surrogatepass")),
    st.lists(STAMPS).map(lambda stamps: as_csv(stamps) if all(map(str.isprintable, stamps)) else b""),
    CONTENTS.map(lambda content: json.dumps(content).encode()),
    SERIES.map(lambda series: json.dumps({**json.loads(as_json([])), "Time Series (1min)": series}).encode()),
)


@given(body=ANY_BODY, interval=st.sampled_from(["1m", "1d"]))
def test_any_bytes_give_rows_or_a_providers_error(body: bytes, interval: str) -> None:
    rows = pl.DataFrame(schema=BAR_ROWS)
    with suppress(ProviderError):
        rows = parsed(body, july(interval))
    assert dict(rows.schema) == dict(BAR_ROWS)
    assert rows["row_number"].to_list() == list(range(rows.height))


@given(
    days=st.lists(st.integers(1, 28), min_size=1, max_size=5, unique=True),
    minutes=st.lists(st.integers(1, 388), max_size=20, unique=True),
)
def test_the_same_minutes_labelled_at_either_end_give_the_same_bars(
    days: list[int], minutes: list[int]
) -> None:
    first = datetime(2024, 7, 1, 9, 30)  # noqa: DTZ001
    starts = [
        first + timedelta(days=day, minutes=minute) for day in days for minute in sorted({0, *minutes, 389})
    ]
    shifted = [start + timedelta(minutes=1) for start in starts]
    by_start, by_end = parsed(as_json([*map(str, starts)])), parsed(as_json([*map(str, shifted)]))
    assert by_start.equals(by_end)
    assert by_start["event_time"].to_list() == [
        start.replace(tzinfo=NEW_YORK).astimezone(UTC) for start in starts
    ]


def test_a_used_up_quota_is_not_tried_again_by_the_step() -> None:
    def used_up() -> None:
        parsed(json.dumps({"Information": DAILY}).encode())

    def too_fast() -> None:
        parsed(json.dumps({"Information": BURST}).encode())

    with pytest.raises(dg.Failure) as final:
        attempt(used_up)
    assert final.value.allow_retries is False
    # This one goes to the retry policy as it is.
    with pytest.raises(RetriableProviderError):
        attempt(too_fast)
