"""Alpha Vantage's time series: what can be asked for, and the pure parse of its JSON and its CSV.

What belongs here: the request, the shape of the body, which end of a bar its stamps name, and what a body
says in place of data. Asking, and the key, are in alphavantage.py. No network library is imported.
Documentation: https://www.alphavantage.co/documentation/#intraday
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from findata_core.errors import MalformedPayload, ProviderError, RefusedRequest
from findata_core.intervals import width_minutes
from findata_resources.provider import Capability, Parsed, Request, bar_rows, repeated
from findata_resources.providers.alphavantage_notices import notice, printable

PROVIDER = "alphavantage"
ZONE = "America/New_York"  # its documents and answers say "US/Eastern", the same zone by its older name
ZONES = frozenset({"US/Eastern", ZONE})
FIRST_MONTH = "2000-01"  # documentation, parameter `month`
# findata's name of a width -> Alpha Vantage's. Shortest first.
API_INTERVALS: Mapping[str, str] = {"1m": "1min", "5m": "5min", "15m": "15min", "30m": "30min", "1h": "60min"}

# Settling: nothing is documented. Free keys get a day's bars at its end, and consolidated tapes take late and
# cancelled trades until the evening: a day after the close both are over.
_SETTLES_AFTER = timedelta(hours=24)
_MONTH = timedelta(days=31)
# "compact" is the latest 100 points (documentation); 120 days have at most 87 weekdays.
_COMPACT_REACH = timedelta(days=120)
# A request that is planned so may wait for its turn, and is compact still.
_RECENT = _COMPACT_REACH - timedelta(days=1)


def _capability(interval: str) -> Capability:
    is_daily = interval == "1d"
    return Capability(
        dataset="bars",
        interval=interval,
        widest_window=None if is_daily else _MONTH,
        recent_reach=_RECENT if is_daily else None,
        wall=None,
        label="start",
        adjustment="raw",
        is_float32=False,
        settles_after=_SETTLES_AFTER,
        month_zone="" if is_daily else ZONE,
    )


# `label`: that of today's answers; each body is judged by itself all the same (label_of).
CAPABILITIES = tuple(_capability(interval) for interval in ("1d", *API_INTERVALS))

_PRICES = ("open", "high", "low", "close")
_COLUMNS = (*_PRICES, "volume")
_STAMP_NAMES = frozenset({"timestamp", "time"})  # of TIME_SERIES_INTRADAY and of the former ..._EXTENDED
# Regular hours of the exchanges in New York, in minutes since midnight (NYSE Rule 7.34, Nasdaq Equity 1).
_OPEN, _CLOSE = 9 * 60 + 30, 16 * 60
_MEND = "See the payload; if Alpha Vantage has changed, mend alphavantage_series.parse"

Record = tuple[str | None, ...]  # stamp, then _COLUMNS, as texts; null where the body says nothing


def bars_request(instrument_id: str, symbol: str, interval: str, start: datetime, end: datetime) -> Request:
    """Return the request for an instrument's bars in [start, end); `symbol` is Alpha Vantage's name for it.

    Intraday bars come by the calendar month in New York, days all at once: the window says what is wanted,
    the answer holds more. The key is no part of it.
    """
    if interval != "1d" and interval not in API_INTERVALS:
        known = ", ".join((*API_INTERVALS, "1d"))
        raise RefusedRequest(f"Alpha Vantage is not asked for {interval} bars", f"Use one of {known}")
    parameters = {"symbol": symbol, "interval": interval, "adjustment": "raw"}
    if interval != "1d":
        parameters["month"] = _month(start)
    return Request(PROVIDER, PROVIDER, "bars", instrument_id, parameters, start, end)


def query_of(request: Request, now: datetime) -> dict[str, str]:
    """Return the query of a request, without the key; RefusedRequest for a window that no month holds.

    Days are asked in full only where the last hundred do not reach: in full they are for paid plans.
    """
    asked = request.parameters
    shared = {"symbol": str(asked["symbol"]), "datatype": "json"}
    if asked["interval"] == "1d":
        is_recent = request.window_start is not None and now - request.window_start <= _COMPACT_REACH
        size = "compact" if is_recent else "full"
        return {"function": "TIME_SERIES_DAILY", **shared, "outputsize": size}
    _refuse_months(request)
    return {
        "function": "TIME_SERIES_INTRADAY",
        **shared,
        "outputsize": "full",
        "interval": API_INTERVALS[str(asked["interval"])],
        "month": str(asked["month"]),
        "adjusted": "false",
        "extended_hours": "false",
    }


def _refuse_months(request: Request) -> None:
    start, end, month = request.window_start, request.window_end, str(request.parameters["month"])
    if start is None or end is None or not start < end:
        raise RefusedRequest("Alpha Vantage is asked for a window", "Give window_start before window_end")
    last = _month(end - timedelta(microseconds=1))
    if (_month(start), last) != (month, month):
        raise RefusedRequest(
            f"The window lies in the months {_month(start)} to {last} (New York), and is asked as {month}",
            "Ask Alpha Vantage for one calendar month at a time",
        )
    if month < FIRST_MONTH:
        raise RefusedRequest(
            f"Alpha Vantage has no intraday bars of {month}: they begin in {FIRST_MONTH}",
            "Choose later sessions, or load older ones from recorded files",
        )


def _month(instant: datetime) -> str:
    return instant.astimezone(ZoneInfo(ZONE)).strftime("%Y-%m")


def parse(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    """Return the bars of an answer, JSON or CSV, in its order; an answer without bars has none.

    RefusedRequest or RetriableProviderError where the body is a notice in place of data, MalformedPayload
    where it can't be read, or does not tell which end of a bar its stamps name.
    """
    parameters = request["parameters"]
    interval = str(parameters["interval"])
    records = _records(body, parameters)
    height = len(records)
    constants = {
        "instrument_id": request["subject"],
        "interval": interval,
        "source": request["source"],
        "adjustment": parameters["adjustment"],
    }
    columns: dict[str, pl.Series] = {
        **{name: repeated(value, height, pl.String()) for name, value in constants.items()},
        **_times([record[0] for record in records], interval),
        **{name: _numbers([record[i] for record in records]) for i, name in enumerate(_COLUMNS, 1)},
    }
    return [Parsed("market.bars_1d" if interval == "1d" else "market.bars", bar_rows(columns))]


def said_instead(body: bytes) -> ProviderError | None:
    """Return the error that an answer of HTTP 200 stands for; None where it may be data."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return notice(content) if isinstance(content, dict) else None


