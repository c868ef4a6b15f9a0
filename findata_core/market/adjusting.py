"""Prices and volumes on another basis: as traded, brought to one number of shares, or with dividends taken out.

What belongs here: the arithmetic, as pure functions of bars, splits, dividends and closes. What does not: which bars
and actions are known when (findata_assets/steps/adjusted), how a ratio is read (ratios).

A price is on the basis of a date: of the shares as they were on it. A bar "raw" is on the basis of its own session,
one "split" on that of the day it was received (releases). From basis b to basis B a price is multiplied by the splits
between: C(b) / C(B), where C(d) is the product of numerator / denominator of all splits after the session, up to d, d
included.
A dividend D takes out the factor 1 - D / P, P the last close before its ex-date, in what is not younger (CRSP; Yahoo's
"Adj Close"; https://help.yahoo.com/kb/SLN28256.html).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import polars as pl

from findata_core.errors import ConfigurationError, DataError, MixedAdjustments
from findata_core.market.choosing import SOURCE_ORDER
from findata_core.market.releases import RECEIVED, receipt_column

View = Literal["raw", "split", "all"]
VIEWS: tuple[View, ...] = ("raw", "split", "all")

PRICES = ("open", "high", "low", "close", "vwap")
# Two sources may date one split differently; no company splits twice in a week, or pays the same twice in three days.
SAME_SPLIT, SAME_DIVIDEND = timedelta(days=5), timedelta(days=2)
STALE_CLOSE = timedelta(
    days=14
)  # a close before an ex-date that is older says nothing of it: closures are shorter
SIGNIFICANT = 12  # digits of a price as traded, at most; beyond are the roundings of its way there and back
_POWERS = np.array([float(10**exponent) for exponent in range(23)])  # those that a float holds exactly


@dataclass(frozen=True)
class Actions:
    """What an instrument went through: splits by ex-date, and dividends, on a share of the day before their ex-date."""

    splits: tuple[tuple[date, Fraction], ...] = ()
    dividends: tuple[tuple[date, Fraction], ...] = ()

    def shares(self, session: date, basis: date) -> Fraction:
        """Return how many shares of the basis date one share of the session has become."""
        return _product(ratio for ex_date, ratio in self.splits if session < ex_date <= basis)


def actions_of(
    splits: pl.DataFrame, dividends: pl.DataFrame, zone: str, currency: str, price_units: int
) -> Actions:
    """Return one instrument's actions from rows of reference.splits and reference.dividends, of all sources.

    Where sources agree on the event the preferred one's row is taken. Amounts come out in price units.
    """
    made = splits_of(splits)
    paid: dict[date, Fraction] = {}
    for kind in sorted(set(dividends.get_column("kind"))):
        for row in _once(dividends.filter(kind=kind).to_dicts(), SAME_DIVIDEND):
            amount = _as_paid(row, made, zone, currency) * price_units
            paid[row["ex_date"]] = paid.get(row["ex_date"], Fraction(0)) + amount
    return Actions(made.splits, tuple(sorted(paid.items())))


def splits_of(splits: pl.DataFrame) -> Actions:
    """Return one instrument's splits alone, from rows of reference.splits of all sources."""
    chosen = _once(splits.to_dicts(), SAME_SPLIT)
    ratios = ((row["ex_date"], Fraction(row["numerator"], row["denominator"])) for row in chosen)
    return Actions(tuple(sorted(ratios)))


