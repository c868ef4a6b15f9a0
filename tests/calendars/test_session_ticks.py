"""At which tick a session is asked for: half days, changes of the clocks, weeks from Sunday to Thursday."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from findata_core.calendars import sessions_of
from findata_core.session_ticks import Readiness, Ticks, ready_between, ticks_for

CLOSE = Readiness(timedelta(minutes=20), time(10, 5))
SETTLED = Readiness(timedelta(hours=24, minutes=20), spare=timedelta(hours=1))
DAY = timedelta(days=1)


def test_new_york_is_looked_at_after_its_half_days_and_after_its_whole_ones() -> None:
    closes = [(date(2025, 11, 26), time(16)), (date(2025, 11, 28), time(13)), (date(2025, 12, 1), time(16))]
    closes += [(date(2025, 12, 2), time(16)), (date(2025, 12, 4), time(16))]
    assert ticks_for(closes, "America/New_York", CLOSE).crons() == ["20 13 * * 1-5", "20 16 * * 1-5"]
    assert ticks_for(closes, "America/New_York", SETTLED).crons() == ["20 14 * * 2-6", "20 17 * * 2-6"]


def test_a_tick_waits_for_the_partitions_key() -> None:
    closes = [(date(2025, 1, 6) + number * DAY, time(15, 30)) for number in range(5)]
    assert ticks_for(closes, "Asia/Tokyo", CLOSE).crons() == ["5 19 * * 1-5"]  # 10:05 UTC


def test_the_tick_before_an_instant_skips_days_without_one() -> None:
    ticks = Ticks("America/New_York", ((time(13, 20), (1, 2, 3, 4, 5)), (time(16, 20), (1, 2, 3, 4, 5))))
    new_york = ZoneInfo("America/New_York")
    monday = datetime(2025, 11, 3, 13, 20, tzinfo=new_york)  # the clocks went back on Sunday
    assert ticks.before(monday) == datetime(2025, 10, 31, 16, 20, tzinfo=new_york)
    assert ticks.before(monday + timedelta(seconds=1)) == monday


@pytest.mark.parametrize("readiness", [CLOSE, SETTLED], ids=["close", "settled"])
@pytest.mark.parametrize("mic", ["XASX", "XETR", "XHKG", "XLON", "XNAS", "XNZE", "XSAU", "XSTO", "XTKS"])
def test_each_session_of_a_year_is_found_by_one_tick_that_comes_within_hours_of_its_being_ready(
    mic: str, readiness: Readiness
) -> None:
    known = sessions_of(mic, date(2024, 12, 20), date(2026, 1, 10))
    zone = ZoneInfo(str(known["time_zone"][0]))
    sessions = list(known.select("session_date", "close_time").iter_rows())
    closes = [(day, close.astimezone(zone).time()) for day, close in sessions]
    ticks = ticks_for(closes, zone.key, readiness)
    found: Counter[date] = Counter()
    for moment in all_ticks(ticks, date(2025, 1, 1), date(2025, 12, 31)):
        for day in ready_between(sessions, readiness, ticks.before(moment), moment):
            found[day] += 1
            close = dict(sessions)[day]
            assert close + readiness.delay <= moment <= max(readiness.instant(day, close), moment)
            assert moment - readiness.instant(day, close) < timedelta(hours=5)
    whole = {day for day, _ in sessions if date(2025, 1, 4) <= day <= date(2025, 12, 28)}
    assert whole <= found.keys()
    assert set(found.values()) == {1}


def all_ticks(ticks: Ticks, first: date, last: date) -> list[datetime]:
    """Read the crons by hand."""
    zone, found = ZoneInfo(ticks.time_zone), []
    for number in range((last - first).days + 1):
        day = first + number * DAY
        for at, weekdays in ticks.weekdays_by_time:
            if day.isoweekday() % 7 in weekdays:
                found.append(datetime.combine(day, at, zone).astimezone(UTC))
    return sorted(found)
