"""Whether known splits explain that a provider has rescaled a history.

What belongs here: factors and splits. What does not: finding a factor (scales), what becomes of the bars
(findata_assets/steps/facts.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

import polars as pl

SAME_RATIO = 0.01  # a known split's ratio is met within 1 %, as in scales
SPLIT_SCHEMA = {
    "instrument_id": pl.String(),
    "ex_date": pl.Date(),
    "numerator": pl.Int64(),
    "denominator": pl.Int64(),
}


@dataclass(frozen=True)
class Explained:
    """Bars of a stored session that were said again on another scale, by these splits together.

    `factor`: new prices divided by the stored ones. A ratio of 4 means that prices are a quarter.
    """

    instrument_id: str
    interval: str
    session_date: date
    ratio: Fraction
    factor: float
    reason: str


def no_splits() -> pl.DataFrame:
    """Return a frame of splits without any."""
    return pl.DataFrame(schema=SPLIT_SCHEMA)


def explanation(
    factor: float, session: date, splits: Sequence[tuple[date, Fraction]]
) -> tuple[Fraction, str] | None:
    """Return the ratio, and the splits in words, that make prices of a session `factor` times what they were.

    One split after the session, or several that follow one another; a provider takes them in as they come.
    """
    later = sorted(split for split in splits if split[0] > session)
    for first in range(len(later)):
        ratio = Fraction(1)
        for last in range(first, len(later)):
            ratio *= later[last][1]
            if abs(factor * float(ratio) - 1) <= SAME_RATIO:
                return ratio, ", ".join(_in_words(*split) for split in later[first : last + 1])
    return None


def splits_of(splits: pl.DataFrame, instrument_id: str) -> list[tuple[date, Fraction]]:
    """Return an instrument's splits as (ex-date, ratio), each once."""
    mine = (
        splits.filter(instrument_id=instrument_id).select("ex_date", "numerator", "denominator").drop_nulls()
    )
    good = mine.filter(pl.col("numerator") > 0, pl.col("denominator") > 0).unique().sort("ex_date")
    return [(day, Fraction(top, bottom)) for day, top, bottom in good.iter_rows()]


def _in_words(ex_date: date, ratio: Fraction) -> str:
    return f"{ratio.numerator}:{ratio.denominator} of {ex_date}"
