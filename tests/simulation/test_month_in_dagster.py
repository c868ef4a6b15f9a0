"""A few days of the simulated month through Dagster's runs, as schedules would start them: the same truth."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from findata_assets.running import Runner
from findata_core.errors import RunFailed
from findata_resources.environment import resolve_endpoints
from tests.conftest import MakePlatform
from tests.orchestration import Orchestrated, orchestrated
from tests.simulation import checks
from tests.simulation.mischief import PATHOLOGIES
from tests.simulation.month import SLOTS, Month, Operator
from tests.simulation.opening import opening, settings_of

SEED, INSTRUMENTS, WEEKDAYS = 1, 6, 4
# These take more days than there are (what strikes on the first contradicts nothing that is known), or need an end
# of the process, which runs in this one.
TOO_LARGE = {"outage", "missed_runs", "power_cuts", "shifted", "unknown_split"}

# The least that so few answers meet.
MET = {"closing_bar", "daily_provisional", "provisional", "sick_volumes", "window_edge"}


class Scheduler(Operator):
    """An operator whose work is done by runs of Dagster."""

    def __init__(self, month: Month, orchestration: Orchestrated) -> None:
        self._orchestration = orchestration
        platform = orchestration.platform
        open_platform = opening(platform.settings, resolve_endpoints(platform.settings))
        super().__init__(month, open_platform, orchestration.said.append, slots=SLOTS[-1:])

    def refresh(self) -> None:
        self._runner().refresh_reference()

    def fetch(self, source: str, start: date, end: date) -> int:
        before = len(self.month.providers.seen)
        try:
            self._runner().fetch(source, start, end)
        except RunFailed as failed:
            self.done.refusals[failed.message] += 1
        return len(self.month.providers.seen) - before

    def work(self) -> None:
        self._runner().run_due()

    def _runner(self) -> Runner:
        return Orchestrated(self.platform, self._orchestration.instance, self._orchestration.said).runner()


def test_days_that_dagster_runs_end_in_the_truth(
    make_platform: MakePlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    month = Month.of(SEED, INSTRUMENTS, WEEKDAYS, sorted(PATHOLOGIES.keys() - TOO_LARGE))
    with month.providers, orchestrated(make_platform(**settings_of(month, tmp_path))) as orchestration:
        scheduler = Scheduler(month, orchestration)
        with closing(scheduler.platform) as platform:
            done = scheduler.live_through()
            assert checks.findings(platform, month, done) == []
            assert {name for name in month.mischief.on if month.mischief.met[name]} >= MET
