"""Which releases have a rule, and that no rule is of a release that nobody follows."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from findata_core.economic.catalogue import SERIES
from findata_core.economic.releases import LAGS, is_target_day, observations_expected


def test_every_followed_series_has_a_rule_and_every_rule_a_series() -> None:
    assert {(line.release, line.frequency) for line in SERIES} == set(LAGS)


@pytest.mark.parametrize("line", SERIES, ids=lambda line: line.series_id)
def test_an_observation_is_expected_after_its_day_and_they_come_in_order(line: object) -> None:
    assert line in SERIES
    found = list(observations_expected(line, date(2025, 1, 1), date(2025, 12, 31)))  # type: ignore[arg-type]
    assert found
    assert all(out.date() > day for day, out in found)
    assert [out for _, out in found] == sorted(out for _, out in found)
    assert all(out.date().weekday() < 5 for _, out in found)


def test_the_payment_systems_closing_days_of_2026() -> None:
    # The European Central Bank's list of T2's closing days, weekends aside.
    closed = {date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1), date(2026, 12, 25)}
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    assert {day for day in days if day.weekday() < 5 and not is_target_day(day)} == closed
