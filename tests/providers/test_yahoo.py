"""Yahoo: the real yfinance over loopback, and the pure parse of its answers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl
import pytest
import yfinance
from curl_cffi.requests import Response, Session

from findata_core.errors import BeyondWall, MalformedPayload, RefusedRequest, RetriableProviderError
from findata_resources.provider import BAR_ROWS, Request, windows_over
from findata_resources.providers import CAPABILITIES, parse_payload, settles_after, yahoo
from findata_resources.providers.yahoo import YahooProvider
from findata_resources.providers.yahoo_chart import bars_request
from tests.standin import (
    BAD_INTERVAL,
    CHART,
    SLOWER_THAN_ANYBODY_WAITS,
    TOO_MANY_REQUESTS,
    UNAVAILABLE,
    Answer,
    Row,
    StandIn,
    chart_body,
    patience_for,
    sample_bars,
)

NOW = datetime(2022, 6, 15, 21, 0, tzinfo=UTC)


@dataclass(frozen=True)
class FixedClock:
    """A clock that stands still."""

    moment: datetime = NOW

    def now(self) -> datetime:
        return self.moment


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn(now=NOW) as server:
        yield server
    yahoo.forget_shared_state()


@pytest.fixture
def provider(standin: StandIn, tmp_path: Path) -> YahooProvider:
    return YahooProvider(tmp_path / "yfinance", base_url=standin.base_url, timeout_seconds=30)


def minutes_of(day: date, symbol: str = "MSFT", instrument_id: str = "MSFT.XNAS") -> Request:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return bars_request(instrument_id, symbol, "1m", start, start + timedelta(days=1))


def parsed(body: bytes, request: Request) -> pl.DataFrame:
    one, *_ = parse_payload(body, json.loads(request.to_json()))
    return one.rows


def test_the_answer_is_kept_byte_for_byte(standin: StandIn, provider: YahooProvider) -> None:
    bars = sample_bars("MSFT", "1m")
    standin.yahoo_bars["MSFT", "1m"] = bars
    day = [row for row in bars.rows if 1655078400 <= row[0] < 1655164800]  # 2022-06-13 UTC
    received = provider.fetch(minutes_of(date(2022, 6, 13)), FixedClock())
    assert chart_body("MSFT", "1m", bars.zone, bars.currency, day) == received.body
    assert (received.http_status, received.received_time) == (200, NOW)


def test_no_secret_is_kept(standin: StandIn, provider: YahooProvider) -> None:
    standin.yahoo_bars["MSFT", "1m"] = sample_bars("MSFT", "1m")
    received = provider.fetch(minutes_of(date(2022, 6, 13)), FixedClock())
    assert any("crumb=c.ruMb" in path for path in standin.paths)
    kept = received.request.to_json() + json.dumps(dict(received.headers))
    assert "ruMb" not in kept
    assert "secret" not in kept
    assert "cookie" not in kept.lower()


def test_the_same_window_can_be_asked_again(standin: StandIn, provider: YahooProvider) -> None:
    standin.yahoo_bars["MSFT", "1m"] = sample_bars("MSFT", "1m")
    first = provider.fetch(minutes_of(date(2022, 6, 13)), FixedClock())
    asked = standin.count(CHART)
    assert first.body == provider.fetch(minutes_of(date(2022, 6, 13)), FixedClock()).body
    assert asked + 1 == standin.count(CHART)


def test_threads_do_not_take_each_others_answers(standin: StandIn, provider: YahooProvider) -> None:
    symbols = {"MSFT": "MSFT.XNAS", "AZN.L": "AZN.XLON", "9988.HK": "9988.XHKG"}
    for symbol in symbols:
        standin.yahoo_bars[symbol, "1m"] = sample_bars(symbol, "1m")
    asked = [minutes_of(date(2022, 6, 13), symbol, name) for symbol, name in symbols.items()] * 4
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda request: provider.fetch(request, FixedClock()), asked))
    said = [json.loads(answer.body)["chart"]["result"][0]["meta"]["symbol"] for answer in answers]
    assert said == [request.parameters["symbol"] for request in asked]


def test_two_providers_in_one_process_do_not_share_a_session(tmp_path: Path) -> None:
    with StandIn(now=NOW) as one, StandIn(now=NOW) as other:
        for server in (one, other):
            server.yahoo_bars["MSFT", "1m"] = sample_bars("MSFT", "1m")
            folder = tmp_path / str(server.base_url.rpartition(":")[2])
            YahooProvider(folder, base_url=server.base_url).fetch(minutes_of(date(2022, 6, 13)), FixedClock())
        assert one.count(CHART) == other.count(CHART) == 2
    yahoo.forget_shared_state()


@pytest.mark.parametrize(
    ("symbol", "instrument_id", "interval"),
    [
        ("MSFT", "MSFT.XNAS", "1m"),
        ("AZN.L", "AZN.XLON", "1m"),
        ("9988.HK", "9988.XHKG", "1m"),
        ("MSFT", "MSFT.XNAS", "1d"),
        ("AZN.L", "AZN.XLON", "1d"),
        ("9988.HK", "9988.XHKG", "1d"),
    ],
)
def test_parse_gives_what_was_recorded(
    standin: StandIn, provider: YahooProvider, symbol: str, instrument_id: str, interval: str
) -> None:
    bars = sample_bars(symbol, interval)
    standin.yahoo_bars[symbol, interval] = bars
    start, end = datetime(2022, 6, 8, tzinfo=UTC), datetime(2022, 6, 16, tzinfo=UTC)
    request = bars_request(instrument_id, symbol, interval, start, end)
    rows = parsed(provider.fetch(request, FixedClock()).body, request)
    expected = [row for row in bars.rows if start.timestamp() <= row[0] < end.timestamp()]
    assert list(BAR_ROWS) == rows.columns
    assert [row[5] for row in expected] == rows["volume"].to_list()
    assert [row[4] for row in expected] == [as_float32(value) for value in rows["close"]]
    if interval == "1m":
        assert [row[0] for row in expected] == rows["event_time"].dt.epoch("s").to_list()
    else:
        assert rows["session_date"].to_list() == session_dates(symbol, len(expected))


def session_dates(symbol: str, count: int) -> list[date]:
    """Return the last dates of the sample's daily file, read as text."""
    path = Path(__file__).parents[2] / "findata_resources" / "sample" / f"{symbol}_1d.csv"
    return [date.fromisoformat(line.split(",")[0]) for line in path.read_text().splitlines()[1:]][-count:]


