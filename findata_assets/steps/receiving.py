"""Taking in an answer: body and receipt to S3, then the books, then what it makes due.

The body is on S3 before the transaction: a kill between the two leaves an object that the next try
finds in place. A receipt that is known already changes nothing.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

import polars as pl
from psycopg import sql

from findata_assets.steps.completing import BATCH, Completed, complete_payloads, received_time, scopes_of
from findata_assets.steps.facts import payloads_by_id
from findata_assets.steps.platform import Platform
from findata_core.schema.frames import conform, empty
from findata_core.schema.tables import table
from findata_resources.provider import Received
from findata_resources.stores import due, holds, ledger
from findata_resources.stores.database import Cursor, literal_list, upsert
from findata_resources.stores.raw import Payload

DECISIONS = table("ops.decisions")
RESCALES = table("ops.rescales")
SCOPE = ["table_name", "subject", "scope_date", "payload_id"]


@dataclass(frozen=True)
class Intake:
    """What receiving did: payloads new, known and held; rows answered, of them those refused and those said twice."""

    payloads_new: int = 0
    payloads_known: int = 0
    rows_answered: int = 0
    rows_refused: int = 0
    rows_duplicate: int = 0
    payloads_held: int = 0

    def __add__(self, other: "Intake") -> "Intake":
        return Intake(
            self.payloads_new + other.payloads_new,
            self.payloads_known + other.payloads_known,
            self.rows_answered + other.rows_answered,
            self.rows_refused + other.rows_refused,
            self.rows_duplicate + other.rows_duplicate,
            self.payloads_held + other.payloads_held,
        )


@dataclass(frozen=True)
class Entries:
    """What the books take of payloads: rows of their tables in ops."""

    payloads: pl.DataFrame
    scopes: pl.DataFrame
    windows: pl.DataFrame
    scopeless: pl.DataFrame
    decisions: pl.DataFrame
    rescales: pl.DataFrame
    intakes: dict[int, Intake]


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


def register_all(platform: Platform, payloads: Iterable[Payload]) -> list[Intake]:
    """Enter stored payloads in the books, a batch a transaction, in their order."""
    intakes: list[Intake] = []
    remaining = iter(payloads)
    while batch := list(islice(remaining, BATCH)):
        known = known_payloads(platform, [payload["payload_id"] for payload in batch])
        new = {payload["payload_id"]: payload for payload in batch if payload["payload_id"] not in known}
        brought: dict[int, Intake] = {}
        for read, parts in complete_payloads(platform, new.values()):
            entries = _entries(read, parts)
            held = _enter(platform, entries)
            for payload_id, intake in entries.intakes.items():
                brought[payload_id] = replace(intake, payloads_held=int(payload_id in held))
        # Of a payload that stands in the batch twice, the second is known.
        intakes.extend(brought.pop(payload["payload_id"], Intake(payloads_known=1)) for payload in batch)
    return intakes


def _entries(payloads: Sequence[Payload], parts: Sequence[Completed]) -> Entries:
    """Return what the books take of payloads; their rows are not kept."""
    refused = pl.concat([empty(table("ops.quarantine")), *(part.refused for part in parts)])
    good, twice = Counter[int](), Counter[int]()
    for part in parts:
        good.update(dict(part.rows.group_by("payload_id").len().iter_rows()))
        twice.update(part.duplicates)
    bad = _rows_refused(refused)
    ids = [payload["payload_id"] for payload in payloads]
    intakes = {
        number: Intake(1, 0, good[number] + bad[number] + twice[number], bad[number], twice[number])
        for number in ids
    }
    decisions, rescales = (
        pl.concat([empty(book), *(part.rows for part in parts if part.target == book)])
        for book in (DECISIONS, RESCALES)
    )
    return Entries(
        _payload_frame(payloads),
        _scope_frame(payloads, parts),
        _window_frame(payloads, parts),
        _scopeless(parts),
        decisions,
        rescales,
        intakes,
    )


def _rows_refused(refused: pl.DataFrame) -> Counter[int]:
    """Count the rows of each payload that were refused: a row once, however many rules it broke."""
    rows = refused.select("payload_id", "table_name", "row_number").unique()
    return Counter(dict(rows.group_by("payload_id").len().iter_rows()))


def spoken_of(payloads: Sequence[Payload], parts: Sequence[Completed]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return of what payloads speak, in the shape of ops.payload_scopes, and their refused rows without a scope."""
    return _scope_frame(payloads, parts), _scopeless(parts)


def _scopeless(parts: Sequence[Completed]) -> pl.DataFrame:
    """Return refused rows without a scope: they are never folded, and entered here. The others are when theirs is."""
    refused = pl.concat([empty(table("ops.quarantine")), *(part.refused for part in parts)])
    return refused.filter(pl.any_horizontal(pl.col("subject", "scope_date").is_null()))


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
        is_open = ~pl.col("payload_id").is_in(held)
        _enter_spoken(
            cursor,
            entries.scopes.filter(is_open),
            entries.windows.filter(is_open),
            entries.scopeless.filter(is_open),
        )
    return held


def _enter_decisions(platform: Platform, cursor: Cursor, decisions: pl.DataFrame) -> None:
    """Enter decisions, and what payloads say that are released by them: it was left out while they were held."""
    released = holds.enter_decisions(cursor, decisions)
    if released:
        payloads = payloads_by_id(platform, pl.Series(released, dtype=pl.Int64))
        for read, parts in complete_payloads(platform, payloads):
            _enter_spoken(cursor, _scope_frame(read, parts), _window_frame(read, parts), _scopeless(parts))


