"""Running totals in the place of volumes are told from one session alone, and thin names are not taken for them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from findata_core.quality.volumes import LEAST_BARS, LEAST_SESSIONS, judge, volume_profiles
from tests.quality.made_bars import DAY, MINUTE, OPEN, bars, minutes
from tests.quality.made_totals import with_running_totals

Volumes = Sequence[int]
FEW_OTHERS, ENOUGH_OTHERS = LEAST_SESSIONS - 1, LEAST_SESSIONS


def drawn(chance: random.Random, empty: float, unevenness: float, count: int = 390) -> list[int]:
    """Minutes that trade or do not, whatever the one before them did."""
    return [
        0 if chance.random() < empty else 1 + int(400 * chance.lognormvariate(0, unevenness))
        for _ in range(count)
    ]


def profile(volumes: Volumes) -> dict[str, Any]:
    (row,) = volume_profiles(minutes(volumes)).to_dicts()
    return row


def judged(volumes: Volumes, others: Sequence[Volumes] = ()) -> dict[str, Any]:
    """The first session's verdict, beside others on the days after it."""
    days = [
        volume_profiles(minutes(v, session_date=DAY + n * timedelta(1)))
        for n, v in enumerate([volumes, *others])
    ]
    return judge(pl.concat(days)).filter(session_date=DAY).to_dicts()[0]


@pytest.fixture
def chance() -> random.Random:
    return random.Random(20260316)


# Before lone zeros stand 300 and 600. 500 is before two zeros, 200 before the last minute, which may be in progress.
BY_HAND = (100, 300, 0, 100, 100, 600, 0, 100, 500, 0, 0, 100, 200, 0)


def test_the_figures_by_hand() -> None:
    """Without the largest, 600: 300 of 1,500 shares, 1 of 8 minutes with trades; 0.2 - 0.125 = 0.075. The squares of the
    eight sum to 430,000, in shares of 1,500 squared 0.19111: the variance is 0.125 * 0.875 * (0.19111 - 1/8) = 0.0072309,
    its root 0.0850347, and 0.075 is 0.88199 of it."""
    row = profile(BY_HAND)
    assert row["before_zero_volume"] == 900
    assert row["before_zero_excess"] == 0.075
    assert row["before_zero_deviations"] == pytest.approx(0.88199, abs=1e-5)


def test_minutes_count_in_the_order_of_time_whatever_order_they_come_in() -> None:
    shuffled = minutes(BY_HAND).sample(fraction=1.0, shuffle=True, seed=7)
    assert volume_profiles(shuffled).equals(volume_profiles(minutes(BY_HAND)))


def test_what_is_next_is_the_next_minute_there_is() -> None:
    """A thin name's minutes without trades are absent: 300 at the third minute, 0 at the eighth, 50 at the ninth."""
    told = ((0, 100), (2, 300), (7, 0), (8, 50))
    frame = bars(*({"event_time": OPEN + n * MINUTE, "volume": volume} for n, volume in told))
    assert volume_profiles(frame).item(0, "before_zero_volume") == 300


@pytest.mark.parametrize("volumes", [(0,) * 390, (1000,) * 390, (1000, 0) * 195, (7,), (0, 9), (9, 0, 9)])
def test_minutes_that_are_all_alike_say_nothing(volumes: Volumes) -> None:
    row = profile(volumes)
    assert (row["before_zero_deviations"], judged(volumes)["verdict"]) == (0.0, "unknown")


@pytest.mark.parametrize(("times", "least"), [(3, 38), (4, 40), (6, 40), (12, 40)])
@pytest.mark.parametrize("part", [(0, 1), (0, 0.5), (0.5, 1)])
@pytest.mark.parametrize("unevenness", [0.3, 1.2])
def test_running_totals_are_sick_from_the_first_session_on(
    times: float, least: int, part: tuple[float, float], unevenness: float
) -> None:
    """Three to twelve times too high, in the whole session or half of it: few giants, so that no percentile moves.

    Of 40 sessions. Three times may be a single late giant and a small one: one giant alone may be a block trade.
    """
    found = 0
    for seed in range(40):
        chance = random.Random(seed)
        told = judged(with_running_totals(drawn(chance, 0.0, unevenness), times, chance, part))
        found += told["verdict"] == "sick"
        told_of = told["explanation"] or ""
        assert told_of == "" or told_of.endswith(
            "in minutes right before one with volume 0, as running totals do"
        )
    assert found >= least


