"""Asking live providers for what is due; every request leaves a row in the ledger, whatever came of it.

One instrument that fails costs the others nothing: it is in the report and is due again next time. Only
when every request failed does the step fail. Limits, waits and repeated tries are patience.py's.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import islice
from typing import Any
from uuid import uuid4

import polars as pl
from psycopg import sql

from findata_assets.steps.bar_sources import BAR_PROVIDERS
from findata_assets.steps.judging import Judged
from findata_assets.steps.patience import patiently
from findata_assets.steps.platform import Platform
from findata_assets.steps.receiving import Intake
from findata_core.errors import ConfigurationError, DailyLimitReached, FindataError, NotAsked, Unreachable
from findata_core.schema.frames import conform
from findata_core.schema.tables import table
from findata_resources.provider import Capability, Provider, Received, Request, windows_over
from findata_resources.providers.nyfed import NewYorkFedProvider, rates_request
from findata_resources.stores.database import upsert
from findata_resources.stores.raw import receipt

FIRST_SOFR = date(2018, 4, 2)  # first value date; published on the next day (New York Fed)
SOFR_TYPES = {"SOFR": "rates.rates", "SOFRAI": "rates.published_averages"}  # what is asked -> its table
ASKED_INTERVALS = ("1d", "1m")  # other widths are folded from minutes; some keys have 25 requests a day
DAY = timedelta(days=1)
# Yahoo stamps a day with its session's open, on some exchanges with the local midnight before it.
DAILY_LEAD = timedelta(hours=16)
CLOSING = timedelta(
    hours=3
)  # bars that Yahoo adds after a close belong to the session: auctions, late prints


@dataclass(frozen=True)
class Fetched:
    """What was asked and what came of it; `failures`: what failed and why.

    `not_asked`: requests that are left for the next run, because of a limit or because the provider is down.
    """

    requests: int = 0
    intake: Intake = field(default_factory=Intake)
    failures: tuple[str, ...] = ()
    not_asked: int = 0
    left_because: tuple[str, ...] = ()

    def __add__(self, other: "Fetched") -> "Fetched":
        return Fetched(
            self.requests + other.requests,
            self.intake + other.intake,
            (*self.failures, *other.failures),
            self.not_asked + other.not_asked,
            (*self.left_because, *other.left_because),
        )

    def metadata(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "requests": self.requests,
            "payloads_new": self.intake.payloads_new,
            "payloads_held": self.intake.payloads_held,
            "rows_answered": self.intake.rows_answered,
            "requests_failed": len(self.failures),
            "failures": list(self.failures),
            "requests_not_asked": self.not_asked,
            "not_asked_because": list(self.left_because),
        }


@dataclass(frozen=True)
class Ask:
    """One request to make, and what it is about."""

    request: Request
    start: datetime
    end: datetime


def fetch_bars(platform: Platform, source: str, start: date, end: date) -> Fetched:
    """Ask a source for the bars that are due of sessions in [start, end), the widest windows first."""
    if source not in BAR_PROVIDERS:
        raise ConfigurationError(
            f"No provider of bars is called {source}", f"Use one of {', '.join(BAR_PROVIDERS)}"
        )
    made = BAR_PROVIDERS[source](platform.settings)
    asks = [
        Ask(made.bars_request(instrument_id, symbol, capability.interval, begin, stop), begin, stop)
        for capability in made.provider.capabilities
        if capability.interval in ASKED_INTERVALS
        for instrument_id, symbol, begin, stop in _bar_windows(platform, source, capability, start, end)
    ]
    return ask_all(platform, made.provider, asks)


def fetch_sofr(platform: Platform) -> Fetched:
    """Ask the New York Fed for fixings and averages, each since the last day known, that day included."""
    provider = NewYorkFedProvider(platform.settings.nyfed_base_url, platform.settings.request_timeout_seconds)
    end = platform.clock.now().date() + DAY
    asks = []
    for rate_type, address in SOFR_TYPES.items():
        known = platform.store.read(table(address)).filter(pl.col("source") == "nyfed")
        latest = known.get_column("observation_date").max()
        start = latest if isinstance(latest, date) else FIRST_SOFR
        asks.append(Ask(rates_request(rate_type, start, end), _midnight(start), _midnight(end)))
    return ask_all(platform, provider, asks)


def ask_all(platform: Platform, provider: Provider, asks: Iterable[Ask]) -> Fetched:
    """Make every request; raise the last failure only if none gave an answer, at once if nobody answers at all.

    When the provider's limit is used up or it is down, the rest is not asked, and is due again.
    """
    total, planned, run = Fetched(), list(asks), _Run(platform, provider)
    last_error: FindataError | None = None
    with run.finished():
        for number, ask in enumerate(planned):
            try:
                total += Fetched(1, patiently(platform, provider, partial(run.ask, ask)))
            except NotAsked as error:
                last_error = error
                total += _left(len(planned) - number, error)
                break
            except FindataError as error:
                last_error = error
                total += Fetched(1, failures=(f"{ask.request.subject}: {error}",))
                if isinstance(error, DailyLimitReached):
                    total += _left(len(planned) - number - 1, error)
                    break
                if isinstance(error, Unreachable) and len(total.failures) == total.requests:
                    raise
    if last_error is not None and len(total.failures) == total.requests:
        raise last_error
    return total + Fetched(intake=run.kept_back)


def _left(count: int, error: FindataError) -> Fetched:
    """Return that so many requests are left for the next run."""
    return Fetched(not_asked=count, left_because=(f"{count} requests: {error}",) if count else ())


class _Run:
    """The requests of one step: each answer is received at once, those without bars when all are there (judging)."""

    def __init__(self, platform: Platform, provider: Provider) -> None:
        self.kept_back = Intake()
        self._platform = platform
        self._provider = provider
        self._judged = Judged(platform)
        self._lines: dict[int, tuple[Ask, datetime, float]] = {}

    def ask(self, ask: Ask) -> Intake:
        """Try one request once and write its line in the ledger."""
        started = self._platform.clock.now()
        try:
            received = self._provider.fetch(ask.request, self._platform.clock)
            intake = self._judged.take(received)
        except FindataError as error:
            status = getattr(error, "http_status", None)
            _enter(self._platform, ask, started, self._seconds(started), error=str(error), http_status=status)
            raise
        if intake is None:
            self._lines[receipt(received)["payload_id"]] = (ask, started, self._seconds(started))
            return Intake()
        self._enter_answer(received, intake, ask, started, self._seconds(started))
        return intake

    @contextmanager
    def finished(self) -> Iterator[None]:
        """Receive at the end, whatever happens until then, what was kept back."""
        try:
            yield
        finally:
            for received, intake in self._judged.finish():
                self.kept_back += intake
                self._enter_answer(received, intake, *self._lines[receipt(received)["payload_id"]])

    def _enter_answer(
        self, received: Received, intake: Intake, ask: Ask, started: datetime, seconds: float
    ) -> None:
        _enter(
            self._platform,
            ask,
            started,
            seconds,
            http_status=received.http_status,
            size_bytes=len(received.body),
            rows_answered=intake.rows_answered,
            payload_id=receipt(received)["payload_id"],
        )

    def _seconds(self, started: datetime) -> float:
        return (self._platform.clock.now() - started).total_seconds()


def _enter(platform: Platform, ask: Ask, started: datetime, seconds: float, **outcome: object) -> None:
    row = {
        "fetch_id": uuid4().hex,
        "source": ask.request.source,
        "dataset": ask.request.dataset,
        "subject": ask.request.subject,
        "window_start_time": ask.start,
        "window_end_time": ask.end,
        "started_time": started,
        "duration_seconds": seconds,
        "size_bytes": 0,
        "rows_answered": 0,
        **outcome,
    }
    target = table("ops.fetches")
    with platform.store.database.transaction() as cursor:
        upsert(cursor, target, conform(pl.DataFrame([row], infer_schema_length=None), target))


def _bar_windows(
    platform: Platform, source: str, capability: Capability, start: date, end: date
) -> Iterator[tuple[str, str, datetime, datetime]]:
    """Yield instrument, symbol and window of the sessions that are due, as few as the source's windows allow.

    What lies beyond the source's wall can't be asked for: one request says so, and is refused.
    """
    wall = platform.clock.now() - (capability.wall or timedelta())
    due = due_sessions(platform, source, capability, start, end)
    is_in_reach = pl.col("open_time") >= wall if capability.wall else pl.lit(value=True)
    yield from windows_of(platform, capability, due.filter(is_in_reach))
    for _, beyond in due.filter(~is_in_reach).group_by("instrument_id", maintain_order=True):
        yield from islice(windows_of(platform, capability, beyond), 1)


def windows_of(
    platform: Platform, capability: Capability, sessions: pl.DataFrame
) -> Iterator[tuple[str, str, datetime, datetime]]:
    """Yield instrument, symbol and window of due sessions, as few as the source's windows allow."""
    lead = DAILY_LEAD if capability.interval == "1d" else timedelta()
    now = platform.clock.now()
    for (instrument_id, symbol), mine in sessions.group_by(["instrument_id", "symbol"], maintain_order=True):
        spans = (
            (opens - lead, min(closes + CLOSING, now))
            for opens, closes in mine.select("open_time", "close_time").iter_rows()
        )
        for begin, stop in windows_over(capability, spans):
            yield str(instrument_id), str(symbol), begin, stop


