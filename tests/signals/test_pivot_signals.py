"""Crossings, touches and breakouts: worked examples, what is left out, and laws that always hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from findata_core.schema.tables import table
from findata_core.schema.validation import validate
from findata_core.signals.pivot_signals import KINDS, pivot_signals
from findata_core.signals.pivots import weekly_pivots

Rows = Callable[..., pl.DataFrame]
Price = tuple[float, float, float, float]  # open, high, low, close
FIRST = datetime(2022, 6, 6, 13, 30, tzinfo=UTC)
SAMPLE = Path(__file__).parents[2] / "findata_resources" / "sample"

# The level is 100. Each case: candles, and (number of the candle, kind, direction) of each signal.
CASES: dict[str, tuple[list[Price], list[tuple[int, str, str]]]] = {
    "a close on the other side is a crossing": (
        [(98, 99, 97, 98), (98, 102, 98, 101)],
        [(1, "crossing", "up")],
    ),
    "a crossing downwards": ([(102, 103, 101, 102), (102, 102, 98, 99)], [(1, "crossing", "down")]),
    "the range reaches the level and the close stays below: a touch from below": (
        [(98, 99, 97, 98), (98, 100, 98, 99)],
        [(1, "touch", "up")],
    ),
    "a touch from above": ([(102, 103, 101, 102), (102, 102, 99.5, 101)], [(1, "touch", "down")]),
    "a close on the level keeps the side: a touch, and then the crossing": (
        [(98, 99, 97, 98), (98, 101, 98, 100), (100, 102, 100, 101)],
        [(1, "touch", "up"), (2, "crossing", "up")],
    ),
    "a close on the level and back is no crossing": (
        [(98, 99, 97, 98), (98, 101, 98, 100), (100, 100, 97, 98)],
        [(1, "touch", "up"), (2, "touch", "up")],
    ),
    "a gap over the level is a crossing": (
        [(98, 99, 97, 98), (103, 104, 102, 103)],
        [(1, "crossing", "up")],
    ),
    "the next whole candle beyond the level is a breakout": (
        [(98, 99, 97, 98), (98, 102, 98, 101), (102, 104, 101, 103), (103, 105, 102, 104)],
        [(1, "crossing", "up"), (2, "breakout", "up")],
    ),
    "a breakout downwards": (
        [(102, 103, 101, 102), (102, 102, 98, 99), (98, 99, 96, 97)],
        [(1, "crossing", "down"), (2, "breakout", "down")],
    ),
    "a candle that only reaches the level is a touch, not a breakout": (
        [(98, 99, 97, 98), (98, 102, 98, 101), (101, 104, 100, 103), (103, 105, 102, 104)],
        [(1, "crossing", "up"), (2, "touch", "down")],
    ),
    "a candle that goes back crosses and does not break out": (
        [(98, 99, 97, 98), (98, 102, 98, 101), (101, 101, 97, 98)],
        [(1, "crossing", "up"), (2, "crossing", "down")],
    ),
    "the first candle starts on the side of its own open": (
        [(98, 102, 98, 101), (101, 103, 101, 102)],
        [(0, "crossing", "up"), (1, "breakout", "up")],
    ),
    "the first candle can touch": ([(98, 100, 97, 99)], [(0, "touch", "up")]),
    "an open on the level has no side until a strict close": (
        [(100, 101, 99, 100), (100, 102, 99, 101), (101, 101, 98, 99)],
        [(2, "crossing", "down")],
    ),
    "prices that stay away from the level give nothing": ([(98, 99, 97, 98), (98, 99, 97, 99)], []),
}


@pytest.mark.parametrize("case", CASES)
def test_signals_of_a_worked_example(case: str, five_minutes: Rows, one_level: Rows) -> None:
    prices, expected = CASES[case]
    signals = pivot_signals(five_minutes(prices), one_level(100.0)).sort("event_time")
    found = [
        (int((row["event_time"] - FIRST) / timedelta(minutes=5)), row["kind"], row["direction"])
        for row in signals.iter_rows(named=True)
    ]
    assert found == expected


def test_a_signal_names_the_candles_that_show_it_and_is_known_at_their_end(
    five_minutes: Rows, one_level: Rows
) -> None:
    candles = five_minutes([(98, 99, 97, 98), (98, 102, 98, 101), (102, 104, 101, 103)])
    crossing, breakout = pivot_signals(candles, one_level(100.0)).sort("event_time").iter_rows(named=True)
    names = [f"MSFT.XNAS/5m/1m/2022-06-06T13:{minute}:00Z" for minute in (30, 35, 40)]
    assert crossing["evidence"] == names[:2]
    assert breakout["evidence"] == names[1:]
    assert breakout["event_time"] == FIRST + timedelta(minutes=10)
    assert breakout["available_time"] == FIRST + timedelta(minutes=15)
    assert (crossing["price"], crossing["level_price"], crossing["level"]) == (101.0, 100.0, "pp")
    assert crossing["window_start_date"] == date(2022, 5, 30)


def test_a_signal_is_as_young_and_settles_as_late_as_all_that_shows_it(
    five_minutes: Rows, one_level: Rows
) -> None:
    young, late = datetime(2022, 7, 1, tzinfo=UTC), datetime(2022, 7, 2, tzinfo=UTC)
    first = five_minutes([(98, 99, 97, 98)], ingest_time=young, settles_time=late)
    second = five_minutes([(98, 99, 97, 98), (98, 102, 98, 101)])[1:]
    signal = pivot_signals(pl.concat([first, second]), one_level(100.0)).row(0, named=True)
    assert (signal["ingest_time"], signal["settles_time"]) == (young, late)


def test_candles_without_times_of_knowledge_give_the_same_signals_without_them(
    five_minutes: Rows, one_level: Rows
) -> None:
    candles, levels = five_minutes([(98, 99, 97, 98), (98, 102, 98, 101)]), one_level(100.0)
    unknown = pivot_signals(candles.drop("ingest_time"), levels.drop("ingest_time"))
    assert unknown.equals(pivot_signals(candles, levels).drop("ingest_time"))
    assert pivot_signals(candles[:1].drop("ingest_time"), levels).is_empty()


def test_a_session_of_the_week_carries_the_sides_of_the_sessions_before(
    five_minutes: Rows, one_level: Rows
) -> None:
    monday = five_minutes([(98, 99, 97, 98)])
    tuesday = five_minutes([(103, 104, 102, 103)]).with_columns(
        pl.col("event_time", "available_time").dt.offset_by("1d"), session_date=pl.lit(date(2022, 6, 7))
    )
    both = pl.concat([monday, tuesday])
    signals = pivot_signals(both, one_level(100.0), session_dates={date(2022, 6, 7)})
    assert signals.select("kind", "direction", "session_date").rows() == [
        ("crossing", "up", date(2022, 6, 7))
    ]
    assert pivot_signals(both, one_level(100.0), session_dates=[date(2022, 6, 6)]).is_empty()


@pytest.mark.parametrize(
    ("candle", "level"),
    [
        ({"interval": "15m"}, {}),
        ({"adjustment": "raw"}, {}),
        ({"instrument_id": "AAPL.XNAS"}, {}),
        ({}, {"source_interval": "1m"}),
        ({}, {"valid_from_time": FIRST + timedelta(minutes=5)}),
        ({}, {"valid_from_time": FIRST - timedelta(days=7), "valid_until_time": FIRST}),
    ],
)
def test_other_intervals_bases_instruments_and_times_give_nothing(
    candle: dict[str, str], level: dict[str, Any], five_minutes: Rows, one_level: Rows
) -> None:
    signals = pivot_signals(five_minutes([(98, 102, 98, 101)], **candle), one_level(100.0, **level))
    assert signals.is_empty()
    assert signals.schema == pivot_signals(five_minutes([(98, 102, 98, 101)]), one_level(100.0)).schema


def test_levels_from_minutes_are_used_where_asked_for(five_minutes: Rows, one_level: Rows) -> None:
    levels = pl.concat([one_level(100.0), one_level(101.0, source_interval="1m")])
    signals = pivot_signals(five_minutes([(98, 103, 98, 102)]), levels, source_interval="1m")
    assert signals.select("source_interval", "level_price").rows() == [("1m", 101.0)]


def test_a_new_week_begins_with_the_side_of_its_own_open(five_minutes: Rows, one_level: Rows) -> None:
    this_week = one_level(100.0, valid_until_time=FIRST + timedelta(minutes=5))
    next_week = one_level(
        100.0, window_start_date=date(2022, 6, 6), valid_from_time=FIRST + timedelta(minutes=5)
    )
    candles = five_minutes([(98, 99, 97, 98), (103, 104, 102, 103)])
    assert pivot_signals(candles, pl.concat([this_week, next_week])).is_empty()


def test_signals_are_good_rows_of_their_table(five_minutes: Rows, one_level: Rows) -> None:
    levels = pl.concat(
        one_level(price, variant=name) for price, name in ((100.0, "demark"), (101.0, "classic"))
    )
    candles = five_minutes([(98, 99, 97, 98), (98, 102, 98, 101.5), (102, 104, 101, 103), (103, 103, 97, 98)])
    signals = pivot_signals(candles, levels)
    assert set(signals["kind"]) == set(KINDS)
    assert validate(table("signals.pivot_signals"), signals).failures.is_empty()


def _candle(ticks: Sequence[int]) -> Price:
    first, last = ticks[0], ticks[-1]
    return float(first), float(max(ticks)), float(min(ticks)), float(last)


PRICES = st.lists(
    st.lists(st.integers(90, 110), min_size=2, max_size=4).map(_candle), min_size=1, max_size=30
)
LAWS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@LAWS
@given(prices=PRICES, level=st.integers(92, 108))
def test_the_level_lies_where_the_signal_says(
    prices: list[Price], level: int, five_minutes: Rows, one_level: Rows
) -> None:
    for row in pivot_signals(five_minutes(prices), one_level(float(level))).iter_rows(named=True):
        number = int((row["event_time"] - FIRST) / timedelta(minutes=5))
        _, high, low, _ = prices[number]
        if row["kind"] == "breakout":
            assert low > level if row["direction"] == "up" else high < level
            continue
        before = prices[number - 1][3] if number else prices[0][0]
        assert min(low, before) <= level <= max(high, before)


@LAWS
@given(prices=PRICES, level=st.integers(92, 108), cut=st.integers(1, 29))
def test_later_candles_change_no_earlier_signal(
    prices: list[Price], level: int, cut: int, five_minutes: Rows, one_level: Rows
) -> None:
    end = FIRST + timedelta(minutes=5 * cut)
    early = pivot_signals(five_minutes(prices[:cut]), one_level(float(level)))
    all_of_it = pivot_signals(five_minutes(prices), one_level(float(level)))
    assert all_of_it.filter(pl.col("available_time") <= end).equals(early)


@LAWS
@given(prices=PRICES, level=st.integers(92, 108))
def test_prices_turned_over_give_the_same_signals_in_the_other_direction(
    prices: list[Price], level: int, five_minutes: Rows, one_level: Rows
) -> None:
    turned = [(-first, -low, -high, -last) for first, high, low, last in prices]
    signals = pivot_signals(five_minutes(prices), one_level(float(level)))
    mirrored = pivot_signals(five_minutes(turned), one_level(float(-level)))
    other = {"up": "down", "down": "up"}
    assert [(time, kind, other[way]) for time, kind, way in _said(signals)] == _said(mirrored)


def _said(signals: pl.DataFrame) -> list[tuple[Any, ...]]:
    return signals.sort("event_time").select("event_time", "kind", "direction").rows()


@LAWS
@given(
    prices=st.lists(PRICES, min_size=2, max_size=3),
    levels=st.lists(st.integers(92, 108), min_size=2, max_size=4, unique=True),
)
def test_instruments_and_levels_searched_together_are_as_each_by_itself(
    prices: list[list[Price]], levels: list[int], five_minutes: Rows, one_level: Rows
) -> None:
    variants = table("signals.weekly_pivots").column("variant").allowed
    names = [f"S{number}.XNAS" for number in range(len(prices))]
    candles = [five_minutes(rows, instrument_id=name) for rows, name in zip(prices, names, strict=True)]
    pivots = [
        one_level(float(level), instrument_id=name, variant=variant)
        for name in names
        for level, variant in zip(levels, variants, strict=False)
    ]
    together = pivot_signals(pl.concat(candles), pl.concat(pivots))
    apart = pl.concat(pivot_signals(frame, level) for frame in candles for level in pivots)
    assert together.equals(apart.sort(table("signals.pivot_signals").business_key))
    assert not together.select(table("signals.pivot_signals").business_key).is_duplicated().any()


def test_signals_of_the_bundled_sample_are_what_a_plain_walk_over_its_candles_finds(
    daily_candles: Rows, weekly_candle: Rows, sessions: Rows, five_minutes: Rows
) -> None:
    """MSFT's week of 2022-05-31, five-minute windows of the recorded minutes; written without arrays."""
    prices = _sample_prices(date(2022, 5, 31), date(2022, 6, 3))
    week = [date(2022, 5, 23) + timedelta(days=number) for number in range(5)]
    following = [date(2022, 5, 31) + timedelta(days=number) for number in range(4)]
    p = {"open": 255.49, "high": 273.34, "low": 253.43, "close": 273.24}
    daily = pl.concat([daily_candles(week), daily_candles(following[:1], open=272.53)])
    pivots = weekly_pivots(weekly_candle(week[0], **p), daily, sessions([*week, *following]))
    starts = pl.Series("event_time", [start for start, _ in prices], pl.Datetime("us", "UTC"))
    candles = five_minutes([price for _, price in prices]).with_columns(starts)
    signals = pivot_signals(candles, pivots)
    for row in pivots.iter_rows(named=True):
        for level in ("pp", "r1", "s1"):
            found = signals.filter(variant=row["variant"], level=level)
            assert found.sort("event_time").select("event_time", "kind", "direction").rows() == _walk(
                prices, row[level]
            )


