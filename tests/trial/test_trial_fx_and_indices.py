"""The recorded files of the European Central Bank, the S&P 500's spells, VIX and S&P 500 levels, counted independently."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import RECORDED_ASSETS, load_recorded
from tests.conftest import MakePlatform

MANIFEST = Path(__file__).parents[1] / "manifests" / "economic.toml"


@dataclass(frozen=True)
class Loaded:
    platform: Platform
    folder: Path

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.platform.store.database.frame(sql.SQL(query)).rows()  # type: ignore[arg-type]

    def lines(self, path: str) -> list[dict[str, str]]:
        return list(csv.DictReader((self.folder / path).read_text().splitlines()))


@pytest.fixture(scope="module")
def loaded(trial_data: Path, make_module_platform: MakePlatform) -> Loaded:
    platform = make_module_platform()
    folder = trial_data / "reference"
    for dataset in RECORDED_ASSETS["economic"]:
        load_recorded(platform, folder, MANIFEST, dataset)
    run_due(platform)
    return Loaded(platform, folder)


def test_nothing_of_the_recorded_files_was_refused(loaded: Loaded) -> None:
    assert loaded.rows("SELECT table_name, rule, count(*) FROM ops.quarantine GROUP BY 1, 2") == []


def test_each_rate_of_the_bank_is_in_the_table_and_none_besides(loaded: Loaded) -> None:
    archive = zipfile.ZipFile(loaded.folder / "ecb-eurofxref" / "eurofxref-hist.zip")
    text = io.TextIOWrapper(archive.open("eurofxref-hist.csv"), "utf-8")
    expected = {
        (name, row["Date"]): float(value)
        for row in csv.DictReader(text)
        for name, value in row.items()
        if name not in ("Date", "") and value not in ("N/A", "")
    }
    found = loaded.rows(
        "SELECT quote, observation_date::text, rate FROM economic.fx_rates WHERE source = 'ecb'"
    )
    assert {(quote, day): rate for quote, day, rate in found} == expected
    assert len(found) == len(expected) > 200_000


# The repository's two files name different days for these: spells 2022-01-20 and 2023-06-10, changes as here.
DISAGREED = {("2022-01-10", "WTW"), ("2022-01-10", "WLTW"), ("2023-07-10", "EG"), ("2023-07-10", "RE")}


def test_members_change_on_the_days_that_the_list_of_changes_names(loaded: Loaded) -> None:
    changes = loaded.lines("fja05680-sp500/sp500_changes_since_2019.csv")
    spells = loaded.lines("fja05680-sp500/sp500_ticker_start_end.csv")
    known_until = max(max(row["start_date"], row["end_date"]) for row in spells)
    compared = 0
    wrong = []
    for change in changes:
        if change["date"] > known_until:  # the list is newer than the spells
            continue
        day = date.fromisoformat(change["date"])
        before, after = (members(loaded, moment) for moment in (day - timedelta(days=1), day))
        came, went = (names(change[key]) for key in ("add", "remove"))
        compared += len(came) + len(went)
        wrong += [(str(day), "not new", name) for name in came if name in before or name not in after]
        wrong += [(str(day), "not gone", name) for name in went if name not in before or name in after]
    assert compared > 200
    assert {(day, name) for day, _, name in wrong} == DISAGREED


def names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def members(loaded: Loaded, day: date) -> set[str]:
    return {
        name for (name,) in loaded.rows(f"SELECT symbol FROM economic.index_members_on('SP500', '{day}')")
    }


def test_levels_are_the_files_and_a_day_without_one_has_none(loaded: Loaded) -> None:
    vix = loaded.lines("datasets-finance-vix/vix-daily.csv")
    found = loaded.rows(
        "SELECT observation_date::text, level, high_level FROM economic.index_levels WHERE index_id = 'VIX' ORDER BY 1"
    )
    assert found == sorted((row["DATE"], float(row["CLOSE"]), float(row["HIGH"])) for row in vix)
    monthly = loaded.lines("datasets-s-and-p-500/data.csv")
    assert loaded.rows("SELECT count(*) FROM economic.index_levels WHERE source = 'shiller'") == [
        (len(monthly),)
    ]


def test_an_empty_field_of_a_file_of_fred_is_missing_and_never_a_zero(loaded: Loaded) -> None:
    graph = loaded.lines("datasets-s-and-p-500/fred_sp500.csv")
    empty = sum(not row["SP500"] for row in graph)
    found = loaded.rows(
        "SELECT state, count(*) FROM economic.observations WHERE series_id = 'SP500' GROUP BY 1 ORDER BY 1"
    )
    assert found == [("missing", empty), ("value", len(graph) - empty)]
    assert empty > 50
    assert loaded.rows("SELECT count(*) FROM economic.observations WHERE value = 0") == [(0,)]
