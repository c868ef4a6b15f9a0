"""Every recorded set of one-minute bars loads in one run, untouched, and the books say what is missing."""

import csv
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from psycopg import sql

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import Loaded, load_recorded
from findata_core.schema.tables import table
from findata_resources.environment import PROJECT
from tests.conftest import SAMPLE, MakePlatform

MANIFEST = PROJECT / "tests" / "manifests" / "bars_1m.toml"
YAHOO_2026 = "Fl4bb0-Daytrading1.0/yahoo_2026-03-09_2026-05-05"
JANUARY_2025 = "Fl4bb0-Daytrading1.0/hf_2025-01"
MISSED_RUNS = [  # MANIFEST.md of the trial data: whole sessions missing, past Yahoo's wall
    *(date(2026, 3, day) for day in (20, 23, 24, 25, 26, 27, 30, 31)),
    *(date(2026, 4, day) for day in (1, 2, 27, 28)),
]


@pytest.fixture(scope="module")
def bars_1m(trial_data: Path) -> Path:
    return trial_data / "bars_1m"


@pytest.fixture(scope="module")
def loaded(make_module_platform: MakePlatform, bars_1m: Path) -> tuple[Platform, Loaded]:
    platform = make_module_platform(universe=SAMPLE / "universe.csv", calendar_start=date(1985, 1, 2))
    result = load_recorded(platform, bars_1m, MANIFEST, "bars")
    run_due(platform)
    return platform, result


def test_every_row_is_stored_or_quarantined_or_a_duplicate(loaded: tuple[Platform, Loaded]) -> None:
    platform, result = loaded
    instruments = platform.store.read(table("reference.instruments")).height
    counts = platform.store.database.frame(
        sql.SQL(
            "SELECT (SELECT count(*) FROM market.bars) + (SELECT count(*) FROM market.bars_1d) AS stored, "
            "(SELECT count(*) FROM history.bars) + (SELECT count(*) FROM history.bars_1d) AS closed, "
            "(SELECT count(*) FROM ops.quarantine WHERE table_name LIKE 'market.%') AS refused, "
            "(SELECT count(*) FROM ops.payloads WHERE dataset = 'bars') AS payloads"
        )
    ).row(0, named=True)

    assert counts["closed"] == 0  # no two sets speak of the same minutes
    assert instruments > 30
    # Each file also answers one row: the instrument that it is about.
    assert counts["stored"] + counts["refused"] == result.total.rows_answered - counts["payloads"]


def test_nothing_is_left_unsaid_about_files(loaded: tuple[Platform, Loaded], bars_1m: Path) -> None:
    _, result = loaded
    files = {path.relative_to(bars_1m).as_posix() for path in bars_1m.rglob("*") if path.is_file()}
    skipped = {item.path for item in result.skipped}

    assert result.total.payloads_new + len(skipped) == len(files)
    assert all(item.reason and item.reason != "no set names it" for item in result.skipped)


def test_missed_sessions_are_missing_in_coverage_and_not_invented(loaded: tuple[Platform, Loaded]) -> None:
    platform, _ = loaded
    rows = platform.store.database.frame(
        sql.SQL(
            "SELECT session_date, status, present_bars FROM ops.coverage WHERE instrument_id = 'AAPL.XNAS' "
            "AND interval = '1m' AND session_date BETWEEN '2026-03-09' AND '2026-05-05' ORDER BY 1"
        )
    )

    assert rows.filter(status="missing").get_column("session_date").to_list() == MISSED_RUNS
    assert rows.filter(status="missing").get_column("present_bars").sum() == 0
    bars = platform.store.read(table("market.bars"), MISSED_RUNS[0], date(2026, 4, 3), ["AAPL.XNAS"])
    assert bars.is_empty()


@pytest.mark.parametrize("symbol", ["APPS", "GLOB", "MELI"])
def test_thin_names_have_gaps_that_add_up(
    loaded: tuple[Platform, Loaded], bars_1m: Path, symbol: str
) -> None:
    """Each session's bars of the file, counted by the csv module, are what coverage says."""
    platform, _ = loaded
    with (bars_1m / YAHOO_2026 / f"{symbol}.csv").open() as file:
        counted = Counter(row["timestamp"][:10] for row in csv.DictReader(file))
    rows = platform.store.database.frame(
        sql.SQL(
            "SELECT session_date::text AS day, expected_bars, present_bars, missing_ranges FROM ops.coverage "
            "WHERE instrument_id LIKE {} AND interval = '1m' AND present_bars > 0 AND session_date > '2026-01-01'"
        ).format(sql.Literal(f"{symbol}.%"))
    )

    assert dict(rows.select("day", "present_bars").iter_rows()) == dict(counted)
    for expected, present, ranges in rows.select(
        "expected_bars", "present_bars", "missing_ranges"
    ).iter_rows():
        assert sum(minutes_in(text) for text in ranges) == expected - present


