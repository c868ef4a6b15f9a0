"""Prices on another scale than those known: by a constant factor, or by a power of ten.

What belongs here: factors between bars of one series. What does not: bars at another time (shifts).

Thresholds and why:
- A history is rescaled where nine of ten prices of a session that are known already moved by one factor, within
  0.1 % and the rounding of prices to cents. Revisions move few bars, and each by its own factor.
- With twenty bars a factor of 1 % is told from chance; with fewer it takes 10 %: the smallest usual split is 11:10
  or 5:4, and a provisional day is revised by less; what the factor leaves may then be half a percent, since a stored
  day may be provisional, its close the last trade in place of the auction's. Three different prices at least, or
  twenty bars: a thin name's only print may be corrected by anything.
- Sessions of fewer than twenty bars, days above all, are taken together while they follow each other by one factor: of
  five sessions the one in the middle by factor tells which, so that an odd one does not end a stretch. A session
  belongs to it if its own factor is the stretch's within half a percent: it may have come in later, on the new scale.
- Bars adjusted for dividends are rescaled at each of them: there only a factor of 1.5 or more is implausible.
- A session is off by a power of ten where its median price is, within a quarter of it (a move by a quarter besides
  would be rare by itself), and from each of its neighbours: where one of them agrees, it is the other that is odd.
  A price that doubles, triples or falls by two thirds is none of this.
"""

from __future__ import annotations

import math
import sys
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

PRICES = ("open", "high", "low", "close")
AGREEING = 0.9  # of the prices of a session
TOLERANCE, TOLERANCE_OF_FEW = 0.001, 0.005
HALF_A_CENT = 0.005
MANY_BARS, FEW_PRICES = 20, 3
AROUND = 5  # sessions whose factors are looked at together
LEAST_FACTOR_OF_MANY, LEAST_FACTOR_OF_FEW = 1.01, 1.1
LEAST_FACTOR_OF_DIVIDENDS = 1.5
NEAR_A_POWER = math.log10(1.25)
REACH = timedelta(days=31)
SHOWN = 5

