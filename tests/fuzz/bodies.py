"""One good body and request for each parser, and what a parser may answer to any bytes.

What belongs here: seeds to mutate, and the judgement. What does not: mutating.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from findata_assets.steps.sources import recorded_requests
from findata_core.errors import ConfigurationError, MalformedPayload, RefusedRequest, RetriableProviderError
from findata_resources.providers import PARSERS, alphavantage_series, calendar, decisions, nyfed
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
        *_alphavantage(),
        Seed("calendar", ("findata", "sessions"), _sessions(), {"subject": "XNYS", "source": "findata"}),
        Seed("decision", ("findata", "decisions"), _decision(), {}),
        Seed("universe", ("findata", "universe"), UNIVERSE.encode(), {"source": "findata"}),
        *_nyfed(),
        *_recorded("bars"),
        *_recorded("rates"),
        *_exports(),
        Seed("yahoo 1m", ("yahoo", "bars"), _shortened(yahoo.body), yahoo.request.to_dict()),
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
        archive.writestr("xl/worksheets/sheet1.xml", f"{sheet}</sheetData></worksheet>")
    (stored, *_) = (request.to_dict() for request in recorded_requests(SAMPLE, None, "rates")[0])
    reading = stored["parameters"]["reading"]
    reading |= {"layout": {**reading["layout"], "format": "nyfed_export"}}
    key = ("recorded", "rates")
    return [
        Seed("nyfed export csv", key, body.encode(), stored),
        Seed("nyfed export xlsx", key, packed.getvalue(), stored),
        Seed("recorded as it was called at first", ("recorded", "sofr"), body.encode(), stored),
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
