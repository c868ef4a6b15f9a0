"""One good body and request for each parser, and what a parser may answer to any bytes.

What belongs here: seeds to mutate, and the judgement. What does not: mutating.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from findata_assets.steps.sources import recorded_requests
from findata_core.errors import ConfigurationError, MalformedPayload, RefusedRequest, RetriableProviderError
from findata_resources.providers import PARSERS, alphavantage_series, calendar, decisions, nyfed
from findata_resources.providers.recorded_files import _request
from findata_resources.providers.recorded_manifest import RecordedSet
from findata_resources.providers.yahoo_chart import bars_request
from tests.chaos.market import UNIVERSE, tasks
from tests.standin import SAMPLE

Key = tuple[str, str]
MAY_RAISE = (MalformedPayload, RefusedRequest, RetriableProviderError)
START, END = datetime(2022, 6, 14, tzinfo=UTC), datetime(2022, 6, 15, tzinfo=UTC)


@dataclass(frozen=True)
class Seed:
    """A parser's name, a body that it reads, and the stored request of it."""

    name: str
    key: Key
    body: bytes
    request: Mapping[str, Any]


@cache
def seeds() -> tuple[Seed, ...]:
    """Return the seeds, several for parsers that read several shapes."""
    yahoo = tasks(1)[0].payloads[0]
    daily = bars_request("MSFT.XNAS", "MSFT", "1d", START, END).to_dict()
    return (
        *_actions(),
        *_alphavantage(),
        Seed("calendar", ("findata", "sessions"), _sessions(), {"subject": "XNYS", "source": "findata"}),
        Seed("decision", ("findata", "decisions"), _decision(), {}),
        Seed("universe", ("findata", "universe"), UNIVERSE.encode(), {"source": "findata"}),
        *_nyfed(),
        *_recorded("bars"),
        *_recorded("sofr"),
        *_securities(),
        Seed("yahoo 1m", ("yahoo", "bars"), _shortened(yahoo.body), yahoo.request.to_dict()),
        Seed("yahoo events", ("yahoo", "bars"), _with_events(_shortened(yahoo.body)), daily),
        Seed("yahoo 1d", ("yahoo", "bars"), _shortened(yahoo.body), daily),
    )


def judged(seed: Seed, body: bytes) -> None:
    """Parse; any other exception than those that a parser may raise goes through, and fails the caller."""
    allowed = (*MAY_RAISE, ConfigurationError) if seed.key == ("findata", "universe") else MAY_RAISE
    try:
        parsed = PARSERS[seed.key](body, seed.request)
    except allowed:
        return
    assert sum(item.rows.height for item in parsed) <= 2 * len(body) + 2, "rows come from bytes"


def _actions() -> list[Seed]:
    factors = b"19980102,0.86,0.5,1\n20140606,0.9011818,0.0357143,645.57\n20200828,0.99,0.25,499.23\n20501231,1,1,0\n"
    table = b"date,ratio,amount,currency,kind\n2014-06-09,7:1,,,\n2014-08-07,,0.47,USD,cash\n"
    lean = {"layout": {"format": "lean_factors"}}
    mine = {"adjustment": "raw", "time": {"column": "date"}}
    key = ("recorded", "actions")
    return [
        Seed("lean factors", key, factors, _stored("actions", **lean)),
        Seed("a table of actions", key, table, _stored("actions", **mine)),
    ]


def _securities() -> list[Seed]:
    named = {"instrument": {"column": "symbol", "mic": "XNAS"}}
    screener = (
        b'[{"symbol": "A", "name": "Agilent", "lastsale": "$159.00", "pctchange": "1.7%", "sector": ""}]'
    )
    spells = b"symbol,from_date,to_date,cik\nA,2000-06-05,,1090872\nAAL,1996-01-02,1997-01-15,6201\n"
    lean = {"layout": {"format": "lean_map"}, "instrument": {"symbol": "goog", "mic": "XNAS"}}
    key = ("recorded", "securities")
    return [
        Seed("a screener", key, screener, _stored("securities", layout={"format": "json"}, **named)),
        Seed("spells", key, spells, _stored("securities", **named)),
        Seed(
            "lean map",
            key,
            b"20140327,goocv,Q\n20140402,goocv,Q\n20501231,goog,Q\n",
            _stored("securities", **lean),
        ),
    ]


