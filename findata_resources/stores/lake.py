"""The lake: Parquet objects published from the database, which stays the truth.

A publisher reads the rows of a marked partition, puts the object on condition that nobody else has put
it meanwhile, and clears the mark if it is still the one that was read. Whoever is killed between
commit and publishing leaves the mark; any later run drains it.

Where a month or year has been merged into one object, that object is what a publisher replaces: publishers of
a table hold its lock together, and whoever merges (compaction) holds it alone for the moment of the change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
from psycopg import sql

from findata_core.errors import NotEqual, StoreError
from findata_core.schema.tables import LakePartition, Table, table
from findata_resources.environment import Endpoints
from findata_resources.stores import compaction
from findata_resources.stores.lake_files import (
    merged_parquet,
    parquet,
    rows_in,
    rows_of_subjects,
    subjects_in,
)
from findata_resources.stores.lake_layout import (
    PARQUET,
    READY,
    LakeObject,
    current,
    object_key,
    partition_dates,
    partition_in,
    wider,
)
from findata_resources.stores.objects import Objects
from findata_resources.stores.timescale import TimescaleStore
from findata_resources.tracing import span

if TYPE_CHECKING:
    from dagster_aws.s3 import S3Resource

ATTEMPTS = 10  # puts that may lose against another publisher before it is an error

Marks = list[tuple[str, int]]  # partition, mark_id


class Lake:
    """Publishes tables to S3 and reads them back.

    `s3` makes dagster-aws's resource, which the bucket's own questions (listings) go to; bytes go through
    obstore. It is a function because importing boto3 costs more than most commands.
    """

    def __init__(self, objects: Objects, s3: Callable[[], S3Resource], bucket: str) -> None:
        self._objects = objects
        self._s3 = s3
        self._bucket = bucket
        self._client: Any = None  # made once: it takes a third of a second

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self._bucket

    def client(self) -> Any:
        """Return boto3's client of the bucket's server."""
        self._client = self._client or self._s3().get_client()
        return self._client

    def publish(self, store: TimescaleStore, address: str | None = None) -> int:
        """Publish every marked object (of one table, or of all); return how many marks were answered."""
        marks = _marks(store, address)
        for (name,), of_table in marks.group_by(["table_name"], maintain_order=True):
            source = table(str(name))
            self._publish_table(store, source, list(of_table.drop("table_name").iter_rows()))
        return marks.height

    def read(self, source: Table, partition: str) -> pl.DataFrame | None:
        """Return the rows of an object, None if there is none; NotEqual if they are not a table's rows."""
        for ending in (PARQUET, READY):
            key = object_key(source, partition, ending)
            if self._objects.version(key) is not None:
                return rows_in(source, key, self._objects.get(key))
        return None

    def unmoved(self, store: TimescaleStore, source: Table) -> AbstractContextManager[None]:
        """Keep the objects of a table from being merged while they are read; publishers go on."""
        return store.database.lock(compaction.lock_name(source), is_shared=True)

    def partitions(self, source: Table) -> list[str]:
        """Return the partitions of a table that have an object which speaks, sorted."""
        return [item.partition for item in current(self.objects_of(source))]

    def objects_of(self, source: Table) -> list[LakeObject]:
        """Return all objects of a table, those that wider ones have made void too."""
        prefix = f"{source.schema}/{source.name}/"
        return [
            LakeObject(item["Key"], partition, item["Size"], item["ETag"])
            for item in self.listed(prefix)
            if (partition := partition_in(item["Key"])) is not None
        ]

    def listed(self, prefix: str) -> Iterator[dict[str, Any]]:
        """Yield what S3 lists below a prefix: Key, Size, ETag, LastModified."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            pages = (
                self.client().get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            )
            for page in pages:
                yield from page.get("Contents", [])
        except (BotoCoreError, ClientError) as error:
            raise StoreError(
                f"S3 did not list {prefix} of the bucket {self._bucket}: {error}",
                "See findata status; if the S3 server is down, findata up; look at the keys with findata config",
            ) from error

    def compact(self, store: TimescaleStore, source: Table, partition: str) -> compaction.Compacted:
        """Merge the objects of a month or year into one; what an interrupted merge has left is finished."""
        return compaction.compact(self._objects, lambda: self.objects_of(source), store, source, partition)

    def _publish_table(self, store: TimescaleStore, source: Table, marks: Marks) -> None:
        """Publish the marks of a table; a merge that was interrupted is finished first."""
        if source.lake_partition is LakePartition.WHOLE:
            for mark in marks:
                self._publish_one(store, source, mark[0], [mark])
            return
        for _ in range(ATTEMPTS):
            with store.database.lock(compaction.lock_name(source), is_shared=True):
                holders, unfinished = self._holders(source, [partition for partition, _ in marks])
                if not unfinished:
                    for holder in sorted(set(holders.values())):
                        mine = [mark for mark in marks if holders[mark[0]] == holder]
                        self._publish_one(store, source, holder, mine)
                    return
            for partition in sorted(unfinished):
                compaction.finish(self._objects, lambda: self.objects_of(source), store, source, partition)
        raise StoreError(f"Merges of {source.address} are interrupted again and again", "Run it again later")

    def _holders(self, source: Table, partitions: list[str]) -> tuple[dict[str, str], set[str]]:
        """Return which object holds each partition's dates, and wide ones whose merge was interrupted."""
        wide = sorted({name for partition in partitions for name in wider(partition)})
        there = {name for name in wide if self._objects.version(object_key(source, name)) is not None}
        ready = {name for name in wide if self._objects.version(object_key(source, name, READY)) is not None}
        holders = {
            partition: next((name for name in wider(partition) if name in there), partition)
            for partition in partitions
        }
        return holders, ready

    def _publish_one(self, store: TimescaleStore, source: Table, holder: str, marks: Marks) -> None:
        key = object_key(source, holder)
        with span("publish", key=key):
            for _ in range(ATTEMPTS):
                version = self._objects.version(key)
                body = self.rewritten(store, source, holder, [partition for partition, _ in marks])
                if self._objects.replace(key, body, version):
                    _clear_marks(store, source, marks)
                    return
        raise StoreError(f"{key} is being published by someone else again and again", "Run it again later")

    def rewritten(self, store: TimescaleStore, source: Table, holder: str, marked: list[str]) -> bytes:
        """Return an object as it should be: the rows of marked partitions from the database, others as they are."""
        if marked == [holder]:
            return parquet(store.read(source, *partition_dates(source, holder)))
        key = object_key(source, holder)
        try:
            return _rewritten(store, source, key, self._objects.get(key), marked)
        except NotEqual:
            return _made_again(store, source, holder)