def label_of(minutes: pl.Series, width: int) -> str:
    """Return which end of its bar a stamp names, "start" or "end", by the stamps alone.

    `minutes` since midnight in New York, `width` of a bar in minutes. What is known is that regular hours,
    09:30 to 16:00, were asked for. So a stamp up to 09:30 can't be an end: its bar would lie before the open.
    One at 16:00 can't be a start, except for the print of the closing auction: where a body has both, it has
    starts. Alone it may be that print, of a thin name that never traded in the first minute: only with a stamp
    at the first possible end, 09:30 and one width, it says ends, for who trades in the second minute of a day
    trades in the first of some. MalformedPayload where that is not there either, or where other hours came.
    """
    if bool(((minutes <= _OPEN - width) | (minutes >= _CLOSE + width)).any()):
        raise MalformedPayload(
            "The answer has bars outside of 09:30 to 16:00, which were not asked for", _MEND
        )
    has_open, has_close = bool((minutes <= _OPEN).any()), bool((minutes >= _CLOSE).any())
    if has_open and bool((minutes > _CLOSE).any()):
        raise MalformedPayload(
            "The answer has stamps that can't be starts and stamps that can't be ends", _MEND
        )
    has_first_end = bool(minutes.is_between(_OPEN, _OPEN + width, closed="right").any())
    if not has_open and not (has_first_end and has_close):
        raise MalformedPayload(
            "No stamp stands at 09:30, and not both one at the first bar's end and one at 16:00: it can't be told "
            "whether stamps name the start or the end of a bar, and a guess may shift every row",
            "Fetch the month again when more of it is there; of a thin name load the bars from another source",
        )
    return "start" if has_open else "end"


