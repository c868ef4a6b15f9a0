"""Index levels and who was in an index on a day, from recorded files that a manifest describes."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import RECORDED_ASSETS, load_recorded
from findata_core.economic.memberships import members_on, overlaps
from findata_core.errors import ConfigurationError
from tests.conftest import MakePlatform

MEMBERS = """
[[set]]
name = "members"
files = "members.csv"
dataset = "index_members"
source = "somebody"
index = "SP500"
until = "{until}"
received = 2026-04-13T16:00:00Z
columns = {{ symbol = "ticker", from_date = "start_date", to_date = "end_date" }}
"""
LEVELS = """
[[set]]
name = "levels"
files = "levels.csv"
dataset = "index_levels"
source = "cboe"
index = "VIX"
received = 2026-04-13T16:00:00Z
time = { column = "DATE" }
columns = { level = "CLOSE", open_level = "OPEN", high_level = "HIGH", low_level = "LOW" }
"""
GRAPH = """
[[set]]
name = "graph"
files = "graph.csv"
dataset = "observations"
source = "fred"
series = "SP500"
received = 2026-04-13T03:00:00Z
time = { column = "observation_date" }
columns = { value = "SP500" }
"""


def load(make_platform: MakePlatform, folder: Path, manifest: str, **files: str) -> Platform:
    (folder / "recorded.toml").write_text(manifest)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    platform = make_platform()
    for dataset in RECORDED_ASSETS["economic"]:
        load_recorded(platform, folder, None, dataset)
    run_due(platform)
    return platform


def rows(platform: Platform, query: str) -> list[tuple[Any, ...]]:
    return platform.store.database.frame(sql.SQL(query)).rows()  # type: ignore[arg-type]


def members(platform: Platform, day: str) -> list[str]:
    return [
        symbol
        for (symbol,) in rows(platform, f"SELECT symbol FROM economic.index_members_on('SP500', '{day}')")
    ]


def test_who_was_in_an_index_on_a_day(make_platform: MakePlatform, tmp_path: Path) -> None:
    # PCG left on the day that TFX came (2019-01-18) and returned on 2022-10-03.
    text = (
        "ticker,start_date,end_date\nPCG,1996-01-02,2019-01-18\nPCG,2022-10-03,\nTFX,2019-01-18,2025-04-24\n"
    )
    platform = load(make_platform, tmp_path, MEMBERS.format(until="exclusive"), members=text)
    assert [members(platform, day) for day in ("1996-01-01", "1996-01-02", "2019-01-17", "2019-01-18")] == [
        [],
        ["PCG"],
        ["PCG"],
        ["TFX"],
    ]
    assert [members(platform, day) for day in ("2022-10-02", "2022-10-03", "2025-04-23", "2025-04-24")] == [
        ["TFX"],
        ["PCG", "TFX"],
        ["PCG", "TFX"],
        ["PCG"],
    ]


def test_an_end_that_counts_still_belongs_to_the_spell(make_platform: MakePlatform, tmp_path: Path) -> None:
    platform = load(
        make_platform,
        tmp_path,
        MEMBERS.format(until="inclusive"),
        members="ticker,start_date,end_date\nA,2000-06-05,2001-01-02\n",
    )
    assert members(platform, "2001-01-02") == ["A"]
    assert members(platform, "2001-01-03") == []


def test_spells_that_are_said_twice_overlap_or_end_before_they_begin_are_refused_with_the_reason(
    make_platform: MakePlatform, tmp_path: Path
) -> None:
    text = """ticker,start_date,end_date
