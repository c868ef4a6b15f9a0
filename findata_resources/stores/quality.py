"""What the books say about some sessions, for reports: refused rows, held answers, receipts, marks. SQL alone.

What belongs here: queries. What does not: what follows from the answers (findata_core.quality).
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from psycopg import sql

from findata_resources.stores.database import Database, literal_list

BAR_TABLES = ("market.bars", "market.bars_1d")
DAY = timedelta(days=1)


def followed(database: Database) -> pl.DataFrame:
    """Return instrument_id, mic, from_date and to_date of the instruments in the universe file received last."""
    return database.frame(
        sql.SQL(
            "SELECT instrument_id, mic, from_date, to_date FROM reference.instruments WHERE instrument_id IN ("
            "SELECT subject FROM ops.payload_scopes WHERE table_name = 'reference.instruments' AND payload_id = ("
            "SELECT payload_id FROM ops.payloads WHERE dataset = 'universe' ORDER BY received_time DESC LIMIT 1)) "
            "ORDER BY 1"
        )
    )


def refused(database: Database, first: date, last: date) -> pl.DataFrame:
    """Return refused rows of the days, and those without a date whose payload speaks of them, newest first."""
    query = """
        SELECT table_name, rule, subject, coalesce(scope_date, {first}::date) AS scope_date, reason, row::text AS row,
               payload_id, row_number, ingest_time
        FROM ops.quarantine
        WHERE scope_date BETWEEN {first}::date AND {last}::date
           OR (scope_date IS NULL AND payload_id IN (
               SELECT payload_id FROM ops.payload_scopes
               WHERE table_name = ANY({tables}) AND scope_date BETWEEN {first}::date AND {last}::date))
        ORDER BY ingest_time DESC, payload_id, row_number, rule
    """
    return database.frame(_filled(query, first, last))


def breaks(database: Database, first: date, last: date) -> pl.DataFrame:
    """Return the rows of ops.breaks of the days, open ones first."""
    query = """
        SELECT * FROM ops.breaks WHERE session_date BETWEEN {first}::date AND {last}::date
        ORDER BY state DESC, instrument_id, session_date, kind, "interval", adjustment, field, left_source, right_source
    """
    return database.frame(_filled(query, first, last))


def held(database: Database, first: date, last: date) -> pl.DataFrame:
    """Return held and decided answers whose window reaches into the days, those that wait first."""
    query = """
        SELECT holds.payload_id, holds.state, holds.rule, holds.reason, holds.held_time, holds.decided_time,
               holds.operator, holds.decided_reason, payloads.source,
               coalesce(payloads.request ->> 'subject', '') AS subject,
               greatest((payloads.request ->> 'window_start')::timestamptz::date, {first}::date) AS session_date
        FROM ops.holds AS holds JOIN ops.payloads AS payloads USING (payload_id)
        WHERE (payloads.request ->> 'window_start')::timestamptz < {last}::date + 1
          AND (payloads.request ->> 'window_end')::timestamptz > {first}::date
        ORDER BY holds.state = 'held' DESC, holds.held_time DESC, holds.payload_id
    """
    return database.frame(_filled(query, first, last))


def spoken(database: Database, first: date, last: date) -> pl.DataFrame:
    """Return which payloads speak of bars of the days, with what was received when, the youngest first."""
    query = """
        SELECT scopes.subject AS instrument_id, payloads.source, payloads.source_system, payloads.payload_id,
               payloads.received_time, payloads.object_key, scopes.table_name, count(*) AS sessions
        FROM ops.payload_scopes AS scopes JOIN ops.payloads AS payloads USING (payload_id)
        WHERE scopes.table_name = ANY({tables}) AND scopes.scope_date BETWEEN {first}::date AND {last}::date
        GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY payloads.received_time DESC, instrument_id, table_name, payload_id
    """
    return database.frame(_filled(query, first, last))


def arrivals(database: Database, first: date, last: date) -> pl.DataFrame:
    """Return what was expected of the days, by exchange, rate or series, and when it came; what is late first."""
    query = """
        SELECT dataset, provider, subject, due_date, slot, expected_time, arrived_time, expected_instruments,
               arrived_instruments
        FROM ops.arrivals WHERE due_date BETWEEN {first}::date AND {last}::date
        ORDER BY arrived_time IS NOT NULL, expected_time, dataset, provider, subject, due_date, slot
    """
    return database.frame(_filled(query, first, last))


def marks(database: Database, first: date, last: date) -> pl.DataFrame:
    """Return what of the days has yet to be made again: asset, session_date (the first day) and scopes."""
    query = """
        SELECT asset, {first}::date AS session_date, count(*) AS scopes FROM ops.due
        WHERE scope_date BETWEEN {first}::date AND {last}::date
          AND asset IN ('market.bars', 'market.bars_1d', 'market.candles', 'ops.breaks', 'ops.coverage')
        GROUP BY 1 ORDER BY 1
    """
    return database.frame(_filled(query, first, last))


def lake_marks(database: Database, first: date, last: date) -> pl.DataFrame:
    """Return the objects of the days' sessions that are older than their table: table_name and objects."""
    query = """
        SELECT table_name, count(*) AS objects FROM ops.lake_dirty
        WHERE table_name IN ('market.bars', 'market.candles') AND partition = ANY({days}) GROUP BY 1 ORDER BY 1
    """
    return database.frame(_filled(query, first, last))


def _filled(query: str, first: date, last: date) -> sql.Composed:
    days = [str(first + number * DAY) for number in range((last - first).days + 1)]
    return sql.SQL(query).format(
        first=sql.Literal(str(first)),
        last=sql.Literal(str(last)),
        tables=literal_list(BAR_TABLES, "text"),
        days=literal_list(days, "text"),
    )
