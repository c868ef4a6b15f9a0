"""Proof that database, lake and raw payloads say the same; and the repair from raw where they do not.

Each table's rows are hashed three ways, scope by scope: as stored in the database, as published in the
lake, as made again from the raw payloads; and compared with the digest that was written with them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
from psycopg import sql

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform, PublishedTables
from findata_assets.steps.scratch import Progress, Replayed, replayed
from findata_assets.steps.sources import adopt_receipts
from findata_core.errors import NotEqual
from findata_core.schema.hashing import DIGEST_SCHEMA, digests
from findata_core.schema.tables import LakePartition, Table, table, tables
from findata_resources.stores import holds
from findata_resources.stores.database import upsert
from findata_resources.stores.lake_layout import partition_dates

SCOPE = ["subject", "scope_date", "slice"]
DIFFERENCE_SCHEMA = {
    "table_name": pl.String,
    "subject": pl.String,
    "scope_date": pl.Date,
    "slice": pl.String,
    "where": pl.String,
    "finding": pl.String,
}
# Days around a window whose payloads decide about it: a month that begins in it lasts 31 days, pivots need
# the week after theirs, signals the pivots of the week before and their own week from Monday on.
REACH = timedelta(days=38)
BOOKS = ("ops.payloads", "ops.payload_scopes", "ops.quarantine", "ops.decisions", "ops.rescales")


@dataclass(frozen=True)
class Proof:
    """What was compared, and what differs: table_name, subject, scope_date, slice, where, finding.

    `scopes_made`: where the database held nothing there was nothing to compare, and so many were made.
    """

    scopes_compared: int
    differences: pl.DataFrame
    scopes_made: int = 0

    @property
    def is_equal(self) -> bool:
        """True if nothing differs."""
        return self.differences.is_empty()


def verify(
    platform: Platform, progress: Progress, start: date | None = None, end: date | None = None
) -> Proof:
    """Compare database, lake and rebuilt for scope dates in [start, end); nothing is changed.

    Received is what stands in the books: an object that a killed run has left on S3 proves nothing yet.
    """
    wanted = _payloads_of(platform, start, end)
    with replayed(platform, progress, wanted) as again:
        return _prove(platform, again, progress, start, end)


def rebuild(
    platform: Platform, progress: Progress, start: date | None = None, end: date | None = None
) -> Proof:
    """Make everything again from raw in a scratch database and put what differs in place, the books too.

    Returns what differed before. NotEqual payloads are left as they are and reported: a damaged raw
    object repairs nothing. A database that holds nothing has nothing to lose: there everything is made in place,
    without a scratch database and a copy from it.
    """
    if start is None and end is None and _is_blank(platform):
        return _made_in_place(platform, progress)
    wanted = None if start is None and end is None else _payloads_of(platform, start, end)
    with replayed(platform, progress, wanted) as again:
        proof = _prove(platform, again, progress, start, end)
        if again.damaged:
            return proof
        for target in digested_tables():
            progress(f"putting {target.address} in place")
            _put_in_place(platform, again.platform, target, proof.differences)
        _restore_books(platform, again.platform)
    platform.forget_sessions()
    run_due(platform)
    platform.lake.publish(platform.store)
    return proof


def _is_blank(platform: Platform) -> bool:
    query = sql.SQL("SELECT EXISTS (SELECT FROM ops.payloads) OR EXISTS (SELECT FROM ops.digests) AS holds")
    return not platform.store.database.frame(query).item()


def _made_in_place(platform: Platform, progress: Progress) -> Proof:
    progress("the database holds nothing: entering all that was received")
    adopt_receipts(platform)
    platform.forget_sessions()
    progress("folding")
    run_due(platform)
    made = sum(platform.store.digests(target).height for target in digested_tables())
    return Proof(0, pl.DataFrame(schema=DIFFERENCE_SCHEMA), made)


def digested_tables() -> list[Table]:
    """Return the tables that have digests, sorted by address."""
    return [item for item in tables() if item.digest_subject]


def _prove(
    platform: Platform, again: Replayed, progress: Progress, start: date | None, end: date | None
) -> Proof:
    compared, found = 0, [_damaged(platform, again)]
    for target in digested_tables():
        progress(f"comparing {target.address}")
        written = _in_window(target, platform.store.digests(target), start, end)
        stored = platform.store.read(target, start, end)
        views = {
            "database": digests(target, stored),
            "lake": _lake_digests(platform, target, start, end),
            "rebuilt": _in_window(target, again.platform.store.digests(target), start, end),
        }
        compared += written.height
        found += [_compare(target, written, view, where) for where, view in views.items()]
        if target.has_history:
            rebuilt = again.platform.store.read(target, start, end)
            found.append(
                _only_in_one(target, target, stored, rebuilt, "rows or their times of knowledge differ")
            )
            found.append(_compare_history(platform, again.platform, target, start, end))
    return Proof(compared, pl.concat(found).unique().sort("table_name", *SCOPE, "where"))


def _compare(target: Table, written: pl.DataFrame, view: pl.DataFrame, where: str) -> pl.DataFrame:
    both = written.select(*SCOPE, "sha256").join(
        view.select(*SCOPE, "sha256"), on=SCOPE, how="full", suffix="_view", coalesce=True
    )
    finding = (
        pl.when(pl.col("sha256_view").is_null())
        .then(pl.lit("is missing"))
        .when(pl.col("sha256").is_null())
        .then(pl.lit("has rows that no digest knows"))
        .otherwise(pl.lit("differs from its digest"))
    )
    differs = both.filter(pl.col("sha256").ne_missing(pl.col("sha256_view")))
    return differs.select(
        pl.lit(target.address).alias("table_name"),
        *SCOPE,
        pl.lit(where).alias("where"),
        finding.alias("finding"),
    )


def _compare_history(
    platform: Platform, again: Platform, target: Table, start: date | None, end: date | None
) -> pl.DataFrame:
    """Compare closed versions with all their times; they have no digests of their own."""
    history = target.history()
    stored, rebuilt = platform.store.read(history, start, end), again.store.read(history, start, end)
    return _only_in_one(target, history, stored, rebuilt, "history differs")


def _only_in_one(
    target: Table, side: Table, stored: pl.DataFrame, rebuilt: pl.DataFrame, finding: str
) -> pl.DataFrame:
    """Return the scopes of rows that are not the same in both, every column compared."""
    columns = side.column_names
    different = pl.concat(
        [
            stored.join(rebuilt, on=columns, how="anti", nulls_equal=True),
            rebuilt.join(stored, on=columns, how="anti", nulls_equal=True),
        ]
    )
    day = pl.col(target.digest_date) if target.digest_date else pl.lit(date(1970, 1, 1))
    parts = [pl.col(name) for name in target.digest_slice] or [pl.lit("")]
    return different.select(
        pl.lit(target.address).alias("table_name"),
        pl.col(target.digest_subject).alias("subject"),
        day.alias("scope_date"),
        pl.concat_str(parts, separator="/").alias("slice"),
        pl.lit("rebuilt").alias("where"),
        pl.lit(finding).alias("finding"),
    ).unique()


def _lake_digests(platform: Platform, target: Table, start: date | None, end: date | None) -> pl.DataFrame:
    frames = [pl.DataFrame(schema=DIGEST_SCHEMA)]
    with platform.lake.unmoved(platform.store, target):
        frames += [
            _of_partition(target, partition, digests(target, rows))
            for partition in platform.lake.partitions(target)
            if _meets(target, partition, start, end)
            and (rows := _readable(platform.lake, target, partition)) is not None
        ]
    return _in_window(target, pl.concat(frames), start, end)


def _of_partition(target: Table, partition: str, found: pl.DataFrame) -> pl.DataFrame:
    """Count rows that lie in the object of other dates as rows of that object's first date, which has none such."""
    first, after = partition_dates(target, partition)
    if first is None or after is None:
        return found
    is_at_home = pl.col("scope_date").is_between(first, after, closed="left")
    return found.with_columns(pl.when(is_at_home).then("scope_date").otherwise(first).alias("scope_date"))


