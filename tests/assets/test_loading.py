"""Loading the definitions is light: every process of Dagster pays for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date, time
from pathlib import Path

import pytest

from findata_core.calendars import sessions_of
from findata_resources import trading_days as module
from findata_resources.environment import PROJECT
from findata_resources.trading_days import Closes, TradingDays, trading_days

# What costs a second, or a third of one, and is not needed to know the assets.
HEAVY = ["adbc_driver_postgresql", "alembic", "curl_cffi", "exchange_calendars", "fredapi", "httpx"]
HEAVY += ["matplotlib", "pandas", "pandera", "yfinance"]

LOAD = """
import json, sys
from findata_assets.definitions import findata
findata().resolve_asset_graph()
print(json.dumps(sorted(name for name in sys.modules if "." not in name)))
"""
MICS = ("XHKG", "XNAS")
FIRST, LAST = date(2021, 1, 1), date(2022, 12, 31)


def modules_of_a_load(cache: Path) -> set[str]:
    environment = {**os.environ, "FINDATA_CACHE": str(cache), "FINDATA_HOME": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", LOAD], cwd=PROJECT, env=environment, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_second_load_imports_no_heavy_library(tmp_path: Path) -> None:
    assert set(HEAVY) & modules_of_a_load(tmp_path) == {"exchange_calendars", "pandas"}
    assert set(HEAVY) & modules_of_a_load(tmp_path) == set()


def test_what_is_kept_is_what_the_library_says(tmp_path: Path) -> None:
    fresh = trading_days(MICS, FIRST, LAST, tmp_path)
    assert trading_days(MICS, FIRST, LAST, tmp_path) == fresh
    both = {day for mic in MICS for day in sessions_of(mic, FIRST, LAST)["session_date"]}
    assert fresh.dates == tuple(sorted(both))
    assert fresh.closes["XHKG"].time_zone == "Asia/Hong_Kong"
    assert fresh.closes["XNAS"].by_date[date(2022, 11, 25)] == time(13)  # the day after Thanksgiving


def test_kept_days_are_used_without_asking_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = trading_days(MICS, FIRST, LAST, tmp_path)
    monkeypatch.setattr(module, "_computed", lambda *_: pytest.fail("the library was asked"))
    assert trading_days(reversed(MICS), FIRST, LAST, tmp_path) == fresh


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("2021-01-04", "2021-01-05", 1),
        lambda text: "no json\n" + text,
        lambda text: "\x00" * 100,
    ],
    ids=["empty", "cut off", "altered", "other text", "zeros"],
)
def test_a_damaged_file_is_computed_and_written_again(tmp_path: Path, damage: object) -> None:
    fresh = trading_days(MICS, FIRST, LAST, tmp_path)
    (path,) = tmp_path.glob("calendars/*.json")
    whole = path.read_text()
    path.write_text(damage(whole))  # type: ignore[operator]
    assert trading_days(MICS, FIRST, LAST, tmp_path) == fresh
    assert path.read_text() == whole


def test_bytes_that_are_no_text_are_computed_again(tmp_path: Path) -> None:
    fresh = trading_days(MICS, FIRST, LAST, tmp_path)
    (path,) = tmp_path.glob("calendars/*.json")
    path.write_bytes(b"\xff\xfe\x80")
    assert trading_days(MICS, FIRST, LAST, tmp_path) == fresh


def test_another_question_or_another_library_is_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trading_days(MICS, FIRST, LAST, tmp_path)
    trading_days(MICS[:1], FIRST, LAST, tmp_path)
    trading_days(MICS, FIRST, date(2023, 6, 30), tmp_path)
    monkeypatch.setattr(module, "CALENDAR_VERSION", "exchange_calendars 99")
    trading_days(MICS, FIRST, LAST, tmp_path)
    assert len([*tmp_path.glob("calendars/*")]) == 4


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    in_the_way = tmp_path / "calendars"
    in_the_way.write_text("a file where the folder should be")
    assert trading_days(MICS, FIRST, LAST, tmp_path).dates[0] == date(2021, 1, 4)
    assert in_the_way.read_text() == "a file where the folder should be"


def test_the_usual_close_is_that_of_the_days_to_come() -> None:
    # Tokyo closes at 15:30 instead of 15:00 since 2024-11-05 (Japan Exchange Group, arrowhead4.0).
    days = sessions_of("XTKS", date(2024, 9, 1), date(2024, 12, 31))
    local = days["close_time"].dt.convert_time_zone("Asia/Tokyo").dt.time()
    closes = Closes("Asia/Tokyo", dict(zip(days["session_date"], local, strict=True)))
    assert closes.usual(date(2024, 9, 2)) == time(15)
    assert closes.usual(date(2024, 11, 5)) == time(15, 30)
    assert closes.usual(date(2030, 1, 1)) == time(15)  # beyond what is known: most of what is known


def test_days_survive_the_file_exactly() -> None:
    days = TradingDays(
        (date(2022, 1, 3),), {"XNAS": Closes("America/New_York", {date(2022, 1, 3): time(16)})}
    )
    assert module._from_json(json.loads(json.dumps(module._to_json(days)))) == days
