"""Prices from both sides of a split, brought together: factors by hand, weeks, levels and signals across a split."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from findata_core.calendars import sessions_of
from findata_core.market.periods import fold_period_candles, on_one_scale_of_periods
from findata_core.market.releases import with_received_times
from findata_core.market.scales import CANDLE_PRICES, Scale, on_one_scale, price_factors, rescaled
from findata_core.schema.frames import conform
from findata_core.schema.tables import table
from findata_core.signals.pivot_signals import pivot_signals
from findata_core.signals.pivots import WINDOW_PRICES, rederive_differences, weekly_pivots

SESSIONS = sessions_of("XNAS", date(2014, 5, 26), date(2014, 6, 20))
GIVEN, WANTED = Scale("session_date", "received"), Scale("wanted_date", "wanted_received")
WEDNESDAY, MONDAY = date(2014, 6, 4), date(2014, 6, 9)


def split(ex_date: date, numerator: int = 7, denominator: int = 1, source: str = "yahoo") -> pl.DataFrame:
    row = {
        "instrument_id": "AAPL.XNAS",
        "source": source,
        "ex_date": ex_date,
        "numerator": numerator,
        "denominator": denominator,
    }
    return pl.DataFrame([row])


def evening(day: date) -> datetime:
    """Ten in the evening of New York, which is the next day in UTC."""
    return datetime(day.year, day.month, day.day, 2, tzinfo=UTC) + timedelta(days=1)


def days_at(prices: dict[date, float], adjustment: str = "raw", received: date | None = None) -> pl.DataFrame:
    """Complete daily candles that stand still at these prices, 700 shares each, received each evening or on one."""
    rows = [
        {
            "instrument_id": "AAPL.XNAS",
            "interval": "1d",
            "source_interval": "1d",
            "session_date": day,
            **dict.fromkeys(CANDLE_PRICES, price),
            "volume": 700,
            "is_complete": True,
            "source": "yahoo",
            "adjustment": adjustment,
            "ingest_time": evening(received or day),
        }
        for day, price in prices.items()
    ]
    times = SESSIONS.select(
        "session_date",
        event_time="open_time",
        available_time="close_time",
        settles_time="close_time",
        expected_minutes="trading_minutes",
        present_minutes="trading_minutes",
    )
    return conform(pl.DataFrame(rows).join(times, on="session_date"), table("market.candles"))


def week_of(monday: date) -> list[date]:
    return [monday + timedelta(days=number) for number in range(5)]


@pytest.mark.parametrize(
    ("adjustment", "session", "received", "wanted", "wanted_received", "factor"),
    [
        ("raw", date(2014, 6, 6), date(2021, 1, 4), date(2014, 6, 9), None, 1 / 7),
        ("raw", date(2014, 6, 9), date(2021, 1, 4), date(2014, 6, 6), None, 7.0),
        ("raw", date(2014, 6, 6), date(2014, 6, 6), date(2014, 6, 6), date(2021, 1, 4), 1.0),
        ("split", date(2014, 6, 6), date(2014, 6, 6), date(2014, 6, 9), date(2014, 6, 9), 1 / 7),
        ("split", date(2014, 6, 6), date(2014, 6, 8), date(2014, 6, 6), date(2014, 6, 9), 1 / 7),
        ("split", date(2014, 6, 6), date(2014, 6, 10), date(2014, 6, 9), date(2014, 6, 9), 1.0),
        ("split_dividend", date(2014, 6, 6), date(2014, 6, 6), date(2014, 6, 9), date(2014, 6, 9), 1.0),
    ],
)
def test_a_factor_is_that_of_the_splits_between_two_scales(
    adjustment: str,
    session: date,
    received: date,
    wanted: date,
    wanted_received: date | None,
    factor: float,
) -> None:
    rows = pl.DataFrame(
        {
            "instrument_id": ["AAPL.XNAS", "MSFT.XNAS"],
            "adjustment": adjustment,
            "session_date": session,
            "received": evening(received),
            "wanted_date": wanted,
            "wanted_received": wanted_received and evening(wanted_received),
        },
        schema_overrides={"wanted_received": pl.Datetime("us", "UTC"), "received": pl.Datetime("us", "UTC")},
    )
    found = price_factors(rows, split(MONDAY), SESSIONS, GIVEN, WANTED)
    assert found.to_list() == [factor, 1.0]


def test_what_two_sources_say_of_one_split_counts_once() -> None:
    both = pl.concat([split(MONDAY), split(MONDAY + timedelta(days=1), source="lean")])
    week = on_one_scale(days_at({date(2014, 6, 6): 700.0, MONDAY: 100.0}), both, SESSIONS, ["instrument_id"])
    assert week["close"].to_list() == [100.0, 100.0]


def test_a_week_with_a_split_in_it_is_in_the_shares_of_its_last_session() -> None:
    prices = dict(zip(week_of(date(2014, 6, 2)), [693.0, 700.0, 102.0, 101.0, 100.0], strict=True))
    week = fold_period_candles(days_at(prices), SESSIONS, "1w", split(WEDNESDAY)).row(0, named=True)

    # 693 / 7 and 700 / 7; 700 shares before are 4,900 after.
    assert [week[name] for name in CANDLE_PRICES] == [99.0, 102.0, 99.0, 100.0]
    assert week["volume"] == 4_900 * 2 + 700 * 3
    alone = fold_period_candles(days_at(prices), SESSIONS, "1w").row(0, named=True)
    assert (alone["high"], alone["low"]) == (700.0, 100.0)


def test_what_a_provider_has_rescaled_itself_is_left_as_it_is() -> None:
    prices = dict.fromkeys(week_of(date(2014, 6, 2)), 100.0)
    later = days_at(prices, "split", received=date(2014, 7, 1))
    assert fold_period_candles(later, SESSIONS, "1w", split(WEDNESDAY)).equals(
        fold_period_candles(later, SESSIONS, "1w")
    )


def held_until(days: pl.DataFrame, day: date, release: date) -> pl.DataFrame:
    """Those candles, of which one day's answer was held on its evening and released on another one."""
    is_held = pl.col("session_date") == day
    known = days.with_columns(
        ingest_time=pl.when(is_held).then(pl.lit(evening(release))).otherwise("ingest_time")
    )
    received = pl.col("ingest_time").alias("received_time")
    released = days.filter(is_held).select(
        pl.lit(5).alias("payload_id"), "instrument_id", "source_interval", "session_date", received
    )
    return with_received_times(known, released.with_columns(ingest_time=pl.lit(evening(release))))


