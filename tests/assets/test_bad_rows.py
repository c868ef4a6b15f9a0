"""Bad rows and bad requests through Dagster: refused with a reason, shown in a table, the rest goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from findata_assets.checks.contract import contract_checks
from findata_assets.checks.derived import parents_are_folds_of_children
from findata_assets.market.assets import bars, bars_1d, candles
from findata_assets.partitions import MONTHS, SESSIONS
from findata_assets.running import blocks
from findata_core.errors import ConfigurationError, FindataError, RunFailed
from findata_resources.environment import resolve_endpoints
from findata_resources.stores.objects import Objects
from findata_resources.stores.raw import RawStore
from tests.conftest import SAMPLE
from tests.orchestration import Orchestrated, rows_shown

HEADER = "date,open,high,low,close,volume"
TUESDAY = "2022-06-14"
# What is wrong with a line, and the rule that it is refused with.
BAD_LINES = {
    "2022-06-14 13:40:00+00:00,240,239,238,239.5,100": "high_not_highest",
    "2022-06-14 13:45:00+00:00,240,241,239,240,7": "duplicate_conflicting",
    "2022-06-12 14:00:00+00:00,240,241,239,240,7": "no_session",  # a Sunday
    "2022-06-14 13:44:00+00:00,240,241,239,240,7.5": "fractional_volume",
    "2022-06-14 13:43:30+00:00,240,241,239,240,7": "off_grid",
    "2022-06-14 13:42:00+00:00,240,241,239,,7": "null_price",
    "2022-06-14 13:41:00+00:00,240,241,239,240,-5": "volume_below_minimum",
}
GOOD_LINES = [
    "2022-06-14 13:45:00+00:00,240,241,239,240,8",  # what is said last counts
    "2022-06-14 13:46:00+00:00,240,241,239,240,9",
    "2022-06-14 13:46:00+00:00,240,241,239,240,9",  # said twice
]
MANIFEST = """
[[set]]
name = "odd"
files = "*.csv"
dataset = "bars"
source = "yahoo"
interval = "1m"
adjustment = "split"
received = 2022-06-15T16:00:00Z
[set.instrument]
symbol = "MSFT"
mic = "XNAS"
[set.time]
column = "date"
label = "start"
"""


@pytest.fixture(scope="module")
def odd(dagster: Orchestrated, tmp_path_factory: pytest.TempPathFactory) -> Orchestrated:
    """A platform into which a file with every kind of bad row was loaded."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "recorded.toml").write_text(MANIFEST)
    (folder / "MSFT.csv").write_text("\n".join([HEADER, *BAD_LINES, *GOOD_LINES]) + "\n")
    dagster.load(folder)
    return dagster


def check_of(loaded: Orchestrated, name: str, key: str = "market/bars") -> dg.AssetCheckEvaluation:
    """Return what a check said last."""
    (record, *_) = loaded.instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(dg.AssetKey(key.split("/")), name), limit=1
    )
    said = record.evaluation
    assert isinstance(said, dg.AssetCheckEvaluation)
    return said


def test_good_rows_are_stored_and_each_bad_one_is_quarantined_with_its_rule(odd: Orchestrated) -> None:
    assert odd.rows("SELECT event_time::text, volume::bigint FROM market.bars ORDER BY 1") == [
        ("2022-06-14 13:45:00+00", 8),
        ("2022-06-14 13:46:00+00", 9),
    ]
    refused = dict(odd.rows("SELECT rule, count(*) FROM ops.quarantine GROUP BY 1"))
    assert refused.keys() >= set(BAD_LINES.values())
    # The lines stand before the good ones and newest first: each is known by its place in the file.
    numbered = dict(odd.rows("SELECT rule, row_number::int FROM ops.quarantine"))
    expected = {rule: place for place, rule in enumerate(BAD_LINES.values())}
    assert {rule: numbered[rule] for rule in expected} == expected


