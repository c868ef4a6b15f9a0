"""Coverage: every session of every instrument and source, from its first to its last, counted against the grid.

A session without a bar is a row that says "missing"; nothing is filled.
"""

from collections.abc import Iterator

import polars as pl
from psycopg import sql

from findata_assets.steps.platform import Platform
from findata_core.quality.gaps import SCOPE, coverage
from findata_core.schema.frames import conform, empty
from findata_core.schema.tables import table
from findata_resources.stores import due
from findata_resources.stores.database import literal_list, upsert
from findata_resources.stores.reports import WriteReport
from findata_resources.stores.statements import delete_rows, rows_of_subjects

KEY = ["instrument_id", "source", "interval"]
BAR_TABLES = ("market.bars", "market.bars_1d")
COUNTED = {name: table(name).narrowed((*SCOPE, "session_phase", "event_time")) for name in BAR_TABLES}


def refresh_coverage(platform: Platform) -> WriteReport:
    """Count the sessions that changed, and those between that nobody has brought."""
    target = table("ops.coverage")
    marks = due.due_scopes(platform.store.database, target.address)
    if marks.is_empty():
        return WriteReport()
    subjects = marks.get_column("subject").unique().sort().to_list()
    todo = _sessions_to_count(platform, subjects, marks)
    counted = [frame for name in BAR_TABLES for frame in _count(platform, name, todo)]
    rows = conform(pl.concat(counted), target) if counted else empty(target)
    with platform.store.database.transaction() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [target.address])
        held = due.claim(cursor, target.address, marks)
        known = platform.store.database.frame(_known_query(subjects))
        rows = _still_right(rows, marks, held, known)
        delete_rows(cursor, target, _no_longer_counted(known, rows, held))
        changed = upsert(cursor, target, rows)
        due.clear(cursor, target.address, held)
    return WriteReport(
        rows_written=changed, rows_unchanged=rows.height - changed, subjects=frozenset(subjects)
    )


def _no_longer_counted(known: pl.DataFrame, rows: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Return the keys of rows whose day was taken out of the calendar, or of which no bar is left."""
    mine, theirs = ["instrument_id", "session_date"], ["subject", "scope_date"]
    looked_at = known.join(held, left_on=mine, right_on=theirs, how="semi")
    return looked_at.join(rows, on=[*KEY, "session_date"], how="anti")


def _still_right(
    rows: pl.DataFrame, marks: pl.DataFrame, held: pl.DataFrame, known: pl.DataFrame
) -> pl.DataFrame:
    """Return the counts that nobody has overtaken: of marks still held, and of sessions still unknown."""
    mine, theirs = ["instrument_id", "session_date"], ["subject", "scope_date"]
    counted = rows.join(held, left_on=mine, right_on=theirs, how="semi")
    missing = rows.join(marks, left_on=mine, right_on=theirs, how="anti")
    return pl.concat([counted, missing.join(known, on=[*KEY, "session_date"], how="anti")])


def _sessions_to_count(platform: Platform, subjects: list[str], marks: pl.DataFrame) -> pl.DataFrame:
    """Return KEY and session_date of what is marked, and of what no row speaks of yet.

    `is_held` tells whether there can be bars at all: what nobody has marked has none.
    """
    spans = platform.store.database.frame(_spans_query(subjects))
    sessions = platform.sessions_of(spans.get_column("instrument_id"))
    grid = spans.join(sessions.select("mic", "session_date"), on="mic").filter(
        pl.col("session_date").is_between("first_date", "last_date")
    )
    known = platform.store.database.frame(_known_query(subjects))
    changed = marks.select(
        pl.col("subject").alias("instrument_id"), pl.col("scope_date").alias("session_date")
    )
    unknown = grid.join(known, on=[*KEY, "session_date"], how="anti")
    marked = grid.join(changed, on=["instrument_id", "session_date"], how="semi")
    held = marked.select(*KEY, "session_date").with_columns(is_held=pl.lit(value=True))
    missing = unknown.select(*KEY, "session_date").join(held, on=[*KEY, "session_date"], how="anti")
    return pl.concat([held, missing.with_columns(is_held=pl.lit(value=False))]).sort("session_date", *KEY)


def _count(platform: Platform, address: str, todo: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the counts of a table's sessions: a month of minutes or ten years of days at a time."""
    is_daily = address == "market.bars_1d"
    mine = todo.filter((pl.col("interval") == "1d") == is_daily)
    if mine.is_empty():
        return
    width = "10y" if is_daily else "1mo"
    for _, part in mine.group_by(pl.col("session_date").dt.truncate(width), "is_held", maintain_order=True):
        bars = _bars(platform, address, part) if part.get_column("is_held").any() else empty(COUNTED[address])
        wanted = part.group_by(KEY).agg(
            pl.col("session_date").min().alias("first_date"), pl.col("session_date").max().alias("last_date")
        )
        counted = coverage(bars, platform.sessions_of(part.get_column("instrument_id")), wanted)
        yield counted.join(part, on=[*KEY, "session_date"], how="semi")


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
