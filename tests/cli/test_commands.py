"""The commands on a real database and S3: what they print, and that a second time they do nothing."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from findata_assets.steps.known import DERIVATIONS
from findata_assets.steps.platform import Platform
from findata_cli.contents import rows_of_tables
from findata_core.schema.tables import table, tables
from findata_resources.environment import settings_environment
from tests.cli.conftest import Run, run
from tests.conftest import SAMPLE, MakePlatform, _platforms


@pytest.fixture(scope="module")
def empty(stack: Any, migrated_template: str) -> Iterator[Platform]:
    """An empty platform, which the tests of this module fill in their order."""
    with _platforms(stack[1], migrated_template) as make:
        yield make()


@pytest.fixture(scope="module")
def first_run(empty: Platform) -> Any:
    """The sample loaded by the command."""
    return run("materialize", "--recorded", str(SAMPLE), on=empty)


def test_materialize_prints_sets_skipped_files_tables_and_counts(first_run: Any) -> None:
    lines = [re.split(r"\s{2,}", line.strip()) for line in first_run.stdout.splitlines()]
    assert first_run.exit_code == 0, first_run.output
    # The sample's NOTICE counts 22,893 minutes and 62 days; three of each carry a volume of nothing.
    assert ["yahoo_1m", "3", "0", "22,893", "0"] in lines
    assert ["nyfed_sofr", "1", "0", "332", "0"] in lines
    assert ["universe.csv", "not recorded data"] in lines
    assert any(line[0] == "market.candles" and line[1] == "7,465" for line in lines)
    assert "0 requests" in first_run.stdout
    assert "market.bars" in first_run.stderr  # progress
    assert "DEBUG" not in first_run.output  # Dagster's own log


def test_a_second_run_finds_nothing_due_and_knows_every_file(
    first_run: Any, findata: Run, empty: Platform
) -> None:
    before = rows_of_tables(empty)
    second = findata("materialize", "--recorded", str(SAMPLE), on=empty)
    lines = [re.split(r"\s{2,}", line.strip()) for line in second.stdout.splitlines()]
    assert second.exit_code == 0, second.output
    assert "nothing was due: 0 rows changed, 0 runs, 0 materializations, 0 requests" in second.stdout
    assert ["yahoo_1m", "0", "3", "0", "0"] in lines
    assert rows_of_tables(empty) == before


def test_status_shows_rows_and_that_nothing_is_due(first_run: Any, findata: Run, empty: Platform) -> None:
    result = findata("status", on=empty)
    lines = [re.split(r"\s{2,}", line.strip()) for line in result.stdout.splitlines()]
    assert result.exit_code == 0, result.output
    assert ["market.candles", "7,465", "2022-05-18", "2022-06-15"] in lines
    assert "nothing is due" in result.stdout
    assert "lake: up to date" in result.stdout


def test_select_and_sessions_narrow_what_is_run(
    findata: Run, make_platform: MakePlatform, tmp_path: Path
) -> None:
    platform = make_platform()
    folder = tmp_path / "recorded"
    shutil.copytree(SAMPLE, folder)
    result = findata(
        "materialize", "--recorded", str(folder), "--select", "market/bars", "--sessions", "2022-06-01..2022-06-02",
        on=platform,
    )  # fmt: skip
    counted = findata("sql", "--csv", "SELECT DISTINCT session_date FROM v1.bars ORDER BY 1", on=platform)
    assert result.exit_code == 0, result.output
    assert counted.stdout.splitlines() == ["session_date", "2022-06-01", "2022-06-02"]
    candles = findata("sql", "--csv", "SELECT count(*) FROM v1.candles", on=platform)
    assert candles.stdout.splitlines() == ["count", "0"]


@pytest.mark.parametrize(("name", "near"), [("market.candle", "market.candles"), ("bars", "market.bars")])
def test_an_unknown_table_is_refused_with_those_that_are_meant(
    findata: Run, loaded_sample: Platform, name: str, near: str
) -> None:
    result = findata("materialize", "--select", name, on=loaded_sample)
    assert result.exit_code == 2
    assert near in result.stderr


def test_sql_prints_a_table(findata: Run, loaded_sample: Platform) -> None:
    result = findata("sql", "SELECT 'a' AS letter, 1 AS number, NULL AS nothing", on=loaded_sample)
    assert result.exit_code == 0
    assert ["letter", "number", "nothing"] in [line.split() for line in result.stdout.splitlines()]
    assert "1 row" in result.stdout


def test_sql_shows_the_first_rows_of_many_and_says_so(findata: Run, loaded_sample: Platform) -> None:
    result = findata("sql", "SELECT generate_series(1, 100000) AS number", on=loaded_sample)
    assert result.exit_code == 0
    assert "the first 200 rows" in result.stdout


def test_sql_prints_json_with_instants_in_utc(findata: Run, loaded_sample: Platform) -> None:
    statement = "SELECT timestamptz '2022-06-01 09:30-04' AS moment, 'NaN'::float8 AS nan, ARRAY['a'] AS list, NULL AS nothing"
    result = findata("sql", "--json", statement, on=loaded_sample)
    assert json.loads(result.stdout) == [
        {"moment": "2022-06-01 13:30:00+00:00", "nan": "nan", "list": ["a"], "nothing": None}
    ]


def test_sql_prints_csv_whose_cells_may_hold_anything(findata: Run, loaded_sample: Platform) -> None:
    result = findata("sql", "--csv", "SELECT E'a,\"b\"\\nc' AS text, NULL AS nothing", on=loaded_sample)
    assert list(csv.reader(io.StringIO(result.stdout))) == [["text", "nothing"], ['a,"b"\nc', ""]]


@pytest.mark.parametrize("flag", ["--json", "--csv"])
def test_sql_without_rows_is_still_a_document(findata: Run, loaded_sample: Platform, flag: str) -> None:
    result = findata("sql", flag, "SELECT 1 AS one WHERE false", on=loaded_sample)
    assert result.stdout == ("[]\n" if flag == "--json" else "one\n")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM v1.rates", "permission denied"),
        ("CREATE TABLE v1.mine (n int)", "only reads"),
        ("COMMIT; DELETE FROM v1.rates", "one at a time"),
        ("SELECT * FROM market.bars", "--owner"),
        ("SELECT 1; SELECT 2", "one at a time"),
        ("SET default_transaction_read_only = off", "correct the statement"),
        ("SELEC 1", "at character 1"),
        ("SELECT * FROM v1.candels", "docs/sql.md lists the views"),
        ("SELECT closing FROM v1.bars", "bars"),
        ("", "correct the statement"),
    ],
)
def test_sql_refuses_and_explains(findata: Run, loaded_sample: Platform, statement: str, said: str) -> None:
    result = findata("sql", statement, on=loaded_sample)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_sql_ends_a_statement_that_takes_too_long(
    findata: Run, loaded_sample: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("findata_cli.querying.SESSION", "-c statement_timeout=100ms")
    result = findata("sql", "SELECT pg_sleep(60)", on=loaded_sample)
    assert result.exit_code == 2
    assert "narrow it" in result.stderr


def test_explain_prints_the_chain_down_to_the_file_and_says_equal(
    findata: Run, loaded_sample: Platform
) -> None:
    result = findata("explain", "MSFT.XNAS", "1h", "2022-06-01 13:30", on=loaded_sample)
    assert result.exit_code == 0, result.output
    assert "MSFT_1m.csv" in result.stdout
    assert "60 bars" in result.stdout
    assert "(the same)" in result.stdout
    assert result.stdout.rstrip().endswith("equal")


def test_explain_refuses_a_row_that_is_not_there(findata: Run, loaded_sample: Platform) -> None:
    result = findata("explain", "MSFT.XNAS", "1h", "2022-06-01 13:31", on=loaded_sample)
    assert result.exit_code == 2
    assert "2022-06-01 13:30 and 2022-06-01 14:30" in result.stderr


def test_migrate_says_that_there_is_nothing_to_do(findata: Run, loaded_sample: Platform) -> None:
    assert "already" in findata("migrate", on=loaded_sample).stdout


def test_migrate_says_what_an_administrator_must_run_where_the_user_may_not(
    findata: Run, loaded_sample: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = ["CREATE ROLE findata_reader NOLOGIN", "REVOKE TEMPORARY ON DATABASE findata FROM PUBLIC"]
    monkeypatch.setattr(
        "findata_resources.migrations.migrate.wanted_of_administrator", lambda database_url: wanted
    )
    result = findata("migrate", on=loaded_sample)
    assert result.exit_code == 0
    assert "an administrator" in result.stdout
    assert [line.strip() for line in result.stdout.splitlines()][-2:] == [f"{text};" for text in wanted]


def test_sql_of_an_owner_reads_the_tables(findata: Run, loaded_sample: Platform) -> None:
    result = findata(
        "sql", "--owner", "--csv", "SELECT count(*) > 0 AS some FROM ops.payloads", on=loaded_sample
    )
    assert result.stdout == "some\nTrue\n"
    refused = findata("sql", "--owner", "DELETE FROM ops.payloads", on=loaded_sample)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "only reads" in refused.stderr


def test_sql_without_a_role_of_readers_says_who_makes_it(
    findata: Run, loaded_sample: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("findata_cli.querying.READER", "no_such_reader")
    result = findata("sql", "SELECT 1", on=loaded_sample)
    assert result.exit_code == 2
    assert "findata migrate makes the role" in result.stderr


def test_schema_diff_prints_the_operations_that_are_missing(
    findata: Run, make_platform: MakePlatform
) -> None:
    platform = make_platform()
    equal = findata("schema", "diff", on=platform)
    with platform.store.database.transaction() as cursor:
        cursor.execute("ALTER TABLE market.bars DROP COLUMN vwap CASCADE")
    different = findata("schema", "diff", on=platform)
    assert (equal.exit_code, different.exit_code) == (0, 1), equal.output
    assert "vwap" in different.stdout


def test_a_database_that_does_not_answer_is_no_traceback(
    findata: Run, loaded_sample: Platform, monkeypatch: Any
) -> None:
    for name, value in settings_environment(loaded_sample.settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FINDATA_DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/none")
    for arguments in (["status"], ["sql", "SELECT 1"], ["migrate"], ["materialize"], ["verify"]):
        result = findata(*arguments)
        assert result.exit_code == 3, (arguments, result.output)
        assert "Traceback" not in result.output
        assert "secret" not in result.output


def test_as_of_prints_what_was_known_then(findata: Run, loaded_sample: Platform) -> None:
    """The sample's minutes were received at 16:30 UTC, MSFT's hour from 13:30 counts 60 of them."""
    asked = (
        "market.candles",
        "--instrument",
        "MSFT.XNAS",
        "--interval",
        "1h",
        "--sessions",
        "2022-06-01",
        "--json",
    )
    before = findata("as-of", "2022-06-15 16:29", *asked, on=loaded_sample)
    after = findata("as-of", "2022-06-15 12:30-04:00", *asked, on=loaded_sample)
    assert json.loads(before.stdout) == []
    assert [row["present_minutes"] for row in json.loads(after.stdout)] == [60, 60, 60, 60, 60, 60, 30]


@pytest.mark.parametrize(
    ("instant", "table", "said"),
    [
        ("2022-06-01", "market.bars", "2022-06-01 00:00"),
        ("yesterday", "market.bars", "2022-06-01T13:30Z"),
        ("2022-06-01 12:00", "ops.coverage", "market.candles"),
        ("2022-06-01 12:00", "market.bar", "market.bars"),
        ("9999-12-31 23:59-05:00", "market.bars", "outside of the years 1 to 9999"),
        ("0001-01-01T00:00+05:00", "market.bars", "outside of the years 1 to 9999"),
    ],
)
def test_as_of_refuses_what_it_can_not_answer(
    findata: Run, loaded_sample: Platform, instant: str, table: str, said: str
) -> None:
    result = findata("as-of", instant, table, on=loaded_sample)
    assert result.exit_code == 2
    assert said in result.stderr.replace("\n", " ")


TOLD = sorted({*DERIVATIONS, *(item.address for item in tables() if item.has_history)})
WITHOUT_INTERVALS = [name for name in TOLD if "interval" not in table(name).column_names]


@pytest.mark.parametrize("name", WITHOUT_INTERVALS)
def test_as_of_refuses_an_interval_of_what_has_none(findata: Run, loaded_sample: Platform, name: str) -> None:
    result = findata("as-of", "2022-06-15 17:00", name, "--interval", "1m", on=loaded_sample)
    assert result.exit_code == 2
    assert f"{name} has no intervals" in result.stderr.replace("\n", " ")
    assert "leave --interval out" in result.stderr.replace("\n", " ")


@pytest.mark.parametrize("name", sorted({*TOLD} - {*WITHOUT_INTERVALS}))
def test_as_of_refuses_a_width_that_is_none(findata: Run, loaded_sample: Platform, name: str) -> None:
    result = findata("as-of", "2022-06-15 17:00", name, "--interval", "7m", on=loaded_sample)
    assert result.exit_code == 2
    assert "There is no interval '7m'" in result.stderr.replace("\n", " ")


def test_coverage_counts_sessions_and_draws_them(findata: Run, loaded_sample: Platform) -> None:
    """MSFT's minutes begin and end inside a session (the sample's NOTICE); all between are whole."""
    result = findata("coverage", "--instrument", "MSFT.XNAS", on=loaded_sample)
    lines = [re.split(r"\s{2,}", line.strip()) for line in result.stdout.splitlines()]
    assert result.exit_code == 0, result.output
    minutes = ["MSFT.XNAS", "1m", "yahoo", "2022-05-18", "2022-06-15", "20", "18", "2"]
    assert [*minutes, "▄" + "█" * 18 + "▄"] in lines


def test_coverage_gives_each_session_with_its_gaps(findata: Run, loaded_sample: Platform) -> None:
    result = findata("coverage", "--sessions", "2022-06-15", "--csv", on=loaded_sample)
    rows = {
        (row["instrument_id"], row["interval"]): row for row in csv.DictReader(io.StringIO(result.stdout))
    }
    assert rows["MSFT.XNAS", "1m"]["gaps_utc"] == "16:30-20:00"
    assert (rows["AZN.XLON", "1m"]["status"], rows["AZN.XLON", "1m"]["state"]) == ("complete", "present")


def test_coverage_of_nothing_is_refused(findata: Run, loaded_sample: Platform) -> None:
    result = findata("coverage", "--instrument", "IBM.XNYS", on=loaded_sample)
    assert result.exit_code == 2
    assert "Nothing was counted" in result.stderr


def test_coverage_of_an_empty_database_says_what_fills_it(findata: Run, make_platform: MakePlatform) -> None:
    result = findata("coverage", on=make_platform())
    assert result.exit_code == 2
    assert "findata materialize" in result.stderr


def test_plan_says_what_would_be_asked_and_asks_nothing(findata: Run, loaded_sample: Platform) -> None:
    """Both families of MSFT's, AZN's and 9988's sessions of that week are there already, and settled."""
    result = findata("plan", "yahoo", "--sessions", "2022-06-06..2022-06-10", on=loaded_sample)
    lines = [re.split(r"\s{2,}", line.strip()) for line in result.stdout.splitlines()]
    assert result.exit_code == 0, result.output
    assert ["1d", "0", "0", "0", "0", "0", "none"] in lines
    assert "0 requests to yahoo" in result.stdout
    assert "nothing was asked" in result.stdout


def test_plan_of_no_source_is_refused(findata: Run, loaded_sample: Platform) -> None:
    result = findata("plan", "bloomberg", on=loaded_sample)
    assert result.exit_code == 2
    assert "alphavantage, yahoo" in result.stderr