def test_the_quarantine_shows_the_rows_and_warns(odd: Orchestrated) -> None:
    said = check_of(odd, "quarantine")
    assert (said.passed, said.severity) == (False, dg.AssetCheckSeverity.WARN)
    shown = rows_shown(said)
    assert {row["rule"] for row in shown} >= set(BAD_LINES.values())
    assert any('"volume": -5' in str(row["row"]) or '"volume":-5' in str(row["row"]) for row in shown)
    assert check_of(odd, "contract").passed


def test_what_follows_goes_on_with_the_good_rows(odd: Orchestrated) -> None:
    assert odd.rows("SELECT present_minutes FROM market.candles WHERE interval = '1d'") == [(2,)]
    assert odd.count("ops.due") == 0


@contextmanager
def tampered(loaded: Orchestrated, change: str, repair: str) -> Iterator[None]:
    """Change rows behind findata's back; at the end they are as they were."""
    database = loaded.platform.store.database
    with database.transaction() as cursor:
        cursor.execute(change.encode())
    try:
        yield
    finally:
        with database.transaction() as cursor:
            cursor.execute(repair.encode())


def test_a_row_altered_behind_findata_s_back_fails_the_contract_and_stops_what_follows(
    odd: Orchestrated,
) -> None:
    where = "WHERE event_time = '2022-06-14 13:46+00'"
    change, repair = (
        f"UPDATE market.bars SET high = low - 1 {where}",
        f"UPDATE market.bars SET high = 241 {where}",
    )
    with tampered(odd, change, repair):
        result = odd.materialize(
            [bars, *contract_checks("market.bars", SESSIONS), candles], partition_key=TUESDAY
        )
    assert not result.success
    failed = [item for item in result.get_asset_check_evaluations() if not item.passed and item.blocking]
    assert [(item.asset_key.to_user_string(), item.check_name) for item in failed] == [
        ("market/bars", "contract")
    ]
    (row, *_) = rows_shown(failed[0])
    assert (row["event_time"], row["rule"]) == ("2022-06-14 13:46:00.000000+00:00", "high_not_highest")
    done = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()}
    assert done == {"market/bars"}


def test_a_candle_altered_behind_findata_s_back_is_no_fold_of_its_children(odd: Orchestrated) -> None:
    where = "WHERE interval = '1h'"
    change, repair = (f"UPDATE market.candles SET close = close {sign} 0.25 {where}" for sign in "+-")
    with tampered(odd, change, repair):
        result = odd.materialize([candles, parents_are_folds_of_children], partition_key=TUESDAY)
    assert not result.success
    (said,) = result.get_asset_check_evaluations()
    assert not said.passed
    shown = rows_shown(said)
    assert "1h" in {row["interval"] for row in shown}


def test_a_failed_blocking_check_is_told_by_name(odd: Orchestrated, tmp_path: Path) -> None:
    (tmp_path / "recorded.toml").write_text(MANIFEST.replace("T16:00", "T17:00"))
    (tmp_path / "MSFT.csv").write_text(f"{HEADER}\n2022-06-14 13:55:00+00:00,240,241,239,240,1\n")
    where = "WHERE event_time = '2022-06-14 13:46+00'"
    change, repair = (
        f"UPDATE market.bars SET high = low - 1 {where}",
        f"UPDATE market.bars SET high = 241 {where}",
    )
    with tampered(odd, change, repair), pytest.raises(RunFailed) as failed:
        odd.load(tmp_path)
    assert failed.value.message == "Checks failed: market/bars:contract"
    odd.runner().run_due()  # what was stopped is still due
    assert odd.count("ops.due") == 0


def test_a_check_looks_at_the_partition_of_its_run_alone(odd: Orchestrated) -> None:
    checks = contract_checks("market.bars", SESSIONS)
    result = odd.materialize([bars, *checks], partition_key="2022-06-13")
    counted = {
        item.check_name: item.metadata.get("rows_checked") for item in result.get_asset_check_evaluations()
    }
    assert counted["contract"] == dg.IntMetadataValue(0)


def test_a_month_s_checks_look_at_the_whole_month(odd: Orchestrated) -> None:
    result = odd.materialize([bars_1d, *contract_checks("market.bars_1d", MONTHS)], partition_key="2022-06")
    assert result.success


