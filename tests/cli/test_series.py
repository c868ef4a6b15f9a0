"""findata series: the catalogue, what a series was when, its vintages, and searching at FRED."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_assets.steps.series import fetch_series
from findata_core.economic.catalogue import SERIES
from tests.cli.conftest import Run
from tests.conftest import MakePlatform
from tests.economic.test_fred_series import NOON
from tests.economic.test_vintages import BY_HAND
from tests.fred import History, about
from tests.orchestration import SetClock
from tests.standin import StandIn


@pytest.fixture(scope="module")
def standin() -> Iterator[StandIn]:
    with StandIn(now=NOON) as server:
        server.fred_series["GDP"] = History(list(BY_HAND), about("GDP"), further_vintages=["2020-08-27"])
        yield server


@pytest.fixture(scope="module")
def loaded(standin: StandIn, make_module_platform: MakePlatform) -> Platform:
    platform = make_module_platform(
        fred_base_url=f"{standin.base_url}/fred", fred_api_key=SecretStr("k" * 32)
    )
    platform.clock = SetClock(NOON)
    fetch_series(platform, ["GDP"])
    run_due(platform)
    return platform


def test_the_list_is_the_catalogue_and_a_topic_is_a_part_of_it(findata: Run) -> None:
    listed = json.loads(findata("series", "list", "--json").stdout)
    assert [line["series_id"] for line in listed] == [line.series_id for line in SERIES]
    rates = json.loads(findata("series", "list", "--topic", "policy_rates", "--json").stdout)
    assert (
        {"DFEDTARL", "DFEDTARU", "DFF"}
        < {line["series_id"] for line in rates}
        < {line.series_id for line in SERIES}
    )


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        (["--as-of", "2020-08-26"], {"2020-01-01": "11.0", "2020-04-01": "20.0"}),
        (["--as-of", "2020-08-27"], {"2020-01-01": "11.0"}),
        (["--as-of", "2020-11-25"], {"2020-01-01": "11.0", "2020-04-01": "20.0", "2020-07-01": ""}),
        (["--as-of", "2020-10-30 04:59"], {"2020-01-01": "11.0", "2020-04-01": "20.0"}),
        (["--first"], {"2020-01-01": "10.0", "2020-04-01": "20.0", "2020-07-01": "30.0"}),
        (["--latest"], {"2020-01-01": "11.0", "2020-04-01": "20.0", "2020-07-01": "31.0"}),
        ([], {"2020-01-01": "11.0", "2020-04-01": "20.0", "2020-07-01": "31.0"}),
    ],
)
def test_a_series_is_shown_as_it_was(
    findata: Run, loaded: Platform, option: list[str], expected: dict[str, str]
) -> None:
    done = findata("series", "show", "GDP", *option, "--csv", on=loaded)
    assert {
        row["observation_date"]: row["value"] for row in csv.DictReader(io.StringIO(done.stdout))
    } == expected


def test_revisions_are_shown_with_the_days_on_which_they_stood(findata: Run, loaded: Platform) -> None:
    rows = json.loads(findata("series", "show", "GDP", "--revisions", "--json", on=loaded).stdout)
    assert len(rows) == 8
    assert rows[0]["realtime_end_date"] == "2020-05-27"


def test_vintages_are_listed_with_the_number_of_changes(findata: Run, loaded: Platform) -> None:
    rows = json.loads(findata("series", "vintages", "GDP", "--json", on=loaded).stdout)
    assert {row["vintage_date"]: row["changes"] for row in rows}["2020-08-27"] == 1
    assert len(rows) == 8


def test_search_finds_series_by_their_words(findata: Run, loaded: Platform) -> None:
    (row,) = json.loads(findata("series", "search", "domestic", "--json", on=loaded).stdout)
    assert (row["id"], row["frequency"]) == ("GDP", "Q")
    assert json.loads(findata("series", "search", "nothing of the kind", "--json", on=loaded).stdout) == []


def test_without_a_key_the_command_says_where_to_get_one_and_ends_with_2(
    findata: Run, platform: Platform
) -> None:
    for arguments in (["series", "search", "gdp"], ["materialize", "--source", "fred"]):
        done = findata(*arguments, on=platform)
        assert done.exit_code == 2
        assert "FINDATA_FRED_API_KEY" in done.stderr
        assert "fred.stlouisfed.org" in done.stderr


def test_a_key_that_fred_does_not_take_is_said_without_the_key(
    findata: Run, make_platform: MakePlatform, standin: StandIn
) -> None:
    platform = make_platform(fred_base_url=f"{standin.base_url}/fred", fred_api_key=SecretStr("wrong"))
    done = findata("series", "search", "gdp", on=platform)
    assert done.exit_code == 4
    assert "not registered" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["show", "GPD"], "no series GPD"),
        (["show", "UNRATE"], "No value of UNRATE is stored"),
        (["vintages", "UNRATE"], "No value of UNRATE is stored"),
        (["show", "GDP", "--first", "--latest"], "exclude each other"),
        (["show", "GDP", "--json", "--csv"], "exclude each other"),
        (["show", "GDP", "--as-of", "yesterday"], "yesterday"),
        (["list", "--topic", "weather"], "Use one of"),
    ],
)
def test_wrong_usage_is_told_with_the_next_step(
    findata: Run, loaded: Platform, arguments: list[str], told: str
) -> None:
    done = findata("series", *arguments, on=loaded)
    assert done.exit_code == 2
    assert told in done.stderr.replace("next  ", "")
