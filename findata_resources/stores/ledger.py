"""The book of breaks in SQL: what is compared, what the ledger says of it, and putting new rows in their place.

What belongs here: reading versions of bars in one snapshot, reading and replacing rows of ops.breaks and
ops.volume_profiles. What does not: what a break is (findata_core.quality), when the ledger is refreshed
(findata_assets.steps.breaks).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache

import polars as pl
from psycopg import sql

from findata_core.schema.frames import conform, empty
from findata_core.schema.tables import Table, table
from findata_resources.stores import due
from findata_resources.stores.database import Cursor, Database, columns_of, copy_into, literal_list, name_of
from findata_resources.stores.scopes import difference, scope_pairs
from findata_resources.stores.statements import DAY, delete_rows, window

BAR_TABLES = ("market.bars", "market.bars_1d")
BREAKS = table("ops.breaks")
PROFILES = table("ops.volume_profiles")
# What reconciling needs of a bar: the rest would double what is read.
COMPARED = (
    *("instrument_id", "interval", "source", "adjustment", "event_time", "session_date", "session_phase"),
    *("open", "high", "low", "close", "volume", "settles_time", "ingest_time"),
)
DUE_SCHEMA = {
    "subject": pl.String(),
    "scope_date": pl.Date(),
    "mark_id": pl.Int64(),
    "slices": pl.Int64(),
    "has_minutes": pl.Boolean(),
    "has_intraday": pl.Boolean(),
}
MIC = sql.SQL("reverse(split_part(reverse(instrument_id), '.', 1))")
SICK = sql.SQL("kind = 'sick_volume'")


def due_sessions(database: Database) -> pl.DataFrame:
    """Return what is due of the ledger, and what bars it is about: subject, scope_date, mark_id, how many `slices`
    (interval, source, basis) the session has, and whether minutes (has_minutes) or any intraday bars (has_intraday)
    are among them; sorted by date and subject."""
    # Each mark asks for itself: how many there are is news to the planner, which would read all digests.
    query = sql.SQL(
        "SELECT due.subject, due.scope_date, due.mark_id, held.* FROM ops.due CROSS JOIN LATERAL ("
        "SELECT count(*) AS slices, coalesce(bool_or(slice LIKE '1m/%'), false) AS has_minutes, "
        "coalesce(bool_or(table_name = 'market.bars'), false) AS has_intraday FROM ops.digests "
        "WHERE table_name = ANY({}) AND subject = due.subject AND scope_date = due.scope_date) AS held "
        "WHERE due.asset = {} ORDER BY due.scope_date, due.subject"
    ).format(literal_list(BAR_TABLES, "text"), sql.Literal(BREAKS.address))
    return database.few(query, DUE_SCHEMA)


def bar_versions(
    database: Database, scopes: pl.DataFrame, tables: Sequence[str] = BAR_TABLES
) -> pl.DataFrame:
    """Return all versions of the bars of (subject, scope_date) pairs: superseded_time is null for current ones.

    In one statement: in two, a version could be closed between them. Minutes are read a week of the pairs at a
    time: pairs far from each other do not read what lies between.
    """
    if scopes.is_empty() or not tables:
        return empty(_closed(BAR_TABLES[0]))
    selects = [
        select
        for name in tables
        for span in _spans(scopes, "1w" if name == "market.bars" else "10y")
        for select in _versions_in(name, span)
    ]
    rows = conform(database.frame(sql.SQL(" UNION ALL ").join(selects)), _closed(BAR_TABLES[0]))
    return rows if _is_all_between(scopes) else _rows_of(rows, scopes)


def receive_times(database: Database, scopes: pl.DataFrame) -> pl.DataFrame:
    """Return when payloads spoke of the bars of (subject, scope_date) pairs: instrument_id, session_date,
    table_name, source and ingest_time."""
    days = scopes.get_column("scope_date")
    query = sql.SQL(
        "SELECT DISTINCT said.subject AS instrument_id, said.scope_date AS session_date, said.table_name, "
        "payloads.source, said.received_time AS ingest_time FROM ops.payload_scopes AS said "
        "JOIN ops.payloads USING (payload_id) WHERE said.table_name = ANY({}) AND said.subject = ANY({}) "
        "AND said.scope_date BETWEEN {}::date AND {}::date"
    ).format(
        literal_list(BAR_TABLES, "text"),
        _texts(scopes.get_column("subject")),
        sql.Literal(str(days.min())),
        sql.Literal(str(days.max())),
    )
    told = database.frame(query).with_columns(pl.col("ingest_time").cast(pl.Datetime("us", "UTC")))
    return _rows_of(told, scopes)


def mark_told_again(cursor: Cursor, address: str, scopes: Sequence[tuple[str, date]]) -> None:
    """Make sessions due that the ledger has a row of, and that a payload of a table speaks of once more: it may
    say what is known already, and change no bar."""
    if address not in BAR_TABLES:
        return
    cursor.execute(
        "SELECT DISTINCT instrument_id, session_date FROM ops.breaks JOIN unnest(%s::text[], %s::date[]) "
        "AS told (instrument_id, session_date) USING (instrument_id, session_date)",
        [[subject for subject, _ in scopes], [day for _, day in scopes]],
    )
    due.mark(cursor, BREAKS.address, [(name, day) for name, day in cursor.fetchall()])


def slices(database: Database) -> pl.DataFrame:
    """Return which bars stand beside others of their session and width: instrument_id, session_date, interval,
    source and adjustment."""
    return database.frame(
        sql.SQL(
            "SELECT subject AS instrument_id, scope_date AS session_date, interval, "
            "split_part(slice, '/', 2) AS source, split_part(slice, '/', 3) AS adjustment FROM ("
            "SELECT *, split_part(slice, '/', 1) AS interval, count(*) OVER (PARTITION BY subject, scope_date, "
            "split_part(slice, '/', 1)) AS beside FROM ops.digests WHERE table_name = ANY({})) AS held WHERE beside > 1"
        ).format(literal_list(BAR_TABLES, "text"))
    )


def breaks_of(database: Database, scopes: pl.DataFrame) -> pl.DataFrame:
    """Return the ledger's rows of (subject, scope_date) pairs, those of sick volume left out."""
    if scopes.is_empty():
        return empty(BREAKS)
    return _rows_of(read(database, BREAKS, _compared_breaks(scopes)), scopes)


