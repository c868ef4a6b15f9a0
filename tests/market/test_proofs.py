"""The proofs find what is wrong: each kind of damage done to right candles is reported."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from findata_core.market.candles import fold_session_candles, refold_differences, untiled


@pytest.fixture(scope="module")
def candles(sample: pl.DataFrame, sample_sessions: pl.DataFrame) -> pl.DataFrame:
    return fold_session_candles(sample.filter(instrument_id="9988.XHKG"), sample_sessions)


@pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume", "present_minutes"])
def test_a_changed_value_is_found(candles: pl.DataFrame, column: str) -> None:
    hours, halves = candles.filter(interval="1h"), candles.filter(interval="30m")
    changed = pl.int_range(pl.len()) == 5
    damaged = hours.with_columns(pl.when(changed).then(pl.col(column) + 1).otherwise(column).alias(column))

    found = refold_differences(damaged, halves)

    assert found.select("event_time", "finding").rows() == [(hours["event_time"][5], column)]


def test_a_missing_child_a_missing_parent_and_a_child_of_another_basis_are_found(
    candles: pl.DataFrame,
) -> None:
    hours, halves = candles.filter(interval="1h"), candles.filter(interval="30m")

    assert len(refold_differences(hours, halves[1:])) == 1
    orphans = refold_differences(hours[1:], halves)
    assert orphans["finding"].to_list() == ["child without parent"] * 2
    assert not refold_differences(hours, halves.with_columns(adjustment=pl.lit("raw"))).is_empty()


@pytest.mark.parametrize(
    ("interval", "damage", "finding"),
    [
        ("1h", {"event_time": pl.col("event_time") + timedelta(minutes=1)}, "whole number of widths"),
        ("1h", {"available_time": pl.col("available_time") + timedelta(minutes=1)}, "does not end"),
        ("4h", {"available_time": pl.col("event_time") + timedelta(hours=4)}, "does not end"),
        ("1h", {"event_time": pl.col("event_time").dt.truncate("1d") + timedelta(hours=4)}, "outside"),
        ("1h", {"session_date": pl.col("session_date") - timedelta(days=365)}, "no such session"),
        ("1h", {"expected_minutes": pl.lit(61)}, "expects other minutes"),
        ("1d", {"available_time": pl.col("available_time") - timedelta(minutes=1)}, "open to its close"),
        ("1d", {"expected_minutes": pl.lit(390)}, "expects other minutes"),
        ("1h", {"interval": pl.lit("1w")}, "not an interval"),
    ],
)
def test_a_candle_that_does_not_tile_is_found(
    candles: pl.DataFrame,
    sample_sessions: pl.DataFrame,
    interval: str,
    damage: dict[str, pl.Expr],
    finding: str,
) -> None:
    first = candles.filter(interval=interval)[:1]

    found = untiled(first.with_columns(**damage), sample_sessions)

    assert len(found) == 1
    assert finding in found["finding"][0]


def test_two_candles_of_one_start_are_found(candles: pl.DataFrame, sample_sessions: pl.DataFrame) -> None:
    doubled = pl.concat([candles, candles[:1]])

    assert untiled(doubled, sample_sessions)["finding"].to_list() == ["two of one start"] * 2
