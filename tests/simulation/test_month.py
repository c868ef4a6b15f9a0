"""A small month, with everything that goes wrong in the large one: it ends in the truth that the simulator holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from findata_assets.steps.platform import Platform
from findata_resources.environment import resolve_endpoints
from findata_resources.providers import yahoo
from tests.conftest import MakePlatform
from tests.simulation import checks
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
