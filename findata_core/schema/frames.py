"""Frames in a table's shape: Polars and Arrow schemas, and the one door that settles a frame's dtypes.

Rules about values are in validation.py; here it is only about columns, order, dtypes and UTC.
"""

from collections.abc import Mapping
from functools import cache

import polars as pl
import pyarrow as pa

from findata_core.errors import DataError
from findata_core.schema.tables import ColumnKind, Table

POLARS_TYPES: Mapping[ColumnKind, pl.DataType] = {
    ColumnKind.TEXT: pl.String(),
    ColumnKind.TEXT_LIST: pl.List(pl.String()),
    ColumnKind.FLOAT64: pl.Float64(),
    ColumnKind.INT32: pl.Int32(),
    ColumnKind.INT64: pl.Int64(),
    ColumnKind.BOOLEAN: pl.Boolean(),
    ColumnKind.TIMESTAMP: pl.Datetime("us", "UTC"),
    ColumnKind.DATE: pl.Date(),
    ColumnKind.DECIMAL: pl.Decimal(38, 12),
    ColumnKind.JSON: pl.String(),
}

ARROW_TYPES: Mapping[ColumnKind, pa.DataType] = {
    ColumnKind.TEXT: pa.large_string(),
    ColumnKind.TEXT_LIST: pa.large_list(pa.large_string()),
    ColumnKind.FLOAT64: pa.float64(),
    ColumnKind.INT32: pa.int32(),
    ColumnKind.INT64: pa.int64(),
    ColumnKind.BOOLEAN: pa.bool_(),
    ColumnKind.TIMESTAMP: pa.timestamp("us", "UTC"),
    ColumnKind.DATE: pa.date32(),
    ColumnKind.DECIMAL: pa.decimal128(38, 12),
    ColumnKind.JSON: pa.large_string(),
}


@cache
def polars_schema(table: Table) -> pl.Schema:
    """Return the table's Polars schema, columns in proto field order; it is shared and must not be changed."""
    return pl.Schema({column.name: POLARS_TYPES[column.kind] for column in table.columns})


def arrow_schema(table: Table) -> pa.Schema:
    """Return the table's Arrow schema; units and meanings are in the fields' metadata."""
    return pa.schema(
        [
            pa.field(
                column.name,
                ARROW_TYPES[column.kind],
                nullable=column.is_nullable,
                metadata={"unit": column.unit, "comment": column.comment},
            )
            for column in table.columns
        ]
    )


def empty(table: Table) -> pl.DataFrame:
    """Return a frame of the table's shape without rows."""
    return _empty(table).clone()


@cache
def _empty(table: Table) -> pl.DataFrame:
    return pl.DataFrame(schema=polars_schema(table))


def conform(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Return the frame with the table's columns, in order, in its dtypes, times in UTC.

    Columns that the table lets be null may be absent; further columns are dropped. DataError names a
    missing column, or one whose values do not fit the dtype (a naive time is not taken for UTC).
    """
    names, dtypes = _shape(table)
    if frame.columns == names and frame.dtypes == dtypes:
        return frame  # most frames have this shape already, and a query of nothing costs as much as one of something
    missing = [c.name for c in table.columns if c.name not in frame.columns and not c.is_nullable]
    if missing:
        raise DataError(
            f"Rows for {table.address} lack {', '.join(missing)}", "Give every column that may not be null"
        )
    _refuse_naive_times(frame, table)
    here = frozenset(frame.columns)
    expressions = _casts(table, frozenset(name for name in names if name not in here))
    try:
        return frame.select(expressions)
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"Rows for {table.address} do not fit its columns: {error}", "Compare with docs/data"
        ) from error


@cache
def _shape(table: Table) -> tuple[list[str], list[pl.DataType]]:
    schema = polars_schema(table)
    return schema.names(), list(schema.dtypes())


@cache
def _casts(table: Table, absent: frozenset[str]) -> list[pl.Expr]:
    """Return the table's columns in its dtypes, absent ones as null: to make them takes longer than to use them."""
    return [
        (pl.lit(None) if name in absent else pl.col(name)).cast(dtype).alias(name)
        for name, dtype in polars_schema(table).items()
    ]


def _refuse_naive_times(frame: pl.DataFrame, table: Table) -> None:
    for column in table.columns:
        dtype = frame.schema.get(column.name)
        if column.kind is ColumnKind.TIMESTAMP and isinstance(dtype, pl.Datetime) and dtype.time_zone is None:
            raise DataError(
                f"{table.address}.{column.name} has times without a zone", "Convert them to UTC first"
            )
