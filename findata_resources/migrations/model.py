"""SQLAlchemy metadata made from the contract's tables; nothing here names a column."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from findata_core.schema.tables import Column, ColumnKind, Table, tables

SQL_TYPES: Mapping[ColumnKind, TypeEngine[Any]] = {
    ColumnKind.TEXT: sa.Text(),
    ColumnKind.TEXT_LIST: postgresql.ARRAY(sa.Text()),
    ColumnKind.FLOAT64: sa.Double(),
    ColumnKind.INT32: sa.Integer(),
    ColumnKind.INT64: sa.BigInteger(),
    ColumnKind.BOOLEAN: sa.Boolean(),
    ColumnKind.TIMESTAMP: sa.DateTime(timezone=True),
    ColumnKind.DATE: sa.Date(),
    ColumnKind.DECIMAL: sa.Numeric(),
    ColumnKind.JSON: postgresql.JSONB(),
}

HYPERTABLE = "hypertable"  # key in sqlalchemy.Table.info: (time column, chunk interval in days)


@cache
def metadata() -> sa.MetaData:
    """Return the metadata of all declared tables, histories included."""
    result = sa.MetaData()
    for table in tables():
        add_table(result, table)
    return result


def add_table(result: sa.MetaData, table: Table, schema_prefix: str = "") -> sa.Table:
    """Add one table to the metadata, in the schema `schema_prefix + schema`."""
    return sa.Table(
        table.name,
        result,
        *(sql_column(column) for column in table.columns),
        sa.PrimaryKeyConstraint(*table.business_key, name=f"{table.name}_pkey"),
        schema=schema_prefix + table.schema,
        comment=table.comment,
        info={HYPERTABLE: (table.time_column, table.chunk_days)} if table.chunk_days else {},
    )


def sql_column(column: Column) -> sa.Column[Any]:
    """Return the SQL column; its comment carries meaning and unit."""
    unit = f" [{column.unit}]" if column.unit else ""
    return sa.Column(
        column.name,
        SQL_TYPES[column.kind],
        nullable=column.is_nullable,
        autoincrement=False,
        comment=column.comment + unit,
    )


def schemas() -> list[str]:
    """Return the schemas that the contract's tables lie in, sorted."""
    return sorted({table.schema for table in tables()})
