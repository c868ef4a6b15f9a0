"""What is due: marks that a change leaves for the assets downstream, in the transaction that changed it.

A run reads the marks of its asset, works, and clears exactly those that it has read: a mark that was
made again meanwhile has another mark_id and stays. A kill between any two steps therefore leaves the
work due.
"""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, LiteralString

import polars as pl
from psycopg import sql

from findata_core.lineage import Spread, arrows_from
from findata_resources.stores.database import Cursor, Database, fixed

MARKS_SCHEMA = {
    "subject": pl.String(),
    "scope_date": pl.Date(),
    "mark_id": pl.Int64(),
    "from_time": pl.Datetime("us", "UTC"),
}

# SELECTs of (subject, scope_date) from `changed (subject, scope_date)`; {asset} is the one that becomes due
SPREADS: dict[Spread, LiteralString] = {
    Spread.SAME_DATE: "SELECT subject, scope_date FROM changed",
    Spread.WEEK: "SELECT subject, date_trunc('week', scope_date)::date FROM changed",
    Spread.MONTH: "SELECT subject, date_trunc('month', scope_date)::date FROM changed",
    Spread.WEEKS_BEFORE: """
        SELECT subject, date_trunc('week', scope_date)::date - days FROM changed, (VALUES (7), (14)) AS d (days)
    """,
    Spread.REST_OF_WEEK: """
        SELECT candles.subject, candles.scope_date FROM changed JOIN ops.digests AS candles USING (subject)
        WHERE candles.table_name = 'market.candles' AND candles.scope_date >= changed.scope_date
        AND candles.scope_date < date_trunc('week', changed.scope_date)::date + 7
    """,
    Spread.WEEKS_AFTER: """
        SELECT candles.subject, candles.scope_date FROM changed JOIN ops.digests AS candles USING (subject)
        WHERE candles.table_name = 'market.candles' AND candles.scope_date >= changed.scope_date + 7
        AND candles.scope_date < changed.scope_date + 21
    """,
    Spread.WHOLE: "SELECT subject, DATE '1970-01-01' FROM changed",
    # Two slices of bars have something to be compared with; a row of the ledger outlives bars that were taken back.
    Spread.EVERY_COMPARISON: """
        SELECT bars.subject, bars.scope_date FROM ops.digests AS bars
        WHERE bars.table_name IN ('market.bars', 'market.bars_1d') AND bars.subject IN (SELECT subject FROM changed)
        GROUP BY bars.subject, bars.scope_date HAVING count(*) > 1
        UNION SELECT instrument_id, session_date FROM ops.breaks WHERE instrument_id IN (SELECT subject FROM changed)
    """,
    Spread.EVERY_SCOPE: """
        SELECT stored.subject, stored.scope_date FROM changed JOIN ops.digests AS stored USING (subject)
        WHERE stored.table_name = {asset}
    """,
}

# The transaction's id tells one mark from the next; the oldest payload still to be folded is kept.
MARK = sql.SQL(
    """
    WITH changed (subject, scope_date) AS (SELECT * FROM unnest(%(subjects)s::text[], %(dates)s::date[])),
    spread (asset, subject, scope_date) AS ({spread})
    INSERT INTO ops.due AS old (asset, subject, scope_date, mark_id, from_time)
    SELECT DISTINCT asset, subject, scope_date, pg_current_xact_id()::text::bigint, %(from_time)s::timestamptz
    FROM spread
    -- in one order for all writers: two that mark the same scopes must not wait for each other
    ORDER BY asset, subject, scope_date
    ON CONFLICT (asset, subject, scope_date) DO UPDATE
    SET mark_id = excluded.mark_id, from_time = least(old.from_time, excluded.from_time)
    """
)


def mark(
    cursor: Cursor,
    asset: str,
    scopes: Sequence[tuple[str, date]],
    spread: Spread = Spread.SAME_DATE,
    from_time: datetime | None = None,
) -> None:
    """Make scopes of an asset due; `from_time` is the receive time of a payload not yet folded."""
    if not scopes:
        return
    _mark(cursor, _mark_one(asset, spread), scopes, from_time)


def _mark(
    cursor: Cursor, statement: sql.SQL, scopes: Sequence[tuple[str, date]], from_time: datetime | None
) -> None:
    arguments = {
        "subjects": [subject for subject, _ in scopes],
        "dates": [day for _, day in scopes],
        "from_time": from_time,
    }
    cursor.execute(statement, arguments)