def breaks_around(
    database: Database, scopes: pl.DataFrame, mics: Sequence[str], first: date, last: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return breaks_of() the pairs, and the rows of sick volume on some exchanges, from `first` to `last`, both
    inclusive."""
    sick = SICK + sql.SQL(" AND ") + _on_venues(mics, first, last)
    rows = read(database, BREAKS, sql.SQL("({}) OR ({})").format(_compared_breaks(scopes), sick))
    if rows.is_empty():
        return rows, rows
    is_sick = pl.col("kind") == "sick_volume"
    return _rows_of(rows.filter(~is_sick), scopes), rows.filter(is_sick)


def profiles_on(database: Database, mics: Sequence[str], first: date, last: date) -> pl.DataFrame:
    """Return the volume profiles of some exchanges' names, from `first` to `last`, both inclusive."""
    return read(database, PROFILES, _on_venues(mics, first, last))


def read(database: Database, source: Table, where: sql.Composable) -> pl.DataFrame:
    """Return rows in the table's shape."""
    query = sql.SQL("SELECT {} FROM {} WHERE {}").format(columns_of(source), name_of(source), where)
    return conform(database.frame(query), source)


def put(cursor: Cursor, target: Table, old: pl.DataFrame, new: pl.DataFrame) -> int:
    """Make rows of a table, `old` as they are stored, equal to `new`; return how many came or changed."""
    gone, come = difference(old, new)
    delete_rows(cursor, target, gone)
    copy_into(cursor, target, come)
    return come.height


def _versions_in(address: str, scopes: pl.DataFrame) -> Iterator[sql.Composable]:
    """Yield the SELECT of the current versions, and that of the closed ones."""
    target, current, closed = table(address), _current(address), _closed(address)
    where = sql.SQL(" AND ").join([_is_named(scopes), *window(target, *_days_of(scopes))])
    yield sql.SQL("SELECT {}, NULL::timestamptz AS superseded_time FROM {} WHERE {}").format(
        columns_of(current), name_of(current), where
    )
    yield sql.SQL("SELECT {} FROM {} WHERE {}").format(columns_of(closed), name_of(closed), where)


@cache
def _current(address: str) -> Table:
    return table(address).narrowed(COMPARED)


@cache
def _closed(address: str) -> Table:
    return table(address).history().narrowed((*COMPARED, "superseded_time"))


def _spans(scopes: pl.DataFrame, width: str) -> list[pl.DataFrame]:
    """Cut scopes into those of one week, or of ten years."""
    if scopes.get_column("scope_date").n_unique() == 1:
        return [scopes]
    span = pl.col("scope_date").dt.truncate(width)
    return scopes.select("subject", "scope_date", span=span).partition_by("span", maintain_order=True)


def _days_of(scopes: pl.DataFrame) -> tuple[date, date]:
    """Return the first date of scopes, and the day after the last."""
    days = scopes.get_column("scope_date")
    first, last = days.min(), days.max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    return first, last + DAY


def _is_all_between(scopes: pl.DataFrame) -> bool:
    """Tell whether the pairs are all that there are of their subjects from the first date to the last: a week of a
    universe, one session."""
    start, end = _days_of(scopes)
    possible = scopes.get_column("subject").n_unique() * (end - start).days
    return possible == scopes.height and possible == len(scope_pairs(scopes))


def _rows_of(rows: pl.DataFrame, scopes: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of (subject, scope_date) pairs, in their order."""
    pairs = scopes.select(instrument_id="subject", session_date="scope_date")
    return rows.join(pairs, on=["instrument_id", "session_date"], how="semi", maintain_order="left")


def _compared_breaks(scopes: pl.DataFrame) -> sql.Composable:
    return sql.SQL("NOT ") + SICK + sql.SQL(" AND ") + _is_named(scopes)


def _is_named(scopes: pl.DataFrame) -> sql.Composable:
    return sql.SQL("instrument_id = ANY({})").format(_texts(scopes.get_column("subject")))


def _on_venues(mics: Sequence[str], first: date, last: date) -> sql.Composable:
    return sql.SQL("{} = ANY({}) AND session_date BETWEEN {}::date AND {}::date").format(
        MIC, literal_list(sorted(mics), "text"), sql.Literal(str(first)), sql.Literal(str(last))
    )


def _texts(values: pl.Series) -> sql.Composed:
    return literal_list(sorted(values.unique()), "text")
