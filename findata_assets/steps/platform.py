"""What a step works with: the stores, the settings, the clock; made once at the composition root."""

import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, Protocol

import polars as pl
from psycopg import sql

from findata_assets.steps.kept import Kept
from findata_assets.steps.parsed import ParsedPayloads
from findata_core.schema.tables import Table, table
from findata_resources import tracing
from findata_resources.environment import Clock, Endpoints, Settings, SystemClock, resolve_endpoints
from findata_resources.stores import holds
from findata_resources.stores.database import literal_list
from findata_resources.stores.lake import Lake, s3_resource
from findata_resources.stores.objects import Objects
from findata_resources.stores.pages import Pages
from findata_resources.stores.raw import Payload, RawStore
from findata_resources.stores.timescale import TimescaleStore

ROOM_ROWS = 100_000  # of completed bars, some 20 MB: a session of 200 instruments


class PublishedTables(Protocol):
    """What steps ask of the lake."""

    def publish(self, store: TimescaleStore, address: str | None = None) -> int:
        """Publish what is marked; return how many objects were put."""
        ...

    def unmoved(self, store: TimescaleStore, source: Table) -> AbstractContextManager[None]:
        """Keep the objects of a table from being merged while they are read."""
        ...

    def partitions(self, source: Table) -> list[str]:
        """Return the partitions of a table that have an object, sorted."""
        ...

    def read(self, source: Table, partition: str) -> pl.DataFrame | None:
        """Return the rows of an object; None if there is none."""
        ...


class NoLake:
    """For scratch databases: nothing is published from them."""

    def publish(self, store: TimescaleStore, address: str | None = None) -> int:
        """Publish nothing."""
        del store, address
        return 0

    def unmoved(self, store: TimescaleStore, source: Table) -> AbstractContextManager[None]:
        """There are no objects."""
        del store, source
        return nullcontext()

    def partitions(self, source: Table) -> list[str]:
        """There are no objects."""
        del source
        return []

    def read(self, source: Table, partition: str) -> pl.DataFrame | None:
        """There are no objects."""
        del source, partition
        return None


@dataclass
class Platform:
    """The outside world as the steps see it."""

    settings: Settings
    store: TimescaleStore
    raw: RawStore
    lake: PublishedTables
    clock: Clock = field(default_factory=SystemClock)
    sleep: Callable[[float], None] = time.sleep  # seconds; beside the clock, so that tests wait for nothing
    random: Callable[[], float] = random.random  # a number of [0, 1)
    pages: Pages | None = None  # where reports are put; a platform of a scratch database has none
    parsed: ParsedPayloads = field(init=False, repr=False)
    # What payloads say with the sessions it lies in: made when they are received, used when they are folded.
    completed: Kept[Any] = field(init=False, repr=False)
    _sessions: dict[frozenset[str], pl.DataFrame] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Keep what payloads say beside the store that they are read from."""
        self.parsed = ParsedPayloads(self._body)
        self.completed = Kept(ROOM_ROWS)

    def sessions(self, mics: set[str]) -> pl.DataFrame:
        """Return the exchange sessions of some exchanges, in the shape of reference.sessions.

        They are kept until forget_sessions(): a run asks for the same calendars for every session.
        """
        key = frozenset(mics)
        if key not in self._sessions:
            where = sql.SQL("mic = ANY({})").format(literal_list(sorted(mics), "text"))
            self._sessions[key] = self.store.read(table("reference.sessions"), where=where)
        return self._sessions[key]

    def read(
        self,
        address: str,
        start: date | None = None,
        end: date | None = None,
        subjects: pl.Series | None = None,
        interval: str | None = None,
        *,
        are_few: bool = False,
    ) -> pl.DataFrame:
        """Return stored rows with scope dates in [start, end) of some subjects and one interval (default: all).

        `are_few`: the caller knows of some dozens at most, which come a quicker way.
        """
        where = sql.SQL("interval = {}").format(sql.Literal(interval)) if interval else None
        return self.store.read(table(address), start, end, subjects, where, are_few=are_few)

    def closed(self, address: str) -> pl.DataFrame:
        """Return the closed versions of a table of facts, with superseded_time."""
        return self.store.read(table(address).history())

    def forget_sessions(self) -> None:
        """Read sessions again when they are next needed: they have changed, and with them what lies in them."""
        self._sessions.clear()
        self.completed.forget()

    def sessions_of(self, instrument_ids: pl.Series) -> pl.DataFrame:
        """Return the sessions of the exchanges that some instruments trade on."""
        return self.sessions({mic_of(instrument_id) for instrument_id in instrument_ids.unique()})

    def released(self, instrument_ids: pl.Series) -> pl.DataFrame:
        """Return what was held at first of instruments' prices and then released, in RELEASED_SCHEMA."""
        return holds.released(self.store.database, instrument_ids.unique().to_list())

    def _body(self, payload: Payload) -> bytes:
        return self.raw.body(payload)

    def close(self) -> None:
        """Close all connections."""
        self.store.close()


def mic_of(instrument_id: str) -> str:
    """Return the exchange of an instrument: what follows the last full stop of its id."""
    return instrument_id.rpartition(".")[2]


def open_platform(settings: Settings, clock: Clock | None = None) -> Platform:
    """Connect to what the settings name, or to the running embedded servers."""
    return platform_at(settings, resolve_endpoints(settings), clock)


def platform_at(settings: Settings, endpoints: Endpoints, clock: Clock | None = None) -> Platform:
    """Connect to these endpoints; connections open when they are first used."""
    tracing.begin(settings)
    objects = Objects(endpoints)
    return Platform(
        settings,
        TimescaleStore(endpoints.database_url),
        RawStore(objects),
        Lake(objects, partial(s3_resource, endpoints), endpoints.s3_bucket),
        clock or SystemClock(),
        pages=Pages(objects, endpoints.s3_bucket),
    )