def mark_downstream(cursor: Cursor, table: str, scopes: Sequence[tuple[str, date]]) -> None:
    """Make due what depends on the changed scopes of a table, all of it in one statement."""
    if scopes and (statement := _mark_downstream(table)) is not None:
        _mark(cursor, statement, scopes, None)


@cache
def _mark_downstream(table: str) -> sql.SQL | None:
    spreads = [_spread_of(arrow.downstream, arrow.spread) for arrow in arrows_from(table)]
    return fixed(MARK.format(spread=sql.SQL(" UNION ALL ").join(spreads))) if spreads else None


@cache
def _mark_one(asset: str, spread: Spread) -> sql.SQL:
    return fixed(MARK.format(spread=_spread_of(asset, spread)))


def _spread_of(asset: str, spread: Spread) -> sql.Composed:
    """Return the SELECT of asset, subject and scope_date of what `changed` makes due of an asset."""
    name = sql.Literal(asset)
    return sql.SQL("SELECT {}, subject, scope_date FROM ({}) AS arrow (subject, scope_date)").format(
        name, sql.SQL(SPREADS[spread]).format(asset=name)
    )


def due_scopes(
    database: Database, asset: str, start: date | None = None, end: date | None = None
) -> pl.DataFrame:
    """Return what is due of an asset: subject, scope_date, mark_id, from_time; dates in [start, end)."""
    query = sql.SQL(
        "SELECT subject, scope_date, mark_id, from_time FROM ops.due WHERE asset = {} "
        "AND scope_date >= {}::date AND scope_date < {}::date ORDER BY scope_date, subject"
    ).format(sql.Literal(asset), sql.Literal(str(start or date.min)), sql.Literal(str(end or date.max)))
    return database.few(query, MARKS_SCHEMA)


def due_dates(database: Database) -> pl.DataFrame:
    """Return asset, scope_date and the number of subjects due, sorted."""
    return database.few(
        sql.SQL("SELECT asset, scope_date, count(*) AS subjects FROM ops.due GROUP BY 1, 2 ORDER BY 1, 2"),
        {"asset": pl.String, "scope_date": pl.Date, "subjects": pl.Int64},
    )


def marks_by_date(database: Database) -> pl.DataFrame:
    """Return asset, scope_date, how many subjects are due and their youngest mark: the same until a mark is made or
    answered."""
    return database.frame(
        sql.SQL(
            "SELECT asset, scope_date, count(*) AS subjects, max(mark_id) AS mark_id FROM ops.due GROUP BY 1, 2 "
            "ORDER BY 1, 2"
        )
    )


def claim(cursor: Cursor, asset: str, marks: pl.DataFrame) -> pl.DataFrame:
    """Lock the marks that are still the ones that were read, until the transaction ends, and return them.

    Work on the others is out of date: somebody has answered or made them again since, and what was read
    for them may lack what that somebody has written.
    """
    if marks.is_empty():
        return marks
    cursor.execute(
        """
        SELECT due.subject, due.scope_date FROM ops.due
        JOIN unnest(%s::text[], %s::date[], %s::bigint[]) AS seen (subject, scope_date, mark_id)
        USING (subject, scope_date, mark_id) WHERE due.asset = %s ORDER BY 1, 2 FOR UPDATE OF due
        """,
        [*_columns(marks), asset],
    )
    held = pl.DataFrame(cursor.fetchall(), schema={"subject": pl.String, "scope_date": pl.Date}, orient="row")
    return (
        marks if held.height == marks.height else marks.join(held, on=["subject", "scope_date"], how="semi")
    )


def clear(cursor: Cursor, asset: str, marks: pl.DataFrame) -> None:
    """Clear marks that were read before the work began and were not made again since."""
    if marks.is_empty():
        return
    cursor.execute(
        """
        DELETE FROM ops.due USING unnest(%s::text[], %s::date[], %s::bigint[]) AS done (subject, scope_date, mark_id)
        WHERE due.asset = %s AND due.subject = done.subject AND due.scope_date = done.scope_date
        AND due.mark_id = done.mark_id
        """,
        [*_columns(marks), asset],
    )


def _columns(marks: pl.DataFrame) -> list[list[Any]]:
    return [marks.get_column(name).to_list() for name in ("subject", "scope_date", "mark_id")]
