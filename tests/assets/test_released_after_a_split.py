"""An answer that is held before a split and released after it is in the shares of the day it came, over real HTTP."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from findata_assets.checks.derived import _periods_are_folds
from findata_assets.steps.adjusted import Wanted, adjusted_bars
from findata_assets.steps.asking import asked
from findata_assets.steps.breaks import open_breaks
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.explaining import explain
from findata_assets.steps.holding import release
from findata_assets.steps.known import DERIVATIONS, KnownAt
from findata_assets.steps.platform import Platform
from findata_core.market.adjusting import View
from tests.assets.test_holds import (
    AT_NIGHT,
    EVENING,
    MONDAY,
    TUESDAY,
    asking,
    change,
    differences,
    fetch,
    held,
    ids,
    times,
)
from tests.assets.test_rescaled import EX_DATE, MSFT, known_split
from tests.conftest import SAMPLE, MakePlatform
from tests.orchestration import SetClock
from tests.standin import StandIn

RATIO = 4  # of the split on Wednesday, 2022-06-15
ONE = pl.Series([MSFT])


@pytest.fixture
def late(make_platform: MakePlatform, standin: StandIn, tmp_path: Path) -> Platform:
    """Tuesday's right answer is held, since Monday's was a tenth; released on Wednesday evening, the day of the split."""
    platform = asking(make_platform, standin)
    for interval in ("1m", "1d"):
        change(standin, "MSFT", interval, times(0.1), MONDAY)
    fetch(platform, standin, datetime(2022, 6, 13, 21, tzinfo=UTC), MONDAY)
    fetch(platform, standin, EVENING)
    assert held(platform) == [("powers_of_ten_off", MSFT, "1d"), ("powers_of_ten_off", MSFT, "1m")]
    known_split(platform, tmp_path, f"{RATIO}:1")
    standin.now = AT_NIGHT
    platform.clock = SetClock(AT_NIGHT)
    release(platform, ids(platform), "Monday's was wrong")
    run_due(platform)
    return platform


def recorded(file: str) -> dict[str, float]:
    """The sample's closes of MSFT on that Tuesday, by the time that the file gives."""
    with (SAMPLE / file).open() as lines:
        return {
            row["date"]: float(row["close"])
            for row in csv.DictReader(lines)
            if row["date"][:10] == str(TUESDAY)
        }


def closes(platform: Platform, interval: str, view: View) -> list[float]:
    wanted = Wanted(MSFT, interval, view, on=EX_DATE, start=TUESDAY)
    return adjusted_bars(platform, wanted).rows.filter(session_date=TUESDAY)["close"].to_list()


@pytest.mark.parametrize(("interval", "file"), [("1m", "MSFT_1m.csv"), ("1d", "MSFT_1d.csv")])
def test_its_prices_are_what_was_traded(late: Platform, interval: str, file: str) -> None:
    traded = list(recorded(file).values())
    assert closes(late, interval, "raw") == pytest.approx(traded)
    assert closes(late, interval, "split") == pytest.approx([close / RATIO for close in traded])


def test_what_is_folded_of_it_is_on_one_scale_and_follows(late: Platform) -> None:
    (close,) = recorded("MSFT_1d.csv").values()
    weeks = late.read("market.weekly_candles", subjects=ONE).filter(source_interval="1d")
    (week,) = weeks.filter(pl.col("period_start_date") == MONDAY).to_dicts()
    assert week["close"] == pytest.approx(close / RATIO)
    assert week["ingest_time"] == AT_NIGHT
    assert all(one.is_equal for one in explain(late, asked(MSFT, "1w", str(MONDAY))))
    assert _periods_are_folds(late, "market.weekly_candles").passed
    assert differences(late) == []


@pytest.mark.parametrize(
    "name", sorted(name for name in DERIVATIONS if name.startswith(("market", "signal")))
)
def test_what_was_known_since_the_release_is_what_is_stored(late: Platform, name: str) -> None:
    assert KnownAt(late, AT_NIGHT).read(name).equals(late.read(name))


def test_before_the_release_nothing_of_it_was_known(late: Platform) -> None:
    before = KnownAt(late, AT_NIGHT - timedelta(microseconds=1))
    assert before.read("market.bars", subjects=ONE).filter(session_date=TUESDAY).is_empty()
    assert late.released(ONE).height == 2
    assert set(late.released(ONE)["received_time"]) == {EVENING}


def test_its_minutes_agree_with_a_day_that_is_told_after_the_split(
    make_platform: MakePlatform, standin: StandIn, tmp_path: Path
) -> None:
    """The ledger brings both to one scale by the day that each came, not by the release, which was after the split."""
    platform = asking(make_platform, standin)
    days = standin.yahoo_bars.pop(("MSFT", "1d"))
    change(standin, "MSFT", "1m", times(0.1), MONDAY)
    fetch(platform, standin, datetime(2022, 6, 13, 21, tzinfo=UTC), MONDAY)
    fetch(platform, standin, EVENING)
    assert held(platform) == [("powers_of_ten_off", MSFT, "1m")]
    known_split(platform, tmp_path, f"{RATIO}:1")
    platform.clock = SetClock(AT_NIGHT)
    release(platform, ids(platform), "Monday's was wrong")
    run_due(platform)

    standin.yahoo_bars["MSFT", "1d"] = days
    for interval in ("1m", "1d"):
        change(
            standin,
            "MSFT",
            interval,
            lambda row: (row[0], *(price / RATIO for price in row[1:5]), row[5] * RATIO),
        )
    fetch(platform, standin, AT_NIGHT + timedelta(days=1))
    days_told = platform.read("market.bars_1d", subjects=ONE).filter(session_date=TUESDAY)
    assert days_told.get_column("source").to_list() == ["yahoo"]
    assert open_breaks(platform).filter(instrument_id=MSFT, session_date=TUESDAY).rows() == []
    assert differences(platform) == []
