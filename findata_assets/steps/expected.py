"""What a source should hold: calendar x listing lifetime, and what is known of each session of it.

What belongs here: reading the books for findata_core/quality/states.py. What does not: the rule itself, which names a
source is asked for (followed), asking (live), counting bars (coverage).
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import polars as pl
from psycopg import sql

from findata_assets.steps.followed import followed
from findata_assets.steps.platform import Platform
from findata_core.quality.states import SESSION, Manners, session_states
from findata_resources.provider import Capability
from findata_resources.providers import CAPABILITIES, DEFAULT_SETTLES_AFTER
from findata_resources.stores.database import literal_list

ASKED_INTERVALS = ("1d", "1m")  # other widths are folded from minutes; some keys have 25 requests a day
# Yahoo stamps a day with its session's open, on some exchanges with the local midnight before it: windows of days
# begin so much before the first open.
DAILY_LEAD = timedelta(hours=16)
EXPIRES_SOON = timedelta(days=7)
# Of a source that nobody can ask, what is missing can't be had.
RECORDED_ONLY = Manners(DEFAULT_SETTLES_AFTER, timedelta())


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
    expected = _expected(platform, source, capability.interval, start, end)
    names = expected.select("instrument_id", "session_date", "symbol")
    judged = _judged(platform, expected.drop("symbol"), source, capability.interval, start, end)
    return judged.join(names, on=["instrument_id", "session_date"], maintain_order="left")


def known_states(platform: Platform, start: date, end: date, instruments: Sequence[str] = ()) -> pl.DataFrame:
    """Return session_states() with missing_ranges of every source and interval, of some instruments (default: all).

    Sessions in [start, end): those that were counted, and of a source that is asked all that it should hold since
    it was first asked.
    """
    counted = platform.store.database.frame(_held_query(start, end, instruments))
    found = []
    for source, interval in _series(platform, counted):
        grid = counted.filter(source=source, interval=interval).drop("missing_ranges")
        since = followed_since(platform, source, interval)
        if since is not None:
            expected = _expected(platform, source, interval, max(start, since), end).drop("symbol")
            wanted = pl.col("instrument_id").is_in(list(instruments)) if instruments else pl.lit(value=True)
            grid = pl.concat([grid, expected.filter(wanted)]).unique(SESSION)
        is_followed = pl.col("session_date") >= pl.lit(since, pl.Date)
        judged = _judged(platform, grid, source, interval, start, end)
        found.append(judged.with_columns((pl.col("is_due") & is_followed).fill_null(value=False)))
    if not found:
        return pl.DataFrame()
    gaps = counted.select(*SESSION, "missing_ranges")
    return pl.concat(found).join(gaps, on=SESSION, how="left").sort("instrument_id", "interval", *SESSION[1:])


def followed_states(platform: Platform, source: str) -> pl.DataFrame:
    """Return states_of() everything that a source should hold since it was first asked; nothing if it never was."""
    end = platform.clock.now().date() + timedelta(days=1)
    found = []
    for capability in asked_capabilities(source):
        since = followed_since(platform, source, capability.interval)
        if since is not None:
            found.append(states_of(platform, source, capability, since, end))
    return pl.concat(found) if found else pl.DataFrame()


def _judged(
    platform: Platform, grid: pl.DataFrame, source: str, interval: str, start: date, end: date
) -> pl.DataFrame:
    database = platform.store.database
    return session_states(
        grid,
        database.frame(_counted_query(source, interval, start, end)),
        database.frame(_windows_query("answered_windows", source, interval, start, end)),
        database.frame(_windows_query("fetches", source, interval, start, end)),
        _manners(source, interval),
        platform.clock.now(),
        doubted=database.frame(_doubted_query(source, interval, start, end)),
        spoken=database.frame(_spoken_query(source, interval, start, end)),
    )


def _manners(source: str, interval: str) -> Manners:
    for capability in CAPABILITIES.get(source, ()):
        if capability.interval == interval:
            return Manners(capability.settles_after, capability.wall)
    return RECORDED_ONLY


def _series(platform: Platform, counted: pl.DataFrame) -> list[tuple[str, str]]:
    """Return (source, interval) of what was counted and of what was ever asked for, sorted."""
    asked = platform.store.database.frame(
        sql.SQL("SELECT DISTINCT source, interval FROM ops.fetches WHERE interval IS NOT NULL")
    )
    return sorted(pl.concat([counted.select("source", "interval"), asked]).unique().iter_rows())


def followed_since(platform: Platform, source: str, interval: str) -> date | None:
    """Return the first day that a source was ever asked for; None where it never was."""
    lead = DAILY_LEAD if interval == "1d" else timedelta()
    query = sql.SQL(
        "SELECT (min(window_start_time) + {})::date AS first FROM ops.fetches WHERE source = {} AND interval = {}"
    ).format(sql.Literal(lead), sql.Literal(source), sql.Literal(interval))
    first = platform.store.database.frame(query).item()
    assert isinstance(first, date | None)
    return first


def _expected(platform: Platform, source: str, interval: str, start: date, end: date) -> pl.DataFrame:
    """Return sessions_of_followed() that have closed."""
    sessions = sessions_of_followed(platform, source, interval, start, end)
    return sessions.filter(pl.col("close_time") <= platform.clock.now())


def sessions_of_followed(
    platform: Platform, source: str, interval: str, start: date, end: date
) -> pl.DataFrame:
    """Return GRID_SCHEMA and symbol: sessions in [start, end) of followed instruments, within their listing."""
    wanted = followed(platform, source)
    sessions = platform.sessions_of(wanted.get_column("instrument_id")).filter(
        pl.col("session_date") >= start,
        pl.col("session_date") < end,
    )
    day = pl.col("session_date")
    return (
        wanted.join(sessions.select("mic", "session_date", "open_time", "close_time"), on="mic")
        .filter(day >= pl.col("first_date"), day <= pl.col("last_date"))
        .select(
            "instrument_id",
            pl.lit(source).alias("source"),
            pl.lit(interval).alias("interval"),
            "session_date",
            "open_time",
            "close_time",
            "symbol",
        )
    )


def _held_query(start: date, end: date, instruments: Sequence[str]) -> sql.Composed:
    return sql.SQL(
        """
        SELECT coverage.instrument_id, coverage.source, coverage.interval, coverage.session_date,
               sessions.open_time, sessions.close_time, array_to_string(missing_ranges, ' ') AS missing_ranges
        FROM ops.coverage JOIN reference.sessions
             ON sessions.mic = reverse(split_part(reverse(coverage.instrument_id), '.', 1))
             AND sessions.session_date = coverage.session_date
        WHERE coverage.session_date >= {}::date AND coverage.session_date < {}::date AND {}
        """
    ).format(
        sql.Literal(str(start)),
        sql.Literal(str(end)),
        sql.SQL("instrument_id = ANY({})").format(literal_list(instruments, "text"))
        if instruments
        else sql.SQL("true"),
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
        table_name=sql.Literal(_table_of(interval)),
        slice=sql.Literal(f"{interval}/{source}/%"),
        source=sql.Literal(source),
        interval=sql.Literal(interval),
        start=sql.Literal(str(start)),
        end=sql.Literal(str(end)),
    )


def _doubted_query(source: str, interval: str, start: date, end: date) -> sql.Composed:
    """Sessions whose minutes are in doubt: they and the source's own day disagree, or their volume is sick.

    Where two sources differ nobody knows which of them to ask again.
    """
    kinds = ("minutes_daily", "sick_volume") if interval == "1m" else ()
    return sql.SQL(
        "SELECT DISTINCT instrument_id, {source} AS source, {interval} AS interval, session_date FROM ops.breaks "
        "WHERE left_source = {source} AND right_source = {source} AND kind = ANY({kinds}) "
        "AND (state = 'open' OR (kind = 'sick_volume' AND state = 'explained')) "
        "AND session_date >= {start}::date AND session_date < {end}::date"
    ).format(
        source=sql.Literal(source),
        interval=sql.Literal(interval),
        kinds=literal_list(kinds, "text"),
        start=sql.Literal(str(start)),
        end=sql.Literal(str(end)),
    )


def _spoken_query(source: str, interval: str, start: date, end: date) -> sql.Composed:
    """Which answers tell of which sessions."""
    return sql.SQL(
        "SELECT subject AS instrument_id, scope_date AS session_date, payload_id FROM ops.payload_scopes "
        "WHERE table_name = {} AND scope_date >= {}::date AND scope_date < {}::date AND payload_id IN "
        "(SELECT payload_id FROM ops.answered_windows WHERE source = {} AND interval = {})"
    ).format(
        sql.Literal(_table_of(interval)),
        sql.Literal(str(start)),
        sql.Literal(str(end)),
        sql.Literal(source),
        sql.Literal(interval),
    )


def _table_of(interval: str) -> str:
    return "market.bars_1d" if interval == "1d" else "market.bars"


def _windows_query(book: str, source: str, interval: str, start: date, end: date) -> sql.Composed:
    """Answers, or requests whatever came of them, whose window reaches into the dates; a day to spare for zones."""
    columns = {
        "answered_windows": sql.SQL("instrument_id, start_time, end_time, received_time, payload_id"),
        # A refusal from before the universe file last named the symbol was about another one.
        "fetches": sql.SQL(
            "subject AS instrument_id, window_start_time AS start_time, window_end_time AS end_time, "
            "CASE WHEN is_refused IS TRUE THEN CASE WHEN started_time >= (SELECT max(ingest_time) FROM "
            "reference.symbols WHERE symbols.source = fetches.source AND symbols.instrument_id = fetches.subject) "
            "THEN started_time END END AS refused_time, "
            "CASE WHEN payload_id IN (SELECT payload_id FROM ops.holds JOIN ops.payloads USING (payload_id) "
            "WHERE state = 'held') THEN started_time END AS held_time, "
            # An answer that nothing was learnt from: it could not be read.
            "CASE WHEN is_refused IS NOT TRUE AND payload_id IS NOT NULL AND payload_id NOT IN "
            "(SELECT payload_id FROM ops.answered_windows) AND payload_id NOT IN (SELECT payload_id FROM ops.holds) "
            "THEN started_time END AS unread_time"
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
