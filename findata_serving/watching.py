"""What Prometheus is told of the server: requests by route, how long they take, connections, kept answers.

What belongs here: counting, and /metrics. What does not: what the books say (findata_assets.metrics).
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from findata_serving.auth import requires
from findata_serving.caching import Kept
from findata_serving.openapi import problem_answers
from findata_serving.sources import Sources

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)  # seconds
NO_ROUTE = "none"  # of a path that is none: its text is the caller's, and there is no end of them

router = APIRouter(dependencies=[requires("admin")])


class Watch:
    """What is counted, of one app."""

    def __init__(self, sources: Sources, kept: Kept) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "findata_serving_requests",
            "Requests by route template, method and status.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "findata_serving_seconds",
            "From the first byte of a request to the end of its answer.",
            ("route",),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.registry.register(_State(sources, kept))


class _State(Collector):
    """Tells how things are when they are asked for."""

    def __init__(self, sources: Sources, kept: Kept) -> None:
        self._sources, self._kept = sources, kept

    def collect(self) -> Iterator[Metric]:
        """Yield the state of the pools and of the kept answers."""
        pools = GaugeMetricFamily(
            "findata_serving_connections", "Connections to the database.", labels=("pool", "state")
        )
        for name, (size, idle) in sorted(self._sources.idle_connections().items()):
            pools.add_metric((name, "idle"), idle)
            pools.add_metric((name, "busy"), size - idle)
        yield pools
        yield GaugeMetricFamily("findata_serving_kept_answers", "Answers that are kept.", len(self._kept))
        yield GaugeMetricFamily(
            "findata_serving_kept_hits",
            "Requests answered with a kept answer since the start.",
            self._kept.hits,
        )


class Watching:
    """Counts each request when its answer has ended."""

    def __init__(self, app: ASGIApp, watch: Watch) -> None:
        self._app, self._watch = app, watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path_format", NO_ROUTE)
            method = scope["method"] if scope["method"] in ("GET", "HEAD", "OPTIONS") else "other"
            self._watch.requests.labels(route, method, str(status)).inc()
            self._watch.seconds.labels(route).observe(time.perf_counter() - began)


@router.get(
    "/metrics",
    summary="What Prometheus is told",
    response_model=None,
    responses={
        200: {"description": "Metrics.", "content": {"text/plain": {"schema": {"type": "string"}}}},
        **problem_answers(),
    },
)
async def metrics(request: Request) -> Response:
    """Return the metrics of this server."""
    watch: Watch = request.app.state.watch
    return Response(generate_latest(watch.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