def test_a_week_of_which_a_day_was_released_after_the_split_is_on_the_scale_of_that_release() -> None:
    """All at 700 before 7:1 on the next MONDAY; Friday's answer is released on the Tuesday after it."""
    days = days_at(dict.fromkeys(week_of(date(2014, 6, 2)), 700.0), "split")
    tuesday = MONDAY + timedelta(days=1)
    held = held_until(days, date(2014, 6, 6), tuesday)

    week = fold_period_candles(held, SESSIONS, "1w", split(MONDAY)).row(0, named=True)

    assert [week[name] for name in CANDLE_PRICES] == [100.0] * 4
    assert week["volume"] == 4_900 * 5
    assert week["ingest_time"] == evening(tuesday)
    same = on_one_scale_of_periods(held, split(MONDAY), SESSIONS, "1w")
    assert same["close"].to_list() == [100.0] * 5


def test_levels_know_the_scale_of_an_open_that_was_released_after_a_split() -> None:
    """At 700 until 7:1 on Wednesday; Monday's answer, whose open Woodie's levels use, is released on Thursday."""
    wednesday, thursday = MONDAY + timedelta(days=2), MONDAY + timedelta(days=3)
    before = days_at(dict.fromkeys(week_of(date(2014, 6, 2)), 700.0), "split")
    monday = held_until(days_at({MONDAY: 700.0}, "split"), MONDAY, thursday)
    known = pl.concat([before.with_columns(received_time="ingest_time"), monday])
    weeks = fold_period_candles(before, SESSIONS, "1w", split(wednesday))

    pivots = weekly_pivots(weeks, known, SESSIONS, split(wednesday))

    woodie = pivots.row(by_predicate=pl.col("variant") == "woodie_open", named=True)
    assert (woodie["current_open"], woodie["window_close"], woodie["pp"]) == pytest.approx((100.0,) * 3)
    assert rederive_differences(pivots, weeks, SESSIONS, split(wednesday)).is_empty()


