"""One platform in which everything has happened, with Dagster on it, for all modules that watch it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from findata_resources.environment import load_settings
from findata_resources.providers import yahoo
from tests.conftest import HASTE, _platforms
from tests.monitoring.watched import Watched, live_through, standin
from tests.orchestration import orchestrated

ONE_LIMIT = {**HASTE, "request_limits": "yahoo=200/day"}


@pytest.fixture(scope="package")
def watched(stack: Any, migrated_template: str) -> Iterator[Watched]:
    """A platform that has lived through a bad day."""
    with (
        standin() as server,
        _platforms(stack[1], migrated_template) as make,
        orchestrated(make(**ONE_LIMIT, yahoo_base_url=server.base_url)) as dagster,
        pytest.MonkeyPatch.context() as environment,
    ):
        live_through(dagster)
        variables = {name: value for name, value in os.environ.items() if name.startswith("FINDATA_")}
        made = Watched(load_settings(_env_file=None), variables)
        for name in variables:  # the tests beside it start from nothing
            environment.delenv(name)
        yield made
    yahoo.forget_shared_state()
