"""One platform with Dagster for each module of these tests, and Yahoo of an evening for each test that asks it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from findata_resources.providers import yahoo
from tests.conftest import CALENDAR_START, SAMPLE, MakePlatform
from tests.orchestration import Orchestrated, orchestrated
from tests.standin import StandIn, sample_bars

# All three instruments, and the years that their sessions need.
WHOLE_SAMPLE = {"universe": SAMPLE / "universe.csv", "calendar_start": CALENDAR_START}


@pytest.fixture(scope="module")
def dagster(make_module_platform: MakePlatform) -> Iterator[Orchestrated]:
    """An empty platform with Dagster on it, for one test module."""
    with orchestrated(make_module_platform(**WHOLE_SAMPLE)) as made:
        yield made


@pytest.fixture
def standin() -> Iterator[StandIn]:
    """Yahoo with the sample's bars, on the evening of Tuesday, 2022-06-14, an hour after New York's close."""
    with StandIn(now=datetime(2022, 6, 14, 21, 0, tzinfo=UTC)) as server:
        for symbol in ("MSFT", "AZN.L", "9988.HK"):
            for interval in ("1m", "1d"):
                server.yahoo_bars[symbol, interval] = sample_bars(symbol, interval)
        yield server
    yahoo.forget_shared_state()
