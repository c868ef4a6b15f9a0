"""Folding what payloads said, in the order they were received, into current rows and closed versions.

The law: as_of(T) over both equals a fresh fold of only the payloads received by T. Nothing here knows
of a database; stores decide which observations must be folded again.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from findata_core.schema import runs
from findata_core.schema.tables import Table


@dataclass(frozen=True)
class Versions:
    """`current`: one row per business key; `history`: closed versions with superseded_time;
    `conflicting`: rows that contradict another payload of the very same receive time."""

    current: pl.DataFrame
    history: pl.DataFrame
    conflicting: pl.DataFrame

    def parts(self) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """Return the three frames in the order of their declaration."""
        return self.current, self.history, self.conflicting


def fold_versions(table: Table, observations: pl.DataFrame, standing: pl.DataFrame | None = None) -> Versions:
    """Fold observations (rows in the table's shape, any order) into versions.

    A value that is said again stays one version, known from the first time it was said. Of two payloads
    received at the same instant the one with the greater payload_id speaks. `standing`: current rows of earlier
    folds, each with the knowledge of the payload that first said it. Where a payload says the whole of its subject
    (`snapshot_date`), what one of `observations` leaves out ends a version without beginning another.
    """
    said = observations if standing is None else pl.concat([standing, observations])
    if not table.snapshot_date:
        return _folded(table, said, value_columns(table))
    silent = _left_out(table, observations, said)
    marked = pl.concat(
        [said.with_columns(is_said=pl.lit(value=True)), silent.with_columns(is_said=pl.lit(value=False))]
    )
    versions = _folded(table, marked, [*value_columns(table), "is_said"])
    return Versions(*(rows.filter("is_said").drop("is_said") for rows in versions.parts()))


def _left_out(table: Table, observations: pl.DataFrame, said: pl.DataFrame) -> pl.DataFrame:
    """Return rows of null values for each key that a payload leaves out between its first and last date."""
    payload = [table.digest_subject, "ingest_time", "payload_id"]
    key, day = list(table.business_key), pl.col(table.snapshot_date)
    reaches = observations.group_by(payload).agg(first_date=day.min(), last_date=day.max())
    known = said.select(key).unique().join(reaches, on=table.digest_subject)
    within = known.filter(day.is_between("first_date", "last_date"))
    silent = within.join(observations, on=[*key, "ingest_time", "payload_id"], how="anti")
    return silent.select(
        pl.col(name) if name in silent.columns else pl.lit(None, dtype).alias(name)
        for name, dtype in said.schema.items()
    )


def _folded(table: Table, observations: pl.DataFrame, values: list[str]) -> Versions:
    """Fold observations whose `values` tell one version from the next."""
    key = list(table.business_key)
    ordered = observations.sort([*key, "ingest_time", "payload_id"])
    is_overruled = _goes_on(runs.changes(ordered, [*key, "ingest_time"]))
    spoken = runs.chosen(ordered, ~is_overruled)
    versions = runs.chosen(spoken, runs.changes(spoken, [*key, *values]))
    is_closed = _goes_on(runs.changes(versions, key))
    next_times = versions.get_column("ingest_time")[np.flatnonzero(is_closed) + 1]
    return Versions(
        current=runs.chosen(versions, ~is_closed),
        history=runs.chosen(versions, is_closed).with_columns(next_times.alias("superseded_time")),
        # Rows that lost to one of the same instant and did say something else.
        conflicting=runs.chosen(ordered, is_overruled & ~_goes_on(runs.changes(ordered, values))),
    )


def _goes_on(changes: runs.Flags) -> runs.Flags:
    """Return which rows the next one does not differ from, by which rows differ from the one before."""
    return np.append(~changes[1:], np.zeros(min(len(changes), 1), np.bool_))


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
