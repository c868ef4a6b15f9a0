"""From payloads' bytes to rows fit for their table, and those that are refused, each with its reason.

Parsing is the provider's, sessions and grids are findata_core.market's, bounds and domain rules are the
contract's; here they are put one after the other, for many payloads in one frame: most payloads are small,
and a query over one costs as much as over fifty.
"""

import json
import logging
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from findata_assets.steps.platform import Platform
from findata_core.calendars import distinct, numbered
from findata_core.errors import MalformedPayload, ParserFailed
from findata_core.market.bars import ORIGIN_SCHEMA, complete_together
from findata_core.schema.frames import conform, empty
from findata_core.schema.hashing import WHOLE_HISTORY
from findata_core.schema.tables import Table, table
from findata_resources.provider import Parsed
from findata_resources.providers import said_by_request, settles_after
from findata_resources.stores.raw import Payload

BAR_TABLES = ("market.bars", "market.bars_1d")
# Payloads are completed together up to so many of them, or rows: a frame of a few megabytes.
BATCH, BATCH_ROWS = 50, 100_000
NUL = "\0"
# The rules of payloads that are refused as a whole.
MALFORMED, PARSER_FAILED = "malformed_payload", "parser_failed"
LOG = logging.getLogger("findata")
REFUSED_SCHEMA = {
    "payload_number": pl.Int64,
    "row_number": pl.Int64,
    "rule": pl.String,
    "reason": pl.String,
    "subject": pl.String,
    "scope_date": pl.Date,
    "row": pl.String,
}


@dataclass(frozen=True)
class Completed:
    """What payloads say for one table.

    `rows`: in the table's shape, by payload in the order given, then by business key. `refused`: in the
    shape of ops.quarantine. `duplicates`: how many rows said again what a later one says, by payload_id.
    """

    target: Table
    rows: pl.DataFrame
    refused: pl.DataFrame
    duplicates: Mapping[int, int] = field(default_factory=dict)


def complete_payloads(
    platform: Platform, payloads: Iterable[Payload], wanted: Table | None = None, *, is_new: bool = False
) -> Iterator[tuple[Sequence[Payload], list[Completed]]]:
    """Read, parse and complete what payloads say, for one table or for all of them, some at a time.

    Yield those payloads and a part for each table. One that can't be parsed is refused as a whole. ParserFailed is
    raised unless the payloads are new: a parser that fails on what was read before has changed, and what is stored
    must not be emptied for it.
    """
    for batch in _batches(platform, payloads, wanted, is_new):
        mine = [payload for payload, _ in batch]
        by_table: dict[str, list[tuple[int, pl.DataFrame]]] = {}
        refused: list[Completed] = []
        for number, (payload, said) in enumerate(batch):
            if isinstance(said, MalformedPayload):
                refused.append(_refused_whole(payload, said))
                continue
            for part in said:
                by_table.setdefault(part.table, []).append((number, part.rows))
        parts = (_completed(platform, table(name), mine, said) for name, said in by_table.items())
        yield mine, [*refused, *parts]


def _traceback_of(error: Exception) -> str:
    """Return an error with where it came from; what it quotes of a body, and is no UTF-8, is a question mark."""
    return "".join(traceback.format_exception(error)).encode("utf-8", "replace").decode("utf-8")


def _batches(
    platform: Platform, payloads: Iterable[Payload], wanted: Table | None, is_new: bool
) -> Iterator[list[tuple[Payload, list[Parsed] | MalformedPayload]]]:
    batch: list[tuple[Payload, list[Parsed] | MalformedPayload]] = []
    rows = 0
    for payload in payloads:
        said = _said(platform, payload, wanted, is_new)
        batch.append((payload, said))
        rows += 0 if isinstance(said, MalformedPayload) else sum(part.rows.height for part in said)
        if len(batch) >= BATCH or rows >= BATCH_ROWS:
            yield batch
            batch, rows = [], 0
    if batch:
        yield batch


def _said(
    platform: Platform, payload: Payload, wanted: Table | None, is_new: bool
) -> list[Parsed] | MalformedPayload:
    """Return what a payload says for the wanted table or for all; the error where it can't be parsed."""
    if wanted is not None:
        known = said_by_request(json.loads(payload["request"]), wanted.address)
        if known is not None:
            return [known]
    try:
        parsed = platform.parsed.of(payload)
    except ParserFailed as error:
        if not is_new:
            raise
        LOG.error("The payload %016x is kept unread.\n%s", payload["payload_id"], _traceback_of(error))
        return error
    except MalformedPayload as error:
        return error if wanted is None or main_table(payload) == wanted.address else []
    return [part for part in parsed if wanted is None or part.table == wanted.address]