def test_blocks_are_the_unbroken_stretches_of_partitions() -> None:
    # The 20th of June 2022 was a session in Hong Kong and London only, the weekend none anywhere.
    days = {date(2022, 6, day) for day in (16, 17, 20, 22, 23)}
    assert list(blocks(SESSIONS, days)) == [("2022-06-16", "2022-06-20"), ("2022-06-22", "2022-06-23")]
    assert list(blocks(MONTHS, {date(2022, 5, 1), date(2022, 6, 30), date(2022, 8, 2)})) == [
        ("2022-05", "2022-06"),
        ("2022-08", "2022-08"),
    ]


@pytest.mark.parametrize("day", [date(2022, 12, 25), date(1999, 12, 31), date(2100, 1, 4)])
def test_a_day_without_a_session_is_refused_by_name(day: date) -> None:
    with pytest.raises(ConfigurationError) as refused:
        list(blocks(SESSIONS, {day}))
    assert str(day) in refused.value.message
    assert "no followed exchange trades" in refused.value.message
    assert "FINDATA_FIRST_SESSION" in refused.value.next_step


def test_days_without_a_closed_session_can_t_be_fetched(odd: Orchestrated) -> None:
    with pytest.raises(ConfigurationError, match="No followed exchange has a session"):
        odd.runner().fetch("yahoo", date(2022, 12, 24), date(2022, 12, 27))
    with pytest.raises(ConfigurationError, match="Use one of alphavantage, ecb, fred, nyfed, yahoo"):
        odd.runner().fetch("bloomberg", date(2022, 6, 13), date(2022, 6, 14))


def without_manifest(folder: Path) -> Path:
    return folder


def with_broken_manifest(folder: Path) -> Path:
    (folder / "recorded.toml").write_text("[[set]\n")
    return folder


def without_folder(folder: Path) -> Path:
    return folder / "nowhere"


@pytest.mark.parametrize("made", [without_manifest, with_broken_manifest, without_folder])
def test_a_folder_that_can_t_be_loaded_is_refused_before_a_run(
    odd: Orchestrated, tmp_path: Path, made: Callable[[Path], Path]
) -> None:
    runs = odd.instance.get_runs_count()
    with pytest.raises(FindataError, match="Next: "):
        odd.load(made(tmp_path))
    assert odd.instance.get_runs_count() == runs


def test_an_exchange_that_is_not_followed_loads_with_its_own_calendar(
    odd: Orchestrated, tmp_path: Path
) -> None:
    """Its sessions are partitions where a followed exchange trades too; elsewhere the error says what to do."""
    (tmp_path / "recorded.toml").write_text(
        MANIFEST.replace('symbol = "MSFT"', 'symbol = "RELIANCE"').replace("XNAS", "XBOM")
    )
    (tmp_path / "RELIANCE.csv").write_text(f"{HEADER}\n2022-06-14 05:00:00+00:00,2600,2601,2599,2600,12\n")
    odd.load(tmp_path)
    assert odd.rows("SELECT volume::bigint FROM market.bars WHERE instrument_id = 'RELIANCE.XBOM'") == [(12,)]


def test_a_failed_run_is_told_in_findata_s_own_words(
    odd: Orchestrated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 is asked with a wrong key in the middle of a run: what failed and what to do come out of it."""
    shutil.copytree(SAMPLE, tmp_path / "sample")
    (tmp_path / "sample" / "MSFT_1m.csv").write_text(
        f"{HEADER}\n2022-06-14 13:50:00+00:00,240,241,239,240,1\n"
    )
    runner = odd.runner()
    endpoints = replace(resolve_endpoints(odd.platform.settings), s3_secret_key="wrong")
    monkeypatch.setattr(odd.platform, "raw", RawStore(Objects(endpoints)))
    with pytest.raises(RunFailed) as failed:
        runner.load_recorded(tmp_path / "sample", None)
    assert failed.value.message.startswith("raw__recorded__bars: S3 did not do it")
    assert "findata config" in failed.value.next_step
