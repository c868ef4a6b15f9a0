"""GDP's recorded ALFRED history: what each vintage was, by the recorded rows, by fredapi and by FRED's own answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fredapi
import pandas as pd
import pytest
from psycopg import sql
from pydantic import SecretStr

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_assets.steps.series import fetch_series
from findata_assets.steps.sources import load_recorded
from findata_core.economic.catalogue import SERIES
from tests.conftest import MakePlatform
from tests.fred import History, recorded, recorded_gdp
from tests.orchestration import SetClock
from tests.standin import StandIn

NOW = datetime(2025, 7, 26, 20, tzinfo=UTC)  # when the last answers were recorded


@dataclass(frozen=True)
class Gdp:
    """The history as recorded, the server that answers from it, and what findata has made of its answers."""

    history: History
    standin: StandIn
    platform: Platform

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.platform.store.database.frame(sql.SQL(query)).rows()  # type: ignore[arg-type]

    def on(self, day: str) -> dict[str, float | None]:
        query = "SELECT observation_date::text, value FROM economic.observations_as_of(date '{}') WHERE series_id = 'GDP'"
        return dict(self.rows(query.format(day)))


@pytest.fixture(scope="module", params=[2000, 50], ids=["as FRED allows", "in many windows"])
def gdp(
    request: pytest.FixtureRequest, trial_data: Path, make_module_platform: MakePlatform
) -> Iterator[Gdp]:
    history = recorded_gdp(trial_data)
    history.most_vintages = request.param
    with StandIn(now=NOW) as standin:
        standin.fred_series["GDP"] = history
        platform = make_module_platform(
            fred_base_url=f"{standin.base_url}/fred", fred_api_key=SecretStr("k" * 32)
        )
        platform.clock = SetClock(NOW)
        fetch_series(platform, ["GDP"])
        run_due(platform)
        yield Gdp(history, standin, platform)


def numbers(values: dict[str, str]) -> dict[str, float | None]:
    return {day: None if value == "." else float(value) for day, value in values.items()}


def test_every_vintage_is_what_the_recorded_history_says(gdp: Gdp) -> None:
    vintages = gdp.history.vintages
    different = [day for day in vintages if gdp.on(day) != numbers(gdp.history.on(day))]
    assert different == []
    assert len(vintages) == 401, "as many as recorded"


def test_the_days_between_vintages_are_those_of_the_vintage_before(gdp: Gdp) -> None:
    for day in ("1991-12-03", "1991-12-05", "1999-10-30", "2013-07-30", "2019-01-01", "2025-07-26"):
        assert gdp.on(day) == numbers(gdp.history.on(day))


def test_fredapi_says_the_same_of_vintages(gdp: Gdp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        gdp.history, "most_vintages", 2000
    )  # fredapi asks for all at once (its issues 28 and 48)
    fred = fredapi.Fred(api_key="k" * 32)
    fred.root_url = f"{gdp.standin.base_url}/fred"
    for day in gdp.history.vintages[::57]:
        known = fred.get_series_as_of_date("GDP", day).sort_values(["date", "realtime_start"])
        # fredapi gives all rows of a date that began by the day (its issue 69); the last one stood.
        last = known.drop_duplicates("date", keep="last")
        stood = {
            str(row.date.date()): None if pd.isna(row.value) else float(row.value)
            for row in last.itertuples()
        }
        assert gdp.on(day) == stood, day


def test_the_state_of_2019_01_01_is_the_one_that_fred_answered_for_that_day(
    gdp: Gdp, trial_data: Path
) -> None:
    answers = recorded(trial_data, "test_get_series_asof_date[pandas].yaml")
    for _, body in answers:
        standing = {
            item["date"]: item["value"]
            for item in json.loads(body)["observations"]
            if item["realtime_end"] == "2019-01-01"
        }
        assert gdp.on("2019-01-01") == numbers(standing)
    assert len(answers) == 5


def test_first_releases_are_the_ones_that_fred_gives_as_such(gdp: Gdp, trial_data: Path) -> None:
    (*_, (_, body)) = recorded(trial_data, "test_get_series_initial_release[pandas].yaml")
    first = {
        item["date"]: (item["realtime_start"], float(item["value"]))
        for item in json.loads(body)["observations"]
    }
    ours = gdp.rows(
        "SELECT observation_date::text, realtime_start_date::text, value FROM economic.revisions WHERE series_id = 'GDP' AND revision_number = 0"
    )
    found = {day: (start, value) for day, start, value in ours}
    assert {day: found[day] for day in first} == first
    assert len(first) == 134


def test_the_bounds_of_all_values_are_fred_s_own(gdp: Gdp) -> None:
    ours = gdp.rows(
        "SELECT observation_date::text, realtime_start_date::text, coalesce(realtime_end_date::text, '9999-12-31'), value FROM economic.revisions WHERE series_id = 'GDP' AND state <> 'withdrawn' ORDER BY 1, 2"
    )
    assert ours == sorted(
        (day, start, end, None if value == "." else float(value))
        for day, start, end, value in gdp.history.lines
    )
    assert len(ours) == 3207


def test_the_latest_values_are_those_of_a_plain_answer(gdp: Gdp, trial_data: Path) -> None:
    (*_, (_, body)) = recorded(trial_data, "test_get_series[pandas].yaml")
    latest = numbers({item["date"]: item["value"] for item in json.loads(body)["observations"]})
    ours = gdp.rows(
        "SELECT observation_date::text, value FROM economic.revisions WHERE series_id = 'GDP' AND is_latest AND state <> 'withdrawn'"
    )
    assert dict(ours) == latest


def test_saved_answers_come_in_by_a_manifest_in_any_order(
    trial_data: Path, make_module_platform: MakePlatform, tmp_path: Path
) -> None:
    days = ["2024-11-03", "2024-11-03", "2025-01-20", "2025-07-26", "2025-07-26"]
    sets = []
    answers = recorded(trial_data, "test_get_series_all_releases[pandas].yaml")
    for place, (day, (_, body)) in reversed([*enumerate(zip(days, answers, strict=True))]):
        (tmp_path / f"gdp_{place}.json").write_bytes(body)
        sets.append(
            f'[[set]]\nname = "{place}"\nfiles = "gdp_{place}.json"\ndataset = "observations"\nsource = "fred"\nseries = "GDP"\nreceived = {day}T1{place}:00:00Z\nlayout.format = "fred_json"\n'
        )
    (tmp_path / "recorded.toml").write_text("\n".join(sets))
    platform = make_module_platform()
    load_recorded(platform, tmp_path, None, "observations")
    run_due(platform)
    history = recorded_gdp(trial_data)
    for day in history.vintages[::10]:
        found = platform.store.database.frame(
            sql.SQL("SELECT observation_date::text, value FROM economic.observations_as_of({}::date)").format(
                sql.Literal(day)
            )
        )
        assert dict(found.iter_rows()) == numbers(history.on(day))
    assert platform.store.database.frame(sql.SQL("SELECT count(*) AS n FROM ops.quarantine")).item() == 0


def test_the_catalogue_names_series_as_fred_does(trial_data: Path) -> None:
    ours = {
        line.series_id: (line.name, line.unit, line.frequency, line.seasonal_adjustment) for line in SERIES
    }
    theirs = {
        item["id"]: (item["title"], item["units"], item["frequency_short"], item["seasonal_adjustment_short"])
        for item in _recorded_series(trial_data)
    }
    common = ours.keys() & theirs.keys()
    assert {name: ours[name] for name in common} == {name: theirs[name] for name in common}
    assert len(common) == 16


def _recorded_series(trial_data: Path) -> Iterator[dict[str, Any]]:
    import gzip

    import yaml

    for path in sorted((trial_data / "payloads").glob("*fred*/*.yaml")):
        for item in yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)["interactions"]:
            if "/fred/series?" in item["request"]["uri"]:
                body = item["response"]["body"]["string"]
                text = (
                    body
                    if isinstance(body, str)
                    else (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
                )
                yield from json.loads(text).get("seriess", [])
