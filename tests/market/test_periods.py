"""Weeks and months: which sessions they have, and when they are complete."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from findata_core.calendars import sessions_of
from findata_core.errors import UnknownInterval
from findata_core.market.candles import fold_period_candles, period_bounds, refold_differences
from findata_core.market.proofs import counted_in_periods

SESSIONS = sessions_of("XNYS", date(2014, 12, 29), date(2026, 1, 4))


def daily(days: Sequence[date] | pl.Series, **columns: object) -> pl.DataFrame:
    """Complete daily candles: the n-th opens at 100+n and closes at 101+n, with volume 1."""
    chosen = SESSIONS.filter(pl.col("session_date").is_in(list(days))).with_row_index("n")
    price = pl.col("n").cast(pl.Float64)
    return chosen.select(
        instrument_id=pl.lit("A.XNYS"),
        interval=pl.lit("1d"),
        source_interval=pl.lit("1m"),
        event_time="open_time",
        session_date="session_date",
        open=price + 100,
        high=price + 101.5,
        low=price + 99.5,
        close=price + 101,
        volume=pl.lit(1, pl.Int64),
        expected_minutes="trading_minutes",
        present_minutes="trading_minutes",
        is_complete=pl.lit(value=True),
        available_time="close_time",
        settles_time=pl.col("close_time") + timedelta(hours=1),
        source=pl.lit("yahoo"),
        adjustment=pl.lit("split"),
    ).with_columns(**{name: pl.lit(value) for name, value in columns.items()})


def test_new_york_had_575_weeks_from_2015_to_2025_and_they_are_iso_weeks() -> None:
    days = SESSIONS.filter(pl.col("session_date").is_between(date(2015, 1, 1), date(2025, 12, 31)))[
        "session_date"
    ]

    weeks = fold_period_candles(daily(days), SESSIONS, "1w")

    # domain notes, run with exchange_calendars 4.13.2: 470 weeks of five sessions, 103 of four.
    counts = dict(weeks["present_sessions"].value_counts().iter_rows())
    iso = {day.isocalendar()[:2] for day in days}
    assert (len(weeks), counts[5], counts[4]) == (575, 470, 103)
    assert iso == {day.isocalendar()[:2] for day in weeks["period_start_date"]}
    assert set(weeks["period_start_date"].dt.weekday()) == {1}
    # The first and the last week reach over the range's ends: 2014-12-29..31 and 2026-01-02 are not given.
    assert weeks.filter(~pl.col("is_complete"))["period_start_date"].to_list() == [
        date(2014, 12, 29),
        date(2025, 12, 29),
    ]


def test_a_new_year_week_stays_whole_and_crosses_months() -> None:
    days = [date(2024, 12, 30), date(2024, 12, 31), date(2025, 1, 2), date(2025, 1, 3)]

    week = fold_period_candles(daily(days), SESSIONS, "1w").row(0, named=True)
    months = fold_period_candles(daily(days), SESSIONS, "1mo")

    assert (week["period_start_date"], week["period_end_date"]) == (date(2024, 12, 30), date(2025, 1, 5))
    assert (week["open"], week["high"], week["low"], week["close"], week["volume"]) == (
        100,
        104.5,
        99.5,
        104,
        4,
    )
    assert (week["expected_sessions"], week["present_sessions"], week["is_complete"]) == (4, 4, True)
    assert months.select("period_start_date", "period_end_date", "present_sessions").rows() == [
        (date(2024, 12, 1), date(2024, 12, 31), 2),
        (date(2025, 1, 1), date(2025, 1, 31), 2),
    ]


def test_a_period_lasts_from_its_first_open_to_its_last_close_by_the_calendar() -> None:
    week = fold_period_candles(daily([date(2025, 7, 2)]), SESSIONS, "1w").row(0, named=True)

    # Thursday 3 July is a half day, Friday 4 July a holiday.
    assert week["event_time"] == datetime(2025, 6, 30, 13, 30, tzinfo=UTC)
    assert week["available_time"] == datetime(2025, 7, 3, 17, tzinfo=UTC)
    assert week["settles_time"] == datetime(2025, 7, 2, 21, tzinfo=UTC)
    assert (week["expected_sessions"], week["expected_minutes"], week["present_minutes"]) == (4, 1380, 390)


def test_a_period_with_an_incomplete_session_is_not_complete() -> None:
    days = [date(2025, 6, 30) + timedelta(days=day) for day in range(4)]
    partly = pl.when(pl.col("session_date") == days[1]).then(1).otherwise("present_minutes").cast(pl.Int32)
    candles = daily(days).with_columns(
        present_minutes=partly, is_complete=partly == pl.col("expected_minutes")
    )

    assert fold_period_candles(daily(days), SESSIONS, "1w")["is_complete"].to_list() == [True]
    assert fold_period_candles(candles, SESSIONS, "1w")["is_complete"].to_list() == [False]


def test_minutes_and_daily_bars_make_periods_of_their_own() -> None:
    days = [date(2025, 6, 30), date(2025, 7, 1)]

    weeks = fold_period_candles(
        pl.concat([daily(days), daily(days[:1], source_interval="1d")]), SESSIONS, "1w"
    )

    assert weeks.select("source_interval", "present_sessions").rows() == [("1d", 1), ("1m", 2)]


def test_bases_are_never_mixed_and_sources_are_named() -> None:
    days = [date(2025, 6, 30) + timedelta(days=day) for day in range(4)]
    candles = pl.concat([daily(days[:1], adjustment="raw"), daily(days[1:2], source="lean"), daily(days[2:])])

    week = fold_period_candles(candles, SESSIONS, "1w").row(0, named=True)

    assert (week["adjustment"], week["source"], week["present_sessions"]) == ("split", "lean+yahoo", 3)
    assert not week["is_complete"]


def test_a_week_of_two_bases_is_the_fold_of_those_days_that_it_counts() -> None:
    days = [date(2024, 1, number) for number in range(8, 13)]
    mixed = pl.concat([daily(days[:2], adjustment="raw"), daily(days[2:])])
    weeks = fold_period_candles(mixed, SESSIONS, "1w")
    assert weeks["present_sessions"].to_list() == [3]

    assert refold_differences(weeks, counted_in_periods(mixed, weeks)).is_empty()
    wrong = weeks.with_columns(pl.col("high") + 1)
    assert refold_differences(wrong, counted_in_periods(mixed, wrong))["finding"].to_list() == ["high"]
    lost = refold_differences(weeks.clear(), counted_in_periods(mixed, weeks.clear()))
    assert lost["finding"].to_list() == ["child without parent"] * 5


@pytest.mark.parametrize("period", ["1w", "1mo"])
def test_periods_are_the_fold_of_their_days(period: str) -> None:
    days = SESSIONS.filter(pl.col("session_date").is_between(date(2024, 11, 1), date(2025, 3, 31)))[
        "session_date"
    ]
    candles = daily(days)

    assert refold_differences(fold_period_candles(candles, SESSIONS, period), candles).is_empty()


def test_the_bounds_of_periods_are_whole_weeks_and_months() -> None:
    days = (date(2025, 1, 2), date(2025, 2, 5))

    assert period_bounds(*days, "1w") == (date(2024, 12, 30), date(2025, 2, 9))
    assert period_bounds(*days, "1mo") == (date(2025, 1, 1), date(2025, 2, 28))


@pytest.mark.parametrize("period", ["1d", "1y", "week"])
def test_other_periods_are_refused(period: str) -> None:
    with pytest.raises(UnknownInterval):
        fold_period_candles(daily([date(2025, 7, 2)]), SESSIONS, period)


def test_nothing_folds_to_nothing() -> None:
    assert fold_period_candles(daily([]), SESSIONS, "1w").is_empty()
