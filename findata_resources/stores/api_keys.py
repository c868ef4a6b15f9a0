"""The book of API keys: rows of `ops.api_keys` as plain data and back.

What belongs here: reading and writing. What does not: making keys and proving them (findata_serving.auth.keys); a key's
secret never comes here, only its hash.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any

from psycopg import sql

from findata_core.schema.tables import table
from findata_resources.stores.database import Database, columns_of, name_of

API_KEYS = table("ops.api_keys")


@dataclass(frozen=True)
class ApiKey:
    """A row of the book."""

    key_id: str
    name: str
    secret_sha256: str = field(repr=False)
    scopes: tuple[str, ...]
    created_time: datetime
    created_by: str
    expires_time: datetime | None = None
    revoked_time: datetime | None = None
    revoked_by: str | None = None
    last_used_date: date | None = None

    def state(self, now: datetime) -> str:
        """Return "revoked", "expired" or "good"."""
        if self.revoked_time is not None:
            return "revoked"
        return "expired" if self.expires_time is not None and self.expires_time <= now else "good"


def listed(database: Database) -> list[ApiKey]:
    """Return all keys, the oldest first."""
    query = sql.SQL("SELECT {} FROM {} ORDER BY created_time, key_id").format(
        columns_of(API_KEYS), name_of(API_KEYS)
    )
    with database.transaction() as cursor:
        return [_key(row) for row in cursor.execute(query).fetchall()]


def add(database: Database, key: ApiKey) -> None:
    """Enter a key."""
    places = sql.SQL(", ").join([sql.Placeholder()] * len(API_KEYS.columns))
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        name_of(API_KEYS), columns_of(API_KEYS), places
    )
    values = [getattr(key, name) for name in API_KEYS.column_names]
    with database.transaction() as cursor:
        cursor.execute(statement, [list(item) if isinstance(item, tuple) else item for item in values])


def revoke(database: Database, key_id: str, now: datetime, operator: str) -> ApiKey | None:
    """Revoke a key, once: a second time changes nothing. Return it; None where there is none."""
    statement = sql.SQL(
        "UPDATE {} SET revoked_time = %s, revoked_by = %s WHERE key_id = %s AND revoked_time IS NULL"
    ).format(name_of(API_KEYS))
    with database.transaction() as cursor:
        cursor.execute(statement, [now, operator, key_id])
    return next((key for key in listed(database) if key.key_id == key_id), None)


def note_used(database: Database, key_ids: Iterable[str], day: date) -> None:
    """Write down that keys were used on a day."""
    statement = sql.SQL(
        "UPDATE {} SET last_used_date = %s WHERE key_id = ANY(%s) AND last_used_date IS DISTINCT FROM %s"
    ).format(name_of(API_KEYS))
    with database.transaction() as cursor:
        cursor.execute(statement, [day, list(key_ids), day])


def _key(row: tuple[Any, ...]) -> ApiKey:
    values = dict(zip(API_KEYS.column_names, row, strict=True))
    return ApiKey(
        **{item.name: values[item.name] for item in fields(ApiKey)} | {"scopes": tuple(values["scopes"])}
    )
