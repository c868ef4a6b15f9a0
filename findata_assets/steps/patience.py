"""One request, made patiently: its turn is awaited, what fails for the moment is tried again, what is down is left.

What belongs here: the order of things around a request. What does not: arithmetic (findata_core/quotas.py,
breaker.py), what is kept of it (findata_resources/stores/quotas.py, breakers.py), the request itself (live.py).
"""

from collections.abc import Callable
from datetime import datetime
from itertools import count
from math import inf
from typing import TypeVar

from findata_assets.steps.platform import Platform
from findata_core.breaker import Rest, pause_seconds
from findata_core.errors import (
    DailyLimitReached,
    NotAsked,
    ProviderDown,
    ProviderError,
    QuotaExhausted,
    RetriableProviderError,
    Unreachable,
)
from findata_core.quotas import Limit
from findata_resources.provider import Provider
from findata_resources.providers import limits_of
from findata_resources.stores import breakers, quotas

Outcome = TypeVar("Outcome")

# A clock that does not move while we sleep must not keep us asking it.
SHORTEST_SLEEP_SECONDS = 0.001
# Ours: good answers come within a second or two, and a look is a short transaction.
LOOK_AGAIN_SECONDS = 0.5


def patiently(platform: Platform, provider: Provider, try_once: Callable[[], Outcome]) -> Outcome:
    """Return what a request gives; `try_once` makes it, and is called again after failures of the moment.

    NotAsked: its turn is too far off, or the provider is down; nothing was asked. Unreachable is not tried again:
    who has no network is told so at once.
    """
    failure: RetriableProviderError | None = None
    for tries in count(1):
        try:
            _await_turn(platform, provider)
        except NotAsked as refusal:
            raise (failure or refusal) from None  # what came of the tries before says more
        try:
            outcome = try_once()
        except ProviderError as error:
            _note(platform, provider, error)
            failure = _worth_another_try(platform, error, tries)
        else:
            breakers.note_answer(platform.store.database, provider.name, platform.clock.now())
            return outcome
    raise AssertionError("count() does not end")


def _worth_another_try(platform: Platform, error: ProviderError, tries: int) -> RetriableProviderError:
    """Pause and return the error, or raise it where another try is of no use now."""
    if not isinstance(error, RetriableProviderError) or isinstance(error, Unreachable):
        raise error
    seconds = pause_seconds(tries, platform.random(), error.retry_after_seconds)
    if tries >= platform.settings.request_tries or seconds > platform.settings.longest_wait_seconds:
        raise error
    platform.sleep(seconds)
    return error


def _note(platform: Platform, provider: Provider, error: ProviderError) -> None:
    """Enter what an error says of the provider: a refusal that it sent is an answer, one of ours says nothing.

    A day that is used up is a key's, and no failure; where no day is limited, the provider is left alone instead.
    """
    database, now = platform.store.database, platform.clock.now()
    is_day_over = isinstance(error, DailyLimitReached) and quotas.use_up_day(
        database, provider.name, *_limits(platform, provider)
    )
    if is_day_over or (error.http_status is not None and not isinstance(error, RetriableProviderError)):
        breakers.note_answer(database, provider.name, now)
    elif isinstance(error, RetriableProviderError):
        breakers.note_failure(database, provider.name, now, error.retry_after_seconds)
    else:
        breakers.note_unasked(database, provider.name)


def _limits(platform: Platform, provider: Provider) -> tuple[str, tuple[Limit, ...]]:
    """Return the key that a provider is asked with, as the books name it, and what it allows."""
    limits = limits_of(provider.name, platform.settings.request_limits)
    return getattr(provider, "key_id", ""), limits


def _await_turn(platform: Platform, provider: Provider) -> None:
    """Return when a request is granted and booked; sleep for it as long as the settings allow.

    Whether the provider is down is looked at again after each sleep: others were asking meanwhile.
    """
    (key, limits), waited_seconds = _limits(platform, provider), 0.0
    while True:
        _await_well(platform, provider)
        now = platform.clock.now()
        free = quotas.take(platform.store.database, provider.name, key, limits, now)
        if free is None:
            return
        breakers.note_unasked(platform.store.database, provider.name)
        seconds = max((free - now).total_seconds(), SHORTEST_SLEEP_SECONDS)
        waited_seconds += seconds
        if waited_seconds > platform.settings.longest_wait_seconds:
            raise QuotaExhausted(
                f"{provider.name} was not asked: what it allows is used up until {free:%Y-%m-%d %H:%M:%S} UTC",
                "Run again then; FINDATA_REQUEST_LIMITS says what is allowed, ops.quotas what is used",
                free,
            )
        platform.sleep(seconds)


def _await_well(platform: Platform, provider: Provider) -> None:
    """Return when the provider may be asked; ProviderDown if it is left alone for longer than a run waits.

    A short rest that it asked for is slept through. While another request tries whether it is well, of this run or of
    any other, what comes of that is awaited.
    """
    known, left_seconds = None, 0.0
    while True:
        now = platform.clock.now()
        rest = breakers.rest_of(platform.store.database, provider.name, now)
        if rest is None:
            return
        if rest != known:  # each is waited for by itself; ten failures in a row end that
            known, left_seconds = rest, platform.settings.longest_wait_seconds
        seconds = _seconds_of(rest, now)
        if seconds > left_seconds:
            raise _down(provider, rest)
        left_seconds -= seconds
        platform.sleep(seconds)


def _seconds_of(rest: Rest, now: datetime) -> float:
    """Return how long to sleep before one looks again; infinity where that is of no use."""
    if rest.is_probed:
        return LOOK_AGAIN_SECONDS
    return max((rest.until - now).total_seconds(), SHORTEST_SLEEP_SECONDS) if rest.is_asked_for else inf


def _down(provider: Provider, rest: Rest) -> ProviderDown:
    why = "it is down, and is left alone"
    if rest.is_asked_for:
        why = "it has asked to be left alone"
    if rest.is_probed:
        why = "it is down, and what the request that tries whether it is well finds is awaited"
    return ProviderDown(
        f"{provider.name} was not asked: {why} until {rest.until:%Y-%m-%d %H:%M:%S} UTC",
        "Run again then; ops.fetches says how it failed",
        rest.until,
    )
