"""The bundled sample through all steps: what it must and must not make. Its bars begin on 2022-05-18 in
mid-session and end on 2022-06-15 in mid-session, so the weeks of 05-16 and 06-13 are not whole."""

from datetime import date

import polars as pl
import pytest
from psycopg import sql

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_core.schema.tables import table, tables
from findata_core.schema.validation import validate
from tests.conftest import SAMPLE

WHOLE_WEEKS = [date(2022, 5, 23), date(2022, 5, 30), date(2022, 6, 6)]
BROKEN_WEEKS = [date(2022, 5, 16), date(2022, 6, 13)]
VARIANTS = 7


def data_lines(pattern: str) -> int:
    return sum(len(path.read_text().splitlines()) - 1 for path in SAMPLE.glob(pattern))


def test_every_row_of_the_files_is_a_bar_or_in_quarantine(loaded_sample: Platform) -> None:
    store = loaded_sample.store
    refused = store.read(table("ops.quarantine")).height

    assert refused == 0
    assert store.read(table("market.bars")).height == data_lines("*_1m.csv")
    assert store.read(table("market.bars_1d")).height == data_lines("*_1d.csv")
    assert store.read(table("rates.rates")).height == data_lines("sofr_published.csv")


def test_broken_weeks_have_candles_that_say_so_and_no_pivots(loaded_sample: Platform) -> None:
    weeks = loaded_sample.store.read(table("market.weekly_candles"))
    pivots = loaded_sample.store.read(table("signals.weekly_pivots"))

    broken = weeks.filter(pl.col("period_start_date").is_in(BROKEN_WEEKS))
    assert broken.height == 2 * 3 * 2  # weeks, instruments, source intervals
    assert not broken.get_column("is_complete").any()
    assert weeks.filter(pl.col("period_start_date").is_in(WHOLE_WEEKS)).get_column("is_complete").all()
    assert sorted(pivots.get_column("window_start_date").unique()) == WHOLE_WEEKS
    assert pivots.height == len(WHOLE_WEEKS) * 3 * 2 * VARIANTS


def test_months_that_the_sample_cuts_are_not_complete(loaded_sample: Platform) -> None:
    months = loaded_sample.store.read(table("market.monthly_candles"))

    assert sorted(months.get_column("period_start_date").unique()) == [date(2022, 5, 1), date(2022, 6, 1)]
    assert not months.get_column("is_complete").any()


@pytest.mark.parametrize("address", [item.address for item in tables()])
def test_every_table_holds_only_rows_that_its_own_rules_allow(loaded_sample: Platform, address: str) -> None:
    rows = loaded_sample.store.read(table(address))

    assert validate(table(address), rows).failures.is_empty()


def test_nothing_is_left_to_do_or_to_publish(loaded_sample: Platform) -> None:
    database = loaded_sample.store.database

    reports = run_due(loaded_sample)

    assert {name for name, report in reports.items() if report.rows_written or report.rows_revised} == set()
    for book in ("ops.due", "ops.lake_dirty"):
        assert database.frame(sql.SQL("SELECT count(*) FROM " + book)).item() == 0


def test_the_half_sessions_at_both_ends_are_partial_and_all_between_is_counted(
    loaded_sample: Platform,
) -> None:
    minutes = loaded_sample.store.read(table("ops.coverage")).filter(instrument_id="MSFT.XNAS", interval="1m")
    days = minutes.sort("session_date").select("session_date", "status", "present_bars").rows()

    # MSFT's first bar is of 16:00 UTC, 150 minutes after the open, its last of 16:29.
    assert days[0] == (date(2022, 5, 18), "partial", 240)
    assert days[-1] == (date(2022, 6, 15), "partial", 180)
    assert date(2022, 5, 30) not in [day for day, _, _ in days]  # Memorial Day
    assert len(days) == 20
