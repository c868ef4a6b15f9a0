"""Requests over real HTTP that wait for their turn, try again, and leave alone who is down. Nothing really sleeps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from findata_assets.steps.asks import Ask
from findata_assets.steps.patience import patiently
from findata_assets.steps.platform import Platform, platform_at
from findata_assets.steps.requesting import Fetched, ask_all
from findata_core.errors import (
    ConfigurationError,
    ProviderDown,
    QuotaExhausted,
    RefusedRequest,
    RetriableProviderError,
    Unreachable,
)
from findata_resources.environment import Clock, resolve_endpoints
from findata_resources.provider import Received, Request
from findata_resources.providers import LIMITS, limits_of
from findata_resources.providers.nyfed import NewYorkFedProvider, rates_request
from findata_resources.stores import breakers
from tests.conftest import MakePlatform
from tests.orchestration import SetClock
from tests.standin import RATES, TOO_MANY_REQUESTS, UNAVAILABLE, Answer, StandIn

MORNING = datetime(2022, 6, 30, 13, 0, tzinfo=UTC)
RESTED = MORNING + timedelta(minutes=5)  # for so long a provider is left alone
FIXING = {"effectiveDate": "2022-06-29", "type": "SOFR", "percentRate": 1.51, "revisionIndicator": ""}
BAD_REQUEST = Answer(400, b"Bad Request")
GOOD = Answer(200, b'{"refRates": []}')


@dataclass
class Waiting(SetClock):
    """A clock that notes how long it was slept by."""

    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        super().sleep(seconds)


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn(now=MORNING) as server:
        server.nyfed_rates = {"sofr": [FIXING]}
        yield server


def patient(make_platform: MakePlatform, **arguments: Any) -> tuple[Platform, Waiting]:
    """A platform that tries three times, on a clock that moves when it sleeps; its dice always show a half."""
    platform = make_platform(**{"request_tries": 3, **arguments})
    return platform, on_a_clock(platform)


def on_a_clock(platform: Platform) -> Waiting:
    clock = Waiting(MORNING)
    platform.clock, platform.sleep, platform.random = clock, clock.sleep, lambda: 0.5
    return clock


def ask(platform: Platform, standin: StandIn, times: int = 1) -> Fetched:
    """Ask for SOFR, so many times."""
    request = rates_request("SOFR", date(2022, 6, 29), date(2022, 6, 30))
    return ask_all(
        platform, NewYorkFedProvider(standin.base_url, 5), [Ask(request, MORNING, MORNING)] * times
    )


def statuses(platform: Platform) -> list[int | None]:
    query = sql.SQL("SELECT http_status FROM ops.fetches ORDER BY started_time")
    return platform.store.database.frame(query).get_column("http_status").to_list()


def test_a_failure_of_the_moment_is_tried_again_after_a_pause_and_each_try_is_booked(
    make_platform: MakePlatform, standin: StandIn
) -> None:
    platform, clock = patient(make_platform)
    standin.script = [UNAVAILABLE, UNAVAILABLE]
    told = ask(platform, standin)
    assert (told.requests, told.failures, told.intake.payloads_new) == (1, (), 1)
    assert statuses(platform) == [503, 503, 200]
    assert clock.slept == [0.5, 1.0]  # half of 1 s, half of 2 s


def test_after_the_last_try_the_failure_is_told_and_the_next_request_is_made(
    make_platform: MakePlatform, standin: StandIn
) -> None:
    platform, _ = patient(make_platform)
    standin.script = [UNAVAILABLE] * 3
    told = ask(platform, standin, times=3)
    assert (told.requests, len(told.failures), told.not_asked) == (3, 1, 0)
    assert sorted(statuses(platform), key=str) == [200, 200, 503, 503, 503]


@pytest.mark.parametrize("words", ["7", "Thu, 30 Jun 2022 13:00:07 GMT"], ids=["seconds", "HTTP date"])
def test_retry_after_is_honoured(make_platform: MakePlatform, standin: StandIn, words: str) -> None:
    platform, clock = patient(make_platform)
    standin.script = [Answer(429, b"", {"Retry-After": words})]
    assert ask(platform, standin).failures == ()
    assert clock.slept == [7.0]


def test_who_asks_to_be_left_alone_for_longer_than_a_run_waits_is_not_asked_again(
    make_platform: MakePlatform, standin: StandIn
) -> None:
    platform, clock = patient(make_platform, longest_wait_seconds=59)
    standin.script = [TOO_MANY_REQUESTS]  # Retry-After: 60
    with pytest.raises(RetriableProviderError, match="429"):
        ask(platform, standin)
    assert (clock.slept, statuses(platform)) == ([], [429])


def test_who_asks_to_be_left_alone_for_long_is_so_from_the_first_answer_on_and_by_the_next_run(
    make_platform: MakePlatform, standin: StandIn
) -> None:
    platform, clock = patient(make_platform)
    standin.script = [GOOD, TOO_MANY_REQUESTS]  # Retry-After: 60, and a run waits for 30
    told = ask(platform, standin, times=9)
    assert (told.requests, len(told.failures), told.not_asked, clock.slept) == (2, 1, 7, [])
    assert told.left_because == (
        "7 requests: nyfed was not asked: it has asked to be left alone until 2022-06-30 13:01:00 UTC. "
        "Next: Run again then; ops.fetches says how it failed",
    )
    clock.moment = MORNING + timedelta(seconds=29)
    with pytest.raises(ProviderDown) as resting:
        ask(platform, standin)
    assert standin.count(RATES) == 2
    clock.moment = resting.value.not_before
    assert ask(platform, standin, times=9).requests == 9


def test_requests_at_once_leave_who_asks_for_it_alone(make_platform: MakePlatform, standin: StandIn) -> None:
    platform, _ = patient(make_platform, requests_at_once=4)
    standin.script = [TOO_MANY_REQUESTS] * 20
    with pytest.raises(ProviderDown):
        ask(platform, standin, times=20)
    assert standin.count(RATES) <= 4  # those that were under way


def test_a_short_rest_that_is_asked_for_is_slept_through_by_the_other_requests_too(
    make_platform: MakePlatform, standin: StandIn
) -> None:
    platform, clock = patient(make_platform, request_tries=1)
    standin.script = [Answer(429, b"", {"Retry-After": "7"})] * 2
    told = ask(platform, standin, times=4)
    assert (told.requests, len(told.failures), told.not_asked) == (4, 2, 0)
    assert clock.slept == [7.0, 7.0]


def test_a_clock_that_stands_still_does_not_keep_a_rest_going_for_ever(
    make_platform: MakePlatform, standin: StandIn
) -> None:
    platform, _ = patient(make_platform, request_tries=1)
    slept: list[float] = []
    platform.clock, platform.sleep = SetClock(MORNING), slept.append
    standin.script = [GOOD, Answer(429, b"", {"Retry-After": "7"})]
    told = ask(platform, standin, times=3)
    assert (told.requests, told.not_asked, slept) == (
        2,
        1,
        [7.0] * 4,
    )  # 28 of the 30 seconds that a run waits


def test_a_refusal_is_not_tried_again(make_platform: MakePlatform, standin: StandIn) -> None:
    platform, clock = patient(make_platform)
    standin.script = [BAD_REQUEST]
    with pytest.raises(RefusedRequest):
        ask(platform, standin)
    assert (clock.slept, statuses(platform)) == ([], [400])


def test_without_a_network_that_is_said_at_once(make_platform: MakePlatform) -> None:
    platform, clock = patient(make_platform)
    nobody = NewYorkFedProvider("http://127.0.0.1:1", 5)
    request = rates_request("SOFR", date(2022, 6, 29), date(2022, 6, 30))
    with pytest.raises(Unreachable):
        ask_all(platform, nobody, [Ask(request, MORNING, MORNING)] * 3)
    assert (clock.slept, statuses(platform)) == ([], [None])


@pytest.mark.parametrize(("setting", "seconds"), [("", 1.0), ("nyfed=20/minute", 3.0)])
def test_a_request_waits_for_its_turn(
    make_platform: MakePlatform, standin: StandIn, setting: str, seconds: float
) -> None:
    platform, clock = patient(make_platform, request_limits=setting)
    assert ask(platform, standin, times=3).requests == 3
    assert clock.slept == [seconds, seconds]


def test_every_try_is_taken_from_the_limit(make_platform: MakePlatform, standin: StandIn) -> None:
    platform, _ = patient(make_platform, request_limits="nyfed=3/day")
    standin.script = [UNAVAILABLE, UNAVAILABLE]
    assert ask(platform, standin).failures == ()
    with pytest.raises(QuotaExhausted):
        ask(platform, standin)


def test_when_the_day_is_used_up_the_rest_is_left_and_the_report_says_until_when(
    make_platform: MakePlatform, standin: StandIn
) -> None:
    platform, clock = patient(make_platform, request_limits="nyfed=2/day")
    told = ask(platform, standin, times=5)
    assert (told.requests, told.failures, told.not_asked, clock.slept) == (2, (), 3, [])
    assert told.left_because[0].startswith("3 requests: nyfed was not asked: ")
    assert "2022-07-01 00:00:00 UTC" in told.left_because[0]
    assert told.metadata()["requests_not_asked"] == 3
    with pytest.raises(QuotaExhausted) as exhausted:
        ask(platform, standin)
    assert exhausted.value.not_before == datetime(2022, 7, 1, tzinfo=UTC)
    assert standin.count(RATES) == 2
    clock.moment = exhausted.value.not_before
    assert ask(platform, standin).requests == 1


def test_a_try_that_the_limit_does_not_allow_leaves_the_failure_as_it_was(
    make_platform: MakePlatform, standin: StandIn
) -> None:
    platform, _ = patient(make_platform, request_limits="nyfed=1/day")
    standin.script = [UNAVAILABLE]
    with pytest.raises(RetriableProviderError, match="503"):
        ask(platform, standin)


def test_a_clock_that_stands_still_does_not_keep_a_request_waiting_for_ever(
    make_platform: MakePlatform, standin: StandIn
) -> None:
    platform, _ = patient(make_platform, request_limits="nyfed=1/second")
    slept: list[float] = []
    platform.clock, platform.sleep = SetClock(MORNING), slept.append
    told = ask(platform, standin, times=2)
    assert (told.requests, told.not_asked, sum(slept)) == (1, 1, 30.0)


def test_the_request_is_taken_and_committed_before_it_is_made(make_platform: MakePlatform) -> None:
    platform, _ = patient(make_platform, request_limits="nyfed=25/day")
    seen: list[Any] = []

    class Watching(NewYorkFedProvider):
        def fetch(self, request: Request, clock: Clock) -> Received:
            with psycopg.connect(platform.store.database.url) as other:
                seen.extend(other.execute(b"SELECT used FROM ops.quotas FOR UPDATE NOWAIT").fetchall())
            return Received(request, b"", 200, {}, clock.now())

    provider = Watching()
    request = rates_request("SOFR", date(2022, 6, 29), date(2022, 6, 30))
    patiently(platform, provider, lambda: provider.fetch(request, platform.clock))
    assert seen == [(1,)]


def test_a_provider_that_is_down_is_left_alone_and_the_rest_is_reported(
    make_platform: MakePlatform, standin: StandIn
) -> None:
    platform, _ = patient(make_platform, request_tries=1)
    standin.script = [GOOD, *[UNAVAILABLE] * 20]
    told = ask(platform, standin, times=15)
    assert (told.requests, len(told.failures), told.not_asked) == (11, 10, 4)
    assert told.left_because[0].startswith("4 requests: nyfed was not asked: it is down")
    assert standin.count(RATES) == 11


def test_the_next_process_knows_that_a_provider_is_down_and_one_request_tells_when_it_is_well(
    make_platform: MakePlatform, standin: StandIn
) -> None:
    first, _ = patient(make_platform, request_tries=1)
    standin.script = [UNAVAILABLE] * 11
    with pytest.raises(ProviderDown):
        ask(first, standin, times=12)
    platform = platform_at(first.settings, resolve_endpoints(first.settings))
    clock = on_a_clock(platform)
    with pytest.raises(ProviderDown) as down:
        ask(platform, standin)
    assert standin.count(RATES) == 10
    clock.moment = down.value.not_before  # half open: one request, which fails, and it is open again
    with pytest.raises(ProviderDown) as again:
        ask(platform, standin, times=3)
    assert standin.count(RATES) == 11
    clock.moment = again.value.not_before  # half open, and well: closed
    assert ask(platform, standin, times=3).requests == 3
    assert standin.count(RATES) == 14
    platform.close()


def down(make_platform: MakePlatform, standin: StandIn, **arguments: Any) -> tuple[Platform, Waiting]:
    """A platform whose provider has failed ten times; the clock stands where its rest is over."""
    platform, clock = patient(make_platform, request_tries=1, **arguments)
    standin.script = [UNAVAILABLE] * 10
    with pytest.raises(RetriableProviderError):
        ask(platform, standin, times=10)
    assert standin.count(RATES) == 10
    clock.moment = RESTED
    return platform, clock


def test_requests_at_once_wait_for_the_one_that_tells_that_a_provider_is_well(
    make_platform: MakePlatform, standin: StandIn
) -> None:
    platform, _ = down(make_platform, standin, requests_at_once=4)
    platform.sleep = time.sleep
    standin.script = [Answer(200, GOOD.body, delay_seconds=0.3)]
    told = ask(platform, standin, times=12)
    assert (told.requests, told.failures, told.not_asked) == (12, (), 0)


def test_requests_at_once_leave_a_provider_alone_that_the_first_one_finds_down(
    make_platform: MakePlatform, standin: StandIn
) -> None:
    platform, _ = down(make_platform, standin, requests_at_once=4)
    platform.sleep = time.sleep
    standin.script = [replace(UNAVAILABLE, delay_seconds=0.3)]
    with pytest.raises(ProviderDown) as again:
        ask(platform, standin, times=12)
    assert standin.count(RATES) == 11
    assert again.value.not_before == RESTED + timedelta(minutes=5)


def test_a_request_waits_for_what_another_process_finds(
    make_platform: MakePlatform, standin: StandIn
) -> None:
    platform, clock = down(make_platform, standin)
    database = platform.store.database
    assert breakers.rest_of(database, "nyfed", clock.now()) is None  # the other process's leave to try

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if len(clock.slept) == 3:
            breakers.note_answer(database, "nyfed", clock.now())

    platform.sleep = sleep
    assert ask(platform, standin).requests == 1
    assert clock.slept == [0.5] * 3


def test_a_process_that_was_killed_while_it_tried_keeps_the_others_waiting_for_a_while(
    make_platform: MakePlatform, standin: StandIn
) -> None:
    platform, clock = down(make_platform, standin)
    assert breakers.rest_of(platform.store.database, "nyfed", clock.now()) is None
    with pytest.raises(ProviderDown) as awaited:
        ask(platform, standin)
    assert sum(clock.slept) == 30  # FINDATA_LONGEST_WAIT_SECONDS
    assert awaited.value.not_before == RESTED + timedelta(minutes=5)
    clock.moment = awaited.value.not_before
    assert ask(platform, standin).requests == 1


def test_who_was_to_try_and_is_refused_by_us_lets_the_next_one_try(
    make_platform: MakePlatform, standin: StandIn
) -> None:
    platform, clock = down(make_platform, standin)
    windowless = Request("nyfed", "nyfed", "rates", "SOFR", {"rate_type": "SOFR"})
    good = rates_request("SOFR", date(2022, 6, 29), date(2022, 6, 30))
    asks = [Ask(request, MORNING, MORNING) for request in (windowless, good, good)]
    told = ask_all(platform, NewYorkFedProvider(standin.base_url, 5), asks)
    assert (told.requests, len(told.failures), clock.slept) == (3, 1, [])


def test_who_was_to_try_and_has_no_turn_lets_the_next_one_try(
    make_platform: MakePlatform, standin: StandIn
) -> None:
    platform, clock = down(make_platform, standin, request_limits="nyfed=10/day")
    with pytest.raises(QuotaExhausted):
        ask(platform, standin)
    assert breakers.rests_until_as_told(platform.store.database, "nyfed", clock.now()) is None


def test_refusals_that_a_provider_sends_are_answers_and_those_of_ours_say_nothing(
    make_platform: MakePlatform, standin: StandIn
) -> None:
    platform, _ = patient(make_platform, request_tries=1)
    standin.script = [*[UNAVAILABLE] * 9, BAD_REQUEST, *[UNAVAILABLE] * 9]
    told = ask(platform, standin, times=20)
    assert (told.requests, told.not_asked) == (20, 0)
    windowless = Request("nyfed", "nyfed", "rates", "SOFR", {"rate_type": "SOFR"})
    standin.script = [*[UNAVAILABLE] * 10]
    provider = NewYorkFedProvider(standin.base_url, 5)
    good = rates_request("SOFR", date(2022, 6, 29), date(2022, 6, 30))
    asks = [Ask(request, MORNING, MORNING) for request in [*[good] * 9, windowless, good, good]]
    with pytest.raises(ProviderDown):
        ask_all(platform, provider, asks)


def test_the_catalogue_of_limits_is_sorted_and_each_provider_has_one() -> None:
    assert list(LIMITS) == sorted(LIMITS)
    assert all(LIMITS.values())
    assert {name: [(limit.requests, limit.window) for limit in found] for name, found in LIMITS.items()} == {
        "alphavantage": [(40, "minute"), (25, "day")],
        "ecb": [(1, "second")],
        "fred": [(120, "minute")],
        "nyfed": [(1, "second")],
        "yahoo": [(24, "minute")],
    }
    assert [limit.requests for limit in limits_of("stooq", "")] == [1]


def test_a_setting_overrides_a_provider_and_no_other() -> None:
    assert [limit.requests for limit in limits_of("yahoo", "yahoo=5/minute")] == [5]
    assert limits_of("nyfed", "yahoo=5/minute") == LIMITS["nyfed"]
    assert limits_of("yahoo", "yahoo=none") == ()
    (_, day) = limits_of("alphavantage", "alphavantage=5/second+500/day")
    assert (day.requests, day.zone) == (500, "America/New_York")


def test_a_provider_that_there_is_not_can_not_be_limited() -> None:
    with pytest.raises(ConfigurationError, match="yaho, which is no provider"):
        limits_of("yahoo", "yaho=5/minute")


def test_the_sleep_of_a_platform_is_the_real_one_unless_it_is_given(platform: Platform) -> None:
    made = platform_at(platform.settings, resolve_endpoints(platform.settings))
    assert made.sleep is time.sleep
    assert 0 <= made.random() < 1
