"""The lake: Parquet objects published from the database, which stays the truth.

A publisher reads the rows of a marked partition, puts the object on condition that nobody else has put
it meanwhile, and clears the mark if it is still the one that was read. Whoever is killed between
commit and publishing leaves the mark; any later run drains it.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
from psycopg import sql

from findata_core.errors import DataError, NotEqual, StoreError
from findata_core.schema.frames import conform
from findata_core.schema.tables import LakePartition, Table, table, tables
from findata_resources.environment import Endpoints
from findata_resources.stores.objects import Objects
from findata_resources.stores.timescale import TimescaleStore

if TYPE_CHECKING:
    from dagster_aws.s3 import S3Resource

ROW_GROUP_ROWS = 3_900  # about ten instruments of a session: a reader of one instrument skips the others
ATTEMPTS = 10  # puts that may lose against another publisher before it is an error


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

    def publish(self, store: TimescaleStore, address: str | None = None) -> int:
        """Publish every marked object (of one table, or of all); return how many were put."""
        marks = _marks(store, address)
        for name, partition, mark_id in marks.iter_rows():
            self._publish_one(store, table(name), partition, mark_id)
        return marks.height

    def read(self, source: Table, partition: str) -> pl.DataFrame | None:
        """Return the rows of an object, None if there is none; NotEqual if they are not a table's rows."""
        key = object_key(source, partition)
        if self._objects.version(key) is None:
            return None
        try:
            return conform(pl.read_parquet(io.BytesIO(self._objects.get(key))), source)
        except (pl.exceptions.PolarsError, DataError) as error:
            raise NotEqual(
                f"The object {key} is not the table's Parquet: {error}", "Run findata rebuild"
            ) from error

    def partitions(self, source: Table) -> list[str]:
        """Return the partitions of a table that have an object, sorted."""
        keys = self._keys(f"{source.schema}/{source.name}/")
        return sorted(key.rsplit("=", 1)[-1].removesuffix(".parquet") for key in keys)

    def _keys(self, prefix: str) -> list[str]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client = self._client or self._s3().get_client()
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return [item["Key"] for page in pages for item in page.get("Contents", [])]
        except (BotoCoreError, ClientError) as error:
            raise StoreError(
                f"S3 did not list {prefix} of the bucket {self._bucket}: {error}",
                "See findata status; if the S3 server is down, findata up; look at the keys with findata config",
            ) from error

    def _publish_one(self, store: TimescaleStore, source: Table, partition: str, mark_id: int) -> None:
        key = object_key(source, partition)
        for _ in range(ATTEMPTS):
            version = self._objects.version(key)
            rows = store.read(source, *partition_dates(source, partition))
            if self._objects.replace(key, parquet(rows), version):
                _clear_mark(store, source, partition, mark_id)
                return
        raise StoreError(f"{key} is being published by someone else again and again", "Run it again later")


def s3_resource(endpoints: Endpoints) -> S3Resource:
    """Return dagster-aws's resource for the endpoints' S3."""
    from dagster_aws.s3 import S3Resource

    return S3Resource(
        endpoint_url=endpoints.s3_endpoint,
        aws_access_key_id=endpoints.s3_access_key,
        aws_secret_access_key=endpoints.s3_secret_key,
        region_name=endpoints.s3_region,
    )


def object_key(source: Table, partition: str) -> str:
    """Return the key of a partition's object: `market/bars/session=2022-05-19.parquet`."""
    return f"{source.schema}/{source.name}/{source.lake_partition}={partition}.parquet"


def partition_dates(source: Table, partition: str) -> tuple[date | None, date | None]:
    """Return the scope dates [start, end) of a partition; (None, None) for the whole table."""
    if source.lake_partition is LakePartition.SESSION:
        day = date.fromisoformat(partition)
        return day, date.fromordinal(day.toordinal() + 1)
    if source.lake_partition is LakePartition.MONTH:
        first = date.fromisoformat(f"{partition}-01")
        return first, date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return None, None


def parquet(rows: pl.DataFrame) -> bytes:
    """Return the rows as Parquet, row groups small enough to be skipped by instrument."""
    buffer = io.BytesIO()
    rows.write_parquet(buffer, compression="zstd", compression_level=1, row_group_size=ROW_GROUP_ROWS)
    return buffer.getvalue()


def published_tables() -> list[Table]:
    """Return the tables that have objects in the lake, sorted by address."""
    return [item for item in tables() if item.lake_partition is not LakePartition.NONE]


def _marks(store: TimescaleStore, address: str | None) -> pl.DataFrame:
    condition = sql.SQL("WHERE table_name = {}").format(sql.Literal(address)) if address else sql.SQL("")
    return store.database.frame(
        sql.SQL("SELECT table_name, partition, mark_id FROM ops.lake_dirty {} ORDER BY 1, 2").format(
            condition
        )
    )


def _clear_mark(store: TimescaleStore, source: Table, partition: str, mark_id: int) -> None:
    with store.database.transaction() as cursor:
        cursor.execute(
            "DELETE FROM ops.lake_dirty WHERE table_name = %s AND partition = %s AND mark_id = %s",
            [source.address, partition, mark_id],
        )
