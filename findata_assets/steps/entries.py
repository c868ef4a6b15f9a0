"""What the books take of payloads: frames in the shape of their tables, and what each payload brought.

What belongs here: from completed rows to entries. What does not: writing them (receiving), completing (completing).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from findata_assets.steps.completing import Completed, received_time, scopes_of
from findata_core.schema.frames import conform, empty
from findata_core.schema.tables import table
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

    def __add__(self, other: Intake) -> Intake:
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


def entries_of(payloads: Sequence[Payload], parts: Sequence[Completed]) -> Entries:
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
        *spoken_of(payloads, parts),
        decisions,
        rescales,
        intakes,
    )


def _rows_refused(refused: pl.DataFrame) -> Counter[int]:
    """Count the rows of each payload that were refused: a row once, however many rules it broke."""
    rows = refused.select("payload_id", "table_name", "row_number").unique()
    return Counter(dict(rows.group_by("payload_id").len().iter_rows()))


def spoken_of(
    payloads: Sequence[Payload], parts: Sequence[Completed]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return of what payloads speak (ops.payload_scopes), for which windows, and their refused rows without a scope."""
    return _scope_frame(payloads, parts), _window_frame(payloads, parts), _scopeless(parts)


def _scopeless(parts: Sequence[Completed]) -> pl.DataFrame:
    """Return refused rows without a scope: they are never folded, and entered here. The others are when theirs is."""
    refused = pl.concat([empty(table("ops.quarantine")), *(part.refused for part in parts)])
    return refused.filter(pl.any_horizontal(pl.col("subject", "scope_date").is_null()))


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
