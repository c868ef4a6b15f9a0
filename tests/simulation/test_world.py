"""The simulated world itself: made from its seed alone, with prices that Yahoo's float32 can say."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from findata_core.schema.hashing import content_hash
from findata_core.schema.tables import table
from tests.simulation.instruments import instruments, universe_file
from tests.simulation.mischief import PATHOLOGIES
from tests.simulation.month import Month, weekdays
from tests.simulation.truth import World, make_world, minute_rows

DAYS = weekdays(10)


def world(seed: int) -> World:
    return make_world(seed, instruments(seed, 10, DAYS, PATHOLOGIES), DAYS)


@pytest.fixture(scope="module")
def one() -> World:
    return world(1)


def test_a_seed_makes_one_world_and_another_seed_another(one: World) -> None:
    hashes = [content_hash(table("market.bars"), minute_rows(made, [])) for made in (one, world(1), world(2))]
    assert hashes[0] == hashes[1] != hashes[2]


def test_every_price_is_the_shortest_decimal_of_its_float32(one: World) -> None:
    prices = minute_rows(one, []).select("open", "high", "low", "close").to_numpy().ravel()
    # NumPy writes the shortest text that gives the float32 again.
    assert [float(str(np.float32(price))) for price in prices[::97]] == prices[::97].tolist()


def test_minutes_have_half_to_nearly_all_of_the_official_volume(one: World) -> None:
    shares = [day.volumes.sum() / day.official_volume for own in one.traded.values() for day in own.values()]
    assert 0.51 <= min(shares) <= max(shares) <= 0.971


def test_an_official_close_lies_within_three_thousandths_of_the_last_minute(one: World) -> None:
    moves = [day.official[3] / day.prices[-1, 3] - 1 for own in one.traded.values() for day in own.values()]
    assert 0 < max(map(abs, moves)) <= 0.003


def test_thanksgiving_is_no_session_in_new_york_and_the_day_after_is_half_of_one(one: World) -> None:
    assert ("XNYS", date(2025, 11, 27)) not in one.sessions
    assert ("XLON", date(2025, 11, 27)) in one.sessions
    assert len(one.sessions["XNYS", date(2025, 11, 28)].minutes) == 210
    assert len(one.sessions["XHKG", date(2025, 11, 28)].minutes) == 330


def test_the_clocks_of_new_york_change_within_the_month() -> None:
    days = weekdays(22)
    sessions = make_world(1, instruments(1, 6, days, ()), days).sessions_on("XNYS")
    opens = {one.day: one.open % 86_400 // 60 for one in sessions}
    assert (opens[date(2025, 10, 31)], opens[date(2025, 11, 3)]) == (13 * 60 + 30, 14 * 60 + 30)


def test_an_instrument_that_is_listed_or_delisted_has_no_day_outside(one: World) -> None:
    changed = [item for item in one.instruments if item.from_date or item.to_date]
    assert len(changed) == 2
    for item in changed:
        days = list(one.traded[item.instrument_id])
        assert days
        assert all(item.trades_on(day) for day in days)
        assert len(days) < len(one.sessions_on(item.mic))


def test_the_universe_file_has_a_line_for_each_instrument_and_one_that_nobody_knows(one: World) -> None:
    lines = universe_file(one.instruments).splitlines()
    assert len(lines) == 1 + 10 + 1
    assert sum(line.startswith("NOBODY.XNAS") for line in lines) == 1


def test_a_pathology_without_a_name_is_refused() -> None:
    with pytest.raises(AssertionError, match="no pathology is called typhoon"):
        Month.of(1, 6, 10, ["typhoon"])
