"""A plan counts what a fetch would ask, before anything is asked."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from findata_assets.steps.planning import PlannedInterval, _refuse_if_out_of_reach, plan
from findata_assets.steps.sources import refresh_reference
from findata_core.errors import ConfigurationError, RefusedRequest
from findata_core.quotas import Limit, Spent, earliest_end
from findata_core.schema.tables import table
from findata_resources.providers import CAPABILITIES, limits_of
from findata_resources.stores import quotas
from tests.conftest import MakePlatform
from tests.orchestration import SetClock

EVENING = datetime(2022, 6, 14, 21, 0, tzinfo=UTC)  # an hour after New York's close


def test_a_first_backfill_of_minutes_is_four_requests(make_platform: MakePlatform) -> None:
    """By New York's calendar: 20 sessions in the 29 days before (17 May to 14 June without Memorial Day), which
    windows of 8 days cut into 17 to 24 May, 25 May to 1 June, 2 to 9 June, and the rest. 113 sessions since 3
    January: 20, 19, 23, 20 and 21 in the months to May, 10 in June."""
    platform = make_platform(request_limits="yahoo=24/minute")
    platform.clock = SetClock(EVENING)
    refresh_reference(platform)

    found = plan(platform, "yahoo", date(2022, 1, 3), date(2022, 6, 15))

    minutes, days = found.intervals  # what the source forgets is asked for first
    assert (days.interval, days.instruments, days.sessions, days.requests) == ("1d", 1, 113, 1)
    assert (days.sessions_beyond_wall, days.wall_time) == (0, None)
    assert (minutes.interval, minutes.sessions, minutes.requests) == ("1m", 20, 4)
    assert (minutes.sessions_beyond_wall, minutes.wall_time) == (93, EVENING - timedelta(days=29))
    assert found.requests == 5
    assert found.least_time == timedelta(seconds=10)  # four pauses of 60 / 24 seconds
    assert platform.store.read(table("ops.fetches")).is_empty()


def test_a_source_that_is_none_is_refused_with_those_there_are(make_platform: MakePlatform) -> None:
    with pytest.raises(ConfigurationError) as refused:
        plan(make_platform(), "bloomberg", date(2022, 6, 1), date(2022, 6, 2))
    assert "yahoo" in refused.value.next_step


@pytest.mark.parametrize(
    ("limits", "requests", "least"),
    [
        ([], 1_000_000, timedelta()),
        ([Limit(24, "minute")], 0, timedelta()),
        ([Limit(24, "minute")], 1, timedelta()),
        ([Limit(24, "minute")], 801, timedelta(seconds=2_000)),
        ([Limit(1, "second"), Limit(25, "day")], 25, timedelta(seconds=24)),
        ([Limit(1, "second"), Limit(25, "day")], 26, timedelta(days=1)),
        ([Limit(1, "second"), Limit(25, "day")], 200, timedelta(days=7)),
    ],
)
def test_the_least_time_is_that_of_the_tightest_limit(
    limits: list[Limit], requests: int, least: timedelta
) -> None:
    midnight = datetime(2022, 6, 14, tzinfo=UTC)
    assert earliest_end(limits, {}, requests, midnight) - midnight == least


@pytest.mark.parametrize(
    ("used", "requests", "end"),
    [
        (0, 25, EVENING),
        (0, 26, datetime(2022, 6, 15, 4, 0, tzinfo=UTC)),  # New York's midnight, in summer
        (20, 5, EVENING),
        (20, 6, datetime(2022, 6, 15, 4, 0, tzinfo=UTC)),
        (25, 1, datetime(2022, 6, 15, 4, 0, tzinfo=UTC)),
        (25, 25, datetime(2022, 6, 15, 4, 0, tzinfo=UTC)),
        (25, 26, datetime(2022, 6, 16, 4, 0, tzinfo=UTC)),
        (30, 1, datetime(2022, 6, 15, 4, 0, tzinfo=UTC)),  # more than is allowed now: the limit was lowered
    ],
)
def test_what_is_used_of_a_day_is_not_there_for_the_rest_of_it(
    used: int, requests: int, end: datetime
) -> None:
    midnights = [datetime(2022, 6, day, 4, 0, tzinfo=UTC) for day in (14, 15)]
    spent = {"day": Spent(midnights[0], midnights[1], used)}
    assert earliest_end([Limit(25, "day", "America/New_York")], spent, requests, EVENING) == end


def test_days_of_a_limit_are_the_providers_across_a_change_of_clocks() -> None:
    """New York's clocks went forward on 13 March 2022: its midnights are 05:00 UTC before, 04:00 after."""
    friday_noon = datetime(2022, 3, 11, 17, 0, tzinfo=UTC)
    limit = Limit(25, "day", "America/New_York")
    ends = [earliest_end([limit], {}, requests, friday_noon) for requests in (26, 51, 76)]
    assert ends == [datetime(2022, 3, day, hour, 0, tzinfo=UTC) for day, hour in ((12, 5), (13, 5), (14, 4))]


