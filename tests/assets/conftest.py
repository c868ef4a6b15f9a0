"""One platform with Dagster for each module of these tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from findata_resources.environment import Endpoints, Settings
from tests.conftest import _platforms
from tests.orchestration import Orchestrated, orchestrated


@pytest.fixture(scope="module")
def dagster(stack: tuple[Settings, Endpoints], migrated_template: str) -> Iterator[Orchestrated]:
    """An empty platform with Dagster on it, for one test module."""
    with _platforms(stack[1], migrated_template) as make, orchestrated(make()) as made:
        yield made