def as_float32(value: float) -> float:
    return pl.Series([value], dtype=pl.Float64).cast(pl.Float32).cast(pl.Float64)[0]  # type: ignore[no-any-return]


class LoopbackSession(Session[Response]):
    """A session that knows nothing but where the stand-in listens."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self.base = base_url

    def request(self, method: Any, url: str, *args: Any, **options: Any) -> Response:
        return super().request(method, self.base + (urlsplit(url).path or "/"), *args, **options)


def yfinance_frame(
    standin: StandIn, folder: Path, symbol: str, interval: str, start: datetime, end: datetime
) -> Any:
    """Return the frame that yfinance itself makes of the stand-in's answer."""
    yahoo.forget_shared_state()
    yfinance.set_tz_cache_location(str(folder))
    return yfinance.Ticker(symbol, session=LoopbackSession(standin.base_url)).history(
        interval=interval, auto_adjust=False, prepost=False, start=start, end=end
    )


def assert_agree(rows: pl.DataFrame, frame: Any, is_daily: bool) -> None:
    """Assert that our rows without nulls are yfinance's rows, to the float32."""
    present = rows.drop_nulls("close")
    if is_daily:
        assert [stamp.date() for stamp in frame.index] == present["session_date"].to_list()
    else:
        assert [int(stamp.timestamp()) for stamp in frame.index] == present["event_time"].dt.epoch(
            "s"
        ).to_list()
    for ours, theirs in (("open", "Open"), ("high", "High"), ("low", "Low"), ("close", "Close")):
        assert [as_float32(v) for v in frame[theirs]] == [as_float32(v) for v in present[ours]]
    assert [int(v) for v in frame["Volume"]] == [int(v) for v in present["volume"]]


