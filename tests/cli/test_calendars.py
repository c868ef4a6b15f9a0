"""calendars: what it lists of the sample's exchanges, what it refuses."""

from __future__ import annotations

import json

from findata_assets.steps.platform import Platform
from findata_core.calendars import CALENDAR_VERSION
from tests.cli.conftest import Run
from tests.conftest import MakePlatform


def test_each_calendar_says_how_far_it_reaches_and_who_said_it(findata: Run, loaded_sample: Platform) -> None:
    result = findata("calendars", "--json", on=loaded_sample)

    assert result.exit_code == 0, result.output
    rows = {row["mic"]: row for row in json.loads(result.stdout)}
    assert rows.keys() == {"XHKG", "XLON", "XNAS"}
    assert {row["calendar_version"] for row in rows.values()} == {CALENDAR_VERSION}
    assert {row["changed_days"] for row in rows.values()} == {0}


def test_calendars_that_never_changed_are_said_to_be_so(findata: Run, loaded_sample: Platform) -> None:
    result = findata("calendars", "--changes", "--mic", "XHKG", on=loaded_sample)

    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == "no calendar has changed"


def test_an_exchange_without_a_calendar_is_refused_with_those_there_are(
    findata: Run, loaded_sample: Platform
) -> None:
    result = findata("calendars", "--mic", "XTKS", on=loaded_sample)

    assert result.exit_code == 2
    assert "No calendar of XTKS was received" in result.stderr
    assert "XHKG, XLON, XNAS" in result.stderr


def test_before_anything_was_received_it_says_so(findata: Run, make_platform: MakePlatform) -> None:
    result = findata("calendars", on=make_platform())

    assert result.exit_code == 0
    assert result.stdout.strip() == "no calendar was received yet"
