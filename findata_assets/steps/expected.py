"""What a source should hold: calendar x listing lifetime, and what is known of each session of it.

What belongs here: reading the books for findata_core/quality/states.py. What does not: the rule itself, asking
(live), counting bars (coverage).
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import polars as pl
from psycopg import sql

from findata_assets.steps.platform import Platform
from findata_core.quality.states import Manners, session_states
from findata_resources.provider import Capability
from findata_resources.providers import CAPABILITIES

ASKED_INTERVALS = ("1d", "1m")  # other widths are folded from minutes; some keys have 25 requests a day
BAR_TABLE = {"1d": "market.bars_1d", "1m": "market.bars"}
EXPIRES_SOON = timedelta(days=7)


def asked_capabilities(source: str) -> Iterator[Capability]:
    """Yield what a source is asked for, what it forgets before what it keeps."""
    mine = (item for item in CAPABILITIES[source] if item.interval in ASKED_INTERVALS)
    yield from sorted(mine, key=lambda item: (item.wall is None, item.interval))


def states_of(
    platform: Platform, source: str, capability: Capability, start: date, end: date
) -> pl.DataFrame:
    """Return session_states() of a source's interval, sessions in [start, end) that have closed, with `symbol`.

    Only of instruments that the universe file names now: one that it no longer names is asked no more.
    """
    now, database = platform.clock.now(), platform.store.database
    expected = database.frame(_expected_query(source, capability.interval, start, end, now))
    names = expected.select("instrument_id", "session_date", "symbol")
    judged = session_states(
        expected.drop("symbol"),
        database.frame(_counted_query(source, capability.interval, start, end)),
        database.frame(_windows_query("answered_windows", source, capability.interval, start, end)),
        database.frame(_windows_query("fetches", source, capability.interval, start, end)),
        Manners(capability.settles_after, capability.wall),
        now,
    )
    return judged.join(names, on=["instrument_id", "session_date"], maintain_order="left")


def followed_since(platform: Platform, source: str, interval: str) -> date | None:
    """Return the first day that a source was ever asked for; None where it never was."""
    query = sql.SQL(
        "SELECT min(window_start_time)::date AS first FROM ops.fetches WHERE source = {} AND interval = {}"
    ).format(sql.Literal(source), sql.Literal(interval))
    first = platform.store.database.frame(query).item()
    assert isinstance(first, date | None)
    return first


def _expected_query(source: str, interval: str, start: date, end: date, now: datetime) -> sql.Composed:
    return sql.SQL(
        """
        SELECT instruments.instrument_id, {source} AS source, {interval} AS interval, sessions.session_date,
               sessions.open_time, sessions.close_time, symbols.symbol
        FROM reference.instruments
        JOIN reference.symbols
             ON symbols.instrument_id = instruments.instrument_id AND symbols.source = {source}
        JOIN reference.sessions ON sessions.mic = instruments.mic
        WHERE sessions.session_date >= {start}::date AND sessions.session_date < {end}::date
        AND sessions.session_date BETWEEN coalesce(instruments.from_date, '-infinity')
             AND coalesce(instruments.to_date, 'infinity')
        AND sessions.session_date BETWEEN symbols.from_date AND coalesce(symbols.to_date, 'infinity')
        AND sessions.close_time <= {now}::timestamptz
        AND instruments.instrument_id IN (
             SELECT subject FROM ops.payload_scopes WHERE table_name = 'reference.instruments' AND payload_id = (
                  SELECT payload_id FROM ops.payloads WHERE dataset = 'universe'
                  ORDER BY received_time DESC LIMIT 1))
        """
    ).format(
        source=sql.Literal(source),
        interval=sql.Literal(interval),
        start=sql.Literal(str(start)),
        end=sql.Literal(str(end)),
        now=sql.Literal(now.isoformat()),
    )


def _counted_query(source: str, interval: str, start: date, end: date) -> sql.Composed:
    return sql.SQL(
        """
        SELECT coverage.instrument_id, coverage.source, coverage.interval, coverage.session_date, coverage.status,
               coverage.present_bars, coverage.expected_bars, read.read_time
        FROM ops.coverage LEFT JOIN (
             SELECT subject AS instrument_id, scope_date AS session_date, max(ingest_time) AS read_time
             FROM ops.digests WHERE table_name = {table_name} AND slice LIKE {slice}
             AND scope_date >= {start}::date AND scope_date < {end}::date GROUP BY 1, 2) AS read
             USING (instrument_id, session_date)
        WHERE coverage.source = {source} AND coverage.interval = {interval}
        AND coverage.session_date >= {start}::date AND coverage.session_date < {end}::date
        """
    ).format(
        table_name=sql.Literal(BAR_TABLE[interval]),
        slice=sql.Literal(f"{interval}/{source}/%"),
        source=sql.Literal(source),
        interval=sql.Literal(interval),
        start=sql.Literal(str(start)),
        end=sql.Literal(str(end)),
    )


def _windows_query(book: str, source: str, interval: str, start: date, end: date) -> sql.Composed:
    """Answers, or requests whatever came of them, whose window reaches into the dates; a day to spare for zones."""
    columns = {
        "answered_windows": sql.SQL("instrument_id, start_time, end_time, received_time, payload_id"),
        "fetches": sql.SQL(
            "subject AS instrument_id, window_start_time AS start_time, window_end_time AS end_time"
        ),
    }[book]
    prefix = "" if book == "answered_windows" else "window_"
    return sql.SQL(
        "SELECT {columns} FROM ops.{book} WHERE source = {source} AND interval = {interval} "
        "AND {ends} > {start}::date - 1 AND {starts} < {end}::date + 1"
    ).format(
        columns=columns,
        book=sql.Identifier(book),
        source=sql.Literal(source),
        interval=sql.Literal(interval),
        ends=sql.Identifier(f"{prefix}end_time"),
        starts=sql.Identifier(f"{prefix}start_time"),
        start=sql.Literal(str(start)),
        end=sql.Literal(str(end)),
    )
