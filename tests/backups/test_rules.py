"""Backups as rules: what is kept, what fits a server, what a manifest says; no server is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from findata_core.backups.fitting import Server, content_differences, count_differences, misfit
from findata_core.backups.manifest import (
    DrillRecord,
    Manifest,
    Part,
    TableCount,
    is_name,
    name_at,
    read_drill,
    read_manifest,
    time_of,
)
from findata_core.backups.retention import Kept, abandoned, parse_kept, to_remove
from findata_core.errors import DataError

NOON = datetime(2024, 3, 15, 12, tzinfo=UTC)  # a Friday
COUNTS = {"market.bars": TableCount(3, "00000000000000aa"), "ops.payloads": TableCount(1, "00000000000000bb")}
PART = Part("findata", "backups/20240315T120000Z/findata.dump", 10, "0" * 64, "2.19.3", COUNTS)
MANIFEST = Manifest(
    "20240315T120000Z", NOON, "0.1.0", 17, "apache", "0009", (PART,), {"market.bars": "aa"}, "cc", NOON, 1.5
)
SERVER = Server(17, frozenset({"2.19.3"}), "apache")
MIGRATIONS = ["0009", "0008"]

instants = st.datetimes(datetime(2020, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda time: time.replace(microsecond=0)
)
rules = st.builds(Kept, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))


def days(*numbers: int) -> list[datetime]:
    return [NOON - timedelta(days=number) for number in numbers]


def test_a_week_of_days_keeps_the_newest_seven() -> None:
    assert to_remove(days(*range(10)), [], Kept(daily=7)) == days(9, 8, 7)


def test_of_several_in_a_day_the_newest_is_kept() -> None:
    morning, evening = NOON - timedelta(hours=6), NOON
    assert to_remove([morning, evening], [], Kept(daily=7)) == [morning]


def test_weeks_and_months_keep_their_newest_beyond_the_days() -> None:
    # 15 March 2024 is a Friday: the weeks before end on Sundays 10 and 3 March; February ends on the 29th.
    every = days(*range(60))
    kept = set(every) - set(to_remove(every, [], Kept(daily=2, weekly=3, monthly=3)))
    assert sorted(f"{time:%m-%d}" for time in kept) == ["01-31", "02-29", "03-03", "03-10", "03-14", "03-15"]


@given(st.lists(instants, min_size=1, max_size=40), rules, st.data())
def test_the_newest_and_the_newest_proven_one_are_never_removed(
    times: list[datetime], rule: Kept, data: st.DataObject
) -> None:
    proven = data.draw(st.lists(st.sampled_from(times)))
    removed = to_remove(times, proven, rule)
    assert max(times) not in removed
    assert not proven or max(proven) not in removed


@given(st.lists(instants, max_size=40), rules)
def test_what_is_kept_is_kept_again(times: list[datetime], rule: Kept) -> None:
    kept = [time for time in times if time not in to_remove(times, [], rule)]
    assert to_remove(kept, [], rule) == []


@pytest.mark.parametrize("text", ["", "daily", "daily=-1", "daily=7;weekly=5", "daily=7,daily=8", "hourly=3"])
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no rule"):
        parse_kept(text)


def test_a_rule_names_what_it_keeps() -> None:
    assert parse_kept("daily=7, monthly=12") == Kept(daily=7, weekly=0, monthly=12)


def test_a_half_is_given_a_day_before_it_is_nobodys() -> None:
    assert abandoned(days(0, 1, 2, 3), NOON) == days(3, 2)


@given(instants)
def test_a_name_is_its_instant(time: datetime) -> None:
    assert time_of(name_at(time)) == time
    assert is_name(name_at(time))


@pytest.mark.parametrize(
    "text", ["latest", "20240315", "20241315T120000Z", "20240315T120000Z/", "../20240315T120000Z", ""]
)
def test_what_is_no_name_is_told_apart(text: str) -> None:
    assert not is_name(text)


def test_a_manifest_comes_back_as_it_was_written() -> None:
    for manifest in (MANIFEST, replace(MANIFEST, newest_payload_time=None)):
        assert read_manifest(manifest.name, manifest.to_json().encode()) == manifest


def test_a_record_of_a_drill_comes_back_as_it_was_written() -> None:
    record = DrillRecord(MANIFEST.name, NOON, 2.5, ("market.bars differs",))
    assert read_drill(record.name, record.to_json().encode()) == record
    assert not record.is_equal
    assert replace(record, differences=()).is_equal


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"not json",
        MANIFEST.to_json()[:-40].encode(),
        MANIFEST.to_json().replace('"parts"', '"pieces"').encode(),
        MANIFEST.to_json().replace('"format": 1', '"format": 2').encode(),
        replace(MANIFEST, name="20240316T120000Z").to_json().encode(),
    ],
)
def test_what_is_no_manifest_is_refused(body: bytes) -> None:
    with pytest.raises(DataError):
        read_manifest(MANIFEST.name, body)


def test_a_backup_fits_the_server_that_it_was_taken_on() -> None:
    assert misfit(MANIFEST, SERVER, MIGRATIONS) is None


def test_a_backup_fits_a_later_server_and_a_later_findata() -> None:
    later = Server(18, frozenset({"2.19.3", "2.20.0"}), "timescale")
    assert misfit(MANIFEST, later, ["0010", *MIGRATIONS]) is None


@pytest.mark.parametrize(
    ("manifest", "server", "migrations", "reason"),
    [
        (MANIFEST, replace(SERVER, major=16), MIGRATIONS, "of PostgreSQL 17, the server is 16"),
        (
            MANIFEST,
            replace(SERVER, timescaledb={"2.20.0"}),
            MIGRATIONS,
            "needs TimescaleDB 2.19.3, the server has 2.20.0",
        ),
        (MANIFEST, replace(SERVER, timescaledb=()), MIGRATIONS, "the server has none"),
        (
            replace(MANIFEST, license="timescale"),
            SERVER,
            MIGRATIONS,
            "Community edition, the server's licence is apache",
        ),
        (MANIFEST, SERVER, ["0008"], "migration 0009, which this findata does not know"),
    ],
)
def test_a_backup_that_does_not_fit_says_why_and_what_to_do(
    manifest: Manifest, server: Server, migrations: list[str], reason: str
) -> None:
    found = misfit(manifest, server, migrations)
    assert found is not None
    assert reason in found[0]
    assert "findata rebuild" in found[1]


def test_a_backup_without_timescaledb_needs_none() -> None:
    manifest = replace(MANIFEST, parts=(replace(PART, timescaledb=""),))
    assert misfit(manifest, replace(SERVER, timescaledb=()), MIGRATIONS) is None


def test_tables_that_are_missing_new_or_different_are_named() -> None:
    restored = {
        "market.bars": TableCount(2, "00000000000000ac"),
        "public.other": TableCount(0, "0000000000000000"),
    }
    assert count_differences(PART, restored) == [
        "findata: market.bars differs (3 rows, now 2)",
        "findata: ops.payloads is missing",
        "findata: public.other is not in the backup",
    ]
    assert count_differences(PART, COUNTS) == []


def test_rows_that_differ_in_nothing_but_their_values_are_found() -> None:
    restored = {**COUNTS, "market.bars": TableCount(3, "00000000000000ab")}
    assert count_differences(PART, restored) == ["findata: market.bars differs (3 rows, others)"]


def test_digests_of_a_table_that_differ_are_named() -> None:
    assert content_differences(MANIFEST, {"market.bars": "aa"}) == []
    assert content_differences(MANIFEST, {"market.candles": "aa"}) == [
        "the digests of market.bars differ",
        "the digests of market.candles differ",
    ]
