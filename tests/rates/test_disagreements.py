"""Calendars against the fixings that were published; other libraries and hand-checked days are the oracles."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from findata_core.rates.calendars_asked import CALENDARS
from findata_core.rates.catalogue import RATES
from findata_core.rates.disagreements import calendar_disagreements, judged_days
from findata_core.schema.tables import table
from findata_core.schema.validation import validate

Rows = Callable[..., pl.DataFrame]
SIFMA = "pandas_market_calendars SIFMA_US"
NYSE = "exchange_calendars XNYS"


@pytest.fixture(scope="module")
def sofr(trial_data: Path) -> pl.DataFrame:
    """SOFR's days from 2018-04-03 to 2026-07-22."""
    file = trial_data / "rates" / "JoaquinMulet-treasury-desk" / "SOFR.csv"
    return pl.read_csv(file, try_parse_dates=True)


@pytest.fixture
def found(sofr: pl.DataFrame, fixings: Rows) -> pl.DataFrame:
    return calendar_disagreements(fixings(dict(sofr.iter_rows())))


def of(found: pl.DataFrame, calendar: str, is_published: bool) -> list[date]:
    return found.filter(calendar=calendar, is_published=is_published)["observation_date"].to_list()


def test_sifmas_calendar_is_wrong_about_three_good_fridays_and_a_day_of_mourning(found: pl.DataFrame) -> None:
    # As the trial data's domain page has it of the same library, run by other people.
    expected = [date(2018, 12, 5), date(2021, 4, 2), date(2023, 4, 7), date(2026, 4, 3)]
    assert of(found, SIFMA, is_published=False) == expected
    assert of(found, SIFMA, is_published=True) == []


def test_the_stock_exchange_is_open_on_every_columbus_and_veterans_day(found: pl.DataFrame) -> None:
    wrong = found.filter(calendar=NYSE, is_published=False)
    assert set(wrong["reason"]) == {"Columbus Day", "Veterans Day", "the Monday after Veterans Day"}
    assert wrong["is_business_day"].all()
    assert of(found, NYSE, is_published=True) == [date(2025, 1, 9)]


def test_every_disagreement_of_eight_years_is_explained(found: pl.DataFrame) -> None:
    assert found.filter(pl.col("reason").is_null()).is_empty()
    assert validate(table("rates.calendar_disagreements"), found).failures.is_empty()


def test_quantlib_agrees_with_every_publication(sofr: pl.DataFrame) -> None:
    quantlib = pytest.importorskip("QuantLib", reason="QuantLib is not installed: it is in the extra 'dev'")
    calendar = quantlib.UnitedStates(quantlib.UnitedStates.SOFR)
    published = set(sofr["date"])
    first, last = min(published), max(published)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    said = {day for day in days if calendar.isBusinessDay(quantlib.Date(day.day, day.month, day.year))}
    assert said == published


def test_what_was_never_answered_is_not_judged(sofr: pl.DataFrame, fixings: Rows) -> None:
    kept = sofr.filter((pl.col("date") < date(2019, 1, 1)) | (pl.col("date") >= date(2022, 1, 3)))
    found = calendar_disagreements(fixings(dict(kept.iter_rows())))
    assert found.filter(pl.col("observation_date").dt.year().is_between(2019, 2021)).is_empty()
    assert found.filter(calendar=SIFMA)["observation_date"].to_list() == [
        date(2018, 12, 5),
        date(2023, 4, 7),
        date(2026, 4, 3),
    ]


def test_a_disagreement_is_known_with_the_fixing_or_the_next_one(fixings: Rows) -> None:
    rows = fixings({date(2021, 10, 8): 0.05, date(2021, 10, 12): 0.05})
    columbus = calendar_disagreements(rows).filter(calendar=NYSE)
    assert columbus["observation_date"].to_list() == [date(2021, 10, 11)]
    assert columbus["ingest_time"].to_list() == rows["ingest_time"].to_list()[:1]


def test_nothing_known_and_rates_of_others_give_no_rows(fixings: Rows) -> None:
    assert calendar_disagreements(fixings({})).is_empty()
    assert calendar_disagreements(fixings({date(2021, 10, 8): 0.05}, rate="LIBOR")).is_empty()


def test_weekends_are_not_judged() -> None:
    days = judged_days([date(2021, 10, 8), date(2021, 10, 12)], date(2021, 10, 8), date(2021, 10, 12))
    assert days == [date(2021, 10, 8), date(2021, 10, 11), date(2021, 10, 12)]


def test_every_family_has_calendars_sorted_by_name() -> None:
    assert set(CALENDARS) == {rate.family for rate in RATES.values()}
    for calendars in CALENDARS.values():
        names = [calendar.name for calendar in calendars]
        assert names == sorted(names)