TWICE,2000-01-03,2001-01-03
TWICE,2000-01-03,2001-01-03
OPEN,2000-01-03,2001-01-03
OPEN,2000-01-03,
CROSS,2000-01-03,2002-01-03
CROSS,2001-06-01,
WRONG,2005-01-03,2004-01-03
NODAY,2005-01-03,soon
NAME,2005-01-03,2006-01-03
NEXT,2000-01-03,2001-01-03
NEXT,2001-01-03,
"""
    platform = load(make_platform, tmp_path, MEMBERS.format(until="exclusive"), members=text)
    assert rows(platform, "SELECT symbol, count(*) FROM economic.index_members GROUP BY 1 ORDER BY 1") == [
        ("NAME", 1),
        ("NEXT", 2),
        ("TWICE", 1),
    ]
    refused = rows(platform, "SELECT row ->> 'symbol' AS symbol, rule FROM ops.quarantine ORDER BY 1, 2")
    assert refused == [
        ("CROSS", "spells_overlap"),
        ("CROSS", "spells_overlap"),
        ("NODAY", "from_date_null"),
        ("OPEN", "key_not_increasing"),
        ("OPEN", "spells_overlap"),
        ("OPEN", "spells_overlap"),
        ("TWICE", "key_not_increasing"),
        ("WRONG", "ends_before_it_begins"),
    ]


SPELLS = st.lists(
    st.tuples(st.sampled_from(["A", "B"]), st.integers(0, 40), st.none() | st.integers(0, 40)),
    max_size=8,
    unique_by=lambda spell: spell[:2],
)


@given(spells=SPELLS)
def test_two_spells_overlap_if_and_only_if_they_have_a_day_in_common(
    spells: list[tuple[str, int, int | None]],
) -> None:
    start = date(2020, 1, 1)
    found = [
        (symbol, first, first + length if length is not None else None)
        for symbol, first, length in sorted(spells, key=lambda spell: spell[:2])
    ]
    frame = pl.DataFrame(
        [
            (
                "I",
                "s",
                symbol,
                start + timedelta(days=first),
                start + timedelta(days=last) if last is not None else None,
            )
            for symbol, first, last in found
        ],
        schema={
            "index_id": pl.String,
            "source": pl.String,
            "symbol": pl.String,
            "from_date": pl.Date,
            "to_date": pl.Date,
        },
        orient="row",
    )
    held = [{*range(first, (last if last is not None else 100) + 1)} for _, first, last in found]
    expected = [
        any(
            number != place and found[number][0] == found[place][0] and held[number] & held[place]
            for place in range(len(found))
        )
        for number in range(len(found))
    ]
    assert frame.select(overlaps()).to_series().to_list() == [bool(value) for value in expected]
    if not any(expected):
        for offset in (0, 20, 50):
            on_day = members_on(frame, start + timedelta(days=offset)).get_column("symbol").to_list()
            assert on_day == [
                symbol for (symbol, *_), days in zip(found, held, strict=True) if offset in days
            ]


def test_levels_of_an_index_and_a_level_of_zero_which_is_none(
    make_platform: MakePlatform, tmp_path: Path
) -> None:
    text = "DATE,OPEN,HIGH,LOW,CLOSE\n1990-01-02,17.24,17.24,17.24,17.24\n1990-01-03,18.19,18.19,18.19,18.19\n1990-01-04,0,0,0,0\n1990-01-05,,,,\n1990-01-08,20,19,21,20\n1990-01-09,20,21,19,N/A\n"
    platform = load(make_platform, tmp_path, LEVELS, levels=text)
    assert rows(platform, "SELECT observation_date::text, level FROM economic.index_levels ORDER BY 1") == [
        ("1990-01-02", 17.24),
        ("1990-01-03", 18.19),
    ]
    refused = rows(platform, "SELECT row ->> 'observation_date' AS day, rule FROM ops.quarantine ORDER BY 1")
    assert refused == [
        ("1990-01-04", "level_not_positive"),
        ("1990-01-08", "high_below_low"),
        ("1990-01-09", "level_null"),
    ]


def test_a_file_of_todays_values_says_what_was_seen_and_an_empty_field_is_missing(
    make_platform: MakePlatform, tmp_path: Path
) -> None:
    platform = load(
        make_platform,
        tmp_path,
        GRAPH,
        graph="observation_date,SP500\n2016-02-12,1864.78\n2016-02-15,\n2016-02-16,abc\n",
    )
    found = rows(
        platform,
        "SELECT observation_date::text, state, value, vintage_date::text, vintage_kind FROM economic.observations ORDER BY 1",
    )
    # Received at 03:00 UTC of the 13th: in Chicago it was the 12th.
    assert found == [
        ("2016-02-12", "value", 1864.78, "2026-04-12", "seen"),
        ("2016-02-15", "missing", None, "2026-04-12", "seen"),
    ]
    assert rows(platform, "SELECT rule FROM ops.quarantine") == [("value_unreadable",)]
    assert rows(platform, "SELECT count(*) FROM economic.observations_as_of('2016-02-20')") == [(0,)], (
        "nobody has shown what it was then"
    )


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        (MEMBERS.format(until="exclusive").replace('until = "exclusive"\n', ""), "needs until"),
        (MEMBERS.format(until="exclusive").replace(', to_date = "end_date"', ""), "which field is to_date"),
        (LEVELS.replace('index = "VIX"\n', ""), "needs index"),
        (GRAPH.replace('series = "SP500"\n', ""), "needs series"),
        (
            GRAPH.replace('columns = { value = "SP500" }', 'layout = { format = "ecb_csv" }'),
            "is read as csv, fred_json, parquet",
        ),
    ],
)
def test_a_manifest_that_says_too_little_is_told_what_to_add(
    make_platform: MakePlatform, tmp_path: Path, manifest: str, told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told):
        load(make_platform, tmp_path, manifest, members="a", levels="a", graph="a")
