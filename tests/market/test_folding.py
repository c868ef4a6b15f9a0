"""The array fold: ranges of any shape, rows outside of sessions, and the same result on all cores."""

from __future__ import annotations

import dataclasses
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from findata_core.calendars import SessionBounds, sessions_of
from findata_core.market import folding, reducing
from findata_core.market.folding import CandleArrays, MinuteArrays, fold_arrays
from findata_core.market.reducing import Ranges, reduce_ranges

MINUTE = 60_000_000
BOUNDS = SessionBounds.of(sessions_of("XHKG", date(2024, 12, 23), date(2025, 1, 3)))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reducing, "RANGES_A_BLOCK", 4)


def every_minute(instruments: int = 3) -> MinuteArrays:
    """Every minute from before the first session to after the last one, nights and breaks included."""
    minutes = np.arange(BOUNDS.open[0] - 90 * MINUTE, BOUNDS.close[-1] + 90 * MINUTE, MINUTE)
    random = np.random.default_rng(1)
    prices = [random.integers(1, 1000, len(minutes) * instruments) / 4 for _ in range(4)]
    return MinuteArrays(
        instrument=np.repeat(np.arange(instruments, dtype=np.int32), len(minutes)),
        time=np.tile(minutes, instruments),
        open=prices[0],
        high=prices[1],
        low=prices[2],
        close=prices[3],
        volume=random.integers(0, 100, len(minutes) * instruments),
        latest={"ingest_time": random.integers(0, 100, len(minutes) * instruments)},
    )


def columns(candles: CandleArrays) -> dict[str, list[int] | list[float]]:
    fields = {field.name: getattr(candles, field.name) for field in dataclasses.fields(candles)}
    latest = fields.pop("latest")
    return {name: values.tolist() for name, values in {**fields, **latest}.items()}


@pytest.mark.usefixtures("small_blocks")
@given(
    lengths=st.lists(st.tuples(st.integers(0, 3), st.sampled_from([1, 2, 5, 5, 5, 5])), max_size=40),
    usual=st.sampled_from([1, 2, 5]),
)
def test_ranges_with_and_without_rows_between_are_reduced_as_by_a_loop(
    lengths: list[tuple[int, int]], usual: int
) -> None:
    edges, position = [], 0
    for skipped, length in lengths:
        edges.append((position + skipped, position + skipped + length))
        position += skipped + length
    values = np.random.default_rng(position).integers(0, 1000, position)
    starts, ends = np.array(edges, dtype=np.int64).reshape(-1, 2).T

    for operation, plain in ((np.maximum, max), (np.minimum, min), (np.add, sum)):
        expected = [plain(values[start:end].tolist()) for start, end in edges]
        assert reduce_ranges(operation, values, Ranges.of(starts, ends, usual)).tolist() == expected


def test_minutes_outside_of_segments_are_in_no_candle() -> None:
    bars = every_minute(1)
    is_inside = np.zeros(len(bars.time), dtype=bool)
    for start, pause, again, close in zip(
        BOUNDS.open, BOUNDS.break_start, BOUNDS.break_end, BOUNDS.close, strict=True
    ):
        is_inside |= (bars.time >= start) & (bars.time < pause) | (bars.time >= again) & (bars.time < close)

    candles = fold_arrays(bars, np.zeros(1, dtype=np.int64), BOUNDS)

    for width in candles.values():
        assert width.volume.sum() == bars.volume[is_inside].sum()
        assert width.high.max() == bars.high[is_inside].max()
        assert (width.present_minutes == width.expected_minutes).all()


def test_an_instrument_without_an_exchange_has_no_candles() -> None:
    candles = fold_arrays(every_minute(3), np.array([0, -1, 7]), BOUNDS)

    assert {tuple(np.unique(width.instrument)) for width in candles.values()} == {(0,)}


@pytest.mark.usefixtures("small_blocks")
def test_the_fold_is_the_same_on_all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    bars, venues = every_minute(), np.zeros(3, dtype=np.int64)
    alone = fold_arrays(bars, venues, BOUNDS)

    monkeypatch.setattr(folding, "ROWS_WORTH_THREADS", 0)
    together = fold_arrays(bars, venues, BOUNDS)

    assert {name: columns(width) for name, width in alone.items()} == {
        name: columns(width) for name, width in together.items()
    }
