"""The app: which routes there are, in which order a request passes what stands before them.

What belongs here: putting together. What does not: any route's work.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette_compress import CompressMiddleware

from findata_resources.environment import Clock, Settings, SystemClock
from findata_serving import auth, health, problems, udf, watching
from findata_serving.caching import LEAST_ENCODED_BYTES, Kept
from findata_serving.hanging_up import HangingUp
from findata_serving.rest import candles, explain, instruments, rates, series, sessions, signals
from findata_serving.sources import Sources
from findata_serving.stream import routes as stream
from findata_serving.web import pages

ROUTERS = (
    candles.router,
    explain.router,
    health.router,
    instruments.router,
    rates.router,
    series.router,
    sessions.router,
    signals.router,
    udf.router,
    watching.router,
)


def create_app(settings: Settings, clock: Clock | None = None) -> FastAPI:
    """Return the app that answers from the stores that the settings name. It connects when it is first asked."""
    sources = Sources(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await app.state.feed.close()
            await sources.close()

    app = FastAPI(
        title="findata",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.sources = sources
    app.state.kept = Kept()
    app.state.watch = watching.Watch(sources, app.state.kept)
    app.state.clock = clock or SystemClock()
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    stream.install(app, settings, sources)
    pages.install(app)
    # What is added last is what a request meets first.
    app.add_middleware(HangingUp)
    app.add_middleware(CompressMiddleware, minimum_size=LEAST_ENCODED_BYTES, brotli=False)
    app.add_middleware(watching.Watching, watch=app.state.watch)
    auth.install(app, settings, clock)
    return app
