"""Whether the server lives, and whether it can answer: which store is away.

What belongs here: /live and /ready. What does not: what Prometheus is told (watching).
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from findata_core.errors import FindataError
from findata_serving.sources import Sources

router = APIRouter()


def _told(meaning: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {"status": {"type": "string"}, "stores": {"type": "object"}},
        "required": ["status"],
    }
    return {"description": meaning, "content": {"application/json": {"schema": schema}}}


@router.get("/live", summary="The process answers", response_model=None, responses={200: _told("live")})
async def live() -> Response:
    """Say so, whatever the stores do."""
    return Response(b'{"status":"live"}', media_type="application/json")


@router.get(
    "/ready",
    summary="The stores answer",
    response_model=None,
    responses={200: _told("ready, or degraded without S3"), 503: _told("away: the database does not answer")},
)
async def ready(request: Request) -> Response:
    """Say of each store whether it answers: 503 while the database does not; without S3 only explain suffers."""
    sources: Sources = request.app.state.sources
    database, objects = await asyncio.gather(_database(sources), _objects(sources))
    status = "away" if database != "ready" else "ready" if objects == "ready" else "degraded"
    body = {"status": status, "stores": {"database": database, "objects": objects}}
    code = 503 if status == "away" else 200
    return Response(orjson.dumps(body), code, {"Cache-Control": "no-store"}, "application/json")


async def _database(sources: Sources) -> str:
    try:
        await sources.rows("SELECT 1", books=True)
    except FindataError:
        return "away"
    return "ready"


async def _objects(sources: Sources) -> str:
    return "ready" if await sources.objects_answer() else "away"
