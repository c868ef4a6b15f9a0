"""What the recorded sets say twice and differently is found, named, and explained where it can be."""

from __future__ import annotations

import csv
import random
from collections import Counter
from collections.abc import Collection
from datetime import date
from typing import Any

import polars as pl
import pytest

from findata_assets.steps.breaks import uncompared
from findata_core.quality.volumes import judge, volume_profiles
from findata_core.schema.tables import table
from findata_resources.environment import PROJECT
from tests.quality.made_totals import with_running_totals
from tests.trial.conftest import Trial

ANSWERS = PROJECT / "tests" / "answers"


def answers(name: str) -> list[dict[str, str]]:
    lines = (ANSWERS / name).read_text().splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


@pytest.fixture(scope="module")
def spring(trial: Trial) -> pl.DataFrame:
    """The minutes of the set with the sick sessions."""
    bars = trial.platform.store.read(table("market.bars"), date(2026, 3, 9), date(2026, 5, 6))
    return bars.filter(interval="1m")


def sick_answers(names: Collection[str], first: int = 16, last: int = 19) -> set[tuple[str, date]]:
    """The sessions of some names that are sick, from one day of March 2026 to another, both inclusive."""
    rows = [
        (row["instrument_id"], date.fromisoformat(row["session_date"])) for row in answers("sick_volumes.csv")
    ]
    return {(name, day) for name, day in rows if name in names and first <= day.day <= last}


def told_sick(minutes: pl.DataFrame) -> set[tuple[str, date]]:
    sick = judge(volume_profiles(minutes)).filter(verdict="sick")
    return set(sick.select("instrument_id", "session_date").iter_rows())


@pytest.fixture(scope="module")
def verdicts(trial: Trial) -> pl.DataFrame:
    return judge(trial.platform.store.read(table("ops.volume_profiles")))


def test_the_sessions_with_volumes_that_nobody_traded_are_named_and_no_others(trial: Trial) -> None:
    """Among all sessions of all sets: earnings days, thin names, half days, London, seven sources."""
    expected = {
        (row["instrument_id"], date.fromisoformat(row["session_date"])) for row in answers("sick_volumes.csv")
    }
    told = trial.rows("SELECT instrument_id, session_date, state FROM ops.breaks WHERE kind = 'sick_volume'")
    assert {(name, day) for name, day, _ in told} == expected
    assert {state for _, _, state in told} == {"explained"}


@pytest.mark.parametrize(
    "names",
    [
        ["APPS.XNAS"],
        ["CFLT.XNAS"],
        ["APPS.XNAS", "IBM.XNYS", "GLOB.XNYS"],
        ["APPS.XNAS", "AAPL.XNAS"],
        ["MELI.XNAS", "APPS.XNAS", "GLOB.XNYS"],
    ],
)
def test_sick_sessions_are_named_whoever_is_loaded_with_them(spring: pl.DataFrame, names: list[str]) -> None:
    loaded = spring.filter(pl.col("instrument_id").is_in(names))
    assert told_sick(loaded) == sick_answers(names)


@pytest.mark.parametrize(("first", "last"), [(9, 16), (13, 18), (16, 19), (18, 18)])
def test_sick_sessions_are_named_however_few_are_loaded_with_them(
    spring: pl.DataFrame, first: int, last: int
) -> None:
    days = pl.col("session_date").is_between(date(2026, 3, first), date(2026, 3, last))
    names = set(spring.get_column("instrument_id"))
    assert told_sick(spring.filter(days)) == sick_answers(names, first, last)


@pytest.mark.parametrize("times", [3, 4, 6, 12])
@pytest.mark.parametrize("part", [(0.0, 1.0), (0.0, 0.5), (0.5, 1.0)])
@pytest.mark.parametrize(
    "names", [["GLOB.XNYS"], ["IBM.XNYS"], ["APPS.XNAS"], ["AAPL.XNAS", "APPS.XNAS", "NVDA.XNAS"]]
)
def test_running_totals_in_healthy_sessions_are_named_and_no_others(
    spring: pl.DataFrame, times: float, part: tuple[float, float], names: list[str]
) -> None:
    """The mechanism of March in four healthy sessions of April: three giants make a session three times too high."""
    chance, days = random.Random(20260414), [date(2026, 4, day) for day in (14, 15, 16, 17)]
    keys = ["instrument_id", "session_date", "event_time"]
    healthy = spring.filter(pl.col("session_date") > date(2026, 3, 19)).sort(keys)
    is_struck = pl.col("instrument_id").is_in(names) & pl.col("session_date").is_in(days)
    struck = [
        part_of.with_columns(
            volume=pl.Series(with_running_totals(part_of["volume"].to_list(), times, chance, part))
        )
        for part_of in healthy.filter(is_struck).partition_by(
            "instrument_id", "session_date", maintain_order=True
        )
    ]
    assert told_sick(pl.concat([healthy.filter(~is_struck), *struck])) == {
        (name, day) for name in names for day in days
    }


