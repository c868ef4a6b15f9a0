"""The journal on a real database: each write tells which rows are new, revised and gone, in its own transaction."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import psycopg
import pytest
from psycopg import sql

from findata_assets.steps.platform import Platform
from findata_core.schema.tables import table
from findata_resources.embedded.processes import wait_until
from findata_resources.stores import journal
from findata_resources.stores.timescale import TimescaleStore
from tests.schema.good_rows import frame_of, good_row
from tests.stores.bars import DAY, SUBJECT, fold, no_marks, observed, received
from tests.stores.test_derived import CANDLES, candles, replace

PATIENCE_SECONDS = 60.0


@pytest.fixture
def store(platform: Platform) -> TimescaleStore:
    return platform.store


def lines(store: TimescaleStore) -> list[tuple[Any, ...]]:
    """What stands in the journal: table, slice, whether whole, keys; in order."""
    query = sql.SQL(
        "SELECT table_name, slice, is_whole, new_keys, revised_keys, retracted_keys FROM ops.changes "
        "ORDER BY transaction_id, change_number"
    )
    with store.database.transaction() as cursor:
        return cursor.execute(query).fetchall()


def wait_for_transactions(store: TimescaleStore) -> None:
    """Wait until none is open that began before the lines: any of the server counts, such as a vacuum's."""

    def are_over() -> bool:
        with store.database.transaction() as cursor:
            found = cursor.execute(
                b"SELECT FROM ops.changes WHERE transaction_id >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
            )
            return found.fetchone() is None

    assert wait_until(are_over, PATIENCE_SECONDS)


def test_candles_tell_which_of_a_session_came_differ_and_went(store: TimescaleStore) -> None:
    replace(store, candles(0, 1, 2))
    replace(store, pl.concat([candles(0), candles(1, close=254.2), candles(3)]))

    assert lines(store) == [
        ("market.candles", "1m", True, [], [], []),
        (
            "market.candles",
            "1m",
            False,
            ["1h/2022-05-19T16:30:00Z"],
            ["1h/2022-05-19T14:30:00Z"],
            ["1h/2022-05-19T15:30:00Z"],
        ),
    ]


def test_a_session_that_vanishes_is_retracted_row_by_row_and_one_that_is_equal_says_nothing(
    store: TimescaleStore,
) -> None:
    replace(store, candles(0, 1))
    replace(store, candles(0, 1))
    replace(store, candles(0).clear())

    assert [line[3:] for line in lines(store)] == [
        ([], [], []),
        ([], [], ["1h/2022-05-19T13:30:00Z", "1h/2022-05-19T14:30:00Z"]),
    ]


def test_a_week_is_alone_in_its_scope(store: TimescaleStore) -> None:
    weeks = table("market.weekly_candles")
    for close in (254.1, 254.2):
        frame = frame_of(weeks, {**good_row(weeks), "close": close})
        store.replace(weeks, frame, [(SUBJECT, good_row(weeks)["period_start_date"])], no_marks())

    assert lines(store) == [
        ("market.weekly_candles", "1d", True, [], [], []),
        ("market.weekly_candles", "1d", False, [], [journal.ALONE], []),
    ]


def test_what_a_repair_puts_in_place_is_told(store: TimescaleStore) -> None:
    replace(store, candles(0, 1, 2))
    right = pl.concat([candles(0), candles(1, close=254.2), candles(3)])

    store.put_in_place(CANDLES, right, None, [(SUBJECT, DAY)], store.digests(CANDLES))

    first, second = "1h/2022-05-19T14:30:00Z", "1h/2022-05-19T15:30:00Z"
    assert lines(store)[1:] == [
        ("market.candles", "1m", False, ["1h/2022-05-19T16:30:00Z"], [first], [second]),
    ]


def test_what_became_known_later_and_is_equal_is_no_revision() -> None:
    again = candles(0, ingest_time=received(2))
    assert journal.differing(CANDLES, candles(0), again) == []


def test_bars_are_not_followed(store: TimescaleStore) -> None:
    fold(store, observed(1, {0: 10.0}))
    fold(store, observed(2, {0: 11.0}))
    assert lines(store) == []


def test_two_writes_of_one_transaction_are_numbered_on(store: TimescaleStore) -> None:
    weeks = table("market.weekly_candles")
    with store.database.transaction() as cursor:
        journal.note(cursor, CANDLES, journal.whole([(SUBJECT, DAY, "1m"), ("AZN.XLON", DAY, "1m")]))
        journal.note(cursor, weeks, journal.whole([(SUBJECT, DAY, "1m")]))

    with store.database.transaction() as cursor:
        rows = cursor.execute(b"SELECT change_number, subject FROM ops.changes ORDER BY 1").fetchall()
    assert rows == [(1, "AZN.XLON"), (2, SUBJECT), (3, SUBJECT)]


def test_a_write_that_fails_leaves_no_line(store: TimescaleStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_arguments: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("findata_resources.stores.timescale.spread", failing)
    with pytest.raises(RuntimeError):
        replace(store, candles(0))
    assert lines(store) == []


def test_pruning_leaves_a_mark_of_how_far_it_went_and_what_is_young(store: TimescaleStore) -> None:
    for price in (254.1, 254.2):
        replace(store, candles(0, close=price))
    with store.database.transaction() as cursor:
        cursor.execute(b"UPDATE ops.changes SET written_time = now() - interval '9 days'")
    replace(store, candles(0, close=254.3))

    week_ago = datetime.now(UTC) - timedelta(days=7)
    wait_for_transactions(store)
    assert journal.prune(store.database, week_ago) == 1
    assert [line[0] for line in lines(store)] == ["", "market.candles"]
    assert journal.prune(store.database, week_ago) == 0


def test_what_an_open_transaction_may_stand_before_is_not_pruned(store: TimescaleStore) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with psycopg.connect(store.database.url) as other:
        other.execute("SELECT pg_current_xact_id()")
        replace(store, candles(0))
        assert journal.prune(store.database, tomorrow) == 0
        assert [line[0] for line in lines(store)] == ["market.candles"]
    wait_for_transactions(store)
    assert journal.prune(store.database, tomorrow) == 0  # the newest stays as the mark
    assert [line[0] for line in lines(store)] == [""]
