"""What a later snapshot of a calendar says otherwise: days closed, opened or moved.

What belongs here: telling changes from the versions of reference.sessions. What does not: calendars themselves
(calendars), what has to be computed again because of a change (findata_assets.steps.session_changes).
"""

from __future__ import annotations

import polars as pl

from findata_core.schema.frames import conform, empty
from findata_core.schema.tables import table

CHANGES = table("reference.session_changes")
KEY = ["mic", "session_date"]
INSTANT = pl.Datetime("us", "UTC")
BEFORE = {name: f"{name}_before" for name in ("open_time", "close_time", "trading_minutes")}


def session_changes(current: pl.DataFrame, history: pl.DataFrame) -> pl.DataFrame:
    """Return what has changed, as rows of reference.session_changes sorted by business key.

    `current`, `history`: rows of reference.sessions and their closed versions, all of an exchange or none. A day that
    only the later snapshot reaches, or only the earlier one, has not changed.
    """
    versions = pl.concat([current.with_columns(superseded_time=pl.lit(None, INSTANT)), history])
    if versions.is_empty():
        return empty(CHANGES)
    came = versions.select(*KEY, *BEFORE, "ingest_time", changed_time="ingest_time")
    went = versions.filter(pl.col("superseded_time").is_not_null()).select(
        *KEY,
        *(pl.col(name).alias(before) for name, before in BEFORE.items()),
        pl.col("ingest_time").alias("known_before"),
        changed_time="superseded_time",
    )
    both = went.join(came, on=[*KEY, "changed_time"], how="full", coalesce=True)
    reached = both.join(_reaches(versions), on=["mic", "changed_time"]).filter(
        pl.col("session_date").is_between("first_date", "last_date")
    )
    known = pl.coalesce("ingest_time", "changed_time")
    rows = reached.with_columns(kind=_kind(), ingest_time=known)
    return conform(rows, CHANGES).sort(CHANGES.business_key)


def _kind() -> pl.Expr:
    return (
        pl.when(pl.col("open_time").is_null())
        .then(pl.lit("closed"))
        .when(pl.col("open_time_before").is_null())
        .then(pl.lit("opened"))
        .otherwise(pl.lit("moved"))
    )


def _reaches(versions: pl.DataFrame) -> pl.DataFrame:
    """For each instant after an exchange's first: the dates that were reached before it, both inclusive."""
    instants = pl.concat(
        [
            versions.select("mic", changed_time="ingest_time"),
            versions.select("mic", changed_time="superseded_time").drop_nulls(),
        ]
    ).unique()
    earlier = instants.join(versions.select(*KEY, "ingest_time"), on="mic").filter(
        pl.col("ingest_time") < pl.col("changed_time")
    )
    return earlier.group_by("mic", "changed_time").agg(
        first_date=pl.col("session_date").min(), last_date=pl.col("session_date").max()
    )
