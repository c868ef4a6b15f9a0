"""A loopback stand-in for Yahoo Finance, Alpha Vantage, FRED, the ECB and the New York Fed, with their manners.

Real HTTP; bodies are recorded ones, or rendered from rows in the provider's own shape. Manners: windows and
walls, limits, error bodies, slowness, cut-off answers, null bars, a bar in progress, days without data.
What does not belong here: anything that a provider was not seen to do (the trial data's MANIFEST.md).

    with StandIn() as standin:
        standin.yahoo_bars["MSFT", "1m"] = sample_bars("MSFT", "1m")
        YahooProvider(folder, base_url=standin.base_url).fetch(...)
        assert standin.count("/v8/finance/chart/") == 2
"""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

from tests import fred

SAMPLE = Path(__file__).parents[1] / "findata_resources" / "sample"
CHART = "/v8/finance/chart/"
RATES = "/api/rates/"
FRED, ECB = "/fred/", "/eurofxref/"
QUERY = "/query"  # Alpha Vantage's one address
WINDOW_1M = timedelta(days=8)
WALL_1M = timedelta(days=30)
JSON_TYPE = {"Content-Type": "application/json;charset=utf-8"}

Row = tuple[int, float | None, float | None, float | None, float | None, int | None]


@dataclass(frozen=True)
class Answer:
    """What is answered instead of data. `kept_bytes`: the connection breaks after so many of them.

    `delay_seconds`: before it; who waits for a client to give up takes many, they end with the server.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0
    kept_bytes: int | None = None


# As recorded (the trial data's MANIFEST.md, "Seen in the data", 6).
TOO_MANY_REQUESTS = Answer(
    429, b"Edge: Too Many Requests", {"Content-Type": "text/plain", "Retry-After": "60"}
)
# payloads/yahoo_chart_1m_embedded/error_400_bad_interval.json
BAD_INTERVAL = Answer(
    400,
    b'{"chart":{"result":null,"error":{"code":"Bad Request","description":"Invalid input - interval=7d is '
    b'not supported. Valid intervals: [1m, 2m, 5m, 15m, 30m, 60m, 90m, 1h, 1d, 5d, 1wk, 1mo, 3mo]"}}}',
    JSON_TYPE,
)
# Alpha Vantage's words, as others have received them (HTTP 200).
INVALID_KEY = (
    b'{"Error Message": "the parameter apikey is invalid or missing. Please claim your free API key on '
    b'(https://www.alphavantage.co/support/#api-key). It should take less than 20 seconds."}'
)
INVALID_CALL = (
    b'{"Error Message": "Invalid API call. Please retry or visit the documentation '
    b'(https://www.alphavantage.co/documentation/) for TIME_SERIES_INTRADAY."}'
)
SLOWER_THAN_ANYBODY_WAITS = Answer(200, b"{}", delay_seconds=600)
UNAVAILABLE = Answer(503, b"<html><body>Service Unavailable</body></html>", {"Content-Type": "text/html"})


@dataclass
class Bars:
    """An instrument's bars at Yahoo: (seconds since 1970, open, high, low, close, volume), oldest first.

    `splits`: stamp, numerator, denominator, told with every answer.
    """

    zone: str
    currency: str
    rows: list[Row]
    splits: tuple[tuple[int, int, int], ...] = ()


def patience_for(answer: Answer) -> float:
    """Return the seconds that a client gives a server: a busy machine must not make a good answer a slow one."""
    return 1 if answer.delay_seconds else 30


class StandIn:
    """The server. `now` is the moment that walls and bars in progress are judged by."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now
        self.yahoo_bars: dict[tuple[str, str], Bars] = {}
        self.yahoo_bodies: dict[tuple[str, str], bytes] = {}
        # (symbol, "1min" or "Daily", month or "") -> body; what is not there is an invalid call.
        self.alphavantage_bodies: dict[tuple[str, str, str], bytes] = {}
        # Rate in small letters -> items of its answer, or the body instead of one; what is in neither is a bad request.
        self.nyfed_rates: dict[str, list[dict[str, Any]]] = {}
        self.nyfed_bodies: dict[str, bytes] = {}
        self.fred_series: dict[str, fred.History] = {}
        self.ecb_files: dict[str, bytes] = {}
        self.script: list[Answer] = []
        self.paths: list[str] = []
        self.is_over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def count(self, prefix: str = "/") -> int:
        """Return how many requests began with this path."""
        return sum(path.startswith(prefix) for path in self.paths)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.is_over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """Return what a GET is answered. Scripted answers go to requests for data, not for cookies."""
        is_data = path.startswith((RATES, FRED, ECB)) or path == QUERY or "period1" in query
        if is_data and self.script:
            return self.script.pop(0)
        return self._data(path, query) if is_data or path.startswith(CHART) else self._page(path)

    def _data(self, path: str, query: Mapping[str, str]) -> Answer:
        if path.startswith(CHART):
            return self._chart(unquote(path.removeprefix(CHART)), query)
        if path.startswith(RATES):
            return self._rates(path.split("/")[-2], query)
        if path.startswith((FRED, ECB)):
            return self._publisher(path, query)
        return self._series(query)

    def _page(self, path: str) -> Answer:
        if path == "/v1/test/getcrumb":
            return Answer(200, b"c.ruMb/2", {"Content-Type": "text/plain"})
        return Answer(404, b"<html></html>", {"Set-Cookie": "A3=secret; Path=/", "Content-Type": "text/html"})

    def _publisher(self, path: str, query: Mapping[str, str]) -> Answer:
        """Answer as FRED does, or with a file of the European Central Bank's."""
        if path.startswith(FRED):
            return Answer(*fred.answer(self.fred_series, path.removeprefix(FRED), query), JSON_TYPE)
        file = self.ecb_files.get(path.removeprefix(ECB))
        return Answer(404, b"<!DOCTYPE html><html></html>") if file is None else Answer(200, file)

    def _chart(self, symbol: str, query: Mapping[str, str]) -> Answer:
        key = (symbol, query["interval"])
        if "period1" not in query:
            return self._zone(symbol)
        if key in self.yahoo_bodies:
            return Answer(200, self.yahoo_bodies[key], JSON_TYPE)
        if key not in self.yahoo_bars:
            return _yahoo_error(404, "Not Found", "No data found, symbol may be delisted")
        start, end = int(query["period1"]), int(query["period2"])
        return self._beyond(*key, start, end) or self._bars(*key, start, end)

    def _zone(self, symbol: str) -> Answer:
        """Answer yfinance's first question: one day, of which it reads the exchange's zone."""
        for (known, _), bars in self.yahoo_bars.items():
            if known == symbol:
                return Answer(200, chart_body(symbol, "1d", bars.zone, bars.currency, []), JSON_TYPE)
        for (known, _), body in self.yahoo_bodies.items():
            if known == symbol:
                return Answer(200, body, JSON_TYPE)
        return _yahoo_error(404, "Not Found", "No data found, symbol may be delisted")

    def _beyond(self, symbol: str, interval: str, start: int, end: int) -> Answer | None:
        """Refuse minutes beyond window or wall, in Yahoo's words."""
        if interval != "1m":
            return None
        said = f"1m data not available for startTime={start} and endTime={end}. "
        if end - start > WINDOW_1M.total_seconds():
            words = "Only 8 days worth of 1m granularity data are allowed to be fetched per request."
            return _yahoo_error(422, "Unprocessable Entity", said + words)
        now = self.now or datetime.now(UTC)
        if start < (now - WALL_1M).timestamp():
            words = "The requested range must be within the last 30 days."
            return _yahoo_error(422, "Unprocessable Entity", said + words)
        return None

    def _bars(self, symbol: str, interval: str, start: int, end: int) -> Answer:
        bars = self.yahoo_bars[symbol, interval]
        rows = [row for row in bars.rows if start <= row[0] < end]
        if self.now is not None and interval == "1m":
            rows = _up_to(rows, int(self.now.timestamp()))
        body = chart_body(symbol, interval, bars.zone, bars.currency, rows, bars.splits)
        return Answer(200, body, JSON_TYPE)

    def _series(self, query: Mapping[str, str]) -> Answer:
        """Answer as Alpha Vantage does: HTTP 200 whatever it says."""
        if not query.get("apikey"):
            return Answer(200, INVALID_KEY, JSON_TYPE)
        key = (query["symbol"], query.get("interval", "Daily"), query.get("month", ""))
        return Answer(200, self.alphavantage_bodies.get(key, INVALID_CALL), JSON_TYPE)

    def _rates(self, rate_type: str, query: Mapping[str, str]) -> Answer:
        if rate_type in self.nyfed_bodies:
            return Answer(200, self.nyfed_bodies[rate_type], JSON_TYPE)
        if rate_type not in self.nyfed_rates:
            return Answer(400, b"Bad Request", {"Content-Type": "text/plain"})
        first, last = query["startDate"], query["endDate"]
        items = [item for item in self.nyfed_rates[rate_type] if first <= item["effectiveDate"] <= last]
        body = json.dumps({"refRates": sorted(items, key=lambda item: item["effectiveDate"], reverse=True)})
        return Answer(200, body.encode(), JSON_TYPE)


