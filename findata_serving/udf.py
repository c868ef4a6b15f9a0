"""TradingView's UDF protocol, so that front ends that speak it can be pointed at findata.

What belongs here: its routes and its words. What does not: candles (candle_queries), signals (rest/signals).
https://www.tradingview.com/charting-library-docs/latest/connecting_data/UDF and, for what a field means,
https://www.tradingview.com/charting-library-docs/latest/connecting_data/Symbology

Times are seconds since 1970 UTC: of narrow candles their start, of days, weeks and months 00:00 UTC of their first
trading day. A window is [from, to); with countback so many candles before `to`, whatever `from` says.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from findata_core.exchanges import EXCHANGES
from findata_serving import udf_marks, udf_symbols
from findata_serving.answering import now_of, told
from findata_serving.auth import requires
from findata_serving.candle_queries import Wanted, instant_at, rows_of
from findata_serving.instruments import known, require_instrument
from findata_serving.openapi import document_answers, problem_answers
from findata_serving.parameters import MOST_ROWS, Bound, Span
from findata_serving.problems import Problem, bad_parameter, shown
from findata_serving.reading import Rows
from findata_serving.routes import ForgivingRoute
from findata_serving.sources import Sources

router = APIRouter(
    prefix="/udf", dependencies=[requires("read:market")], route_class=ForgivingRoute, tags=["udf"]
)

RESOLUTIONS = {
    "1": "1m",
    "5": "5m",
    "15": "15m",
    "30": "30m",
    "60": "1h",
    "240": "4h",
    "1D": "1d",
    "1W": "1w",
    "1M": "1mo",
}
SPELT_SHORT = {"D": "1D", "W": "1W", "M": "1M"}
DAILY = ("1d", "1w", "1mo")
LAST_SECOND = 7_258_118_400  # 2200-01-01
_OBJECT = {"type": "object"}
_NUMBERS = {"type": "array", "items": {"type": "number"}}
HISTORY = {
    "type": "object",
    "properties": {
        "s": {"type": "string", "enum": ["ok", "no_data"]},
        "nextTime": {"type": "integer"},
        **dict.fromkeys("tohlcv", _NUMBERS),
    },
    "required": ["s"],
}
MARKS = {
    "type": "object",
    "properties": {name: {"type": "array"} for name in udf_marks.FIELDS},
    "required": list(udf_marks.FIELDS),
}

Symbol = Annotated[
    str, Query(description="symbol.MIC, or MIC:symbol.", examples=["MSFT.XNAS"], min_length=1, max_length=64)
]
Resolution = Annotated[
    str, Query(description=f"One of {', '.join(RESOLUTIONS)}.", json_schema_extra={"enum": list(RESOLUTIONS)})
]
From = Annotated[int, Query(alias="from", description="First second, inclusive.", ge=0, le=LAST_SECOND)]
To = Annotated[int, Query(description="Last second, exclusive.", ge=0, le=LAST_SECOND)]


@router.get(
    "/config", summary="What this feed can do", response_model=None, responses=document_answers(_OBJECT)
)
async def config(request: Request) -> Response:
    """Return the feed's configuration."""
    sources: Sources = request.app.state.sources
    rows = await sources.rows("SELECT DISTINCT mic FROM v1_live.instruments ORDER BY 1")
    exchanges = [{"value": row[0], "name": row[0], "desc": _country(row[0])} for row in rows]
    return told(
        request,
        {
            "supported_resolutions": list(RESOLUTIONS),
            "supports_search": True,
            "supports_group_request": False,
            "supports_marks": True,
            "supports_timescale_marks": False,
            "supports_time": True,
            "exchanges": [{"value": "", "name": "All exchanges", "desc": ""}, *exchanges],
            "symbols_types": [{"name": "All types", "value": ""}],
        },
    )


def _country(mic: str) -> str:
    return EXCHANGES[mic].country if mic in EXCHANGES else ""


@router.get(
    "/time",
    summary="The server's time",
    response_model=None,
    responses={
        200: {"description": "Seconds.", "content": {"text/plain": {"schema": {"type": "string"}}}},
        **problem_answers(),
    },
)
async def time(request: Request) -> Response:
    """Return seconds since 1970 UTC, as text."""
    return Response(str(int(now_of(request).timestamp())), media_type="text/plain")


@router.get(
    "/symbols",
    summary="What a symbol is",
    response_model=None,
    responses=document_answers(_OBJECT, 404),
)
async def symbols(request: Request, symbol: Symbol) -> Response:
    """Return a symbol's sessions, time zone and price format."""
    instrument_id = await _named(request, symbol)
    sources: Sources = request.app.state.sources
    body = await udf_symbols.described(sources, await require_instrument(sources, instrument_id))
    return told(request, {**body, "supported_resolutions": list(RESOLUTIONS)})


