"""Parsed rows become bars, or are refused with the rule that they break; none vanishes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from findata_core.calendars import sessions_of
from findata_core.errors import DataError, UnknownInterval
from findata_core.market.bars import (
    BAR_COLUMNS,
    ORIGIN_SCHEMA,
    CompletedBars,
    complete_bars,
    complete_together,
    restore_float32,
)
from findata_core.schema.tables import table

Rows = Callable[..., pl.DataFrame]
DAY = date(2025, 7, 2)
HALF_DAY = date(2025, 7, 3)
SESSIONS = sessions_of("XNAS", date(2025, 6, 30), date(2025, 7, 8))
HONG_KONG = sessions_of("XHKG", date(2025, 7, 2), date(2025, 7, 3))
LATER = datetime(2025, 7, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(hour: int, minute: int = 0, second: int = 0, day: date = DAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=UTC)


def completed(
    rows: pl.DataFrame, received: datetime = LATER, sessions: pl.DataFrame = SESSIONS
) -> CompletedBars:
    return complete_bars(rows, sessions, received, HOUR)


def rules(result: CompletedBars) -> dict[int, str]:
    return dict(result.refused.select("row_number", "rule").iter_rows())


def test_a_bar_has_the_tables_columns_and_settles_after_its_sessions_close(parsed: Rows) -> None:
    result = completed(parsed([{"event_time": at(13, 30), "vwap": 100.5, "trade_count": 3}]))

    bar = result.bars.row(0, named=True)
    assert list(BAR_COLUMNS) == result.bars.columns
    assert (DAY, "regular", at(21), 10, 100.5, 3) == tuple(
        bar[name]
        for name in ("session_date", "session_phase", "settles_time", "volume", "vwap", "trade_count")
    )


def test_bars_are_sorted_by_business_key(parsed: Rows) -> None:
    rows = [{"event_time": at(14, 1)}, {"event_time": at(14, 0)}, {"event_time": at(14, 5), "interval": "5m"}]

    bars = completed(parsed(rows)).bars

    assert bars.select(table("market.bars").business_key).rows() == sorted(
        bars.select(table("market.bars").business_key).rows()
    )


def test_a_daily_bar_starts_at_its_sessions_open(parsed: Rows) -> None:
    rows = [
        {"interval": "1d", "session_date": HALF_DAY},
        {"interval": "1d", "session_date": date(2025, 7, 4)},
    ]

    result = completed(parsed(rows))

    expected = (at(13, 30, day=HALF_DAY), HALF_DAY, "regular", at(18, day=HALF_DAY))
    columns = ("event_time", "session_date", "session_phase", "settles_time")
    assert [expected] == result.bars.select(columns).rows()
    assert rules(result) == {1: "no_session"}


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"event_time": at(14, day=date(2025, 7, 4))}, "no_session"),
        ({"event_time": at(14, day=date(2025, 7, 5))}, "no_session"),
        ({"event_time": None}, "no_session"),
        ({"event_time": at(14), "instrument_id": "AAPL"}, "no_session"),
        ({"event_time": at(14, 0, 30)}, "off_grid"),
        ({"event_time": at(14, 2), "interval": "5m"}, "off_grid"),
        ({"event_time": at(14, 15), "interval": "1h"}, "off_grid"),
        ({"event_time": at(14), "open": None}, "null_price"),
        ({"event_time": at(14), **dict.fromkeys(("open", "high", "low", "close", "volume"))}, "null_price"),
        ({"event_time": at(14), "volume": None}, "null_volume"),
        ({"event_time": at(14), "high": float("inf")}, "not_finite"),
        ({"event_time": at(14), "close": float("nan")}, "not_finite"),
        ({"event_time": at(14), "volume": float("inf")}, "not_finite"),
        ({"event_time": at(14), "volume": 10.5}, "fractional_volume"),
        ({"event_time": at(14), "volume": 1e19}, "fractional_volume"),
    ],
)
def test_a_row_that_is_no_bar_is_refused_by_name(parsed: Rows, row: dict[str, Any], rule: str) -> None:
    result = completed(parsed([{"event_time": at(13, 30)}, row]))

    assert {1: rule} == rules(result)
    assert len(result.bars) == 1


@pytest.mark.parametrize(
    ("row", "received", "rule"),
    [
        ({"event_time": at(14, 0)}, at(14, 0, 59), "bar_in_progress"),
        ({"event_time": at(14, 0)}, at(14, 1), None),
        # Yahoo's live row: its stamp is the time of the last trade.
        ({"event_time": at(14, 0, 41)}, at(14, 0, 45), "bar_in_progress"),
        ({"event_time": at(14, 1)}, at(14, 0), "future"),
        # The last hour of a session is half an hour: it ends with the session.
        ({"event_time": at(19, 30), "interval": "1h"}, at(20), None),
        ({"event_time": at(19, 30), "interval": "1h"}, at(19, 59), "bar_in_progress"),
        ({"event_time": at(16, 30, day=HALF_DAY), "interval": "1h"}, at(17, day=HALF_DAY), None),
        # Yahoo's flat bar at the close is complete a minute later, whatever its width.
        ({"event_time": at(20), "interval": "1h"}, at(20, 0, 30), "bar_in_progress"),
        ({"event_time": at(20), "interval": "1h"}, at(20, 1), None),
        ({"interval": "1d", "session_date": DAY}, at(19, 59), "bar_in_progress"),
        ({"interval": "1d", "session_date": DAY}, at(20), None),
        ({"interval": "1d", "session_date": DAY}, at(13), "future"),
    ],
)
def test_a_bar_that_can_still_grow_is_refused(
    parsed: Rows, row: dict[str, Any], received: datetime, rule: str | None
) -> None:
    result = completed(parsed([row]), received)

    assert ({0: rule} if rule else {}) == rules(result)


def test_hours_may_be_counted_from_the_open_or_from_the_whole_hour(parsed: Rows) -> None:
    times = [at(13, 30), at(19, 30), at(14), at(19), at(12), at(20), at(21)]

    result = completed(parsed([{"event_time": time, "interval": "1h"} for time in times]))

    assert rules(result) == {}


def test_hours_after_a_break_are_counted_from_its_end(parsed: Rows) -> None:
    times = [(1, 30), (3, 30), (4, 0), (4, 30), (5, 0), (7, 0)]
    rows = [{"event_time": at(*time), "interval": "1h", "instrument_id": "9988.XHKG"} for time in times]

    result = completed(parsed(rows), sessions=HONG_KONG)

    # 04:00 is the break's first instant, hence a closing bar; 04:30 lies in the break.
    assert rules(result) == {3: "no_session"}
    assert result.bars["session_phase"][2] == "closing"


def test_a_refused_row_is_kept_as_json_with_its_reason(parsed: Rows) -> None:
    refused = completed(parsed([{"event_time": at(14), "volume": 10.5}])).refused.row(0, named=True)

    row = json.loads(refused["row"])
    assert (refused["row_number"], refused["instrument_id"], refused["session_date"]) == (0, "AAPL.XNAS", DAY)
    assert (row["volume"], row["open"]) == (10.5, 100.0)
    assert "whole number" in refused["reason"]


def test_identical_rows_are_counted_and_of_differing_ones_the_last_is_kept(parsed: Rows) -> None:
    rows = [
        {"event_time": at(14), "close": 100.0},
        {"event_time": at(14), "close": 99.0},
        {"event_time": at(14), "close": 100.0},
        {"event_time": at(15), "vwap": None},
        {"event_time": at(15), "vwap": 1.0},
    ]

    result = completed(parsed(rows))

    assert rules(result) == {1: "duplicate_conflicting", 3: "duplicate_conflicting"}
    assert result.duplicates == {0: 1}
    assert result.bars.select("close", "vwap").rows() == [(100.0, None), (100.0, 1.0)]


def test_whole_volumes_stay_whole_above_two_to_the_53rd(parsed: Rows) -> None:
    rows = parsed([{"event_time": at(14)}]).with_columns(volume=pl.lit(2**53 + 1, pl.Int64))

    assert completed(rows).bars["volume"].to_list() == [2**53 + 1]


def test_no_rows_make_no_bars(parsed: Rows) -> None:
    for sessions in (SESSIONS, SESSIONS.clear()):
        result = completed(parsed([]), sessions=sessions)
        assert (len(result.bars), len(result.refused), result.duplicates) == (0, 0, {})


def test_rows_without_any_session_are_all_refused(parsed: Rows) -> None:
    rows = parsed([{"event_time": at(14)}, {"interval": "1d", "session_date": DAY}])

    assert rules(completed(rows, sessions=SESSIONS.clear())) == {0: "no_session", 1: "no_session"}


def test_rows_of_another_shape_are_refused_whole(parsed: Rows) -> None:
    rows = parsed([{"event_time": at(14)}])

    with pytest.raises(DataError, match="lack volume"):
        completed(rows.drop("volume"))
    with pytest.raises(DataError, match="without a zone"):
        completed(rows.with_columns(pl.col("event_time").dt.replace_time_zone(None)))
    with pytest.raises(UnknownInterval):
        completed(rows.with_columns(interval=pl.lit("7m")))


ROWS = st.fixed_dictionaries(
    {
        "event_time": st.one_of(
            st.none(),
            st.integers(0, 5 * 1440).map(
                lambda minute: datetime(2025, 7, 1, tzinfo=UTC) + timedelta(minutes=minute)
            ),
            st.sampled_from([at(14), at(14, 0, 7), at(20), at(20, 30)]),
        ),
        "interval": st.sampled_from(["1m", "5m", "1h", "1d"]),
        "instrument_id": st.sampled_from(["AAPL.XNAS", "9988.XHKG", "NOWHERE"]),
        "session_date": st.sampled_from([None, DAY, HALF_DAY, date(2025, 7, 4)]),
        "close": st.sampled_from([100.0, 101.0, None, float("nan")]),
        "volume": st.sampled_from([0.0, 5.0, 0.5, None]),
    }
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROWS, max_size=30), hours=st.integers(0, 150))
def test_no_row_vanishes_and_keys_are_unique(parsed: Rows, rows: list[dict[str, Any]], hours: int) -> None:
    received = datetime(2025, 7, 1, tzinfo=UTC) + timedelta(hours=hours)

    result = completed(parsed(rows), received, pl.concat([SESSIONS, HONG_KONG]))

    assert len(rows) == len(result.bars) + len(result.refused) + sum(result.duplicates.values())
    assert not result.bars.select(table("market.bars").business_key).is_duplicated().any()
    assert (result.bars["event_time"] <= received).all()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payloads=st.lists(st.tuples(st.lists(ROWS, max_size=8), st.integers(0, 150)), min_size=1, max_size=4))
def test_payloads_completed_together_become_what_each_becomes_alone(
    parsed: Rows, payloads: list[tuple[list[dict[str, Any]], int]]
) -> None:
    sessions = pl.concat([SESSIONS, HONG_KONG])
    alone, origins = [], []
    for number, (rows, hours) in enumerate(payloads):
        received = datetime(2025, 7, 1, tzinfo=UTC) + timedelta(hours=hours)
        alone.append(completed(parsed(rows), received, sessions))
        origin = (number, received, HOUR)
        columns = zip(origin, ORIGIN_SCHEMA.items(), strict=True)
        origins.append(
            parsed(rows).with_columns(pl.lit(value, dtype).alias(name) for value, (name, dtype) in columns)
        )

    together = complete_together(pl.concat(origins), sessions)

    repeated = {number: one.duplicates[0] for number, one in enumerate(alone) if one.duplicates}
    assert together.duplicates == repeated
    for number, one in enumerate(alone):
        mine = together.origins["payload_number"] == number
        assert together.bars.filter(mine).equals(one.bars)
        assert together.origins.filter(mine)["row_number"].equals(one.origins["row_number"])
        refused = together.refused.filter(payload_number=number)
        assert refused.drop("payload_number").equals(one.refused.drop("payload_number"))


def test_the_sample_is_all_bars(sample: pl.DataFrame) -> None:
    # 7,440, 9,180 and 6,270 lines without their headers (wc -l).
    assert dict(sample["instrument_id"].value_counts().iter_rows()) == {
        "MSFT.XNAS": 7440,
        "AZN.XLON": 9180,
        "9988.XHKG": 6270,
    }
    assert {"regular"} == set(sample["session_phase"])


def test_a_half_days_bars_end_with_the_closing_print(half_day: pl.DataFrame) -> None:
    # unzip -p 20151224_trade.zip | awk -F, '$1 >= 46800000': one line at 13:00, the auction.
    after = half_day.filter(pl.col("session_phase") == "closing")

    assert [(datetime(2015, 12, 24, 18, tzinfo=UTC), 1512)] == after.select("event_time", "volume").rows()


def test_a_stamp_of_the_evening_belongs_to_the_session_before_midnight_utc(
    trial_data: Path, parsed: Rows
) -> None:
    path = trial_data / "bars_1m" / "Fl4bb0-Daytrading1.0" / "hf_2025-01" / "AAPL.csv"
    lines = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    rows = parsed([{"event_time": datetime.fromisoformat(line[0])} for line in lines])

    result = completed(rows, LATER, sessions_of("XNAS", date(2025, 1, 1), date(2025, 1, 31)))

    local = result.bars["event_time"].dt.convert_time_zone("America/New_York").dt.date()
    assert result.refused.is_empty()
    assert (local == result.bars["session_date"]).all()
    assert (result.bars["event_time"].dt.date() != result.bars["session_date"]).any()
    assert date(2025, 1, 9) not in set(result.bars["session_date"])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.floats(width=32, allow_nan=True, allow_infinity=True), min_size=1, max_size=50))
def test_a_widened_float32_becomes_the_shortest_decimal_that_numpy_writes_for_it(values: list[float]) -> None:
    frame = pl.DataFrame(
        {name: pl.Series(values, dtype=pl.Float64) for name in ("open", "high", "low", "close")}
    )

    restored = restore_float32(frame)

    expected = np.array([float(str(np.float32(value))) for value in values])
    assert all(np.array_equal(expected, restored[name].to_numpy(), equal_nan=True) for name in frame.columns)


@settings(max_examples=300, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_price_that_is_no_float32_stays_as_it_is(value: float) -> None:
    with np.errstate(over="ignore"):
        is_float32 = float(np.float32(value)) == value
    frame = pl.DataFrame({name: [value] for name in ("open", "high", "low", "close")})

    restored = restore_float32(frame)["open"][0]

    assert is_float32 or restored == value
    assert restored == float(str(np.float32(value))) if is_float32 else True


def test_yahoos_prices_get_their_decimals_back() -> None:
    # MANIFEST of the recorded data: 250.80299377441406 is 250.803; London's 10180.080078125 is 10180.08.
    frame = pl.DataFrame(
        {"open": [250.80299377441406], "high": [10180.080078125], "low": [0.1], "close": [None]},
        schema=dict.fromkeys(("open", "high", "low", "close"), pl.Float64),
    )

    assert restore_float32(frame).rows() == [(250.803, 10180.08, 0.1, None)]