def _enter_spoken(
    cursor: Cursor, scopes: pl.DataFrame, windows: pl.DataFrame, scopeless: pl.DataFrame
) -> None:
    """Enter of what payloads speak, and mark it due, unless it was said before."""
    upsert(cursor, table("ops.payload_scopes"), scopes)
    upsert(cursor, table("ops.answered_windows"), windows)
    upsert(cursor, table("ops.quarantine"), scopeless)
    new = scopes.join(_said_before(cursor, scopes), on=SCOPE, how="anti")
    for (address, received), spoken in new.group_by(["table_name", "received_time"], maintain_order=True):
        pairs = sorted(spoken.select("subject", "scope_date").unique().iter_rows())
        assert isinstance(received, datetime)
        due.mark(cursor, str(address), pairs, from_time=received)
        ledger.mark_told_again(cursor, str(address), pairs)


def _said_before(cursor: Cursor, scopes: pl.DataFrame) -> pl.DataFrame:
    """Return those scopes of which the payload received before says the very same: nothing to fold."""
    told = scopes.filter(pl.col("content").is_not_null())
    cursor.execute(
        """
        SELECT new.* FROM unnest(%s::text[], %s::text[], %s::date[], %s::bigint[])
        AS new (table_name, subject, scope_date, payload_id)
        JOIN ops.payload_scopes AS said USING (table_name, subject, scope_date, payload_id)
        JOIN LATERAL (
            SELECT content FROM ops.payload_scopes AS earlier
            WHERE earlier.table_name = new.table_name AND earlier.subject = new.subject
            AND earlier.scope_date = new.scope_date
            AND (earlier.received_time, earlier.payload_id) < (said.received_time, said.payload_id)
            ORDER BY earlier.received_time DESC, earlier.payload_id DESC LIMIT 1
        ) AS before ON before.content = said.content
        """,
        [told.get_column(name).to_list() for name in SCOPE],
    )
    return pl.DataFrame(cursor.fetchall(), schema={name: scopes.schema[name] for name in SCOPE}, orient="row")


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


def _payload_frame(payloads: Sequence[Payload]) -> pl.DataFrame:
    rows = [{**payload, "received_time": received_time(payload)} for payload in payloads]
    return conform(pl.DataFrame(rows, infer_schema_length=None), table("ops.payloads"))


def _window_frame(payloads: Sequence[Payload], parts: Sequence[Completed]) -> pl.DataFrame:
    """Return the windows that payloads answer for: of bars that were asked for, where the answer can be read."""
    target = table("ops.answered_windows")
    unreadable = {
        payload_id
        for part in parts
        for payload_id in part.refused.filter(row_number=-1).get_column("payload_id")
    }
    asked = [
        (payload, json.loads(payload["request"]))
        for payload in payloads
        if payload["dataset"] == "bars" and payload["payload_id"] not in unreadable
    ]
    rows = [
        {
            "instrument_id": request["subject"],
            "source": payload["source"],
            "interval": request["parameters"]["interval"],
            "payload_id": payload["payload_id"],
            "start_time": datetime.fromisoformat(request["window_start"]),
            "end_time": datetime.fromisoformat(request["window_end"]),
            "received_time": received_time(payload),
        }
        for payload, request in asked
        if request["window_start"] is not None
    ]
    return conform(pl.DataFrame(rows, infer_schema_length=None), target) if rows else empty(target)


def _scope_frame(payloads: Sequence[Payload], parts: Sequence[Completed]) -> pl.DataFrame:
    """Return the scopes that payloads speak of, refused rows included: they are quarantined with theirs."""
    target = table("ops.payload_scopes")
    times = pl.DataFrame(
        [(payload["payload_id"], received_time(payload)) for payload in payloads],
        schema={"payload_id": pl.Int64, "received_time": pl.Datetime("us", "UTC")},
        orient="row",
    )
    found = [frame for part in parts if part.target.digest_subject for frame in _scopes(part)]
    if not found:
        return empty(target)
    spoken = pl.concat(found).unique().join(times, on="payload_id")
    contents = (_contents(part) for part in parts if part.target.digest_subject)
    told = pl.concat([pl.DataFrame(schema=CONTENT_SCHEMA), *contents])
    key = ["table_name", "subject", "payload_id"]
    return conform(spoken.join(told, on=key, how="left").sort(*SCOPE), target)


def _scopes(part: Completed) -> Iterator[pl.DataFrame]:
    name = pl.lit(part.target.address).alias("table_name")
    yield scopes_of(part.target, part.rows).with_columns(name)
    yield part.refused.select("payload_id", "subject", "scope_date").drop_nulls().with_columns(name)


CONTENT_SCHEMA = {"table_name": pl.String, "subject": pl.String, "payload_id": pl.Int64, "content": pl.String}


def _contents(part: Completed) -> pl.DataFrame:
    """Return a hash of what each payload says of each whole history, unless some of its rows were refused.

    Histories only: a session is spoken of by few payloads, an instrument or a rate by each that comes.
    """
    if part.target.digest_date:
        return pl.DataFrame(schema=CONTENT_SCHEMA)
    good = part.rows.join(part.refused, on="payload_id", how="anti")
    values = good.select(pl.exclude("payload_id", "ingest_time")).with_columns(good.get_column("payload_id"))
    told = [
        (part.target.address, subject, payload_id, _hash_of(rows.drop("payload_id")))
        for (subject, payload_id), rows in values.group_by(
            [part.target.digest_subject, "payload_id"], maintain_order=True
        )
    ]
    return pl.DataFrame(told, schema=CONTENT_SCHEMA, orient="row")


def _hash_of(rows: pl.DataFrame) -> str:
    text = json.dumps([rows.columns, *rows.iter_rows()], default=str)
    return hashlib.sha256(text.encode()).hexdigest()
