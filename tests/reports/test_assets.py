"""The pages as Dagster shows them: linked, with their verdicts, for the sessions of a run; and the daily schedule."""

from __future__ import annotations

from typing import Any

import dagster as dg
import httpx
import pytest

from findata_assets.partitions import RANGE_END, RANGE_START
from findata_assets.reports import assets as reports
from findata_assets.resource import given
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import refresh_reference
from tests.conftest import MakePlatform
from tests.orchestration import SetClock
from tests.steps.folders import at, flat, minutes_from, take_in, write_folder


@pytest.fixture(scope="module")
def loaded(make_module_platform: MakePlatform, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Two whole sessions of MSFT, received on Friday evening."""
    platform = make_module_platform()
    refresh_reference(platform)
    platform.clock = SetClock(at("2022-05-20 22:00"))
    for number, day in enumerate(("2022-05-19", "2022-05-20")):
        bars = minutes_from(at(f"{day} 13:30"), [flat(10)] * 390)
        folder = tmp_path_factory.mktemp("said") / str(number)
        take_in(platform, write_folder(folder, "2022-05-20T21:00:00Z", bars))
    run_due(platform)
    return platform


def materialized(loaded: Platform, asset: dg.AssetsDefinition, key: str, last: str = "") -> dict[str, Any]:
    """Run an asset over partitions and return what it says of the last of them."""
    tags = {RANGE_START: key, RANGE_END: last or key}
    result = dg.materialize([asset], tags=tags, resources={"platform": given(loaded)})
    event = result.get_asset_materialization_events()[-1]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def test_a_run_over_sessions_links_a_page_for_each(loaded: Platform) -> None:
    said = materialized(loaded, reports.sessions, "2022-05-19", "2022-05-20")
    assert (said["pages"], said["pages_changed"], said["verdict_yes"]) == (2, 2, 2)
    assert said["verdict"].startswith("Yes: the one instrument is complete")
    assert said["verdicts"].count("](http") == 2
    assert "Yes: the one instrument is complete" in httpx.get(said["page"]).text
    assert materialized(loaded, reports.sessions, "2022-05-20")["pages_changed"] == 0


def test_a_week_is_named_by_its_monday(loaded: Platform) -> None:
    said = materialized(loaded, reports.weeks, "2022-05-16")
    assert said["address"].startswith(f"s3://{loaded.settings.s3_bucket}/reports/weeks/2022-W20/")
    assert said["verdict"].startswith("Yes, with exceptions")  # Monday to Wednesday were never received


def test_the_schedule_asks_for_the_sessions_that_were_touched(loaded: Platform) -> None:
    with dg.build_schedule_context(resources={"platform": given(loaded)}) as context:
        asked = reports.report_schedule(context)
    assert isinstance(asked, list)
    (request,) = asked
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == ("2022-05-19", "2022-05-20")