# yfinance 1.7.0 uses what pandas 3.1 will drop; that is its makers' to mend.
YFINANCES_OWN = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::pandas.errors.Pandas4Warning"
)


@YFINANCES_OWN
def test_parse_agrees_with_yfinance_on_recorded_minutes(
    standin: StandIn, tmp_path: Path, trial_data: Path
) -> None:
    path = trial_data / "payloads/yahoo_chart_1m_embedded/AMZN_1m_range30m_2023-05-02_close.json"
    body = path.read_bytes()
    standin.yahoo_bodies["AMZN", "1m"] = body
    start, end = datetime(2023, 5, 2, tzinfo=UTC), datetime(2023, 5, 3, tzinfo=UTC)
    frame = yfinance_frame(standin, tmp_path, "AMZN", "1m", start, end)
    rows = parsed(body, minutes_of(date(2023, 5, 2), "AMZN", "AMZN.XNAS"))
    # The flat 16:00:00 bar of volume 0 is a row of ours; yfinance drops it as outside of regular hours.
    closing = rows.filter(pl.col("event_time") == datetime(2023, 5, 2, 20, tzinfo=UTC))
    assert (rows.height, closing.height, closing["volume"][0]) == (31, 1, 0.0)
    assert_agree(
        rows.filter(pl.col("event_time") < datetime(2023, 5, 2, 20, tzinfo=UTC)), frame, is_daily=False
    )


RECORDED_DAYS = [
    ("AAPL", "chart-AAPL-2020-08-31-to-2020-11-07.json"),  # a split and a dividend
    ("AAPL", "chart-AAPL.json"),
    ("WSU.DE", "chart-WSU.DE-2023-08-04-to-2023-08-09.json"),
    ("OCDO.L", "chart-OCDO.L-2020-01-01-to-2020-01-03.json"),
    ("ORSTED.CO", "chart-ORSTED.CO-2020-01-01-to-2020-01-03.json"),
]


@YFINANCES_OWN
@pytest.mark.parametrize(("symbol", "name"), RECORDED_DAYS)
def test_parse_agrees_with_yfinance_on_recorded_days(
    standin: StandIn, tmp_path: Path, trial_data: Path, symbol: str, name: str
) -> None:
    recorded = json.loads((trial_data / "payloads/gadicc-node-yahoo-finance2/real" / name).read_text())
    content = recorded["response"]["bodyJson"]
    if content["chart"]["result"][0]["meta"]["dataGranularity"] != "1d":
        pytest.skip("not a daily answer")
    body = json.dumps(content).encode()
    standin.yahoo_bodies[symbol, "1d"] = body
    stamps = content["chart"]["result"][0]["timestamp"]
    start = datetime.fromtimestamp(stamps[0], UTC) - timedelta(days=1)
    end = datetime.fromtimestamp(stamps[-1], UTC) + timedelta(days=1)
    frame = yfinance_frame(standin, tmp_path, symbol, "1d", start, end)
    request = bars_request("X.XNAS", symbol, "1d", start, end)
    rows = parsed(body, request)
    assert len(stamps) == rows.height
    assert_agree(rows, frame, is_daily=True)


def test_prices_are_the_shortest_decimals_of_their_float32() -> None:
    # 250.80299377441406 is how Yahoo writes float32 250.803 (trial data's MANIFEST.md, 4).
    body = one_bar(
        1655126940, (250.80299377441406, 250.80299377441406, 250.80299377441406, 250.80299377441406, 1)
    )
    rows = parsed(body, minutes_of(date(2022, 6, 13)))
    assert rows["close"][0] == 250.803


