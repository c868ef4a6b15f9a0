"""From a payload's bytes to rows fit for their table, and those that are refused, each with its reason.

Parsing is the provider's, sessions and grids are findata_core.market's, bounds and domain rules are the
contract's; here they are put one after the other.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from findata_assets.steps.platform import Platform
from findata_core.errors import MalformedPayload
from findata_core.market.bars import complete_bars
from findata_core.schema.frames import conform, empty
from findata_core.schema.hashing import WHOLE_HISTORY
from findata_core.schema.tables import Table, table
from findata_resources.provider import Parsed
from findata_resources.providers import parse_payload, settles_after
from findata_resources.stores.raw import Payload

BAR_TABLES = ("market.bars", "market.bars_1d")
REFUSED_SCHEMA = {
    "row_number": pl.Int64,
    "rule": pl.String,
    "reason": pl.String,
    "subject": pl.String,
    "scope_date": pl.Date,
    "row": pl.String,
}


@dataclass(frozen=True)
class Completed:
    """What a payload says for one table: `rows` in the table's shape, `refused` in REFUSED_SCHEMA."""

    target: Table
    rows: pl.DataFrame
    refused: pl.DataFrame
    duplicates: int = 0


def complete_payload(
    platform: Platform, payload: Payload, wanted: Table | None = None
) -> Iterator[Completed]:
    """Read, parse and complete what a payload says, for one table or for all of them.

    A payload that can't be parsed is refused as a whole.
    """
    body = platform.raw.body(payload)
    try:
        parsed = parse_payload(body, json.loads(payload["request"]))
    except MalformedPayload as error:
        yield Completed(table(main_table(payload)), pl.DataFrame(), _whole_payload_refused(str(error)))
        return
    for part in parsed:
        if wanted is None or part.table == wanted.address:
            yield _complete(platform, part, payload)


def main_table(payload: Payload) -> str:
    """Return the table that a dataset's payloads are mainly for."""
    return {
        "bars": "market.bars",
        "sofr": "rates.rates",
        "sessions": "reference.sessions",
        "universe": "reference.instruments",
    }[payload["dataset"]]


def quarantine_rows(payload: Payload, completed: Completed) -> pl.DataFrame:
    """Return the refused rows in the shape of ops.quarantine."""
    if completed.refused.is_empty():
        return empty(table("ops.quarantine"))
    return conform(
        completed.refused.with_columns(
            pl.lit(payload["payload_id"]).alias("payload_id"),
            pl.lit(completed.target.address).alias("table_name"),
            pl.lit(datetime.fromisoformat(payload["received_time"])).alias("ingest_time"),
        ),
        table("ops.quarantine"),
    )


def scopes_of(target: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the distinct (subject, scope_date) of rows."""
    day = pl.col(target.digest_date) if target.digest_date else pl.lit(WHOLE_HISTORY)
    return (
        rows.select(pl.col(target.digest_subject).alias("subject"), day.alias("scope_date"))
        .unique()
        .sort(pl.all())
    )


def _complete(platform: Platform, part: Parsed, payload: Payload) -> Completed:
    from findata_core.schema.validation import sift  # Pandera: not for whoever only loads the definitions

    target = table(part.table)
    rows, refused, duplicates = part.rows, pl.DataFrame(schema=REFUSED_SCHEMA), 0
    if part.table in BAR_TABLES:
        rows, refused, duplicates = _complete_bars(platform, part.rows, payload)
    known = rows.with_columns(
        pl.lit(datetime.fromisoformat(payload["received_time"])).alias("ingest_time"),
        pl.lit(payload["payload_id"]).alias("payload_id"),
    )
    known = known.sort(list(target.business_key))
    ordered = conform(known, target)
    validated = sift(target, ordered)
    broken = _broken(target, ordered, validated.failures, known.get_column("row_number"))
    return Completed(target, validated.good, pl.concat([refused, broken]), duplicates)


def _complete_bars(
    platform: Platform, rows: pl.DataFrame, payload: Payload
) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    sessions = platform.sessions_of(rows.get_column("instrument_id").drop_nulls())
    received = datetime.fromisoformat(payload["received_time"])
    parts = [
        complete_bars(part, sessions, received, settles_after(payload["source"], str(interval)))
        for (interval,), part in rows.group_by(["interval"], maintain_order=True)
    ]
    if not parts:
        # A day without data is an answer without rows.
        none = empty(table("market.bars")).with_columns(row_number=pl.lit(0, pl.Int64))
        return none, pl.DataFrame(schema=REFUSED_SCHEMA), 0
    refused = pl.concat([part.refused for part in parts]).rename(
        {"instrument_id": "subject", "session_date": "scope_date"}
    )
    return (
        pl.concat([part.bars.with_columns(part.row_numbers) for part in parts]),
        refused.select(*REFUSED_SCHEMA),
        sum(p.duplicates for p in parts),
    )


def _broken(
    target: Table, rows: pl.DataFrame, failures: pl.DataFrame, row_numbers: pl.Series
) -> pl.DataFrame:
    """Return the rows that broke a rule of the contract, numbered by their place among the parsed rows."""
    if failures.is_empty():
        return pl.DataFrame(schema=REFUSED_SCHEMA)
    day = pl.col(target.digest_date) if target.digest_date else pl.lit(WHOLE_HISTORY)
    described = rows.select(
        pl.int_range(pl.len()).alias("place"),
        row_numbers.cast(pl.Int64).alias("parsed_number"),
        pl.col(target.digest_subject).alias("subject"),
        day.alias("scope_date"),
        pl.struct(rows.columns).struct.json_encode().alias("row"),
    )
    joined = failures.join(described, left_on="row_number", right_on="place", how="left")
    numbered = joined.with_columns(
        pl.col("parsed_number").fill_null(-1).alias("row_number"), pl.col("row").fill_null("{}")
    )
    return numbered.select(*REFUSED_SCHEMA)


def _whole_payload_refused(reason: str) -> pl.DataFrame:
    row: dict[str, Any] = {
        "row_number": -1,
        "rule": "malformed_payload",
        "reason": reason,
        "subject": None,
        "scope_date": None,
        "row": "{}",
    }
    return pl.DataFrame([row], schema=REFUSED_SCHEMA)
