"""fold_facts on a real database: what is written, what is left alone, what becomes due."""

from datetime import date

import polars as pl
import psycopg
import pytest

from findata_assets.steps.platform import Platform
from findata_core.schema.frames import empty
from findata_core.schema.hashing import digests
from findata_core.schema.tables import table
from findata_resources.stores import due
from findata_resources.stores.timescale import Facts, TimescaleStore
from tests.stores.bars import (
    BARS,
    DAY,
    SUBJECT,
    clear_marks,
    closed,
    closes,
    due_marks,
    fold,
    no_marks,
    observed,
    places,
    received,
)


@pytest.fixture
def store(platform: Platform) -> TimescaleStore:
    return platform.store


def lake_marks(store: TimescaleStore) -> list[tuple[str, str]]:
    with store.database.transaction() as cursor:
        return cursor.execute(b"SELECT table_name, partition FROM ops.lake_dirty ORDER BY 1, 2").fetchall()


def assert_digests_are_of_what_is_stored(store: TimescaleStore) -> None:
    columns = ["subject", "scope_date", "slice", "sha256", "row_count"]
    stored = store.digests(BARS).select(columns).sort(columns)
    assert stored.equals(digests(BARS, store.read(BARS)).select(columns).sort(columns))


def test_a_fresh_session_is_written_and_everything_downstream_becomes_due(store: TimescaleStore) -> None:
    report = fold(store, observed(1, {0: 10, 1: 20}))

    assert (report.rows_written, report.rows_unchanged, report.rows_revised) == (2, 0, 0)
    assert report.subjects == {SUBJECT}
    assert closes(store) == {0: (10, 1), 1: (20, 1)}
    assert closed(store) == []
    assert due_marks(store, "market.candles") == [(SUBJECT, DAY)]
    assert due_marks(store, "ops.coverage") == [(SUBJECT, DAY)]
    assert lake_marks(store) == [("market.bars", "2022-05-19")]
    assert_digests_are_of_what_is_stored(store)


def test_a_payload_that_says_the_same_again_writes_no_row_and_makes_nothing_due(
    store: TimescaleStore,
) -> None:
    fold(store, observed(1, {0: 10, 1: 20}))
    clear_marks(store)
    before = places(store)

    report = fold(store, observed(2, {0: 10, 1: 20}))

    assert (report.rows_written, report.rows_unchanged, report.rows_revised) == (0, 2, 0)
    assert places(store) == before
    assert closes(store) == {0: (10, 1), 1: (20, 1)}
    assert due_marks(store, "market.candles") == []
    assert lake_marks(store) == []


def test_another_source_of_the_same_session_is_not_touched_by_a_payload_that_says_the_same_again(
    store: TimescaleStore,
) -> None:
    fold(store, observed(1, {0: 10}), observed(1, {0: 11}, source="other"))
    clear_marks(store)
    before = places(store)

    fold(store, observed(2, {0: 10}))

    assert places(store) == before
    assert due_marks(store, "market.candles") == []
    assert lake_marks(store) == []
    assert_digests_are_of_what_is_stored(store)


def test_a_revision_closes_the_old_version_and_leaves_the_other_rows_where_they_lie(
    store: TimescaleStore,
) -> None:
    fold(store, observed(1, {0: 10, 1: 20, 2: 30}))
    before = places(store)

    report = fold(store, observed(3, {0: 10, 1: 21, 2: 30}))

    assert (report.rows_written, report.rows_unchanged, report.rows_revised) == (1, 2, 1)
    assert closes(store) == {0: (10, 1), 1: (21, 3), 2: (30, 1)}
    assert closed(store) == [(1, 20, 1, 3)]
    assert len(before & places(store)) == 2
    assert_digests_are_of_what_is_stored(store)


def test_a_payload_of_half_a_session_leaves_the_other_half(store: TimescaleStore) -> None:
    fold(store, observed(1, {0: 10, 1: 20}))

    fold(store, observed(2, {1: 22, 2: 30}))

    assert closes(store) == {0: (10, 1), 1: (22, 2), 2: (30, 2)}
    assert closed(store) == [(1, 20, 1, 2)]
    assert_digests_are_of_what_is_stored(store)


def test_an_older_payload_is_spliced_into_history(store: TimescaleStore) -> None:
    first, third = observed(1, {0: 10, 1: 20}), observed(3, {0: 12})
    fold(store, first)
    fold(store, third)
    history = places(store, "history.bars")

    report = fold(store, first, observed(2, {0: 11, 1: 20}), third, splice=True)

    assert closes(store) == {0: (12, 3), 1: (20, 1)}
    assert closed(store) == [(0, 10, 1, 2), (0, 11, 2, 3)]
    assert report.rows_revised == 2
    assert len(history & places(store, "history.bars")) == 0
    assert_digests_are_of_what_is_stored(store)


