"""Asking live providers for what is due; every request leaves a row in the ledger, whatever came of it.

One instrument that fails costs the others nothing: it is in the report and is due again next time. Only
when every request failed does the step fail.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import polars as pl
from psycopg import sql

from findata_assets.steps.platform import Platform
from findata_assets.steps.receiving import Intake, receive
from findata_core.errors import ConfigurationError, FindataError
from findata_core.schema.frames import conform
from findata_core.schema.tables import table
from findata_resources.provider import Capability, Provider, Request, windows
from findata_resources.providers.nyfed import NewYorkFedProvider, rates_request
from findata_resources.providers.yahoo_chart import bars_request
from findata_resources.stores.database import upsert
from findata_resources.stores.raw import receipt

FIRST_SOFR = date(2018, 4, 2)  # first value date; published on the next day (New York Fed)
SOFR_TYPES = ("SOFR", "SOFRAI")
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Fetched:
    """What was asked and what came of it; `failures`: what failed and why."""

    requests: int = 0
    intake: Intake = field(default_factory=Intake)
    failures: tuple[str, ...] = ()

    def __add__(self, other: "Fetched") -> "Fetched":
        return Fetched(
            self.requests + other.requests, self.intake + other.intake, (*self.failures, *other.failures)
        )

    def metadata(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "requests": self.requests,
            "payloads_new": self.intake.payloads_new,
            "rows_answered": self.intake.rows_answered,
            "requests_failed": len(self.failures),
            "failures": list(self.failures),
        }


@dataclass(frozen=True)
class Ask:
    """One request to make, and what it is about."""

    request: Request
    start: datetime
    end: datetime


def fetch_bars(platform: Platform, source: str, start: date, end: date) -> Fetched:
    """Ask a source for the bars that are due of sessions in [start, end), the widest windows first."""
    from findata_resources.providers.yahoo import (
        YahooProvider,  # yfinance: half a second, and it is asked here only
    )

    providers: dict[str, Callable[[], Provider]] = {
        "yahoo": lambda: YahooProvider(
            platform.settings.home / "yahoo",
            platform.settings.yahoo_base_url,
            platform.settings.request_timeout_seconds,
        )
    }
    if source not in providers:
        raise ConfigurationError(
            f"No provider of bars is called {source}", f"Use one of {', '.join(providers)}"
        )
    provider = providers[source]()
    asks = [
        ask
        for capability in provider.capabilities
        for ask in _bar_asks(platform, source, capability, start, end)
    ]
    return ask_all(platform, provider, asks)


def fetch_sofr(platform: Platform) -> Fetched:
    """Ask the New York Fed for fixings and averages since the last fixing known, that day included."""
    provider = NewYorkFedProvider(platform.settings.nyfed_base_url, platform.settings.request_timeout_seconds)
    known = platform.store.read(table("rates.rates")).filter(pl.col("source") == "nyfed")
    latest = known.get_column("observation_date").max()
    start = latest if isinstance(latest, date) else FIRST_SOFR
    end = platform.clock.now().date() + DAY
    requests = [rates_request(rate_type, start, end) for rate_type in SOFR_TYPES]
    return ask_all(
        platform, provider, [Ask(request, _midnight(start), _midnight(end)) for request in requests]
    )


def ask_all(platform: Platform, provider: Provider, asks: Iterable[Ask]) -> Fetched:
    """Make every request; raise the last failure only if all failed."""
    total, last_error = Fetched(), None
    for ask in asks:
        try:
            total += Fetched(1, _ask(platform, provider, ask))
        except FindataError as error:
            last_error = error
            total += Fetched(1, failures=(f"{ask.request.subject}: {error}",))
    if last_error is not None and len(total.failures) == total.requests:
        raise last_error
    return total


def _ask(platform: Platform, provider: Provider, ask: Ask) -> Intake:
    """Make one request and write its line in the ledger."""
    started = platform.clock.now()
    try:
        received = provider.fetch(ask.request, platform.clock)
        intake = receive(platform, received)
    except FindataError as error:
        _enter(platform, ask, started, error=str(error), http_status=getattr(error, "http_status", None))
        raise
    _enter(
        platform,
        ask,
        started,
        http_status=received.http_status,
        size_bytes=len(received.body),
        rows_answered=intake.rows_answered,
        payload_id=receipt(received)["payload_id"],
    )
    return intake


def _enter(platform: Platform, ask: Ask, started: datetime, **outcome: object) -> None:
    row = {
        "fetch_id": uuid4().hex,
        "source": ask.request.source,
        "dataset": ask.request.dataset,
        "subject": ask.request.subject,
        "window_start_time": ask.start,
        "window_end_time": ask.end,
        "started_time": started,
        "duration_seconds": (platform.clock.now() - started).total_seconds(),
        "size_bytes": 0,
        "rows_answered": 0,
        **outcome,
    }
    target = table("ops.fetches")
    with platform.store.database.transaction() as cursor:
        upsert(cursor, target, conform(pl.DataFrame([row], infer_schema_length=None), target))


def _bar_asks(platform: Platform, source: str, capability: Capability, start: date, end: date) -> list[Ask]:
    """Return the requests for what is due: one row of instrument, symbol and window each."""
    due = platform.store.database.frame(_due_query(source, capability, start, end, platform.clock.now()))
    asks = []
    for instrument_id, symbol, first, last in due.iter_rows():
        for begin, stop in windows(capability, _midnight(first), _midnight(last) + 2 * DAY):
            request = bars_request(
                instrument_id, symbol, capability.interval, begin, min(stop, platform.clock.now())
            )
            asks.append(Ask(request, begin, stop))
    return asks


def _due_query(source: str, capability: Capability, start: date, end: date, now: datetime) -> sql.Composed:
    """Followed instruments with closed sessions in the window that are not complete, or not settled when last read."""
    return sql.SQL(
        """
        SELECT instruments.instrument_id, symbols.symbol, min(sessions.session_date), max(sessions.session_date)
        FROM reference.instruments
        JOIN reference.symbols ON symbols.instrument_id = instruments.instrument_id AND symbols.source = {source}
        JOIN reference.sessions ON sessions.mic = instruments.mic
        LEFT JOIN ops.coverage ON coverage.instrument_id = instruments.instrument_id
             AND coverage.session_date = sessions.session_date AND coverage.source = {source}
             AND coverage.interval = {interval}
        LEFT JOIN LATERAL (
             SELECT max(digests.ingest_time) AS read_time FROM ops.digests
             WHERE digests.table_name = {table_name} AND digests.subject = instruments.instrument_id
             AND digests.scope_date = sessions.session_date
             AND digests.slice LIKE {slice}) AS last_read ON true
        WHERE sessions.session_date >= {start}::date AND sessions.session_date < {end}::date
        AND sessions.session_date BETWEEN coalesce(instruments.from_date, '-infinity')
             AND coalesce(instruments.to_date, 'infinity')
        AND sessions.session_date BETWEEN symbols.from_date AND coalesce(symbols.to_date, 'infinity')
        AND sessions.close_time <= {now}::timestamptz
        AND (coverage.status IS DISTINCT FROM 'complete'
             OR read_time < sessions.close_time + make_interval(secs => {settles}))
        GROUP BY 1, 2 ORDER BY 1
        """
    ).format(
        source=sql.Literal(source),
        interval=sql.Literal(capability.interval),
        table_name=sql.Literal("market.bars_1d" if capability.interval == "1d" else "market.bars"),
        slice=sql.Literal(f"{capability.interval}/{source}/%"),
        start=sql.Literal(str(start)),
        end=sql.Literal(str(end)),
        now=sql.Literal(now.isoformat()),
        settles=sql.Literal(capability.settles_after.total_seconds()),
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
