"""The grains of time: sessions of the followed exchanges, weeks, months of daily rows; never instruments.

Key D of the sessions exists from 10:00 UTC of D (midnight at UTC+14), after Hong Kong's close and with no
future key at weekends; an offset would list Monday's key on Saturday.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from findata_resources.environment import Settings, SystemClock, load_settings
from findata_resources.providers.calendar import horizon
from findata_resources.providers.universe import parse
from findata_resources.trading_days import TradingDays, trading_days

TIME_ZONE = "Etc/GMT-14"
DAY = timedelta(days=1)
RECENT = timedelta(days=30)

# Tags by which Dagster says what a run is about; range ends are inclusive.
PARTITION = "dagster/partition"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


class CountedPartitions(dg.TimeWindowPartitionsDefinition):
    """Windows of time whose keys are counted off once, not whenever somebody asks.

    Dagster 1.13 walks from the first window to the last, asking a cron for each excluded weekday: 0.2 s for
    twenty-five years of sessions, several times a run.
    """

    def get_partition_keys(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: Any = None,
    ) -> Sequence[str]:
        """Return the keys up to the last window that has ended."""
        with dg.partition_loading_context(current_time, dynamic_partitions_store):
            last = self.get_last_partition_key()
        return _keys_until(self, last) if last else []


@lru_cache(maxsize=8)
def _keys_until(partitions: CountedPartitions, last: str) -> Sequence[str]:
    """Return all keys up to one of them, inclusive."""
    end = partitions.end_time_for_partition_key(last)
    return dg.TimeWindowPartitionsDefinition.get_partition_keys(partitions, end)


def session_partitions(settings: Settings, dates: Sequence[date]) -> CountedPartitions:
    """Return one partition per session date of the universe's exchanges, from the first session on."""
    last = horizon(SystemClock().now().date())
    return CountedPartitions(
        start=_local(settings.first_session),
        fmt="%Y-%m-%d",
        cron_schedule="0 0 * * *",
        timezone=TIME_ZONE,
        exclusions=[
            *_weekdays_without(dates),
            *(_local(day) for day in _days_without(dates, settings.first_session, last)),
        ],
    )


def followed_days(settings: Settings) -> TradingDays:
    """Return when the universe's exchanges trade, from the first session to the calendars' horizon."""
    last = horizon(SystemClock().now().date())
    return trading_days(followed_mics(settings), settings.first_session, last, settings.cache)


def followed_mics(settings: Settings) -> list[str]:
    """Return the exchanges of the universe file, sorted."""
    instruments = parse(settings.universe.read_bytes(), {"source": "findata"})[0].rows
    return sorted(set(instruments.get_column("mic")))


def month_partitions(settings: Settings) -> dg.MonthlyPartitionsDefinition:
    """Return one partition per calendar month, from the first day of the calendars on."""
    return dg.MonthlyPartitionsDefinition(
        start_date=_local(settings.calendar_start.replace(day=1)),
        fmt="%Y-%m",
        timezone=TIME_ZONE,
        end_offset=1,
    )


def week_partitions(settings: Settings) -> dg.WeeklyPartitionsDefinition:
    """Return one partition per ISO week, named by its Monday, from that of the first session on."""
    monday = settings.first_session - timedelta(days=settings.first_session.weekday())
    return dg.WeeklyPartitionsDefinition(
        start_date=_local(monday), fmt="%Y-%m-%d", timezone=TIME_ZONE, day_offset=1, end_offset=1
    )


def window(context: dg.AssetExecutionContext) -> tuple[date, date]:
    """Return the dates [start, end) of the partitions that a run is about."""
    span = context.partition_time_window
    return span.start.date(), span.end.date()


def checked_window(
    context: dg.AssetCheckExecutionContext, grain: dg.TimeWindowPartitionsDefinition
) -> tuple[date, date]:
    """Return the dates [start, end) of the partitions that a run is about, else the last thirty days.

    Checks have no partitions of their own: Dagster 1.13 evaluates a partitioned check once for a range,
    for no partition at all, and leaves it planned for each of them (asset_check_result.py,
    to_asset_check_evaluation).
    """
    tags = context.op_execution_context.run.tags
    first, last = tags.get(RANGE_START), tags.get(RANGE_END)
    keys = (first, last) if first and last else (tags.get(PARTITION), tags.get(PARTITION))
    if keys[0] is None or keys[1] is None:
        today = SystemClock().now().date()
        return today - RECENT, today + DAY
    spans = [grain.time_window_for_partition_key(key) for key in keys if key]
    return spans[0].start.date(), spans[-1].end.date()


def _local(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(TIME_ZONE))


def _weekdays_without(dates: Sequence[date]) -> Iterator[str]:
    """Yield a cron for each day of the week without any session: Saturday and Sunday, mostly."""
    held = {day.isoweekday() % 7 for day in dates}
    return (f"0 0 * * {weekday}" for weekday in range(7) if weekday not in held)


def _days_without(dates: Sequence[date], first: date, last: date) -> Iterator[date]:
    """Yield the days without a session on days of the week that have some."""
    held, weekdays = set(dates), {day.weekday() for day in dates}
    span = (first + number * DAY for number in range((last - first).days + 1))
    return (day for day in span if day.weekday() in weekdays and day not in held)


_SETTINGS = load_settings()
FOLLOWED = followed_days(_SETTINGS)
SESSIONS = session_partitions(_SETTINGS, FOLLOWED.dates)
MONTHS = month_partitions(_SETTINGS)
WEEKS = week_partitions(_SETTINGS)