@router.get(
    "/search",
    summary="Symbols by a part of their name",
    response_model=None,
    responses=document_answers({"type": "array", "items": _OBJECT}),
)
async def search(
    request: Request,
    query: Annotated[str, Query(max_length=64)] = "",
    kind: Annotated[str, Query(alias="type", max_length=64)] = "",
    exchange: Annotated[str, Query(max_length=64)] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 30,
) -> Response:
    """Return symbols that have the text in their name, of an exchange and of a type."""
    found = await udf_symbols.found(request.app.state.sources, query, exchange, kind, limit)
    return told(request, found)


@router.get(
    "/history",
    summary="Candles of a symbol",
    response_model=None,
    responses=document_answers(HISTORY, 404),
)
async def history(
    request: Request,
    symbol: Symbol,
    resolution: Resolution,
    to: To,
    first: From = 0,
    countback: Annotated[int | None, Query(ge=1, le=MOST_ROWS)] = None,
) -> Response:
    """Return candles of [from, to); no_data says in nextTime where the latest ones before are."""
    instrument_id, interval = await _named(request, symbol), _interval(resolution)
    if not countback and first >= to:
        raise _refused("The window ends before it begins", "Give a from before to")
    rows, zone = await candles_of(
        request, instrument_id, interval, None if countback else first, to, countback
    )
    if not rows.height:
        return told(request, await _nothing(request, instrument_id, interval, first, to))
    values = rows.values
    body: dict[str, Any] = {"s": "ok", "t": times_of(rows, zone)}
    named = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume"}
    return told(request, body | {short: values[name].tolist() for short, name in named.items()})


@router.get(
    "/marks",
    summary="Signals and missing minutes, on the candles that show them",
    response_model=None,
    responses=document_answers(MARKS, 404),
)
async def marks(request: Request, symbol: Symbol, resolution: Resolution, first: From, to: To) -> Response:
    """Return marks of [from, to): crossings of the week's traditional levels, and candles that lack minutes."""
    instrument_id, interval = await _named(request, symbol), _interval(resolution)
    rows, zone = await candles_of(request, instrument_id, interval, first, to, None)
    signals = await udf_marks.signals(request.app.state.sources, instrument_id, first, to)
    return told(request, udf_marks.placed(rows, times_of(rows, zone), signals))


async def candles_of(
    request: Request, instrument_id: str, interval: str, first: int | None, to: int, count: int | None
) -> tuple[Rows, ZoneInfo]:
    """Return candles of [first, to), or so many before `to`, and the zone of their exchange."""
    sources: Sources = request.app.state.sources
    found = await require_instrument(sources, instrument_id)
    start = None if first is None else _bound(first, interval)
    span = Span(start, _bound(to, interval))
    families = ("1d", "1m") if interval in DAILY else ("1m",)
    for family in families:
        wanted = Wanted(instrument_id, interval, family, span, limit=(count or MOST_ROWS) - 1)
        rows = await rows_of(sources, wanted)
        if rows.height:
            break
    return rows, ZoneInfo(found["time_zone"] or "UTC")


def _bound(second: int, interval: str) -> Bound:
    """Return an end of a window: of days and more a date, since they stand at midnight in UTC."""
    instant = datetime.fromtimestamp(second, UTC)
    if interval not in DAILY:
        return Bound(instant)
    is_midnight = second % 86_400 == 0
    return Bound(
        instant.date() if is_midnight else instant_at((second // 86_400 + 1) * 86_400_000_000).date()
    )


def times_of(rows: Rows, zone: ZoneInfo) -> list[int]:
    """Return the candles' times as UDF counts them."""
    starts = [value // 1_000_000 for value in rows.values["event_time"].tolist()]
    if not rows.height or rows.values["interval"][0] not in DAILY:
        return starts
    days = [datetime.fromtimestamp(start, zone).date() for start in starts]
    return [int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) for day in days]


async def _nothing(
    request: Request, instrument_id: str, interval: str, first: int, to: int
) -> dict[str, Any]:
    """Return no_data, with the time of the latest candle before the window where there is one."""
    before, zone = await candles_of(request, instrument_id, interval, None, min(first, to) or to, 1)
    times = times_of(before, zone)
    return {"s": "no_data", "nextTime": times[-1]} if times else {"s": "no_data"}


async def _named(request: Request, symbol: str) -> str:
    """Return the instrument that a symbol names: symbol.MIC or MIC:symbol. A Problem in UDF's words otherwise."""
    exchange, colon, name = symbol.partition(":")
    wanted = f"{name}.{exchange}" if colon else symbol
    names = await known(request.app.state.sources)
    if wanted in names:
        return wanted
    raise Problem(
        404,
        "no-such-instrument",
        f"No symbol is called {shown(symbol)}",
        "See /udf/search",
        s="error",
        errmsg="unknown_symbol",
    )


def _interval(resolution: str) -> str:
    spelt = SPELT_SHORT.get(resolution, resolution)
    if spelt not in RESOLUTIONS:
        raise _refused(f"There is no resolution {shown(resolution)}", f"Use one of {', '.join(RESOLUTIONS)}")
    return RESOLUTIONS[spelt]


def _refused(message: str, next_step: str) -> Problem:
    return bad_parameter("resolution", message, next_step, s="error", errmsg=message)
