"""What differs by more than is allowed is found, what does not is left alone, and different bases never meet."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findata_core.errors import ConfigurationError, DataError, MixedAdjustments
from findata_core.market.candles import fold_session_candles
from findata_core.quality.reasons import FIELDS
from findata_core.quality.reconciliation import (
    COMPARISONS,
    compare_providers,
    face,
    left_out,
    reconcile,
)
from findata_core.quality.tolerances import TOLERANCES, allowed_distance
from tests.quality.made_bars import DAY, MINUTE, OPEN, bars, daily, minutes, new_york

NEW_YORK = new_york()
FOUND = ["kind", "field", "left_value", "right_value", "compared_bars", "broken_bars", "explanation"]


def found(*frames: pl.DataFrame) -> list[tuple[Any, ...]]:
    return reconcile(pl.concat(frames), NEW_YORK).select(FOUND).sort("kind", "field").rows()


def test_a_day_that_its_minutes_bear_out_is_no_break() -> None:
    assert found(minutes(), daily()) == []


@pytest.mark.parametrize(
    ("field", "figure", "is_break"),
    [
        # By hand: 0.3 % of the daily figure and a cent for open and close, 0.06 % and a cent for the extremes.
        ("open", 100.31, False),
        ("open", 100.32, True),
        ("close", 99.69, True),
        ("close", 99.70, False),
        ("high", 100.07, False),
        ("high", 100.08, True),
        ("low", 99.94, False),
        ("low", 99.92, True),
        # The minutes sum to 390,000: at most what the day has (and a round lot), at least 45 % of it.
        ("volume", 389_900, False),
        ("volume", 389_899, True),
        ("volume", 866_000, False),
        ("volume", 867_000, True),
    ],
)
def test_a_day_may_differ_from_its_minutes_by_its_fields_tolerance(
    field: str, figure: float, is_break: bool
) -> None:
    around = {"high": max(100.0, figure), "low": min(100.0, figure)} if field in ("open", "close") else {}
    broken = [row for row in found(minutes(), daily(**{field: figure} | around)) if row[1] == field]
    total = 390_000.0 if field == "volume" else 100.0
    assert broken == ([("minutes_daily", field, total, figure, 1, 1, None)] if is_break else [])


def test_minutes_of_london_may_be_a_small_part_of_their_day() -> None:
    """A fifth of the day is a break on the tape of the United States, and is not in London."""
    shares = pl.DataFrame(
        {
            "instrument_id": ["ABC.XNAS", "ABC.XLON", "ABC.XNAS", "ABC.XLON"],
            "left_volume": [20_000, 20_000, 110_000, 110_000],
            "right_volume": 100_000,
        }
    )
    allowed = shares.select(allowed_distance("minutes_daily", "volume")).to_series().to_list()
    assert allowed == pytest.approx([55_100, 90_100, 100, 100])


def test_minutes_that_are_missing_explain_what_they_could_have_said() -> None:
    """Without its first ten minutes a session may lack the open and an extreme, but it can't have too much."""
    late = minutes().tail(380)
    told = found(late, daily(open=98.0, low=98.0, close=98.0))
    assert [(row[1], row[-1]) for row in told] == [
        ("close", None),
        ("low", "10 of 390 regular minutes are missing"),
        ("open", "10 of 390 regular minutes are missing"),
    ]
    assert [row[1:] for row in found(late, daily(volume=1000))] == [("volume", 380_000.0, 1000.0, 1, 1, None)]


def test_a_day_that_counts_the_hours_around_its_session_is_explained() -> None:
    early = bars({"event_time": OPEN - MINUTE, "session_phase": "pre", "low": 97.0})
    told = found(early, minutes(), daily(low=97.0))
    assert told == [
        ("minutes_daily", "low", 100.0, 97.0, 1, 1, "the daily bar counts hours outside of the session")
    ]
    (unexplained,) = found(early, minutes(), daily(low=96.9))
    assert unexplained[-1] is None


def test_an_extreme_at_the_auction_is_explained_where_the_auction_itself_agrees() -> None:
    (low,) = found(minutes(), daily(low=99.8, close=99.8))
    assert low[1] == "low"
    assert "auction" in low[-1]
    assert [row[-1] for row in found(minutes(), daily(low=99.0, close=99.0))] == [None, None]


def test_minutes_beyond_their_day_are_never_an_auctions_doing() -> None:
    """The day says that nothing was dearer than its close; a minute was."""
    dear = minutes().with_columns(
        high=pl.when(pl.int_range(pl.len()) == 7).then(103.0).otherwise(pl.col("high"))
    )
    assert found(dear, daily()) == [("minutes_daily", "high", 103.0, 100.0, 1, 1, None)]