def chart_body(
    symbol: str,
    interval: str,
    zone: str,
    currency: str,
    rows: Sequence[Row],
    splits: Sequence[tuple[int, int, int]] = (),
) -> bytes:
    """Return a v8 chart answer in Yahoo's shape; without rows it has no key `timestamp`, as on a weekend.

    `splits`: stamp, numerator, denominator.
    """
    gmtoffset = _offset(rows[-1][0] if rows else 0, zone)
    meta: dict[str, Any] = {
        "currency": currency,
        "symbol": symbol,
        "instrumentType": "EQUITY",
        "gmtoffset": gmtoffset,
        "exchangeTimezoneName": zone,
        "dataGranularity": interval,
        "validRanges": ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"],
    }
    if interval != "1d":
        meta["tradingPeriods"] = _trading_periods(rows, zone)
    result: dict[str, Any] = {"meta": meta, "indicators": {"quote": [{}]}}
    if splits:
        told = [
            {"date": day, "numerator": top, "denominator": bottom, "splitRatio": f"{top}:{bottom}"}
            for day, top, bottom in splits
        ]
        result["events"] = {"splits": {str(split["date"]): split for split in told}}
    if rows:
        names = ("open", "high", "low", "close", "volume")
        result["timestamp"] = [row[0] for row in rows]
        result["indicators"]["quote"] = [{name: [row[i] for row in rows] for i, name in enumerate(names, 1)}]
        if interval == "1d":
            result["indicators"]["adjclose"] = [{"adjclose": [row[4] for row in rows]}]
    return json.dumps({"chart": {"result": [result], "error": None}}).encode()


