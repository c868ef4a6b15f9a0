"""Why a number is what it is: from a candle or bar down to the bytes that it came from; and when it became known.

What belongs here: the routes, and the chain as JSON. What does not: making the chain (findata_assets.steps.explaining).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any

import orjson
import polars as pl
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from findata_assets.steps.asking import Asked, asked
from findata_assets.steps.explaining import Explanation, Receipt, explain
from findata_core.errors import ConfigurationError
from findata_core.schema.tables import ColumnKind
from findata_serving import parameters
from findata_serving.answering import answer, form_of, told
from findata_serving.auth import requires
from findata_serving.candle_queries import Conditions
from findata_serving.formats import Page, camel
from findata_serving.instruments import require_instrument
from findata_serving.openapi import EXPLANATION, document_answers, rows_answers
from findata_serving.parameters import ASKED_INTERVALS
from findata_serving.problems import away, bad_parameter, not_found
from findata_serving.reading import Query as Wanted
from findata_serving.reading import read
from findata_serving.records import Record, added
from findata_serving.routes import KeepingRoute
from findata_serving.sources import Sources

router = APIRouter(dependencies=[requires("read:market")], route_class=KeepingRoute, tags=["market"])

MOST_DIFFERENCES = 100
MOST_KNOWN_TIMES = 500
KNOWN_TIME = Record(
    "KnownTime",
    "",
    "",
    "An instant at which bars of the window became known.",
    (added("known_time", ColumnKind.TIMESTAMP, "Receive time of a payload that said bars of the window."),),
)


@router.get(
    "/v1/instruments/{instrument_id}/explain",
    summary="From a candle or bar down to the payloads that it came from",
    response_model=None,
    responses=document_answers(EXPLANATION, 404, 406),
)
async def explanation(
    request: Request,
    instrument_id: parameters.InstrumentId,
    interval: parameters.Interval,
    event_time: Annotated[
        str,
        Query(
            description="When it starts: an instant by RFC 3339; for 1d, 1w and 1mo also a date that it covers.",
            examples=["2022-06-01T13:30:00Z"],
        ),
    ],
    source_interval: parameters.SourceInterval = None,
    form: parameters.Format = None,
) -> Response:
    """Return the chain of every stored row there: its bars, their payloads, and the row made again from these.

    With format=columns names are as in SQL and instants are microseconds, as in the columnar form of rows.
    """
    chosen = form_of(request, form)
    if chosen not in ("rows", "columns"):
        raise bad_parameter("format", "A chain is written as JSON alone", "Use rows or columns")
    wanted = _asked(instrument_id, interval, event_time, source_interval)
    sources: Sources = request.app.state.sources
    await require_instrument(sources, instrument_id)
    found = await sources.step(lambda platform: _explained(platform, wanted))
    if (
        any(receipt.problem for one in found for receipt in one.receipts)
        and not await sources.objects_answer()
    ):
        raise away("S3, where payloads are kept,")
    write = _for_columns if chosen == "columns" else _for_rows
    return told(request, {"explanations": [_chain(one, write) for one in found]})


def _asked(instrument_id: str, interval: str, event_time: str, source_interval: str | None) -> Asked:
    parameters.require_name("an instrument_id", instrument_id)
    parameters.require_interval(interval)
    parameters.require_choice("source_interval", source_interval, ("1m", "1d"))
    bound = parameters.span_of(event_time, None).start
    assert bound is not None
    try:
        return asked(instrument_id, interval, bound.at.isoformat(), source_interval)
    except ConfigurationError as error:
        raise bad_parameter("event_time", error.message, error.next_step) from None


def _explained(platform: Any, wanted: Asked) -> list[Explanation]:
    try:
        return explain(platform, wanted)
    except ConfigurationError as error:
        raise not_found("no-such-row", error.message, error.next_step) from None


def _chain(found: Explanation, write: Callable[[Any], Any]) -> Any:
    bars = {name: found.bars.get_column(name).to_list() for name in found.bars.columns}
    bars["payload_id"] = [str(value) for value in bars["payload_id"]]  # too wide for numbers of JavaScript
    return write(
        {
            "table": found.table_name,
            "source_interval": found.source_interval,
            "is_equal": found.is_equal,
            "differences": list(found.differences[:MOST_DIFFERENCES]),
            "stored": _row(found.stored),
            "refolded": _row(found.refolded),
            "bars": {"columns": bars},
            "payloads": [_payload(receipt) for receipt in found.receipts],
        }
    )


def _row(frame: pl.DataFrame) -> dict[str, Any] | None:
    if frame.is_empty():
        return None
    row = frame.row(0, named=True)
    return {name: str(value) if name == "payload_id" else value for name, value in row.items()}


def _payload(receipt: Receipt) -> dict[str, Any]:
    payload = receipt.payload
    names = ("source", "dataset", "received_time", "size_bytes", "object_key", "sha256")
    known: dict[str, Any] = {name: payload.get(name) for name in names}
    known["received_time"] = datetime.fromisoformat(str(known["received_time"]))
    return {
        "payload_id": str(payload["payload_id"]),
        **known,
        "sha256_now": receipt.sha256_now,
        "problem": receipt.problem,
        "bars": receipt.bars,
        "request": orjson.loads(payload["request"]),
    }


def _for_columns(value: Any) -> Any:
    """Return a value with instants in microseconds since 1970 and dates as text."""
    if isinstance(value, dict):
        return {name: _for_columns(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_for_columns(item) for item in value]
    if isinstance(value, datetime):
        return round(value.timestamp() * 1_000_000)
    return value.isoformat() if isinstance(value, date) else value


def _for_rows(value: Any) -> Any:
    """Return a value with lowerCamelCase names and instants by RFC 3339; a provider's request stays."""
    if isinstance(value, dict):
        return {camel(name): item if name == "request" else _for_rows(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_for_rows(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


@router.get(
    "/v1/instruments/{instrument_id}/known-times",
    summary="When bars of a window became known",
    response_model=None,
    responses=rows_answers(KNOWN_TIME),
)
async def known_times(
    request: Request,
    instrument_id: parameters.InstrumentId,
    interval: parameters.Interval = "5m",
    start: parameters.Start = None,
    end: parameters.End = None,
    form: parameters.Format = None,
) -> Response:
    """Return the latest 500 instants at which minutes (of 1d, 1w and 1mo: days) of [start, end) became known."""
    chosen = form_of(request, form)
    parameters.require_name("an instrument_id", instrument_id)
    parameters.require_interval(interval)
    span = parameters.span_of(start, end)
    name = "bars_1d" if interval in ASKED_INTERVALS[-3:] else "bars"
    conditions = Conditions(instrument_id)
    conditions.texts.append('"instrument_id" = $1')
    for bound, sign in ((span.start, ">="), (span.end, "<")):
        if bound is not None:
            column = "event_time" if bound.is_instant else "session_date"
            conditions.add(f'"{column}" {sign} {{}}', bound.at)
    where = conditions.joined()
    relation = (
        f"(SELECT ingest_time AS known_time FROM market.{name} WHERE {where} UNION "  # noqa: S608
        f"SELECT ingest_time FROM history.{name} WHERE {where}) AS known"
    )
    sources: Sources = request.app.state.sources
    query = Wanted(
        KNOWN_TIME,
        "",
        conditions.arguments,
        ("known_time",),
        MOST_KNOWN_TIMES,
        is_latest=True,
        relation=relation,
        books=True,
    )
    rows = await read(sources, query)
    if not rows.height:
        await require_instrument(sources, instrument_id)
    return answer(request, chosen, rows, Page())
