"""Yahoo's v8 chart answer: what can be asked for, and the pure parse of its JSON.

What belongs here: the shape of the body. Asking (yfinance, cookies, crumbs) is in yahoo.py.
No network library is imported: payloads are parsed again without one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import available_timezones

import polars as pl

from findata_core.errors import MalformedPayload, RefusedRequest, RetriableProviderError
from findata_core.market.bars import restore_float32
from findata_resources.provider import Capability, Parsed, Request, bar_rows
from findata_resources.providers.http_answers import TRY_LATER
from findata_resources.providers.yahoo_events import events

PROVIDER = "yahoo"

# Limits: 8 days of 1m a request and the last 30 days, of which 29 are accepted without doubt (Yahoo's own
# 422 body; yfinance's scrapers/history.py takes 691,200 s = 8 days). Settling: minutes near the close of
# NYSE and Arca names are corrected in the evening, daily bars overnight; a day after the close both rest.
CAPABILITIES = (
    Capability(
        dataset="bars",
        interval="1d",
        widest_window=None,
        wall=None,
        label="start",
        adjustment="split",
        is_float32=True,
        settles_after=timedelta(hours=24),
    ),
    Capability(
        dataset="bars",
        interval="1m",
        widest_window=timedelta(days=8),
        wall=timedelta(days=29),
        label="start",
        adjustment="split",
        is_float32=True,
        settles_after=timedelta(hours=24),
    ),
)

_COLUMNS = ("open", "high", "low", "close", "volume")
_REFUSALS = frozenset({"Bad Request", "Not Found", "Unprocessable Entity", "Forbidden"})
# Yahoo's texts in place of JSON, by the limiter ("Edge: Too Many Requests") and during an outage.
_PASSING = ("Too Many Requests", "Will be right back")
# Some exchanges' daily stamps fall one or two hours before local midnight around clock changes; the day meant
# is the one that follows (yfinance 1.7.0, utils.fix_Yahoo_dst_issue).
_EARLY_HOURS = (22, 23)
_LAST_SECOND = 62_000_000_000  # years 6 to 3934: what has no place in a calendar is no stamp


def bars_request(instrument_id: str, symbol: str, interval: str, start: datetime, end: datetime) -> Request:
    """Return the request for an instrument's bars in [start, end); `symbol` is Yahoo's name for it."""
    capability = capability_of(interval)
    return Request(
        provider=PROVIDER,
        source=PROVIDER,
        dataset="bars",
        subject=instrument_id,
        parameters={"symbol": symbol, "interval": interval, "adjustment": capability.adjustment},
        window_start=start,
        window_end=end,
    )


def capability_of(interval: str) -> Capability:
    """Return what Yahoo can be asked for of an interval; RefusedRequest names those that it can."""
    for capability in CAPABILITIES:
        if capability.interval == interval:
            return capability
    known = ", ".join(capability.interval for capability in CAPABILITIES)
    raise RefusedRequest(f"Yahoo is not asked for {interval} bars", f"Use one of {known}")


def parse(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    """Return the bars of a chart answer, null bars and a live last bar included; a day without data has none.

    RefusedRequest or RetriableProviderError where the body is Yahoo's error, MalformedPayload where it can't
    be read, or says that it is about another symbol or width.
    """
    result = chart_result(body)
    _refuse_other(result, request["parameters"])
    interval = str(request["parameters"]["interval"])
    stamps = _stamps(result)
    columns = {
        "instrument_id": _repeated(request["subject"], len(stamps)),
        "interval": _repeated(interval, len(stamps)),
        "source": _repeated(request["source"], len(stamps)),
        "adjustment": _repeated(request["parameters"]["adjustment"], len(stamps)),
        **_times(result, stamps, interval),
        **_quote(result, len(stamps)),
    }
    table = "market.bars_1d" if interval == "1d" else "market.bars"
    bars = Parsed(table, restore_float32(bar_rows(columns)))
    return [bars, *events(result, request, lambda days: _local_days(result, days))]


def chart_result(body: bytes) -> dict[str, Any]:
    """Return `chart.result[0]`, or raise what the body says instead."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _no_json(body, error) from error
    chart = content.get("chart") if isinstance(content, dict) else None
    if not isinstance(chart, dict):
        raise MalformedPayload(
            "The answer has no 'chart'", "See the payload; if Yahoo has changed, mend the parse"
        )
    if chart.get("error"):
        raise _said(chart["error"])
    result = chart.get("result")
    if not (isinstance(result, list) and result and isinstance(result[0], dict)):
        raise MalformedPayload(
            "'chart.result' is empty", "Fetch the window again; if it stays so, check the symbol"
        )
    return result[0]