def one_bar(
    stamp: int, values: tuple[float | None, float | None, float | None, float | None, int | None]
) -> bytes:
    return chart_body("MSFT", "1m", "America/New_York", "USD", [(stamp, *values)])


def test_null_bars_are_rows_with_nulls(trial_data: Path) -> None:
    body = (trial_data / "payloads/yahoo_chart_1m_embedded/BARC.L_1m_2017-11-16_nulls.json").read_bytes()
    rows = parsed(body, minutes_of(date(2017, 11, 16), "BARC.L", "BARC.XLON"))
    assert (rows.height, rows["close"].null_count(), rows["volume"].null_count()) == (14, 13, 13)
    assert list(range(14)) == rows["row_number"].to_list()


def test_the_bar_in_progress_is_a_row_with_its_odd_stamp(trial_data: Path) -> None:
    name = "PETR4.SA_1m_2023-03-06_inprogress_result_element.json"
    result = json.loads((trial_data / "payloads/yahoo_chart_1m_embedded" / name).read_text())
    body = json.dumps({"chart": {"result": [result], "error": None}}).encode()
    rows = parsed(body, minutes_of(date(2023, 3, 6), "PETR4.SA", "PETR4.BVMF"))
    assert rows.height == 6
    assert datetime(2023, 3, 6, 13, 14, 36, tzinfo=UTC) == rows["event_time"][-1]
    assert rows["close"].to_list()[-2:] == [None, 25.69]


def test_the_bar_in_progress_is_received_as_it_stands(standin: StandIn, provider: YahooProvider) -> None:
    now = datetime(2022, 6, 13, 15, 0, 36, tzinfo=UTC)
    standin.now = now
    standin.yahoo_bars["MSFT", "1m"] = sample_bars("MSFT", "1m")
    request = minutes_of(date(2022, 6, 13))
    rows = parsed(provider.fetch(request, FixedClock(now)).body, request)
    last = rows.row(-1, named=True)
    assert (now, 0.0, last["open"]) == (last["event_time"], last["volume"], last["close"])
    assert datetime(2022, 6, 13, 14, 59, tzinfo=UTC) == rows["event_time"][-2]


def test_a_day_without_data_has_no_rows(standin: StandIn, provider: YahooProvider) -> None:
    standin.yahoo_bars["MSFT", "1m"] = sample_bars("MSFT", "1m")
    request = minutes_of(date(2022, 6, 12))  # a Sunday
    received = provider.fetch(request, FixedClock())
    assert b'"timestamp"' not in received.body
    assert parsed(received.body, request).height == 0


def test_a_recorded_weekend_has_no_rows(trial_data: Path) -> None:
    name = "chart-AAPL-2025-02-01-to-2025-02-02-includePrePost-false-interval-1m.json"
    recorded = json.loads((trial_data / "payloads/gadicc-node-yahoo-finance2/real" / name).read_text())
    body = json.dumps(recorded["response"]["bodyJson"]).encode()
    assert parsed(body, minutes_of(date(2025, 2, 1), "AAPL", "AAPL.XNAS")).height == 0


def test_a_recorded_answer_of_quarters_is_not_taken_for_days(trial_data: Path) -> None:
    # interval=1d&range=max: 164 bars since 1980, dataGranularity "3mo".
    body = (trial_data / "payloads/gramistella-yfinance-rs/history_chart_VFINX.json").read_bytes()
    request = bars_request("VFINX.XNAS", "VFINX", "1d", NOW, NOW + timedelta(days=1))
    with pytest.raises(MalformedPayload, match="bars of '3mo', not 1d"):
        parsed(body, request)


