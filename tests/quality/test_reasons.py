"""What the bars themselves explain of a difference: in the direction in which they could have caused it, and no more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from findata_core.calendars import sessions_of
from findata_core.market.candles import fold_session_candles
from findata_core.quality.reconciliation import reconcile
from tests.quality.made_bars import DAY, MINUTE, OPEN, bars, daily, minutes, new_york

NEW_YORK = pl.concat([new_york(), sessions_of("XCBO", DAY, DAY)])


def reasons(*frames: pl.DataFrame, sessions: pl.DataFrame = NEW_YORK) -> dict[str, str | None]:
    """The explanation of each field that differs."""
    found = reconcile(pl.concat(frames), sessions)
    return dict(found.select("field", "explanation").iter_rows())


def without(number: int, frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out one minute of the session, counted from 0."""
    return frame.filter(pl.col("event_time") != OPEN + number * MINUTE)


def five(number: int = 0, **columns: Any) -> dict[str, Any]:
    """A source's own bar of five minutes."""
    return {"interval": "5m", "event_time": OPEN + 5 * number * MINUTE, "volume": 5000, **columns}


FOUR_OF_FIVE = "4 of the candle's 5 minutes are there"


@pytest.mark.parametrize(
    ("missing", "said", "explained"),
    [
        (0, {"open": 99.0}, True),
        (2, {"open": 99.0}, False),
        (4, {"open": 99.0}, False),
        (0, {"close": 99.0}, False),
        (2, {"close": 99.0}, False),
        (4, {"close": 99.0}, True),
        (2, {"high": 101.0}, True),
        (2, {"high": 99.0}, False),
        (2, {"low": 99.0}, True),
        (2, {"low": 101.0}, False),
        (2, {"volume": 6000}, True),  # 4,000 are seen
        (2, {"volume": 3000}, False),
    ],
)
def test_a_missing_minute_explains_of_a_bar_what_it_could_have_said(
    missing: int, said: dict[str, Any], explained: bool
) -> None:
    (field,) = said
    told = reasons(without(missing, minutes()), bars(five(**said)))
    assert told[field] == (FOUR_OF_FIVE if explained else None)


def test_bars_before_a_break_of_the_session_end_with_its_last_minute() -> None:
    """Hong Kong rests from 12:00 to 13:00: no bar of an hour lacks its last minute where all minutes are there."""
    hong_kong = sessions_of("XHKG", DAY, DAY)
    first = hong_kong.item(0, "open_time")
    columns = {"instrument_id": "ABC.XHKG", "session_date": DAY}
    traded = [*range(150), *range(210, 390)]  # minutes since 09:30
    whole = bars(*({**columns, "event_time": first + timedelta(minutes=n)} for n in traded))
    hours = fold_session_candles(whole, hong_kong).filter(interval="1h").get_column("event_time")
    assert len(hours) == 6
    for hour in hours:
        for field in ("open", "close"):
            own = bars({**columns, "interval": "1h", "event_time": hour, field: 99.0, "volume": 60_000})
            assert reasons(whole, own, sessions=hong_kong)[field] is None


ONE_MISSING = "1 of 390 regular minutes are missing"


@pytest.mark.parametrize(
    ("missing", "said", "explained"),
    [
        # By hand: a minute that nobody saw may have gone 20 % beyond 100, which is 120 or 100 / 1.2 = 83.33.
        (200, {"high": 120.0}, True),
        (200, {"high": 120.01}, False),
        (200, {"low": 83.34}, True),
        (200, {"low": 83.33}, False),
        (0, {"open": 120.0}, True),
        (0, {"open": 120.01}, False),
        (0, {"open": 83.33}, False),
        (389, {"close": 83.34}, True),
        (389, {"close": 83.33}, False),
        (389, {"close": 120.01}, False),
        # 389,000 shares are seen. The one minute may have had 10 times the root of 1 / 389 as many, 0.507: together
        # 586,231, and a hundred; which may be 45 % of the day: 1,302,957.
        (200, {"volume": 1_302_000}, True),
        (200, {"volume": 1_304_000}, False),
        (200, {"volume": 40_000_000}, False),
    ],
)
def test_a_minute_that_is_missing_explains_of_a_day_what_a_minute_can_have_done(
    missing: int, said: dict[str, Any], explained: bool
) -> None:
    (field,) = said
    told = reasons(without(missing, minutes()), daily(**said))
    assert told[field] == (ONE_MISSING if explained else None)


