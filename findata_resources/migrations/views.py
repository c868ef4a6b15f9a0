"""The views that readers are promised, and their as_of functions: `v1.candles`, `v1.bars_as_of('2022-06-01 12:00Z')`.

They hold nothing: each migrate that changes something drops them before it touches the storage and makes them
again after it, in its one transaction, so that no view is in the way of a migration and no reader finds one missing.
What they promise is in findata_core/schema/views.py, what they read in view_sources.py. As nobody may see a row of
v1 before it is settled, views that hide some are barriers: a condition that could tell of a row (by the error that it
ends in) is asked after the row was let through.
"""

# ruff: noqa: S608  # names of the contract, nothing that a person has typed
import hashlib
from collections.abc import Iterator, Mapping

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from findata_core.errors import StoreError
from findata_core.schema.tables import Column, table
from findata_core.schema.views import IS_SETTLED, LIVE, SETTLED, SETTLES, View, live_views, views
from findata_resources.migrations.model import SQL_TYPES
from findata_resources.migrations.view_sources import LASTS, SOURCES, Source

# Every version of the facts, which the as_of functions read; no part of what readers are promised.
VERSIONS: Mapping[str, str] = {SETTLED: "v1_versions", LIVE: "v1_live_versions"}
SCHEMAS = (*VERSIONS, *VERSIONS.values())
SCHEMA_COMMENTS: Mapping[str, str] = {
    SETTLED: "What readers are promised: views whose names, columns and types stay. Settled rows only.",
    LIVE: "The views of v1 with the rows that may still change.",
    VERSIONS[SETTLED]: "What the functions of v1 read; it may change at any time.",
    VERSIONS[LIVE]: "What the functions of v1_live read; it may change at any time.",
}
_SUPERSEDED = "superseded_time"
_HAS_SETTLED = "t.settles_time <= now()"
_FUNCTION = "CREATE OR REPLACE FUNCTION "
_ANOTHER_RESULT = "42P13"
_MADE_OF = "findata made these views of the definition "

Sources = Mapping[str, tuple[Source, ...]]


def drop_views(connection: sa.Connection) -> None:
    """Drop the views that are there, in the caller's transaction; StoreError names what others have made of them.

    Functions stay: nothing that they read is in the way of a migration, and who is calling one does not lose it.
    """
    schemas = {"schemas": list(SCHEMAS)}
    others = list(connection.execute(_DEPENDING, schemas).scalars())
    if others:
        raise StoreError(
            f"{', '.join(others)} reads findata's views, which a migration makes anew",
            "Drop it, run findata migrate, then make it again (docs/sql.md)",
        )
    names = ", ".join(connection.execute(_VIEWS, schemas).scalars())
    if names:
        connection.exec_driver_sql(f"DROP VIEW {names}")


def create_views(connection: sa.Connection, sources: Sources = SOURCES) -> None:
    """Make all views and functions, in the caller's transaction; there must be none of the views."""
    for schema in SCHEMAS:
        connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    for statement in statements(sources):
        if statement.startswith(_FUNCTION):
            _replace_function(connection, statement)
        else:
            connection.exec_driver_sql(statement)
    for schema in SCHEMAS:
        comment = f"{SCHEMA_COMMENTS[schema]} {_MADE_OF}{definition()}."
        connection.exec_driver_sql(f"COMMENT ON SCHEMA {schema} IS {_literal(comment)}")


def are_current(connection: sa.Connection) -> bool:
    """Tell whether all views are there and made of this very definition: then nobody needs to wait for new ones."""
    said = connection.execute(_COMMENTS, {"schemas": list(SCHEMAS)}).scalars().all()
    made = [text for text in said if text and text.endswith(f"{_MADE_OF}{definition()}.")]
    there = {row[0] for row in connection.execute(_VIEWS, {"schemas": list(SCHEMAS)})}
    return len(made) == len(SCHEMAS) and {item.address for item in (*views(), *live_views())} <= there


def definition() -> str:
    """Return a hash over all statements."""
    return hashlib.sha256("\n".join(statements()).encode()).hexdigest()[:16]


def statements(sources: Sources = SOURCES) -> list[str]:
    """Return the statements that make everything, comments included."""
    return [text for item in (*views(), *live_views()) for text in _statements_of(item, sources)] + [
        text for schema in VERSIONS for text in _observations_on(schema)
    ]


def _replace_function(connection: sa.Connection, statement: str) -> None:
    """Put a function in the place of what is there; one that has got a column is another one to PostgreSQL."""
    with connection.begin_nested() as inner:
        try:
            connection.exec_driver_sql(statement)
            return
        except sa.exc.ProgrammingError as error:
            if getattr(error.orig, "sqlstate", "") != _ANOTHER_RESULT:
                raise
            inner.rollback()
    signature = statement.removeprefix(_FUNCTION).partition(" RETURNS ")[0]
    connection.exec_driver_sql(f"DROP FUNCTION {signature}")
    connection.exec_driver_sql(statement)