def _refuse_other(result: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
    """Refuse an answer that names another width or symbol; one that names none is taken for what was asked.

    Yahoo does answer other widths than it is asked for: quarters, and months, in place of days (range=max). Every
    recorded answer names the symbol that was asked; one that is renamed is unknown under its old name.
    """
    meta = _part(result, "meta")
    width, symbol = meta.get("dataGranularity"), meta.get("symbol")
    if width is not None and width != parameters["interval"]:
        raise MalformedPayload(
            f"The answer has bars of {width!r:.80}, not {parameters['interval']}",
            "See the payload; if Yahoo spells the width otherwise now, mend the parse",
        )
    if symbol is not None and str(symbol).upper() != str(parameters["symbol"]).upper():
        raise MalformedPayload(
            f"The answer is about {symbol!r:.80}, not {parameters['symbol']}",
            "See the payload; if Yahoo has another name for the instrument now, correct it in the universe file",
        )


def _no_json(body: bytes, error: Exception) -> RetriableProviderError | MalformedPayload:
    text = body.decode("utf-8", "replace")
    if any(mark in text for mark in _PASSING):
        return RetriableProviderError(f"Yahoo answered '{text[:80].strip()}'", TRY_LATER)
    return MalformedPayload(
        f"The answer is not JSON: {error}", "See the payload; if it was cut off, fetch the window again"
    )


def _said(error: Any) -> RefusedRequest | RetriableProviderError:
    code = str(error.get("code", "")) if isinstance(error, dict) else ""
    said = error.get("description", "") if isinstance(error, dict) else str(error)
    if code in _REFUSALS:
        return RefusedRequest(
            f"Yahoo refused: {code}: {said}", "Check the symbol, the interval and the window"
        )
    return RetriableProviderError(f"Yahoo failed: {code}: {said}", TRY_LATER)


def _stamps(result: Mapping[str, Any]) -> pl.Series:
    """Return the stamps as instants; a day without data has no key `timestamp`."""
    seconds = result.get("timestamp") or []
    if not isinstance(seconds, list) or not all(map(_is_stamp, seconds)):
        raise MalformedPayload(
            "A stamp is not a number, or beyond any date",
            "See the payload; if Yahoo has changed, mend the parse",
        )
    micros = pl.Series([int(value * 1_000_000) for value in seconds], dtype=pl.Int64)
    return micros.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _is_stamp(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) < _LAST_SECOND


def _times(result: Mapping[str, Any], stamps: pl.Series, interval: str) -> dict[str, pl.Series]:
    return {"session_date": _local_days(result, stamps)} if interval == "1d" else {"event_time": stamps}


@cache
def _zones() -> frozenset[str]:
    """Return the zones of this machine: to list them takes as long as to parse an answer."""
    return frozenset(available_timezones())


def _local_days(result: Mapping[str, Any], stamps: pl.Series) -> pl.Series:
    """Return the day of each stamp on the exchange's own clock."""
    zone = _part(result, "meta").get("exchangeTimezoneName")
    if not isinstance(zone, str) or zone not in _zones():
        raise MalformedPayload(
            f"The exchange's zone {zone!r} is unknown", "See meta.exchangeTimezoneName in the payload"
        )
    local = stamps.dt.convert_time_zone(zone)
    is_early = local.dt.hour().is_in(_EARLY_HOURS) & (local.dt.minute() == 0)
    return local.dt.date() + is_early.cast(pl.Int64).cast(pl.Duration("ms")) * 86_400_000


def _quote(result: Mapping[str, Any], height: int) -> dict[str, pl.Series]:
    quotes = _part(result, "indicators").get("quote") or [{}]
    if not isinstance(quotes, list) or not isinstance(quotes[0], dict):
        raise MalformedPayload("'indicators.quote' is no list of columns", "See the payload")
    values = {name: quotes[0].get(name) or [] for name in _COLUMNS}
    is_column = {name: isinstance(column, list) for name, column in values.items()}
    wrong = sorted(
        name for name, column in values.items() if not is_column[name] or len(column) not in {0, height}
    )
    if wrong:
        raise MalformedPayload(
            f"{', '.join(wrong)} has another length than the {height} stamps",
            "See the payload; fetch the window again",
        )
    return {name: _floats(name, column, height) for name, column in values.items()}


def _part(result: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object of the result; what is there instead of one counts as empty."""
    part = result.get(name)
    return part if isinstance(part, dict) else {}


def _floats(name: str, column: list[Any], height: int) -> pl.Series:
    try:
        return pl.Series(
            [None if value is None else float(value) for value in column or [None] * height], dtype=pl.Float64
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise MalformedPayload(f"A value of {name} is not a number: {error}", "See the payload") from error


def _repeated(value: Any, height: int) -> pl.Series:
    return pl.repeat(value, height, dtype=pl.String, eager=True)
