"""sift() is a quicker validate(): whatever stands in a row, both say the same."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findata_core.schema.frames import POLARS_TYPES
from findata_core.schema.tables import Column, ColumnKind, Table, table, tables
from findata_core.schema.validation import Validated, sift, validate
from tests.schema.good_rows import frame_of, good_row
from tests.schema.test_validation import BREAKS

NUMBERS = [-1, 0, 1, 61, 10**9]
# What may stand in a column of each kind: usual values, bounds, and what no row should have.
VALUES: dict[ColumnKind, list[Any]] = {
    ColumnKind.TEXT: ["", "x", "regular", "1m", "MSFT.XNAS", "USD"],
    ColumnKind.TEXT_LIST: [[], ["sample"]],
    ColumnKind.FLOAT64: [-1.0, 0.0, 253.89, 1e308, float("inf"), float("-inf"), float("nan")],
    ColumnKind.DECIMAL: [Decimal(-1), Decimal(0), Decimal("0.62")],
    ColumnKind.INT32: NUMBERS,
    ColumnKind.INT64: NUMBERS,
    ColumnKind.BOOLEAN: [True, False],
    ColumnKind.TIMESTAMP: [datetime(1970, 1, 1, tzinfo=UTC), datetime(2022, 5, 19, 13, 30, 1, tzinfo=UTC)],
    ColumnKind.DATE: [date(1970, 1, 1), date(2022, 5, 19)],
    ColumnKind.JSON: ["{}"],
}


def changed(declared: Table, column: Column, value: Any) -> pl.DataFrame:
    rows = frame_of(declared, good_row(declared))
    return rows.with_columns(pl.lit(value, POLARS_TYPES[column.kind]).alias(column.name))


def assert_equal(quick: Validated, slow: Validated) -> None:
    assert quick.good.equals(slow.good)
    assert quick.failures.equals(slow.failures)
    assert quick.failures.schema == slow.failures.schema


@pytest.mark.parametrize("declared", tables(), ids=lambda declared: declared.address)
def test_every_value_of_every_column_is_judged_as_by_pandera(declared: Table) -> None:
    for column in declared.columns:
        for value in [None, *VALUES[column.kind]]:
            rows = changed(declared, column, value)
            assert_equal(sift(declared, rows), validate(declared, rows))


@settings(deadline=None)
@given(st.data())
def test_a_batch_with_bad_rows_among_good_ones_is_split_as_by_pandera(data: st.DataObject) -> None:
    declared = table("market.bars")
    columns = st.sampled_from(declared.columns)
    rows = []
    for _ in range(data.draw(st.integers(0, 4))):
        column = data.draw(columns)
        value = data.draw(st.sampled_from([None, good_row(declared)[column.name], *VALUES[column.kind]]))
        rows.append(changed(declared, column, value))
    batch = pl.concat(rows) if rows else frame_of(declared, good_row(declared)).clear()
    assert_equal(sift(declared, batch), validate(declared, batch))


@pytest.mark.parametrize("declared", tables(), ids=lambda declared: declared.address)
def test_what_breaks_a_domain_rule_is_named_as_by_pandera(declared: Table) -> None:
    for changes in BREAKS.get(declared.message, {}).values():
        for change in changes:
            rows = frame_of(declared, {**good_row(declared), **change})
            quick = sift(declared, rows)
            assert quick.failures.height
            assert_equal(quick, validate(declared, rows))


def test_a_frame_of_another_shape_is_refused_as_by_pandera() -> None:
    declared = table("market.bars")
    rows = frame_of(declared, good_row(declared))
    for other in (rows.drop("open"), rows.select(reversed(rows.columns)), rows.cast({"volume": pl.Int32})):
        assert_equal(sift(declared, other), validate(declared, other))
        assert sift(declared, other).good.is_empty()
