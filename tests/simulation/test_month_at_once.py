"""A few days of the simulated month by a platform that makes several requests at once: the same truth.

Which of several requests comes first is chance here, and so is which of them a moment's failure strikes; and the
simulated clock, which passes whenever somebody sleeps, can't tell who came when: the limits are tests/steps' matter.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from findata_resources.environment import resolve_endpoints
from findata_resources.providers import yahoo
from tests.conftest import MakePlatform
from tests.simulation import checks
from tests.simulation.mischief import PATHOLOGIES
from tests.simulation.month import Month, Operator
from tests.simulation.opening import opening, settings_of

SEED, INSTRUMENTS, WEEKDAYS, AT_ONCE = 1, 6, 4, 4
# These take more days than there are, or strike what is told on the first of them, when nothing is known that they
# contradict; or cut one request's thread short, not the process.
TOO_LARGE = {"outage", "missed_runs", "power_cuts", "daily_limit", "shifted", "unknown_split"}


def test_days_that_are_asked_for_by_four_at_once_end_in_the_truth(
    make_platform: MakePlatform, tmp_path: Path
) -> None:
    month = Month.of(SEED, INSTRUMENTS, WEEKDAYS, sorted(PATHOLOGIES.keys() - TOO_LARGE))
    month.providers.refuses_haste = False
    with month.providers:
        made = make_platform(**{**settings_of(month, tmp_path), "requests_at_once": AT_ONCE})
        operator = Operator(month, opening(made.settings, resolve_endpoints(made.settings)), print)
        done = operator.live_through()
        with closing(operator.platform) as platform:
            wrong = [*checks.findings(platform, month, done)]
            assert [told for told in wrong if told not in set(checks.limits_were_broken(month))] == []
    yahoo.forget_shared_state()
