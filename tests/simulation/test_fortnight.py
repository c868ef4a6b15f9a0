"""Days around Easter that nobody has a hand in: schedules and sensors over real calendars, and an outage that heals.

`make fortnight` lives through the whole fortnight, with three exchanges and the rates; this is its second half.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from findata_assets.steps.alerting import listed
from findata_resources.environment import resolve_endpoints
from findata_resources.providers import yahoo
from tests.conftest import MakePlatform
from tests.orchestration import Orchestrated
from tests.simulation.clock import SimulatedClock
from tests.simulation.fortnight import (
    SMALL,
    Fortnight,
    Publishers,
    checks_said,
    daemon_of,
    findings,
    live,
    settings_of,
    world_of,
)
from tests.simulation.opening import opening


@dataclass(frozen=True)
class Lived:
    """Days that are over, and who answered on them."""

    fortnight: Fortnight
    providers: Publishers
    folder: Path


@pytest.fixture(scope="module")
def lived(make_module_platform: MakePlatform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    folder = tmp_path_factory.mktemp("fortnight")
    clock = SimulatedClock(SMALL.start)
    # Dagster's own storage in memory: a third of the time goes into events otherwise. make fortnight has the real one.
    with (
        pytest.MonkeyPatch.context() as patch,
        Publishers(world_of(SMALL), SMALL, clock) as providers,
        dg.DagsterInstance.ephemeral() as instance,
    ):
        patch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
        made = make_module_platform(**settings_of(SMALL, providers, folder))
        platform = opening(made.settings, resolve_endpoints(made.settings))(clock)
        platform.sleep = clock.sleep
        yield Lived(live(SMALL, Orchestrated(platform, instance), clock, folder), providers, folder)
        platform.close()
    yahoo.forget_shared_state()


def test_every_run_that_the_calendars_ask_for_happened_once_and_nothing_is_late_at_the_end(
    lived: Lived,
) -> None:
    assert list(findings(lived.fortnight, lived.providers)) == []


def test_the_outage_is_told_with_its_cure_and_told_again_when_it_is_over(lived: Lived) -> None:
    platform = lived.fortnight.orchestration.platform
    (alert,) = [item for item in listed(platform) if "yahoo" in item.cause and item.severity == "error"]
    assert (alert.state, alert.told_state, alert.scopes) == ("resolved", "resolved", ())
    said = [json.loads(line) for line in (platform.settings.home / "alerts.jsonl").read_text().splitlines()]
    # Each message names the latest failure, and with it the instant until which the provider is left alone then.
    cause = alert.cause.partition(" until ")[0]
    told = [item for item in said if cause in item["text"]]
    assert [item["subject"].startswith("findata resolved") for item in told] == [False] * (len(told) - 1) + [
        True
    ]
    assert 2 <= len(told) <= alert.occurrences + 1
    assert "2026-04-02" in told[0]["text"]
    assert all("findata materialize --source yahoo" in item["text"] for item in told[:-1])


def test_the_outage_failed_a_check_that_is_green_again(lived: Lived) -> None:
    said = checks_said(lived.fortnight)["yahoo_close_is_fresh"]
    assert False in said
    assert said[-1]


def test_a_daemon_that_starts_afterwards_finds_the_cursors_and_asks_for_nothing(lived: Lived) -> None:
    daemon = daemon_of(SMALL, lived.fortnight.orchestration, lived.providers.clock, lived.folder)
    daemon.look()
    assert daemon.done == []