def test_splicing_what_is_there_already_writes_nothing(store: TimescaleStore) -> None:
    payloads = [observed(1, {0: 10}), observed(2, {0: 11}), observed(3, {0: 10})]
    fold(store, *payloads)
    before = places(store), places(store, "history.bars")

    report = fold(store, *payloads, splice=True)

    assert (report.rows_written, report.rows_revised) == (0, 0)
    assert (places(store), places(store, "history.bars")) == before


def test_each_session_knows_how_far_its_own_payloads_are_folded(store: TimescaleStore) -> None:
    fold(store, observed(1, {0: 10}), observed(4, {0: 10}, instrument_id="AZN.XLON"))
    fold(store, observed(2, {0: 10}))

    folded = dict(store.digests(BARS).select("subject", "ingest_time").iter_rows())

    assert folded == {SUBJECT: received(2), "AZN.XLON": received(4)}


def test_a_change_behind_findatas_back_is_repaired_when_digests_are_not_trusted(
    store: TimescaleStore,
) -> None:
    fold(store, observed(1, {0: 10, 1: 20}))
    with store.database.transaction() as cursor:
        cursor.execute(b"UPDATE market.bars SET close = 19, low = 19 WHERE close = 20")
    again = observed(2, {0: 10, 1: 20})

    assert fold(store, again).rows_written == 0
    report = store.fold_facts(BARS, facts_of(again), [DAY], trust_digests=False)

    assert report.rows_written == 1
    assert closes(store)[1][0] == 20
    assert_digests_are_of_what_is_stored(store)


def facts_of(rows: pl.DataFrame) -> Facts:
    return Facts(rows, no_marks(), empty(table("ops.quarantine")))


def test_a_server_in_another_time_zone_changes_nothing(store: TimescaleStore) -> None:
    name = store.database.url.rpartition("/")[2]
    with psycopg.connect(store.database.url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET timezone = 'America/New_York'".encode())

    fold(store, observed(1, {0: 10, 1: 20}))
    fold(store, observed(2, {0: 11}))

    assert closes(store) == {0: (11, 2), 1: (20, 1)}
    assert_digests_are_of_what_is_stored(store)


def test_work_whose_mark_was_answered_meanwhile_changes_nothing(store: TimescaleStore) -> None:
    marks = mark(store, received(1))
    fold(store, observed(1, {0: 10}), observed(2, {0: 12}), marks=marks)

    late = fold(store, observed(1, {0: 10}), marks=marks)

    assert late.rows_written == 0
    assert closes(store) == {0: (12, 2)}
    assert closed(store) == [(0, 10, 1, 2)]


def test_work_whose_mark_was_made_again_meanwhile_leaves_the_new_mark(store: TimescaleStore) -> None:
    marks = mark(store, received(1))
    again = mark(store, received(2))

    fold(store, observed(1, {0: 10}), marks=marks)

    assert closes(store) == {}
    assert due.due_scopes(store.database, "market.bars").rows() == again.rows()


def test_work_clears_exactly_the_marks_that_it_answers(store: TimescaleStore) -> None:
    other = mark(store, received(1), subject="AZN.XLON")
    marks = mark(store, received(1))

    fold(store, observed(1, {0: 10}), marks=marks.filter(subject=SUBJECT))

    assert due_marks(store, "market.bars") == other.select("subject", "scope_date").rows()


def test_a_mark_keeps_the_receive_time_of_the_oldest_payload_that_waits(store: TimescaleStore) -> None:
    mark(store, received(2))
    mark(store, received(3))
    marks = mark(store, received(1))

    assert marks.get_column("from_time").to_list() == [received(1)]


def mark(store: TimescaleStore, time: object, subject: str = SUBJECT) -> pl.DataFrame:
    with store.database.transaction() as cursor:
        due.mark(cursor, "market.bars", [(subject, DAY)], from_time=time)  # type: ignore[arg-type]
    return due.due_scopes(store.database, "market.bars")


def test_an_upstream_week_makes_its_neighbours_due(store: TimescaleStore) -> None:
    """2022-05-19 is a Thursday: its week begins on the 16th, its month on the 1st; pivots: 2 weeks before."""
    with store.database.transaction() as cursor:
        due.mark_downstream(cursor, "market.bars_1d", [(SUBJECT, DAY)])

    assert due_marks(store, "market.weekly_candles") == [(SUBJECT, date(2022, 5, 16))]
    assert due_marks(store, "market.monthly_candles") == [(SUBJECT, date(2022, 5, 1))]
    assert due_marks(store, "signals.weekly_pivots") == [
        (SUBJECT, date(2022, 5, 2)),
        (SUBJECT, date(2022, 5, 9)),
    ]
    assert due_marks(store, "ops.coverage") == [(SUBJECT, DAY)]
