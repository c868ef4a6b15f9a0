"""The books of days whose session has changed: which payloads may speak of them, and what they say now.

What belongs here: the SQL. What does not: what has changed, and the order of things
(findata_assets.steps.session_changes).

`days` are (mic, session date) pairs. A day's bars lie within a day around it, in any zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

import polars as pl
from psycopg import sql

from findata_core.schema.tables import table
from findata_resources.stores.database import Cursor, Database, literal_list, upsert

Days = Sequence[tuple[str, date]]

BAR_TABLES = ["market.bars", "market.bars_1d"]
# From before every payload: what is marked with it is folded again from all its payloads.
EVER = datetime(1970, 1, 1, tzinfo=UTC)
# As long as a month, or the weeks whose levels and signals a session reaches.
REACH_DAYS = 40


def payloads_around(database: Database, days: Days) -> pl.Series:
    """Return the payloads that speak of the days, or were asked about them, or hold bars that no session took."""
    query = sql.SQL(
        "WITH days (mic, day) AS (SELECT * FROM unnest({mics}, {dates})) "
        "SELECT payload_id FROM ops.payload_scopes JOIN days ON subject LIKE '%.' || mic "
        "AND scope_date BETWEEN day - 1 AND day + 1 WHERE table_name = ANY({tables}) "
        "UNION SELECT payload_id FROM ops.answered_windows JOIN days ON instrument_id LIKE '%.' || mic "
        "AND start_time < (day + 2)::timestamp AT TIME ZONE 'UTC' "
        "AND end_time > (day - 1)::timestamp AT TIME ZONE 'UTC' "
        "UNION SELECT payload_id FROM ops.quarantine JOIN days ON subject LIKE '%.' || mic "
        "WHERE scope_date IS NULL AND table_name = ANY({tables})"
    ).format(
        mics=literal_list([mic for mic, _ in days], "text"),
        dates=literal_list([day for _, day in days], "date"),
        tables=literal_list(BAR_TABLES, "text"),
    )
    return database.frame(query).get_column("payload_id")


def forget_spoken(cursor: Cursor, payload_ids: pl.Series, days: Days) -> None:
    """Take out what the books say of the days and of bars without a session: it is entered anew."""
    arguments = {**_arguments(days), "payloads": payload_ids.to_list()}
    cursor.execute(
        "DELETE FROM ops.payload_scopes USING unnest(%(mics)s::text[], %(dates)s::date[]) AS days (mic, day) "
        "WHERE subject LIKE '%%.' || mic AND scope_date = day AND table_name = ANY(%(tables)s) "
        "AND payload_id = ANY(%(payloads)s)",
        arguments,
    )
    cursor.execute(
        "DELETE FROM ops.quarantine USING unnest(%(mics)s::text[], %(dates)s::date[]) AS days (mic, day) "
        "WHERE subject LIKE '%%.' || mic AND (scope_date IS NULL OR scope_date = day) "
        "AND table_name = ANY(%(tables)s) AND payload_id = ANY(%(payloads)s)",
        arguments,
    )


def enter_spoken(cursor: Cursor, scopes: pl.DataFrame, scopeless: pl.DataFrame, days: Days) -> None:
    """Enter of what payloads speak on the days, and the rows that have no session now."""
    subject_mic = pl.col("subject").str.extract(r"\.([^.]*)$")
    changed = pl.DataFrame(list(days), schema={"mic": pl.String, "scope_date": pl.Date}, orient="row")
    mine = scopes.with_columns(mic=subject_mic).join(changed, on=["mic", "scope_date"], how="semi")
    upsert(cursor, table("ops.payload_scopes"), mine.drop("mic"))
    upsert(cursor, table("ops.quarantine"), scopeless)


def scopes_on(cursor: Cursor, address: str, days: Days) -> list[tuple[str, date]]:
    """Return the scopes of a table on the days: those that hold rows, and those that payloads speak of now."""
    cursor.execute(
        "SELECT DISTINCT subject, scope_date FROM (SELECT table_name, subject, scope_date FROM ops.digests "
        "UNION ALL SELECT table_name, subject, scope_date FROM ops.payload_scopes) AS known "
        "JOIN unnest(%(mics)s::text[], %(dates)s::date[]) AS days (mic, day) "
        "ON subject LIKE '%%.' || mic AND scope_date = day WHERE table_name = %(address)s ORDER BY 1, 2",
        {**_arguments(days), "address": address},
    )
    return [(subject, day) for subject, day in cursor.fetchall()]


def subjects_around(cursor: Cursor, days: Days) -> list[tuple[str, date]]:
    """Return the days with each instrument of their exchange that has bars around them."""
    cursor.execute(
        "SELECT DISTINCT subject, day FROM ops.digests "
        "JOIN unnest(%(mics)s::text[], %(dates)s::date[]) AS days (mic, day) "
        "ON subject LIKE '%%.' || mic AND scope_date BETWEEN day - %(reach)s AND day + %(reach)s "
        "WHERE table_name = ANY(%(tables)s) ORDER BY 1, 2",
        {**_arguments(days), "reach": REACH_DAYS},
    )
    return [(subject, day) for subject, day in cursor.fetchall()]


def _arguments(days: Days) -> dict[str, object]:
    return {"mics": [mic for mic, _ in days], "dates": [day for _, day in days], "tables": BAR_TABLES}
