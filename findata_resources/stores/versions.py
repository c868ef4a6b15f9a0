"""Versions of facts in SQL: current and closed ones in one statement, which sees one state of the database.

What belongs here: reading both sides together. What does not: how versions are folded (findata_core.versions), what is
derived from those of an instant (findata_assets.steps.known).

In two statements a fold may commit between them: it moves a row from the current ones to the closed ones, which would
then be read twice, or not at all.
"""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
from psycopg import sql

from findata_core.schema.frames import conform
from findata_core.schema.tables import Table
from findata_resources.stores.database import Database, columns_of, literal_list, name_of
from findata_resources.stores.statements import window

NOTHING = sql.SQL("")


def known_at(
    database: Database,
    source: Table,
    instant: datetime,
    start: date | None = None,
    end: date | None = None,
    subjects: pl.Series | None = None,
) -> pl.DataFrame:
    """Return the rows known at `instant`, inclusive, with digest date in [start, end) of some subjects (default: all).

    In the table's shape, in no order.
    """
    then = sql.SQL("{}::timestamptz").format(sql.Literal(instant.isoformat()))
    conditions = [*window(source, start, end), sql.SQL("ingest_time <= {}").format(then)]
    if subjects is not None:
        wanted = literal_list(subjects.unique().sort().to_list(), "text")
        conditions.append(sql.SQL("{} = ANY({})").format(sql.Identifier(source.digest_subject), wanted))
    since = [*conditions, sql.SQL("superseded_time > {}").format(then)]
    selects = (_select(source, source, conditions), _select(source, source.history(), since))
    return conform(database.frame(sql.SQL(" UNION ALL ").join(selects)), source)


def all_versions(
    database: Database,
    source: Table,
    start: date | None = None,
    end: date | None = None,
    where: sql.Composable | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the current rows and the closed ones with digest date in [start, end), each in its table's shape."""
    conditions = [*window(source, start, end), *([where] if where else [])]
    never = sql.SQL(", NULL::timestamptz AS superseded_time")
    selects = (
        _select(source, source, conditions, never),
        _select(source, source.history(), conditions, sql.SQL(", superseded_time")),
    )
    rows = conform(database.frame(sql.SQL(" UNION ALL ").join(selects)), source.history())
    is_closed = pl.col("superseded_time").is_not_null()
    return rows.filter(~is_closed).select(source.column_names), rows.filter(is_closed)


def _select(
    shape: Table, side: Table, conditions: list[sql.Composable], more: sql.Composable = NOTHING
) -> sql.Composed:
    where = sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("true")
    return sql.SQL("SELECT {}{} FROM {} WHERE {}").format(columns_of(shape), more, name_of(side), where)
