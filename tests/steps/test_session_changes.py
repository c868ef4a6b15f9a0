"""A calendar that changes its mind: days closed, moved and opened again, on real bars, tables and books."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from psycopg import sql

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_assets.steps.proof import verify
from findata_assets.steps.receiving import receive
from findata_assets.steps.session_changes import latest_changes, reopen
from findata_assets.steps.sources import load_recorded, refresh_reference
from findata_core.schema.tables import table
from findata_resources.provider import Received, Request
from findata_resources.providers import calendar
from tests.steps.folders import at, flat, minutes_from, write_folder

MIC = "XNAS"
CLOSED = date(2022, 5, 19)  # a Thursday
BEFORE, AFTER = CLOSED - timedelta(days=1), CLOSED + timedelta(days=1)
TABLES = ("market.bars", "market.candles", "market.weekly_candles", "market.monthly_candles")


@pytest.fixture
def loaded(platform: Platform, tmp_path: Path) -> Platform:
    """Three sessions of one instrument, the first five and the last two minutes of each."""
    minutes = {
        start: bar
        for day in (BEFORE, CLOSED, AFTER)
        for first, count in (("13:30", 5), ("19:58", 2))
        for start, bar in minutes_from(
            at(f"{day} {first}"), [flat(10 + number) for number in range(count)]
        ).items()
    }
    folder = write_folder(tmp_path / "three", "2022-06-01T12:00:00Z", minutes)
    refresh_reference(platform)
    load_recorded(platform, folder, None, "bars")
    run_due(platform)
    return platform


def snapshot(
    platform: Platform, hours_later: int, change: pl.Expr | None = None, *, without: date | None
) -> None:
    """Receive a snapshot of the calendar that leaves a day out, or says otherwise of it."""
    body = calendar.snapshot(MIC, platform.settings.calendar_start, platform.clock).body
    rows = pl.read_csv(io.BytesIO(body))
    if without:
        rows = rows.filter(pl.col("session_date") != str(without))
    if change is not None:
        rows = rows.with_columns(change)
    request = Request(calendar.PROVIDER, calendar.PROVIDER, calendar.DATASET, MIC)
    now = datetime.now(UTC) + timedelta(hours=hours_later)
    receive(platform, Received(request, rows.write_csv().encode(), None, {}, now))


def rows_of(platform: Platform, address: str, day: date | None = None) -> pl.DataFrame:
    found = platform.store.read(table(address))
    column = "scope_date" if "scope_date" in found.columns else "session_date"
    return found if day is None else found.filter(pl.col(column) == day)


def digests(platform: Platform) -> dict[str, pl.DataFrame]:
    columns = ["subject", "scope_date", "slice", "sha256"]
    return {name: platform.store.digests(table(name)).select(columns) for name in TABLES}


@contextmanager
def proven(platform: Platform) -> Iterator[None]:
    """Afterwards nothing is due, and what is stored is what a rebuild from the payloads gives."""
    yield
    assert platform.store.database.frame(sql.SQL("SELECT * FROM ops.due")).is_empty()
    proof = verify(platform, lambda _: None)
    assert proof.is_equal, proof.differences


def test_a_day_that_is_closed_takes_its_bars_to_the_quarantine_and_leaves_nothing_made_of_them(
    loaded: Platform,
) -> None:
    with proven(loaded):
        snapshot(loaded, 1, without=CLOSED)
        run_due(loaded)

    assert rows_of(loaded, "market.bars", CLOSED).is_empty()
    assert rows_of(loaded, "market.candles", CLOSED).is_empty()
    assert rows_of(loaded, "ops.coverage", CLOSED).is_empty()
    refused = rows_of(loaded, "ops.quarantine")
    assert refused.height == 7
    assert set(refused["rule"]) == {"no_session"}
    assert rows_of(loaded, "market.bars").height == 14
    week = rows_of(loaded, "market.weekly_candles")
    assert week["expected_sessions"].to_list() == [4]
    assert rows_of(loaded, "reference.session_changes").select("mic", "session_date", "kind").rows() == [
        (MIC, CLOSED, "closed")
    ]


def test_a_day_that_comes_back_brings_back_all_that_was_there(loaded: Platform) -> None:
    before = digests(loaded)
    snapshot(loaded, 1, without=CLOSED)
    run_due(loaded)

    with proven(loaded):
        snapshot(loaded, 2, without=None)
        run_due(loaded)

    after = digests(loaded)
    assert all(after[name].equals(before[name]) for name in TABLES)
    assert rows_of(loaded, "ops.quarantine").is_empty()
    assert rows_of(loaded, "ops.coverage", CLOSED).height == 1
    assert rows_of(loaded, "reference.session_changes")["kind"].to_list() == ["closed", "opened"]


def test_a_day_that_closes_early_is_folded_anew_and_the_others_stay_as_they_are(loaded: Platform) -> None:
    before = digests(loaded)
    early = pl.when(pl.col("session_date") == str(CLOSED))
    hours = [
        early.then(pl.lit("2022-05-19T17:00:00.000000Z")).otherwise("close_time").alias("close_time"),
        early.then(210).otherwise("trading_minutes").alias("trading_minutes"),
    ]

    with proven(loaded):
        snapshot(loaded, 1, pl.struct(hours).struct.unnest(), without=None)
        run_due(loaded)

    phases = rows_of(loaded, "market.bars", CLOSED).group_by("session_phase").len()
    assert dict(phases.iter_rows()) == {"regular": 5, "post": 2}
    day = rows_of(loaded, "market.candles", CLOSED).filter(interval="1d")
    assert day.select("close", "expected_minutes", "present_minutes").row(0) == (14.0, 210, 5)
    changed = {
        name: set(before[name].join(after, on=before[name].columns, how="anti")["scope_date"])
        for name, after in digests(loaded).items()
    }
    assert changed["market.bars"] == changed["market.candles"] == {CLOSED}
    shown = latest_changes(loaded)
    assert shown is not None
    assert "| moved | 2022-05-19 13:30:00+00:00 | 2022-05-19 20:00:00+00:00 |" in shown


def test_a_snapshot_that_says_the_same_and_more_changes_nothing(loaded: Platform) -> None:
    before = digests(loaded)
    moved = pl.col("calendar_version") + " and more"

    snapshot(loaded, 1, moved.alias("calendar_version"), without=None)
    run_due(loaded)

    assert rows_of(loaded, "reference.session_changes").is_empty()
    after = digests(loaded)
    assert all(after[name].equals(before[name]) for name in TABLES)
    assert latest_changes(loaded) is None


def test_a_kill_between_marking_and_writing_down_has_it_done_again(loaded: Platform) -> None:
    snapshot(loaded, 1, without=CLOSED)
    from findata_assets.steps.facts import fold_facts

    fold_facts(loaded, "reference.sessions")
    reopen(loaded, [(MIC, CLOSED)])  # and then the run is killed

    with proven(loaded):
        run_due(loaded)

    assert rows_of(loaded, "market.bars", CLOSED).is_empty()
    assert rows_of(loaded, "ops.quarantine").height == 7


def test_what_was_a_session_is_known_as_one_until_the_snapshot_that_closed_it(loaded: Platform) -> None:
    snapshot(loaded, 1, without=CLOSED)
    run_due(loaded)

    closed = loaded.store.read(table("reference.sessions").history()).filter(session_date=CLOSED)
    changed = rows_of(loaded, "reference.session_changes")
    assert closed["superseded_time"].to_list() == changed["changed_time"].to_list()
