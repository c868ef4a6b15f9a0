"""Making many requests, some at once; each leaves a row in the ledger, whatever came of it.

One that fails costs the others nothing: it is in the report and is due again next time. Only when every request
failed does the step fail. Limits, waits and repeated tries are patience.py's; what is asked is live.py's.

Answers are judged (judging.py) and received as they come, by the thread that owns the books: a kill loses those
under way, and what is kept back to be judged together; all of it is due again.
"""

import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from queue import SimpleQueue
from threading import Event
from typing import Any
from uuid import uuid4

from findata_assets.steps.asks import Ask, Made, answered, forgotten_in_words
from findata_assets.steps.entries import Intake
from findata_assets.steps.judging import Judged
from findata_assets.steps.patience import patiently
from findata_assets.steps.platform import Platform
from findata_core.errors import (
    BeyondWall,
    DailyLimitReached,
    FindataError,
    KeyRefused,
    NotAsked,
    RefusedRequest,
    Unreachable,
)
from findata_resources.provider import Provider, Received
from findata_resources.stores import fetches
from findata_resources.stores.raw import receipt
from findata_resources.stores.timescale import TimescaleStore
from findata_resources.tracing import carried, span

LOG = logging.getLogger("findata")
MOST_FAILURES_TOLD = 100  # in a report; the ledger has them all


@dataclass(frozen=True)
class Fetched:
    """What was asked and what came of it; `failures`: what failed and why.

    `not_asked`: requests that are left for the next run, because of a limit or because the provider is down.
    `beyond_wall`: sessions that the source no longer gives, in words.
    """

    requests: int = 0
    intake: Intake = field(default_factory=Intake)
    failures: tuple[str, ...] = ()
    not_asked: int = 0
    left_because: tuple[str, ...] = ()
    beyond_wall: tuple[str, ...] = ()

    def __add__(self, other: "Fetched") -> "Fetched":
        return Fetched(
            self.requests + other.requests,
            self.intake + other.intake,
            (*self.failures, *other.failures),
            self.not_asked + other.not_asked,
            (*self.left_because, *other.left_because),
            (*self.beyond_wall, *other.beyond_wall),
        )

    def metadata(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "requests": self.requests,
            "payloads_new": self.intake.payloads_new,
            "rows_answered": self.intake.rows_answered,
            "rows_duplicate": self.intake.rows_duplicate,
            "rows_quarantined": self.intake.rows_refused,
            "payloads_held": self.intake.payloads_held,
            "requests_failed": len(self.failures),
            "failures": list(self.failures[:MOST_FAILURES_TOLD]),
            "requests_not_asked": self.not_asked,
            "not_asked_because": list(self.left_because),
            "beyond_the_wall": list(self.beyond_wall),
        }


@dataclass
class Workers:
    """Platforms for so many requests at once; a connection belongs to one thread. `stop`: no more is asked."""

    number: int
    platforms: SimpleQueue[Platform]
    stop: Event
    reason: FindataError | None = None

    def halt(self, error: FindataError) -> None:
        """Let what has not been asked be, for this reason; the first one counts."""
        self.reason = self.reason or error
        self.stop.set()


def ask_all(platform: Platform, provider: Provider, asks: Iterable[Ask]) -> Fetched:
    """Make every request; raise the last failure only if none gave an answer, at once if nobody answers at all.

    When the provider's limit is used up or it is down, the rest is not asked, and is due again.
    """
    planned, total, judged = list(asks), Fetched(), Judged(platform)
    last_error: FindataError | None = None  # of the last request that failed
    lines: dict[int, str] = {}
    cut: list[Made] = []  # by the wall, while they waited
    with (
        _working(platform, len(planned)) as (pool, workers),
        _finishing(platform, judged, lines) as kept_back,
    ):
        for made in _made(pool, workers, provider, planned):
            total += _book(platform, judged, made, lines)
            cut += [one for one in made if one.forgotten]
            last_error = next((one.error for one in made if one.error), last_error)
            _tell(provider, total, len(planned))
    if workers.reason is not None:
        passed = sum(one.is_passed for one in cut)
        total += _left(len(planned) - total.requests - passed, workers.reason)
    error = workers.reason or last_error
    if error is not None and len(total.failures) == total.requests:
        raise error
    forgotten = forgotten_in_words(provider.name, cut)
    return total + Fetched(intake=sum(kept_back, Intake()), beyond_wall=forgotten)


def _made(
    pool: ThreadPoolExecutor, workers: Workers, provider: Provider, asks: Sequence[Ask]
) -> Iterator[list[Made]]:
    """Yield what came of requests as they end, some at a time; no more wait for the books than are under way."""
    waiting, under_way = deque(asks), set[Future[Made]]()
    while waiting or under_way:
        while waiting and len(under_way) < 2 * workers.number:
            under_way.add(pool.submit(carried(_make), workers, provider, waiting.popleft()))
        done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
        yield [future.result() for future in done]


@contextmanager
def _finishing(platform: Platform, judged: Judged, lines: Mapping[int, str]) -> Iterator[list[Intake]]:
    """Receive at the end, whatever happens until then, the answers that only all together could be judged."""
    kept_back: list[Intake] = []
    try:
        yield kept_back
    finally:
        kept_back += _count(platform, judged.finish(), lines)


