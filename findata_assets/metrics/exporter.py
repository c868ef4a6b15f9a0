"""The exporter: what is asked on a scrape, what is kept for a while, and what happens when a store is down.

What belongs here: when collectors run. What does not: what they ask (ingestion, quality, orchestration, storage).

A scrape never raises and never hangs: each collector runs in a thread of its own, at most once per `kept_seconds`; one
that fails says nothing but that it failed; one that takes too long is told of by a later scrape.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from findata_assets.metrics import ingestion, orchestration, quality, storage
from findata_assets.metrics.families import Row, counter, gauge
from findata_assets.metrics.outside import Outside
from findata_core.errors import PortTaken

LOG = logging.getLogger("findata")
PATIENCE_SECONDS = 5.0  # a scrape waits no longer for what is being collected
THREADS = 4  # and so many connections at most: the database has work of its own
REST = 20  # what takes long is asked more rarely: a collector works for a twentieth of the time at most

MINUTE = 60.0


@dataclass(frozen=True)
class Source:
    """A collector, and how long what it said is told again without asking."""

    name: str
    collect: Callable[[Outside], Iterable[Metric]]
    kept_seconds: float


# What every scrape asks comes first: whether the stores answer is told even while others wait for them.
SOURCES = (
    Source("probes", storage.probes, 0.0),
    Source("limits", ingestion.limits, 0.0),
    Source("backups", storage.backups, 10 * MINUTE),
    Source("checks", orchestration.checks, MINUTE),
    Source("daemon", orchestration.daemon, 15.0),
    Source("database", storage.database, 15.0),
    Source("disks", storage.disks, 15.0),
    Source("expiring", quality.expiring, 10 * MINUTE),
    Source("freshness", quality.freshness, 15.0),
    Source("lake", storage.lake, 10 * MINUTE),
    Source("payloads", ingestion.payloads, MINUTE),
    Source("requests", ingestion.requests, MINUTE),
    Source("runs", orchestration.runs, 15.0),
    Source("standing", quality.standing, MINUTE),
    Source("steps", orchestration.steps, MINUTE),
    Source("tables", storage.tables, 10 * MINUTE),
    Source("waiting", quality.waiting, 15.0),
)


@dataclass
class Said:
    """What a collector said last."""

    metrics: list[Metric] = field(default_factory=list)
    ended: float = float("-inf")
    duration_seconds: float = 0.0
    is_good: bool = False
    failures: int = 0


class Exporter(Collector):
    """Collects for Prometheus; `clock` counts seconds."""

    def __init__(
        self,
        outside: Outside,
        sources: Sequence[Source] = SOURCES,
        patience_seconds: float = PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outside = outside
        self._sources = sources
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._said = {source.name: Said() for source in sources}
        self._under_way: dict[str, Future[None]] = {}
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="findata-metrics")
        self._lock = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        """Yield every metric; what is too old is asked for first."""
        wait(self._begin(), timeout=self._patience_seconds)
        yield gauge(
            "findata_build_info", "1; the version is a label.", [_build()], "one", {"version": "version"}
        )
        for source in self._sources:
            if self._said[source.name].is_good:
                yield from self._said[source.name].metrics
        yield from self._of_itself()

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self) -> list[Future[None]]:
        """Start what is due and is not under way; return all that is under way."""
        with self._lock:
            for source in self._sources:
                running = self._under_way.get(source.name)
                said = self._said[source.name]
                kept_seconds = max(source.kept_seconds, said.duration_seconds * REST)
                if self._clock() - said.ended >= kept_seconds and (running is None or running.done()):
                    self._under_way[source.name] = self._pool.submit(self._ask, source)
            return [future for future in self._under_way.values() if not future.done()]

    def _ask(self, source: Source) -> None:
        before, started = self._said[source.name], self._clock()
        try:
            metrics, is_good = list(source.collect(self._outside)), True
        except Exception as error:  # whatever it is, the other metrics are told
            LOG.warning("metrics of %s: %s", source.name, str(error).strip().splitlines()[0:1])
            metrics, is_good = [], False
        ended = self._clock()
        failures = before.failures + (not is_good)
        self._said[source.name] = Said(metrics, ended, ended - started, is_good, failures)

    def _of_itself(self) -> Iterator[Metric]:
        now = self._clock()
        asked = [
            {
                "collector": name,
                "up": float(said.is_good),
                "age": now - said.ended if said.ended > float("-inf") else None,
                "seconds": said.duration_seconds,
                "failures": said.failures,
            }
            for name, said in self._said.items()
        ]
        names = {"collector": "collector"}
        yield gauge("findata_collector_up", "1 if it could be collected when last tried.", asked, "up", names)
        yield gauge("findata_collector_age_seconds", "How old what it said is.", asked, "age", names)
        yield gauge("findata_collector_duration_seconds", "How long it took.", asked, "seconds", names)
        yield counter(
            "findata_collector_failures_total", "How many times it failed.", asked, "failures", names
        )


def _build() -> Row:
    try:
        return {"version": version("findata"), "one": 1}
    except PackageNotFoundError:  # run from a checkout that nobody installed
        return {"version": "checkout", "one": 1}


def registry_of(exporter: Exporter) -> CollectorRegistry:
    """Return a registry that holds the exporter alone."""
    registry = CollectorRegistry()
    registry.register(exporter)
    return registry


def text_of(exporter: Exporter) -> str:
    """Return one scrape, as Prometheus reads it."""
    return generate_latest(registry_of(exporter)).decode()


@dataclass(frozen=True)
class Serving:
    """A running server; `stop()` ends it."""

    port: int
    stop: Callable[[], None]


def serve(exporter: Exporter, address: str, port: int) -> Serving:
    """Answer scrapes on an address, in threads; port 0 takes a free one."""
    try:
        server, thread = start_http_server(port, address, registry_of(exporter))
    except OSError as error:
        exporter.close()
        raise PortTaken(
            f"can't listen on {address}:{port}: {error.strerror}",
            "End the program that does, or choose another port with --port or FINDATA_METRICS_PORT",
        ) from error

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()
        exporter.close()

    return Serving(server.server_port, stop)
