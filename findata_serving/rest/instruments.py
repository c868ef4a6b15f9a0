"""Instruments: finding one, and what it is.

What belongs here: their routes. What does not: looking one up (findata_serving.instruments), their candles (candles).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from findata_core.schema.tables import ColumnKind
from findata_serving import parameters
from findata_serving.answering import told
from findata_serving.auth import requires
from findata_serving.candle_queries import Conditions
from findata_serving.formats import by_mapping
from findata_serving.instruments import require_instrument
from findata_serving.openapi import document_answers, record_schema, rows_answers
from findata_serving.reading import Query as Asked
from findata_serving.reading import read
from findata_serving.records import added, record
from findata_serving.rest.listing import Listing, listed
from findata_serving.routes import KeepingRoute

router = APIRouter(dependencies=[requires("read:market")], route_class=KeepingRoute, tags=["market"])

INSTRUMENT = record("instruments")
ONE = INSTRUMENT.with_columns(
    added("time_zone", ColumnKind.TEXT, "IANA time zone of its exchange.", is_nullable=True),
    added("first_session_date", ColumnKind.DATE, "First session with bars.", is_nullable=True),
    added("last_session_date", ColumnKind.DATE, "Last session with bars.", is_nullable=True),
)
_ONE = """(SELECT i.*, (SELECT time_zone FROM v1_live.sessions AS s WHERE s.mic = i.mic
        ORDER BY session_date DESC LIMIT 1) AS time_zone, d.first_session_date, d.last_session_date
    FROM v1_live.instruments AS i, LATERAL (SELECT min(scope_date) AS first_session_date,
        max(scope_date) AS last_session_date FROM ops.digests
        WHERE table_name IN ('market.bars', 'market.bars_1d') AND subject = i.instrument_id) AS d
    WHERE i.instrument_id = $1) AS one"""


@router.get(
    "/v1/instruments",
    summary="Instruments that are followed",
    response_model=None,
    responses=rows_answers(INSTRUMENT),
)
async def instruments(
    request: Request,
    q: Annotated[
        str | None, Query(description="Part of the symbol or the id, in any case.", max_length=64)
    ] = None,
    mic: Annotated[
        str | None, Query(description="Market identifier code of the exchange.", max_length=4)
    ] = None,
    limit: parameters.Limit = parameters.USUAL_ROWS,
    cursor: parameters.Cursor = None,
    form: parameters.Format = None,
) -> Response:
    """Return instruments by id."""
    conditions = Conditions()
    if q:
        text = parameters.require_name("q", q)
        conditions.add('position(upper({}::text) IN upper("instrument_id")) > 0', text)
    if mic:
        conditions.add('"mic" = {}', parameters.require_name("mic", mic).upper())
    listing = Listing(INSTRUMENT, ("instrument_id",), conditions, limit)
    return await listed(request, listing, cursor, form)


@router.get(
    "/v1/instruments/{instrument_id}",
    summary="One instrument",
    response_model=None,
    responses=document_answers(record_schema(ONE), 404),
)
async def instrument(request: Request, instrument_id: parameters.InstrumentId) -> Response:
    """Return what is known of an instrument, its exchange's time zone, and from when to when it has bars."""
    parameters.require_name("an instrument_id", instrument_id)
    sources = request.app.state.sources
    query = Asked(ONE, "", (instrument_id,), ("instrument_id",), relation=_ONE, books=True)
    rows = await read(sources, query)
    if not rows.height:
        await require_instrument(sources, instrument_id)
    return told(request, by_mapping(rows)[0])
