"""In whose shares prices are, and bringing prices from both sides of a split together.

What belongs here: the factors between two scales, for candles and levels. What does not: adjusted views for readers
(adjusting), which splits are known when (the steps).

A price that is "raw" is in the shares of its own session, one that is "split" in those of the day it was received, or
of its session if that is later. What is folded of several days is in the shares of the day its youngest bar became
known: the same, unless that was held and released later (releases). From a scale b to a scale B it is multiplied by
C(b) / C(B), where C(d) is the product of numerator / denominator of all splits with an ex-date up to d, d included.
What is "split_dividend" stays as it is: nobody knows its scale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

import polars as pl

from findata_core.calendars import mic_of
from findata_core.market.adjusting import Actions, splits_of
from findata_core.market.releases import receipt_column

CANDLE_PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True)
class Scale:
    """Columns that say a scale: of a session's date, and of the instant at which the price was received."""

    session_date: str
    received_time: str


def price_factors(
    rows: pl.DataFrame, splits: pl.DataFrame, sessions: pl.DataFrame, given: Scale, wanted: Scale
) -> pl.Series:
    """Return by what each row's prices are multiplied to come from one scale to the other; 1.0: no split between.

    `rows`: instrument_id, adjustment and the columns of the scales (a received_time may be null: not known). `splits`:
    rows of reference.splits, of all sources. `sessions`: of these exchanges, for their zones.
    """
    factors = pl.Series("price_factor", [1.0], dtype=pl.Float64).new_from_index(0, rows.height)
    concerned = rows.with_row_index("row").filter(
        pl.col("instrument_id").is_in(splits.get_column("instrument_id").unique().implode()),
        pl.col("adjustment").is_in(["raw", "split"]),
    )
    for group in concerned.partition_by("instrument_id"):
        mine = splits.filter(instrument_id=group.item(0, "instrument_id"))
        zone = _zone(sessions, group)
        dates = group.select(_basis(given, zone).alias("given"), _basis(wanted, zone).alias("wanted"))
        factors = factors.scatter(group.get_column("row"), list(_between(dates, splits_of(mine))))
    return factors


def rescaled(rows: pl.DataFrame, factors: pl.Series, prices: Sequence[str]) -> pl.DataFrame:
    """Return rows with their prices times the factors; where a factor is 1 they come out as they are."""
    if (factors == 1.0).all():
        return rows
    return rows.with_columns(pl.col(name) * factors for name in prices)


def on_one_scale(
    candles: pl.DataFrame, splits: pl.DataFrame | None, sessions: pl.DataFrame, groups: Sequence[str]
) -> pl.DataFrame:
    """Return candles, those of each group brought to the scale of its youngest session or, "split", of the day the last
    of them became known: that day is what its ingest_time will say. Volumes in whole shares."""
    if splits is None or splits.is_empty() or candles.is_empty():
        return candles
    known = candles
    if "ingest_time" not in candles.columns:
        known = candles.with_columns(ingest_time=pl.lit(None, pl.Datetime("us", "UTC")))
    placed = known.with_columns(
        youngest_session=pl.col("session_date").max().over(groups),
        youngest_known=pl.col("ingest_time").max().over(groups),
    )
    given, wanted = Scale("session_date", receipt_column(known)), Scale("youngest_session", "youngest_known")
    factors = price_factors(placed, splits, sessions, given, wanted)
    volume = (
        pl.when(factors == 1.0).then("volume").otherwise((pl.col("volume") / factors).round().cast(pl.Int64))
    )
    return rescaled(candles.with_columns(volume), factors, CANDLE_PRICES)


def _basis(scale: Scale, zone: str) -> pl.Expr:
    received = pl.col(scale.received_time).dt.convert_time_zone(zone).dt.date()
    session = pl.col(scale.session_date)
    return (
        pl.when(pl.col("adjustment") == "raw").then(session).otherwise(pl.max_horizontal(session, received))
    )


def _zone(sessions: pl.DataFrame, group: pl.DataFrame) -> str:
    mic = group.select(mic_of(pl.col("instrument_id"))).item(0, 0)
    return str(sessions.filter(mic=mic).item(0, "time_zone"))


def _between(dates: pl.DataFrame, actions: Actions) -> Iterator[float]:
    factors: dict[tuple[date, date], float] = {}
    for given, wanted in dates.iter_rows():
        if (given, wanted) not in factors:
            factors[given, wanted] = float(_factor(given, wanted, actions))
        yield factors[given, wanted]


def _factor(given: date, wanted: date, actions: Actions) -> Fraction:
    if given <= wanted:
        return 1 / actions.shares(given, wanted)
    return actions.shares(wanted, given)
