"""`python -m tests.simulation` (`make month`): live through the simulated month and print what came of it.

What belongs here: options, servers and the report. What does not: what must hold (checks).
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from benchmarks.servers import temporary_home, temporary_servers
from findata_resources.environment import Endpoints, Settings
from findata_resources.migrations.migrate import migrate
from tests.simulation.checks import figures, findings
from tests.simulation.mischief import PATHOLOGIES
from tests.simulation.month import Month, Operator
from tests.simulation.opening import opening, settings_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Live through the month; return the exit status: 1 if anything does not hold."""
    options = _options(arguments)
    month = Month.of(options.seed, options.instruments, options.sessions, sorted(PATHOLOGIES))
    _say(f"seed {options.seed}, {options.instruments} instruments, {options.sessions} weekdays")
    return _live(month)


def _live(month: Month) -> int:
    started = time.monotonic()
    with temporary_home() as home, month.providers, _servers(month, home) as (settings, endpoints):
        migrate(endpoints.database_url)
        operator = Operator(month, opening(settings, endpoints), _say)
        done = operator.live_through()
        wrong = findings(operator.platform, month, done)
        _report(figures(operator.platform, month, done))
        operator.platform.close()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    _say(
        f"{time.monotonic() - started:.0f} seconds, peak memory {peak_mb:.0f} MB, the simulated world included"
    )
    for finding in wrong:
        _say(f"WRONG: {finding}")
    _say(
        f"{len(wrong)} findings"
        if wrong
        else "the month ends in the truth: nothing lacks, nothing is double, nothing made up"
    )
    return 1 if wrong else 0


def _servers(month: Month, home: Path) -> AbstractContextManager[tuple[Settings, Endpoints]]:
    told = settings_of(month, home)
    return temporary_servers(home, first_session=told["calendar_start"], **told)


def _report(told: Mapping[str, object]) -> None:
    for name, value in told.items():
        items = (
            ", ".join(f"{key} {count}" for key, count in value.items())
            if isinstance(value, Mapping)
            else value
        )
        _say(f"{name}: {items}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make month", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1, help="of the world and of all that goes wrong in it")
    parser.add_argument("--instruments", type=int, default=200)
    parser.add_argument("--sessions", type=int, default=22, help="weekdays up to the last day, 10 or more")
    return parser.parse_args(arguments)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
