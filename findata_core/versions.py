"""Folding what payloads said, in the order they were received, into current rows and closed versions.

The law: as_of(T) over both equals a fresh fold of only the payloads received by T. Nothing here knows
of a database; stores decide which observations must be folded again.
"""

from dataclasses import dataclass

import polars as pl

from findata_core.schema.tables import Table


@dataclass(frozen=True)
class Versions:
    """`current`: one row per business key; `history`: closed versions with superseded_time;
    `conflicting`: rows that contradict another payload of the very same receive time."""

    current: pl.DataFrame
    history: pl.DataFrame
    conflicting: pl.DataFrame


def fold_versions(table: Table, observations: pl.DataFrame) -> Versions:
    """Fold observations (rows in the table's shape, any order) into versions.

    A value that is said again stays one version, known from the first time it was said. Of two payloads
    received at the same instant the one with the greater payload_id speaks.
    """
    key = list(table.business_key)
    ordered = observations.sort([*key, "ingest_time", "payload_id"])
    same_key = _same_as(key, 1)
    is_last_of_instant = ~(
        _same_as(key, -1) & (pl.col("ingest_time") == pl.col("ingest_time").shift(-1))
    ).fill_null(value=False)
    spoken = ordered.filter(is_last_of_instant)
    is_new = ~(same_key & _same_as(value_columns(table), 1)).fill_null(value=False)
    versions = spoken.filter(is_new).with_columns(
        pl.when(_same_as(key, -1).fill_null(value=False))
        .then(pl.col("ingest_time").shift(-1))
        .alias("superseded_time")
    )
    return Versions(
        current=versions.filter(pl.col("superseded_time").is_null()).drop("superseded_time"),
        history=versions.filter(pl.col("superseded_time").is_not_null()),
        conflicting=_conflicting(table, ordered, is_last_of_instant),
    )


def without_overruled(table: Table, observations: pl.DataFrame, received: pl.DataFrame) -> pl.DataFrame:
    """Leave out what a payload says that was released only when a younger one had been heard on the same key.

    ingest_time of an observation is when its payload was released, where it had been held; `received` says when such
    payloads had been received: payload_id, received_time. So a release never takes back what was learnt since.
    """
    key = list(table.business_key)
    ages = observations.join(received, on="payload_id", how="left", maintain_order="left").with_columns(
        pl.col("received_time").fill_null(pl.col("ingest_time")), row=pl.int_range(pl.len())
    )
    heard = ages.sort(*key, "ingest_time", "received_time", "payload_id")
    # Of one instant of knowledge the payload received last speaks, so it counts as heard before the others.
    latest = heard.group_by([*key, "ingest_time"], maintain_order=True).agg(pl.col("received_time").last())
    latest = latest.with_columns(youngest=pl.col("received_time").cum_max().over(key)).drop("received_time")
    kept = heard.join(latest, on=[*key, "ingest_time"]).filter(pl.col("received_time") >= pl.col("youngest"))
    return observations[kept.get_column("row").sort()]


def value_columns(table: Table) -> list[str]:
    """Return the columns whose change makes a new version: neither key nor knowledge."""
    return [
        column.name
        for column in table.columns
        if not column.is_knowledge and column.name not in table.business_key
    ]


def as_of(current: pl.DataFrame, history: pl.DataFrame, instant: pl.Expr) -> pl.DataFrame:
    """Return the rows known at `instant`: ingest_time <= instant < superseded_time."""
    known = pl.col("ingest_time") <= instant
    return pl.concat(
        [
            current.filter(known),
            history.filter(known & (pl.col("superseded_time") > instant)).drop("superseded_time"),
        ]
    )


def _same_as(columns: list[str], distance: int) -> pl.Expr:
    if not columns:  # a table that is all key (a day is a vintage, or not) has nothing to differ in
        return pl.lit(value=True)
    return pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(distance)) for name in columns)


def _conflicting(table: Table, ordered: pl.DataFrame, is_last_of_instant: pl.Expr) -> pl.DataFrame:
    """Return the rows that lost to one of the same instant and did say something else."""
    differs = ~_same_as(value_columns(table), -1)
    return ordered.filter(~is_last_of_instant & differs)
