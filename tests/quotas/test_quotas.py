"""Limits under clocks that step anywhere: never more than is allowed, and free when it was said to be."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from findata_core.quotas import (
    NOTHING_SPENT,
    Limit,
    Spent,
    earliest_end,
    next_free,
    parse_limits,
    spend,
    used_up,
    with_zones,
)

NOON = datetime(2022, 6, 15, 12, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
NEW_YORK = "America/New_York"

# Microseconds to days, in both directions: two thirds of them small enough to fall into one window.
steps = st.lists(
    st.one_of(
        st.integers(-3_000_000, 3_000_000).map(lambda n: timedelta(microseconds=n)),
        st.integers(-90, 90).map(lambda n: timedelta(seconds=n)),
        st.integers(-60, 60).map(lambda n: timedelta(hours=n)),
    ),
    max_size=80,
)
limits = st.builds(Limit, st.integers(1, 7), st.sampled_from(["second", "minute", "day"]), st.just(NEW_YORK))


def granted(limit: Limit, moves: list[timedelta]) -> list[datetime]:
    """Ask after every step of the clock; return what it showed at each request that was granted."""
    spent, now, grants = NOTHING_SPENT, NOON, []
    for move in moves:
        now += move
        if next_free(limit, spent, now) <= now:
            spent = spend(limit, spent, now)
            grants.append(now)
    return grants


@given(limits.filter(lambda limit: limit.window != "day"), steps)
def test_no_second_and_no_minute_has_more_requests_than_its_limit(
    limit: Limit, moves: list[timedelta]
) -> None:
    grants = granted(limit, moves)
    width = SECOND if limit.window == "second" else MINUTE
    for start in grants:
        assert sum(start <= grant < start + width for grant in grants) <= limit.requests
    assert grants == sorted(grants)


@given(limits.filter(lambda limit: limit.window == "day"), steps)
def test_no_day_of_the_provider_has_more_requests_than_its_limit(
    limit: Limit, moves: list[timedelta]
) -> None:
    days = Counter(grant.astimezone(ZoneInfo(NEW_YORK)).date() for grant in granted(limit, moves))
    assert all(count <= limit.requests for count in days.values())


@given(limits, steps, st.integers(-10, 10).map(lambda n: timedelta(hours=n)))
def test_a_request_is_free_at_the_latest_when_it_was_said_to_be(
    limit: Limit, moves: list[timedelta], last: timedelta
) -> None:
    spent, now = NOTHING_SPENT, NOON
    for move in [*moves, last]:
        now += move
        free = next_free(limit, spent, now)
        assert free >= now
        assert next_free(limit, spent, free) == free
        if free == now:
            spent = spend(limit, spent, now)


@given(limits, steps, st.integers(0, 10_000).map(lambda n: timedelta(hours=n)))
def test_a_step_forward_gives_one_window_at_most_and_a_step_back_gives_nothing(
    limit: Limit, moves: list[timedelta], leap: timedelta
) -> None:
    standing = [timedelta()] * 20
    before = granted(limit, moves)
    leaping = granted(limit, [*moves, leap, *standing])
    allowed = limit.requests if limit.window == "day" else 1
    assert len(leaping) - len(before) <= allowed
    exhausted = [*moves, 100 * DAY, *standing]
    assert granted(limit, exhausted) == granted(
        limit, [*exhausted, -leap - timedelta(microseconds=1), *standing]
    )


def test_twenty_five_a_day_are_free_at_once_and_the_next_at_new_yorks_midnight() -> None:
    limit, spent = Limit(25, "day", NEW_YORK), NOTHING_SPENT
    for _ in range(25):
        assert next_free(limit, spent, NOON) == NOON
        spent = spend(limit, spent, NOON)
    assert next_free(limit, spent, NOON) == datetime(2022, 6, 16, 4, tzinfo=UTC)


def test_a_day_that_the_provider_says_is_used_up_is_so_until_its_next_midnight() -> None:
    limit = Limit(25, "day", NEW_YORK)
    spent = used_up(limit, spend(limit, NOTHING_SPENT, NOON))  # others asked with the key, 24 times
    midnight = datetime(2022, 6, 16, 4, tzinfo=UTC)
    assert next_free(limit, spent, NOON) == midnight
    assert next_free(limit, spent, midnight) == midnight
    assert spend(limit, spent, midnight).used == 1
    # Said just after midnight of a request of the day before: the new day is not known to be used up.
    assert next_free(limit, used_up(limit, spent), midnight) == midnight


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [  # 2022: summer time began on 13 March and ended on 6 November
        ((2022, 3, 13, 12), (2022, 3, 13, 5), (2022, 3, 14, 4)),
        ((2022, 11, 6, 12), (2022, 11, 6, 4), (2022, 11, 7, 5)),
        ((2022, 6, 15, 3), (2022, 6, 14, 4), (2022, 6, 15, 4)),
    ],
)
def test_a_day_is_the_providers_own_also_when_summer_time_begins_or_ends(
    now: tuple[int, ...], start: tuple[int, ...], end: tuple[int, ...]
) -> None:
    spent = spend(Limit(25, "day", NEW_YORK), NOTHING_SPENT, instant(now))
    assert (spent.start_time, spent.end_time) == (instant(start), instant(end))


@given(limits, st.integers(0, 9), st.integers(1, 30))
def test_the_earliest_end_is_when_the_last_request_is_granted_to_who_asks_whenever_one_is_free(
    limit: Limit, made: int, requests: int
) -> None:
    spent, now = NOTHING_SPENT, NOON
    for _ in range(made):
        spent = spend(limit, spent, now) if next_free(limit, spent, now) <= now else spent
    end = earliest_end([limit], {limit.window: spent}, requests, now)
    for _ in range(requests):
        now = next_free(limit, spent, now)
        spent = spend(limit, spent, now)
    # Pauses are rounded up to microseconds one by one.
    assert timedelta() <= now - end <= timedelta(microseconds=requests)


def instant(parts: tuple[int, ...]) -> datetime:
    return datetime(parts[0], parts[1], parts[2], parts[3], tzinfo=UTC)


@pytest.mark.parametrize(
    ("limit", "apart_microseconds"),
    [
        (Limit(1, "second"), 1_000_000),
        (Limit(24, "minute"), 2_500_000),
        (Limit(7, "second"), 142_858),  # 142857.14...: rounded up
    ],
)
def test_requests_of_a_bucket_are_evenly_apart(limit: Limit, apart_microseconds: int) -> None:
    spent = spend(limit, NOTHING_SPENT, NOON)
    assert next_free(limit, spent, NOON) == NOON + timedelta(microseconds=apart_microseconds)


def test_a_day_that_the_clock_showed_too_early_keeps_what_is_left_until_it_comes() -> None:
    limit = Limit(2, "day")
    tomorrow = spend(limit, NOTHING_SPENT, NOON + DAY)
    assert next_free(limit, tomorrow, NOON) == datetime(2022, 6, 16, tzinfo=UTC)
    used_up = spend(limit, tomorrow, NOON + DAY)
    assert next_free(limit, used_up, NOON) == datetime(2022, 6, 17, tzinfo=UTC)


def test_a_limit_that_was_lowered_holds_for_the_day_that_is_running() -> None:
    spent = Spent(datetime(2022, 6, 15, tzinfo=UTC), datetime(2022, 6, 16, tzinfo=UTC), 40)
    assert next_free(Limit(25, "day"), spent, NOON) == spent.end_time
    assert next_free(Limit(41, "day"), spent, NOON) == NOON


def test_limits_are_read_as_they_are_written() -> None:
    assert parse_limits(" yahoo = 10/minute, alphavantage=5/second+500/day ,nyfed=none") == {
        "yahoo": (Limit(10, "minute"),),
        "alphavantage": (Limit(5, "second"), Limit(500, "day")),
        "nyfed": (),
    }
    assert parse_limits("") == {}


@pytest.mark.parametrize(
    "text",
    [
        "yahoo=0/minute",
        "yahoo=-1/minute",
        "yahoo=1.5/minute",
        "yahoo=1/hour",
        "yahoo=many",
        "yahoo=",
        "yahoo",
        "=1/minute",
        "yahoo=1/day+2/day",
        "yahoo=1/day,yahoo=2/day",
        "yahoo=none+1/day",
        "yahoo=1000000001/minute",
        "yahoo=100000000000000000000/second",
    ],
)
def test_nonsense_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"allows nothing|is no limit|does not name|twice"):
        parse_limits(text)


@pytest.mark.parametrize(("requests", "window"), [(0, "day"), (-3, "second"), (1, "hour")])
def test_a_limit_that_allows_nothing_or_has_no_window_is_refused(requests: int, window: str) -> None:
    with pytest.raises(ValueError, match=r"allows nothing|is no window"):
        Limit(requests, window)


def test_days_of_a_setting_begin_where_the_providers_do() -> None:
    declared = (Limit(1, "second"), Limit(25, "day", NEW_YORK))
    chosen = (Limit(5, "second"), Limit(500, "day"))
    assert with_zones(chosen, declared) == (Limit(5, "second"), Limit(500, "day", NEW_YORK))
    assert with_zones(chosen, ()) == chosen
