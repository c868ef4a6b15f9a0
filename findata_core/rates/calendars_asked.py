"""The calendars that are asked whether a weekday is a business day of a rate, and what each says.

What belongs here: the libraries, and the only import of pandas_market_calendars. What does not: judging them by what
was published (disagreements.py). findata computes with none of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version

from findata_core.rates.closures import certain_business_days


@dataclass(frozen=True)
class AskedCalendar:
    """A calendar; `business_days(first, last)` gives its days, both ends inclusive. `package`: whose version counts."""

    name: str
    package: str
    business_days: Callable[[date, date], set[date]]

    @property
    def version(self) -> str:
        """The version of the library; "" for findata's own rule."""
        return version(self.package) if self.package else ""


def _new_york_stock_exchange(first: date, last: date) -> set[date]:
    from findata_core.calendars import session_dates

    return set(session_dates(["XNYS"], first, last))


def _sifma(first: date, last: date) -> set[date]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas, as exchange_calendars' are: it is older than pandas 3
        import pandas_market_calendars

        days = pandas_market_calendars.get_calendar("SIFMA_US").valid_days(str(first), str(last))
    return {day.date() for day in days}


def _federal_holidays(first: date, last: date) -> set[date]:
    import pandas as pd
    from pandas.tseries.holiday import USFederalHolidayCalendar
    from pandas.tseries.offsets import CustomBusinessDay

    days = pd.date_range(first, last, freq=CustomBusinessDay(calendar=USFederalHolidayCalendar()))
    return {day.date() for day in days}


def _findata(first: date, last: date) -> set[date]:
    return set(certain_business_days(first, last))


# family of rates -> the calendars that somebody might take for its own. Sorted.
CALENDARS: Mapping[str, tuple[AskedCalendar, ...]] = {
    "secured": (
        AskedCalendar("exchange_calendars XNYS", "exchange_calendars", _new_york_stock_exchange),
        AskedCalendar("findata certain business days", "", _findata),
        AskedCalendar("pandas USFederalHolidayCalendar", "pandas", _federal_holidays),
        AskedCalendar("pandas_market_calendars SIFMA_US", "pandas_market_calendars", _sifma),
    ),
    "unsecured": (
        AskedCalendar("exchange_calendars XNYS", "exchange_calendars", _new_york_stock_exchange),
        AskedCalendar("findata certain business days", "", _findata),
        AskedCalendar("pandas USFederalHolidayCalendar", "pandas", _federal_holidays),
    ),
}
