"""What the books take of payloads: frames in the shape of their tables, and what each payload brought.

What belongs here: from completed rows to entries. What does not: writing them (receiving), completing (completing).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np
import polars as pl

from findata_assets.steps.completing import Completed, received_time
from findata_core.schema import runs
from findata_core.schema.frames import conform, empty, polars_schema
from findata_core.schema.hashing import WHOLE_HISTORY
from findata_core.schema.tables import Table, table
from findata_resources.provider import STORED_COLUMNS, repeated
from findata_resources.stores.raw import Payload

DECISIONS = table("ops.decisions")
PAYLOADS = table("ops.payloads")
PAYLOAD_SCOPES = table("ops.payload_scopes")
QUARANTINE = table("ops.quarantine")
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
    good, twice = Counter[int](), Counter[int]()
    for part in parts:
        good.update(_counts(part.rows.get_column("payload_id")))
        twice.update(part.duplicates)
    bad = _rows_refused(parts)
    ids = [payload["payload_id"] for payload in payloads]
    intakes = {
        number: Intake(1, 0, good[number] + bad[number] + twice[number], bad[number], twice[number])
        for number in ids
    }
    decisions, rescales = (
        _together(book, (part.rows for part in parts if part.target == book))
        for book in (DECISIONS, RESCALES)
    )
    return Entries(
        _payload_frame(payloads),
        *spoken_of(payloads, parts),
        decisions,
        rescales,
        intakes,
    )


def _together(target: Table, frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return the rows of frames of a table's shape; most often there are none, and nothing to join."""
    filled = [frame for frame in frames if not frame.is_empty()]
    return pl.concat(filled) if filled else empty(target)


def _counts(values: pl.Series) -> dict[int, int]:
    """Return how often each number occurs."""
    numbers, counts = np.unique(values.to_numpy(), return_counts=True)
    return dict(zip(numbers.tolist(), counts.tolist(), strict=True))


def _rows_refused(parts: Sequence[Completed]) -> Counter[int]:
    """Count the rows of each payload that were refused: a row once, however many rules it broke."""
    refused = _together(QUARANTINE, (part.refused for part in parts))
    if refused.is_empty():
        return Counter()
    rows = refused.select("payload_id", "table_name", "row_number").unique()
    return Counter(_counts(rows.get_column("payload_id")))