def _readable(lake: PublishedTables, target: Table, partition: str) -> pl.DataFrame | None:
    """Return an object's rows; one that is not the table's Parquet has none, and all its scopes are missing."""
    try:
        return lake.read(target, partition)
    except NotEqual:
        return None


def _meets(target: Table, partition: str, start: date | None, end: date | None) -> bool:
    first, after = partition_dates(target, partition)
    return not ((end and first and first >= end) or (start and after and after <= start))


def _in_window(target: Table, frame: pl.DataFrame, start: date | None, end: date | None) -> pl.DataFrame:
    if not target.digest_date:
        return frame
    return frame.filter(pl.col("scope_date") >= (start or date.min), pl.col("scope_date") < (end or date.max))


def _damaged(platform: Platform, again: Replayed) -> pl.DataFrame:
    """Return the scopes that speak from a payload whose body is not what was received."""
    rows = []
    for payload, reason in again.damaged:
        scopes = platform.store.database.frame(
            sql.SQL(
                "SELECT table_name, subject, scope_date FROM ops.payload_scopes WHERE payload_id = {}"
            ).format(sql.Literal(payload["payload_id"]))
        )
        rows += [
            {
                "table_name": name,
                "subject": subject,
                "scope_date": day,
                "slice": "",
                "where": "raw",
                "finding": reason,
            }
            for name, subject, day in scopes.iter_rows()
        ]
    return pl.DataFrame(rows, schema=DIFFERENCE_SCHEMA)