def levels_after(split_on: date, adjustment: str = "raw") -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The weeks, the pivots of the week before MONDAY, all at 700, and the splits."""
    before = days_at(dict.fromkeys(week_of(date(2014, 6, 2)), 700.0), adjustment)
    before = before.with_columns(high=pl.lit(770.0), low=pl.lit(630.0))
    after = days_at(dict.fromkeys(week_of(MONDAY), 100.0 if split_on <= MONDAY else 700.0), adjustment)
    weeks = fold_period_candles(before, SESSIONS, "1w", split(split_on))
    days = pl.concat([before, after])
    return weeks, weekly_pivots(weeks, days, SESSIONS, split(split_on)), split(split_on)


@pytest.mark.parametrize("adjustment", ["raw", "split"])
def test_levels_are_in_the_shares_of_the_week_that_they_are_for(adjustment: str) -> None:
    weeks, pivots, splits = levels_after(MONDAY, adjustment)
    traditional = pivots.row(by_predicate=pl.col("variant") == "traditional", named=True)
    woodie = pivots.row(by_predicate=pl.col("variant") == "woodie_open", named=True)

    # (110 + 90 + 100) / 3; R1 = 2 x 100 - 90; Woodie: (110 + 90 + 2 x 100) / 4, with Monday's own open.
    assert [traditional[name] for name in WINDOW_PRICES] == pytest.approx([100.0, 110.0, 90.0, 100.0])
    assert (traditional["pp"], traditional["r1"]) == pytest.approx((100.0, 110.0))
    assert (woodie["current_open"], woodie["pp"]) == pytest.approx((100.0, 100.0))
    assert rederive_differences(pivots, weeks, SESSIONS, splits).is_empty()
    assert not rederive_differences(pivots, weeks, SESSIONS).is_empty()


def five_minutes(day: date, closes: list[float], adjustment: str) -> pl.DataFrame:
    opened = SESSIONS.filter(session_date=day).item(0, "open_time")
    rows: list[dict[str, Any]] = [
        {
            "instrument_id": "AAPL.XNAS",
            "interval": "5m",
            "source_interval": "1m",
            "event_time": opened + number * timedelta(minutes=5),
            "session_date": day,
            "open": price,
            "high": price,
            "low": price,
            "close": price,
            "volume": 1,
            "expected_minutes": 5,
            "present_minutes": 5,
            "is_complete": True,
            "available_time": opened + (number + 1) * timedelta(minutes=5),
            "settles_time": opened + timedelta(days=1),
            "source": "yahoo",
            "adjustment": adjustment,
            "ingest_time": evening(day),
        }
        for number, price in enumerate(closes)
    ]
    return conform(pl.DataFrame(rows), table("market.candles"))


@pytest.mark.parametrize("adjustment", ["raw", "split"])
def test_a_split_crosses_no_level_and_a_price_does(adjustment: str) -> None:
    """Levels for Monday at 700 a share; from Wednesday on shares are a seventh: 112 is 784, above R1 (770)."""
    wednesday = MONDAY + timedelta(days=2)
    _, pivots, splits = levels_after(wednesday, adjustment)
    candles = pl.concat(
        [
            five_minutes(MONDAY, [702.0, 705.0], adjustment),
            five_minutes(wednesday, [101.0, 112.0], adjustment),
        ]
    )
    found = pivot_signals(candles, pivots, sessions=SESSIONS, splits=splits).filter(variant="traditional")
    [crossing] = found.filter(kind="crossing").to_dicts()
    assert (crossing["level"], crossing["direction"], crossing["price"]) == ("r1", "up", 112.0)
    assert crossing["level_price"] == pytest.approx(110.0)
    blind = pivot_signals(candles, pivots).filter(variant="traditional", kind="crossing")
    assert set(blind["direction"]) == {"down"}


def test_candles_that_were_released_after_a_split_cross_what_they_crossed() -> None:
    """Monday's 705 to 784 cross R1 (770) as before: they were told before 7:1 on Wednesday, and released after it."""
    wednesday = MONDAY + timedelta(days=2)
    _, pivots, splits = levels_after(wednesday, "split")
    held = held_until(five_minutes(MONDAY, [705.0, 784.0], "split"), MONDAY, wednesday + timedelta(days=1))

    found = pivot_signals(held, pivots, sessions=SESSIONS, splits=splits).filter(variant="traditional")

    [crossing] = found.filter(kind="crossing").to_dicts()
    assert (crossing["level"], crossing["direction"], crossing["price"]) == ("r1", "up", 784.0)
    assert crossing["level_price"] == pytest.approx(770.0)


@given(
    ratios=st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), min_size=1, max_size=4),
    days=st.lists(st.integers(0, 200), min_size=2, max_size=2),
)
def test_to_a_scale_and_back_is_nothing(ratios: list[tuple[int, int]], days: list[int]) -> None:
    first = date(2014, 1, 2)
    splits = pl.concat(
        split(first + timedelta(days=40 * number + 20), *ratio) for number, ratio in enumerate(ratios)
    )
    there, back = (first + timedelta(days=day) for day in days)
    rows = pl.DataFrame(
        {"instrument_id": ["AAPL.XNAS"] * 2, "adjustment": "raw", "session_date": [there, back]},
    ).with_columns(
        wanted_date=pl.Series([back, there]),
        received=pl.lit(None, pl.Datetime("us", "UTC")),
        wanted_received=pl.lit(None, pl.Datetime("us", "UTC")),
    )
    forth_factor, back_factor = price_factors(rows, splits, SESSIONS, GIVEN, WANTED)
    assert forth_factor * back_factor == pytest.approx(1.0, rel=1e-14)


def test_without_a_split_between_rows_are_the_very_same() -> None:
    days = days_at({date(2014, 6, 2): 0.1})
    assert rescaled(days, pl.Series([1.0]), CANDLE_PRICES) is days
