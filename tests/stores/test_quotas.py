"""What is taken of a limit, in the database: by several at once, over restarts, kills and wrong clocks."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import psycopg
import pytest

from findata_assets.steps.platform import Platform
from findata_core.breaker import COOL_DOWN, FAILURES_IN_ROW
from findata_core.quotas import Limit
from findata_resources.stores.breakers import note_answer, note_failure, note_unasked, rest_of
from findata_resources.stores.database import Database
from findata_resources.stores.quotas import free_from, key_id, take, use_up_day
from tests.conftest import MakePlatform
from tests.stores.taking import POWER_CUT, granted_at, take_and_die

NOON = datetime(2022, 6, 15, 12, tzinfo=UTC)
MIDNIGHT = datetime(2022, 6, 16, 4, tzinfo=UTC)  # of New York
FREE_KEY = (Limit(1, "second"), Limit(25, "day", "America/New_York"))
TODAY = (Limit(25, "day", "America/New_York"),)
SPAWN = multiprocessing.get_context("spawn")


def used(database: Database) -> list[tuple[str, str, int]]:
    with database.transaction() as cursor:
        return cursor.execute(b"SELECT provider, limit_window, used FROM ops.quotas ORDER BY 1, 2").fetchall()  # type: ignore[return-value]


def two_threads() -> Executor:
    return ThreadPoolExecutor(2)


def two_processes() -> Executor:
    return ProcessPoolExecutor(2, mp_context=SPAWN)


def granted_to_two(
    pool: Callable[[], Executor], url: str, limits: tuple[Limit, ...], instants: list[datetime]
) -> list[datetime]:
    with pool() as started:
        taking = [started.submit(granted_at, url, limits, instants) for _ in range(2)]
        return sorted(now for done in taking for now in done.result())


@pytest.mark.parametrize("pool", [two_threads, two_processes])
def test_two_that_take_at_once_never_have_more_than_the_day_allows(
    platform: Platform, pool: Callable[[], Executor]
) -> None:
    database = platform.store.database
    assert len(granted_to_two(pool, database.url, TODAY, [NOON] * 40)) == 25
    assert used(database) == [("alphavantage", "day", 25)]


@pytest.mark.parametrize("pool", [two_threads, two_processes])
def test_two_that_take_at_once_stay_a_second_apart(platform: Platform, pool: Callable[[], Executor]) -> None:
    instants = [NOON + timedelta(milliseconds=100 * n) for n in range(100)]  # ten seconds
    grants = granted_to_two(pool, platform.store.database.url, (Limit(1, "second"),), instants)
    assert 5 <= len(grants) <= 10
    assert all(later - earlier >= timedelta(seconds=1) for earlier, later in pairwise(grants))


def test_twenty_five_a_day_stay_twenty_five_over_restarts(platform: Platform) -> None:
    url = platform.store.database.url
    grants = [granted_at(url, FREE_KEY, [NOON + timedelta(minutes=n)]) for n in range(40)]
    assert [len(grant) for grant in grants] == [1] * 25 + [0] * 15
    assert take(platform.store.database, "alphavantage", "", FREE_KEY, NOON) == MIDNIGHT
    assert granted_at(url, FREE_KEY, [MIDNIGHT]) == [MIDNIGHT]


def test_a_clock_that_is_set_back_gives_nothing_again(platform: Platform) -> None:
    url = platform.store.database.url
    assert len(granted_at(url, TODAY, [NOON] * 30)) == 25
    assert granted_at(url, TODAY, [NOON - timedelta(hours=n) for n in range(72)]) == []
    assert len(granted_at(url, TODAY, [MIDNIGHT] * 30)) == 25
    back_and_forth = [NOON, MIDNIGHT, NOON - timedelta(days=2), MIDNIGHT + timedelta(hours=1)]
    assert granted_at(url, TODAY, back_and_forth) == []


def test_a_clock_that_leaps_a_year_ahead_gives_one_day_only(platform: Platform) -> None:
    url = platform.store.database.url
    assert len(granted_at(url, TODAY, [NOON] * 30)) == 25
    assert len(granted_at(url, TODAY, [NOON + timedelta(days=365)] * 60)) == 25
    assert granted_at(url, TODAY, [NOON + timedelta(days=1)] * 30) == []


def test_where_one_limit_is_used_up_nothing_is_taken_of_the_other(platform: Platform) -> None:
    database = platform.store.database
    assert take(database, "alphavantage", "", FREE_KEY, NOON) is None
    half = NOON + timedelta(milliseconds=500)
    assert take(database, "alphavantage", "", FREE_KEY, half) == NOON + timedelta(seconds=1)
    assert used(database) == [("alphavantage", "day", 1), ("alphavantage", "second", 1)]


def test_each_key_and_each_provider_has_its_own_count_and_no_key_is_stored(platform: Platform) -> None:
    database, second = platform.store.database, (Limit(1, "second"),)
    asked = [("alphavantage", key_id("demo")), ("alphavantage", key_id("other")), ("nyfed", key_id(""))]
    assert [take(database, *who, second, NOON) for who in asked] == [None] * 3
    assert all(take(database, *who, second, NOON) for who in asked)
    with database.transaction() as cursor:
        stored = cursor.execute(b"SELECT key_id FROM ops.quotas ORDER BY 1").fetchall()
    # printf demo | sha256sum; printf other | sha256sum
    assert stored == [("",), ("2a97516c354b",), ("d9298a10d1b0",)]


def test_what_has_no_limit_leaves_no_row(platform: Platform) -> None:
    assert [take(platform.store.database, "yahoo", "", (), NOON) for _ in range(3)] == [None] * 3
    assert used(platform.store.database) == []


def test_who_is_killed_between_taking_and_asking_has_lost_one_request(make_platform: MakePlatform) -> None:
    platform = make_platform(request_limits="nyfed=25/day")
    victim = SPAWN.Process(target=take_and_die, args=[platform.settings])
    victim.start()
    victim.join()
    assert victim.exitcode == POWER_CUT
    assert used(platform.store.database) == [("nyfed", "day", 1)]
    now, today = platform.clock.now(), (Limit(25, "day"),)
    rest = [take(platform.store.database, "nyfed", "", today, now) is None for _ in range(30)]
    assert sum(rest) == 24


def test_a_request_that_is_granted_is_committed_and_its_rows_are_free(platform: Platform) -> None:
    database = platform.store.database
    assert take(database, "alphavantage", "", TODAY, NOON) is None
    with psycopg.connect(database.url) as other:
        row = other.execute(b"SELECT used, request_limit FROM ops.quotas FOR UPDATE NOWAIT").fetchone()
    assert row == (1, 25)


def resting(database: Database, provider: str, now: datetime) -> datetime | None:
    rest = rest_of(database, provider, now)
    return rest.until if rest else None


def test_a_day_that_is_said_to_be_used_up_is_one_keys(platform: Platform) -> None:
    database = platform.store.database
    assert [take(database, "alphavantage", key, TODAY, NOON) for key in ("mine", "other")] == [None, None]
    assert use_up_day(database, "alphavantage", "mine", TODAY)
    assert free_from(database, "alphavantage", "mine", TODAY, NOON) == MIDNIGHT
    assert take(database, "alphavantage", "mine", TODAY, NOON) == MIDNIGHT
    assert take(database, "alphavantage", "other", TODAY, NOON) is None
    assert take(database, "alphavantage", "mine", TODAY, MIDNIGHT) is None
    assert not use_up_day(database, "nyfed", "", (Limit(1, "second"),))


def test_a_breaker_opens_for_every_process_and_one_of_them_probes(platform: Platform) -> None:
    database, other = platform.store.database, Database(platform.store.database.url)
    for _ in range(FAILURES_IN_ROW):
        assert resting(other, "yahoo", NOON) is None
        note_failure(database, "yahoo", NOON)
    later = NOON + COOL_DOWN
    assert [resting(each, "yahoo", NOON) for each in (database, other)] == [later, later]
    assert resting(database, "nyfed", NOON) is None
    # half open: the first one asks, the second waits for what it finds
    assert [resting(each, "yahoo", later) for each in (database, other)] == [None, later + COOL_DOWN]
    note_answer(database, "yahoo", later)
    assert [resting(each, "yahoo", later) for each in (database, other)] == [None, None]
    other.close()


def test_failures_that_an_answer_interrupts_are_not_in_a_row(platform: Platform) -> None:
    database = platform.store.database
    for _ in range(3):
        for _ in range(FAILURES_IN_ROW - 1):
            note_failure(database, "yahoo", NOON)
        note_answer(database, "yahoo", NOON)
    assert resting(database, "yahoo", NOON) is None


def test_a_request_that_was_to_probe_and_was_not_made_leaves_it_to_the_next_one(platform: Platform) -> None:
    database, later = platform.store.database, NOON + COOL_DOWN
    for _ in range(FAILURES_IN_ROW):
        note_failure(database, "yahoo", NOON)
    note_unasked(database, "yahoo")
    assert resting(database, "yahoo", NOON) == later  # a rest that is not over stays one
    assert [resting(database, "yahoo", later) for _ in range(2)] == [None, later + COOL_DOWN]
    note_unasked(database, "yahoo")
    assert [resting(database, "yahoo", later) for _ in range(2)] == [None, later + COOL_DOWN]
    note_unasked(database, "nyfed")  # of which nothing is known
    assert resting(database, "nyfed", later) is None
