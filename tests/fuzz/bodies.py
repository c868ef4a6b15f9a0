"""One good body and request for each parser, and what a parser may answer to any bytes.

What belongs here: seeds to mutate, and the judgement. What does not: mutating.
"""

from __future__ import annotations

import io
import json
import tomllib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from findata_assets.steps.sources import recorded_requests
from findata_core.economic.vintages import EARLIEST, LATEST, Window
from findata_core.errors import ConfigurationError, MalformedPayload, RefusedRequest, RetriableProviderError
from findata_resources.provider import Request
from findata_resources.providers import (
    PARSERS,
    alphavantage_series,
    calendar,
    decisions,
    ecb,
    fred_answers,
    nyfed,
    recorded_files,
    series_catalogue,
)
from findata_resources.providers.recorded_manifest import RecordedSet, manifest_from
from findata_resources.providers.yahoo_chart import bars_request
from tests.chaos.market import UNIVERSE, tasks
from tests.economic.test_fx import HISTORY, zipped
from tests.economic.test_indices import GRAPH, LEVELS, MEMBERS
from tests.economic.test_vintages import BY_HAND
from tests.fred import about, observations_body
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
        *_economic(),
        Seed("decision", ("findata", "decisions"), _decision(), {}),
        Seed("universe", ("findata", "universe"), UNIVERSE.encode(), {"source": "findata"}),
        *_nyfed(),
        *_recorded("bars"),
        *_recorded("rates"),
        *_exports(),
        *_securities(),
        Seed("yahoo 1m", ("yahoo", "bars"), _shortened(yahoo.body), yahoo.request.to_dict()),
        Seed("yahoo events", ("yahoo", "bars"), _with_events(_daily(_shortened(yahoo.body))), daily),
        Seed("yahoo 1d", ("yahoo", "bars"), _daily(_shortened(yahoo.body)), daily),
    )


def judged(seed: Seed, body: bytes) -> None:
    """Parse; any other exception than those that a parser may raise goes through, and fails the caller."""
    allowed = (*MAY_RAISE, ConfigurationError) if seed.key == ("findata", "universe") else MAY_RAISE
    try:
        parsed = PARSERS[seed.key](body, seed.request)
    except allowed as error:
        assert_storable(str(error))
        return
    assert sum(item.rows.height for item in parsed) <= 2 * len(body) + 2, "rows come from bytes"


def assert_storable(text: str) -> None:
    """Assert that a reason can be entered in the books: it may quote a body that has no UTF-8, or a NUL."""
    assert "\0" not in text.encode().decode()


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
    return recorded_files._request("one.csv", item).to_dict()


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
    key = ("nyfed", "rates")
    return [
        Seed("nyfed", key, json.dumps({"refRates": [fixing, average]}).encode(), request),
        Seed("nyfed empty", key, b'{"refRates": []}', request),
        Seed("nyfed as it was called at first", ("nyfed", "sofr"), b'{"refRates": []}', request),
    ]


def _exports() -> list[Seed]:
    """The New York Fed's exports of one fixing and one day's averages."""
    head = "Effective Date,Rate Type,Rate (%),Volume ($Billions),SOFR Index,Revision Indicator (Y/N)"
    body = f"{head}\r\n06/14/2022,SOFR,0.7,951,,Y\r\n06/14/2022,SOFRAI,,,1.04,\r\n"
    sheet = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    for line in body.splitlines():
        cells = "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in line.split(","))
        sheet += f"<row>{cells}</row>"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        sheet_file = zipfile.ZipInfo(
            "xl/worksheets/sheet1.xml"
        )  # of no time: a search finds the same each day
        archive.writestr(sheet_file, f"{sheet}</sheetData></worksheet>")
    (stored, *_) = (request.to_dict() for request in recorded_requests(SAMPLE, None, "rates")[0])
    reading = stored["parameters"]["reading"]
    reading |= {"layout": {**reading["layout"], "format": "nyfed_export"}}
    key = ("recorded", "rates")
    return [
        Seed("nyfed export csv", key, body.encode(), stored),
        Seed("nyfed export xlsx", key, packed.getvalue(), stored),
        Seed("recorded as it was called at first", ("recorded", "sofr"), body.encode(), stored),
    ]


def _economic() -> list[Seed]:
    """Return FRED's three answers as asked for and as saved, the bank's file, and files that a manifest describes."""
    window = Window(EARLIEST, LATEST, continues=False)
    series = json.dumps({"seriess": [about("GDP")]}).encode()
    bodies = {
        "observations": observations_body(BY_HAND[:4], str(EARLIEST), str(LATEST)),
        "series": series,
        "vintages": b'{"count": 2, "offset": 0, "vintage_dates": ["2020-04-29", "2020-05-28"]}',
    }
    asked = {
        "observations": fred_answers.observations_request("GDP", window, END),
        "series": fred_answers.series_request("GDP"),
        "vintages": fred_answers.vintages_request("GDP"),
    }
    saved = {"reading": {"layout": {"format": "fred_json"}}}
    return [
        *(Seed(f"fred {name}", ("fred", name), body, asked[name].to_dict()) for name, body in bodies.items()),
        *(
            Seed(
                f"saved {name}",
                ("recorded", name),
                body,
                Request("recorded", "fred", name, "GDP", saved).to_dict(),
            )
            for name, body in bodies.items()
        ),
        Seed("catalogue", ("findata", "catalogue"), _catalogue(), {"source": "findata"}),
        Seed("ecb", ("ecb", "fx"), HISTORY, ecb.fx_request().to_dict()),
        Seed("ecb zip", ("ecb", "fx"), zipped(HISTORY), ecb.fx_request().to_dict()),
        Seed("saved ecb", ("recorded", "fx"), HISTORY, {"source": "ecb"}),
        _described(LEVELS, b"DATE,OPEN,HIGH,LOW,CLOSE\n1990-01-02,17.24,17.24,17.24,17.24\n"),
        _described(GRAPH, b"observation_date,SP500\n2016-02-12,1864.78\n2016-02-15,\n"),
        _described(MEMBERS.format(until="exclusive"), b"ticker,start_date,end_date\nA,2000-06-05,\n"),
    ]


def _described(manifest: str, body: bytes) -> Seed:
    """Return the seed of a file that a manifest's one set describes."""
    (described,) = manifest_from(tomllib.loads(manifest)).set
    request = recorded_files._request("file.csv", described)
    return Seed(f"described {request.dataset}", ("recorded", request.dataset), body, request.to_dict())


def _catalogue() -> bytes:
    class Fixed:
        def now(self) -> datetime:
            return END

    return series_catalogue.snapshot(Fixed()).body[:300].rpartition(b"},")[0] + b"}]"


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


def _daily(body: bytes) -> bytes:
    """Return a chart answer as one about Microsoft's days."""
    chart = json.loads(body)
    chart["chart"]["result"][0]["meta"] |= {"symbol": "MSFT", "dataGranularity": "1d"}
    return json.dumps(chart).encode()


def _shortened(body: bytes) -> bytes:
    """Return a chart answer of three minutes: small seeds are searched deeper."""
    chart = json.loads(body)
    (result,) = chart["chart"]["result"]
    result["timestamp"] = result["timestamp"][:3]
    quote = result["indicators"]["quote"][0]
    result["indicators"]["quote"] = [{name: values[:3] for name, values in quote.items()}]
    return json.dumps(chart).encode()
