"""The lake's upkeep as a job: it merges, says what it did, and fails where something is out of order."""

from __future__ import annotations

import dagster as dg

from findata_assets.ops.upkeep import lake_upkeep
from findata_assets.resource import given
from findata_assets.steps.platform import Platform
from findata_resources.environment import resolve_endpoints
from findata_resources.stores.lake_layout import object_key
from findata_resources.stores.objects import Objects
from tests.stores.sessions import CANDLES, MAY, load, names


def run(platform: Platform) -> dg.ExecuteInProcessResult:
    return lake_upkeep.execute_in_process(resources={"platform": given(platform)}, raise_on_error=False)


def test_the_job_merges_and_says_what_it_merged(platform: Platform) -> None:
    load(platform)

    result = run(platform)

    assert result.success
    assert "year=2022.parquet" in names(platform)
    (handled,) = [event for event in result.all_events if event.is_successful_output]
    metadata = handled.step_output_data.metadata
    assert metadata["objects before"].value == 7
    assert metadata["objects after"].value == 3


def test_an_object_that_can_not_be_read_fails_the_job_by_name(platform: Platform) -> None:
    load(platform)
    objects = Objects(resolve_endpoints(platform.settings))
    key = object_key(CANDLES, str(MAY[0]))
    objects.replace(key, b"no parquet", objects.version(key))

    result = run(platform)

    assert not result.success
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert key in str(failed.step_failure_data.error)