def test_they_are_sick_beside_sessions_that_are_sick_too(chance: random.Random) -> None:
    """Only sick sessions are there, and other sessions cannot say what is usual."""
    days = [with_running_totals(drawn(chance, 0.0, 0.8), 5, chance) for _ in range(8)]
    assert judged(days[0], days[1:])["verdict"] == "sick"


@pytest.mark.parametrize(("empty", "times"), [(0.02, 4), (0.05, 6), (0.1, 12)])
def test_they_are_told_from_a_names_own_empty_minutes(
    chance: random.Random, empty: float, times: float
) -> None:
    told = [
        judged(with_running_totals(drawn(chance, empty, 1.0), times, chance))["verdict"] for _ in range(20)
    ]
    assert set(told) == {"sick"}


def test_what_is_usual_is_what_else_was_told_where_no_other_session_says_it() -> None:
    """By hand: 120 minutes of 100 shares, and four totals of 2,000 before a zero each: 12,000 of 20,000."""
    told: list[int] = []
    for _ in range(4):
        told += [*[100] * 30, 2000, 0]
    row = judged([*told, 100])
    assert (row["verdict"], row["total_volume"], row["usual_volume"]) == ("sick", 20_100, 12_100.0)
    assert row["explanation"].startswith("sick volume: 39.8 % of it")


@pytest.mark.parametrize(
    ("empty", "unevenness"), [(e, u) for e in (0.5, 0.6, 0.7, 0.8, 0.9) for u in (0.5, 1.2, 2.0)]
)
@pytest.mark.parametrize(("others", "verdict"), [(FEW_OTHERS, "unknown"), (ENOUGH_OTHERS, "healthy")])
def test_thin_names_are_left_alone(empty: float, unevenness: float, others: int, verdict: str) -> None:
    """Half of the minutes empty to nine of ten: much of the volume stands before zeros, in every session."""
    chance = random.Random(f"{empty}/{unevenness}/{others}")
    for _ in range(12):
        days = [drawn(chance, empty, unevenness) for _ in range(others + 1)]
        assert judged(days[0], days[1:])["verdict"] == verdict


@pytest.mark.parametrize("block", [10, 100, 10_000])
def test_a_block_trade_before_an_empty_minute_is_healthy(chance: random.Random, block: int) -> None:
    """Most of the day in one minute, and nobody trades in the next."""
    volumes = drawn(chance, 0.03, 0.8)
    volumes[200:203] = [block * 390 * 400, 0, 400]
    assert judged(volumes, [drawn(chance, 0.03, 0.8) for _ in range(ENOUGH_OTHERS)])["verdict"] == "healthy"


def test_halts_after_a_rush_are_healthy(chance: random.Random) -> None:
    """Eight times trading stops for five minutes after one of fifty times the usual volume."""
    volumes = drawn(chance, 0.0, 0.5)
    for start in range(20, 380, 45):
        volumes[start : start + 6] = [20_000, 0, 0, 0, 0, 0]
    assert judged(volumes, [drawn(chance, 0.0, 0.5) for _ in range(ENOUGH_OTHERS)])["verdict"] == "healthy"


@pytest.mark.parametrize("share", [0.05, 0.15, 0.3, 0.45])
def test_two_minutes_told_together_are_healthy(chance: random.Random, share: float) -> None:
    """The volume of the second in the first: it sums to what was traded."""
    volumes = drawn(chance, 0.0, 0.5)
    told = list(volumes)
    for n in range(0, 388, 2):
        if chance.random() < 2 * share:
            told[n : n + 2] = [volumes[n] + volumes[n + 1], 0]
    assert judged(told, [drawn(chance, 0.0, 0.5) for _ in range(ENOUGH_OTHERS)])["verdict"] == "healthy"


def test_fewer_minutes_than_tell_anything_are_unknown(chance: random.Random) -> None:
    told = with_running_totals(drawn(chance, 0.0, 0.8, LEAST_BARS - 1), 6, chance)
    assert judged(told)["verdict"] == "unknown"
    assert judged([*told, 400])["verdict"] == "sick"


def test_a_profile_of_before_these_figures_is_unknown_and_not_healthy(chance: random.Random) -> None:
    days = [
        volume_profiles(minutes(drawn(chance, 0.0, 0.8), session_date=DAY + n * timedelta(1)))
        for n in range(8)
    ]
    names = ("before_zero_volume", "before_zero_excess", "before_zero_deviations")
    old = days[0].with_columns(pl.lit(None).cast(pl.Float64).alias(name) for name in names)
    told = judge(pl.concat([old.cast(days[0].schema), *days[1:]])).sort("session_date").get_column("verdict")
    assert told.to_list() == ["unknown", *["healthy"] * 7]
