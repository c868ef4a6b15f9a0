"""Taking in an answer: body and receipt to S3, then the books, then what it makes due.

The body is on S3 before the transaction: a kill between the two leaves an object that the next try
finds in place. A receipt that is known already changes nothing.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import polars as pl
from psycopg import sql

from findata_assets.steps.completing import Completed, complete_payload, quarantine_rows, scopes_of
from findata_assets.steps.platform import Platform
from findata_core.schema.frames import conform, empty
from findata_core.schema.tables import table
from findata_resources.provider import Received
from findata_resources.stores import due
from findata_resources.stores.database import literal_list, upsert
from findata_resources.stores.raw import Payload

# Payloads that are entered in one transaction: enough to spare the server most of its round trips.
BATCH = 50


@dataclass(frozen=True)
class Intake:
    """What receiving did: payloads new and known, rows answered, rows refused without a scope."""

    payloads_new: int = 0
    payloads_known: int = 0
    rows_answered: int = 0
    rows_refused: int = 0

    def __add__(self, other: "Intake") -> "Intake":
        return Intake(
            self.payloads_new + other.payloads_new,
            self.payloads_known + other.payloads_known,
            self.rows_answered + other.rows_answered,
            self.rows_refused + other.rows_refused,
        )


@dataclass(frozen=True)
class Entry:
    """What the books take of a payload: rows of ops.payloads, ops.payload_scopes and ops.quarantine."""

    payload: pl.DataFrame
    scopes: pl.DataFrame
    scopeless: pl.DataFrame
    intake: Intake


def receive(platform: Platform, received: Received) -> Intake:
    """Store an answer and enter it in the books."""
    return receive_all(platform, [received])[0]


def receive_all(platform: Platform, answers: Iterable[Received]) -> list[Intake]:
    """Store answers and enter them in the books, some at a time; return what each one brought."""
    return register_all(platform, (platform.raw.put(received) for received in answers))


def register(platform: Platform, payload: Payload) -> Intake:
    """Enter a stored payload in the books and mark what it makes due; a known one is left alone."""
    return register_all(platform, [payload])[0]


def register_all(platform: Platform, payloads: Iterable[Payload]) -> list[Intake]:
    """Enter stored payloads in the books, a batch a transaction, in their order."""
    intakes: list[Intake] = []
    remaining = iter(payloads)
    while batch := list(islice(remaining, BATCH)):
        known = known_payloads(platform, [payload["payload_id"] for payload in batch])
        new = {payload["payload_id"]: payload for payload in batch if payload["payload_id"] not in known}
        entries = {payload_id: _entry(platform, payload) for payload_id, payload in new.items()}
        _enter(platform, list(entries.values()))
        for payload in batch:
            entry = entries.pop(payload["payload_id"], None)
            intakes.append(entry.intake if entry else Intake(payloads_known=1))
    return intakes


def _entry(platform: Platform, payload: Payload) -> Entry:
    """Read a payload; its rows are not kept."""
    parts = list(complete_payload(platform, payload))
    refused = pl.concat([empty(table("ops.quarantine")), *(quarantine_rows(payload, part) for part in parts)])
    # A row without a scope is never folded: it is entered here. The others are when theirs is.
    scopeless = pl.any_horizontal(pl.col("subject", "scope_date").is_null())
    answered = sum(part.rows.height + part.refused.height for part in parts)
    return Entry(
        _payload_frame(payload),
        _scope_frame(payload, parts),
        refused.filter(scopeless),
        Intake(1, 0, answered, refused.height),
    )


def _enter(platform: Platform, entries: list[Entry]) -> None:
    """Write entries and mark what they make due, in one transaction."""
    if not entries:
        return
    scopes = pl.concat([entry.scopes for entry in entries])
    with platform.store.database.transaction() as cursor:
        upsert(cursor, table("ops.payloads"), pl.concat([entry.payload for entry in entries]))
        upsert(cursor, table("ops.payload_scopes"), scopes)
        upsert(cursor, table("ops.quarantine"), pl.concat([entry.scopeless for entry in entries]))
        for (address, received), spoken in scopes.group_by(
            ["table_name", "received_time"], maintain_order=True
        ):
            pairs = sorted(spoken.select("subject", "scope_date").unique().iter_rows())
            assert isinstance(received, datetime)
            due.mark(cursor, str(address), pairs, from_time=received)


def known_payloads(platform: Platform, payload_ids: Iterable[int]) -> set[int]:
    """Return those payload ids that are in the books."""
    ids = list(payload_ids)
    query = sql.SQL("SELECT payload_id FROM ops.payloads WHERE payload_id = ANY({})").format(
        literal_list(ids, "bigint")
    )
    return set(platform.store.database.frame(query).get_column("payload_id"))


def latest_sha256(platform: Platform, source: str, dataset: str, subject: str) -> str | None:
    """Return the body hash of the youngest payload of a dataset: what need not be received again."""
    query = sql.SQL(
        "SELECT sha256 FROM ops.payloads WHERE source = {} AND dataset = {} AND request ->> 'subject' = {} "
        "ORDER BY received_time DESC LIMIT 1"
    ).format(*map(sql.Literal, (source, dataset, subject)))
    return next(iter(platform.store.database.frame(query).get_column("sha256")), None)


def _payload_frame(payload: Payload) -> pl.DataFrame:
    row = {**payload, "received_time": datetime.fromisoformat(payload["received_time"])}
    return conform(pl.DataFrame([row], infer_schema_length=None), table("ops.payloads"))


def _scope_frame(payload: Payload, parts: list[Completed]) -> pl.DataFrame:
    target = table("ops.payload_scopes")
    frames = [_scopes(part).with_columns(pl.lit(part.target.address).alias("table_name")) for part in parts]
    if not frames:
        return empty(target)
    return conform(
        pl.concat(frames).with_columns(
            pl.lit(payload["payload_id"]).alias("payload_id"),
            pl.lit(datetime.fromisoformat(payload["received_time"])).alias("received_time"),
        ),
        target,
    )


def _scopes(part: Completed) -> pl.DataFrame:
    """Return the scopes that a part speaks of, refused rows included: they must be quarantined in theirs."""
    refused = part.refused.select("subject", "scope_date").drop_nulls()
    spoken = [scopes_of(part.target, part.rows)] if part.rows.height else []
    return pl.concat([*spoken, refused]).unique().sort(pl.all())


def request_of(payload: Payload) -> dict[str, object]:
    """Return the stored request of a payload."""
    request: dict[str, object] = json.loads(payload["request"])
    return request
