"""The catalogue of rates, and which days of them are asked for."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from findata_core.rates.catalogue import FAMILIES, RATES, rate_of, types_of
from findata_core.rates.closures import certain_business_days
from findata_core.rates.gaps import ASKED_AGAIN, spans_to_ask, windows
from findata_resources.providers.nyfed import PATHS

DAY = timedelta(days=1)


def test_the_catalogue_is_the_new_york_feds_five_rates_and_one_index() -> None:
    # https://www.newyorkfed.org/markets/reference-rates, and its API's paths.
    assert PATHS == {
        "BGCR": "secured/bgcr",
        "EFFR": "unsecured/effr",
        "OBFR": "unsecured/obfr",
        "SOFR": "secured/sofr",
        "TGCR": "secured/tgcr",
        "SOFRAI": "secured/sofrai",
    }
    assert list(RATES) == sorted(RATES)
    assert {rate.family for rate in RATES.values()} == set(FAMILIES)


def test_families_are_published_in_the_morning_and_revised_after_it() -> None:
    assert [family.publication_time for family in FAMILIES.values()] == [time(8), time(9)]
    assert all(family.publication_time < family.revision_time for family in FAMILIES.values())


def test_averages_are_about_their_rate() -> None:
    assert rate_of("SOFRAI") is RATES["SOFR"]
    assert types_of("unsecured") == ["EFFR", "OBFR"]
    with pytest.raises(KeyError):
        rate_of("LIBOR")


def test_nothing_known_asks_for_the_whole_history() -> None:
    assert spans_to_ask([], date(2018, 4, 2), date(2022, 6, 30)) == [(date(2018, 4, 2), date(2022, 7, 1))]


def test_a_long_weekend_is_no_hole_and_a_lost_week_is() -> None:
    first, today = date(2022, 6, 1), date(2022, 7, 29)
    known = certain_business_days(first, today)
    assert spans_to_ask(known, first, today) == [(date(2022, 7, 22), date(2022, 7, 30))]
    lost = [day for day in known if not date(2022, 6, 6) <= day <= date(2022, 6, 10)]
    assert spans_to_ask(lost, first, today)[0] == (date(2022, 6, 6), date(2022, 6, 11))
    one = [day for day in known if day != date(2022, 6, 8)]
    assert len(spans_to_ask(one, first, today)) == 1


def test_what_was_never_answered_of_the_last_week_is_asked_for_once() -> None:
    """A Friday and the Saturday eight days later are known: the week between lies in what is asked again anyway."""
    known = [date(2025, 11, 28), date(2025, 12, 6)]
    assert spans_to_ask(known, date(2025, 11, 28), date(2025, 12, 6)) == [
        (date(2025, 11, 29), date(2025, 12, 7))
    ]


DAYS = st.dates(date(2018, 4, 2), date(2026, 12, 31))


@given(known=st.sets(DAYS, min_size=1, max_size=30), today=DAYS)
def test_spans_are_in_order_and_reach_over_the_last_week_and_today(known: set[date], today: date) -> None:
    spans = spans_to_ask(known, date(2018, 4, 2), today)
    assert spans == sorted(spans)
    assert all(start < end for start, end in spans)
    start, end = spans[-1]
    assert start <= max(known)
    assert max(known) - start <= ASKED_AGAIN
    assert end > today


@given(start=DAYS, length=st.integers(0, 4000), widest=st.integers(1, 4000))
def test_windows_cover_every_day_once_and_none_is_too_wide(start: date, length: int, widest: int) -> None:
    end, width = start + length * DAY, widest * DAY
    cut = list(windows(start, end, width))
    assert all(stop - begin <= width for begin, stop in cut)
    assert sum((stop - begin).days for begin, stop in cut) == length
    assert [begin for begin, _ in cut[1:]] == [stop for _, stop in cut[:-1]]
