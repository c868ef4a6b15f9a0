"""Weekly pivot levels against hand-worked answers, their validity, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from findata_core.errors import DataError
from findata_core.schema.tables import table
from findata_core.schema.validation import validate
from findata_core.signals.pivots import (
    LEVELS,
    PIVOT_VARIANTS,
    STORED_PRICES,
    rederive_differences,
    weekly_pivots,
)

Rows = Callable[..., pl.DataFrame]
MONDAY = date(2022, 5, 23)
WEEK = [MONDAY + timedelta(days=number) for number in range(5)]
NEXT_WEEK = [date(2022, 5, 31) + timedelta(days=number) for number in range(4)]  # Memorial Day on 05-30
MSFT = {"open": 255.49, "high": 273.34, "low": 253.43, "close": 273.24}


@pytest.fixture
def weeks_of(weekly_candle: Rows, daily_candles: Rows, sessions: Rows) -> Callable[..., pl.DataFrame]:
    """Pivots of the week of 2022-05-23, whose next week opens on a Tuesday at 272.53."""

    def build(**prices: float) -> pl.DataFrame:
        daily = pl.concat([daily_candles(WEEK), daily_candles(NEXT_WEEK[:1], open=272.53)])
        return weekly_pivots(weekly_candle(MONDAY, **prices), daily, sessions([*WEEK, *NEXT_WEEK]))

    return build


@pytest.mark.parametrize("variant", PIVOT_VARIANTS)
def test_every_variant_gives_the_levels_worked_by_hand(
    variant: str, answers: Mapping[str, Any], weeks_of: Callable[..., pl.DataFrame]
) -> None:
    row = weeks_of(**MSFT).row(by_predicate=pl.col("variant") == variant, named=True)

    expected = answers["levels"][variant]
    assert {name: row[name] for name in expected} == pytest.approx(expected, abs=1e-9)
    assert {name for name in LEVELS if row[name] is not None} == expected.keys()


@pytest.mark.parametrize("variant", ["traditional", "fibonacci"])
def test_another_library_gives_the_same_levels(
    variant: str, answers: Mapping[str, Any], weeks_of: Callable[..., pl.DataFrame]
) -> None:
    row = weeks_of(**MSFT).row(by_predicate=pl.col("variant") == variant, named=True)

    expected = answers["finta"][variant]
    assert {name: row[name] for name in expected} == pytest.approx(expected, abs=1e-9)


def test_demark_weighs_by_how_the_week_closed_against_its_own_open(
    answers: Mapping[str, Any], weeks_of: Callable[..., pl.DataFrame]
) -> None:
    for case in answers["demark"]:
        prices = {name: case[name] for name in ("open", "high", "low", "close")}
        row = weeks_of(**prices).row(by_predicate=pl.col("variant") == "demark", named=True)
        assert {name: row[name] for name in case["levels"]} == pytest.approx(case["levels"], abs=1e-9), case[
            "case"
        ]


def test_the_catalogue_is_sorted_and_is_what_the_contract_allows() -> None:
    allowed = table("signals.weekly_pivots").column("variant").allowed
    assert list(PIVOT_VARIANTS) == sorted(allowed)


def test_levels_are_valid_from_the_next_session_to_the_last_close_of_its_week(
    weeks_of: Callable[..., pl.DataFrame],
) -> None:
    pivots = weeks_of()
    assert set(pivots["valid_from_time"]) == {datetime(2022, 5, 31, 13, 30, tzinfo=UTC)}
    assert set(pivots["valid_until_time"]) == {datetime(2022, 6, 3, 20, 0, tzinfo=UTC)}
    assert set(pivots["window_end_date"]) == {date(2022, 5, 29)}


def test_a_week_without_sessions_is_skipped_and_an_early_close_ends_the_levels(
    weekly_candle: Rows, daily_candles: Rows, sessions: Rows
) -> None:
    later = [date(2022, 6, 7), date(2022, 6, 8)]
    calendar = sessions([*WEEK, *later], half_days=later[1:])
    pivots = weekly_pivots(weekly_candle(MONDAY), daily_candles([*WEEK, later[0]]), calendar)
    assert set(pivots["variant"]) == set(PIVOT_VARIANTS)
    assert set(pivots["valid_from_time"]) == {datetime(2022, 6, 7, 13, 30, tzinfo=UTC)}
    assert set(pivots["valid_until_time"]) == {datetime(2022, 6, 8, 17, 0, tzinfo=UTC)}


def test_each_exchange_has_its_own_next_session(
    weekly_candle: Rows, daily_candles: Rows, sessions: Rows
) -> None:
    # A symbol may hold dots itself: the exchange is what stands behind the last one.
    london = "BT.A.XLON"
    weekly = pl.concat([weekly_candle(MONDAY), weekly_candle(MONDAY, instrument_id=london)])
    daily = pl.concat([daily_candles(WEEK), daily_candles(WEEK, instrument_id=london)])
    calendar = pl.concat([sessions([*WEEK, *NEXT_WEEK]), sessions([*WEEK, date(2022, 5, 30)], mic="XLON")])
    pivots = weekly_pivots(weekly, daily, calendar)
    first = dict(pivots.select("instrument_id", "valid_from_time").unique().iter_rows())
    assert first["MSFT.XNAS"] == datetime(2022, 5, 31, 13, 30, tzinfo=UTC)
    assert first[london] == datetime(2022, 5, 30, 13, 30, tzinfo=UTC)


def test_the_week_across_the_new_year_is_one_week(
    weekly_candle: Rows, daily_candles: Rows, sessions: Rows
) -> None:
    monday = date(2020, 12, 28)  # ISO week 53 of 2020: four sessions, the last on New Year's Eve
    days = [monday + timedelta(days=number) for number in range(4)]
    following = [date(2021, 1, 4) + timedelta(days=number) for number in range(5)]
    pivots = weekly_pivots(
        weekly_candle(monday, session_count=4), daily_candles(days), sessions([*days, *following])
    )
    assert set(pivots["valid_from_time"]) == {datetime(2021, 1, 4, 13, 30, tzinfo=UTC)}
    assert set(pivots["valid_until_time"]) == {datetime(2021, 1, 8, 20, 0, tzinfo=UTC)}


def test_an_incomplete_week_gives_no_levels(weekly_candle: Rows, daily_candles: Rows, sessions: Rows) -> None:
    weekly = weekly_candle(MONDAY, is_complete=False, present_sessions=4)
    assert weekly_pivots(weekly, daily_candles(WEEK), sessions([*WEEK, *NEXT_WEEK])).is_empty()


def test_without_a_known_next_session_there_are_no_levels(
    weekly_candle: Rows, daily_candles: Rows, sessions: Rows
) -> None:
    assert weekly_pivots(weekly_candle(MONDAY), daily_candles(WEEK), sessions(WEEK)).is_empty()


@pytest.mark.parametrize(
    "first_candle",
    [
        {"session_date": date(2022, 6, 1)},  # the first session has none: the second's open is not taken
        {"is_complete": False},
        {"source_interval": "1m"},
        {"adjustment": "raw"},
    ],
)
def test_woodie_open_takes_nothing_but_the_first_sessions_own_complete_candle(
    first_candle: dict[str, Any], weekly_candle: Rows, daily_candles: Rows, sessions: Rows
) -> None:
    daily = pl.concat([daily_candles(WEEK), daily_candles(NEXT_WEEK[:1], **first_candle)])
    pivots = weekly_pivots(weekly_candle(MONDAY), daily, sessions([*WEEK, *NEXT_WEEK]))
    assert set(pivots["variant"]) == set(PIVOT_VARIANTS) - {"woodie_open"}


def test_only_woodie_open_depends_on_the_current_week(
    weekly_candle: Rows, daily_candles: Rows, sessions: Rows
) -> None:
    later = datetime(2022, 6, 20, tzinfo=UTC)
    current = daily_candles(NEXT_WEEK[:1], ingest_time=later, settles_time=later)
    pivots = weekly_pivots(
        weekly_candle(MONDAY), pl.concat([daily_candles(WEEK), current]), sessions([*WEEK, *NEXT_WEEK])
    )
    late = pivots.filter(pl.col("ingest_time") == later)
    assert late["variant"].to_list() == ["woodie_open"]
    assert late["settles_time"].to_list() == [later]
    assert pivots.filter(pl.col("current_open").is_not_null())["variant"].to_list() == ["woodie_open"]


def test_minutes_and_daily_bars_are_never_mixed(
    weekly_candle: Rows, daily_candles: Rows, sessions: Rows
) -> None:
    weekly = pl.concat([weekly_candle(MONDAY), weekly_candle(MONDAY, source_interval="1m", high=120.0)])
    days = [*WEEK, NEXT_WEEK[0]]
    daily = pl.concat([daily_candles(days), daily_candles(days, source_interval="1m", open=101.0)])
    pivots = weekly_pivots(weekly, daily, sessions([*WEEK, *NEXT_WEEK]))
    for source_interval, high, current_open in (("1d", 110.0, 100.0), ("1m", 120.0, 101.0)):
        rows = pivots.filter(source_interval=source_interval)
        assert rows.height == len(PIVOT_VARIANTS)
        assert set(rows["window_high"]) == {high}
        assert set(rows["current_open"].drop_nulls()) == {current_open}
        assert rows["source_candles"][0].to_list() == [
            f"MSFT.XNAS/1d/{source_interval}/{day.isoformat()}" for day in WEEK
        ]


def test_a_complete_week_whose_daily_candles_are_not_all_given_is_refused(
    weekly_candle: Rows, daily_candles: Rows, sessions: Rows
) -> None:
    with pytest.raises(DataError, match="4 of 5 daily candles"):
        weekly_pivots(weekly_candle(MONDAY), daily_candles(WEEK[:4]), sessions([*WEEK, *NEXT_WEEK]))


def test_weeks_without_times_of_knowledge_give_the_same_levels_without_them(
    weekly_candle: Rows, daily_candles: Rows, sessions: Rows
) -> None:
    weekly, daily, calendar = weekly_candle(MONDAY), daily_candles(WEEK), sessions([*WEEK, *NEXT_WEEK])
    known = weekly_pivots(weekly, daily, calendar)
    unknown = weekly_pivots(weekly.drop("ingest_time"), daily.drop("ingest_time"), calendar)
    assert unknown.equals(known.drop("ingest_time"))


def test_pivots_are_good_rows_of_their_table(weeks_of: Callable[..., pl.DataFrame]) -> None:
    pivots = weeks_of(**MSFT)
    assert validate(table("signals.weekly_pivots"), pivots).failures.is_empty()


def test_levels_that_follow_from_the_stored_weeks_do_not_differ(
    weekly_candle: Rows, weeks_of: Callable[..., pl.DataFrame], sessions: Rows
) -> None:
    calendar = sessions([*WEEK, *NEXT_WEEK])
    assert rederive_differences(weeks_of(**MSFT), weekly_candle(MONDAY, **MSFT), calendar).is_empty()


def test_a_level_that_is_off_by_the_last_bit_is_found(
    weekly_candle: Rows, weeks_of: Callable[..., pl.DataFrame], sessions: Rows
) -> None:
    touched = pl.when(pl.col("variant") == "demark").then(pl.col("r1") + 1e-13).otherwise("r1")
    pivots = weeks_of(**MSFT).with_columns(r1=touched)
    calendar = sessions([*WEEK, *NEXT_WEEK])
    differences = rederive_differences(pivots, weekly_candle(MONDAY, **MSFT), calendar)
    assert differences.select("variant", "column").rows() == [("demark", "r1")]


def test_a_weeks_levels_do_not_go_by_the_weeks_beside_it(
    weekly_candle: Rows, daily_candles: Rows, sessions: Rows
) -> None:
    """A repair makes one week, a rebuild all of them: to the last bit the same, or their hashes differ."""
    names = [f"N{number}.XNAS" for number in range(40)]
    weeks = [
        weekly_candle(
            MONDAY, **{name: price + number / 100 for name, price in MSFT.items()}, instrument_id=who
        )
        for number, who in enumerate(names)
    ]
    days = [daily_candles([*WEEK, NEXT_WEEK[0]], instrument_id=who) for who in names]
    calendar = sessions([*WEEK, *NEXT_WEEK])
    alone = [weekly_pivots(week, day, calendar) for week, day in zip(weeks, days, strict=True)]
    together = weekly_pivots(pl.concat(weeks), pl.concat(days), calendar)
    assert_frame_equal(
        together, pl.concat(alone).sort(table("signals.weekly_pivots").business_key), check_exact=True
    )
    assert rederive_differences(alone[1], weeks[1], calendar).is_empty()


def test_levels_of_a_week_that_is_gone_or_corrected_are_found(
    weekly_candle: Rows, weeks_of: Callable[..., pl.DataFrame], sessions: Rows
) -> None:
    calendar = sessions([*WEEK, *NEXT_WEEK])
    pivots = weeks_of(**MSFT)
    gone = rederive_differences(pivots, weekly_candle(MONDAY, **MSFT, is_complete=False), calendar)
    assert set(gone["variant"]) == set(PIVOT_VARIANTS)
    assert gone["rederived"].null_count() == gone.height
    corrected = rederive_differences(pivots, weekly_candle(MONDAY, **(MSFT | {"close": 273.0})), calendar)
    assert "window_close" in set(corrected["column"])
    assert "window_high" not in set(corrected["column"])


CENTS = st.integers(min_value=100, max_value=100_000_000)


@given(prices=st.lists(CENTS, min_size=5, max_size=5), shift=st.integers(1, 10_000))
def test_levels_move_with_prices_and_mirror_when_prices_are_turned_over(
    prices: list[int], shift: int
) -> None:
    low, first, last, high = sorted(prices[:4])
    week = {"open": first, "high": high, "low": low, "close": last, "current_open": prices[4]}
    turned = {name: -value for name, value in (week | {"high": low, "low": high}).items()}
    for variant in PIVOT_VARIANTS:
        levels = _levels(variant, week)
        moved = _levels(variant, {name: value + shift for name, value in week.items()})
        mirrored = _levels(variant, turned)
        assert moved == pytest.approx({name: value + shift for name, value in levels.items()}, abs=1e-3)
        assert mirrored == pytest.approx({_turned(name): -value for name, value in levels.items()}, abs=1e-3)


def _levels(variant: str, prices: Mapping[str, int]) -> dict[str, float]:
    stored = {
        name if name == "current_open" else f"window_{name}": float(value) for name, value in prices.items()
    }
    return pl.DataFrame([stored]).select(**PIVOT_VARIANTS[variant].formula(STORED_PRICES)).row(0, named=True)


def _turned(level: str) -> str:
    return {"p": "p", "r": "s", "s": "r"}[level[0]] + level[1:]