def sample_bars(symbol: str, interval: str) -> Bars:
    """Return an instrument of the bundled sample as Yahoo would have it."""
    zone, currency, opening = {
        "MSFT": ("America/New_York", "USD", (9, 30)),
        "AZN.L": ("Europe/London", "GBp", (8, 0)),
        "9988.HK": ("Asia/Hong_Kong", "HKD", (9, 30)),
    }[symbol]
    with (SAMPLE / f"{symbol}_{interval}.csv").open(newline="") as file:
        records = list(csv.DictReader(file))
    rows: list[Row] = []
    for record in records:
        stamp = datetime.fromisoformat(record["date"])
        if interval == "1d":  # Yahoo stamps a day with its session's open
            stamp = stamp.replace(hour=opening[0], minute=opening[1], tzinfo=ZoneInfo(zone))
        prices = (float(record[name]) for name in ("open", "high", "low", "close"))
        rows.append((int(stamp.timestamp()), *prices, int(float(record["volume"]))))  # type: ignore[arg-type]
    return Bars(zone, currency, rows)


def _up_to(rows: list[Row], now: int) -> list[Row]:
    """Cut the rows at a moment; its minute is in progress: one price, volume 0, stamped with the moment."""
    whole = [row for row in rows if row[0] + 60 <= now]
    current = [row for row in rows if row[0] < now < row[0] + 60]
    return whole + [(now, row[1], row[1], row[1], row[1], 0) for row in current]


def _trading_periods(rows: Sequence[Row], zone: str) -> list[list[dict[str, Any]]]:
    def day(row: Row) -> object:
        return datetime.fromtimestamp(row[0], ZoneInfo(zone)).date()

    periods = []
    for _, group in groupby(rows, key=day):
        stamps = [row[0] for row in group]
        name = datetime.fromtimestamp(stamps[0], ZoneInfo(zone)).tzname()
        ends = {"start": stamps[0], "end": stamps[-1] + 60, "gmtoffset": _offset(stamps[0], zone)}
        periods.append([{"timezone": name, **ends}])
    return periods


def _offset(stamp: int, zone: str) -> int:
    offset = datetime.fromtimestamp(stamp, ZoneInfo(zone)).utcoffset()
    return int(offset.total_seconds()) if offset else 0


def _yahoo_error(status: int, code: str, description: str) -> Answer:
    body = {"chart": {"result": None, "error": {"code": code, "description": description}}}
    return Answer(status, json.dumps(body).encode(), JSON_TYPE)


def _handler(standin: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            standin.paths.append(self.path)
            query = {name: values[0] for name, values in parse_qs(asked.query).items()}
            answer = standin.answer(asked.path, query)
            if not standin.is_over.wait(answer.delay_seconds):
                self._send(answer)

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(answer.body[: answer.kept_bytes])
            except OSError:
                return  # the client gave up waiting, which some tests want it to

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing: the requests are in `paths`."""

    return Handler
