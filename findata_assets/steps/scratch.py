"""Everything made again from the receipts on S3, in a scratch database of its own.

The scratch database lies on the same server and is dropped afterwards; what readers see is not touched.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from psycopg import sql

from findata_assets.steps.completing import BATCH, MALFORMED, PARSER_FAILED
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import NoLake, Platform
from findata_assets.steps.receiving import register_all
from findata_assets.steps.sources import REFERENCE_DATASETS
from findata_core.errors import NotEqual, ParserFailed, StoreError
from findata_resources.migrations.migrate import migrate
from findata_resources.providers.decisions import DATASET as DECISIONS
from findata_resources.stores.database import literal_list
from findata_resources.stores.raw import Payload, payload_id_in
from findata_resources.stores.timescale import TimescaleStore

Progress = Callable[[str], None]


@dataclass
class Replayed:
    """A platform on the scratch database, and the payloads that do not say any more what they said.

    `damaged`: bodies that are not what was received, or on which a parser fails that once read them. `read_before`: the
    ids of those that the books say were read.
    """

    platform: Platform
    read_before: frozenset[int] = frozenset()
    damaged: list[tuple[Payload, str]] = field(default_factory=list)


@contextmanager
def replayed(platform: Platform, progress: Progress, wanted: set[int] | None = None) -> Iterator[Replayed]:
    """Yield a platform whose tables were made from the receipts alone (`wanted`: payload ids; None: of all).

    Payloads that the books know and that have no receipt are damaged too: without them nothing is proven.
    """
    booked = _booked(platform)
    with scratch_database(platform.store.database.url) as url:
        store = TimescaleStore(url)
        scratch = replace(platform, store=store, lake=NoLake(), _sessions={})
        result = Replayed(scratch, frozenset(booked - _unread(platform)))
        try:
            migrate(url)
            _replay(result, progress, wanted, booked)
            yield result
        finally:
            store.close()


def _booked(platform: Platform) -> set[int]:
    query = sql.SQL("SELECT payload_id FROM ops.payloads")
    return set(platform.store.database.frame(query).get_column("payload_id"))


def _unread(platform: Platform) -> set[int]:
    """Return the payloads that could not be read when they were received."""
    rules = literal_list([MALFORMED, PARSER_FAILED], "text")
    query = sql.SQL("SELECT DISTINCT payload_id FROM ops.quarantine WHERE rule = ANY({})").format(rules)
    return set(platform.store.database.frame(query).get_column("payload_id"))


def _replay(result: Replayed, progress: Progress, wanted: set[int] | None, booked: set[int]) -> None:
    payloads = _receipts(result, wanted, booked)
    # Decisions are taken as they were, never made again: what was held stays out from the start.
    decisions = [item for item in payloads if item["dataset"] == DECISIONS]
    reference = decisions + [item for item in payloads if item["dataset"] in REFERENCE_DATASETS]
    chosen = [item for item in payloads if item["dataset"] not in (*REFERENCE_DATASETS, DECISIONS)]
    entered = 0
    for group in (reference, chosen):
        for first in range(0, len(group), BATCH):
            batch = group[first : first + BATCH]
            entered += len(batch)
            last = batch[-1]
            progress(f"payload {entered} of {len(payloads)}: {last['source']} {last['dataset']}")
            _register(result, batch)
        progress("folding")
        run_due(result.platform)


def _register(result: Replayed, payloads: Sequence[Payload]) -> None:
    """Enter payloads together; where one of them is damaged, one by one, so that the others are entered."""
    is_new = len(payloads) == 1 and payloads[0]["payload_id"] not in result.read_before
    try:
        register_all(result.platform, payloads, is_new=is_new)
    except (NotEqual, StoreError, ParserFailed) as error:
        if len(payloads) == 1:
            result.damaged.append((payloads[0], str(error)))
            return
        for payload in payloads:
            _register(result, [payload])


def _receipts(result: Replayed, wanted: set[int] | None, booked: set[int]) -> list[Payload]:
    """Return the receipts of the wanted payloads; those that are altered or missing are noted as damaged."""
    raw, payloads = result.platform.raw, []
    missing = booked if wanted is None else booked & wanted
    for key in raw.receipts():
        payload_id = payload_id_in(key)
        if wanted is not None and payload_id not in wanted:
            continue
        missing = missing - {payload_id}
        try:
            payloads.append(raw.read_receipt(key))
        except NotEqual as error:
            result.damaged.append(({"payload_id": payload_id}, str(error)))
    result.damaged += [
        ({"payload_id": item}, "its receipt is not on S3 any more") for item in sorted(missing)
    ]
    return payloads


@contextmanager
def scratch_database(database_url: str) -> Iterator[str]:
    """Yield the URL of a new empty database on the same server; it is dropped at the end."""
    name = f"findata_scratch_{uuid4().hex[:12]}"
    try:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.Error as error:
        raise StoreError(
            f"No scratch database can be made: {str(error).strip().splitlines()[0]}",
            "Give the database user the right: ALTER ROLE ... CREATEDB",
        ) from error
    try:
        yield urlunsplit(urlsplit(database_url)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )
