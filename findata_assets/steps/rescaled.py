"""Bars that a provider says again on another scale after a split: what is stored stays, the new ones are set aside.

What belongs here: the splits that are known when an answer is judged, the finding as a payload, and what folding leaves
out because of it. What does not: finding a factor and its splits (findata_core/quality), holding the rest.

A stored session keeps the scale it was first told on, so that no session is on two. The same bars on the new scale say
nothing new; they go to the quarantine, with the split. Sessions that were not stored come in on the scale of the day
they were received, which their ingest_time names, or the books if they were held (findata_core/market/releases.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from psycopg import sql

from findata_assets.steps.platform import Platform
from findata_core.errors import FindataError
from findata_core.quality.splits import SPLIT_SCHEMA, Explained
from findata_core.schema.frames import conform, empty
from findata_core.schema.tables import Table, table
from findata_resources.provider import Received
from findata_resources.providers.decisions import EXPLAINED_RULE, decision
from findata_resources.stores.database import literal_list
from findata_resources.stores.raw import receipt

SESSION = ["payload_id", "instrument_id", "interval", "session_date"]
RESCALES_SCHEMA = {
    "payload_id": pl.Int64(),
    "instrument_id": pl.String(),
    "interval": pl.String(),
    "session_date": pl.Date(),
    "reason": pl.String(),
}


def known_splits(platform: Platform, received: Received, said: pl.DataFrame) -> pl.DataFrame:
    """Return the splits of an answer's instruments with an ex-date by its day: stored, or told by the answer itself."""
    subjects = said.get_column("instrument_id").drop_nulls().unique().sort()
    stored = platform.store.read(table("reference.splits"), subjects=subjects).select(*SPLIT_SCHEMA)
    try:
        parts = platform.parsed.of(receipt(received))
    except FindataError:
        parts = []
    told = [part.rows.select(*SPLIT_SCHEMA) for part in parts if part.table == "reference.splits"]
    every = pl.concat([stored, *told]).drop_nulls()
    return every.filter(pl.col("ex_date") <= received.received_time.date())


def explanations(received: Received, found: Sequence[Explained]) -> list[Received]:
    """Return, as a payload to be received before the answer, which of its sessions known splits have rescaled."""
    if not found:
        return []
    evidence = [
        {
            "instrument_id": one.instrument_id,
            "interval": one.interval,
            "session_date": str(one.session_date),
            "numerator": one.ratio.numerator,
            "denominator": one.ratio.denominator,
            "factor": one.factor,
            "reason": one.reason,
        }
        for one in found
    ]
    about = [(receipt(received)["payload_id"], found[0].reason, evidence)]
    return [decision("explain", about, received.received_time, EXPLAINED_RULE)]


def without_rescaled(
    platform: Platform, target: Table, observations: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split off the bars of sessions that splits have rescaled, in the shape of ops.quarantine."""
    ids = observations.get_column("payload_id").unique().sort().to_list()
    query = sql.SQL(
        "SELECT rescaled_payload_id AS payload_id, instrument_id, interval, session_date, reason FROM ops.rescales "
        "WHERE rescaled_payload_id = ANY({})"
    ).format(literal_list(ids, "bigint"))
    rescales = platform.store.database.few(query, RESCALES_SCHEMA)
    if rescales.is_empty():
        return observations, empty(table("ops.quarantine"))
    again = observations.join(rescales, on=SESSION, how="inner", maintain_order="left")
    kept = observations.join(rescales, on=SESSION, how="anti", maintain_order="left")
    return kept, _refused(target, again)


def _refused(target: Table, rows: pl.DataFrame) -> pl.DataFrame:
    return conform(
        rows.select(
            "payload_id",
            "ingest_time",
            # Its minute stands for the row's number: a payload is folded a month at a time, and numbers would repeat.
            (pl.col("event_time").dt.epoch("s") // 60).alias("row_number"),
            pl.lit(target.address).alias("table_name"),
            pl.col("instrument_id").alias("subject"),
            pl.col("session_date").alias("scope_date"),
            pl.lit(EXPLAINED_RULE).alias("rule"),
            "reason",
            pl.struct(target.column_names).struct.json_encode().alias("row"),
        ),
        table("ops.quarantine"),
    )
