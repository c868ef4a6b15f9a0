"""Every recorded set of the trial data in one run: no bar is lost, none is invented, what is missing is told."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.sources import load_recorded
from findata_resources.providers.recorded_files import survey
from findata_resources.providers.recorded_manifest import load_manifest
from tests.providers.test_trial_sets import BY_HAND, HEADER_LINES, raw_lines
from tests.trial.conftest import MANIFEST, Trial

NEW_YORK = ZoneInfo("America/New_York")
DIGESTS = (
    "SELECT table_name, subject, scope_date, slice, sha256, row_count FROM ops.digests ORDER BY 1, 2, 3, 4"
)
YAHOO = "Fl4bb0-Daytrading1.0/yahoo_2026-03-09_2026-05-05"
EXTENDED = "Fl4bb0-Daytrading1.0/hf_2025-01"


def csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(NEW_YORK)


def test_no_bar_is_lost(trial: Trial) -> None:
    """Lines of the files, by source and interval, are the rows stored and those quarantined."""
    expected: Counter[tuple[str, str]] = Counter()
    for path, request in survey(trial.folder, load_manifest(MANIFEST), MANIFEST).requests:
        reading = request.parameters["reading"]
        lines = len(raw_lines(path)) - HEADER_LINES.get(reading["name"], 1)
        expected[request.source, reading["interval"]] += lines
    stored = trial.rows(
        "SELECT source, interval, count(*) FROM market.bars GROUP BY 1, 2 "
        "UNION ALL SELECT source, interval, count(*) FROM market.bars_1d GROUP BY 1, 2"
    )
    refused = trial.rows(
        "SELECT source, request -> 'parameters' -> 'reading' ->> 'interval' AS interval, "
        "count(DISTINCT (payload_id, row_number)) AS refused "
        "FROM ops.quarantine JOIN ops.payloads USING (payload_id) GROUP BY 1, 2"
    )
    found: Counter[tuple[str, str]] = Counter()
    for source, interval, count in [*stored, *refused]:
        found[source, interval] += count
    assert found == expected


def test_what_is_quarantined_is_odd_indeed(trial: Trial) -> None:
    """London's hours of market_prices are stamped at half past, New York's; a daily bar was not over yet."""
    refused = trial.rows("SELECT rule, subject, count(*) FROM ops.quarantine GROUP BY 1, 2 ORDER BY 1")
    hours = csv_rows(trial.folder / "maread99-market_prices" / "AZN.L_1H_231218_240214.csv")
    inside = [row for row in hours if row["date"][14:16] == "30" and row["date"][11:13] != "07"]
    by_rule = {rule: count for rule, subject, count in refused if subject == "AZN.XLON"}
    assert {rule for rule, _, _ in refused} == {"bar_in_progress", "off_grid"}
    assert len(inside) <= by_rule["off_grid"] <= len(hours)
    assert sum(count for rule, _, count in refused if rule == "bar_in_progress") == 1


def test_nothing_was_said_twice_with_another_value(trial: Trial) -> None:
    assert trial.rows("SELECT count(*) AS n FROM history.bars") == [(0,)]


def test_every_set_was_loaded_and_every_other_file_has_a_reason(trial: Trial) -> None:
    sets = [item.name for item in load_manifest(MANIFEST).set]
    assert list(trial.loaded.sets) == sets
    assert all(intake.payloads_new for intake in trial.loaded.sets.values())
    assert all(item.reason for item in trial.loaded.skipped)


def test_nothing_is_due_and_nothing_waits_for_the_lake(trial: Trial) -> None:
    assert trial.rows(
        "SELECT (SELECT count(*) FROM ops.due) + (SELECT count(*) FROM ops.lake_dirty) AS n"
    ) == [(0,)]


# Sessions of New York in the stretches that MANIFEST.md names; the 3rd of April 2026 is Good Friday.
MISSED = [date(2026, 3, day) for day in (20, 23, 24, 25, 26, 27, 30, 31)]
MISSED += [date(2026, 4, day) for day in (1, 2, 27, 28)]


def test_sessions_that_nobody_recorded_are_missing_and_no_others(trial: Trial) -> None:
    symbols = sorted(path.stem for path in (trial.folder / YAHOO).glob("*.csv"))
    for symbol in symbols:
        stamps = [local(row["timestamp"]).date() for row in csv_rows(trial.folder / YAHOO / f"{symbol}.csv")]
        told = trial.rows(
            "SELECT session_date, status FROM ops.coverage WHERE instrument_id LIKE {} AND source = 'yahoo' "
            "AND interval = '1m' AND session_date BETWEEN {}::date AND {}::date ORDER BY 1",
            f"{symbol}.X%",
            str(min(stamps)),
            str(max(stamps)),
        )
        missing = {day for day, status in told if status == "missing"}
        assert missing == {day for day in MISSED if day < max(stamps)}, symbol
        assert {day for day, status in told if status != "missing"} == set(stamps), symbol


@pytest.mark.parametrize("symbol", ["APPS", "GLOB", "MELI"])
def test_thin_minutes_are_counted_and_named(trial: Trial, symbol: str) -> None:
    present = Counter(
        local(row["timestamp"]).date() for row in csv_rows(trial.folder / YAHOO / f"{symbol}.csv")
    )
    told = trial.rows(
        "SELECT session_date, expected_bars::int, present_bars::int, missing_ranges FROM ops.coverage "
        "WHERE instrument_id LIKE {} AND source = 'yahoo' AND interval = '1m' AND status = 'partial' "
        "AND session_date >= '2026-03-09' AND session_date <= '2026-05-05'",
        f"{symbol}.X%",
    )
    assert {row[0] for row in told} == {day for day, count in present.items() if count < 390}
    assert told
    for day, expected, counted, ranges in told:
        assert (expected, counted) == (390, present[day])
        assert sum(map(minutes_of, ranges)) == expected - counted


def minutes_of(missing: str) -> int:
    begin, end = (time.fromisoformat(text) for text in missing.split("-"))
    return (end.hour - begin.hour) * 60 + end.minute - begin.minute


def phase_by_hand(moment: datetime) -> str:
    """New York trades from 09:30 to 16:00 on every session of January 2025."""
    if moment.time() < time(9, 30):
        return "pre"
    if moment.time() == time(16):
        return "closing"
    return "regular" if moment.time() < time(16) else "post"


def test_rows_before_and_after_hours_are_kept_under_their_local_date_with_their_phase(trial: Trial) -> None:
    for path in sorted((trial.folder / EXTENDED).glob("*.csv")):
        moments = [local(row["timestamp"]) for row in csv_rows(path)]
        expected = Counter((moment.date(), phase_by_hand(moment)) for moment in moments)
        stored = trial.rows(
            "SELECT session_date, session_phase, count(*) FROM market.bars WHERE source = 'hf_ohlcv_1m' "
            "AND instrument_id LIKE {} GROUP BY 1, 2",
            f"{path.stem}.X%",
        )
        assert {(day, phase): count for day, phase, count in stored} == dict(expected), path.stem


def test_a_day_of_mourning_has_no_bars_and_is_not_missing(trial: Trial) -> None:
    day = "2025-01-09"  # the exchanges closed for the funeral of a president
    assert trial.rows("SELECT 1 AS one FROM market.bars WHERE session_date = {}::date", day) == []
    assert trial.rows("SELECT 1 AS one FROM ops.coverage WHERE session_date = {}::date", day) == []
    assert (
        trial.rows(
            "SELECT 1 AS one FROM reference.sessions WHERE mic = 'XNYS' AND session_date = {}::date", day
        )
        == []
    )


SOURCES = {
    "fl4bb0_hf": ("hf_ohlcv_1m", "1m"),
    "lean_trades": ("lean", "1m"),
    "eqker_1m": ("alphavantage", "1m"),
    "eqker_15m": ("alphavantage", "15m"),
    "market_prices_1m": ("yahoo", "1m"),
    "market_prices_5m": ("yahoo", "5m"),
    "bhtp": ("interactive_brokers", "1m"),
    "mplfinance_1m": ("mplfinance", "1m"),
}


@pytest.mark.parametrize(
    ("name", "file", "instrument_id", "stamp", "places", "divisor"),
    [case for case in BY_HAND if case[0] in SOURCES],
)
def test_the_rows_stored_are_those_of_the_file_read_by_the_csv_module(
    trial: Trial,
    name: str,
    file: str,
    instrument_id: str,
    stamp: Callable[[str], datetime],
    places: tuple[int, int, int, int],
    divisor: float,
) -> None:
    (path,) = [
        path
        for path, request in survey(trial.folder, load_manifest(MANIFEST), MANIFEST).requests
        if request.parameters["reading"]["name"] == name and path.as_posix().endswith(file)
    ]
    expected: list[tuple[Any, ...]] = sorted(
        (
            stamp(line[0]).astimezone(UTC),
            *(float(line[place]) / divisor for place in places),
            int(float(line[5])),
        )
        for line in raw_lines(path)[HEADER_LINES.get(name, 1) :]
    )
    source, interval = SOURCES[name]
    stored = trial.rows(
        "SELECT event_time, open, high, low, close, volume::bigint FROM market.bars WHERE instrument_id = {} "
        "AND source = {} AND interval = {} AND event_time BETWEEN {}::timestamptz AND {}::timestamptz ORDER BY 1",
        instrument_id,
        source,
        interval,
        expected[0][0].isoformat(),
        expected[-1][0].isoformat(),
    )
    assert stored == expected


def test_a_half_day_has_its_210_minutes_and_no_candle_after_its_close(trial: Trial) -> None:
    # 2015-12-24: New York closes at 13:00 (18:00 UTC).
    told = trial.rows(
        "SELECT expected_bars::int FROM ops.coverage WHERE instrument_id = 'GOOG.XNAS' AND session_date = '2015-12-24'"
    )
    assert told == [(210,)]
    (last,) = trial.rows(
        "SELECT max(available_time) AS last FROM market.candles WHERE instrument_id = 'GOOG.XNAS' "
        "AND session_date = '2015-12-24'"
    )
    assert last == (datetime(2015, 12, 24, 18, tzinfo=UTC),)
    fours = trial.rows(
        "SELECT expected_minutes::int FROM market.candles WHERE instrument_id = 'GOOG.XNAS' "
        "AND session_date = '2015-12-24' AND interval = '4h'"
    )
    assert fours == [(210,)]


def test_candles_hold_only_what_bars_hold(trial: Trial) -> None:
    """The volume and the minutes are the same in every width: none is counted twice, none is lost."""
    totals = trial.rows(
        "SELECT DISTINCT volume, minutes FROM (SELECT interval, sum(volume)::bigint AS volume, "
        "sum(present_minutes)::bigint AS minutes FROM market.candles WHERE source_interval = '1m' GROUP BY 1) AS t"
    )
    assert len(totals) == 1
    assert trial.rows("SELECT 1 AS one FROM market.candles WHERE session_date = '2025-01-09'") == []


def test_a_second_load_changes_nothing(trial: Trial) -> None:
    before = trial.rows(DIGESTS)
    again = load_recorded(trial.platform, trial.folder, MANIFEST, "bars")
    assert again.total.payloads_new == 0
    assert again.total.payloads_known == trial.loaded.total.payloads_new
    assert run_due(trial.platform) == {}  # nothing is due
    assert trial.rows(DIGESTS) == before
