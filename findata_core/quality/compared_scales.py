"""On whose scale bars of one session are compared: a split that lies between them is no difference.

What belongs here: bringing the bars that were known at an instant to one scale by the splits that were known then, and
the instants at which a split that became known changes what they say of each other. What does not: the factors
(market.scales), comparing (reconciliation), how long a break lasts (breaks).

Minutes of a Friday that were received on that Friday are in its shares; where a split has its ex-date on Monday, the
same Friday's daily bar of Tuesday is in those of Tuesday. A later answer never mends that: what is stored stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import polars as pl

from findata_core.market.releases import RECEIVED, receipt_column
from findata_core.market.scales import Scale, on_one_scale, price_factors

# One basis of a session: the bars that are brought to the youngest scale among them.
BASIS = ("instrument_id", "session_date", "adjustment")
SESSION = ("instrument_id", "session_date")
INSTANT = pl.Datetime("us", "UTC")


def on_known_scale(bars: pl.DataFrame, splits: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Return bars with those of each session and basis on the youngest scale among them; volumes in whole shares.

    `bars`: with known_time and ingest_time (and received_time, where answers were held at first), in any order; those
    of names that never split come out as they are.
    `splits`: versions of reference.splits with superseded_time (null: current); each bar meets those that were known
    at its known_time. `sessions`: of these exchanges, for their zones.
    """
    is_split = pl.col("instrument_id").is_in(splits.get_column("instrument_id").unique().implode())
    concerned = bars.filter(is_split)
    if concerned.is_empty():
        return bars
    parts = [
        on_one_scale(part, splits_at(mine, part.item(0, "known_time")), sessions, BASIS)
        for part, mine in _of_one_knowledge(concerned, splits)
    ]
    return pl.concat([bars.filter(~is_split), *parts])


def splits_at(splits: pl.DataFrame, known_time: datetime) -> pl.DataFrame:
    """Return the versions that were known at an instant: received by then, and not closed by then."""
    is_open = pl.col("superseded_time").is_null() | (pl.col("superseded_time") > known_time)
    return splits.filter(pl.col("ingest_time") <= known_time, is_open)


def rescaling_times(versions: pl.DataFrame, splits: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Return when a split that lies between the scales of a session's bars became known, or was taken back:
    SESSION and ingest_time.

    `versions`: rows of bars, current and closed ones. `splits` as for on_known_scale().
    """
    placed = versions.select(*BASIS, "ingest_time", pl.col(receipt_column(versions)).alias(RECEIVED)).unique()
    # Of no instrument that never split, and of no session on which all bars came at once.
    placed = placed.join(splits, on="instrument_id", how="semi").filter(pl.len().over(BASIS) > 1)
    found = [pl.DataFrame(schema={**placed.select(SESSION).schema, "ingest_time": INSTANT})]
    if not placed.is_empty():
        found.extend(_between(placed, splits[row : row + 1], sessions) for row in range(splits.height))
    return pl.concat(found).drop_nulls().unique()


def _between(placed: pl.DataFrame, split: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """When one version of a split began and ceased to be known, for the sessions whose scales it lies between."""
    scaled = placed.with_columns(
        youngest_session=pl.col("session_date").max().over(BASIS),
        youngest_known=pl.col("ingest_time").max().over(BASIS),
    )
    given, wanted = Scale("session_date", RECEIVED), Scale("youngest_session", "youngest_known")
    factors = price_factors(scaled, split, sessions, given, wanted)
    concerned = placed.filter(factors != 1.0).select(SESSION).unique()
    times = split.select(
        pl.concat_list("ingest_time", "superseded_time").cast(pl.List(INSTANT)).alias("ingest_time")
    )
    return concerned.join(times.explode("ingest_time"), how="cross")


def _of_one_knowledge(
    bars: pl.DataFrame, splits: pl.DataFrame
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield bars of one instrument that were looked at with the same splits known, and that instrument's splits."""
    for (name,), mine in bars.group_by(["instrument_id"], maintain_order=True):
        told = splits.filter(instrument_id=name)
        changes = pl.concat([told.get_column("ingest_time"), told.get_column("superseded_time")])
        times = changes.cast(INSTANT).drop_nulls().unique().sort()
        known = times.search_sorted(mine.get_column("known_time"), side="right")
        for part in mine.with_columns(era=known).partition_by("era", include_key=False):
            yield part, told