@pytest.mark.parametrize(
    ("meta", "reason"),
    [
        ({"dataGranularity": "5m"}, "bars of '5m', not 1m"),
        ({"dataGranularity": ["1m"]}, r"bars of \['1m'\], not 1m"),
        ({"symbol": "AAPL"}, "about 'AAPL', not MSFT"),
        ({"symbol": "MSFT.MX"}, "about 'MSFT.MX', not MSFT"),
        ({"symbol": "\ud800"}, "about '.*ud800', not MSFT"),
    ],
)
def test_an_answer_about_another_symbol_or_width_is_refused(meta: dict[str, Any], reason: str) -> None:
    with pytest.raises(MalformedPayload, match=reason):
        parsed(one_bar_saying(**meta), minutes_of(date(2022, 6, 13)))


@pytest.mark.parametrize(
    "meta",
    [{"symbol": "msft"}, {"symbol": None, "dataGranularity": None}],
    ids=["in small letters", "says neither"],
)
def test_an_answer_that_says_nothing_else_is_taken_for_what_was_asked(meta: dict[str, Any]) -> None:
    assert parsed(one_bar_saying(**meta), minutes_of(date(2022, 6, 13)))["close"].to_list() == [1.0]


def one_bar_saying(**meta: Any) -> bytes:
    """An answer of one minute of MSFT whose meta says something else."""
    answer = json.loads(one_bar(1655126940, (1.0, 1.0, 1.0, 1.0, 1)))
    answer["chart"]["result"][0]["meta"] |= meta
    return json.dumps(answer).encode()


@pytest.mark.parametrize(
    ("zone", "stamp", "day"),
    [
        # Winter and summer in New York: 14:30 and 13:30 UTC are both 09:30.
        ("America/New_York", datetime(2022, 1, 14, 14, 30, tzinfo=UTC), date(2022, 1, 14)),
        ("America/New_York", datetime(2022, 6, 14, 13, 30, tzinfo=UTC), date(2022, 6, 14)),
        # Sydney opens at 10:00, which is 23:00 UTC of the day before in summer.
        ("Australia/Sydney", datetime(2022, 1, 13, 23, 0, tzinfo=UTC), date(2022, 1, 14)),
        # Funds are stamped with local midnight.
        ("Asia/Jakarta", datetime(2022, 1, 13, 17, 0, tzinfo=UTC), date(2022, 1, 14)),
        # Around clock changes some exchanges' days are stamped an hour before local midnight.
        ("Europe/Berlin", datetime(2022, 1, 13, 22, 0, tzinfo=UTC), date(2022, 1, 14)),
    ],
)
def test_a_daily_bar_belongs_to_the_exchanges_own_day(zone: str, stamp: datetime, day: date) -> None:
    bars: list[Row] = [(int(stamp.timestamp()), 1.0, 1.0, 1.0, 1.0, 1)]
    body = chart_body("X", "1d", zone, "USD", bars)
    rows = parsed(body, bars_request("X.XNAS", "X", "1d", stamp, stamp + timedelta(days=1)))
    assert (day, None) == (rows["session_date"][0], rows["event_time"][0])


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (TOO_MANY_REQUESTS, RetriableProviderError),
        (UNAVAILABLE, RetriableProviderError),
        (
            Answer(
                500, b'{"chart":{"result":null,"error":{"code":"Internal Server Error","description":"x"}}}'
            ),
            RetriableProviderError,
        ),
        (Answer(200, b"Too Many Requests\r\n"), RetriableProviderError),
        (Answer(200, b"<html>Will be right back...</html>"), RetriableProviderError),
        (Answer(200, b'{"chart":{"result":[]}}' + b" " * 1000, kept_bytes=300), RetriableProviderError),
        (SLOWER_THAN_ANYBODY_WAITS, RetriableProviderError),
        (BAD_INTERVAL, RefusedRequest),
        (
            Answer(
                404, b'{"chart":{"result":null,"error":{"code":"Not Found","description":"No data found"}}}'
            ),
            RefusedRequest,
        ),
    ],
)
def test_what_is_no_answer_says_what_to_do(
    standin: StandIn, tmp_path: Path, answer: Answer, error: type[Exception]
) -> None:
    standin.yahoo_bars["MSFT", "1m"] = sample_bars("MSFT", "1m")
    provider = YahooProvider(tmp_path, base_url=standin.base_url, timeout_seconds=patience_for(answer))
    standin.script = [answer]
    with pytest.raises(error, match=r"Next: .+"):
        provider.fetch(minutes_of(date(2022, 6, 13)), FixedClock())
    # Once: a limiter is not asked twice in a row.
    assert sum("period1" in path for path in standin.paths) == 1


