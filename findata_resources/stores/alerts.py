"""The book of alerts: rows of `ops.alerts` as plain data and back. Who writes holds its lock, so nobody is told twice.

What belongs here: reading and writing. What does not: what is told when (findata_core.alerts.ledger).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import asdict, fields
from typing import Any

import polars as pl
from psycopg import sql

from findata_core.alerts.ledger import Alert, Alerts
from findata_core.schema.frames import conform, polars_schema
from findata_core.schema.tables import table
from findata_resources.stores.database import Database, upsert

ALERTS = table("ops.alerts")
LISTS = ("scopes", "run_ids", "told_times")


def lock(database: Database) -> AbstractContextManager[None]:
    """Hold the book: one process at a time takes in runs and tells of them."""
    return database.lock(ALERTS.address)


def known(database: Database) -> Alerts:
    """Return all alerts, by cause and sink."""
    names = sql.SQL(", ").join(sql.Identifier(item.name) for item in fields(Alert))
    rows = database.frame(sql.SQL("SELECT {} FROM ops.alerts ORDER BY alert_id, sink").format(names))
    found = (_alert(row) for row in rows.iter_rows(named=True))
    return {(alert.alert_id, alert.sink): alert for alert in found}


def write(database: Database, alerts: Iterable[Alert]) -> int:
    """Write alerts; return how many have changed."""
    rows = [asdict(alert) for alert in alerts]
    if not rows:
        return 0
    frame = conform(pl.DataFrame(rows, schema=polars_schema(ALERTS)), ALERTS)
    with database.transaction() as cursor:
        return upsert(cursor, ALERTS, frame)


def _alert(row: dict[str, Any]) -> Alert:
    return Alert(**{**row, **{name: tuple(row[name]) for name in LISTS}})