@contextmanager
def _working(platform: Platform, requests: int) -> Iterator[tuple[ThreadPoolExecutor, Workers]]:
    """Yield threads, and a platform for each; an interrupt ends their waits."""
    number = max(1, min(platform.settings.requests_at_once, requests))
    stop, platforms, mine = Event(), SimpleQueue[Platform](), []
    for _ in range(number):
        store = TimescaleStore(platform.store.database.url)
        mine.append(replace(platform, store=store, sleep=partial(_sleep, platform, stop)))
        platforms.put(mine[-1])
    pool = ThreadPoolExecutor(number, thread_name_prefix="findata-requests")
    try:
        yield pool, Workers(number, platforms, stop)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
        for one in mine:
            one.close()


def _sleep(platform: Platform, stop: Event, seconds: float) -> None:
    """Sleep, but not on when the run is interrupted."""
    if platform.sleep is time.sleep:
        stop.wait(seconds)
    else:
        platform.sleep(seconds)


def _make(workers: Workers, provider: Provider, ask: Ask) -> Made:
    """Make one request patiently, in a thread, unless no more is to be asked."""
    if workers.stop.is_set():
        return Made(ask)
    platform = workers.platforms.get()
    try:
        fetch_id, received = patiently(platform, provider, partial(_try_once, platform, provider, ask))
    except BeyondWall:
        return Made(ask, forgotten=ask.starts or (ask.start,))
    except FindataError as error:
        if isinstance(error, NotAsked | DailyLimitReached | KeyRefused | Unreachable):
            workers.halt(error)
        return Made(ask) if isinstance(error, NotAsked) else Made(ask, error=error)
    finally:
        workers.platforms.put(platform)
    return answered(ask, fetch_id, received)


def _try_once(platform: Platform, provider: Provider, ask: Ask) -> tuple[str, Received]:
    """Try one request once and write its row in the ledger.

    What the source forgot while the request waited is left out of it. BeyondWall: that is all of it; nobody was asked,
    and the ledger says nothing.
    """
    started = platform.clock.now()
    try:
        with span(
            "request", provider=provider.name, dataset=ask.request.dataset, subject=ask.request.subject
        ):
            received = provider.fetch(ask.request, platform.clock)
    except BeyondWall as passed:
        later = ask.from_wall(passed.wall_time)
        if later is None:
            raise
        return _try_once(platform, provider, later)
    except FindataError as error:
        _enter(platform, ask, started, **_failure(error))
        raise
    fetch_id = _enter(
        platform,
        ask,
        started,
        http_status=received.http_status,
        size_bytes=len(received.body),
        payload_id=receipt(received)["payload_id"],
    )
    return fetch_id, received


def _failure(error: FindataError) -> dict[str, object]:
    """Return what the ledger says of an error; a key that is not taken says nothing of what was asked with it."""
    is_refused = isinstance(error, RefusedRequest) and not isinstance(error, KeyRefused)
    return {"error": str(error), "http_status": getattr(error, "http_status", None), "is_refused": is_refused}


def _enter(platform: Platform, ask: Ask, started: datetime, **outcome: object) -> str:
    row = {
        "fetch_id": uuid4().hex,
        "source": ask.request.source,
        "dataset": ask.request.dataset,
        "subject": ask.request.subject,
        "interval": ask.request.parameters.get("interval"),
        "window_start_time": ask.start,
        "window_end_time": ask.end,
        "started_time": started,
        "duration_seconds": max(0.0, (platform.clock.now() - started).total_seconds()),
        "size_bytes": 0,
        "rows_answered": 0,
        **outcome,
    }
    fetches.enter(platform.store.database, row)
    return str(row["fetch_id"])


def _book(platform: Platform, judged: Judged, made: Sequence[Made], lines: dict[int, str]) -> Fetched:
    """Judge answers, enter them in the books, and in the ledger what they held."""
    answers = [one.received for one in made if one.received is not None]
    lines |= {receipt(one.received)["payload_id"]: one.fetch_id for one in made if one.received is not None}
    intakes = _count(platform, judged.take_all(answers), lines)
    failures = tuple(f"{one.ask.request.subject}: {one.error}" for one in made if one.error is not None)
    return Fetched(len(answers) + len(failures), sum(intakes, Intake()), failures)


def _count(
    platform: Platform, taken: Sequence[tuple[Received, Intake]], lines: Mapping[int, str]
) -> list[Intake]:
    """Enter in the ledger (payload -> its line) what answers held."""
    fetches.count_rows(
        platform.store.database,
        [
            (
                lines[receipt(received)["payload_id"]],
                intake.rows_answered,
                intake.rows_duplicate,
                intake.rows_refused,
            )
            for received, intake in taken
        ],
    )
    return [intake for _, intake in taken]


def _left(count: int, error: FindataError) -> Fetched:
    """Return that so many requests are left for the next run."""
    return Fetched(not_asked=count, left_because=(f"{count} requests: {error}",) if count else ())


def _tell(provider: Provider, total: Fetched, planned: int) -> None:
    LOG.info(
        "%s: %d of %d requests made, %d failed, %d rows",
        provider.name,
        total.requests,
        planned,
        len(total.failures),
        total.intake.rows_answered,
    )
