"""The New York Fed's Markets API: reference rates (findata_core/rates/catalogue.py), SOFR's averages and index.

No key, no pages. Documentation: https://markets.newyorkfed.org/static/docs/markets-api.html
What belongs here: requests, one GET, and the pure parse of `refRates`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from findata_core.errors import MalformedPayload, RefusedRequest
from findata_core.rates.catalogue import AVERAGES_OF, rate_of, types_of
from findata_resources.provider import Capability, Clock, Parsed, Received, Request, kept_headers, table_rows
from findata_resources.providers.http_answers import interrupted, refusal, unreachable
from findata_resources.providers.json_values import day, number, text

PROVIDER = "nyfed"
DEFAULT_BASE_URL = "https://markets.newyorkfed.org"

DATASET = "rates"
# No widest window is stated. Ten years are 2,500 days of about 300 bytes: an answer of less than a megabyte, and one
# that fails costs little.
WIDEST_WINDOW = timedelta(days=3653)

# Rates are revised on the day of publication only, at about 14:30 in New York
# (https://www.newyorkfed.org/markets/reference-rates/sofr): a day later they are final.
CAPABILITIES = (
    Capability(
        dataset=DATASET,
        interval="",
        widest_window=WIDEST_WINDOW,
        wall=None,
        label="start",
        adjustment="",
        is_float32=False,
        settles_after=timedelta(hours=24),
    ),
)

# What can be asked for: name of the answer's `type`, and where it lies.
PATHS: Mapping[str, str] = {name: f"{rate_of(name).family}/{name.lower()}" for name in types_of()}

_RATE_FIELDS = {
    "rate_percent": "percentRate",
    "percentile_1_percent": "percentPercentile1",
    "percentile_25_percent": "percentPercentile25",
    "percentile_75_percent": "percentPercentile75",
    "percentile_99_percent": "percentPercentile99",
    "volume_billions_usd": "volumeInBillions",
    "target_from_percent": "targetRateFrom",
    "target_to_percent": "targetRateTo",
    # EFFR before 2016-03-01 was a mean of what brokers reported; it has these instead of percentiles.
    "intraday_low_percent": "intraDayLow",
    "intraday_high_percent": "intraDayHigh",
    "standard_deviation_percent": "stdDeviation",
}
_AVERAGE_FIELDS = {
    "average_30day_percent": "average30day",
    "average_90day_percent": "average90day",
    "average_180day_percent": "average180day",
    "index_value": "index",
}


def rates_request(rate_type: str, start: date, end: date) -> Request:
    """Return the request for a type of PATHS and the observation dates [start, end), end exclusive."""
    if rate_type not in PATHS:
        raise RefusedRequest(f"The New York Fed has no rate '{rate_type}'", f"Use one of {', '.join(PATHS)}")
    return Request(
        provider=PROVIDER,
        source=PROVIDER,
        dataset=DATASET,
        subject=AVERAGES_OF.get(rate_type, rate_type),
        parameters={"rate_type": rate_type},
        window_start=datetime.combine(start, time(), UTC),
        window_end=datetime.combine(end, time(), UTC),
    )


class NewYorkFedProvider:
    """Asks the Markets API; `timeout_seconds` bounds connecting and each wait for bytes."""

    name = PROVIDER
    capabilities = CAPABILITIES

    def __init__(self, base_url: str = DEFAULT_BASE_URL, timeout_seconds: float = 30) -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout_seconds = timeout_seconds

    def fetch(self, request: Request, clock: Clock) -> Received:
        """Ask once. The API includes both ends of its window: the request's end is one day earlier there."""
        import httpx  # a third of a second that only those pay who ask

        path = PATHS[str(request.parameters["rate_type"])]
        try:
            answer = httpx.get(
                f"{self._base_url}/api/rates/{path}/search.json",
                params=_window(request),
                timeout=self._timeout_seconds,
            )
        except httpx.ConnectError as error:
            raise unreachable("The New York Fed", error) from error
        except httpx.HTTPError as error:
            raise interrupted("The New York Fed", error) from error
        if answer.status_code != httpx.codes.OK:
            raise refusal("The New York Fed", answer.status_code, answer.headers, answer.content, clock.now())
        return Received(
            request, answer.content, answer.status_code, kept_headers(answer.headers), clock.now()
        )


def parse(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    """Return fixings for rates.rates, and averages and index for rates.published_averages."""
    return rows_of(_items(body), request["source"])


def rows_of(items: Sequence[Mapping[str, Any]], source: str) -> list[Parsed]:
    """Return the rows of items in the API's shape; those of averages go to a table of their own."""
    averages = [_averages(item, source) for item in items if text(item.get("type")) in AVERAGES_OF]
    rates = [_rate(item, source) for item in items if text(item.get("type")) not in AVERAGES_OF]
    parsed = []
    if rates or not averages:
        parsed.append(Parsed("rates.rates", table_rows("rates.rates", rates)))
    if averages:
        parsed.append(Parsed("rates.published_averages", table_rows("rates.published_averages", averages)))
    return parsed


def _window(request: Request) -> dict[str, str]:
    if request.window_start is None or request.window_end is None:
        raise RefusedRequest("The New York Fed is asked for a window", "Give window_start and window_end")
    last = request.window_end - timedelta(microseconds=1)
    return {"startDate": request.window_start.date().isoformat(), "endDate": last.date().isoformat()}


def _items(body: bytes) -> list[dict[str, Any]]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedPayload(
            f"The answer is not JSON: {error}", "See the payload; if it was cut off, fetch the window again"
        ) from error
    items = content.get("refRates") if isinstance(content, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise MalformedPayload(
            "The answer has no list 'refRates'", "See the payload; if the API has changed, mend nyfed.parse"
        )
    return items


def _rate(item: Mapping[str, Any], source: str) -> dict[str, Any]:
    return {
        "rate": text(item.get("type")),
        "source": source,
        "observation_date": day(item.get("effectiveDate")),
        **{column: number(item.get(key)) for column, key in _RATE_FIELDS.items()},
        "revision_indicator": text(item.get("revisionIndicator")),
        "footnote_id": text(item.get("footnoteId")),
    }


def _averages(item: Mapping[str, Any], source: str) -> dict[str, Any]:
    return {
        "rate": AVERAGES_OF[item["type"]],
        "source": source,
        "observation_date": day(item.get("effectiveDate")),
        **{column: number(item.get(key)) for column, key in _AVERAGE_FIELDS.items()},
        "revision_indicator": text(item.get("revisionIndicator")),
    }
