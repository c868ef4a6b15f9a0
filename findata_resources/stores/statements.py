"""The SQL of the rows' store: windows that prune chunks, rows of subjects, locks, deletes by key."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
from psycopg import sql

from findata_core.schema.tables import Table
from findata_resources.stores.database import (
    FEW_ROWS,
    Cursor,
    columns_of,
    copy_into,
    literal_list,
    name_of,
)
from findata_resources.stores.digest_book import lake_partition

DAY = timedelta(days=1)
LONGEST_SESSION = timedelta(days=2)  # a session's rows start within two days around its date, in any zone


def window(source: Table, start: date | None, end: date | None) -> list[sql.Composable]:
    """Return the conditions of [start, end) on the digest date, and on the time column to prune chunks."""
    day = source.digest_date
    if not day or (start is None and end is None):
        return []
    conditions: list[sql.Composable] = []
    for bound, operator, reach in ((start, ">=", -LONGEST_SESSION), (end, "<", LONGEST_SESSION)):
        if bound is None:
            continue
        comparison = sql.SQL("{} " + operator + " {}")
        conditions.append(comparison.format(sql.Identifier(day), sql.Literal(str(bound)) + sql.SQL("::date")))
        if source.time_column:
            instant = sql.Literal(f"{bound + reach} 00:00+00") + sql.SQL("::timestamptz")
            conditions.append(comparison.format(sql.Identifier(source.time_column), instant))
    return conditions


def rows_of_subjects(target: Table, source: Table, scopes: pl.DataFrame) -> sql.Composed:
    days = scopes.get_column("scope_date")
    subjects = literal_list(scopes.get_column("subject").unique().sort().to_list(), "text")
    conditions: list[sql.Composable] = [
        sql.SQL("{} = ANY({})").format(sql.Identifier(target.digest_subject), subjects)
    ]
    if target.digest_date:
        first, last = days.min(), days.max()
        assert isinstance(first, date)
        assert isinstance(last, date)
        conditions += window(target, first, last + DAY)
    return sql.SQL("SELECT {} FROM {} WHERE {}").format(
        columns_of(source),
        name_of(source),
        sql.SQL(" AND ").join(conditions),
    )


def lock_dates(cursor: Cursor, target: Table, dates: Sequence[date]) -> None:
    """Take the locks of a table's dates (a session's, or their months'), in one order for all writers."""
    names = sorted({f"{target.address}/{lake_partition(target, day)}" for day in dates}) or [
        f"{target.address}/all"
    ]
    cursor.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(%s::text[]) WITH ORDINALITY "
        "AS locks (name, number) ORDER BY number",
        [names],
    )


def delete_rows(cursor: Cursor, target: Table, rows: pl.DataFrame) -> None:
    """Delete rows by business key; the time range lets TimescaleDB leave other chunks alone."""
    if rows.is_empty():
        return
    if rows.height <= FEW_ROWS:
        _delete_few(cursor, target, rows)
        return
    staging = sql.Identifier(f"deleted_{target.schema}_{target.name}")
    cursor.execute(
        sql.SQL("CREATE TEMP TABLE IF NOT EXISTS {} (LIKE {}) ON COMMIT DROP").format(
            staging, name_of(target)
        )
    )
    cursor.execute(sql.SQL("TRUNCATE {}").format(staging))
    copy_into(cursor, target, rows, staging)
    same = [sql.SQL("old.{0} = gone.{0}").format(sql.Identifier(name)) for name in target.business_key]
    within, arguments = _time_range(target, rows)
    cursor.execute(
        sql.SQL("DELETE FROM {} AS old USING {} AS gone WHERE {}").format(
            name_of(target), staging, sql.SQL(" AND ").join([*same, *within])
        ),
        arguments,
    )


def delete_scopes(
    cursor: Cursor, target: Table, scopes: Collection[tuple[str, date, str]], returned: Sequence[str] = ()
) -> list[tuple[Any, ...]]:
    """Delete the rows of (subject, scope_date, slice), which need not be read for it; return these columns of them."""
    if not scopes:
        return []
    subjects, days, slices = (list(column) for column in zip(*sorted(scopes), strict=True))
    parts: list[sql.Composable] = [
        sql.SQL("old.{}").format(sql.Identifier(name)) for name in target.digest_slice
    ]
    same: list[sql.Composable] = [
        sql.SQL("old.{} = gone.subject").format(sql.Identifier(target.digest_subject)),
        sql.SQL("concat_ws('/', {}) = gone.slice").format(sql.SQL(", ").join(parts or [sql.SQL("''")])),
    ]
    if target.digest_date:
        same.append(sql.SQL("old.{} = gone.scope_date").format(sql.Identifier(target.digest_date)))
        same += window(target, min(days), max(days) + DAY)
    cursor.execute(
        sql.SQL(
            "DELETE FROM {} AS old USING unnest(%s::text[], %s::date[], %s::text[]) "
            "AS gone (subject, scope_date, slice) WHERE {} {}"
        ).format(name_of(target), sql.SQL(" AND ").join(same), _returning(returned)),
        [subjects, days, slices],
    )
    return cursor.fetchall() if returned else []


def _returning(names: Sequence[str]) -> sql.Composable:
    columns = sql.SQL(", ").join(sql.SQL("old.{}").format(sql.Identifier(name)) for name in names)
    return sql.SQL("RETURNING {}").format(columns) if names else sql.SQL("")


def _delete_few(cursor: Cursor, target: Table, rows: pl.DataFrame) -> None:
    """Delete rows whose keys go as parameters: a staging table of their own takes longer than deleting them."""
    key = rows.select(target.business_key)
    place = sql.SQL("({})").format(sql.SQL(", ").join([sql.Placeholder()] * key.width))
    listed = sql.SQL("({}) IN ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, target.business_key)),
        sql.SQL(", ").join([place] * key.height),
    )
    within, arguments = _time_range(target, rows)
    cursor.execute(
        sql.SQL("DELETE FROM {} AS old WHERE {}").format(
            name_of(target), sql.SQL(" AND ").join([listed, *within])
        ),
        [*(value for row in key.iter_rows() for value in row), *arguments],
    )


def _time_range(target: Table, rows: pl.DataFrame) -> tuple[list[sql.Composed], list[Any]]:
    """Return the condition that prunes chunks, if the table has a time, and its arguments."""
    if not target.time_column:
        return [], []
    times = rows.get_column(target.time_column)
    condition = sql.SQL("old.{} BETWEEN %s AND %s").format(sql.Identifier(target.time_column))
    return [condition], [times.min(), times.max()]
