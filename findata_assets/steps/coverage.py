"""Coverage: every session of every instrument and source, from its first to its last, counted against the grid.

A session without a bar is a row that says "missing"; nothing is filled.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import polars as pl
from psycopg import sql

from findata_assets.steps.platform import Platform
from findata_core.quality.gaps import SCOPE, coverage
from findata_core.schema.frames import conform, empty
from findata_core.schema.tables import table
from findata_resources.stores import due
from findata_resources.stores.database import Cursor, literal_list, upsert
from findata_resources.stores.reports import WriteReport
from findata_resources.stores.statements import rows_of_subjects

KEY = ["instrument_id", "source", "interval"]
SESSION = ["instrument_id", "session_date"]
COVERAGE = table("ops.coverage")
BAR_TABLES = ("market.bars", "market.bars_1d")
COUNTED = {name: table(name).narrowed((*SCOPE, "session_phase", "event_time")) for name in BAR_TABLES}
MONTHS_AT_ONCE = {"market.bars": 1, "market.bars_1d": 120}

# Of sessions whose day was taken out of the calendar, or of which no bar is left.
DELETE_ALL_BUT = """
    DELETE FROM ops.coverage AS old USING unnest(%s::text[], %s::date[]) AS held (instrument_id, session_date)
    WHERE old.instrument_id = held.instrument_id AND old.session_date = held.session_date AND NOT EXISTS (
        SELECT FROM unnest(%s::text[], %s::date[], %s::text[], %s::text[])
        AS counted (instrument_id, session_date, source, interval)
        WHERE counted.instrument_id = old.instrument_id AND counted.session_date = old.session_date
        AND counted.source = old.source AND counted.interval = old.interval
    )
"""

SPANS_SCHEMA = {
    **{name: pl.String() for name in ("instrument_id", "mic", "source", "interval")},
    **{name: pl.Date() for name in ("first_date", "last_date")},
}


def refresh_coverage(platform: Platform) -> WriteReport:
    """Count the sessions that changed, and those between that nobody has brought."""
    database, target = platform.store.database, COVERAGE.address
    marks = due.due_scopes(database, target)
    if marks.is_empty():
        return WriteReport()
    subjects = sorted(set(marks.get_column("subject")))
    marked, missing = _sessions_to_count(platform, subjects, marks)
    rows, nobodys = _counts(platform, marked, is_held=True), _counts(platform, missing, is_held=False)
    with database.transaction() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [target])
        held = due.claim(cursor, target, marks)
        rows = _still_held(rows, marks, held)
        _delete_no_longer_counted(cursor, rows, held)
        rows = pl.concat([rows, _still_unknown(platform, subjects, nobodys)])
        changed = upsert(cursor, COVERAGE, rows)
        due.clear(cursor, target, held)
    return WriteReport(
        rows_written=changed, rows_unchanged=rows.height - changed, subjects=frozenset(subjects)
    )


def _delete_no_longer_counted(cursor: Cursor, rows: pl.DataFrame, held: pl.DataFrame) -> None:
    """Delete what is stored of the sessions of marks, but for what was counted of them."""
    if not held.is_empty():
        places = [held.get_column(name).to_list() for name in ("subject", "scope_date")]
        cursor.execute(DELETE_ALL_BUT, [*places, *(rows.get_column(name).to_list() for name in SCOPE)])


def _still_held(rows: pl.DataFrame, marks: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Return the counts of marks that nobody has answered or made again since."""
    if held.height == marks.height:
        return rows
    return rows.join(held, left_on=SESSION, right_on=["subject", "scope_date"], how="semi")


def _still_unknown(platform: Platform, subjects: list[str], rows: pl.DataFrame) -> pl.DataFrame:
    """Return the counts of sessions that no row speaks of."""
    if rows.is_empty():
        return rows
    known = platform.store.database.frame(_known_query(subjects))
    return rows.join(known, on=[*KEY, "session_date"], how="anti")


