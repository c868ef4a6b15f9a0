"""findata breaks: which figures of the sample do not agree, as a table, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from findata_assets.steps.platform import Platform
from findata_core.schema.tables import table
from tests.conftest import MakePlatform

Run = Callable[..., Any]


def rows(result: Any) -> list[dict[str, str]]:
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_csv_gives_all_columns_of_the_sessions_asked_for(findata: Run, loaded_sample: Platform) -> None:
    """Yahoo's day of 2022-06-02 opens at 264.45, its first minute at 262.75: more than 0.3 % apart."""
    told = rows(
        findata("breaks", "--instrument", "MSFT.XNAS", "--sessions", "2022-06-02", "--csv", on=loaded_sample)
    )
    assert [(row["kind"], row["field"], row["state"]) for row in told] == [("minutes_daily", "open", "open")]
    assert (float(told[0]["left_value"]), float(told[0]["right_value"])) == (262.75, 264.45)
    assert list(told[0]) == list(table("ops.breaks").column_names)


def test_open_ones_come_first_and_states_and_kinds_narrow(findata: Run, loaded_sample: Platform) -> None:
    all_of_them = rows(findata("breaks", "--csv", on=loaded_sample))
    states = [row["state"] for row in all_of_them]
    assert states == sorted(states, key=["open", "explained", "closed"].index)
    assert {"open", "explained"} <= set(states)
    explained = rows(findata("breaks", "--state", "explained", "--csv", on=loaded_sample))
    assert explained == [row for row in all_of_them if row["state"] == "explained"]
    both = findata("breaks", "--kind", "sick_volume", "--kind", "providers", "--csv", on=loaded_sample)
    assert rows(both) == []


def test_a_minute_dearer_than_its_day_is_open(findata: Run, loaded_sample: Platform) -> None:
    """9988 on 2022-05-26: its minutes reach 84.7, Yahoo's day says 82 (the sample's files)."""
    told = rows(
        findata("breaks", "--instrument", "9988.XHKG", "--sessions", "2022-05-26", "--csv", on=loaded_sample)
    )
    assert [(row["field"], row["state"], row["left_value"], row["right_value"]) for row in told] == [
        ("high", "open", "84.7", "82.0")
    ]


def test_json_gives_the_same(findata: Run, loaded_sample: Platform) -> None:
    told = json.loads(findata("breaks", "--json", on=loaded_sample).stdout)
    assert len(told) == len(rows(findata("breaks", "--csv", on=loaded_sample)))


def test_a_table_shows_the_figures_the_reason_and_the_counts(findata: Run, loaded_sample: Platform) -> None:
    """The sample's minutes begin at 16:00 UTC on 2022-05-18: two and a half hours are not there."""
    result = findata("breaks", "--instrument", "MSFT.XNAS", "--sessions", "..2022-05-18", on=loaded_sample)
    assert result.exit_code == 0, result.output
    assert "150 of 390 regular minutes are" in result.stdout
    assert "explained" in result.stdout.splitlines()[-1]


def test_no_break_is_no_error(findata: Run, make_platform: MakePlatform) -> None:
    result = findata("breaks", on=make_platform())
    assert (result.exit_code, result.stdout.strip()) == (0, "No break there")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--state", "healed"], "There is no state 'healed' among breaks"),
        (["--kind", "volume"], "use one of candles_bars, minutes_daily, providers, sick_volume"),
        (["--csv", "--json"], "exclude each other"),
        (["--sessions", "June"], "no range of dates"),
    ],
)
def test_what_nobody_can_mean_is_refused(
    findata: Run, loaded_sample: Platform, options: list[str], said: str
) -> None:
    result = findata("breaks", *options, on=loaded_sample)
    assert result.exit_code == 2
    assert said in result.stderr.replace("\n", " ")