def _times(texts: Sequence[str | None], interval: str) -> dict[str, pl.Series]:
    if interval == "1d":
        return {
            "session_date": _readable(texts, r"^[12]\d{3}-\d\d-\d\d$").str.to_date("%Y-%m-%d", strict=False)
        }
    pattern = r"^[12]\d{3}-\d\d-\d\d \d\d:\d\d:\d\d$"
    local = _readable(texts, pattern).str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, time_unit="us")
    known = local.drop_nulls()
    if len(texts) and known.is_empty():
        raise MalformedPayload(f"No stamp can be read; the first is {texts[0]!r:.80}", _MEND)
    width = width_minutes(interval)
    minutes = known.dt.hour().cast(pl.Int32) * 60 + known.dt.minute()
    if len(known) and label_of(minutes, width) == "end":
        local = local - timedelta(minutes=width)
    # Regular hours never touch the hour of a clock change.
    zoned = local.dt.replace_time_zone(ZONE, ambiguous="null", non_existent="null")
    return {"event_time": zoned.dt.convert_time_zone("UTC")}


def _readable(texts: Sequence[str | None], pattern: str) -> pl.Series:
    """Return the texts as a column, null where they do not look like a stamp."""
    column = pl.Series(texts, dtype=pl.String)
    return column.set((~column.str.contains(pattern)).fill_null(value=True), None)


def _numbers(texts: Sequence[str | None]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String).cast(pl.Float64, strict=False).fill_nan(None)


def _records(body: bytes, parameters: Mapping[str, Any]) -> list[Record]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedPayload(f"The answer is not UTF-8: {error}", _MEND) from error
    return _from_json(text, parameters) if text.lstrip()[:1] in ("{", "[") else _from_csv(text)


def _from_json(text: str, parameters: Mapping[str, Any]) -> list[Record]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedPayload(
            f"The answer is not JSON: {error}", "See the payload; if it was cut off, fetch the window again"
        ) from error
    said = notice(content) if isinstance(content, dict) else None
    if said is not None:
        raise said
    name = API_INTERVALS.get(str(parameters["interval"]), "Daily")
    series = content.get(f"Time Series ({name})") if isinstance(content, dict) else None
    if not isinstance(series, dict):
        raise MalformedPayload(f"The answer has no 'Time Series ({name})'", _MEND)
    _refuse_other(content.get("Meta Data"), parameters)
    return [(printable(stamp), *_fields(row)) for stamp, row in series.items()]


def _refuse_other(meta: Any, parameters: Mapping[str, Any]) -> None:
    """Refuse an answer about another symbol or width, or whose stamps are another zone's."""
    said = meta if isinstance(meta, dict) else {}
    symbol = said.get("2. Symbol")
    if str(symbol).upper() != str(parameters["symbol"]).upper():
        raise MalformedPayload(f"The answer is about {symbol!r:.80}, not {parameters['symbol']}", _MEND)
    if parameters["interval"] == "1d":
        return
    if said.get("4. Interval") != API_INTERVALS[str(parameters["interval"])]:
        raise MalformedPayload(f"The answer has bars of {said.get('4. Interval')!r:.80}", _MEND)
    zone = said.get("6. Time Zone")
    if not isinstance(zone, str) or zone not in ZONES:
        raise MalformedPayload(f"The zone {zone!r:.80} of the stamps is not US/Eastern", _MEND)


def _fields(row: Any) -> Record:
    fields = row if isinstance(row, dict) else {}
    return tuple(_text(fields.get(f"{number}. {name}")) for number, name in enumerate(_COLUMNS, 1))


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return printable(str(value))


def _from_csv(text: str) -> list[Record]:
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline="")) if line]
    except csv.Error as error:
        raise MalformedPayload(f"The answer is not CSV: {error}", _MEND) from error
    header = [name.strip().lower() for name in lines[0]] if lines else []
    if not header or header[0] not in _STAMP_NAMES or tuple(header[1:]) != _COLUMNS:
        raise MalformedPayload(f"The answer is neither JSON nor CSV of bars; it begins {text[:60]!r}", _MEND)
    return [_record(line) for line in lines[1:]]


def _record(line: Sequence[str]) -> Record:
    """Return the fields of a line; one that has more or fewer than it should keeps its stamp alone."""
    values = tuple(line[1:]) if len(line) == 1 + len(_COLUMNS) else (None,) * len(_COLUMNS)
    return (line[0], *values)