def test_volume_before_zeros_tells_sick_sessions_from_all_others_by_far(trial: Trial) -> None:
    """How far apart they are: what the bounds of running_totals.py rest on."""
    profiles = trial.platform.store.read(table("ops.volume_profiles")).filter(pl.col("bars") >= 60)
    expected = sick_answers({row["instrument_id"] for row in answers("sick_volumes.csv")})
    is_sick = pl.Series(
        [key in expected for key in profiles.select("instrument_id", "session_date").iter_rows()]
    )
    sick, others = profiles.filter(is_sick), profiles.filter(~is_sick)
    assert (sick.height, others.height > 500) == (29, True)
    assert sick.select(pl.col("before_zero_excess", "before_zero_deviations").min().round(2)).row(0) == (
        0.27,
        7.69,
    )
    assert others.select(pl.col("before_zero_excess", "before_zero_deviations").max().round(2)).row(0) == (
        0.01,
        1.2,
    )


def test_a_session_whose_day_has_all_its_volume_is_never_sick(trial: Trial, verdicts: pl.DataFrame) -> None:
    """Where the source's own daily bar has at least what its minutes sum to, they can't be several times too high."""
    honest = trial.rows(
        "SELECT instrument_id, session_date, source FROM market.bars AS minutes "
        "JOIN market.bars_1d AS days USING (instrument_id, session_date, source, adjustment) "
        "WHERE minutes.interval = '1m' AND minutes.session_phase = 'regular' "
        "GROUP BY instrument_id, session_date, source, days.volume HAVING sum(minutes.volume) <= days.volume"
    )
    told = {
        (row[0], row[1], row[2]): row[3]
        for row in verdicts.select("instrument_id", "session_date", "source", "verdict").rows()
    }
    assert len(honest) > 150
    assert {told.get((name, day, source), "unknown") for name, day, source in honest} == {
        "healthy",
        "unknown",
    }


def test_few_sessions_leave_the_verdict_open(verdicts: pl.DataFrame) -> None:
    """Alpha Vantage's set has five sessions a name: four others are not enough to say what is usual."""
    assert set(verdicts.filter(source="alphavantage").get_column("verdict")) == {"unknown"}


def test_minutes_differ_from_the_sources_own_bars_as_worked_out_by_hand(trial: Trial) -> None:
    named = ("kind", "instrument_id", "session_date", "field")
    rows = trial.rows(
        "SELECT kind, instrument_id, session_date, field, left_value, right_value, broken_bars::bigint, state "
        "FROM ops.breaks WHERE left_source = 'yahoo' AND interval IN ('5m', '1d') "
        "AND session_date BETWEEN '2024-01-16' AND '2024-02-13'"
    )
    told = sorted((*(str(value) for value in row[:4]), *row[4:]) for row in rows)
    expected: list[tuple[Any, ...]] = sorted(
        (
            *(row[name] for name in named),
            float(row["left_value"]),
            float(row["right_value"]),
            int(row["broken_bars"]),
            row["state"],
        )
        for row in answers("breaks_by_hand.csv")
    )
    assert told == expected


def test_bars_of_half_sessions_are_explained(trial: Trial) -> None:
    """The sample of 2022 begins and ends inside a session; of its 17 whole ones the days bear the minutes out but
    for one open: of 2022-06-02, 262.75 in the first minute and 264.45 in the day."""
    rows = trial.rows(
        "SELECT session_date, field, state, explanation FROM ops.breaks WHERE instrument_id = 'MSFT.XNAS' "
        "AND kind = 'minutes_daily' AND session_date BETWEEN '2022-05-18' AND '2022-06-15' ORDER BY 1, 2"
    )
    states = Counter((str(day), state) for day, _, state, _ in rows)
    assert {key for key in states if key[1] == "open"} == {("2022-06-02", "open")}
    assert {day for day, state in states if state == "explained"} == {"2022-05-18", "2022-06-15"}
    missing = {explanation.partition(" ")[0] for day, *_, explanation in rows if str(day) == "2022-05-18"}
    assert missing == {"150"}


def test_alpha_vantages_minutes_and_quarters_agree_but_for_a_few_bars(trial: Trial) -> None:
    """3,105 bars of 15 minutes stand beside folded ones: nobody can say why a handful differ."""
    (counts,) = trial.rows(
        "SELECT count(*) FILTER (WHERE state = 'open') AS open, sum(broken_bars) FILTER (WHERE state = 'open')::bigint "
        "AS bars FROM ops.breaks WHERE kind = 'candles_bars' AND interval = '15m'"
    )
    assert 1 <= counts[0] <= 20
    assert counts[1] <= 3105 * 0.01


def test_sources_of_different_bases_are_left_out_with_the_reason(trial: Trial) -> None:
    """Alpha Vantage's days are as traded, Yahoo's are rescaled at splits: MSFT has both from 2018 on."""
    left = uncompared(trial.platform)
    assert set(left.get_column("instrument_id")) == {"MSFT.XNAS"}
    assert set(left.get_column("reason")) == {
        "alphavantage has raw, yahoo has split: different bases are not compared"
    }
    assert trial.rows("SELECT 1 AS one FROM ops.breaks WHERE kind = 'providers'") == []


def test_each_row_of_the_ledger_is_within_its_own_rules(trial: Trial) -> None:
    rows = trial.platform.store.read(table("ops.breaks"))
    assert rows.height > 100
    judged = rows.filter(pl.col("kind") != "sick_volume")
    assert (judged.get_column("difference").abs() > judged.get_column("tolerance")).all()
    assert rows.filter((pl.col("state") == "open") != pl.col("explanation").is_null()).is_empty()
    assert (rows.get_column("broken_bars") <= rows.get_column("compared_bars")).all()