def adjusted(
    bars: pl.DataFrame, actions: Actions, view: View, on: date, zone: str, closes: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return one instrument's bars of sessions up to `on`, in the shares of that day; `raw`: each as it was traded.

    Only what had an ex-date by then counts. `closes`: session_date, close as traded, for the dividends (default: of the
    bars themselves). Added: price_factor and volume_factor, by which the stored numbers were multiplied. Volumes become
    fractions: a share is not always a whole number of later ones.
    """
    known = bars.filter(pl.col("session_date") <= on)
    bases = basis_dates(known, zone)
    paid = _dividend_factors(actions, closes if closes is not None else _own_closes(known, bases, actions))
    pairs = list(zip(known.get_column("session_date"), bases, strict=True))
    factors = {pair: _factors(*pair, actions, view, on, paid) for pair in dict.fromkeys(pairs)}
    prices = pl.Series("price_factor", [factors[pair][0] for pair in pairs], dtype=pl.Float64)
    volumes = pl.Series("volume_factor", [factors[pair][1] for pair in pairs], dtype=pl.Float64)
    return known.drop(RECEIVED, strict=False).with_columns(
        *(pl.col(name) * prices for name in PRICES if name in known.columns),
        pl.col("volume").cast(pl.Float64) * volumes,
        prices,
        volumes,
    )


def unadjusted(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what adjusted() was given, of the sessions that it returned: prices of up to 12 digits exactly."""
    restored = [
        _rounded(rows.get_column(name) / rows.get_column("price_factor"))
        for name in PRICES
        if name in rows.columns
    ]
    volumes = (pl.col("volume") / pl.col("volume_factor")).round().cast(pl.Int64)
    return rows.with_columns(*restored, volumes).drop("price_factor", "volume_factor")


def basis_dates(bars: pl.DataFrame, zone: str) -> pl.Series:
    """Return the date in whose shares each bar is quoted; MixedAdjustments where nobody can say."""
    unknown = bars.filter(~pl.col("adjustment").is_in(["raw", "split"]))
    if not unknown.is_empty():
        raise MixedAdjustments(
            f"Bars with the basis {unknown.item(0, 'adjustment')!r} hold a provider's own factors",
            "Adjust bars that are stored as traded (raw) or in the shares of a day (split)",
        )
    received = pl.col(receipt_column(bars)).dt.convert_time_zone(zone).dt.date()
    is_raw = pl.col("adjustment") == "raw"
    later = pl.max_horizontal("session_date", received)
    return bars.select(pl.when(is_raw).then("session_date").otherwise(later).alias("basis_date")).to_series()


def require_view(name: str) -> View:
    """Return the view of that name; ConfigurationError names those there are."""
    for view in VIEWS:
        if view == name:
            return view
    raise ConfigurationError(f"There is no view {name!r}", f"use one of {', '.join(VIEWS)}")


def _factors(
    session: date, basis: date, actions: Actions, view: View, on: date, paid: Sequence[tuple[date, Fraction]]
) -> tuple[float, float]:
    target = session if view == "raw" else on
    ratio = actions.shares(session, basis) / actions.shares(session, target)
    dividends = Fraction(1)
    if view == "all":
        dividends = _product(factor for ex_date, factor in paid if session < ex_date <= on)
    return float(ratio * dividends), float(1 / ratio)


def _dividend_factors(actions: Actions, closes: pl.DataFrame) -> list[tuple[date, Fraction]]:
    """Return each dividend's factor 1 - D / P; those before all closes touch no price and are left out."""
    ordered = sorted(closes.select("session_date", "close").iter_rows())
    factors = []
    for ex_date, amount in actions.dividends:
        before = [(day, price) for day, price in ordered if day < ex_date]
        if not before:
            continue
        day, price = before[-1]
        _require_price(ex_date, amount, day, price)
        factors.append((ex_date, 1 - amount / Fraction(Decimal(repr(price)))))
    return factors


def _require_price(ex_date: date, amount: Fraction, day: date, price: float) -> None:
    if ex_date - day > STALE_CLOSE:
        raise DataError(
            f"The last close before the dividend of {ex_date} is of {day}",
            "Load daily bars of the sessions before it, or ask for --adjust split",
        )
    if amount >= Fraction(Decimal(repr(price))):
        raise DataError(
            f"The dividend of {ex_date} is {float(amount):g} a share, the close before it {price:g}",
            "One of them is in another unit: compare reference.dividends with the instrument's price_units",
        )


def _own_closes(bars: pl.DataFrame, bases: pl.Series, actions: Actions) -> pl.DataFrame:
    """Return the last close of each session as it was traded."""
    rows = bars.select("session_date", "event_time", "close").with_columns(bases)
    last = rows.sort("event_time").group_by("session_date", maintain_order=True).last()
    traded = [
        price * float(actions.shares(day, basis))
        for day, price, basis in last.select("session_date", "close", "basis_date").iter_rows()
    ]
    return last.select("session_date", _rounded(pl.Series("close", traded, dtype=pl.Float64)))


def _as_paid(row: Mapping[str, Any], splits: Actions, zone: str, currency: str) -> Fraction:
    """Return a dividend's amount on one share as it was the day before the ex-date."""
    if row["currency"] != currency:
        raise DataError(
            f"The dividend of {row['ex_date']} is paid in {row['currency']}, prices are in {currency}",
            "Load it in the currency of the prices, or ask for --adjust split",
        )
    amount = Fraction(row["amount"])
    if row["adjustment"] == "raw":
        return amount
    received = row.get(RECEIVED, row["ingest_time"]).astimezone(_zone(zone)).date()
    return amount * splits.shares(row["ex_date"] - timedelta(days=1), received)


def _zone(name: str) -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def _once(rows: Sequence[Mapping[str, Any]], near: timedelta) -> list[Mapping[str, Any]]:
    """Return each event once: of the rows of several sources near one another the preferred source's."""
    ranks = {name: rank for rank, name in enumerate(SOURCE_ORDER)}
    kept: list[Mapping[str, Any]] = []
    for row in sorted(
        rows, key=lambda row: (ranks.get(row["source"], len(ranks)), row["source"], row["ex_date"])
    ):
        others = (one for one in kept if one["source"] != row["source"])
        if not any(abs(one["ex_date"] - row["ex_date"]) <= near for one in others):
            kept.append(row)
    return kept


def _product(factors: Any) -> Fraction:
    result = Fraction(1)
    for factor in factors:
        result *= factor
    return result


def _rounded(values: pl.Series) -> pl.Series:
    """Round to 12 significant digits: what multiplying and dividing left behind lies beyond."""
    numbers = values.to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = np.nan_to_num(np.floor(np.log10(np.abs(numbers))), nan=0, posinf=0, neginf=0)
        places = np.clip(SIGNIFICANT - 1 - digits, 0, len(_POWERS) - 1).astype(np.int64)
    rounded = np.round(numbers * _POWERS[places]) / _POWERS[places]
    return pl.Series(values.name, rounded).set(values.is_null(), None)
