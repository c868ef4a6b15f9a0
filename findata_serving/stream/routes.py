"""GET /v1/stream: server-sent events, from now or from a cursor on.

What belongs here: HTTP. What does not: what is sent (feed, events).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Annotated, Any

import asyncpg
from fastapi import APIRouter, FastAPI, Header, Query, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from findata_core.intervals import CANDLE_INTERVALS, PERIOD_INTERVALS
from findata_resources.environment import Settings, resolve_endpoints
from findata_serving.auth import requires
from findata_serving.openapi import problem_answers
from findata_serving.problems import bad_parameter, shown
from findata_serving.sources import CONNECT_SECONDS, Sources
from findata_serving.stream.feed import Feed, Subscription
from findata_serving.stream.positions import parse_cursor

FOLLOWED_INTERVALS = (*CANDLE_INTERVALS, *PERIOD_INTERVALS)
MOST_INSTRUMENTS = 1_000
SEND_SECONDS = 30.0  # who takes nothing for so long is cut off, and may resume
LONGEST_SECONDS = 3_600.0  # a stream ends after an hour, and its client resumes: who may read is asked again

router = APIRouter(dependencies=[requires("read:market")])


class EventStream(Response):
    """A response that goes on until the caller leaves, takes nothing, or the server goes down."""

    media_type = "text/event-stream"

    def __init__(self, feed: Feed, subscription: Subscription) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._feed = feed
        self._subscription = subscription

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until one of both sides ends it; whatever happens, the feed lets it go."""
        del scope
        tasks = {asyncio.create_task(self._send_all(send)), asyncio.create_task(_gone(receive))}
        try:
            await asyncio.wait(tasks, timeout=LONGEST_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._feed.leave(self._subscription)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(TimeoutError, OSError):
            await _in_time(send({"type": "http.response.body", "body": b"", "more_body": False}))

    async def _send_all(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await _in_time(send(start))
        async for message in self._feed.messages(self._subscription):
            await _in_time(send({"type": "http.response.body", "body": message, "more_body": True}))


@router.get(
    "/v1/stream",
    summary="Candles as they come, are revised and go",
    tags=["market"],
    response_model=None,
    response_class=Response,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "Events, until the caller leaves."},
        **problem_answers(400, 401, 403, 422, 429, 503),
    },
)
async def stream(
    request: Request,
    instrument_id: Annotated[
        list[str] | None,
        Query(description="symbol.MIC; may be repeated. Default: all.", max_length=MOST_INSTRUMENTS),
    ] = None,
    interval: Annotated[
        list[str] | None,
        Query(
            description=f"{', '.join(FOLLOWED_INTERVALS)}; may be repeated. Default: all.",
            max_length=len(FOLLOWED_INTERVALS),
        ),
    ] = None,
    cursor: Annotated[
        str | None,
        Query(description="Id of the last event that was taken. Default: begin now.", max_length=64),
    ] = None,
    last_event_id: Annotated[
        str | None,
        Header(description="The same, as browsers send it; it comes before `cursor`.", max_length=64),
    ] = None,
) -> Response:
    """Follow candles: events `new`, `revised` and `retracted`, each with a candle (or the key of one that is gone).

    Delivered at least once: after a cut, resume from the last id, and some may come twice. A candle is replaced by
    its instrument, interval, source interval and event time, so that taking one twice changes nothing. The event
    `reset` says that the changes since the cursor are not known any more: read the range anew, and go on.
    """
    feed: Feed = request.app.state.feed
    asked = last_event_id or cursor
    given = parse_cursor(asked) if asked else None
    for name in interval or ():
        _require_followed(name)
    now = await feed.now()
    subscription = Subscription(
        cursor=given or now,
        instruments=frozenset(instrument_id) if instrument_id else None,
        intervals=frozenset(interval) if interval else None,
    )
    feed.join(subscription)
    return EventStream(feed, subscription)


def install(app: FastAPI, settings: Settings, sources: Sources) -> Feed:
    """Give an app its feed, which connects when somebody follows. Whoever ends the server calls its end()."""

    async def ask(query: str, *arguments: object) -> Any:
        return await sources.rows(query, *arguments, books=True)

    feed = app.state.feed = Feed(lambda: _connection(settings), ask)
    app.include_router(router)
    return feed


async def _connection(settings: Settings) -> asyncpg.Connection:
    return await asyncpg.connect(
        resolve_endpoints(settings).database_url,
        timeout=CONNECT_SECONDS,
        server_settings={
            "application_name": "findata stream",
            "default_transaction_read_only": "on",
            "timezone": "UTC",
            "jit": "off",
        },
    )


def _require_followed(interval: str) -> None:
    if interval not in FOLLOWED_INTERVALS:
        raise bad_parameter(
            "interval",
            f"Candles of {shown(interval)} can't be followed",
            f"Use some of {', '.join(FOLLOWED_INTERVALS)}; read minutes anew when a candle over them comes",
        )


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _in_time(sending: Awaitable[None]) -> None:
    async with asyncio.timeout(SEND_SECONDS):
        await sending
