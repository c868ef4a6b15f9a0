"""Candles of an instrument."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from findata_serving import formats
from findata_serving.auth import requires
from findata_serving.reading import Query as Wanted
from findata_serving.reading import read
from findata_serving.records import record

router = APIRouter(dependencies=[requires("read:market")])


@router.get("/v1/instruments/{instrument_id}/candles", response_model=None)
async def candles(
    request: Request,
    instrument_id: str,
    interval: str = "5m",
    source_interval: str = "1m",
    limit: Annotated[int, Query(ge=1, le=50_000)] = 500,
    form: Annotated[str | None, Query(alias="format")] = None,
) -> Response:
    """Return the latest candles."""
    rows = await read(
        request.app.state.sources,
        Wanted(
            record("market.candles"),
            '"instrument_id" = $1 AND "interval" = $2 AND "source_interval" = $3',
            (instrument_id, interval, source_interval),
            limit=limit,
            is_latest=True,
            constants={
                "instrument_id": instrument_id,
                "interval": interval,
                "source_interval": source_interval,
            },
        ),
    )
    chosen = formats.wanted(form, request.headers.get("accept"))
    body = formats.written(chosen, rows, formats.Page())
    return Response(body, media_type=formats.MEDIA_TYPES[chosen])