def _rewritten(store: TimescaleStore, source: Table, key: str, body: bytes, marked: list[str]) -> bytes:
    """Return a merged object with the rows of some partitions taken from the database."""
    spans = [_span(source, partition) for partition in marked]
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    day = pl.col(source.digest_date)
    is_marked = pl.any_horizontal(day.is_between(start, end, closed="left") for start, end in spans)
    where = sql.SQL("({})").format(sql.SQL(" OR ").join([_between(source, *span) for span in spans]))
    counts = subjects_in(source, {key: body})
    for subject, rows in _rows_by_subject(store, source, first, last).items():
        counts[subject] = counts.get(subject, 0) + rows

    def rows_of(subjects: list[str]) -> pl.DataFrame:
        kept = rows_of_subjects(source, {key: body}, subjects).filter(~is_marked)
        fresh = store.read(source, first, last, subjects, where)
        return pl.concat([kept, fresh]).sort(source.business_key)

    return merged_parquet(source, counts, rows_of, {})


def _made_again(store: TimescaleStore, source: Table, holder: str) -> bytes:
    """Return a merged object made from the database alone: what was there can't be read."""
    first, last = _span(source, holder)
    counts = _rows_by_subject(store, source, first, last)
    return merged_parquet(source, counts, lambda subjects: store.read(source, first, last, subjects), {})


def _span(source: Table, partition: str) -> tuple[date, date]:
    first, last = partition_dates(source, partition)
    assert first is not None
    assert last is not None
    return first, last


def _rows_by_subject(store: TimescaleStore, source: Table, first: date, last: date) -> dict[str, int]:
    query = sql.SQL(
        "SELECT subject, sum(row_count)::bigint FROM ops.digests WHERE table_name = {} "
        "AND scope_date >= {}::date AND scope_date < {}::date GROUP BY 1"
    ).format(sql.Literal(source.address), sql.Literal(str(first)), sql.Literal(str(last)))
    return dict(store.database.frame(query).iter_rows())


def _between(source: Table, first: date, last: date) -> sql.Composed:
    return sql.SQL("({0} >= {1}::date AND {0} < {2}::date)").format(
        sql.Identifier(source.digest_date), sql.Literal(str(first)), sql.Literal(str(last))
    )


def s3_resource(endpoints: Endpoints) -> S3Resource:
    """Return dagster-aws's resource for the endpoints' S3."""
    from dagster_aws.s3 import S3Resource

    return S3Resource(
        endpoint_url=endpoints.s3_endpoint,
        aws_access_key_id=endpoints.s3_access_key,
        aws_secret_access_key=endpoints.s3_secret_key,
        region_name=endpoints.s3_region,
    )


def _marks(store: TimescaleStore, address: str | None) -> pl.DataFrame:
    condition = sql.SQL("WHERE table_name = {}").format(sql.Literal(address)) if address else sql.SQL("")
    return store.database.frame(
        sql.SQL("SELECT table_name, partition, mark_id FROM ops.lake_dirty {} ORDER BY 1, 2").format(
            condition
        )
    )


def _clear_marks(store: TimescaleStore, source: Table, marks: Marks) -> None:
    with store.database.transaction() as cursor:
        cursor.execute(
            "DELETE FROM ops.lake_dirty AS mark USING unnest(%s::text[], %s::bigint[]) AS seen (partition, mark_id) "
            "WHERE mark.table_name = %s AND mark.partition = seen.partition AND mark.mark_id = seen.mark_id",
            [[partition for partition, _ in marks], [mark_id for _, mark_id in marks], source.address],
        )