def _sessions_to_count(
    platform: Platform, subjects: list[str], marks: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return KEY and session_date of what is marked, and of what no row speaks of yet: that can have no bars."""
    spans = platform.store.database.few(_spans_query(subjects), SPANS_SCHEMA)
    marked = marks.select(instrument_id="subject", session_date="scope_date", is_marked=True)
    grid = _grid(spans, platform.sessions_of(spans.get_column("instrument_id"))).join(
        marked, on=SESSION, how="left"
    )
    is_marked = grid.get_column("is_marked").is_not_null()
    grid = grid.drop("is_marked")
    return grid.filter(is_marked), _still_unknown(platform, subjects, grid.filter(~is_marked))


def _grid(spans: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Return KEY and session_date of every session from the first to the last date of each series, by date."""
    first, last = spans.get_column("first_date").min(), spans.get_column("last_date").max()
    dates = pl.col("session_date")
    days = sessions.select("mic", "session_date").filter(dates.is_between(pl.lit(first), pl.lit(last)))
    grid = spans.join(days, on="mic").filter(dates.is_between("first_date", "last_date"))
    return grid.select(*KEY, "session_date").sort("session_date", *KEY)


def _counts(platform: Platform, todo: pl.DataFrame, *, is_held: bool) -> pl.DataFrame:
    """Return the counts of sessions; of those that nobody holds no bars are read."""
    counted = [
        _count(platform, address, part, is_held=is_held)
        for address in BAR_TABLES
        for part in _parts(address, todo)
    ]
    return conform(pl.concat(counted), COVERAGE) if counted else empty(COVERAGE)


def _parts(address: str, todo: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield a table's sessions: a month of minutes or ten years of days at a time."""
    is_daily = todo.get_column("interval") == "1d"
    mine = todo.filter(is_daily if address == "market.bars_1d" else ~is_daily)
    months = mine.get_column("session_date").to_numpy().astype("datetime64[M]").astype(np.int64)
    spans = months // MONTHS_AT_ONCE[address]
    edges = [0, *(np.flatnonzero(np.diff(spans)) + 1), mine.height]
    for start, end in pairwise(edges):
        if end > start:
            yield mine[start:end]


def _count(platform: Platform, address: str, part: pl.DataFrame, *, is_held: bool) -> pl.DataFrame:
    """Return the counts of a part."""
    bars = _bars(platform, address, part) if is_held else empty(COUNTED[address])
    dates = pl.col("session_date")
    wanted = part.group_by(KEY).agg(first_date=dates.min(), last_date=dates.max())
    counted = coverage(bars, platform.sessions_of(part.get_column("instrument_id")), wanted)
    if counted.height == part.height:  # of every session between first and last; else some of them are known
        return counted
    return counted.join(part, on=[*KEY, "session_date"], how="semi")


def _bars(platform: Platform, address: str, part: pl.DataFrame) -> pl.DataFrame:
    """Read what counting needs of the bars, in any order: the whole rows would take five times as long."""
    counted = COUNTED[address]
    scopes = part.select(subject="instrument_id", scope_date="session_date")
    rows = platform.store.database.frame(rows_of_subjects(table(address), counted, scopes))
    return conform(rows, counted)


def _spans_query(subjects: list[str]) -> sql.Composed:
    """First and last session of each instrument, source and interval, as the digests know them."""
    return sql.SQL(
        "SELECT subject AS instrument_id, reverse(split_part(reverse(subject), '.', 1)) AS mic, "
        "split_part(slice, '/', 2) AS source, split_part(slice, '/', 1) AS interval, "
        "min(scope_date) AS first_date, max(scope_date) AS last_date FROM ops.digests "
        "WHERE table_name = ANY({}) AND subject = ANY({}) GROUP BY 1, 2, 3, 4"
    ).format(literal_list(BAR_TABLES, "text"), literal_list(subjects, "text"))


def _known_query(subjects: list[str]) -> sql.Composed:
    return sql.SQL(
        "SELECT instrument_id, source, interval, session_date FROM ops.coverage WHERE instrument_id = ANY({})"
    ).format(literal_list(subjects, "text"))
