"""A plan counts what a fetch would ask, before anything is asked."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from findata_assets.steps.planning import plan
from findata_assets.steps.sources import refresh_reference
from findata_core.errors import ConfigurationError, RefusedRequest
from findata_core.quotas import Limit, least_duration
from findata_core.schema.tables import table
from findata_resources.providers import CAPABILITIES
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
    assert least_duration(limits, requests) == least


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