def main_table(payload: Payload) -> str:
    """Return the table that a dataset's payloads are mainly for."""
    return {
        "actions": "reference.splits",
        "bars": "market.bars",
        "catalogue": "economic.series",
        "decisions": "ops.decisions",
        "fx": "economic.fx_rates",
        "index_levels": "economic.index_levels",
        "index_members": "economic.index_members",
        "observations": "economic.observations",
        "rates": "rates.rates",
        "securities": "reference.listings",
        "series": "economic.series",
        "sessions": "reference.sessions",
        "sofr": "rates.rates",
        "universe": "reference.instruments",
        "vintages": "economic.vintages",
    }[payload["dataset"]]


def _completed(
    platform: Platform, target: Table, payloads: Sequence[Payload], said: Sequence[tuple[int, pl.DataFrame]]
) -> Completed:
    """Complete the rows of payloads, or return what came of it when they were received: sessions take the time."""
    if target.address not in BAR_TABLES:
        return _complete(platform, target, payloads, said)
    told = (payloads[number] for number, _ in said)
    key = (target.address, *((payload["payload_id"], known_time(payload)) for payload in told))
    completed: Completed = platform.completed.get(
        key, lambda: _complete(platform, target, payloads, said), lambda part: part.rows.height
    )
    return completed


def _complete(
    platform: Platform, target: Table, payloads: Sequence[Payload], said: Sequence[tuple[int, pl.DataFrame]]
) -> Completed:
    """Complete the rows that payloads, named by their number, say for a table."""
    rows, unstorable = _storable(_together(said))
    refused = pl.DataFrame(schema=REFUSED_SCHEMA)
    repeated: Mapping[int, int] = {}
    if target.address in BAR_TABLES:
        rows, places, refused, repeated = _complete_bars(platform, rows, payloads)
    else:
        # A decision's key holds its own payload, which is added below.
        rows = rows.sort("payload_number", *(name for name in target.business_key if name in rows.columns))
        places = rows
    known = _with_knowledge(rows, places.get_column("payload_number"), payloads, known_time)
    good, broken = _sifted(target, conform(known, target), places)
    wrong = pl.concat([unstorable, refused, broken])
    duplicates = {payloads[number]["payload_id"]: count for number, count in repeated.items()}
    return Completed(target, good, _quarantine(target, wrong, payloads), duplicates)


def _together(said: Sequence[tuple[int, pl.DataFrame]]) -> pl.DataFrame:
    """Return the rows of payloads in one frame, each with its payload's number."""
    numbers = np.repeat([number for number, _ in said], [rows.height for _, rows in said])
    return pl.concat([rows for _, rows in said]).with_columns(pl.Series("payload_number", numbers, pl.Int64))


