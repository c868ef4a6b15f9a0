"""The app: which routes there are, in which order a request passes what stands before them.

What belongs here: putting together. What does not: any route's work.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from findata_resources.environment import Clock, Settings, SystemClock
from findata_serving import auth, health, problems, udf
from findata_serving.caching import Kept
from findata_serving.rest import candles, explain, instruments, rates, series, sessions, signals
from findata_serving.sources import Sources
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
)


def create_app(settings: Settings, clock: Clock | None = None) -> FastAPI:
    """Return the app that answers from the stores that the settings name. It connects when it is first asked."""
    sources = Sources(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await sources.close()

    app = FastAPI(title="findata", version="1", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.sources = sources
    app.state.kept = Kept()
    app.state.clock = clock or SystemClock()
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    pages.install(app)
    auth.install(app, settings, clock)  # the last one: what is added last is what a request meets first
    return app
