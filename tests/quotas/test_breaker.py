"""When a provider is left alone and tried again, and how long one waits between tries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from findata_core.breaker import Breaker, Rest, pause_seconds

NOON = datetime(2022, 6, 15, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def failed(times: int, retry_after_seconds: float | None = None) -> Breaker:
    breaker = Breaker()
    for _ in range(times):
        breaker = breaker.after_failure(NOON, retry_after_seconds)
    return breaker


def test_nine_failures_in_a_row_are_bad_luck_and_ten_open_the_breaker_for_five_minutes() -> None:
    assert failed(9).rests_until(NOON) is None
    assert failed(10).rests_until(NOON) == NOON + 5 * MINUTE


def test_it_is_half_open_when_its_time_is_over_and_the_next_failure_opens_it_again() -> None:
    later = NOON + 5 * MINUTE
    assert failed(10).rests_until(later - timedelta(microseconds=1)) == later
    assert failed(10).rests_until(later) is None
    assert failed(10).after_failure(later).rests_until(later) == later + 5 * MINUTE


def test_while_one_request_probes_the_others_wait_but_not_for_ever() -> None:
    later = NOON + 5 * MINUTE
    probing = failed(10).while_probing(later)
    assert probing.rests_until(later) == later + 5 * MINUTE
    assert probing.rests_until(later + 5 * MINUTE) is None
    assert failed(3).while_probing(NOON) == failed(3)


def test_a_probe_is_told_from_a_rest() -> None:
    later = NOON + 5 * MINUTE
    resting, probing = failed(10), failed(10).while_probing(later)
    assert resting.rest(NOON) == Rest(later)
    assert probing.rest(later) == Rest(later + 5 * MINUTE, is_probed=True)
    assert probing.after_failure(later + MINUTE).rest(later + MINUTE) == Rest(later + 6 * MINUTE)
    # Of a clock that was ahead when the breaker opened: the probe is one, and lasts five minutes of today's.
    early = NOON - timedelta(days=300)
    assert failed(10).while_probing(early).rest(early) == Rest(early + 5 * MINUTE, is_probed=True)


def test_a_probe_that_was_not_made_leaves_the_breaker_half_open() -> None:
    later = NOON + 5 * MINUTE
    given_back = failed(10).while_probing(later).without_probe()
    assert given_back.rest(later) is None
    assert given_back.while_probing(later).rest(later) == Rest(later + 5 * MINUTE, is_probed=True)
    assert [breaker.without_probe() for breaker in (failed(3), failed(10))] == [failed(3), failed(10)]


@pytest.mark.parametrize(
    ("retry_after_seconds", "rest"),
    [(None, 5 * MINUTE), (60, 5 * MINUTE), (3600, 60 * MINUTE), (float("inf"), 24 * 60 * MINUTE)],
)
def test_it_rests_as_long_as_the_provider_asks_for_but_a_day_at_most(
    retry_after_seconds: float | None, rest: timedelta
) -> None:
    assert failed(10, retry_after_seconds).rests_until(NOON) == NOON + rest


def test_who_asks_to_be_left_alone_is_so_from_the_first_failure_on() -> None:
    hour = NOON + 60 * MINUTE
    asked = Breaker().after_failure(NOON, 3600)
    assert asked.rest(NOON) == Rest(hour, is_asked_for=True)
    assert asked.rest(hour) is None
    assert Breaker().after_failure(NOON, 0) == failed(1)


def test_what_was_under_way_when_a_rest_began_neither_shortens_nor_ends_it() -> None:
    later, hour = NOON + MINUTE, NOON + 60 * MINUTE
    asked = Breaker().after_failure(NOON, 3600)
    assert asked.after_failure(later).rests_until(later) == hour
    assert asked.after_failure(later, 60).rests_until(later) == hour
    assert asked.after_failure(later, 7200).rests_until(later) == later + 120 * MINUTE
    assert asked.after_answer(later) == asked
    assert failed(10).after_answer(later) == failed(10)


def test_what_the_probe_finds_ends_the_rest_that_was_asked_for() -> None:
    hour = NOON + 60 * MINUTE
    probing = Breaker().after_failure(NOON, 3600).while_probing(hour)
    assert probing.rest(hour) == Rest(hour + 5 * MINUTE, is_probed=True)
    assert probing.after_answer(hour) == Breaker()
    assert probing.after_failure(hour) == failed(2)  # one failure more, and no reason to rest yet
    assert probing.after_failure(hour, 60).rest(hour) == Rest(hour + MINUTE, is_asked_for=True)


def test_too_many_failures_are_a_rest_of_five_minutes_however_little_is_asked_for() -> None:
    assert failed(9, 2).rest(NOON) == Rest(NOON + timedelta(seconds=2), is_asked_for=True)
    assert failed(10, 2).rest(NOON) == Rest(NOON + 5 * MINUTE)


def test_a_clock_that_was_ahead_when_it_opened_keeps_nobody_waiting() -> None:
    assert failed(10).rests_until(NOON - timedelta(days=300)) is None


# By hand: 1 s doubled with each failure, a minute at most.
@pytest.mark.parametrize(
    ("failures", "bound"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 32), (7, 60), (8, 60), (9999, 60)]
)
def test_a_pause_lies_anywhere_between_nothing_and_a_bound_that_doubles(failures: int, bound: float) -> None:
    assert pause_seconds(failures, 0.0) == 0
    assert pause_seconds(failures, 0.25) == bound / 4
    assert pause_seconds(failures, 0.999) < bound


@given(st.integers(1, 30), st.floats(0, 1, exclude_max=True), st.floats(0, 1e6))
def test_a_pause_is_never_shorter_than_the_provider_asks_for(
    failures: int, chance: float, retry_after_seconds: float
) -> None:
    seconds = pause_seconds(failures, chance, retry_after_seconds)
    assert retry_after_seconds <= seconds <= max(60.0, retry_after_seconds)
