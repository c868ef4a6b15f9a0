"""What proto/ declares: keys, comments, digest columns, and the schemas that are derived from it."""

from itertools import pairwise

import polars as pl
import pyarrow as pa
import pytest

from findata_core.errors import ConfigurationError
from findata_core.schema.frames import arrow_schema, empty, polars_schema
from findata_core.schema.tables import ColumnKind, LakePartition, table, tables
from tests.schema.good_rows import frame_of, good_row

ADDRESSES = [item.address for item in tables()]


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_table_says_what_it_is_and_what_identifies_its_rows(address: str) -> None:
    declared = table(address)

    assert declared.comment
    assert declared.business_key
    assert set(declared.business_key) <= set(declared.column_names)
    assert not any(declared.column(name).is_nullable for name in declared.business_key)
    assert len(set(declared.column_names)) == len(declared.column_names)


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_column_says_what_it_means(address: str) -> None:
    silent = [column.name for column in table(address).columns if not column.comment]

    assert silent == []


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_columns_that_digests_are_cut_by_exist_and_are_never_null(address: str) -> None:
    declared = table(address)
    cut = [
        name
        for name in (declared.digest_subject, declared.digest_date, *declared.digest_slice)
        if name and declared.digest_subject
    ]

    assert set(cut) <= set(declared.column_names)
    assert not any(declared.column(name).is_nullable for name in cut)
    if declared.digest_date:
        assert declared.column(declared.digest_date).kind is ColumnKind.DATE


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_hypertable_is_cut_by_an_instant_of_its_key(address: str) -> None:
    declared = table(address)

    if declared.chunk_days:
        assert declared.column(declared.time_column).kind is ColumnKind.TIMESTAMP
        assert declared.time_column in declared.business_key


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_is_in_the_lake_has_digests_to_prove_it_by(address: str) -> None:
    declared = table(address)

    assert (declared.lake_partition is LakePartition.NONE) == (declared.digest_subject == "")


def test_a_history_has_the_columns_of_its_table_and_when_a_version_ended() -> None:
    histories = [item for item in tables() if item.schema == "history"]
    of_facts = sorted(item.name for item in tables() if item.has_history)

    assert sorted(item.name for item in histories) == of_facts
    for history in histories:
        current = next(item for item in tables() if item.name == history.name and item.has_history)
        assert history.column_names == [*current.column_names, "superseded_time"]
        assert history.business_key == (*current.business_key, "ingest_time")


def test_every_column_that_holds_a_number_with_a_unit_in_its_name_says_it_in_its_unit() -> None:
    named = {"percent": "percent", "minutes": "minutes", "seconds": "seconds", "bytes": "bytes"}
    for item in tables():
        for column in item.columns:
            suffix = column.name.rsplit("_", 1)[-1]
            if suffix in named:
                assert column.unit == named[suffix], f"{item.address}.{column.name}"


def test_an_unknown_table_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"market\.bars_1d"):
        table("market.ticks")


@pytest.mark.parametrize("address", ADDRESSES)
def test_rows_survive_the_way_through_arrow(address: str) -> None:
    declared = table(address)
    rows = frame_of(declared, good_row(declared))

    through = pl.DataFrame(pa.table(rows.to_arrow()).cast(arrow_schema(declared)))

    assert through.schema == polars_schema(declared)
    assert through.equals(rows)


@pytest.mark.parametrize("address", ADDRESSES)
def test_arrow_carries_units_and_refusals_of_null(address: str) -> None:
    declared = table(address)
    schema = arrow_schema(declared)

    for column in declared.columns:
        field = schema.field(column.name)
        assert field.nullable == column.is_nullable
        assert field.metadata == {b"unit": column.unit.encode(), b"comment": column.comment.encode()}


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_empty_frame_has_the_tables_shape(address: str) -> None:
    declared = table(address)

    assert empty(declared).schema == polars_schema(declared)
    assert empty(declared).is_empty()


def test_tables_are_listed_once_and_in_order() -> None:
    assert all(former < latter for former, latter in pairwise(ADDRESSES))