def test_retry_after_is_passed_on(standin: StandIn, provider: YahooProvider) -> None:
    standin.yahoo_bars["MSFT", "1m"] = sample_bars("MSFT", "1m")
    standin.script = [TOO_MANY_REQUESTS]
    with pytest.raises(RetriableProviderError) as raised:
        provider.fetch(minutes_of(date(2022, 6, 13)), FixedClock())
    assert raised.value.retry_after_seconds == 60.0


def test_after_a_refusal_the_next_request_works(standin: StandIn, provider: YahooProvider) -> None:
    standin.yahoo_bars["MSFT", "1m"] = sample_bars("MSFT", "1m")
    standin.script = [TOO_MANY_REQUESTS]
    with pytest.raises(RetriableProviderError):
        provider.fetch(minutes_of(date(2022, 6, 13)), FixedClock())
    request = minutes_of(date(2022, 6, 13))
    assert parsed(provider.fetch(request, FixedClock()).body, request).height == 390


def test_an_unknown_symbol_is_refused(standin: StandIn, provider: YahooProvider) -> None:
    with pytest.raises(RefusedRequest, match="symbol may be delisted"):
        provider.fetch(minutes_of(date(2022, 6, 13), "NOSUCH", "NOSUCH.XNAS"), FixedClock())
    assert standin.count(CHART) == 1


def test_nobody_listening_is_retriable(tmp_path: Path) -> None:
    with StandIn() as gone:
        base_url = gone.base_url
    with pytest.raises(RetriableProviderError):
        YahooProvider(tmp_path, base_url=base_url).fetch(minutes_of(date(2022, 6, 13)), FixedClock())
    yahoo.forget_shared_state()


def test_minutes_beyond_the_wall_cost_no_request(standin: StandIn, provider: YahooProvider) -> None:
    with pytest.raises(BeyondWall, match="last 29 days") as beyond:
        provider.fetch(minutes_of(date(2022, 5, 1)), FixedClock())
    assert standin.count() == 0
    assert beyond.value.wall_time == NOW - timedelta(days=29)


def test_a_window_too_wide_costs_no_request(standin: StandIn, provider: YahooProvider) -> None:
    start = datetime(2022, 6, 1, tzinfo=UTC)
    request = bars_request("MSFT.XNAS", "MSFT", "1m", start, start + timedelta(days=9))
    with pytest.raises(RefusedRequest, match="8 days"):
        provider.fetch(request, FixedClock())
    assert standin.count() == 0


def test_the_provider_refuses_minutes_beyond_its_own_wall(standin: StandIn, provider: YahooProvider) -> None:
    standin.yahoo_bars["MSFT", "1m"] = sample_bars("MSFT", "1m")
    with pytest.raises(RefusedRequest, match="422"):
        provider.fetch(minutes_of(date(2022, 5, 10)), FixedClock(datetime(2022, 5, 12, tzinfo=UTC)))


def test_a_first_backfill_of_minutes_takes_four_requests_a_ticker() -> None:
    minute = next(capability for capability in CAPABILITIES["yahoo"] if capability.interval == "1m")
    assert minute.wall is not None
    hours = timedelta(hours=6, minutes=30)
    days = [NOW - timedelta(days=number) for number in range(28, 0, -1)]
    sessions = [(day - hours, day) for day in days if day.weekday() < 5]
    joined = list(windows_over(minute, sessions))
    assert len(joined) == 4
    assert (joined[0][0], joined[-1][1]) == (sessions[0][0], sessions[-1][1])
    assert all(stop - begin <= timedelta(days=8) for begin, stop in joined)
    # No session is cut: each lies in exactly one window.
    for start, end in sessions:
        assert sum(begin <= start and end <= stop for begin, stop in joined) == 1
    assert all(one[1] < other[0] for one, other in pairwise(joined))