def spoken_of(
    payloads: Sequence[Payload], parts: Sequence[Completed]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return of what payloads speak (ops.payload_scopes), for which windows, and their refused rows without a scope."""
    return _scope_frame(payloads, parts), _window_frame(payloads, parts), _scopeless(parts)


def _scopeless(parts: Sequence[Completed]) -> pl.DataFrame:
    """Return refused rows without a scope: they are never folded, and entered here. The others are when theirs is."""
    refused = _together(QUARANTINE, (part.refused for part in parts))
    if refused.is_empty():
        return refused
    return refused.filter(pl.any_horizontal(pl.col("subject", "scope_date").is_null()))


def _payload_frame(payloads: Sequence[Payload]) -> pl.DataFrame:
    rows = [{**payload, "received_time": received_time(payload)} for payload in payloads]
    told = {name for row in rows for name in row}
    schema = {name: dtype for name, dtype in polars_schema(PAYLOADS).items() if name in told}
    return conform(pl.DataFrame(rows, schema=schema), PAYLOADS)


def _window_frame(payloads: Sequence[Payload], parts: Sequence[Completed]) -> pl.DataFrame:
    """Return the windows that payloads answer for: of bars that were asked for, where the answer can be read."""
    target = table("ops.answered_windows")
    unreadable = {
        payload_id
        for part in parts
        if not part.refused.is_empty()
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
    found = [frame for part in parts if part.target.digest_subject for frame in _scopes(part)]
    if not found:
        return empty(PAYLOAD_SCOPES)
    spoken = _without_repeats(pl.concat(found).sort(*SCOPE), SCOPE)
    times = _receive_times(payloads, spoken.get_column("payload_id"))
    return conform(spoken.insert_column(PAYLOAD_SCOPES.column_names.index(times.name), times), PAYLOAD_SCOPES)


def _receive_times(payloads: Sequence[Payload], payload_ids: pl.Series) -> pl.Series:
    """Return for each of the ids when that payload was received."""
    known = np.array([payload["payload_id"] for payload in payloads], dtype=np.int64)
    order = np.argsort(known)
    places = order[np.searchsorted(known, payload_ids.to_numpy(), sorter=order)]
    times = [received_time(payload) for payload in payloads]
    return pl.Series("received_time", times, pl.Datetime("us", "UTC"))[places]


def _scopes(part: Completed) -> Iterator[pl.DataFrame]:
    """Yield the scopes of rows and of refused rows as ops.payload_scopes has them, but for the receive time.

    In no order, and some of them several times.
    """
    ids, subjects, days = _places(part)
    spoken = _without_repeats(
        pl.DataFrame({"payload_id": ids, "subject": subjects, "scope_date": days}),
        ["payload_id", "subject", "scope_date"],
    )
    contents = {} if part.target.digest_date else _contents(part)
    yield _told(part.target, spoken, contents)
    if not part.refused.is_empty():
        refused = part.refused.select("payload_id", "subject", "scope_date").drop_nulls()
        yield _told(part.target, refused, {})


def _places(part: Completed) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Return payload, subject and date of each row; a whole history has one date."""
    rows, target = part.rows, part.target
    whole = repeated(WHOLE_HISTORY, rows.height, pl.Date())
    days = rows.get_column(target.digest_date) if target.digest_date else whole
    return rows.get_column("payload_id"), rows.get_column(target.digest_subject), days


def _without_repeats(rows: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Leave out each row whose key is that of the row before it.

    Rows of one scope stand together, most often: to look at neighbours takes a tenth of looking everywhere.
    """
    return runs.rows_at(rows, runs.starts(rows, key))


def _told(target: Table, spoken: pl.DataFrame, contents: Mapping[tuple[str, int], str]) -> pl.DataFrame:
    """Add the table's name, and the hash of what is said of the whole history, where there is one."""
    ids, subjects, days = spoken.get_columns()
    said = repeated(None, spoken.height, pl.String())
    if contents:
        said = pl.Series([contents.get(key) for key in zip(subjects, ids, strict=True)], dtype=pl.String)
    name = repeated(target.address, spoken.height, pl.String())
    return pl.DataFrame(
        {"payload_id": ids, "table_name": name, "subject": subjects, "scope_date": days, "content": said}
    )


def _contents(part: Completed) -> dict[tuple[str, int], str]:
    """Return, by subject and payload, a hash of what a payload says of a whole history, if none of its rows is refused.

    Histories only: a session is spoken of by few payloads, an instrument or a rate by each that comes.
    """
    values = part.rows.select([name for name in part.rows.columns if name not in STORED_COLUMNS])
    refused = set(part.refused.get_column("payload_id"))
    return {
        (subject, payload_id): _hash_of(values, stretches)
        for (subject, payload_id), stretches in _histories(part).items()
        if payload_id not in refused
    }


def _histories(part: Completed) -> dict[tuple[str, int], list[tuple[int, int]]]:
    """Return where the rows of each subject and payload stand: start and length of each run of them."""
    key = [part.target.digest_subject, "payload_id"]
    starts = runs.starts(part.rows, key).tolist()
    found: dict[tuple[str, int], list[tuple[int, int]]] = {}
    subjects, ids = (part.rows.get_column(name) for name in key)
    for start, stop in pairwise([*starts, part.rows.height]):
        found.setdefault((subjects[start], ids[start]), []).append((start, stop - start))
    return found


def _hash_of(values: pl.DataFrame, stretches: Iterable[tuple[int, int]]) -> str:
    rows = (row for stretch in stretches for row in values.slice(*stretch).rows())
    text = json.dumps([values.columns, *rows], default=str)
    return hashlib.sha256(text.encode()).hexdigest()
