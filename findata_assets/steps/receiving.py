"""Taking in an answer: body and receipt to S3, then the books, then what it makes due.

The body is on S3 before the transaction: a kill between the two leaves an object that the next try
finds in place. A receipt that is known already changes nothing.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import LiteralString

import polars as pl
from psycopg import sql

from findata_assets.steps.completing import BATCH, complete_payloads
from findata_assets.steps.entries import RESCALES, SCOPE, Entries, Intake, entries_of, spoken_of
from findata_assets.steps.facts import payloads_by_id
from findata_assets.steps.platform import Platform
from findata_core.schema.tables import table
from findata_resources.provider import Received
from findata_resources.stores import due, holds, ledger
from findata_resources.stores.database import Cursor, literal_list, upsert
from findata_resources.stores.raw import Payload

_SAID_BEFORE: LiteralString = """
    WITH released AS ({})
    SELECT new.* FROM unnest(%s::text[], %s::text[], %s::date[], %s::bigint[])
    AS new (table_name, subject, scope_date, payload_id)
    JOIN ops.payload_scopes AS said USING (table_name, subject, scope_date, payload_id)
    LEFT JOIN released AS mine USING (payload_id)
    JOIN LATERAL (
        SELECT content, coalesce(decided_time, received_time) AS known_time
        FROM ops.payload_scopes AS earlier LEFT JOIN released USING (payload_id)
        WHERE earlier.table_name = new.table_name AND earlier.subject = new.subject
        AND earlier.scope_date = new.scope_date
        AND (earlier.received_time, earlier.payload_id) < (said.received_time, said.payload_id)
        ORDER BY earlier.received_time DESC, earlier.payload_id DESC LIMIT 1
    ) AS before ON before.content = said.content
    AND before.known_time <= coalesce(mine.decided_time, said.received_time)
"""


def receive(platform: Platform, received: Received) -> Intake:
    """Store an answer and enter it in the books."""
    return receive_all(platform, [received])[0]


def receive_all(platform: Platform, answers: Iterable[Received]) -> list[Intake]:
    """Store answers and enter them in the books, some at a time; return what each one brought."""
    return register_all(platform, (_put(platform, received) for received in answers))


def _put(platform: Platform, received: Received) -> Payload:
    payload = platform.raw.put(received)
    if not platform.parsed.has(payload):  # who has judged it has parsed it
        platform.parsed.hand_over(payload, received.body)
    return payload


def register(platform: Platform, payload: Payload) -> Intake:
    """Enter a stored payload in the books and mark what it makes due; a known one is left alone."""
    return register_all(platform, [payload])[0]


def register_all(platform: Platform, payloads: Iterable[Payload], *, is_new: bool = True) -> list[Intake]:
    """Enter stored payloads in the books, a batch a transaction, in their order.

    `is_new`: nobody has read them before; one on which its parser fails is booked as unreadable, else that is raised.
    """
    intakes: list[Intake] = []
    remaining = iter(payloads)
    while batch := list(islice(remaining, BATCH)):
        known = known_payloads(platform, [payload["payload_id"] for payload in batch])
        new = {payload["payload_id"]: payload for payload in batch if payload["payload_id"] not in known}
        brought: dict[int, Intake] = {}
        for read, parts in complete_payloads(platform, new.values(), is_new=is_new):
            entries = entries_of(read, parts)
            held = _enter(platform, entries)
            for payload_id, intake in entries.intakes.items():
                brought[payload_id] = replace(intake, payloads_held=int(payload_id in held))
        # Of a payload that stands in the batch twice, the second is known.
        intakes.extend(brought.pop(payload["payload_id"], Intake(payloads_known=1)) for payload in batch)
    return intakes


def _enter(platform: Platform, entries: Entries) -> set[int]:
    """Write entries and mark what they make due, in one transaction; return the payloads that are held.

    Of those the books take no more than that they came: nothing is made due that speaks of them.
    """
    with platform.store.database.transaction() as cursor:
        holds.lock(cursor, exclusive=not entries.decisions.is_empty())
        upsert(cursor, table("ops.payloads"), entries.payloads)
        upsert(cursor, RESCALES, entries.rescales)
        if not entries.decisions.is_empty():
            _enter_decisions(platform, cursor, entries.decisions)
        held = holds.withheld(cursor, list(entries.intakes))
        _enter_spoken(
            cursor,
            _without(held, entries.scopes),
            _without(held, entries.windows),
            _without(held, entries.scopeless),
        )
    return held


def _without(held: set[int], rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(~pl.col("payload_id").is_in(held)) if held else rows


def _enter_decisions(platform: Platform, cursor: Cursor, decisions: pl.DataFrame) -> None:
    """Enter decisions, and what payloads say that are released by them: it was left out while they were held."""
    released = holds.enter_decisions(cursor, decisions)
    if released:
        payloads = payloads_by_id(platform, pl.Series(released, dtype=pl.Int64))
        for read, parts in complete_payloads(platform, payloads):
            _enter_spoken(cursor, *spoken_of(read, parts))


def _enter_spoken(
    cursor: Cursor, scopes: pl.DataFrame, windows: pl.DataFrame, scopeless: pl.DataFrame
) -> None:
    """Enter of what payloads speak, and mark it due, unless it was said before."""
    upsert(cursor, table("ops.payload_scopes"), scopes)
    upsert(cursor, table("ops.answered_windows"), windows)
    upsert(cursor, table("ops.quarantine"), scopeless)
    said_before = _said_before(cursor, scopes)
    new = scopes if said_before.is_empty() else scopes.join(said_before, on=SCOPE, how="anti")
    for (address, received), spoken in new.group_by(["table_name", "received_time"], maintain_order=True):
        pairs = sorted(spoken.select("subject", "scope_date").unique().iter_rows())
        assert isinstance(received, datetime)
        due.mark(cursor, str(address), pairs, from_time=received)
        ledger.mark_told_again(cursor, str(address), pairs)


def _said_before(cursor: Cursor, scopes: pl.DataFrame) -> pl.DataFrame:
    """Return those scopes of which the payload received before, known no later, says the very same: nothing to fold."""
    told = scopes.filter(pl.col("content").is_not_null())
    if told.is_empty():
        return told.select(SCOPE)
    query = sql.SQL(_SAID_BEFORE).format(sql.SQL(holds.RELEASED))
    cursor.execute(query, [told.get_column(name).to_list() for name in SCOPE])
    return pl.DataFrame(cursor.fetchall(), schema={name: scopes.schema[name] for name in SCOPE}, orient="row")


def known_payloads(platform: Platform, payload_ids: Iterable[int]) -> set[int]:
    """Return those payload ids that are in the books."""
    ids = list(payload_ids)
    query = sql.SQL("SELECT payload_id FROM ops.payloads WHERE payload_id = ANY({})").format(
        literal_list(ids, "bigint")
    )
    return set(
        platform.store.database.few(query, {"payload_id": pl.Int64()}).get_column("payload_id").to_list()
    )


def latest_sha256(platform: Platform, source: str, dataset: str, subject: str) -> str | None:
    """Return the body hash of the youngest payload of a dataset: what need not be received again."""
    query = sql.SQL(
        "SELECT sha256 FROM ops.payloads WHERE source = {} AND dataset = {} AND request ->> 'subject' = {} "
        "ORDER BY received_time DESC LIMIT 1"
    ).format(*map(sql.Literal, (source, dataset, subject)))
    return next(iter(platform.store.database.few(query, {"sha256": pl.String()}).get_column("sha256")), None)