def due_sessions(
    platform: Platform, source: str, capability: Capability, start: date, end: date
) -> pl.DataFrame:
    """Return instrument_id, symbol, open_time and close_time of the sessions in [start, end) that are due."""
    query = _due_query(source, capability, start, end, platform.clock.now())
    return platform.store.database.frame(query)


def _due_query(source: str, capability: Capability, start: date, end: date, now: datetime) -> sql.Composed:
    """Closed sessions in the window that are not complete, or were last read before they settled.

    Only of instruments that the universe file names now: one that it no longer names is asked no more.
    """
    return sql.SQL(
        """
        SELECT instruments.instrument_id, symbols.symbol, sessions.open_time, sessions.close_time
        FROM reference.instruments
        JOIN reference.symbols
             ON symbols.instrument_id = instruments.instrument_id AND symbols.source = {source}
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
        AND instruments.instrument_id IN (
             SELECT subject FROM ops.payload_scopes WHERE table_name = 'reference.instruments' AND payload_id = (
                  SELECT payload_id FROM ops.payloads WHERE dataset = 'universe'
                  ORDER BY received_time DESC LIMIT 1))
        AND (coverage.status IS DISTINCT FROM 'complete'
             OR read_time < sessions.close_time + make_interval(secs => {settles}))
        ORDER BY 1, 3
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
