"""Alembic operations of our own: create a schema, turn a table into a hypertable; and when they are due.

Autogenerate compares tables and columns by itself; what it does not know about TimescaleDB is here.
"""

from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, Operations
from alembic.operations.ops import UpgradeOps

from findata_resources.migrations.model import HYPERTABLE, metadata, schemas


@Operations.register_operation("create_schema")
class CreateSchema(MigrateOperation):
    """CREATE SCHEMA; reversed by dropping it while it is empty."""

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    def create_schema(cls, operations: Operations, name: str) -> None:
        """Create the schema unless it exists."""
        operations.invoke(cls(name))

    def reverse(self) -> MigrateOperation:
        """Return the operation that undoes this one."""
        return DropSchema(self.name)


@Operations.register_operation("drop_schema")
class DropSchema(MigrateOperation):
    """DROP SCHEMA, which fails while something is in it."""

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    def drop_schema(cls, operations: Operations, name: str) -> None:
        """Drop the empty schema."""
        operations.invoke(cls(name))


@Operations.register_operation("create_hypertable")
class CreateHypertable(MigrateOperation):
    """create_hypertable() without TimescaleDB's default index: the primary key serves, at 1.5x the speed."""

    def __init__(self, table_name: str, time_column: str, chunk_days: int, schema: str) -> None:
        self.table_name = table_name
        self.time_column = time_column
        self.chunk_days = chunk_days
        self.schema = schema

    @classmethod
    def create_hypertable(
        cls, operations: Operations, table_name: str, time_column: str, chunk_days: int, schema: str
    ) -> None:
        """Turn the empty table into a hypertable cut by `time_column` every `chunk_days` days."""
        operations.invoke(cls(table_name, time_column, chunk_days, schema))

    def reverse(self) -> MigrateOperation:
        """Dropping the table undoes it; there is nothing else to do."""
        return KeepHypertable()


class KeepHypertable(MigrateOperation):
    """Nothing: a hypertable goes with its table."""


@Operations.implementation_for(CreateSchema)
def _create_schema(operations: Operations, operation: CreateSchema) -> None:
    operations.execute(sa.schema.CreateSchema(operation.name, if_not_exists=True))


@Operations.implementation_for(DropSchema)
def _drop_schema(operations: Operations, operation: DropSchema) -> None:
    operations.execute(sa.schema.DropSchema(operation.name, if_exists=True))


@Operations.implementation_for(CreateHypertable)
def _create_hypertable(operations: Operations, operation: CreateHypertable) -> None:
    operations.execute(hypertable_statement(operation))


def hypertable_statement(operation: CreateHypertable) -> sa.TextClause:
    """Return the call of create_hypertable(), in the form that every 2.x release knows."""
    return sa.text(
        "SELECT create_hypertable(CAST(:name AS regclass), CAST(:time_column AS name), "
        "chunk_time_interval => make_interval(days => :days), create_default_indexes => false)"
    ).bindparams(
        name=f"{operation.schema}.{operation.table_name}",
        time_column=operation.time_column,
        days=operation.chunk_days,
    )


def add_timescale(upgrade: UpgradeOps, connection: sa.Connection) -> None:
    """Put a missing schema before everything else, a missing hypertable after all tables."""
    present = set(sa.inspect(connection).get_schema_names())
    upgrade.ops[:0] = [CreateSchema(name) for name in schemas() if name not in present]
    done = hypertables(connection)
    for table in metadata().sorted_tables:
        if HYPERTABLE in table.info and (table.schema, table.name) not in done:
            time_column, chunk_days = table.info[HYPERTABLE]
            upgrade.ops.append(CreateHypertable(table.name, time_column, chunk_days, str(table.schema)))


def hypertables(connection: sa.Connection) -> set[tuple[str, str]]:
    """Return (schema, table) of all hypertables; none while the extension is not there."""
    if not connection.scalar(
        sa.text("SELECT to_regclass('timescaledb_information.hypertables') IS NOT NULL")
    ):
        return set()
    query = sa.text("SELECT hypertable_schema, hypertable_name FROM timescaledb_information.hypertables")
    return {(row[0], row[1]) for row in connection.execute(query)}


@renderers.dispatch_for(CreateSchema)
def _render_create_schema(_: AutogenContext, operation: CreateSchema) -> str:
    return f'op.create_schema("{operation.name}")'


@renderers.dispatch_for(DropSchema)
def _render_drop_schema(_: AutogenContext, operation: DropSchema) -> str:
    return f'op.drop_schema("{operation.name}")'


@renderers.dispatch_for(CreateHypertable)
def _render_create_hypertable(_: AutogenContext, operation: CreateHypertable) -> str:
    return (
        f'op.create_hypertable("{operation.table_name}", "{operation.time_column}", '
        f'{operation.chunk_days}, schema="{operation.schema}")'
    )


@renderers.dispatch_for(KeepHypertable)
def _render_keep_hypertable(_: AutogenContext, __: KeepHypertable) -> list[Any]:
    return []
