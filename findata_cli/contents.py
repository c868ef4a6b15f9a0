"""How much there is: rows per table, scopes that are due, lake objects that wait.

Tables with digests are counted from their digests, which name every row that findata has written; the
others are counted. So a status costs the same with a thousand rows and with a hundred million.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from psycopg import sql

from findata_assets.steps.platform import Platform
from findata_core.schema.hashing import WHOLE_HISTORY
from findata_core.schema.tables import Table, tables
from findata_resources.stores.database import name_of

TableRow = tuple[str, int, str, str]


@dataclass(frozen=True)
class Contents:
    """`tables`: address, rows, first and last date; `due`: asset, scopes, first and last date."""

    tables: list[TableRow]
    due: list[TableRow]
    lake_marks: int


def contents(platform: Platform) -> Contents:
    """Return how much there is now."""
    database = platform.store.database
    digested = {
        name: (int(rows), first, last)
        for name, rows, first, last in database.frame(
            sql.SQL(
                "SELECT table_name, sum(row_count)::bigint, min(scope_date), max(scope_date) "
                "FROM ops.digests GROUP BY 1"
            )
        ).iter_rows()
    }
    counted = [
        _row(item, *digested.get(item.address, (0, None, None))) for item in tables() if item.digest_subject
    ]
    others = [(item.address, _count(platform, item), "", "") for item in tables() if not item.digest_subject]
    due = database.frame(
        sql.SQL("SELECT asset, count(*), min(scope_date), max(scope_date) FROM ops.due GROUP BY 1 ORDER BY 1")
    )
    marks = database.frame(sql.SQL("SELECT count(*) FROM ops.lake_dirty")).item()
    return Contents(sorted(counted + others), [_dated(*row) for row in due.iter_rows()], int(marks))


def rows_of_tables(platform: Platform) -> list[tuple[str, int]]:
    """Return the tables that hold data (findata's own books left out) and their rows."""
    return [(name, rows) for name, rows, _, _ in contents(platform).tables if not name.startswith("ops.")]


def _count(platform: Platform, item: Table) -> int:
    return int(platform.store.database.frame(sql.SQL("SELECT count(*) FROM {}").format(name_of(item))).item())


def _row(item: Table, rows: int, first: date | None, last: date | None) -> TableRow:
    return _dated(item.address, rows, first, last)


def _dated(name: str, rows: int, first: date | None, last: date | None) -> TableRow:
    """Return the row with its dates as texts; the date of scopes without one is left out."""
    dates = ["" if day in (None, WHOLE_HISTORY) else str(day) for day in (first, last)]
    return (name, rows, dates[0], dates[1])
