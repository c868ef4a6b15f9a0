"""A made-up table with a column of every kind, for tests of what carries rows."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql

from findata_core.schema.tables import Column, ColumnKind, LakePartition, Table
from findata_resources.stores.database import Cursor, Database

KINDS = list(ColumnKind)
SQL_NAMES = {
    ColumnKind.TEXT: "text",
    ColumnKind.TEXT_LIST: "text[]",
    ColumnKind.FLOAT64: "float8",
    ColumnKind.INT32: "int4",
    ColumnKind.INT64: "int8",
    ColumnKind.BOOLEAN: "bool",
    ColumnKind.TIMESTAMP: "timestamptz",
    ColumnKind.DATE: "date",
    ColumnKind.DECIMAL: "numeric",
    ColumnKind.JSON: "jsonb",
}


def made_table(*kinds: ColumnKind) -> Table:
    """A table with a number as its key and a nullable column of each kind."""
    key = Column("number", ColumnKind.INT64, is_nullable=False, comment="Key.")
    columns = [Column(f"c_{kind.name.lower()}", kind, is_nullable=True, comment="Made up.") for kind in kinds]
    return Table(
        schema="made",
        name="rows",
        message="none",
        comment="Made up.",
        columns=(key, *columns),
        business_key=("number",),
        time_column="",
        chunk_days=0,
        has_history=False,
        digest_subject="",
        digest_date="",
        digest_slice=(),
        lake_partition=LakePartition.NONE,
    )


@contextmanager
def created(database: Database, table: Table) -> Iterator[Cursor]:
    """Create the table in a transaction and yield its cursor; afterwards the table is there and empty."""
    columns = ", ".join(
        f"{column.name} {SQL_NAMES[column.kind]} {'' if column.is_nullable else 'PRIMARY KEY'}"
        for column in table.columns
    )
    with database.transaction() as cursor:
        cursor.execute(b"CREATE SCHEMA IF NOT EXISTS made")
        cursor.execute(b"DROP TABLE IF EXISTS made.rows")
        cursor.execute(sql.SQL("CREATE TABLE made.rows (" + columns + ")"))
        yield cursor
