"""The catalogue of intervals."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import polars as pl
import pytest

from findata_core.errors import UnknownInterval
from findata_core.intervals import (
    BAR_INTERVALS,
    CANDLE_INTERVALS,
    INTERVALS,
    PERIOD_INTERVALS,
    interval_of,
    width_minutes,
)
from findata_core.schema.tables import table

# Polars parses the same names by its own rules: "4h" is four hours there too.
EPOCH = pl.Series([0]).cast(pl.Datetime("us"))


@pytest.mark.parametrize("name", [item.name for item in INTERVALS.values() if item.minutes])
def test_a_fixed_width_is_what_polars_reads_from_its_name(name: str) -> None:
    assert timedelta(minutes=width_minutes(name)) == (EPOCH.dt.offset_by(name) - EPOCH)[0]


def test_each_width_is_a_whole_number_of_the_one_below_it() -> None:
    widths = [width_minutes(name) for name in ("1m", *CANDLE_INTERVALS[:-1])]

    assert all(wider % narrower == 0 for narrower, wider in pairwise(widths))


def test_tables_allow_exactly_the_intervals_of_the_catalogue() -> None:
    allowed = {
        address: next(set(c.allowed) for c in table(address).columns if c.name == "interval")
        for address in ("market.bars", "market.candles", "market.weekly_candles")
    }

    assert allowed == {
        "market.bars": set(BAR_INTERVALS),
        "market.candles": set(CANDLE_INTERVALS),
        "market.weekly_candles": set(PERIOD_INTERVALS),
    }


@pytest.mark.parametrize(("name", "near"), [("5min", "5m"), ("1H", "1h"), ("60m", "30m"), ("", "1d")])
def test_an_unknown_interval_is_refused_with_near_ones(name: str, near: str) -> None:
    with pytest.raises(UnknownInterval) as refusal:
        interval_of(name)

    assert near in refusal.value.next_step


@pytest.mark.parametrize("name", ["1d", "1w", "1mo"])
def test_a_session_a_week_and_a_month_have_no_fixed_width(name: str) -> None:
    with pytest.raises(UnknownInterval, match="no fixed width"):
        width_minutes(name)
