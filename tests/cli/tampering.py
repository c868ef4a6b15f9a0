"""Changes behind findata's back: a byte on S3, a row in the lake, a cell in the database."""

from __future__ import annotations

import io
from typing import LiteralString

import polars as pl

from findata_assets.steps.platform import Platform
from findata_core.schema.tables import table
from findata_resources.environment import resolve_endpoints
from findata_resources.stores.lake_files import parquet
from findata_resources.stores.lake_layout import object_key
from findata_resources.stores.objects import Objects


def objects_of(platform: Platform) -> Objects:
    """The objects of a platform's bucket."""
    return Objects(resolve_endpoints(platform.settings))


def overwrite(platform: Platform, key: str, body: bytes) -> bytes:
    """Put other bytes under a key; return those that were there, b"" where there were none."""
    objects = objects_of(platform)
    version = objects.version(key)
    before = objects.get(key) if version else b""
    assert objects.replace(key, body, version)
    return before


def change_a_byte(platform: Platform, key: str) -> bytes:
    """Change one digit in the middle of an object; return the bytes that were there."""
    body = bytearray(objects_of(platform).get(key))
    place = next(at for at in range(len(body) // 2, len(body)) if chr(body[at]).isdigit())
    body[place] = ord("1") if body[place] != ord("1") else ord("2")
    return overwrite(platform, key, bytes(body))


def change_lake(platform: Platform, address: str, partition: str, changes: dict[str, pl.Expr]) -> None:
    """Rewrite an object of the lake with changed columns."""
    key = object_key(table(address), partition)
    rows = pl.read_parquet(io.BytesIO(objects_of(platform).get(key)))
    overwrite(platform, key, parquet(rows.with_columns(**changes)))


def change_database(platform: Platform, statement: LiteralString) -> None:
    """Change exactly one row of the database, as an administrator could."""
    with platform.store.database.transaction() as cursor:
        cursor.execute(statement)
        assert cursor.rowcount == 1


def payload_key(platform: Platform, file: str) -> str:
    """The key of the body of a recorded file."""
    from psycopg import sql

    query = sql.SQL("SELECT object_key FROM ops.payloads WHERE request #>> '{{parameters,file}}' = {}")
    return str(platform.store.database.frame(query.format(sql.Literal(file))).item())
