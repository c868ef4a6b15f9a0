"""What is killed: a process that migrates, loads a recorded folder and runs all that is due.

`load` runs in a process of its own (forkserver). With a `point` it ends itself there, as by a power cut.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

import adbc_driver_postgresql.dbapi  # noqa: F401  (the heavy libraries before the fork: kills fall into the work)
from psycopg import sql

import findata_core.calendar_library
import findata_core.schema.validation  # noqa: F401
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import open_platform
from findata_assets.steps.sources import load_recorded, refresh_reference
from findata_resources.environment import adopt_environment, load_settings, resolve_endpoints
from findata_resources.migrations.migrate import migrate
from findata_resources.provider import Received
from findata_resources.stores import lake
from findata_resources.stores.raw import Payload, RawStore
from findata_resources.stores.timescale import TimescaleStore

POWER_CUT = 86  # the exit status that says: it ended at its point


def load(variables: Mapping[str, str], folder: str, point: str) -> None:
    """Do everything, unless something ends it."""
    adopt_environment(variables)
    if point:
        POINTS[point]()
    settings = load_settings(_env_file=None)
    migrate(resolve_endpoints(settings).database_url)
    platform = open_platform(settings)
    refresh_reference(platform)
    for dataset in ("bars", "rates"):
        load_recorded(platform, Path(folder), None, dataset)
    run_due(platform)
    platform.close()


def _end(*_: object, **__: object) -> NoReturn:
    os._exit(POWER_CUT)


def _before_publishing(address: str) -> None:
    """End after the commit of a table, before anything of it is in the lake."""
    publish = lake.Lake.publish

    def ending(self: lake.Lake, store: TimescaleStore, wanted: str | None = None) -> int:
        marked = store.database.frame(sql.SQL("SELECT table_name FROM ops.lake_dirty"))
        if wanted == address and address in marked.get_column("table_name"):
            _end()
        return publish(self, store, wanted)

    setattr(lake.Lake, "publish", ending)  # noqa: B010  (a method is replaced)


def _before_the_mark_is_cleared() -> None:
    setattr(lake, "_clear_marks", _end)  # noqa: B010


def _after_the_body_is_put() -> None:
    """End with a payload on S3 that the database does not know."""
    put = RawStore.put

    def ending(self: RawStore, received: Received) -> Payload:
        payload = put(self, received)
        if payload["dataset"] == "bars":
            _end()
        return payload

    setattr(RawStore, "put", ending)  # noqa: B010


def _after_registering() -> None:
    """End when all payloads are in the books and nothing of them is folded."""
    globals()["run_due"] = _end


POINTS: Mapping[str, Callable[[], None]] = {
    "bars committed, not published": lambda: _before_publishing("market.bars"),
    "candles committed, not published": lambda: _before_publishing("market.candles"),
    "rates committed, not published": lambda: _before_publishing("rates.rates"),
    "object put, mark not cleared": _before_the_mark_is_cleared,
    "body put, not registered": _after_the_body_is_put,
    "registered, not folded": _after_registering,
}

__all__ = ["POINTS", "POWER_CUT", "load"]