def test_the_worst_bar_of_a_field_is_named_and_the_others_counted() -> None:
    own = fold_session_candles(minutes(), NEW_YORK).filter(interval="5m")
    wider = own.select("event_time", "high").rows()
    changed = {wider[3][0]: 101.0, wider[7][0]: 103.0, wider[9][0]: 100.05}
    fives = bars(
        *(
            {"interval": "5m", "event_time": at, "high": changed.get(at, high), "volume": 5000}
            for at, high in wider
        )
    )
    (row,) = reconcile(pl.concat([minutes(), fives]), NEW_YORK).to_dicts()
    assert (row["kind"], row["field"], row["interval"]) == ("candles_bars", "high", "5m")
    assert (row["event_time"], row["left_value"], row["right_value"]) == (wider[7][0], 100.0, 103.0)
    assert (row["compared_bars"], row["broken_bars"]) == (78, 2)


def test_one_bar_that_nobody_can_explain_leaves_the_session_unexplained() -> None:
    """The first bar of a window often has volume 0, which is known; the giant after it is not."""
    volumes = [5000] * 78
    fives = [
        {"interval": "5m", "event_time": OPEN + 5 * n * MINUTE, "volume": volume}
        for n, volume in enumerate([0, *volumes[1:]])
    ]
    assert found(minutes(), bars(*fives)) == [
        ("candles_bars", "volume", 5000.0, 0.0, 78, 1, "yahoo says volume 0")
    ]
    fives[40]["volume"] = 6000
    assert found(minutes(), bars(*fives)) == [("candles_bars", "volume", 5000.0, 6000.0, 78, 2, None)]


def test_two_sources_are_compared_bar_by_bar_where_both_have_one() -> None:
    other = minutes([1000] * 5, source="alphavantage").with_columns(
        low=pl.when(pl.int_range(pl.len()) == 2).then(99.5).otherwise(pl.col("low"))
    )
    assert found(minutes(), other) == [("providers", "low", 99.5, 100.0, 5, 1, None)]


def test_different_bases_never_meet() -> None:
    raw, split = daily(adjustment="raw", source="alphavantage", close=200.0, high=200.0), daily()
    assert found(raw, split) == []
    (told,) = left_out(pl.concat([raw, split])).rows()
    assert told == (
        "ABC.XNAS",
        DAY,
        "1d",
        "alphavantage has raw, yahoo has split: different bases are not compared",
    )
    with pytest.raises(
        MixedAdjustments, match=r"1d bars of ABC.XNAS on 2024-03-06 are in the bases raw and split"
    ) as error:
        face(raw, split)
    assert isinstance(error.value, DataError)
    with pytest.raises(MixedAdjustments):
        compare_providers(pl.concat([raw, split]))


def test_a_basis_in_common_is_compared_beside_one_that_is_not() -> None:
    both = [daily(adjustment="raw", source="alphavantage"), daily(adjustment="raw", close=50.0, low=50.0)]
    frames = [*both, daily()]
    assert {(row[0], row[1]) for row in found(*frames)} == {("providers", "close"), ("providers", "low")}
    assert left_out(pl.concat(frames)).is_empty()


prices = st.floats(1, 1e5).map(lambda price: round(price, 4))


@settings(deadline=None, max_examples=40)  # seconds of a busy machine say nothing here
@given(st.lists(st.tuples(prices, st.integers(0, 10**9)), min_size=1, max_size=40))
def test_a_source_never_breaks_with_itself(said: list[tuple[float, int]]) -> None:
    """Under another name, and as its own wider bars: whatever it says, it agrees."""
    ours = bars(
        *(
            {
                "event_time": OPEN + n * MINUTE,
                **dict.fromkeys(("open", "high", "low", "close"), price),
                "volume": volume,
            }
            for n, (price, volume) in enumerate(said)
        )
    )
    wider = fold_session_candles(ours, NEW_YORK).filter(pl.col("interval").is_in(["5m", "15m"]))
    own = bars(*wider.select("interval", "event_time", *FIELDS).to_dicts())
    twin = ours.with_columns(source=pl.lit("alphavantage"))
    assert found(ours, twin, own) == []


def test_each_comparison_has_a_tolerance_for_each_field_in_a_sorted_catalogue() -> None:
    lines = [(line.kind, line.field, line.country) for line in TOLERANCES]
    assert lines == sorted(set(lines))
    assert {(kind, field) for kind, field, _ in lines} == {
        (kind, field) for kind in COMPARISONS for field in FIELDS
    }
    with pytest.raises(ConfigurationError, match="No tolerance is stated for vwap in providers"):
        allowed_distance("providers", "vwap")


def test_a_session_of_each_instrument_is_told_apart() -> None:
    later = {"session_date": DAY + timedelta(days=1), "event_time": OPEN + timedelta(days=1)}
    frames = [daily(), daily(**later, close=90.0, low=90.0), minutes(), minutes(instrument_id="XYZ.XNYS")]
    assert found(*frames) == []
