"""A rate compounded in arrears between any two days.

What belongs here: the result of one window as somebody asks for it. What does not: compounding itself
(compounding.py), and the windows that the New York Fed publishes (sofr.py).
"""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from findata_core.errors import DataError
from findata_core.rates.compounding import YEAR_DAYS, fixings_in


@dataclass(frozen=True)
class Compounded:
    """What one unit becomes from `start`, inclusive, to `end`, exclusive, and the simple rate that says the same.

    `rate_percent` = (factor - 1) x 360 / days. `ingest_time`: knowledge time of the youngest fixing used.
    """

    rate: str
    start: date
    end: date
    days: int
    fixing_count: int
    factor: float
    rate_percent: float
    ingest_time: datetime | None


def compounded_in_arrears(fixings: pl.DataFrame, rate: str, start: date, end: date) -> Compounded:
    """Compound a rate over [start, end); `fixings` are rows of rates.rates, one a rate and day.

    DataError where the window is empty or begins before the first fixing, or a business day in it has none.
    """
    if start >= end:
        raise DataError(
            f"The window from {start} to {end} has no day", "The end is exclusive, after the start"
        )
    mine = fixings.filter(rate=rate).sort("observation_date")
    growth = fixings_in(mine, until=end).growth(start, end)
    if growth.factor is None:
        raise DataError(
            f"{rate} from {start} to {end} is not known: {growth.reason}",
            "findata rates list shows what is known; findata materialize --source nyfed asks for the rest",
        )
    days = (end - start).days
    percent = (growth.factor - 1) * YEAR_DAYS / days * 100
    return Compounded(rate, start, end, days, growth.fixing_count, growth.factor, percent, growth.ingest_time)
