"""conform(): the one door through which rows get a table's columns, order, dtypes and UTC."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from findata_core.errors import DataError
from findata_core.schema.frames import conform, polars_schema
from findata_core.schema.tables import table
from tests.schema.good_rows import good_row

BARS = table("market.bars")


def bars(**changes: object) -> pl.DataFrame:
    return pl.DataFrame([{**good_row(BARS), **changes}])


def test_a_time_without_a_zone_is_refused_by_name() -> None:
    naive = bars(event_time=datetime(2022, 5, 19, 13, 30))  # noqa: DTZ001  (naive on purpose)

    with pytest.raises(DataError, match=r"market\.bars\.event_time has times without a zone"):
        conform(naive, BARS)


def test_a_time_in_another_zone_becomes_the_same_instant_in_utc() -> None:
    local = bars(event_time=datetime(2022, 5, 19, 9, 30, tzinfo=ZoneInfo("America/New_York")))

    (instant,) = conform(local, BARS).get_column("event_time")

    assert instant == datetime(2022, 5, 19, 13, 30, tzinfo=UTC)
    assert conform(local, BARS).schema == polars_schema(BARS)


def test_missing_columns_are_all_named() -> None:
    with pytest.raises(DataError, match="lack volume, payload_id"):
        conform(bars().drop("volume", "payload_id"), BARS)


def test_a_column_that_may_be_null_is_filled_with_nulls() -> None:
    rows = conform(bars().drop("vwap", "trade_count"), BARS)

    assert rows.get_column("vwap").to_list() == [None]
    assert rows.schema == polars_schema(BARS)


def test_further_columns_are_dropped_and_the_order_is_the_contracts() -> None:
    shuffled = bars(color="green").select(pl.all().reverse())
    shuffled = shuffled.select(reversed(shuffled.columns))

    assert conform(shuffled, BARS).columns == BARS.column_names


def test_a_value_that_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match="do not fit its columns"):
        conform(bars(volume="many"), BARS)


def test_a_number_that_is_too_large_is_refused() -> None:
    sessions = table("reference.sessions")
    row = {**good_row(sessions), "trading_minutes": 2**31}

    with pytest.raises(DataError, match="do not fit"):
        conform(pl.DataFrame([row]), sessions)


def test_a_date_given_as_text_is_refused() -> None:
    with pytest.raises(DataError, match="do not fit"):
        conform(bars(session_date="2022-05-19"), BARS)


def test_nanoseconds_become_microseconds() -> None:
    precise = bars().with_columns(pl.col("event_time").cast(pl.Datetime("ns", "UTC")))

    assert conform(precise, BARS).get_column("event_time").to_list() == [good_row(BARS)["event_time"]]


def test_conforming_twice_changes_nothing() -> None:
    once = conform(bars(), BARS)

    assert conform(once, BARS).equals(once)