def _storable(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split off, in REFUSED_SCHEMA, the rows with a NUL character: PostgreSQL has no text that holds one."""
    texts = [column.name for column in rows if column.dtype == pl.String() and _has_zero_byte(column)]
    has_nul = pl.any_horizontal(pl.col(texts).str.contains(NUL, literal=True).fill_null(value=False))
    if not texts or not rows.select(has_nul.any()).item():
        return rows, pl.DataFrame(schema=REFUSED_SCHEMA)
    values = pl.struct(pl.exclude("payload_number")).struct.json_encode()
    refused = rows.filter(has_nul).select(
        "payload_number",
        pl.col("row_number").cast(pl.Int64),
        pl.lit("nul_character").alias("rule"),
        pl.lit("a text holds a NUL character; it is shown as \ufffd").alias("reason"),
        pl.lit(None, pl.String).alias("subject"),
        pl.lit(None, pl.Date).alias("scope_date"),
        values.str.replace_all("\\u0000", "\ufffd", literal=True).alias("row"),
    )
    return rows.filter(~has_nul), refused.select(*REFUSED_SCHEMA)


def _has_zero_byte(texts: pl.Series) -> bool:
    """Tell whether there may be a NUL among texts: to read them is quicker than to ask each in a query."""
    _, _, characters = texts.to_arrow().buffers()
    return characters is not None and not np.frombuffer(characters, np.uint8).all()


def _complete_bars(
    platform: Platform, rows: pl.DataFrame, payloads: Sequence[Payload]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, Mapping[int, int]]:
    """Return bars, the payload_number and row_number of each, what is refused and how much is said again."""
    instruments = pl.Series(distinct(rows.get_column("instrument_id")), dtype=pl.String)
    completed = complete_together(_with_origins(rows, payloads), platform.sessions_of(instruments))
    refused = completed.refused.rename({"instrument_id": "subject", "session_date": "scope_date"})
    return completed.bars, completed.origins, refused.select(*REFUSED_SCHEMA), completed.duplicates


def _with_origins(rows: pl.DataFrame, payloads: Sequence[Payload]) -> pl.DataFrame:
    """Add when each row's payload was received, and when bars of its source settle."""
    number = rows.get_column("payload_number")
    intervals, interval = numbered(rows.get_column("interval"))
    times = [received_time(payload) for payload in payloads]
    received = pl.Series("received_time", times, ORIGIN_SCHEMA["received_time"])
    # The last is of rows without an interval.
    settles = [[settles_after(payload["source"], name) for name in (*intervals, "")] for payload in payloads]
    after = np.array(settles, dtype="timedelta64[us]")[number.to_numpy(), interval]
    return rows.with_columns(received[number], pl.Series("settles_after", after))


def _with_knowledge(
    rows: pl.DataFrame, number: pl.Series, payloads: Sequence[Payload], since: Callable[[Payload], datetime]
) -> pl.DataFrame:
    """Add the id of the payload with each row's number, and as ingest_time what `since` says of it."""
    times = pl.Series("ingest_time", [since(payload) for payload in payloads], pl.Datetime("us", "UTC"))
    ids = pl.Series("payload_id", [payload["payload_id"] for payload in payloads], pl.Int64)
    return rows.with_columns(times[number], ids[number])


def received_time(payload: Payload) -> datetime:
    """Return when a payload was received, UTC."""
    return datetime.fromisoformat(payload["received_time"])


def known_time(payload: Payload) -> datetime:
    """Return since when what a payload says is known, UTC: when it was received, or released after a hold."""
    return datetime.fromisoformat(payload.get("known_time") or payload["received_time"])


def _sifted(
    target: Table, ordered: pl.DataFrame, numbered: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows that obey the contract, and those that broke a rule of it, in REFUSED_SCHEMA.

    `numbered` has the payload_number and row_number of each row.
    """
    # Pandera is not for whoever only loads the definitions.
    from findata_core.schema.validation import obeys, validate

    if obeys(target, ordered, within="payload_id"):
        return ordered, pl.DataFrame(schema=REFUSED_SCHEMA)
    good, broken = [], []
    places = numbered.select("payload_number", pl.col("row_number").cast(pl.Int64))
    for _, place in places.with_row_index("place").group_by("payload_number", maintain_order=True):
        mine = ordered[place.get_column("place")]
        validated = validate(target, mine)
        good.append(validated.good)
        broken.append(_broken(target, mine, validated.failures, place.drop("place")))
    return pl.concat(good), pl.concat(broken)


def _broken(target: Table, rows: pl.DataFrame, failures: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Return a payload's rows that broke a rule of the contract, by their number among its parsed rows."""
    if failures.is_empty():
        return pl.DataFrame(schema=REFUSED_SCHEMA)
    day = pl.col(target.digest_date) if target.digest_date else pl.lit(WHOLE_HISTORY)
    described = rows.select(
        pl.int_range(pl.len()).alias("place"),
        places.get_column("row_number").alias("parsed_number"),
        pl.col(target.digest_subject).alias("subject"),
        day.alias("scope_date"),
        pl.struct(rows.columns).struct.json_encode().alias("row"),
    )
    joined = failures.join(described, left_on="row_number", right_on="place", how="left")
    numbered = joined.with_columns(
        pl.lit(places.item(0, "payload_number"), pl.Int64).alias("payload_number"),
        pl.col("parsed_number").fill_null(-1).alias("row_number"),
        pl.col("row").fill_null("{}"),
    )
    return numbered.select(*REFUSED_SCHEMA)


def _quarantine(target: Table, refused: pl.DataFrame, payloads: Sequence[Payload]) -> pl.DataFrame:
    """Return refused rows in the shape of ops.quarantine."""
    if refused.is_empty():
        return empty(table("ops.quarantine"))
    known = _with_knowledge(refused, refused.get_column("payload_number"), payloads, received_time)
    named = known.with_columns(pl.lit(target.address).alias("table_name"))
    return conform(named, table("ops.quarantine"))


def _refused_whole(payload: Payload, error: MalformedPayload) -> Completed:
    row: dict[str, Any] = {
        "payload_number": 0,
        "row_number": -1,
        "rule": PARSER_FAILED if isinstance(error, ParserFailed) else MALFORMED,
        "reason": str(error),
        "subject": None,
        "scope_date": None,
        "row": "{}",
    }
    target = table(main_table(payload))
    refused = pl.DataFrame([row], schema=REFUSED_SCHEMA)
    return Completed(target, empty(target), _quarantine(target, refused, [payload]))
