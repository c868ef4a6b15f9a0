"""A rate compounded between two days: by hand, against the published averages, and windows that are not known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import polars as pl
import pytest

from findata_core.errors import DataError
from findata_core.rates.arrears import compounded_in_arrears

Rows = Callable[..., pl.DataFrame]
Frames = tuple[pl.DataFrame, pl.DataFrame]

# Friday 2022-07-01 at 3.60 earns three days until Tuesday 07-05, the 4th being a holiday: four days. Tuesday at 1.80.
FIXED = {date(2022, 6, 30): 0.36, date(2022, 7, 1): 3.60, date(2022, 7, 5): 1.80, date(2022, 7, 6): 1.80}


def test_a_window_over_a_long_weekend_is_what_was_worked_by_hand(fixings: Rows) -> None:
    found = compounded_in_arrears(fixings(FIXED), "SOFR", date(2022, 6, 30), date(2022, 7, 6))
    # (1 + 0.0036/360) (1 + 0.036 x 4/360) (1 + 0.018/360) = 1.00001 x 1.0004 x 1.00005 = 1.0004600245002
    assert found.factor == pytest.approx(1.0004600245002, abs=1e-14)
    assert (found.days, found.fixing_count) == (6, 3)
    # 0.0004600245002 x 360 / 6 x 100
    assert found.rate_percent == pytest.approx(2.7601470012, abs=1e-10)


def test_a_window_that_begins_on_a_holiday_begins_with_the_preceding_days_rate(fixings: Rows) -> None:
    found = compounded_in_arrears(fixings(FIXED), "SOFR", date(2022, 7, 4), date(2022, 7, 6))
    # One day of Friday's 3.60, one of Tuesday's 1.80: 1.0001 x 1.00005
    assert found.factor == pytest.approx(1.000150005, abs=1e-14)


def test_thirty_days_compounded_are_the_average_that_was_published(sample: Frames) -> None:
    found = compounded_in_arrears(sample[0], "SOFR", date(2022, 5, 31), date(2022, 6, 30))
    assert round(found.rate_percent, 5) == 1.08879  # SOFR30DAYAVG of 2022-06-30


def test_other_rates_compound_by_the_same_rule(fixings: Rows) -> None:
    rates = pl.concat([fixings(FIXED), fixings(dict.fromkeys(FIXED, 36.0), rate="EFFR")])
    found = compounded_in_arrears(rates, "EFFR", date(2022, 7, 5), date(2022, 7, 7))
    assert found.factor == pytest.approx(1.001**2, abs=1e-14)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (date(2022, 7, 5), date(2022, 7, 5), "no day"),
        (date(2022, 7, 6), date(2022, 7, 5), "no day"),
        (date(2022, 6, 29), date(2022, 7, 6), "before the first fixing, 2022-06-30"),
        (date(2022, 6, 30), date(2022, 7, 9), "2022-07-07 has no fixing"),
        (date(2023, 6, 30), date(2023, 7, 9), "2022-07-07 has no fixing"),
    ],
)
def test_a_window_that_is_not_known_says_why(fixings: Rows, start: date, end: date, words: str) -> None:
    with pytest.raises(DataError, match=f"{words}.*Next: "):
        compounded_in_arrears(fixings(FIXED), "SOFR", start, end)


def test_a_rate_without_fixings_is_not_known(fixings: Rows) -> None:
    with pytest.raises(DataError, match="no fixing is known"):
        compounded_in_arrears(fixings(FIXED), "OBFR", date(2022, 7, 5), date(2022, 7, 6))
