"""Dagster's daemon over a simulated clock: ticks of schedules, looks of sensors, and the runs that they ask for.

What belongs here: Dagster's own schedules and sensors evaluated at simulated instants, cursors and run keys kept in
Dagster's own storage as the daemon keeps them, and every run that is asked for executed. What does not: a world and its
providers (fortnight).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

import dagster as dg
from dagster._utils.schedules import schedule_execution_time_iterator

from findata_assets.definitions import definitions_on
from findata_assets.partitions import RANGE_START
from findata_assets.resource import given
from tests.orchestration import Orchestrated
from tests.simulation.clock import SimulatedClock

MOST_LOOKS = 30  # in a row, until all sensors have nothing more to ask for
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
RUN_KEY, SCHEDULE, SENSOR = "dagster/run_key", "dagster/schedule_name", "dagster/sensor_name"


@dataclass
class SimulatedDaemon:
    """What is turned on, and what came of it. A new one goes on where the last one was: it keeps nothing itself."""

    orchestration: Orchestrated
    clock: SimulatedClock
    schedules: Sequence[dg.ScheduleDefinition]
    sensors: Sequence[dg.SensorDefinition]
    look_every: timedelta = timedelta(hours=2)
    runs: Counter[str] = field(default_factory=Counter)  # by run key; those of schedules
    done: list[str] = field(default_factory=list)  # what ran, in words
    progress: Callable[[str], None] = field(default=lambda _: None)

    def __post_init__(self) -> None:
        self._definitions = definitions_on(given(self.orchestration.platform))
        self._repository = self._definitions.get_repository_def()

    @property
    def instance(self) -> dg.DagsterInstance:
        """Dagster's instance, which outlives the daemon."""
        return self.orchestration.instance

    def live_until(self, end: datetime) -> None:
        """Pass the time, tick by tick, until an instant."""
        start = self.clock.peek()
        looks = list(_looks(start, end, self.look_every))
        ticks = [tick for one in self.schedules for tick in _ticks(one, start, end)]
        for moment, schedule in sorted([*ticks, *looks], key=lambda event: event[0]):
            self.clock.forward_to(moment)
            if schedule is not None:
                self._tick(schedule, moment)
            self.look()
        self.clock.forward_to(end)

    def look(self) -> None:
        """Let all sensors look, again and again until none of them asks for anything."""
        for _ in range(MOST_LOOKS):
            if not sum([self._look(sensor) for sensor in self.sensors]):
                return
        raise AssertionError(f"the sensors find no end: {self.done[-5:]}")

    def _tick(self, schedule: dg.ScheduleDefinition, moment: datetime) -> None:
        context = dg.build_schedule_context(
            instance=self.instance, scheduled_execution_time=moment, repository_def=self._repository
        )
        for request in schedule.evaluate_tick(context).run_requests or []:
            job = request.job_name or schedule.job_name
            if self._is_new(request, SCHEDULE, schedule.name):
                self.runs[str(request.run_key)] += 1
                self._run(request, job, {SCHEDULE: schedule.name})

    def _look(self, sensor: dg.SensorDefinition) -> int:
        """Let one sensor look, with the cursor that it left; return how many runs it asked for."""
        name = f"sensor {sensor.name}"
        cursor = self.instance.run_storage.get_cursor_values({name}).get(name)
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=cursor,
            repository_def=self._repository,
            resources={"platform": given(self.orchestration.platform)},
            sensor_name=sensor.name,
        ) as context:
            found = sensor.evaluate_tick(context)
        asked = 0
        for request in found.run_requests or []:
            if self._is_new(request, SENSOR, sensor.name):
                asked += 1
                self._run(request, request.job_name or sensor.job_name, {SENSOR: sensor.name})
        if found.cursor is not None:
            self.instance.run_storage.set_cursor_values({name: found.cursor})
        return asked

    def _is_new(self, request: dg.RunRequest, kind: str, name: str) -> bool:
        """Tell whether there is no run of this key yet, as the daemon does."""
        if request.run_key is None:
            return True
        return not self.instance.get_runs(dg.RunsFilter(tags={RUN_KEY: request.run_key, kind: name}), limit=1)

    def _run(self, request: dg.RunRequest, job_name: str, tags: dict[str, str]) -> None:
        keys = {RUN_KEY: request.run_key} if request.run_key is not None else {}
        result = self._definitions.resolve_job_def(job_name).execute_in_process(
            instance=self.instance,
            partition_key=request.partition_key,
            run_config={**request.run_config, **QUIET},
            tags={**request.tags, **keys, **tags},
            asset_selection=list(request.asset_selection) if request.asset_selection else None,
            raise_on_error=False,
        )
        span = request.partition_key or request.tags.get(RANGE_START, "")
        outcome = "" if result.success else "FAILED"
        self.done.append(f"{self.clock.peek():%m-%d %H:%M} {job_name} {span} {outcome}".rstrip())
        self.progress(self.done[-1])


Event = tuple[datetime, dg.ScheduleDefinition | None]


def _looks(start: datetime, end: datetime, every: timedelta) -> Iterator[Event]:
    moment = start
    while moment <= end:
        yield moment, None
        moment += every


def _ticks(schedule: dg.ScheduleDefinition, start: datetime, end: datetime) -> Iterator[Event]:
    """Yield the instants of a schedule's ticks, as Dagster counts them."""
    times = schedule_execution_time_iterator(
        start.timestamp(), schedule.cron_schedule, schedule.execution_timezone, ascending=True
    )
    for moment in islice(times, 10_000):
        if moment > end:
            return
        yield moment.astimezone(UTC), schedule
