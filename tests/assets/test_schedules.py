"""Schedules at their ticks: the right partition, or a reason to skip; in winter, in summer and in between."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from findata_assets.automation import session_schedules
from findata_assets.definitions import findata
from findata_assets.partitions import SESSIONS, session_partitions
from findata_core.calendars import session_dates
from findata_resources.environment import load_settings
from findata_resources.trading_days import Closes, trading_days

NEW_YORK = ZoneInfo("America/New_York")


def evaluated(name: str, moment: datetime) -> dg.ScheduleExecutionData:
    """Evaluate a schedule at a moment, as the daemon does."""
    definitions = findata()
    context = dg.build_schedule_context(
        scheduled_execution_time=moment, repository_def=definitions.get_repository_def()
    )
    return definitions.resolve_schedule_def(name).evaluate_tick(context)


def tick(name: str, moment: datetime) -> dg.RunRequest | dg.SkipReason:
    """Return what a schedule says at a moment."""
    result = evaluated(name, moment)
    if result.run_requests:
        (request,) = result.run_requests
        return request
    assert result.skip_message is not None
    return dg.SkipReason(result.skip_message)


@pytest.mark.parametrize(
    ("name", "moment", "key"),
    [
        ("after_close_xnas", datetime(2022, 6, 14, 16, 20, tzinfo=NEW_YORK), "2022-06-14"),
        (
            "after_close_xnas",
            datetime(2024, 11, 29, 13, 20, tzinfo=NEW_YORK),
            "2024-11-29",
        ),  # closed at 13:00
        (
            "after_close_xnas",
            datetime(2024, 3, 8, 16, 20, tzinfo=NEW_YORK),
            "2024-03-08",
        ),  # before the clocks
        ("after_close_xnas", datetime(2024, 3, 11, 16, 20, tzinfo=NEW_YORK), "2024-03-11"),  # after it
        ("after_close_xnas", datetime(2024, 11, 1, 16, 20, tzinfo=NEW_YORK), "2024-11-01"),
        ("after_close_xnas", datetime(2024, 11, 4, 16, 20, tzinfo=NEW_YORK), "2024-11-04"),
        ("after_close_xlon", datetime(2024, 3, 28, 16, 50, tzinfo=ZoneInfo("Europe/London")), "2024-03-28"),
        ("after_close_xlon", datetime(2024, 4, 2, 16, 50, tzinfo=ZoneInfo("Europe/London")), "2024-04-02"),
        ("after_close_xhkg", datetime(2022, 6, 14, 18, 5, tzinfo=ZoneInfo("Asia/Hong_Kong")), "2022-06-14"),
    ],
)
def test_a_session_is_asked_for_under_its_own_date(name: str, moment: datetime, key: str) -> None:
    asked = tick(name, moment)
    assert isinstance(asked, dg.RunRequest)
    assert (asked.partition_key, asked.run_key) == (key, f"{name.removeprefix('after_close_')}/{key}")
    # The daemon refuses a key that does not exist at the moment of the tick: no scheduled run would start.
    assert key in SESSIONS.get_partition_keys(current_time=moment)


@pytest.mark.parametrize(
    ("name", "moment", "exchange"),
    [
        ("after_close_xnas", datetime(2025, 1, 9, 16, 20, tzinfo=NEW_YORK), "XNAS"),  # a day of mourning
        ("after_close_xnas", datetime(2024, 7, 4, 16, 20, tzinfo=NEW_YORK), "XNAS"),
        ("after_close_xlon", datetime(2022, 6, 3, 16, 50, tzinfo=ZoneInfo("Europe/London")), "XLON"),
        ("after_close_xhkg", datetime(2022, 6, 3, 18, 5, tzinfo=ZoneInfo("Asia/Hong_Kong")), "XHKG"),
    ],
)
def test_a_holiday_is_skipped_with_its_reason(name: str, moment: datetime, exchange: str) -> None:
    skipped = tick(name, moment)
    assert isinstance(skipped, dg.SkipReason)
    assert skipped.skip_message == f"no session of {exchange} is ready at {moment:%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("day", "at"), [("2024-11-29", (16, 20)), ("2024-12-02", (13, 20))], ids=["half day", "whole day"]
)
def test_the_other_tick_of_a_day_asks_for_nothing(day: str, at: tuple[int, int]) -> None:
    moment = datetime.fromisoformat(day).replace(hour=at[0], minute=at[1], tzinfo=NEW_YORK)
    assert isinstance(tick("after_close_xnas", moment), dg.SkipReason)


@pytest.mark.parametrize(
    ("name", "moment", "key"),
    [
        ("settled_xnas", datetime(2022, 6, 15, 17, 20, tzinfo=NEW_YORK), "2022-06-14"),
        (
            "settled_xnas",
            datetime(2024, 11, 30, 14, 20, tzinfo=NEW_YORK),
            "2024-11-29",
        ),  # half a day, a Friday
        ("settled_xnas", datetime(2024, 3, 9, 17, 20, tzinfo=NEW_YORK), "2024-03-08"),  # before the clocks
        ("settled_xnas", datetime(2024, 3, 12, 17, 20, tzinfo=NEW_YORK), "2024-03-11"),
        ("settled_xlon", datetime(2024, 3, 29, 17, 50, tzinfo=ZoneInfo("Europe/London")), "2024-03-28"),
        ("settled_xhkg", datetime(2022, 6, 15, 17, 20, tzinfo=ZoneInfo("Asia/Hong_Kong")), "2022-06-14"),
    ],
)
def test_a_session_is_asked_for_again_when_its_bars_have_settled(
    name: str, moment: datetime, key: str
) -> None:
    asked = tick(name, moment)
    assert isinstance(asked, dg.RunRequest)
    assert (asked.partition_key, asked.run_key) == (key, f"{name.removeprefix('settled_')}/settled/{key}")


@pytest.mark.parametrize(("family", "morning"), [("secured", "15 8 * * 1-5"), ("unsecured", "15 9 * * 1-5")])
def test_rates_are_asked_for_after_their_publication_and_after_their_revision_on_weekdays(
    family: str, morning: str
) -> None:
    # Published at about 08:00 (secured) and 09:00 (unsecured), revised at about 14:30 in New York (the New York Fed).
    name = f"{family}_rates_slots"
    schedule = findata().resolve_schedule_def(name)
    assert schedule.cron_schedule == [morning, "45 14 * * 1-5"]
    assert schedule.execution_timezone == "America/New_York"
    (request,) = evaluated(name, datetime(2024, 3, 11, 8, 15, tzinfo=NEW_YORK)).run_requests or []
    assert (request.partition_key, request.run_key) == (None, f"{family}/2024-03-11T08:15")
    assert request.run_config == {"ops": {"raw__nyfed__rates": {"config": {"family": family}}}}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Closes]:
    """Exchanges on both sides of the world, with breaks, with Sundays, with and without summer time."""
    folder = tmp_path_factory.mktemp("calendars")
    mics = ["ARCX", "XASX", "XHKG", "XLON", "XNAS", "XNZE", "XSAU", "XTKS"]
    return trading_days(mics, date(2025, 1, 1), date(2025, 12, 31), folder).closes


@pytest.mark.parametrize(
    ("name", "day", "reason"),
    [
        ("secured_rates_slots", datetime(2024, 11, 11, 8, 15, tzinfo=NEW_YORK), "Veterans Day"),
        ("unsecured_rates_slots", datetime(2024, 11, 28, 9, 15, tzinfo=NEW_YORK), "Thanksgiving Day"),
        (
            "series_slots",
            datetime(2024, 11, 28, 9, 30, tzinfo=ZoneInfo("America/Chicago")),
            "Thanksgiving Day",
        ),
        ("fx_daily", datetime(2026, 4, 6, 16, 30, tzinfo=ZoneInfo("Europe/Berlin")), "a closing day of T2"),
    ],
)
def test_nobody_is_asked_on_a_day_on_which_nothing_is_published(
    name: str, day: datetime, reason: str
) -> None:
    skipped = tick(name, day)
    assert isinstance(skipped, dg.SkipReason)
    assert skipped.skip_message == f"{day.date()} is {reason}"


@pytest.mark.parametrize(
    "day", ["2026-07-03", "2026-04-03"], ids=["Friday before a Saturday's holiday", "Good Friday"]
)
def test_a_day_that_may_be_kept_or_not_is_asked_about(day: str) -> None:
    moment = datetime.fromisoformat(day).replace(hour=8, minute=15, tzinfo=NEW_YORK)
    assert isinstance(tick("secured_rates_slots", moment), dg.RunRequest)


def test_exchanges_of_one_calendar_share_a_schedule(many: Mapping[str, Closes]) -> None:
    names = [schedule.name for schedule in session_schedules(many) if schedule.name.startswith("after")]
    assert names == [
        "after_close_arcx_xnas",
        "after_close_xasx",
        "after_close_xhkg",
        "after_close_xlon",
        "after_close_xnze",
        "after_close_xsau",
        "after_close_xtks",
    ]


def test_an_exchange_that_trades_on_sundays_has_partitions_and_ticks_on_them() -> None:
    dates = session_dates(["XSAU", "XNAS"], date(2024, 1, 1), date(2024, 3, 31))
    settings = load_settings(first_session=date(2024, 1, 1), _env_file=None)
    keys = session_partitions(settings, dates).get_partition_keys(
        current_time=datetime(2024, 3, 31, 12, tzinfo=UTC)
    )
    assert keys == [str(day) for day in dates]
    assert "2024-01-07" in keys  # a Sunday


def test_partitions_are_the_sessions_and_none_lies_in_the_future() -> None:
    friday_evening = datetime(2024, 6, 28, 22, tzinfo=UTC)
    saturday = friday_evening + timedelta(days=1)
    assert SESSIONS.get_partition_keys(current_time=friday_evening)[-1] == "2024-06-28"
    assert SESSIONS.get_partition_keys(current_time=saturday)[-1] == "2024-06-28"
    before_the_key = datetime(2024, 7, 1, 9, 59, tzinfo=UTC)
    assert SESSIONS.get_partition_keys(current_time=before_the_key)[-1] == "2024-06-28"
    assert SESSIONS.get_partition_keys(current_time=before_the_key + timedelta(minutes=2))[-1] == "2024-07-01"
    union = session_dates(["XHKG", "XLON", "XNAS"], date(2015, 1, 1), date(2023, 12, 31))
    keys = SESSIONS.get_partition_keys(current_time=saturday)
    assert [key for key in keys if "2015" <= key < "2024"] == [str(day) for day in union]
