"""When to look whether an exchange's sessions have become ready: crons by local time, and which sessions a tick is for.

What belongs here: dates and times. What does not: schedules (findata_assets/automation.py), closes of years to come
(findata_resources/trading_days.py).

A session becomes ready at an instant, so long after its own close. Ticks are local times that lie at or after that on
every day that is known: on half days the earlier tick finds it, on whole days the later one, and each session is found
by exactly one tick, the first one after it is ready.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
LONGEST_BREAK_DAYS = 14  # between two ticks: no cron of an exchange's weekdays pauses longer


@dataclass(frozen=True)
class Readiness:
    """How long after its close a session is ready, not before `not_before` (UTC) of its date; `spare`: ticks come so
    much later, for what a change of the clocks moves between the close and the tick."""

    delay: timedelta
    not_before: time | None = None
    spare: timedelta = timedelta()

    def instant(self, day: date, close_time: datetime) -> datetime:
        """Return when the session of a day is ready."""
        ready = close_time + self.delay
        if self.not_before is None:
            return ready
        return max(ready, datetime.combine(day, self.not_before, UTC))


@dataclass(frozen=True)
class Ticks:
    """Local times of days of the week (0 is Sunday, as cron counts) at which to look."""

    time_zone: str
    weekdays_by_time: tuple[tuple[time, tuple[int, ...]], ...]

    def crons(self) -> list[str]:
        """Return a cron line for each time of the day."""
        return [f"{at.minute} {at.hour} * * {_stretch(days)}" for at, days in self.weekdays_by_time]

    def before(self, moment: datetime) -> datetime:
        """Return the last tick before an instant."""
        zone = ZoneInfo(self.time_zone)
        today = moment.astimezone(zone).date()
        for number in range(-1, LONGEST_BREAK_DAYS):
            day = today - number * DAY
            ticks = [tick for tick in self._on(day, zone) if tick < moment]
            if ticks:
                return max(ticks)
        return moment - LONGEST_BREAK_DAYS * DAY

    def _on(self, day: date, zone: ZoneInfo) -> Iterator[datetime]:
        for at, days in self.weekdays_by_time:
            if day.isoweekday() % 7 in days:
                yield datetime.combine(day, at, zone).astimezone(UTC)


def ticks_for(closes: Iterable[tuple[date, time]], time_zone: str, readiness: Readiness) -> Ticks:
    """Return the ticks for sessions that close at these local times: each time on all days of the week that trade."""
    zone = ZoneInfo(time_zone)
    known = list(closes)
    latest_key = [
        datetime.combine(day, readiness.not_before, UTC).astimezone(zone).time()
        for day, _ in known
        if readiness.not_before is not None
    ]
    by_time: dict[time, set[int]] = {}
    traded = {day.isoweekday() % 7 for day, _ in known}
    for close in sorted({close for _, close in known}):
        # Any day will do: only the shift in days and the time of the day are asked.
        at = datetime.combine(date(2000, 1, 1), close) + readiness.delay + readiness.spare
        shift = (at.date() - date(2000, 1, 1)).days
        local = max([at.time(), *latest_key]) if shift == 0 else at.time()
        by_time.setdefault(local, set()).update((weekday + shift) % 7 for weekday in traded)
    return Ticks(time_zone, tuple((at, tuple(sorted(by_time[at]))) for at in sorted(by_time)))


def ready_between(
    sessions: Iterable[tuple[date, datetime]], readiness: Readiness, after: datetime, until: datetime
) -> list[date]:
    """Return the dates of the (date, close) that became ready in (after, until]."""
    return [day for day, close in sessions if after < readiness.instant(day, close) <= until]


def _stretch(days: Sequence[int]) -> str:
    """Return days of the week as cron writes them: 1-5, or 0,2,4."""
    is_a_stretch = list(days) == list(range(days[0], days[-1] + 1)) and len(days) > 1
    return f"{days[0]}-{days[-1]}" if is_a_stretch else ",".join(map(str, days))
