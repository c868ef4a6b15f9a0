"""The doctor's rules on numbers: where ok ends, where it is wrong, and that whatever is not ok says what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from findata_core.doctor import books, machine, outside, servers
from findata_core.doctor.findings import Finding, State, is_wrong, some, spell

GIGABYTE = 1_000_000_000
NOW = datetime(2024, 3, 15, 12, tzinfo=UTC)
DISK = machine.Disk("FINDATA_HOME", "/data", 50 * GIGABYTE, 100 * GIGABYTE, 1_000_000)
PORT = machine.Port("database", 5439, "FINDATA_DATABASE_PORT", None, is_free=True)
KNOWN = ["0009", "0008", "0007"]
RAW = books.Raw({1: "raw/a/b/receipts/1.json"}, ["raw/a/b/bodies/aa/aa"], {1: "raw/a/b/bodies/aa/aa"}, [1])
BACKUP = books.Backup("20240315T110000Z", NOW - timedelta(hours=1), True, True, NOW - timedelta(days=1))
CALENDAR = outside.Calendar("XNAS", date(2024, 12, 31), "calendars 1")
QUOTA = outside.Quota("alphavantage", "day", 25, 25, NOW + timedelta(hours=5))


@pytest.mark.parametrize(
    ("disk", "state"),
    [
        (DISK, State.OK),
        (replace(DISK, free_inodes=None), State.OK),
        (replace(DISK, free_inodes=9_999), State.WARN),
        (replace(DISK, free_bytes=4 * GIGABYTE), State.WARN),
        (replace(DISK, free_bytes=GIGABYTE - 1), State.WRONG),
    ],
)
def test_a_disk_is_judged_by_what_is_free(disk: machine.Disk, state: State) -> None:
    assert machine.disk_finding(disk).state is state


@pytest.mark.parametrize(
    ("soft", "hard", "state"), [(None, None, State.OK), (1024, 4096, State.OK), (256, 4096, State.WARN)]
)
def test_few_open_files_are_a_warning(soft: int | None, hard: int | None, state: State) -> None:
    assert machine.open_files_finding(soft, hard).state is state


def test_the_limit_to_set_is_no_higher_than_what_may_be_set() -> None:
    assert machine.open_files_finding(256, 512).next_step.startswith("ulimit -n 512,")


@pytest.mark.parametrize(
    ("port", "state", "step"),
    [
        (PORT, State.OK, ""),
        (replace(PORT, runs_on=5439, is_free=False), State.OK, ""),
        (replace(PORT, is_free=False), State.WRONG, "FINDATA_DATABASE_PORT"),
        (replace(PORT, runs_on=5440), State.WRONG, "FINDATA_DATABASE_PORT=5440"),
    ],
)
def test_a_port_is_free_or_its_servers_own(port: machine.Port, state: State, step: str) -> None:
    found = machine.port_finding(port)
    assert found.state is state
    assert step in found.next_step


@pytest.mark.parametrize(
    ("skew_seconds", "uncertainty_seconds", "state"),
    [
        (0, 0, State.OK),
        (5, 0, State.OK),
        (-5.1, 0, State.WARN),
        (5.5, 1, State.OK),
        (61, 0, State.WRONG),
        (-90, 1, State.WRONG),
    ],
)
def test_a_clock_is_judged_by_what_the_measuring_can_not_explain(
    skew_seconds: float, uncertainty_seconds: float, state: State
) -> None:
    found = machine.clock_finding(
        "S3", timedelta(seconds=skew_seconds), timedelta(seconds=uncertainty_seconds)
    )
    assert found.state is state


def test_leftovers_of_killed_processes_are_named() -> None:
    found = machine.leftover_findings(["objects"], ["postmaster.pid"], is_locked=True)
    assert [finding.subject for finding in found] == ["objects", "postmaster.pid", "stack.lock"]
    assert {finding.state for finding in found} == {State.WARN}
    assert [item.state for item in machine.leftover_findings([], [], is_locked=False)] == [State.OK]


@pytest.mark.parametrize(
    ("at", "difference", "state", "step"),
    [
        ("0009", "", State.OK, ""),
        ("0009", "op.add_column()", State.WRONG, "findata schema diff"),
        ("0007", "", State.WRONG, "findata migrate"),
        ("", "", State.WRONG, "findata migrate"),
        ("0010", "", State.WRONG, "newer"),
    ],
)
def test_a_migration_is_the_newest_behind_or_ahead(at: str, difference: str, state: State, step: str) -> None:
    (found,) = servers.migration_findings(at, KNOWN, difference)
    assert found.state is state
    assert step in found.next_step


def test_readers_without_their_rights_are_a_warning_with_the_statement() -> None:
    assert servers.reader_finding([]).state is State.OK
    found = servers.reader_finding(
        ["CREATE ROLE findata_reader NOLOGIN", "REVOKE TEMPORARY ON DATABASE x FROM PUBLIC"]
    )
    assert (found.state, found.next_step) == (State.WARN, "findata migrate, which prints all of it")
    assert "CREATE ROLE findata_reader" in found.said


def test_a_migration_behind_says_by_how_many() -> None:
    assert (
        "behind the contract by 2: the newest is 0009"
        in servers.migration_findings("0007", KNOWN, "")[0].said
    )


@pytest.mark.parametrize(
    ("extension", "state", "step"),
    [
        (servers.Extension("2.19.3", "2.19.3", "apache"), State.OK, ""),
        (servers.Extension("2.19.3", "2.20.0", "timescale"), State.WARN, "ALTER EXTENSION"),
        (servers.Extension("", "2.19.3", ""), State.WRONG, "findata migrate"),
        (servers.Extension("", "", ""), State.WRONG, "install"),
    ],
)
def test_timescaledb_is_there_older_or_lacking(extension: servers.Extension, state: State, step: str) -> None:
    found = servers.extension_finding(extension)
    assert found.state is state
    assert step in found.next_step


def test_the_ui_without_its_daemon_is_wrong_and_neither_of_them_is_not() -> None:
    assert servers.dagster_finding(web_server=True, daemon=False).state is State.WRONG
    assert servers.dagster_finding(web_server=False, daemon=False).state is State.OK


def test_sessions_that_hold_others_up_for_long_are_named_with_what_ends_them() -> None:
    brief = servers.Session(1, "psql", "waiting", timedelta(minutes=4))
    waiting = servers.Session(2, "psql", "waiting", timedelta(minutes=6))
    idle = servers.Session(3, "", "idle in transaction", timedelta(hours=3))
    found = servers.session_findings([brief, waiting, idle])
    assert [item.next_step[-23:] for item in found] == ["pg_terminate_backend(2)", "pg_terminate_backend(3)"]
    assert found[1].said == "idle in transaction for 3 hours"


def test_a_database_that_nobody_is_in_was_left_behind() -> None:
    left = servers.Leftover("findata_scratch_1", 0), servers.Leftover("findata_drill", 2)
    first, second = servers.leftover_databases(left)
    assert (first.state, first.next_step) == (State.WARN, 'in psql: DROP DATABASE "findata_scratch_1"')
    assert (second.state, second.said) == (State.OK, "in use: findata_drill")


def test_books_and_raw_that_agree_are_ok() -> None:
    assert [item.state for item in books.raw_findings(RAW)] == [State.OK]


@pytest.mark.parametrize(
    ("raw", "state", "words"),
    [
        (replace(RAW, bodies=[]), State.WRONG, "1: raw/a/b/bodies/aa/aa"),
        (replace(RAW, receipts={}), State.WRONG, "1: the receipt of payload 1"),
        (replace(RAW, payloads={}, fetched=[]), State.WARN, "1: raw/a/b/receipts/1.json"),
        (replace(RAW, fetched=[1, 2]), State.WARN, "1: 2"),
        (replace(RAW, bodies=[*RAW.bodies, "raw/a/b/bodies/bb/bb"]), State.OK, "harmless"),
    ],
)
def test_what_one_speaks_of_and_the_other_lacks_is_named(raw: books.Raw, state: State, words: str) -> None:
    found = books.raw_findings(raw)
    assert any(item.state is state and words in item.said for item in found)
    assert is_wrong(found) is (state is State.WRONG)


def test_void_and_strange_objects_are_warnings() -> None:
    found = books.lake_findings(["market/bars/session=2022-05-19.parquet"], ["market/bars/notes.txt"])
    assert [item.state for item in found] == [State.WARN, State.WARN]
    assert "findata lake compact" in found[0].next_step


@pytest.mark.parametrize(
    ("backups", "states"),
    [
        ([], [State.WARN]),
        ([BACKUP], [State.OK, State.OK]),
        ([replace(BACKUP, drilled=None)], [State.OK, State.WARN]),
        ([replace(BACKUP, drilled=False)], [State.OK, State.WRONG]),
        ([replace(BACKUP, time=NOW - timedelta(days=3))], [State.WARN, State.OK]),
        ([replace(BACKUP, drill_time=NOW - timedelta(days=9))], [State.OK, State.WARN]),
        (
            [BACKUP, replace(BACKUP, time=NOW - timedelta(days=2), is_whole=False)],
            [State.OK, State.OK, State.WARN],
        ),
        ([BACKUP, replace(BACKUP, time=NOW, is_whole=False)], [State.OK, State.OK]),
    ],
)
def test_backups_are_judged_by_age_by_their_drill_and_by_halves(
    backups: list[books.Backup], states: list[State]
) -> None:
    assert [item.state for item in books.backup_findings(backups, NOW)] == states


@pytest.mark.parametrize(
    ("provider", "key", "state"),
    [
        ("fred", None, State.OK),
        ("fred", "abcdef0123456789abcdef0123456789", State.OK),
        ("fred", "ABCDEF0123456789abcdef0123456789", State.WARN),
        ("fred", " abcdef0123456789abcdef0123456789", State.WRONG),
        ("alphavantage", "ABCDEF0123456789", State.OK),
        ("alphavantage", "demo", State.WARN),
        ("alphavantage", '"ABCDEF0123456789"', State.WRONG),
    ],
)
def test_a_key_is_judged_by_its_look(provider: str, key: str | None, state: State) -> None:
    assert outside.key_finding(provider, "FINDATA_X", key).state is state


@given(st.text(min_size=5), st.sampled_from(sorted(outside.KEY_SHAPES)))
def test_no_key_is_ever_said(key: str, provider: str) -> None:
    secret = f"{key}-secret"
    found = outside.key_finding(provider, "FINDATA_X", secret)
    assert secret not in found.said + found.next_step


@pytest.mark.parametrize(
    ("last_date", "state"),
    [
        (date(2024, 5, 14), State.OK),  # sixty days on
        (date(2024, 5, 13), State.WARN),
        (date(2024, 3, 15), State.WARN),
        (date(2024, 3, 14), State.WRONG),
    ],
)
def test_a_calendar_is_judged_by_the_days_that_are_left(last_date: date, state: State) -> None:
    found = outside.calendar_findings(
        [replace(CALENDAR, last_date=last_date)], ["XNAS"], "calendars 1", NOW.date()
    )
    assert found[0].state is state


def test_a_calendar_that_is_lacking_or_of_an_older_library_is_named() -> None:
    found = outside.calendar_findings([CALENDAR], ["XHKG", "XNAS"], "calendars 2", NOW.date())
    assert [(item.subject, item.state) for item in found] == [
        ("exchanges", State.WARN),
        ("horizon", State.OK),
        ("calendar library", State.WARN),
    ]
    assert "XHKG" in found[0].said


def test_a_spent_day_and_an_open_breaker_are_named_with_their_end() -> None:
    resting = outside.Resting("yahoo", 12, NOW + timedelta(minutes=4))
    found = outside.provider_findings([resting], [QUOTA], NOW)
    assert found[0].said == "left alone until 12:04:00Z after 12 failures in a row"
    assert found[1].said == "25 of 25 requests of the day are used"
    assert "wait 5 hours" in found[1].next_step


@pytest.mark.parametrize(
    "quota",
    [
        replace(QUOTA, used=22),
        replace(QUOTA, end_time=NOW),
        replace(QUOTA, window="minute", limit=1, used=1),
    ],
)
def test_what_is_free_again_or_not_nearly_used_up_is_ok(quota: outside.Quota) -> None:
    assert [
        item.state for item in outside.provider_findings([outside.Resting("yahoo", 3, None)], [quota], NOW)
    ] == [State.OK]


def test_settings_that_contradict_are_wrong_and_unknown_ones_are_warnings() -> None:
    found = outside.setting_findings(["two names, one database"], ["FINDATA_DATABSE_URL"])
    assert [item.state for item in found] == [State.WRONG, State.WARN]
    assert [item.state for item in outside.setting_findings([], [])] == [State.OK]


def test_an_old_python_is_wrong() -> None:
    assert machine.python_finding((3, 10, 9)).state is State.WRONG
    assert machine.python_finding((3, 12, 0)).state is State.OK


@given(st.booleans(), st.booleans(), st.integers(0, 100), st.integers(1, 100))
def test_whatever_is_not_ok_says_what_to_do(web_server: bool, daemon: bool, used: int, most: int) -> None:
    found: list[Finding] = [
        servers.dagster_finding(web_server=web_server, daemon=daemon),
        servers.connection_finding(used, most),
        servers.server_finding("database", is_named=web_server, is_running=daemon),
        *machine.permission_findings(["secrets.json"] if daemon else []),
    ]
    assert all(bool(item.next_step) is (item.state is not State.OK) for item in found)


def test_durations_and_lists_are_short() -> None:
    assert [spell(timedelta(seconds=seconds)) for seconds in (90, 7_200, 200_000)] == [
        "90 seconds",
        "2 hours",
        "2 days",
    ]
    assert some(["a", "b", "c", "d"]) == "a, b, c and 1 more"
    assert some(["a", "b"]) == "a, b"
