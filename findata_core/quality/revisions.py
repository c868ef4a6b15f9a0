"""Revisions: what a source took back, from the closed versions of bars and those that followed them.

What belongs here: pairing versions, and what changed from one to the next. What does not: when a version is closed
(findata_core.versions).
"""

from __future__ import annotations

import polars as pl

KEY = ["instrument_id", "interval", "source", "adjustment", "event_time"]
FIELDS = ("open", "high", "low", "close", "volume")
REVISION = ["instrument_id", "source", "interval", "session_date", "superseded_time", "payload_id"]


def revisions(current: pl.DataFrame, closed: pl.DataFrame) -> pl.DataFrame:
    """Return one row for each payload that changed bars of an instrument's session, the largest change first.

    `current`: rows of market.bars or bars_1d; `closed`: rows of their history, with superseded_time. REVISION (the
    payload is the one that said otherwise; null where it withdrew the bars), bars (how many), fields (which of them
    changed, joined by commas), largest_change (of a price, as a share of what was said before), field, event_time,
    old and new value of it.
    """
    changes = _pairs(current, closed)
    changed = [
        pl.when(pl.col(name).ne_missing(pl.col(f"{name}_new"))).then(pl.lit(name)).alias(f"{name}_changed")
        for name in FIELDS
    ]
    told = changes.with_columns(changed).with_columns(_largest())
    return (
        told.sort("largest_change", descending=True, nulls_last=True)
        .group_by(REVISION, maintain_order=True)
        .agg(
            bars=pl.len(),
            fields=_named_fields(),
            **{
                name: pl.col(name).first()
                for name in ("largest_change", "field", "event_time", "old_value", "new_value")
            },
        )
        .sort("largest_change", *REVISION, descending=[True, *[False] * len(REVISION)], nulls_last=True)
    )


def _pairs(current: pl.DataFrame, closed: pl.DataFrame) -> pl.DataFrame:
    """Return each closed version beside the one that took its place; of withdrawn bars beside nulls."""
    columns = [*KEY, "session_date", *FIELDS, "ingest_time", "payload_id"]
    later = pl.concat([current.select(columns), closed.select(columns)]).select(
        *KEY,
        pl.col("ingest_time").alias("superseded_time"),
        *(pl.col(name).alias(f"{name}_new") for name in FIELDS),
        "payload_id",
    )
    before = closed.drop("payload_id").select(*KEY, "session_date", *FIELDS, "superseded_time")
    return before.join(later, on=[*KEY, "superseded_time"], how="left")


def _largest() -> list[pl.Expr]:
    """Return the price that moved most, as a share; of bars whose volume alone moved the volume, without a share."""
    moves = {name: (pl.col(f"{name}_new") / pl.col(name) - 1).abs() for name in FIELDS[:4]}
    largest = pl.max_horizontal(*moves.values())
    field, old, new = pl.lit("volume"), pl.col("volume").cast(pl.Float64), pl.col("volume_new")
    for name, move in moves.items():
        is_it = (move == largest) & (largest > 0)
        field = pl.when(is_it).then(pl.lit(name)).otherwise(field)
        old = pl.when(is_it).then(pl.col(name)).otherwise(old)
        new = pl.when(is_it).then(pl.col(f"{name}_new")).otherwise(new.cast(pl.Float64))
    return [
        largest.alias("largest_change"),
        field.alias("field"),
        old.alias("old_value"),
        new.alias("new_value"),
    ]


def _named_fields() -> pl.Expr:
    """Return the fields that changed in any bar, in the order of FIELDS."""
    return pl.concat_str(
        [pl.col(f"{name}_changed").drop_nulls().first() for name in FIELDS], separator=", ", ignore_nulls=True
    )
