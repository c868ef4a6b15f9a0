"""The functions by which SQL asks for facts as they were known at an instant: `as_of.bars('2022-06-01 12:00Z')`.

They follow from the contract and hold nothing, so that each migrate makes them anew and none is part of a
revision. They name their columns themselves: a function that returned a table's own row type would be in
the way of every change of that table.
"""

import sqlalchemy as sa

from findata_core.schema.tables import Table, tables
from findata_resources.migrations.economic_functions import FUNCTIONS, drop_statements
from findata_resources.migrations.model import SQL_TYPES

SCHEMA = "as_of"


def create_as_of_functions(connection: sa.Connection) -> None:
    """Make one function for each table of facts, in the caller's transaction."""
    connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    if contract_is_ahead(connection):
        return
    for fact in (found for found in tables() if found.has_history):
        connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {SCHEMA}.{fact.name}(timestamptz)")
        connection.exec_driver_sql(function_of(fact, connection.dialect))
    for statement in [*drop_statements(), *FUNCTIONS.values()]:
        connection.exec_driver_sql(statement)


def contract_is_ahead(connection: sa.Connection) -> bool:
    """Tell whether the contract has what no revision makes yet: whoever writes the next one migrates again after it."""
    stored = _columns(connection)
    return any(not _is_there(found, stored) for found in tables())


def _columns(connection: sa.Connection) -> set[tuple[str, str, str]]:
    """Return schema, table and name of every column of the database."""
    found = connection.exec_driver_sql(
        "SELECT table_schema, table_name, column_name FROM information_schema.columns"
    )
    return {(schema, name, column) for schema, name, column in found}


def _is_there(wanted: Table, stored: set[tuple[str, str, str]]) -> bool:
    return {(wanted.schema, wanted.name, name) for name in wanted.column_names} <= stored


def function_of(fact: Table, dialect: sa.Dialect) -> str:
    """Return the statement that makes a table's function; the server inlines it like a view."""
    columns = ", ".join(
        f'"{column.name}" {SQL_TYPES[column.kind].compile(dialect=dialect)}' for column in fact.columns
    )
    names = ", ".join(f'f."{name}"' for name in fact.column_names)
    # Names of the contract, nothing that a person has typed.
    current = f"SELECT {names} FROM {fact.address} AS f WHERE f.ingest_time <= $1"  # noqa: S608
    closed = f"SELECT {names} FROM {fact.history().address} AS f WHERE f.ingest_time <= $1"  # noqa: S608
    return (
        f"CREATE FUNCTION {SCHEMA}.{fact.name}(instant timestamptz) RETURNS TABLE ({columns}) "
        f"LANGUAGE sql STABLE PARALLEL SAFE AS $$ {current} UNION ALL {closed} AND f.superseded_time > $1 $$"
    )
