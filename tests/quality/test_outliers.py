"""Prices that stand apart: what is found, what looks like it and is healthy."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from findata_core.quality.outliers import OUTLIER_SCHEMA, outliers

OPEN = datetime(2022, 6, 14, 13, 30, tzinfo=UTC)


def minutes(closes: list[float], **changed: Any) -> pl.DataFrame:
    """A session whose bars reach 0.02 % around their closes; `changed`: column -> {minute: value}."""
    rows = [
        {
            "instrument_id": "MSFT.XNAS",
            "source": "yahoo",
            "adjustment": "raw",
            "interval": "1m",
            "session_phase": "regular",
            "session_date": date(2022, 6, 14),
            "event_time": OPEN + timedelta(minutes=number),
            "open": close,
            "high": changed.get("high", {}).get(number, close * 1.0002),
            "low": changed.get("low", {}).get(number, close * 0.9998),
            "close": close,
            "payload_id": 7,
        }
        for number, close in enumerate(closes)
    ]
    return pl.DataFrame(rows).with_columns(pl.col("event_time").cast(pl.Datetime("us", "UTC")))


def quiet(count: int = 120) -> list[float]:
    """Closes that swing by a hundredth of a percent."""
    return [100.0 + 0.01 * (number % 3) for number in range(count)]


def test_a_print_far_above_that_comes_back_at_once_is_found() -> None:
    found = outliers(minutes(quiet(), high={60: 103.0}))
    assert found.schema == OUTLIER_SCHEMA
    assert found.select("event_time", "field", "price", "payload_id").row(0) == (
        OPEN + timedelta(minutes=60),
        "high",
        103.0,
        7,
    )
    assert found.height == 1
    assert found["distance"][0] == pytest.approx(0.03, abs=0.001)


def test_a_print_far_below_is_found_and_the_farthest_comes_first() -> None:
    found = outliers(minutes(quiet(), high={60: 103.0}, low={30: 95.0}))
    assert found.select("field", "price").rows() == [("low", 95.0), ("high", 103.0)]


def test_news_is_no_outlier() -> None:
    """The price moves by five percent and stays there."""
    assert outliers(minutes([*quiet(60), *(close * 1.05 for close in quiet(60))])).is_empty()


def test_a_wild_session_is_not_full_of_outliers() -> None:
    """Minutes that all swing by two percent stand apart from none."""
    assert outliers(minutes([100.0 * (1.02 if number % 2 else 1.0) for number in range(120)])).is_empty()


def test_less_than_one_percent_is_never_one() -> None:
    assert outliers(minutes(quiet(), high={60: 100.9})).is_empty()


def test_few_minutes_and_other_phases_are_not_judged() -> None:
    assert outliers(minutes(quiet(29), high={15: 110.0})).is_empty()
    post = minutes(quiet(), high={60: 110.0}).with_columns(session_phase=pl.lit("post"))
    assert outliers(post).is_empty()
    assert outliers(minutes(quiet()).clear()).is_empty()


@given(
    st.lists(st.floats(-0.0005, 0.0005), min_size=40, max_size=80),
    st.floats(1.0, 10_000.0),
    st.integers(5, 30),
)
def test_a_calm_walk_has_none_and_one_spike_of_a_tenth_is_the_only_one(
    steps: list[float], start: float, place: int
) -> None:
    closes = [start]
    for step in steps:
        closes.append(closes[-1] * (1 + step))
    assert outliers(minutes(closes)).is_empty()
    found = outliers(minutes(closes, high={place: closes[place] * 1.1}))
    assert found["event_time"].to_list() == [OPEN + timedelta(minutes=place)]