@pytest.mark.parametrize(("volume", "explained"), [(3_760_000, True), (3_770_000, False)])
def test_a_name_that_seldom_trades_is_still_checked(volume: int, explained: bool) -> None:
    """By hand: 85 minutes have 85,000; 10 times the root of 305 / 85 is 18.943; 1,695,119 and a hundred, by 45 %."""
    told = reasons(minutes([1000] * 85), daily(volume=volume))
    assert (told["volume"] is not None) == explained


@pytest.mark.parametrize(("volume", "explained"), [(26_700, True), (26_800, False)])
def test_a_bar_of_five_minutes_may_have_traded_as_much_in_the_one_that_is_missing(
    volume: int, explained: bool
) -> None:
    """By hand: 4,000 are seen; 10 times the root of 1 / 4 is 5; 24,000 and a hundred, by 90 %: 26,778."""
    told = reasons(without(0, minutes()), bars(five(volume=volume)))
    assert told["volume"] == (FOUR_OF_FIVE if explained else None)


def test_minutes_that_sum_to_more_than_their_day_are_a_break_though_the_day_says_nothing() -> None:
    assert reasons(minutes(), daily(volume=0)) == {"volume": None}
    index = {"instrument_id": "SPX.XCBO"}
    assert reasons(minutes(**index), daily(volume=0, **index)) == {"volume": None}


def test_minutes_without_volume_are_explained_of_an_index_alone() -> None:
    silent = [0] * 390
    assert reasons(minutes(silent), daily()) == {"volume": None}
    index = {"instrument_id": "SPX.XCBO"}
    told = reasons(minutes(silent, **index), daily(**index), bars(five(**index)))
    assert told == {"volume": "yahoo says volume 0"}
    assert reconcile(pl.concat([minutes(silent, **index), daily(**index)]), NEW_YORK).height == 1


@pytest.mark.parametrize(
    ("silent", "explained"),
    [
        ((0,), True),
        ((40,), True),  # a window that begins in the session: two of them meet in it once
        ((0, 40), True),
        ((39, 40), False),
        ((0, 40, 41), False),
        (range(78), False),
    ],
)
def test_the_first_bar_of_a_window_may_have_no_volume(silent: tuple[int, ...], explained: bool) -> None:
    own = bars(*(five(number, volume=0 if number in silent else 5000) for number in range(78)))
    told = reasons(minutes(), own)
    assert told == {"volume": "yahoo says volume 0" if explained else None}


def test_a_candle_whose_minutes_all_say_nothing_is_no_window_that_begins() -> None:
    volumes = [0] * 5 + [1000] * 385
    assert reasons(minutes(volumes), bars(five())) == {"volume": None}


@pytest.mark.parametrize("source", ["alphavantage", "zacks"])  # on the left and on the right of yahoo
def test_of_two_sources_the_first_bar_may_have_no_volume_and_a_day_may_not(source: str) -> None:
    first = minutes([0] + [1000] * 389, source=source)
    assert reasons(minutes(), first) == {"volume": f"{source} says volume 0"}
    assert reasons(minutes(), minutes([0, 0, 0] + [1000] * 387, source=source)) == {"volume": None}
    assert reasons(daily(), daily(volume=0, source=source)) == {"volume": None}
    index = {"instrument_id": "SPX.XCBO"}
    silent = daily(volume=0, source=source, **index)
    assert reasons(daily(**index), silent) == {"volume": f"{source} says volume 0"}
