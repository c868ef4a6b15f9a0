"""Asking for series: what FRED says a series is, its vintages, and the values of those that are not known yet.

What belongs here: the order of the requests of one series. What does not: which window comes next
(findata_core/economic/vintages.py), making a request (requesting.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from psycopg import sql

from findata_assets.steps.asks import Ask
from findata_assets.steps.entries import Intake
from findata_assets.steps.platform import Platform
from findata_assets.steps.receiving import latest_sha256, receive
from findata_assets.steps.requesting import Fetched, ask_all
from findata_core.economic.catalogue import SERIES, Series, series_of
from findata_core.economic.vintages import (
    EARLIEST,
    LATEST,
    MOST_VINTAGES,
    PUBLISHERS_ZONE,
    Answered,
    Window,
    next_window,
    settled_until,
)
from findata_core.errors import (
    DailyLimitReached,
    DataError,
    FindataError,
    KeyRefused,
    MalformedPayload,
    NotAsked,
    Unreachable,
)
from findata_resources.provider import Clock, Received, Request
from findata_resources.providers import fred_answers, series_catalogue
from findata_resources.providers.fred import AnswerTooWide, FredProvider
from findata_resources.stores.raw import receipt

# What fails for one series fails for all of them.
_FOR_ALL = (NotAsked, DailyLimitReached, KeyRefused, Unreachable)
LEAST_VINTAGES = 2  # a window holds one that is known and one that is not


class Listening:
    """The provider, and the answer that it gave last: what is asked next follows from it."""

    def __init__(self, provider: FredProvider) -> None:
        self.name = provider.name
        self.capabilities = provider.capabilities
        self.key_id = provider.key_id
        self.heard = b""
        self._provider = provider

    def fetch(self, request: Request, clock: Clock) -> Received:
        """Ask once, and remember the body."""
        received = self._provider.fetch(request, clock)
        self.heard = received.body
        return received


@dataclass(frozen=True)
class Asking:
    """A series, and who is asked about it."""

    platform: Platform
    provider: Listening
    line: Series

    def ask(self, request: Request, start: date = EARLIEST, end: date = LATEST) -> Fetched:
        """Make one request, patiently, and receive its answer."""
        return ask_all(self.platform, self.provider, [Ask(request, _midnight(start), _midnight(end))])


def load_catalogue(platform: Platform) -> Intake:
    """Receive the catalogue of series if it is not the one received last."""
    received = series_catalogue.snapshot(platform.clock)
    request = received.request
    latest = latest_sha256(platform, request.source, request.dataset, request.subject)
    if latest == receipt(received)["sha256"]:
        return Intake(payloads_known=1)
    return receive(platform, received)


def fetch_series(platform: Platform, series_ids: Sequence[str] | None = None) -> Fetched:
    """Ask FRED for all vintages of the catalogue's series that are not known yet; one that fails costs the others
    nothing. Raise the last failure only if every series failed.
    """
    settings = platform.settings
    provider = FredProvider(settings.fred_api_key, settings.fred_base_url, settings.request_timeout_seconds)
    load_catalogue(platform)
    lines = SERIES if series_ids is None else [series_of(name) for name in series_ids]
    total, last_error, failed = Fetched(), None, 0
    for place, line in enumerate(lines):
        try:
            for part in _series(Asking(platform, Listening(provider), line)):
                total += part
        except _FOR_ALL as error:
            if total.requests == 0:
                raise
            return total + Fetched(left_because=(f"{len(lines) - place} series: {error}",))
        except FindataError as error:
            failed, last_error = failed + 1, error
            total += Fetched(requests=1, failures=(f"{line.series_id}: {error}",))
    if last_error is not None and failed == len(lines):
        raise last_error
    return total


def _series(asking: Asking) -> Iterator[Fetched]:
    """Ask what a series is, for its vintages, and for the values of each window that is not settled."""
    yield asking.ask(fred_answers.series_request(asking.line.series_id))
    updated = _checked(asking.line, asking.provider.heard)
    vintages: list[date] = []
    has_more = True
    while has_more:
        yield asking.ask(fred_answers.vintages_request(asking.line.series_id, len(vintages)))
        days, has_more = fred_answers.vintage_dates(asking.provider.heard)
        vintages += days
        has_more = has_more and bool(days)
    yield from _windows(asking, sorted(set(vintages)), updated)


def _windows(asking: Asking, vintages: Sequence[date], updated: datetime | None) -> Iterator[Fetched]:
    """Ask for windows of vintages, each after the one before is in the books; narrower ones where FRED says so."""
    most, settled = MOST_VINTAGES, settled_vintages(asking.platform, asking.line.series_id)
    while (window := next_window(vintages, settled, most)) is not None:
        request = fred_answers.observations_request(asking.line.series_id, window, updated)
        try:
            yield asking.ask(request, window.start, window.end)
        except AnswerTooWide:
            if most <= LEAST_VINTAGES:
                raise
            most = max(LEAST_VINTAGES, min(most, _held(vintages, window)) // 2)
            continue
        reached = settled_vintages(asking.platform, asking.line.series_id)
        if window.end == LATEST or reached == settled:
            return
        settled = reached


def _held(vintages: Sequence[date], window: Window) -> int:
    return sum(window.start <= day <= window.end for day in vintages)


def settled_vintages(platform: Platform, series_id: str) -> date | None:
    """Return the day up to which all vintages of a series have been answered for, in answers that can be read."""
    query = sql.SQL(
        "SELECT request -> 'parameters' ->> 'realtime_start' AS first, "
        "request -> 'parameters' ->> 'realtime_end' AS last, received_time FROM ops.payloads AS p "
        "WHERE source = 'fred' AND dataset = 'observations' AND request ->> 'provider' = 'fred' "
        "AND request ->> 'subject' = {} AND NOT EXISTS (SELECT FROM ops.quarantine AS q "
        "WHERE q.payload_id = p.payload_id AND q.row_number = -1)"
    ).format(sql.Literal(series_id))
    zone = ZoneInfo(PUBLISHERS_ZONE)
    return settled_until(
        Answered(date.fromisoformat(first), date.fromisoformat(last), received.astimezone(zone).date())
        for first, last, received in platform.store.database.frame(query).iter_rows()
    )


def _checked(line: Series, body: bytes) -> datetime | None:
    """Return when FRED changed the series last; an error where it is not the series of the catalogue any more."""
    found = [item for item in fred_answers.items(body, "series") if isinstance(item, dict)]
    if not found or found[0].get("id") != line.series_id:
        raise MalformedPayload(f"FRED says nothing of {line.series_id}", "See the payload")
    for name, ours, theirs in (
        ("frequency", line.frequency, found[0].get("frequency_short")),
        ("unit", line.unit, found[0].get("units")),
        ("seasonal adjustment", line.seasonal_adjustment, found[0].get("seasonal_adjustment_short")),
    ):
        if ours != theirs:
            raise DataError(
                f"The {name} of {line.series_id} is {json.dumps(theirs)} now, not {ours!r}: its values are not "
                "asked for, they would not be comparable",
                "Look at the series at FRED, then correct its line in findata_core/economic/catalogue.py",
            )
    return fred_answers.updated_time(body)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