def _statements_of(item: View, sources: Sources) -> Iterator[str]:
    found = sources[item.name]
    yield _view(item.address, item, " UNION ALL ".join(_select(item, source) for source in found))
    yield f"COMMENT ON VIEW {item.address} IS {_literal(item.comment)}"
    for column in item.columns:
        unit = f" [{column.unit}]" if column.unit else ""
        yield f"COMMENT ON COLUMN {item.address}.{column.name} IS {_literal(column.comment + unit)}"
    if item.has_as_of:
        every = f"{VERSIONS[item.schema]}.{item.name}"
        yield _view(every, item, " UNION ALL ".join(_versions(item, found)))
        yield _as_of(item, every)
        told = f"What {item.address} showed at an instant, by what findata knew then."
        yield f"COMMENT ON FUNCTION {item.address}_as_of(timestamptz) IS {_literal(told)}"


def _view(address: str, item: View, query: str) -> str:
    barrier = " WITH (security_barrier)" if item.schema == SETTLED and item.settles else ""
    return f"CREATE VIEW {address}{barrier} AS {query}"


def _select(item: View, source: Source, more: str = "") -> str:
    """Return the query of a view's rows in one table; `more`: a column besides."""
    last = LASTS.get(item.name, {}).get(source.table)
    expressions = {**source.columns, **(last.keys if last else {})}
    columns = ", ".join(_expression(column, expressions) for column in item.columns) + more
    # A view without conditions is one with its tables to the planner, which then reads the last rows first.
    conditions = [source.widths, _HAS_SETTLED] if item.schema == SETTLED and item.settles else []
    if last is None:
        return f"SELECT {columns} FROM {source.table} AS t{_where(conditions)}"
    rows = f"SELECT t.* FROM {source.table} AS t{_where([*conditions, last.condition])} ORDER BY {last.order} LIMIT 1"
    return f"SELECT {columns} FROM {last.each} CROSS JOIN LATERAL ({rows}) AS t"


def _versions(item: View, found: tuple[Source, ...]) -> Iterator[str]:
    """Yield the queries of current and of closed rows, with the time when a version was superseded."""
    for source in found:
        closed = Source(table(source.table).history().address, source.columns, source.widths)
        yield _select(item, source, f", NULL::timestamptz AS {_SUPERSEDED}")
        yield _select(item, closed, f", t.{_SUPERSEDED}")


def _expression(column: Column, expressions: Mapping[str, str]) -> str:
    if column == IS_SETTLED:
        return f"{_HAS_SETTLED} AS {column.name}"
    if column.name in expressions:
        return f"CAST({expressions[column.name]} AS {_type(column)}) AS {column.name}"
    return f"t.{column.name}"


def _as_of(item: View, every: str) -> str:
    """Return the function of a view; the server inlines it, so that its rows are looked up by their keys."""
    # Nobody is shown by an instant of the future what is not settled now.
    settled = f"f.{SETTLES} <= least($1, now())"
    names = [f"({settled})" if column == IS_SETTLED else f"f.{column.name}" for column in item.columns]
    known = [f"f.ingest_time <= $1 AND (f.{_SUPERSEDED} IS NULL OR f.{_SUPERSEDED} > $1)"]
    if item.schema == SETTLED and item.settles:
        known.append(settled)
    return (
        f"{_FUNCTION}{item.address}_as_of(instant timestamptz) RETURNS TABLE ({_typed(item)}) "
        f"LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT {', '.join(names)} FROM {every} AS f "
        f"WHERE {' AND '.join(known)} $$"
    )


def _observations_on(schema: str) -> list[str]:
    """Return the function that answers what a publisher had said by the end of a day, as the publisher counts days."""
    item = next(found for found in (*views(), *live_views()) if found.address == f"{schema}.observations")
    key = "series_id, source, observation_date"
    rows = (
        f"SELECT DISTINCT ON ({key}) * FROM {item.address} WHERE vintage_date <= $1 "
        f"ORDER BY {key}, vintage_date DESC, vintage_kind"
    )
    names = ", ".join(f"f.{name}" for name in item.column_names)
    told = "One row an observation: what its publisher had said of it by the end of a day, as publishers count days."
    return [
        f"{_FUNCTION}{schema}.observations_on(day date) RETURNS TABLE ({_typed(item)}) LANGUAGE sql STABLE "
        f"PARALLEL SAFE AS $$ SELECT {names} FROM ({rows}) AS f WHERE f.state <> 'withdrawn' $$",
        f"COMMENT ON FUNCTION {schema}.observations_on(date) IS {_literal(told)}",
    ]


def _typed(item: View) -> str:
    return ", ".join(f'"{column.name}" {_type(column)}' for column in item.columns)


def _type(column: Column) -> str:
    return SQL_TYPES[column.kind].compile(dialect=postgresql.dialect())  # type: ignore[no-untyped-call]


def _where(conditions: list[str]) -> str:
    given = [text for text in conditions if text]
    return f" WHERE {' AND '.join(given)}" if given else ""


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_VIEWS = sa.text(
    "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
    "WHERE n.nspname = ANY(:schemas) AND c.relkind = 'v' ORDER BY 1"
)
# What reads one of the views and lies elsewhere.
_DEPENDING = sa.text(
    "SELECT DISTINCT r.ev_class::regclass::text FROM pg_depend AS d JOIN pg_rewrite AS r ON r.oid = d.objid "
    "JOIN pg_class AS read ON read.oid = d.refobjid JOIN pg_class AS reading ON reading.oid = r.ev_class "
    "WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND read.relkind = 'v' "
    "AND read.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname = ANY(:schemas)) "
    "AND reading.relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname = ANY(:schemas)) ORDER BY 1"
)
_COMMENTS = sa.text(
    "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = ANY(:schemas)"
)