def universe_in(folder: Path, source: str) -> Path:
    path = folder / "universe.csv"
    path.write_text(f"instrument_id,mic,currency,price_units,{source}\nMSFT.XNAS,XNAS,USD,1,MSFT\n")
    return path


def test_a_plan_counts_what_is_used_and_how_long_the_source_rests(
    make_platform: MakePlatform, tmp_path: Path
) -> None:
    platform = make_platform(
        request_limits="alphavantage=25/day",
        alphavantage_api_key="KEY",
        universe=universe_in(tmp_path, "alphavantage"),
    )
    platform.clock = SetClock(EVENING)
    refresh_reference(platform)
    allowed = limits_of("alphavantage", platform.settings.request_limits)
    key = quotas.key_id("KEY")
    for _ in range(25):
        assert quotas.take(platform.store.database, "alphavantage", key, allowed, EVENING) is None
    found = plan(platform, "alphavantage", date(2022, 6, 13), date(2022, 6, 15))
    # Both intervals of two sessions are a request each; New York's midnight is seven hours off.
    assert (found.requests, found.least_time, found.rests_until) == (2, timedelta(hours=7), None)

    rest = EVENING + timedelta(hours=8)
    with platform.store.database.transaction() as cursor:
        cursor.execute("INSERT INTO ops.breakers VALUES ('alphavantage', 10, %s, %s)", [EVENING, rest])
    found = plan(platform, "alphavantage", date(2022, 6, 13), date(2022, 6, 15))
    assert (found.least_time, found.rests_until) == (timedelta(hours=8), rest)


def test_a_plan_by_a_universe_file_that_was_not_taken_in_is_refused(
    make_platform: MakePlatform, tmp_path: Path
) -> None:
    """A fetch takes the file in before it asks: without that a plan would count other instruments."""
    path = universe_in(tmp_path, "yahoo")
    platform = make_platform(universe=path)
    for hour, edit in enumerate(("", "# one more line\n")):
        platform.clock = SetClock(EVENING + timedelta(hours=hour))
        path.write_text(path.read_text() + edit)
        with pytest.raises(ConfigurationError, match="has not been taken in") as refused:
            plan(platform, "yahoo", date(2022, 6, 13), date(2022, 6, 15))
        assert "findata materialize" in refused.value.next_step
        refresh_reference(platform)
        assert plan(platform, "yahoo", date(2022, 6, 13), date(2022, 6, 15)).requests == 2


def test_a_plan_of_what_is_all_there_or_out_of_reach_asks_nothing_and_is_not_refused() -> None:
    """Yahoo forgets minutes, not days: at the fixed point nothing is due, and much lies beyond the wall."""
    days = PlannedInterval("1d", 0, 400, 0, 0, 0, 0, None)
    minutes = PlannedInterval("1m", 0, 400, 0, 0, 380, 0, EVENING)
    _refuse_if_out_of_reach("yahoo", (minutes, days))
    _refuse_if_out_of_reach("yahoo", ())
    refused = PlannedInterval("1d", 0, 129, 0, 0, 0, 129, None)
    with pytest.raises(RefusedRequest, match=r"has refused all .* 129 of 1d") as told:
        _refuse_if_out_of_reach("alphavantage", (refused,))
    assert "symbol" in told.value.next_step


def test_a_plan_of_nothing_but_sessions_beyond_the_wall_is_refused_with_the_reason(
    make_platform: MakePlatform,
) -> None:
    platform = make_platform()
    platform.clock = SetClock(EVENING + timedelta(days=90))
    refresh_reference(platform)
    refused = [capability for capability in CAPABILITIES["yahoo"] if capability.wall is not None]
    (minutes,) = [item for item in refused if item.interval == "1m"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(CAPABILITIES, "yahoo", (minutes,))  # type: ignore[arg-type]
        with pytest.raises(RefusedRequest, match="113 of 1m") as beyond:
            plan(platform, "yahoo", date(2022, 1, 3), date(2022, 6, 15))
    assert "recorded files" in beyond.value.next_step
