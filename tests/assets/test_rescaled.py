"""A provider rescales its history at a split, over real HTTP: what is stored stays, and the split explains it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from findata_assets.steps.adjusted import Wanted, adjusted_bars
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import adopt_receipts, load_recorded
from findata_core.schema.tables import table
from tests.assets.test_holds import (
    EVENING,
    LATER,
    asking,
    change,
    differences,
    fetch,
    held,
    rows,
    times,
)
from tests.conftest import MakePlatform
from tests.standin import StandIn

MSFT = "MSFT.XNAS"
EX_DATE = date(2022, 6, 15)
OPENING = int(datetime(2022, 6, 15, 13, 30, tzinfo=UTC).timestamp())
FACTS = (
    "SELECT instrument_id, interval, event_time, open, high, low, close, volume, ingest_time, payload_id "
    "FROM market.bars UNION ALL SELECT instrument_id, interval, event_time, open, high, low, close, volume, "
    "ingest_time, payload_id FROM market.bars_1d ORDER BY 1, 2, 3"
)
RESCALES = (
    "SELECT instrument_id, interval, session_date, numerator, denominator FROM ops.rescales ORDER BY 1, 2, 3"
)


@pytest.fixture
def live(standin: StandIn, make_platform: MakePlatform) -> Platform:
    return asking(make_platform, standin)


def rescale(standin: StandIn, splits: tuple[tuple[int, int, int], ...]) -> None:
    """Answer from now on in a quarter of the prices, and four times the shares; tell these splits."""
    for interval in ("1m", "1d"):
        change(standin, "MSFT", interval, times(0.25))
        bars = standin.yahoo_bars["MSFT", interval]
        bars = replace(bars, rows=[(*row[:5], (row[5] or 0) * 4) for row in bars.rows], splits=splits)
        standin.yahoo_bars["MSFT", interval] = bars


def known_split(platform: Platform, folder: Path, ratio: str = "4:1", day: date = EX_DATE) -> None:
    """Load a table of one split, which was received in the morning of its ex-date."""
    (folder / "splits.csv").write_text(f"date,ratio\n{day},{ratio}\n")
    (folder / "recorded.toml").write_text(
        "[[set]]\nname = 'mine'\nfiles = 'splits.csv'\ndataset = 'actions'\nsource = 'mine'\n"
        "adjustment = 'raw'\nreceived = 2022-06-15T12:00:00Z\n"
        "[set.instrument]\nsymbol = 'MSFT'\nmic = 'XNAS'\n[set.time]\ncolumn = 'date'\n"
    )
    load_recorded(platform, folder, None, "actions")
    run_due(platform)


def msft(found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [row for row in found if row[0] == MSFT]


@pytest.mark.parametrize("told_by", ["the answer itself", "a table that was loaded"])
def test_a_rescaling_that_a_split_explains_leaves_what_is_stored(
    told_by: str, live: Platform, standin: StandIn, tmp_path: Path
) -> None:
    fetch(live, standin, EVENING)
    before = msft(rows(live, FACTS))
    rescale(standin, ((OPENING, 4, 1),) if told_by == "the answer itself" else ())
    if told_by == "a table that was loaded":
        known_split(live, tmp_path)
    fetch(live, standin, LATER)
    assert held(live) == []
    assert msft(rows(live, FACTS)) == before
    tuesday = date(2022, 6, 14)
    assert rows(live, RESCALES) == [(MSFT, "1d", tuesday, 4, 1), (MSFT, "1m", tuesday, 4, 1)]
    refused = rows(
        live,
        "SELECT table_name, count(*) FROM ops.quarantine WHERE rule = 'rescaled_by_split' GROUP BY 1 ORDER BY 1",
    )
    assert [name for name, _ in refused] == ["market.bars", "market.bars_1d"]
    assert refused[0][1] == len([row for row in before if row[1] == "1m"])
    assert differences(live) == []


def test_prices_are_on_one_scale_however_they_were_stored(live: Platform, standin: StandIn) -> None:
    fetch(live, standin, EVENING)
    told = {row[2]: row[6] for row in msft(rows(live, FACTS)) if row[1] == "1m"}
    rescale(standin, ((OPENING, 4, 1),))
    fetch(live, standin, LATER)
    raw = adjusted_bars(live, Wanted(MSFT, "1m", "raw")).rows
    assert dict(raw.select("event_time", "close").iter_rows()) == told
    later = adjusted_bars(live, Wanted(MSFT, "1m", "split", on=EX_DATE)).rows
    assert later["close"].to_list() == pytest.approx([told[stamp] / 4 for stamp in later["event_time"]])
    assert set(later["volume_factor"]) == {4.0}


def test_another_ratio_than_the_known_one_is_held(live: Platform, standin: StandIn, tmp_path: Path) -> None:
    fetch(live, standin, EVENING)
    known_split(live, tmp_path, "3:1")
    rescale(standin, ())
    fetch(live, standin, LATER)
    assert held(live) == [("history_rescaled", MSFT, "1d"), ("history_rescaled", MSFT, "1m")]
    assert rows(live, RESCALES) == []


def test_a_split_that_is_still_to_come_explains_nothing(
    live: Platform, standin: StandIn, tmp_path: Path
) -> None:
    fetch(live, standin, EVENING)
    known_split(live, tmp_path, "4:1", date(2022, 6, 20))
    rescale(standin, ())
    fetch(live, standin, LATER)
    assert held(live) == [("history_rescaled", MSFT, "1d"), ("history_rescaled", MSFT, "1m")]


def test_a_lost_database_finds_the_same_explanations_again(
    live: Platform, standin: StandIn, make_platform: MakePlatform
) -> None:
    fetch(live, standin, EVENING)
    rescale(standin, ((OPENING, 4, 1),))
    fetch(live, standin, LATER)
    fresh = make_platform(universe=live.settings.universe, s3_bucket=live.settings.s3_bucket)
    adopt_receipts(fresh)
    run_due(fresh)
    for address in ("market.bars", "market.bars_1d", "reference.splits", "ops.rescales", "ops.quarantine"):
        target = table(address)
        key = list(target.business_key)
        assert fresh.store.read(target).sort(key).equals(live.store.read(target).sort(key))


def test_the_split_of_an_answer_is_a_fact_with_its_source(live: Platform, standin: StandIn) -> None:
    rescale(standin, ((OPENING, 4, 1),))
    fetch(live, standin, EVENING)
    (split,) = live.store.read(table("reference.splits")).to_dicts()
    assert (split["source"], split["ex_date"], split["numerator"]) == ("yahoo", EX_DATE, 4)
    assert isinstance(split["ingest_time"], datetime)
    assert live.store.read(table("reference.dividends")).equals(
        pl.DataFrame(schema=live.store.read(table("reference.dividends")).schema)
    )
