"""Bars on two sides of a split are compared in the same shares, from the instant at which the split was known."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from findata_core.quality.breaks import find_breaks, fold_breaks
from findata_core.quality.compared_scales import on_known_scale, rescaling_times
from tests.quality.made_bars import DAY, RECEIVED, bars, daily, minutes, new_york

NEW_YORK = new_york()
MONDAY = date(2024, 3, 11)  # the split's: minutes of Wednesday the 6th were received on Friday the 8th


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2024, 3, day, hour, tzinfo=UTC)


def split(known: datetime, until: datetime | None = None, numerator: int = 10, **more: Any) -> pl.DataFrame:
    row = {"instrument_id": "ABC.XNAS", "source": "mine", "ex_date": MONDAY, "numerator": numerator}
    times = {"ingest_time": known, "superseded_time": until}
    schema = dict.fromkeys(times, pl.Datetime("us", "UTC"))
    return pl.DataFrame([row | {"denominator": 1} | times | more], schema_overrides=schema)


def old_shares(**columns: Any) -> pl.DataFrame:
    """The minutes at 1,000, in shares of before: 390,000 of them are 3,900,000 of later ones."""
    return minutes(**dict.fromkeys(("open", "high", "low", "close"), 1000.0), **columns)


def new_shares(**columns: Any) -> pl.DataFrame:
    """The same day as it was received on Tuesday the 12th: at 100, and of 5,000,000 shares."""
    return daily(**{"volume": 5_000_000, "ingest_time": at(12)} | columns)


def ledger(versions: pl.DataFrame, *splits: pl.DataFrame) -> pl.DataFrame:
    known = pl.concat(splits) if splits else None
    return fold_breaks(*find_breaks(versions.drop("known_time"), NEW_YORK, splits=known))


BOTH = pl.concat([old_shares(), new_shares()])
FIELDS = {"open", "high", "low", "close", "volume"}


def test_a_split_between_a_day_and_its_minutes_is_no_difference() -> None:
    assert ledger(BOTH, split(at(10))).is_empty()
    # By hand, had it been 8:1: the minutes stand at 125, and their 3,120,000 shares may be 62 % of the day's.
    wrong = ledger(BOTH, split(at(10), numerator=8)).select("field", "left_value", "state")
    assert wrong.rows() == [(name, 125.0, "open") for name in ("close", "high", "low", "open")]


def test_what_differs_beside_the_split_is_found_in_the_later_shares() -> None:
    (row,) = ledger(pl.concat([old_shares(), new_shares(high=101.0)]), split(at(10))).to_dicts()
    assert (row["field"], row["left_value"], row["right_value"]) == ("high", 100.0, 101.0)
    assert round(row["tolerance"], 6) == 0.0706  # by hand: 0.06 % of 101 and a cent


def test_a_split_that_becomes_known_later_closes_the_breaks_at_that_instant() -> None:
    rows = ledger(BOTH, split(at(13)))
    assert set(rows.get_column("field")) == FIELDS
    life = rows.select("state", "first_seen_time", "last_seen_time", "closed_time", "times_opened")
    assert life.unique().rows() == [("closed", at(12), at(12), at(13), 1)]


def test_a_split_that_is_taken_back_or_corrected_counts_while_it_was_known() -> None:
    """A wrong ratio until the 14th; without any from the 15th to the 16th."""
    told = [split(at(10), at(14), numerator=5), split(at(14), at(15)), split(at(16))]
    rows = ledger(BOTH, *told).select("state", "opened_time", "closed_time", "times_opened")
    assert rows.unique().rows() == [("closed", at(15), at(16), 2)]


def test_days_of_two_sources_and_a_sources_wider_bars_are_brought_together_too() -> None:
    other = daily(source="other", open=1000.0, high=1000.0, low=1000.0, close=1000.0, volume=500_000)
    wider = bars({"interval": "5m", "volume": 50_000, "ingest_time": at(12)})
    both = pl.concat([BOTH, other, wider])
    assert set(ledger(both).get_column("kind")) == {"providers", "minutes_daily", "candles_bars"}
    assert ledger(both, split(at(10))).is_empty()


@pytest.mark.parametrize("columns", [{"adjustment": "raw"}, {"adjustment": "split_dividend"}])
def test_bars_as_traded_and_those_of_an_unknown_scale_stay_as_they_are(columns: dict[str, str]) -> None:
    rows = ledger(pl.concat([old_shares(**columns), new_shares(**columns)]), split(at(10)))
    assert rows.get_column("state").to_list() == ["open"] * len(FIELDS)


def test_another_instruments_split_and_one_before_both_answers_touch_nothing() -> None:
    for other in (split(at(10), instrument_id="XYZ.XNYS"), split(at(10), ex_date=date(2024, 3, 7))):
        assert on_known_scale(BOTH, other, NEW_YORK).equals(BOTH)
        assert rescaling_times(BOTH, other, NEW_YORK).is_empty()


def test_a_split_is_an_instant_of_the_sessions_alone_that_it_lies_between() -> None:
    """Both bars of the other session came on Tuesday, in the same shares: nothing was to be looked at again."""
    later = {"session_date": date(2024, 3, 7), "ingest_time": at(12)}
    versions = pl.concat([BOTH, daily(**later), daily(source="other", **later)])
    told = pl.concat([split(at(13), at(14)), split(at(14))])
    found = rescaling_times(versions, told, NEW_YORK).sort("ingest_time").rows()
    assert found == [("ABC.XNAS", DAY, at(13)), ("ABC.XNAS", DAY, at(14))]


def test_bars_that_were_received_at_once_are_one_scale() -> None:
    assert rescaling_times(old_shares(), split(at(13)), NEW_YORK).is_empty()
    assert on_known_scale(old_shares(known_time=RECEIVED), split(at(1)), NEW_YORK).equals(
        old_shares(known_time=RECEIVED)
    )
