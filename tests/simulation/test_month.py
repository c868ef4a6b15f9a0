"""A small month, with everything that goes wrong in the large one: it ends in the truth that the simulator holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from findata_assets.steps.platform import Platform
from findata_resources.environment import resolve_endpoints
from findata_resources.providers import yahoo
from tests.conftest import MakePlatform
from tests.simulation import checks, standing
from tests.simulation.mischief import PATHOLOGIES
from tests.simulation.month import Done, Month, Operator
from tests.simulation.opening import opening, settings_of

SEED, INSTRUMENTS, WEEKDAYS = 1, 10, 10
# A platform that keeps the limits is never refused: that there is a limit shows where it is broken.
NEVER_MET = {"daily_limit"}


@dataclass(frozen=True)
class Lived:
    """A month that is over, the platform that lived through it, and what was done."""

    month: Month
    platform: Platform
    done: Done


@pytest.fixture(scope="module")
def lived(make_module_platform: MakePlatform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    month = Month.of(SEED, INSTRUMENTS, WEEKDAYS, sorted(PATHOLOGIES))
    with month.providers:
        operator = over(month, make_module_platform, tmp_path_factory.mktemp("month"))
        done = operator.live_through()
        with closing(operator.platform) as platform:  # the last one: each power cut opens another
            yield Lived(month, platform, done)
    yahoo.forget_shared_state()


def over(month: Month, make_platform: MakePlatform, folder: Path) -> Operator:
    """Return an operator with an empty database and bucket of his own."""
    made = make_platform(**settings_of(month, folder))
    return Operator(month, opening(made.settings, resolve_endpoints(made.settings)), print)


def test_the_month_ends_where_nothing_is_left_to_ask_for(lived: Lived) -> None:
    assert list(checks.is_unfinished(lived.platform, lived.done)) == []


def test_database_lake_and_digests_hold_the_truth(lived: Lived) -> None:
    assert list(checks.differs_from_the_truth(lived.platform, lived.month)) == []


def test_coverage_counts_the_minutes_that_there_were(lived: Lived) -> None:
    assert list(checks.coverage_is_wrong(lived.platform, lived.month)) == []


def test_each_session_is_in_the_state_that_the_world_knows_and_final(lived: Lived) -> None:
    assert list(standing.states_are_wrong(lived.platform, lived.month)) == []


def test_a_world_in_which_something_else_happened_is_found_in_the_states(lived: Lived) -> None:
    world = lived.month.world
    one, *others = world.traded
    silent = replace(world, traded={one: {}, **{name: world.traded[name] for name in others}})
    (found,) = standing.states_are_wrong(lived.platform, replace(lived.month, world=silent))
    assert "is in another state" in found


def test_the_sensor_sees_nothing_left_to_ask_for(lived: Lived) -> None:
    assert list(standing.sensor_sees_work(lived.platform, lived.month)) == []


def test_what_was_implausible_was_held_rejected_asked_for_again_and_healed(lived: Lived) -> None:
    assert list(standing.undecided(lived.platform, lived.month, lived.done)) == []
    rules = {rule for _, rule in (*lived.done.rejected, *lived.done.released)}
    assert rules == {"history_rescaled", "powers_of_ten_off", "shifted_in_time", "universe_empty"}


def test_no_break_is_left_that_nobody_can_explain(lived: Lived) -> None:
    assert list(standing.breaks_are_open(lived.platform)) == []


def test_the_audit_log_counts_what_the_providers_sent(lived: Lived) -> None:
    assert list(standing.audit_log_is_wrong(lived.platform, lived.month, lived.done)) == []


def test_each_refused_row_is_explained_by_something_that_went_wrong(lived: Lived) -> None:
    assert list(checks.refused_without_reason(lived.platform, lived.month)) == []


def test_each_request_that_reached_a_provider_is_in_the_ledger(lived: Lived) -> None:
    assert list(checks.not_in_the_ledger(lived.platform, lived.month, lived.done)) == []


def test_no_provider_was_asked_more_than_it_allows(lived: Lived) -> None:
    assert list(checks.limits_were_broken(lived.month)) == []


def test_made_again_from_raw_everything_is_the_same(lived: Lived) -> None:
    assert list(checks.differs_made_again(lived.platform)) == []


def test_everything_went_wrong_at_least_once(lived: Lived) -> None:
    mischief = lived.month.mischief
    assert {name for name in mischief.on if not mischief.met[name]} == NEVER_MET
