"""The book of breaks in SQL: what is compared, what the ledger says of it, and putting new rows in their place.

What belongs here: reading versions of bars in one snapshot, reading and replacing rows of ops.breaks and
ops.volume_profiles. What does not: what a break is (findata_core.quality), when the ledger is refreshed
(findata_assets.steps.breaks).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl
from psycopg import sql

from findata_core.schema.frames import conform, polars_schema
from findata_core.schema.tables import Table, table
from findata_resources.stores import due
from findata_resources.stores.database import Cursor, Database, columns_of, copy_into, literal_list, name_of
from findata_resources.stores.scopes import difference
from findata_resources.stores.statements import delete_rows, rows_of_subjects

BAR_TABLES = ("market.bars", "market.bars_1d")
BREAKS = table("ops.breaks")
PROFILES = table("ops.volume_profiles")
# What reconciling needs of a bar: the rest would double what is read.
COMPARED = (
    *("instrument_id", "interval", "source", "adjustment", "event_time", "session_date", "session_phase"),
    *("open", "high", "low", "close", "volume", "settles_time", "ingest_time"),
)
MIC = sql.SQL("reverse(split_part(reverse(instrument_id), '.', 1))")
SICK = sql.SQL("kind = 'sick_volume'")


def bar_versions(
    database: Database, scopes: pl.DataFrame, tables: Sequence[str] = BAR_TABLES
) -> pl.DataFrame:
    """Return all versions of the bars of (subject, scope_date) pairs: superseded_time is null for current ones.

    Minutes are read a week of the pairs at a time: pairs far from each other do not read what lies between.
    """
    found = [_no_versions()]
    if scopes.is_empty():
        return found[0]
    for name in tables:
        width = "1w" if name == "market.bars" else "10y"
        weeks = scopes.group_by(pl.col("scope_date").dt.truncate(width), maintain_order=True)
        found.extend(_versions_in(database, table(name), week) for _, week in weeks)
    pairs = scopes.select(instrument_id="subject", session_date="scope_date").unique()
    return pl.concat(found).join(pairs, on=["instrument_id", "session_date"], how="semi")


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
    pairs = scopes.select(instrument_id="subject", session_date="scope_date").unique()
    return told.join(pairs, on=["instrument_id", "session_date"], how="semi")


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


def holdings(database: Database, scopes: pl.DataFrame) -> pl.DataFrame:
    """Return for each (subject, scope_date) that holds bars how many `slices` (interval, source, basis) there
    are, and whether minutes (has_minutes) or any intraday bars (has_intraday) are among them."""
    if scopes.is_empty():
        schema = {"slices": pl.Int64, "has_minutes": pl.Boolean, "has_intraday": pl.Boolean}
        return scopes.select("subject", "scope_date").with_columns(
            pl.lit(None, dtype).alias(name) for name, dtype in schema.items()
        )
    days = scopes.get_column("scope_date")
    query = sql.SQL(
        "SELECT subject, scope_date, count(*) AS slices, bool_or(slice LIKE '1m/%') AS has_minutes, "
        "bool_or(table_name = 'market.bars') AS has_intraday FROM ops.digests WHERE table_name = ANY({}) "
        "AND subject = ANY({}) AND scope_date BETWEEN {}::date AND {}::date GROUP BY 1, 2"
    ).format(
        literal_list(BAR_TABLES, "text"),
        _texts(scopes.get_column("subject")),
        sql.Literal(str(days.min())),
        sql.Literal(str(days.max())),
    )
    found = database.frame(query)
    return found.join(scopes, on=["subject", "scope_date"], how="semi")


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
        return conform(pl.DataFrame(schema=polars_schema(BREAKS)), BREAKS)
    where = (
        sql.SQL("NOT ")
        + SICK
        + sql.SQL(" AND instrument_id = ANY({})").format(_texts(scopes.get_column("subject")))
    )
    rows = read(database, BREAKS, where)
    pairs = scopes.select(instrument_id="subject", session_date="scope_date")
    return rows.join(pairs, on=["instrument_id", "session_date"], how="semi")


def sick_sessions(database: Database, mics: Sequence[str], first: date, last: date) -> pl.DataFrame:
    """Return the ledger's rows of sick volume on some exchanges, from `first` to `last`, both inclusive."""
    return read(database, BREAKS, SICK + sql.SQL(" AND ") + _on_venues(mics, first, last))


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


def _no_versions() -> pl.DataFrame:
    schema = polars_schema(table(BAR_TABLES[0]).history())
    return pl.DataFrame(schema={name: schema[name] for name in (*COMPARED, "superseded_time")})


def _versions_in(database: Database, target: Table, scopes: pl.DataFrame) -> pl.DataFrame:
    """Read current and closed versions in one statement: in two, a version could be closed between them."""
    current, closed = target.narrowed(COMPARED), target.history().narrowed((*COMPARED, "superseded_time"))
    query = sql.SQL("SELECT {}, NULL::timestamptz AS superseded_time FROM ({}) AS now UNION ALL {}").format(
        columns_of(current),
        rows_of_subjects(target, current, scopes),
        rows_of_subjects(target, closed, scopes),
    )
    schema = polars_schema(closed)
    rows = database.frame(query)
    return rows.select(pl.col(name).cast(schema[name]) for name in (*COMPARED, "superseded_time"))


def _on_venues(mics: Sequence[str], first: date, last: date) -> sql.Composable:
    return sql.SQL("{} = ANY({}) AND session_date BETWEEN {}::date AND {}::date").format(
        MIC, literal_list(sorted(mics), "text"), sql.Literal(str(first)), sql.Literal(str(last))
    )


def _texts(values: pl.Series) -> sql.Composed:
    return literal_list(values.unique().sort().to_list(), "text")
