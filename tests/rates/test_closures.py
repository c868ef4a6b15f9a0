"""Days on which a fixing must exist, against the fixings that do."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from findata_core.rates.closures import certain_business_days


def test_every_certain_business_day_of_eight_years_has_a_fixing(trial_data: Path) -> None:
    file = trial_data / "rates" / "JoaquinMulet-treasury-desk" / "SOFR.csv"
    fixed = set(pl.read_csv(file, try_parse_dates=True)["date"])
    certain = set(certain_business_days(min(fixed), max(fixed)))
    assert certain - fixed == set()
    # Fridays before a holiday on Saturday, on which the market was open after all.
    assert fixed - certain == {date(2021, 12, 31), date(2023, 11, 10)}


@pytest.mark.parametrize(
    "day",
    [
        date(2018, 12, 5),  # day of mourning
        date(2019, 10, 14),  # Columbus Day: NYSE was open
        date(2021, 4, 2),  # Good Friday, though the employment report came out
        date(2021, 7, 5),  # Independence Day on a Sunday
        date(2021, 12, 24),  # Christmas on a Saturday
        date(2022, 6, 20),  # Juneteenth on a Sunday
        date(2024, 5, 27),  # Memorial Day
        date(2024, 11, 28),  # Thanksgiving
        date(2024, 6, 15),  # a Saturday
    ],
)
def test_closures_ask_for_no_fixing(day: date) -> None:
    assert certain_business_days(day, day) == []


@pytest.mark.parametrize(
    "day",
    [
        date(2021, 6, 18),  # Juneteenth was not kept yet
        date(2022, 4, 14),  # Maundy Thursday
        date(2024, 11, 29),  # the Friday after Thanksgiving: an early close
        date(2025, 1, 9),  # NYSE was closed for mourning, SOFR was fixed
    ],
)
def test_other_weekdays_ask_for_one(day: date) -> None:
    assert certain_business_days(day, day) == [day]