def _sample_prices(first: date, last: date) -> list[tuple[datetime, Price]]:
    minutes = pl.read_csv(SAMPLE / "MSFT_1m.csv").with_columns(
        start=pl.col("date").str.to_datetime("%Y-%m-%d %H:%M:%S%z", time_zone="UTC", time_unit="us")
    )
    windows = (
        minutes.filter(pl.col("start").dt.date().is_between(first, last))
        .group_by(pl.col("start").dt.truncate("5m"), maintain_order=True)
        .agg(pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last())
    )
    return [(start, (o, h, low, c)) for start, o, h, low, c in windows.iter_rows()]


def _walk(candles: Sequence[tuple[datetime, Price]], level: float) -> list[tuple[datetime, str, str]]:
    found: list[tuple[datetime, str, str]] = []
    side = _side(candles[0][1][0], level)
    has_just_crossed = False
    for start, (_, high, low, close) in candles:
        now = _side(close, level)
        if side and now == -side:
            found.append((start, "crossing", "up" if now > 0 else "down"))
        elif side and low <= level <= high:
            found.append((start, "touch", "up" if side < 0 else "down"))
        elif has_just_crossed:
            found.append((start, "breakout", "up" if side > 0 else "down"))
        has_just_crossed = bool(side) and now == -side
        side = now or side
    return found


def _side(price: float, level: float) -> int:
    return (price > level) - (price < level)
