"""Candles of sessions against slices folded by awk, the calendar library's grid and a plain group-by."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import exchange_calendars
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from findata_core.calendars import sessions_of
from findata_core.errors import DataError
from findata_core.intervals import CANDLE_INTERVALS
from findata_core.market.candles import (
    daily_candles,
    fold_period_candles,
    fold_session_candles,
    refold_differences,
    untiled,
)
from findata_core.schema.frames import conform
from findata_core.schema.tables import table

Rows = Callable[..., pl.DataFrame]
ANSWERS = Path(__file__).parents[1] / "answers" / "candles_by_hand.csv"
INSTANT = pl.Datetime("us", "UTC")
VALUES = [
    "instrument_id",
    "interval",
    "event_time",
    "available_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
]
VALUES += ["present_minutes"]
CANDLES = table("market.candles")
PAIRS = list(zip(("1m", *CANDLE_INTERVALS), CANDLE_INTERVALS, strict=False))


def answers() -> pl.DataFrame:
    rows = pl.read_csv(ANSWERS, comment_prefix="#").rename(
        {"start_time": "event_time", "end_time": "available_time"}
    )
    times = [
        pl.col(name).str.to_datetime("%Y-%m-%d %H:%M", time_unit="us", time_zone="UTC")
        for name in VALUES[2:4]
    ]
    return rows.with_columns(*times, pl.col("present_minutes").cast(pl.Int32)).select(VALUES)


def found(candles: pl.DataFrame, expected: pl.DataFrame) -> pl.DataFrame:
    """The candles at the keys of the expected ones, in the order of those."""
    return expected.select(VALUES[:3]).join(candles, on=VALUES[:3], maintain_order="left").select(VALUES)


@pytest.fixture(scope="module")
def sample_candles(sample: pl.DataFrame, sample_sessions: pl.DataFrame) -> pl.DataFrame:
    return fold_session_candles(sample, sample_sessions)


def test_candles_of_the_sample_are_those_worked_out_by_hand(sample_candles: pl.DataFrame) -> None:
    expected = answers().filter(pl.col("interval") != "1w", pl.col("instrument_id") != "GOOG.XNAS")

    assert expected.rows() == found(sample_candles, expected).rows()


def test_weeks_of_the_sample_are_those_worked_out_by_hand(
    sample_candles: pl.DataFrame, sample_sessions: pl.DataFrame
) -> None:
    expected = answers().filter(interval="1w")

    weeks = fold_period_candles(sample_candles, sample_sessions, "1w")

    assert expected.rows() == found(weeks, expected).rows()


def test_candles_of_a_half_day_end_at_thirteen_o_clock(half_day: pl.DataFrame) -> None:
    expected = answers().filter(instrument_id="GOOG.XNAS")

    candles = fold_session_candles(half_day, sessions_of("XNAS", date(2015, 12, 24), date(2015, 12, 24)))

    assert expected.rows() == found(candles, expected).rows()
    assert candles["available_time"].max() == datetime(2015, 12, 24, 18, tzinfo=UTC)


def test_candles_fit_their_table(sample: pl.DataFrame, sample_sessions: pl.DataFrame) -> None:
    known = sample.with_columns(ingest_time=pl.lit(datetime(2022, 6, 16, tzinfo=UTC)).cast(INSTANT))

    candles = fold_session_candles(known, sample_sessions)

    assert candles.equals(conform(candles, CANDLES))
    assert candles.columns == [column.name for column in CANDLES.columns]
    assert candles.equals(candles.sort(CANDLES.business_key))


def test_a_session_that_the_sample_begins_inside_of_is_not_complete(sample_candles: pl.DataFrame) -> None:
    daily = sample_candles.filter(interval="1d", instrument_id="MSFT.XNAS").sort("session_date")

    incomplete = daily.filter(~pl.col("is_complete")).select(
        "session_date", "present_minutes", "expected_minutes"
    )

    # MSFT's minutes run from 2022-05-18 16:00 UTC (240 to the close) to 2022-06-15 16:29 (180 from the open).
    assert incomplete.rows() == [(date(2022, 5, 18), 240, 390), (date(2022, 6, 15), 180, 390)]


def test_the_sample_tiles_its_sessions(sample_candles: pl.DataFrame, sample_sessions: pl.DataFrame) -> None:
    assert untiled(sample_candles, sample_sessions).is_empty()


@pytest.mark.parametrize(("child", "parent"), PAIRS)
def test_each_width_is_the_fold_of_the_one_below_it(
    sample: pl.DataFrame, sample_candles: pl.DataFrame, child: str, parent: str
) -> None:
    children = sample if child == "1m" else sample_candles.filter(interval=child)

    assert refold_differences(sample_candles.filter(interval=parent), children).is_empty()


GRIDS = [
    ("XNYS", date(2026, 3, 2), date(2026, 3, 13)),  # New York's clocks go forward on 8 March
    ("XNYS", date(2025, 10, 27), date(2025, 11, 7)),  # and back on 2 November
    ("XNYS", date(2025, 11, 24), date(2025, 12, 1)),  # Thanksgiving and a half day
    ("XLON", date(2026, 3, 23), date(2026, 4, 2)),  # London's on 29 March
    ("XLON", date(2025, 10, 20), date(2025, 10, 31)),
    ("XLON", date(2024, 12, 23), date(2024, 12, 31)),
    ("XHKG", date(2024, 12, 23), date(2024, 12, 31)),  # mornings alone on the eves
    ("XTKS", date(2024, 10, 31), date(2024, 11, 6)),  # half an hour more from 5 November
    ("XASX", date(2025, 4, 3), date(2025, 4, 9)),  # Sydney's on 6 April
]


@pytest.mark.parametrize("interval", ["5m", "15m", "30m", "1h", "4h"])
@pytest.mark.parametrize(("mic", "first", "last"), GRIDS)
def test_the_grid_is_that_of_the_calendar_library(
    minutes: Rows, mic: str, first: date, last: date, interval: str
) -> None:
    sessions = sessions_of(mic, first, last)
    bars = minutes(trading_minutes(mic, first, last), f"A.{mic}")

    candles = fold_session_candles(bars, sessions).filter(interval=interval)

    # XHKG's morning of 150 minutes is no whole number of 4h or 1h: `force_close` and `force_break_close`
    # cut a bucket where its segment ends.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        library = exchange_calendars.get_calendar(mic, start=str(first), end=str(last))
        grid = library.trading_index(
            *(str(library.sessions[place].date()) for place in (0, -1)),
            period=pd.Timedelta(interval),
            intervals=True,
            force=True,
        )
    expected = [(span.left.to_pydatetime(), span.right.to_pydatetime()) for span in grid]
    assert expected == candles.select("event_time", "available_time").rows()
    assert candles["is_complete"].all()


def trading_minutes(mic: str, first: date, last: date) -> list[datetime]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        library = exchange_calendars.get_calendar(mic, start=str(first), end=str(last))
        return [minute.to_pydatetime() for minute in library.minutes]


def test_a_candle_starts_on_the_grid_even_if_its_first_minute_is_missing(minutes: Rows) -> None:
    times = [datetime(2025, 7, 2, 13, 33, tzinfo=UTC), datetime(2025, 7, 2, 13, 47, tzinfo=UTC)]

    candles = fold_session_candles(minutes(times), sessions_of("XNAS", date(2025, 7, 2), date(2025, 7, 2)))

    starts = candles.filter(interval="5m")["event_time"].dt.strftime("%H:%M").to_list()
    hour = candles.filter(interval="1h").row(0, named=True)
    assert starts == ["13:30", "13:45"]
    assert (hour["present_minutes"], hour["expected_minutes"], hour["is_complete"]) == (2, 60, False)
    assert (hour["open"], hour["high"], hour["low"], hour["close"], hour["volume"]) == (
        100.0,
        102.5,
        99.5,
        102.0,
        2,
    )


def test_bars_of_other_phases_and_intervals_are_left_out(minutes: Rows) -> None:
    day = datetime(2025, 7, 2, tzinfo=UTC)
    times = [day + timedelta(hours=13, minutes=minute) for minute in (29, 30)]
    bars = minutes([*times, day + timedelta(hours=20), day + timedelta(hours=20, minutes=1)])
    sessions = sessions_of("XNAS", day.date(), day.date())

    candles = fold_session_candles(pl.concat([bars, bars.with_columns(interval=pl.lit("5m"))]), sessions)

    assert candles["volume"].to_list() == [1] * len(CANDLE_INTERVALS)


def test_a_candle_settles_and_is_known_with_the_youngest_of_its_bars(minutes: Rows) -> None:
    day = datetime(2025, 7, 2, tzinfo=UTC)
    bars = minutes([day + timedelta(hours=14, minutes=minute) for minute in range(10)])
    received = [day + timedelta(days=1, minutes=minute % 7) for minute in range(10)]
    known = bars.with_columns(pl.Series("ingest_time", received).cast(INSTANT))

    candles = fold_session_candles(known, sessions_of("XNAS", day.date(), day.date()))

    times = candles.filter(interval="5m")["ingest_time"].to_list()
    assert times == [received[4], received[6]]
    assert set(candles["settles_time"]) == {day + timedelta(hours=20, minutes=30)}


def test_two_sources_in_one_session_are_refused(minutes: Rows) -> None:
    times = [datetime(2025, 7, 2, 14, minute, tzinfo=UTC) for minute in (0, 1)]
    sessions = sessions_of("XNAS", date(2025, 7, 2), date(2025, 7, 2))
    mixed = pl.concat([minutes(times[:1]), minutes(times[1:], source="lean")])

    with pytest.raises(DataError, match="two sources"):
        fold_session_candles(mixed, sessions)
    with pytest.raises(DataError, match="two bars"):
        fold_session_candles(pl.concat([minutes(times), minutes(times)]), sessions)


def test_nothing_folds_to_nothing(sample: pl.DataFrame, sample_sessions: pl.DataFrame) -> None:
    assert fold_session_candles(sample.clear(), sample_sessions).is_empty()
    assert fold_session_candles(sample, sample_sessions.clear()).is_empty()
    assert fold_session_candles(sample.clear(), sample_sessions.clear()).is_empty()


def test_a_providers_daily_bar_is_a_complete_candle_of_its_own_kind(
    parsed: Rows, sample_sessions: pl.DataFrame
) -> None:
    from findata_core.market.bars import complete_bars

    rows = parsed([{"interval": "1d", "session_date": date(2022, 5, 20), "instrument_id": "9988.XHKG"}])
    bars = complete_bars(rows, sample_sessions, datetime(2022, 6, 1, tzinfo=UTC), timedelta(0)).bars

    candle = daily_candles(bars, sample_sessions).row(0, named=True)

    assert (candle["interval"], candle["source_interval"], candle["is_complete"]) == ("1d", "1d", True)
    assert (candle["expected_minutes"], candle["present_minutes"]) == (330, 330)
    times = (candle["event_time"], candle["available_time"], candle["settles_time"])
    close = datetime(2022, 5, 20, 8, tzinfo=UTC)
    assert times == (datetime(2022, 5, 20, 1, 30, tzinfo=UTC), close, close)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    mic=st.sampled_from(["XNYS", "XHKG", "XTKS"]),
    kept=st.lists(st.integers(0, 2500), min_size=1, max_size=400, unique=True),
)
def test_any_subset_of_minutes_folds_as_a_plain_group_by_and_tiles(
    minutes: Rows, mic: str, kept: list[int]
) -> None:
    days = (date(2024, 12, 20), date(2025, 1, 3))
    possible = trading_minutes(mic, *days)
    times = sorted({possible[number % len(possible)] for number in kept})
    sessions = sessions_of(mic, *days)
    bars = minutes(times, f"A.{mic}")

    candles = fold_session_candles(bars, sessions)

    daily = (
        bars.sort("event_time")
        .group_by("session_date", maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
        )
    )
    assert daily.rows() == candles.filter(interval="1d").select(daily.columns).rows()
    assert untiled(candles, sessions).is_empty()
    for child, parent in PAIRS:
        children = bars if child == "1m" else candles.filter(interval=child)
        assert refold_differences(candles.filter(interval=parent), children).is_empty()
