"""One platform in which everything has happened, with Dagster on it, for the modules that watch it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from findata_resources.providers import yahoo
from tests.conftest import HASTE, MakePlatform
from tests.monitoring.watched import live_through, standin
from tests.orchestration import Orchestrated, orchestrated

ONE_LIMIT = {**HASTE, "request_limits": "yahoo=200/day"}


@pytest.fixture(scope="module")
def watched(make_module_platform: MakePlatform) -> Iterator[Orchestrated]:
    """A platform that has lived through a bad day. Its settings are in the environment."""
    with standin() as server:
        platform = make_module_platform(**ONE_LIMIT, yahoo_base_url=server.base_url)
        with orchestrated(platform) as dagster:
            live_through(dagster)
            yield dagster
    yahoo.forget_shared_state()
