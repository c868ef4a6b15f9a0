"""replace on a real database: scopes become what they should be, those that are gone go, marks are answered."""

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from findata_assets.steps.platform import Platform
from findata_core.schema.tables import table
from findata_resources.stores import due
from findata_resources.stores.reports import WriteReport
from findata_resources.stores.timescale import TimescaleStore
from tests.schema.good_rows import frame_of, good_row
from tests.stores.bars import DAY, OPEN, SUBJECT, clear_marks, due_marks, no_marks, places

CANDLES = table("market.candles")
NEXT = DAY + timedelta(days=1)


@pytest.fixture
def store(platform: Platform) -> TimescaleStore:
    return platform.store


def candles(*hours: int, **changes: Any) -> pl.DataFrame:
    """Candles of an hour that begin so many hours after the open."""
    starts = [OPEN + timedelta(hours=hour) for hour in hours]
    spans = [{"event_time": start, "available_time": start + timedelta(hours=1)} for start in starts]
    return frame_of(CANDLES, *[{**good_row(CANDLES), **span, **changes} for span in spans])


def replace(store: TimescaleStore, frame: pl.DataFrame, marks: pl.DataFrame | None = None) -> WriteReport:
    return store.replace(
        CANDLES, frame, [(SUBJECT, DAY), (SUBJECT, NEXT)], no_marks() if marks is None else marks
    )


def test_candles_that_come_out_the_same_are_not_written_again(store: TimescaleStore) -> None:
    replace(store, candles(0, 1))
    clear_marks(store)
    before = places(store, "market.candles")

    report = replace(store, candles(0, 1))

    assert (report.rows_written, report.rows_unchanged) == (0, 2)
    assert places(store, "market.candles") == before
    assert due_marks(store, "market.weekly_candles") == []


def test_a_scope_that_changes_is_replaced_and_its_weeks_become_due(store: TimescaleStore) -> None:
    replace(store, candles(0, 1))
    clear_marks(store)

    report = replace(store, candles(0, 2))

    assert report.rows_written == 2
    assert [row["event_time"].hour for row in store.read(CANDLES).to_dicts()] == [13, 15]
    assert len(due_marks(store, "market.weekly_candles")) == 1


def test_a_scope_that_vanishes_takes_its_rows_and_its_digest_along(store: TimescaleStore) -> None:
    replace(store, pl.concat([candles(0), candles(24, session_date=NEXT)]))
    clear_marks(store)

    replace(store, candles(0))

    assert store.read(CANDLES).get_column("session_date").to_list() == [DAY]
    assert store.digests(CANDLES).get_column("scope_date").to_list() == [DAY]
    assert due_marks(store, "market.monthly_candles") != []


def test_what_was_not_asked_about_stays(store: TimescaleStore) -> None:
    replace(store, candles(0, instrument_id="AZN.XLON"))

    store.replace(CANDLES, candles(0), [(SUBJECT, DAY)], no_marks())

    assert set(store.read(CANDLES).get_column("instrument_id")) == {"AZN.XLON", SUBJECT}


def mark(store: TimescaleStore, day: object = DAY) -> pl.DataFrame:
    with store.database.transaction() as cursor:
        due.mark(cursor, "market.candles", [(SUBJECT, day)])  # type: ignore[list-item]
    return due.due_scopes(store.database, "market.candles")


def test_candles_folded_from_bars_that_have_changed_since_are_not_written(store: TimescaleStore) -> None:
    seen = mark(store)
    made_again = mark(store)

    replace(store, candles(0), seen)

    assert store.read(CANDLES).is_empty()
    assert due.due_scopes(store.database, "market.candles").equals(made_again)


def test_candles_that_another_run_has_made_since_are_not_overwritten(store: TimescaleStore) -> None:
    seen = mark(store)
    replace(store, candles(0, 1), seen)

    replace(store, candles(0), seen)

    assert store.read(CANDLES).height == 2


def test_the_rest_of_the_work_is_done_where_one_mark_was_made_again(store: TimescaleStore) -> None:
    mark(store)
    seen = mark(store, NEXT)
    mark(store)

    replace(store, pl.concat([candles(0), candles(24, session_date=NEXT)]), seen)

    assert store.read(CANDLES).get_column("session_date").to_list() == [NEXT]
    assert due_marks(store, "market.candles") == [(SUBJECT, DAY)]