def _payloads_of(platform: Platform, start: date | None, end: date | None) -> set[int]:
    """Return the payloads in the books that decide about the window, those of undated tables included."""
    if start is None and end is None:
        every = sql.SQL("SELECT payload_id FROM ops.payloads")
        return set(platform.store.database.frame(every).get_column("payload_id"))
    query = sql.SQL(
        "SELECT DISTINCT payload_id FROM ops.payload_scopes WHERE scope_date = DATE '1970-01-01' "
        "OR scope_date >= {}::date AND scope_date < {}::date "
        "UNION SELECT payload_id FROM ops.payloads WHERE dataset = 'decisions'"
    ).format(
        sql.Literal(str(start - REACH if start else date.min)),
        sql.Literal(str(end + REACH if end else date.max)),
    )
    return set(platform.store.database.frame(query).get_column("payload_id"))


def _put_in_place(platform: Platform, again: Platform, target: Table, differences: pl.DataFrame) -> None:
    mine = differences.filter(pl.col("table_name") == target.address)
    folded = again.store.digests(target)
    for scopes in _units(target, mine):
        current = again.store.read_scopes(target, target, scopes)
        closed = again.store.read_scopes(target, target.history(), scopes) if target.has_history else None
        platform.store.put_in_place(target, current, closed, scopes, folded)


def _restore_books(platform: Platform, again: Platform) -> None:
    """Enter what the books of the scratch database say and the live ones lack; nothing is taken out."""
    for address in BOOKS:
        book = table(address)
        lines, key = again.store.read(book), list(book.business_key)
        lacking = lines.join(platform.store.read(book).select(key), on=key, how="anti")
        with platform.store.database.transaction() as cursor:
            upsert(cursor, book, lacking)
            if address == "ops.decisions" and not lacking.is_empty():
                holds.enter_decisions(cursor, lacking)


def _units(target: Table, differences: pl.DataFrame) -> Iterator[list[tuple[str, date]]]:
    """Yield the scopes that differ, a transaction's worth at a time: a date, of tables of days a month, or all."""
    pairs = differences.select("subject", "scope_date").unique().sort("scope_date", "subject")
    if pairs.is_empty():
        return
    if target.lake_partition is LakePartition.WHOLE:
        yield list(pairs.iter_rows())
        return
    day = pl.col("scope_date")
    unit_date = day.dt.month_start() if target.lake_partition is LakePartition.MONTH else day
    for _, unit in pairs.group_by(unit_date, maintain_order=True):
        yield list(unit.iter_rows())
