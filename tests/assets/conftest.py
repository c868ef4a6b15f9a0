"""One platform with Dagster for each module of these tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import CALENDAR_START, SAMPLE, MakePlatform
from tests.orchestration import Orchestrated, orchestrated

# All three instruments, and the years that their sessions need.
WHOLE_SAMPLE = {"universe": SAMPLE / "universe.csv", "calendar_start": CALENDAR_START}


@pytest.fixture(scope="module")
def dagster(make_module_platform: MakePlatform) -> Iterator[Orchestrated]:
    """An empty platform with Dagster on it, for one test module."""
    with orchestrated(make_module_platform(**WHOLE_SAMPLE)) as made:
        yield made
