"""Rows that another payload of the very same receive time speaks against, for the quarantine.

What belongs here: those rows, and where in its payload each stands. What does not: which of the two speaks
(findata_core/versions.py), what one payload says twice (findata_core/market/bars.py).

A row is known by its own number in its payload. Folding sees a payload a month at a time, and again when something
else is due: a count of what one fold found would give one number to several rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import polars as pl

from findata_assets.steps.platform import Platform
from findata_core.schema import runs
from findata_core.schema.frames import conform, empty
from findata_core.schema.hashing import WHOLE_HISTORY
from findata_core.schema.tables import Table, table
from findata_core.versions import fold_versions
from findata_resources.provider import Parsed
from findata_resources.providers import said_by_request
from findata_resources.stores.raw import Payload

RULE = "contradicted"
REASON = (
    "another payload received at the same instant says something else; of the two the one with the greater "
    "payload_id speaks"
)
# A parsed day has no instant yet: its session's open is the calendar's to say.
STAMPS = {"market.bars_1d": {"event_time": "session_date"}}


def contradicted_rows(
    platform: Platform, target: Table, observations: pl.DataFrame, payloads: Iterable[Payload]
) -> pl.DataFrame:
    """Return, in the shape of ops.quarantine, the observations that are contradicted; `payloads` say them."""
    instant = [*target.business_key, "ingest_time"]
    if len(set(runs.heads(observations, ["payload_id"]))) <= 1:
        return empty(table("ops.quarantine"))  # a payload says a thing once
    if not observations.select(instant).is_duplicated().any():
        return empty(table("ops.quarantine"))
    rows = fold_versions(target, observations).conflicting
    if rows.is_empty():
        return empty(table("ops.quarantine"))  # they say the same
    return _refused(target, _numbered(platform, target, rows, payloads))


def _refused(target: Table, numbered: pl.DataFrame) -> pl.DataFrame:
    """Return numbered rows in the shape of ops.quarantine."""
    day = pl.col(target.digest_date) if target.digest_date else pl.lit(WHOLE_HISTORY)
    return conform(
        numbered.select(
            "payload_id",
            "ingest_time",
            "row_number",
            pl.lit(target.address).alias("table_name"),
            pl.col(target.digest_subject).alias("subject"),
            day.alias("scope_date"),
            pl.lit(RULE).alias("rule"),
            pl.lit(REASON).alias("reason"),
            pl.struct(target.column_names).struct.json_encode().alias("row"),
        ),
        table("ops.quarantine"),
    )


def _numbered(
    platform: Platform, target: Table, rows: pl.DataFrame, payloads: Iterable[Payload]
) -> pl.DataFrame:
    """Add row_number: which of its payload's parsed rows says each row; the last one, where several do."""
    stamps = STAMPS.get(target.address, {})
    key = ["payload_id", *(stamps.get(name, name) for name in target.business_key if name != "payload_id")]
    ids = set(rows.get_column("payload_id"))
    said = [
        part.rows.select(pl.lit(payload["payload_id"]).alias("payload_id"), *key[1:], "row_number")
        for payload in payloads
        if payload["payload_id"] in ids
        for part in _parsed(platform, payload, target.address)
    ]
    last = pl.concat(said).group_by(key).agg(pl.col("row_number").cast(pl.Int64).max())
    found = rows.join(last, on=key, how="left", nulls_equal=True, maintain_order="left")
    # Completing leaves keys as they are parsed. Where it ever does not, a fold must go on all the same.
    return found.with_columns(pl.col("row_number").fill_null(-2 - pl.int_range(pl.len())))


def _parsed(platform: Platform, payload: Payload, address: str) -> list[Parsed]:
    """Return what a payload says for a table, as it is parsed."""
    known = said_by_request(json.loads(payload["request"]), address)
    every = platform.parsed.of(payload) if known is None else [known]
    return [part for part in every if part.table == address]
