"""By when an observation of a series, or a day's exchange rates, should have been published.

What belongs here: upper bounds by release, as far as the publishers state a rule; a release without one is expected of
nobody. What does not: what was published (vintages), asking for it (findata_assets/steps/series.py).

The bounds are generous: agencies move a release by days around holidays, and none of them keeps its dates when the
government is shut. What is later than its bound is worth a look, not proven wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from findata_core.economic.catalogue import Series
from findata_core.economic.vintages import PUBLISHERS_ZONE
from findata_core.rates.closures import certain_business_days, easter_sunday

DAY = timedelta(days=1)
SATURDAY = 5
# FRED has what was published in Washington or New York during a day by then; the schedule asks at 16:30.
LOADED_BY = time(18, 0)

FX_ZONE = "Europe/Berlin"
# "usually updated around 16:00 CET on every working day" (the bank's page of the rates); the schedule asks at 16:30.
FX_BY = time(18, 0)


@dataclass(frozen=True)
class Lag:
    """How long after the end of its period an observation is out: calendar days, then on to a business day."""

    days: int


# (release, frequency) -> its lag. Daily figures come on the next business day where nothing else is said. Sorted.
LAGS: Mapping[tuple[str, str], Lag] = {
    # Options of the Cboe and the index of S&P: in the evening, or the next morning.
    ("CBOE Market Statistics", "D"): Lag(1),
    # Between the 10th and the 18th (https://www.bls.gov/schedule/news_release/cpi.htm).
    ("Consumer Price Index", "M"): Lag(20),
    # The third Friday after the week that holds the 12th, mostly the first one of the month
    # (https://www.bls.gov/schedule/news_release/empsit.htm).
    ("Employment Situation", "M"): Lag(12),
    ("FOMC Press Release", "D"): Lag(1),
    # Around the 15th (https://www.federalreserve.gov/releases/g17/).
    ("G.17 Industrial Production and Capacity Utilization", "M"): Lag(20),
    # The advance estimate: about a month after the quarter (https://www.bea.gov/news/schedule).
    ("Gross Domestic Product", "Q"): Lag(35),
    # Mondays at 16:15 for the week before, the day after where Monday is a holiday
    # (https://www.federalreserve.gov/releases/h10/): see _end_of_period.
    ("H.10 Foreign Exchange Rates", "D"): Lag(1),
    # On business days at 16:15 for the day before; monthly averages with the first day of the next month
    # (https://www.federalreserve.gov/releases/h15/).
    ("H.15 Selected Interest Rates", "D"): Lag(1),
    ("H.15 Selected Interest Rates", "M"): Lag(7),
    ("Interest Rate Spreads", "D"): Lag(1),
    ("Interest Rate on Reserve Balances", "D"): Lag(1),
    # Four weeks after the month (https://www.bea.gov/news/schedule).
    ("Personal Income and Outlays", "M"): Lag(35),
    # The Energy Information Administration brings a week at a time.
    ("Spot Prices", "D"): Lag(10),
    ("Standard & Poors", "D"): Lag(1),
    # Thursdays for the week that ended on Saturday (https://www.dol.gov/ui/data.pdf), around holidays a day off.
    ("Unemployment Insurance Weekly Claims Report", "W"): Lag(6),
}
WEEKLY_RELEASES = frozenset({"H.10 Foreign Exchange Rates"})


def observations_expected(line: Series, first: date, last: date) -> Iterator[tuple[date, datetime]]:
    """Yield the observation dates of a series from `first` to `last`, both inclusive, and by when each is out."""
    lag = LAGS.get((line.release, line.frequency))
    if lag is None:
        return
    for day in _observation_dates(line.frequency, first, last):
        out = _end_of_period(line, day) + lag.days * DAY
        yield day, datetime.combine(_business_day_from(out), LOADED_BY, ZoneInfo(PUBLISHERS_ZONE))


def fx_expected(first: date, last: date) -> Iterator[tuple[date, datetime]]:
    """Yield the days of the euro's reference rates from `first` to `last`, both inclusive, and by when they are out."""
    for number in range((last - first).days + 1):
        day = first + number * DAY
        if is_target_day(day):
            yield day, datetime.combine(day, FX_BY, ZoneInfo(FX_ZONE))


def is_target_day(day: date) -> bool:
    """Tell whether the euro's payment system T2 is open: its closing days are those of every year since 2002
    (https://www.ecb.europa.eu/ecb/contacts/working-hours/html/index.en.html)."""
    easter = easter_sunday(day.year)
    closed = {(1, 1), (5, 1), (12, 25), (12, 26)}
    is_easter = day in (easter - 2 * DAY, easter + DAY)
    return day.weekday() < SATURDAY and (day.month, day.day) not in closed and not is_easter


def _observation_dates(frequency: str, first: date, last: date) -> Iterator[date]:
    if frequency == "D":
        yield from certain_business_days(first, last)
        return
    for number in range((last - first).days + 1):
        day = first + number * DAY
        is_week_end = frequency == "W" and day.weekday() == SATURDAY
        is_start = day.day == 1 and (frequency == "M" or (frequency == "Q" and day.month % 3 == 1))
        if is_week_end or is_start:
            yield day


def _end_of_period(line: Series, day: date) -> date:
    """Return the last day of the period that an observation is of; of a daily one in a weekly release the Sunday."""
    if line.frequency == "M":
        return (day.replace(day=28) + 4 * DAY).replace(day=1) - DAY
    if line.frequency == "Q":
        return (day.replace(day=1) + 95 * DAY).replace(day=1) - DAY
    if line.release in WEEKLY_RELEASES:
        return day + (6 - day.weekday()) * DAY
    return day


def _business_day_from(day: date) -> date:
    """Return the first day from `day` on, inclusive, on which Washington works for certain."""
    return certain_business_days(day, day + 10 * DAY)[0]