def test_spans_far_apart_share_a_window_only_where_windows_are_unlimited() -> None:
    minute, day = (one for name in ("1m", "1d") for one in CAPABILITIES["yahoo"] if one.interval == name)
    spans = [(NOW - timedelta(days=300), NOW - timedelta(days=299)), (NOW - timedelta(days=1), NOW)]
    assert list(windows_over(minute, spans)) == spans
    assert list(windows_over(day, spans)) == [(spans[0][0], NOW)]
    assert list(windows_over(day, [])) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"chart":{"result":[{"meta":{"exchangeTimezoneName":"America/New_York"},"timest',
        b"[]",
        b'{"finance":{}}',
        b'{"chart":{"result":[],"error":null}}',
        b'{"chart":{"result":[{"timestamp":[1655126940],"indicators":{"quote":[{"open":[1,2]}]}}]}}',
        b'{"chart":{"result":[{"timestamp":["x"],"indicators":{"quote":[{}]}}]}}',
        b'{"chart":{"result":[{"timestamp":[1655126940],"indicators":{"quote":[{"open":["x"]}]}}]}}',
        b'{"chart":{"result":[{"indicators":{"quote":[{"open":[1.0]}]}}]}}',
    ],
)
def test_a_body_that_can_not_be_read_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedPayload, match=r"Next: .+"):
        parsed(body, minutes_of(date(2022, 6, 13)))


def test_a_daily_answer_without_a_known_zone_is_malformed() -> None:
    body = (
        b'{"chart":{"result":[{"meta":{},"timestamp":[1655126940],"indicators":{"quote":[{"open":[1.0]}]}}]}}'
    )
    with pytest.raises(MalformedPayload, match="zone"):
        parsed(body, bars_request("X.XNAS", "X", "1d", NOW, NOW + timedelta(days=1)))


def test_a_malformed_answer_is_received_so_that_it_can_be_kept(
    standin: StandIn, provider: YahooProvider
) -> None:
    standin.yahoo_bars["MSFT", "1m"] = sample_bars("MSFT", "1m")
    standin.script = [Answer(200, b'{"chart":{"result":[{"meta"')]
    received = provider.fetch(minutes_of(date(2022, 6, 13)), FixedClock())
    assert received.body == b'{"chart":{"result":[{"meta"'


@pytest.mark.parametrize("interval", ["1m", "1d"])
def test_yahoos_bars_settle_a_day_after_the_close(interval: str) -> None:
    assert timedelta(hours=24) == settles_after("yahoo", interval)


def test_a_source_without_a_rule_settles_a_day_after_the_close() -> None:
    assert timedelta(hours=24) == settles_after("lean", "1m")


def test_an_interval_that_is_not_offered_is_refused() -> None:
    with pytest.raises(RefusedRequest, match="1m"):
        bars_request("MSFT.XNAS", "MSFT", "7d", NOW, NOW + timedelta(days=1))


def test_a_request_is_canonical_and_needs_a_zone() -> None:
    request = minutes_of(date(2022, 6, 13))
    assert request.to_json() == json.dumps(request.to_dict(), sort_keys=True, separators=(",", ":"))
    naive = Request("yahoo", "yahoo", "bars", "X.XNAS", {}, datetime(2022, 6, 13), None)  # noqa: DTZ001
    with pytest.raises(ValueError, match="no zone"):
        naive.to_json()


def test_nothing_but_numbers_and_nulls_is_parsed() -> None:
    rows = parsed(one_bar(1655126940, (None, None, None, None, None)), minutes_of(date(2022, 6, 13)))
    assert not any(isinstance(value, float) and math.isnan(value) for value in rows.row(0))
    assert sum(rows[name].null_count() for name in ("open", "high", "low", "close")) == 4
