"""A platform over the simulated month: its settings, and how a new process would open it.

What belongs here: what `make month` and the tests share. What does not: servers (conftest, benchmarks/servers.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from findata_assets.steps.platform import Platform, platform_at
from findata_resources.environment import Endpoints, Settings
from tests.simulation.clock import SimulatedClock
from tests.simulation.instruments import universe_file
from tests.simulation.month import Month

# As it is in life: the declared limits, three tries, half a minute's patience.
# One request at a time: which of several comes first is chance, and so is what a moment's failure strikes.
AS_DECLARED = {
    "request_limits": "",
    "request_tries": 3,
    "longest_wait_seconds": 30.0,
    "requests_at_once": 1,
    "operator": "simulator",
}
ANSWER_SECONDS = 5  # on the loopback nobody is slow but by the simulated clock


def settings_of(month: Month, folder: Path) -> Mapping[str, Any]:
    """Write the universe file into a folder, and return the settings that lead to the simulated providers."""
    universe = folder / "universe.csv"
    universe.write_text(universe_file(month.world.instruments))
    return {
        **AS_DECLARED,
        "universe": universe,
        "calendar_start": month.world.days[0] - timedelta(days=30),
        "yahoo_base_url": month.providers.base_url,
        "alphavantage_base_url": month.providers.base_url,
        "alphavantage_api_key": "SIMULATEDKEY1234",
        "request_timeout_seconds": ANSWER_SECONDS,
    }


def opening(settings: Settings, endpoints: Endpoints) -> Callable[[SimulatedClock], Platform]:
    """Return what opens a platform at the endpoints, as each new process does."""
    return lambda clock: platform_at(settings, endpoints, clock)