def test_bars_before_and_after_the_session_are_kept_with_their_phase(
    loaded: tuple[Platform, Loaded], bars_1m: Path
) -> None:
    platform, _ = loaded
    with (bars_1m / JANUARY_2025 / "AAPL.csv").open() as file:
        stamps = [datetime.fromisoformat(row["timestamp"]) for row in csv.DictReader(file)]
    rows = platform.store.read(table("market.bars"), date(2025, 1, 1), date(2025, 2, 1), ["AAPL.XNAS"])
    phases = Counter(rows.get_column("session_phase"))
    # January is winter in New York: 09:30-16:00 there is 14:30-21:00 UTC.
    minutes = [stamp.hour * 60 + stamp.minute for stamp in stamps]

    assert rows.height == len(stamps)
    assert phases["regular"] == sum(14 * 60 + 30 <= minute < 21 * 60 for minute in minutes)
    assert phases["pre"] == sum(9 * 60 <= minute < 14 * 60 + 30 for minute in minutes)
    assert phases["closing"] == sum(minute == 21 * 60 for minute in minutes)
    assert phases["post"] == len(stamps) - phases["regular"] - phases["pre"] - phases["closing"]


def test_a_day_of_mourning_has_no_session_and_no_bar(loaded: tuple[Platform, Loaded]) -> None:
    platform, _ = loaded

    assert platform.store.read(table("market.bars"), date(2025, 1, 9), date(2025, 1, 10)).is_empty()
    assert platform.store.read(table("market.candles"), date(2025, 1, 9), date(2025, 1, 10)).is_empty()


def test_a_recorded_bar_is_stored_as_it_stands_in_the_file(loaded: tuple[Platform, Loaded]) -> None:
    """Lean's GOOG, half day of 2015-12-24, first line: 34200000,7495500,7513500,7495500,7511800,23055."""
    platform, _ = loaded
    bars = platform.store.read(table("market.bars"), date(2015, 12, 24), date(2015, 12, 25), ["GOOG.XNAS"])
    first = bars.sort("event_time").row(0, named=True)

    assert first["event_time"] == datetime(2015, 12, 24, 14, 30, tzinfo=UTC)
    assert first["adjustment"] == "raw"
    regular = bars.filter(session_phase="regular")
    assert regular.get_column("event_time").max() == datetime(2015, 12, 24, 17, 59, tzinfo=UTC)
    candles = platform.store.read(
        table("market.candles"), date(2015, 12, 24), date(2015, 12, 25), ["GOOG.XNAS"]
    )
    assert candles.filter(interval="4h").get_column("expected_minutes").to_list() == [210]


def test_loading_it_all_again_changes_nothing(loaded: tuple[Platform, Loaded], bars_1m: Path) -> None:
    platform, first = loaded
    before = platform.store.digests(table("market.bars"))

    again = load_recorded(platform, bars_1m, MANIFEST, "bars")
    reports = run_due(platform)

    assert (again.total.payloads_new, again.total.payloads_known) == (0, first.total.payloads_new)
    assert all(report.rows_written == 0 for report in reports.values())
    assert platform.store.digests(table("market.bars")).equals(before)


def minutes_in(text: str) -> int:
    """Minutes of a missing range "HH:MM-HH:MM"."""
    start, end = (int(part[:2]) * 60 + int(part[3:]) for part in text.split("-"))
    return end - start


def test_candles_hold_only_what_bars_hold(loaded: tuple[Platform, Loaded]) -> None:
    """The volume of the sessions' candles is that of the regular minutes of the sources that were chosen."""
    platform, _ = loaded
    totals = platform.store.database.frame(
        sql.SQL(
            "SELECT interval, sum(volume)::bigint AS volume, sum(present_minutes)::bigint AS minutes "
            "FROM market.candles WHERE source_interval = '1m' GROUP BY 1"
        )
    )

    assert totals.get_column("volume").n_unique() == 1
    assert totals.get_column("minutes").n_unique() == 1
