"""What a killed run leaves on S3 or marked is taken up by the next: receipts, and objects of the lake."""

from pathlib import Path

import pytest
from psycopg import sql

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import (
    adopt_receipts,
    recorded_answers,
    reference_is_current,
    refresh_reference,
)
from findata_core.schema.tables import table
from tests.conftest import MakePlatform, load_sample
from tests.steps.folders import at, flat, minutes_from, write_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    minutes = minutes_from(at("2022-05-19 13:30"), [flat(10), flat(11)])
    return write_folder(tmp_path / "one", "2022-06-01T12:00:00Z", minutes)


def test_a_receipt_that_was_put_but_not_entered_is_adopted(platform: Platform, folder: Path) -> None:
    refresh_reference(platform)
    answers = recorded_answers(platform, folder, None, "bars")
    for answer in answers:
        platform.raw.put(answer)  # and then the run is killed

    adopted = adopt_receipts(platform)
    run_due(platform)

    assert adopted.payloads_new == len(answers)
    assert platform.store.read(table("market.bars")).get_column("close").to_list() == [10.0, 11.0]


def test_adopting_again_changes_nothing(platform: Platform, folder: Path) -> None:
    refresh_reference(platform)
    for answer in recorded_answers(platform, folder, None, "bars"):
        platform.raw.put(answer)
    adopt_receipts(platform)

    assert adopt_receipts(platform).payloads_new == 0


def test_an_empty_database_over_a_full_bucket_becomes_what_was_lost(make_platform: MakePlatform) -> None:
    lost = make_platform()
    load_sample(lost)
    found = make_platform()
    found.raw, found.lake = lost.raw, lost.lake

    adopt_receipts(found)
    run_due(found)

    for name in ("market.bars", "market.candles", "signals.pivot_signals", "rates.averages"):
        assert found.store.digests(table(name)).equals(lost.store.digests(table(name)))


def test_reference_data_are_current_until_the_universe_file_changes(
    make_platform: MakePlatform, tmp_path: Path
) -> None:
    platform = make_platform()
    assert not reference_is_current(platform)
    refresh_reference(platform)
    assert reference_is_current(platform)

    changed = tmp_path / "universe.csv"
    changed.write_text("instrument_id,mic,currency,price_units,yahoo\nIBM.XNYS,XNYS,USD,1,IBM\n")
    platform.settings = platform.settings.model_copy(update={"universe": changed})

    assert not reference_is_current(platform)


def test_calendars_that_end_too_early_are_not_current(platform: Platform) -> None:
    refresh_reference(platform)
    with platform.store.database.transaction() as cursor:
        cursor.execute(sql.SQL("DELETE FROM reference.sessions WHERE session_date > '2026-01-01'"))

    assert not reference_is_current(platform)
