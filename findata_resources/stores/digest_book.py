"""The book of digests: what each scope holds, by its hash, and what a change of it makes due.

What belongs here: `ops.digests`, `ops.lake_dirty` and marks downstream, all inside the caller's transaction.
What does not: the rows themselves (timescale), computing a hash (findata_core.schema.hashing).
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

import polars as pl

from findata_core.schema.tables import LakePartition, Table
from findata_resources.stores import due
from findata_resources.stores.database import Cursor
from findata_resources.stores.scopes import (
    SCOPE,
    scope_expressions,
    scope_pairs,
    scope_set,
    scopes_frame,
)

NO_PAYLOAD = datetime(
    1970, 1, 1, tzinfo=UTC
)  # folding time of derived rows, which have no payload of their own


def stored_digests(cursor: Cursor, target: Table, scopes: Iterable[tuple[str, date]]) -> pl.DataFrame:
    pairs = sorted(scopes)
    cursor.execute(
        "SELECT subject, scope_date, slice, sha256 FROM ops.digests JOIN unnest(%s::text[], %s::date[]) "
        "AS wanted (subject, scope_date) USING (subject, scope_date) WHERE table_name = %s",
        [[subject for subject, _ in pairs], [day for _, day in pairs], target.address],
    )
    return pl.DataFrame(
        cursor.fetchall(),
        schema={"subject": pl.String, "scope_date": pl.Date, "slice": pl.String, "sha256": pl.String},
        orient="row",
    )


def keep_digests(
    cursor: Cursor,
    target: Table,
    fresh: pl.DataFrame,
    changed: pl.DataFrame,
    folded: Mapping[tuple[str, date, str], datetime],
) -> None:
    """Store the digests of changed scopes; those of scopes that hold nothing any more go.

    `folded`: receive time of the youngest payload folded into each; derived rows have none of their own.
    """
    wanted, there = scope_set(changed), scope_set(fresh)
    rows = fresh if there <= wanted else fresh.join(changed, on=SCOPE, how="semi")
    gone = scopes_frame(sorted(wanted - there))
    for statement, frame in ((_KEEP, rows), (_FORGET, gone)):
        if not frame.is_empty():
            cursor.execute(statement, _digest_arguments(target, frame, folded))


_KEEP = """
    INSERT INTO ops.digests AS old (table_name, subject, scope_date, slice, sha256, row_count, ingest_time)
    SELECT %(table)s, subject, scope_date, slice, sha256, row_count, folded_time
    FROM unnest(%(subject)s::text[], %(scope_date)s::date[], %(slice)s::text[], %(sha256)s::text[],
                %(row_count)s::bigint[], %(folded_time)s::timestamptz[])
         AS new (subject, scope_date, slice, sha256, row_count, folded_time)
    ON CONFLICT (table_name, subject, scope_date, slice) DO UPDATE
    SET sha256 = excluded.sha256, row_count = excluded.row_count,
        ingest_time = greatest(old.ingest_time, excluded.ingest_time)
"""


_FORGET = """
    DELETE FROM ops.digests AS old
    USING unnest(%(subject)s::text[], %(scope_date)s::date[], %(slice)s::text[]) AS gone (subject, scope_date, slice)
    WHERE old.table_name = %(table)s AND old.subject = gone.subject AND old.scope_date = gone.scope_date
    AND old.slice = gone.slice
"""


def _digest_arguments(
    target: Table, frame: pl.DataFrame, folded: Mapping[tuple[str, date, str], datetime]
) -> dict[str, object]:
    columns = {name: frame.get_column(name).to_list() for name in frame.columns}
    scopes = zip(*(columns[name] for name in SCOPE), strict=True)
    times = [folded.get(scope, NO_PAYLOAD) for scope in scopes]
    return {"table": target.address, "folded_time": times, **columns}


def latest_times(target: Table, observations: pl.DataFrame) -> dict[tuple[str, date, str], datetime]:
    """Return the receive time of each scope's youngest observation."""
    names = [name for name in (target.digest_subject, target.digest_date, *target.digest_slice) if name]
    latest = observations.group_by(names).agg(pl.col("ingest_time").max())
    return times_by_scope(latest.select(*scope_expressions(target), "ingest_time"))


def times_by_scope(scopes: pl.DataFrame) -> dict[tuple[str, date, str], datetime]:
    return {(row[0], row[1], row[2]): row[3] for row in scopes.select(*SCOPE, "ingest_time").iter_rows()}


def spread(cursor: Cursor, target: Table, changed: pl.DataFrame) -> None:
    """Mark the objects of the lake and the assets downstream of changed scopes."""
    if changed.is_empty():
        return
    pairs = scope_pairs(changed)
    due.mark_downstream(cursor, target.address, sorted(pairs))
    partitions = sorted({lake_partition(target, day) for _, day in pairs})
    if target.lake_partition is not LakePartition.NONE:
        cursor.execute(
            "INSERT INTO ops.lake_dirty (table_name, partition, mark_id) "
            "SELECT %s, name, pg_current_xact_id()::text::bigint FROM unnest(%s::text[]) AS names (name) "
            "ON CONFLICT (table_name, partition) DO UPDATE SET mark_id = excluded.mark_id",
            [target.address, partitions],
        )


def lake_partition(target: Table, day: date) -> str:
    """Return the name of the lake's partition that a scope date lies in."""
    if target.lake_partition is LakePartition.SESSION:
        return day.isoformat()
    if target.lake_partition is LakePartition.MONTH:
        return f"{day:%Y-%m}"
    return "all"