Found = tuple[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Rescaling:
    """A session that is stored already and said again, by one factor: new prices by old ones.

    `bars`: those that show it, of the session or of the stretch of sessions that it belongs to.
    """

    session_date: date
    factor: float
    bars: pl.DataFrame

    @property
    def words(self) -> str:
        """What was found."""
        first, last = self.bars.item(0, "session_date_old"), self.bars.item(-1, "session_date_old")
        days = f"of {first}" if first == last else f"from {first} to {last}"
        return (
            f"{self.bars.height} bars {days} that are stored already have prices "
            f"{self.factor:.4g} times the stored ones, all by one factor"
        )


def rescalings(said: pl.DataFrame, stored: pl.DataFrame) -> Iterator[Rescaling]:
    """Yield the sessions that are stored already and said again on another scale, in their order."""
    both = said.join(stored, on="place", suffix="_old").sort("place")
    if both.is_empty():
        return
    for _, stretch in _in_stretches(both).group_by("stretch", maintain_order=True):
        shared = _common_factor(stretch) if stretch.height >= MANY_BARS else None
        for _, bars in stretch.group_by("day", maintain_order=True):
            if shared is not None and _is_near(bars.item(0, "day_factor"), shared):
                yield Rescaling(bars.item(0, "session_date_old"), shared, stretch)
            elif (factor := _common_factor(bars)) is not None:
                yield Rescaling(bars.item(0, "session_date_old"), factor, bars)


def _is_near(factor: float, shared: float) -> bool:
    return factor == shared or abs(factor - shared) <= TOLERANCE_OF_FEW * shared


def _in_stretches(both: pl.DataFrame) -> pl.DataFrame:
    """Add day, day_factor (the median of its new prices by old ones) and the number of the stretch that it is in.

    Sessions of many bars tell a factor by themselves: each is a stretch.
    """
    dated = both.with_columns(day=pl.col("place").dt.date())
    ratios = pl.concat_list(pl.col(name) / pl.col(f"{name}_old") for name in PRICES)
    days = dated.group_by("day", maintain_order=True).agg(
        day_factor=ratios.explode().median(), price=pl.col("close").median(), bars=pl.len()
    )
    factor = pl.col("day_factor").rolling_median(AROUND, min_samples=1, center=True)
    allowed = TOLERANCE_OF_FEW + HALF_A_CENT * (1 + factor) / pl.col("price")
    is_many = pl.col("bars") >= MANY_BARS
    is_other = ((factor / factor.shift() - 1).abs() > allowed) | is_many | is_many.shift()
    numbered = days.select("day", "day_factor", stretch=is_other.fill_null(value=False).cum_sum())
    return dated.join(numbered, on="day", maintain_order="left")


def rescaled(found: Rescaling) -> Found:
    """Return what is told of a rescaling that nothing explains."""
    return f"{found.words}, and no split is known", _old_and_new(found.bars)


def _common_factor(bars: pl.DataFrame) -> float | None:
    """Return the one factor between old and new prices, if there is one and it is not 1."""
    old = pl.concat([bars.get_column(f"{name}_old") for name in PRICES])
    new = pl.concat([bars.get_column(name) for name in PRICES])
    factor = float((new / old).median())  # type: ignore[arg-type]
    allowed = TOLERANCE if bars.height >= MANY_BARS else TOLERANCE_OF_FEW
    tolerance = allowed * new + HALF_A_CENT * (1 + factor)
    if ((new - factor * old).abs() <= tolerance).sum() < AGREEING * len(new):
        return None
    distinct = old.n_unique()
    if distinct < FEW_PRICES and bars.height < MANY_BARS:
        return None
    many = bars.height >= MANY_BARS and distinct >= FEW_PRICES
    least = LEAST_FACTOR_OF_MANY if many else LEAST_FACTOR_OF_FEW
    if bars.row(0, named=True)["adjustment"] == "split_dividend":
        least = LEAST_FACTOR_OF_DIVIDENDS
    # What rounding alone can do to the price of a few cents is no factor.
    slack = 1 + 3 * HALF_A_CENT * (1 + factor) / float(new.median())  # type: ignore[arg-type]
    # Prices may lie so far apart that their ratio is 0 or infinite in floats: no less a scale.
    distance = max(factor, 1 / factor if factor else math.inf)
    return factor if distance >= max(least, slack) else None


def powers_of_ten_off(said: pl.DataFrame, levels: pl.DataFrame, ratios: Sequence[float]) -> Found | None:
    """Return what is found if a session's prices are off all its neighbours' by a power of ten.

    `levels`: session_date, level. Neighbours are what is stored of the session itself, else the nearest stored
    sessions before and after it; where nothing near is stored, those that the payload itself has.
    """
    sessions = said.group_by(pl.col("place").dt.date().alias("session_date"))
    mine = dict(sessions.agg(pl.col("close").median()).iter_rows())
    stored: dict[date, list[float]] = {}
    for day, price in levels.select("session_date", "level").filter(pl.col("level") > 0).iter_rows():
        stored.setdefault(day, []).append(price)
    known = {**{day: [price] for day, price in mine.items()}, **stored}
    stored_days, own_days = sorted(stored), sorted(mine)
    for day, level in sorted(mine.items()):
        around = [day] if day in stored else _beside(day, stored_days) or _beside(day, own_days)
        neighbours = [(other, price) for other in around for price in known[other]]
        powers = {_power_between(level, price, ratios) for _, price in neighbours}
        if len(powers) == 1 and (power := powers.pop()) != 0:
            other, price = neighbours[0]
            times = f"about {_in_digits(power)} times those of {other}"
            words = f"prices of {day} are {times}: {level:.6g} against {price:.6g}"
            shown = [{"session": str(near), "old": old, "new": None} for near, old in neighbours]
            return words, [*shown, {"session": str(day), "old": None, "new": level}]
    return None


def _beside(day: date, days: Sequence[date]) -> list[date]:
    """Return the nearest of the sorted days before and after one of them, those in reach."""
    place = bisect_left(days, day)
    after = place + (days[place : place + 1] == [day])
    beside = [*days[max(0, place - 1) : place], *days[after : after + 1]]
    return [other for other in beside if abs(other - day) <= REACH]


def _power_between(level: float, other: float, ratios: Sequence[float]) -> int:
    """Return the power of ten between two prices; 0 where they are not near one, or a known split explains it."""
    log = math.log10(level) - math.log10(other)  # their quotient may be no float
    power = round(log)
    is_explained = any(abs(log - math.log10(ratio)) <= NEAR_A_POWER for ratio in ratios)
    return power if abs(log - power) <= NEAR_A_POWER and not is_explained else 0


def _in_digits(power: int) -> str:
    """Return a power of ten as a number; floats end at 308."""
    return f"{10.0**power:g}" if abs(power) < sys.float_info.max_10_exp else f"1e{power:+}"


def _old_and_new(bars: pl.DataFrame) -> list[dict[str, Any]]:
    """Return some bars with their old and new prices, spread over all of them."""
    rows = bars.gather_every(max(1, bars.height // SHOWN)).head(SHOWN)
    return [
        {
            "time": row["place"].isoformat(sep=" ", timespec="minutes"),
            "old": {name: row[f"{name}_old"] for name in PRICES},
            "new": {name: row[name] for name in PRICES},
        }
        for row in rows.iter_rows(named=True)
    ]
