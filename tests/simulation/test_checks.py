"""The checks of the simulated month find what is wrong: each kind of wrong log, row and rest is reported."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from tests.simulation.checks import limits_were_broken, row_differences
from tests.simulation.month import Month
from tests.simulation.service import Seen
from tests.simulation.truth import minute_rows

NOON = datetime(2025, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def month() -> Iterator[Month]:
    made = Month.of(1, 6, 10, ())
    with made.providers:
        yield made


def log(month: Month, provider: str, count: int, apart: timedelta, **told: object) -> None:
    """Let a provider have seen so many requests, as far apart."""
    month.providers.seen += [
        Seen(NOON + number * apart, provider, "data", "A", "1m", **{"status": 200, **told})  # type: ignore[arg-type]
        for number in range(count)
    ]


def test_twenty_four_a_minute_are_allowed_and_one_more_is_found(month: Month) -> None:
    log(month, "yahoo", 48, timedelta(seconds=2.5))
    assert list(limits_were_broken(month)) == []
    log(month, "yahoo", 1, timedelta())
    (found,) = limits_were_broken(month)
    assert "Yahoo was asked more than 24 times" in found


def test_the_twenty_sixth_request_of_new_yorks_day_is_found(month: Month) -> None:
    log(month, "alphavantage", 25, timedelta(seconds=2))
    assert list(limits_were_broken(month)) == []
    log(month, "alphavantage", 1, timedelta(seconds=0.5))
    found = list(limits_were_broken(month))
    assert any("26 times on 2025-11-24" in finding for finding in found)
    assert any("more than 1 times" in finding for finding in found)


@pytest.mark.parametrize("told", [{"status": 422}, {"trouble": "too_fast"}, {"trouble": "day_used_up"}])
def test_a_request_that_should_not_have_been_made_is_found(month: Month, told: dict[str, object]) -> None:
    log(month, "yahoo", 1, timedelta(), **told)
    assert len(list(limits_were_broken(month))) == 1


def test_a_row_that_lacks_one_too_many_and_one_that_differs_are_counted(month: Month) -> None:
    truth = minute_rows(month.world, [])
    is_third = pl.int_range(pl.len()) == 3
    damaged = truth[1:].with_columns(volume=pl.when(is_third).then(-1).otherwise("volume"))
    moved = truth[:1].with_columns(pl.col("event_time") - timedelta(days=9))
    assert [len(rows) for rows in row_differences("market.bars", truth, truth)] == [0, 0, 0]
    found = row_differences("market.bars", truth, pl.concat([damaged, moved]))
    assert [len(rows) for rows in found] == [1, 1, 1]
    assert found[2]["event_time"].to_list() == truth[4]["event_time"].to_list()