def _stored(dataset: str, **keys: Any) -> Mapping[str, Any]:
    """Return the stored request of a file of a folder that a manifest with these keys describes."""
    usual = {"name": "one", "files": "*", "dataset": dataset, "source": "mine", "received": END}
    item = RecordedSet.model_validate({"instrument": {"symbol": "A", "mic": "XNAS"}, **usual, **keys})
    return _request("one.csv", item).to_dict()


def _with_events(body: bytes) -> bytes:
    chart = json.loads(body)
    result = chart["chart"]["result"][0]
    result["meta"]["currency"] = "GBp"
    result["indicators"]["adjclose"] = [{"adjclose": [value and value * 0.9 for value in result["indicators"]["quote"][0]["close"]]}]  # fmt: skip
    result["events"] = {
        "dividends": {
            "1": {"amount": 0.62, "date": 1655213400, "currency": "USD"},
            "3": {"amount": 0.31, "date": result["timestamp"][-1]},
        },
        "splits": {"2": {"date": 1655213400, "numerator": 4, "denominator": 1, "splitRatio": "4:1"}},
    }
    return json.dumps(chart).encode()


def _alphavantage() -> list[Seed]:
    head = "timestamp,open,high,low,close,volume"
    rows = [f"2022-06-14 {hour:02}:{minute:02}:00,1.5,2,1,1.5,9" for hour in (9, 15) for minute in (30, 45)]
    series = {row.split(",")[0]: {"1. open": "1.5", "2. high": "2", "3. low": "1", "4. close": "1.5", "5. volume": "9"} for row in rows}  # fmt: skip
    body = json.dumps(
        {
            "Meta Data": {"2. Symbol": "IBM", "4. Interval": "1min", "6. Time Zone": "US/Eastern"},
            "Time Series (1min)": series,
        }
    )
    request = alphavantage_series.bars_request("IBM.XNYS", "IBM", "1m", START, END).to_dict()
    key = ("alphavantage", "bars")
    return [
        Seed("alphavantage json", key, body.encode(), request),
        Seed("alphavantage csv", key, "\r\n".join([head, *rows, ""]).encode(), request),
        Seed("alphavantage notice", key, b'{"Note": "API call frequency is 5 calls per minute"}', request),
    ]


def _nyfed() -> list[Seed]:
    fixing = {"effectiveDate": "2022-06-14", "type": "SOFR", "percentRate": 0.7, "percentPercentile1": 0.65, "volumeInBillions": 951, "revisionIndicator": ""}  # fmt: skip
    average = {"effectiveDate": "2022-06-14", "type": "SOFRAI", "average30day": 0.7, "index": 1.04}
    request = nyfed.rates_request("SOFR", date(2022, 6, 14), date(2022, 6, 15)).to_dict()
    key = ("nyfed", "sofr")
    return [
        Seed("nyfed", key, json.dumps({"refRates": [fixing, average]}).encode(), request),
        Seed("nyfed empty", key, b'{"refRates": []}', request),
    ]


def _recorded(dataset: str) -> list[Seed]:
    requests, _ = recorded_requests(SAMPLE, None, dataset)
    made = []
    for request in requests:
        stored = request.to_dict()
        lines = (SAMPLE / stored["parameters"]["file"]).read_bytes().splitlines(keepends=True)[:4]
        made.append(
            Seed(f"recorded {stored['parameters']['file']}", ("recorded", dataset), b"".join(lines), stored)
        )
    return made


def _decision() -> bytes:
    evidence = [{"time": "2022-06-14 13:30", "stored": 250.5, "said": 125.25}]
    return decisions.decision("hold", [(7, "all prices are half", evidence)], END, "history_rescaled").body


def _sessions() -> bytes:
    class Fixed:
        def now(self) -> datetime:
            return END

    body = calendar.snapshot("XNYS", date(2022, 6, 1), Fixed()).body
    return b"".join(body.splitlines(keepends=True)[:4])


def _shortened(body: bytes) -> bytes:
    """Return a chart answer of three minutes: small seeds are searched deeper."""
    chart = json.loads(body)
    (result,) = chart["chart"]["result"]
    result["timestamp"] = result["timestamp"][:3]
    quote = result["indicators"]["quote"][0]
    result["indicators"]["quote"] = [{name: values[:3] for name, values in quote.items()}]
    return json.dumps(chart).encode()
