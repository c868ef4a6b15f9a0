"""Sick volume is told from minutes alone; news, blocks and thin names are not taken for it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findata_core.quality.volumes import (
    LEAST_BARS,
    LEAST_SESSIONS,
    REACH_DAYS,
    judge,
    volume_profiles,
)
from findata_core.schema.frames import conform
from findata_core.schema.tables import table
from tests.quality.made_bars import DAY, RECEIVED, minutes

PROFILES = table("ops.volume_profiles")
Volumes = Sequence[int]


def usual(chance: random.Random, count: int = 390, scale: float = 20_000) -> list[int]:
    """Minutes as liquid names have them: the 95th percentile at some three times the median."""
    return [int(scale * chance.lognormvariate(0, 0.7)) for _ in range(count)]


def sickened(volumes: Volumes, chance: random.Random) -> list[int]:
    """A tenth of the minutes empty, a tenth of them giants: what a provider that sums wrongly sends."""
    order = list(range(len(volumes)))
    chance.shuffle(order)
    tenth = len(order) // 10
    empty, giants = set(order[:tenth]), set(order[tenth : 2 * tenth])
    return [0 if n in empty else v * 50 if n in giants else v for n, v in enumerate(volumes)]


def verdicts(sessions: Mapping[tuple[str, date], Volumes]) -> dict[tuple[str, date], str]:
    profiles = [
        volume_profiles(minutes(volumes, instrument_id=name, session_date=day))
        for (name, day), volumes in sessions.items()
    ]
    judged = judge(pl.concat(profiles))
    return {
        (row[0], row[1]): row[2] for row in judged.select("instrument_id", "session_date", "verdict").rows()
    }


def of_one(volumes: Sequence[Volumes]) -> list[str]:
    """The verdicts of an instrument's sessions on successive days."""
    days = [DAY + timedelta(days=n) for n in range(len(volumes))]
    told = verdicts({("ABC.XNAS", day): said for day, said in zip(days, volumes, strict=True)})
    return [told["ABC.XNAS", day] for day in days]


@pytest.fixture
def chance() -> random.Random:
    return random.Random(20260321)


def test_a_profile_counts_regular_minutes_and_zeros_and_takes_percentiles() -> None:
    """1 to 100 and twenty zeros: by hand the median is 40.5, and the 95th percentile (nearest rank) 94."""
    frame = pl.concat([minutes([*range(1, 101), *[0] * 20]), minutes([10**9], session_phase="closing")])
    (row,) = volume_profiles(frame).to_dicts()
    assert (row["bars"], row["zero_bars"], row["total_volume"]) == (120, 20, 5050)
    assert (row["median_volume"], row["high_volume"], row["known_time"]) == (40.5, 94.0, RECEIVED)


def test_zero_minutes_beside_giants_are_sick_and_the_days_around_them_are_not(chance: random.Random) -> None:
    days = [usual(chance) for _ in range(12)]
    sick = [sickened(day, chance) if n in (5, 6, 7) else day for n, day in enumerate(days)]
    assert of_one(sick) == ["sick" if n in (5, 6, 7) else "healthy" for n in range(12)]


def test_most_sessions_around_may_be_sick_too(chance: random.Random) -> None:
    days = [usual(chance) for _ in range(12)]
    assert of_one([sickened(day, chance) if n >= 4 else day for n, day in enumerate(days)]) == (
        ["healthy"] * 4 + ["sick"] * 8
    )


def test_a_day_of_news_is_healthy(chance: random.Random) -> None:
    """All minutes rise together, ten times over."""
    days = [usual(chance) for _ in range(9)]
    assert of_one([*days, [10 * volume for volume in days[0]]]) == ["healthy"] * 10


def test_one_block_trade_is_healthy(chance: random.Random) -> None:
    days = [usual(chance) for _ in range(9)]
    block = [0 if n < 4 else 10**9 if n == 200 else volume for n, volume in enumerate(days[3])]
    assert of_one([*days, block]) == ["healthy"] * 10


def test_a_quiet_day_with_empty_minutes_is_healthy(chance: random.Random) -> None:
    days = [usual(chance) for _ in range(9)]
    quiet = [0 if n % 8 == 0 else volume // 3 for n, volume in enumerate(days[2])]
    assert of_one([*days, quiet]) == ["healthy"] * 10


def test_a_source_that_always_fills_minutes_with_zeros_is_healthy(chance: random.Random) -> None:
    filled = [[v if chance.random() < 0.6 else 0 for v in usual(chance)] for _ in range(10)]
    assert of_one(filled) == ["healthy"] * 10


def test_too_few_sessions_or_minutes_are_unknown_and_not_sick(chance: random.Random) -> None:
    few = [usual(chance) for _ in range(LEAST_SESSIONS)]
    assert of_one([sickened(few[0], chance), *few[1:]]) == ["unknown"] * LEAST_SESSIONS
    enough = [*few, usual(chance)]
    assert of_one([sickened(enough[0], chance), *enough[1:]])[0] == "sick"
    assert of_one([*enough, sickened(usual(chance, LEAST_BARS - 1), chance)])[-1] == "unknown"


def test_only_sessions_within_reach_say_what_is_usual(chance: random.Random) -> None:
    far = {("ABC.XNAS", DAY - timedelta(days=REACH_DAYS + n)): usual(chance) for n in range(1, 12)}
    sick = {("ABC.XNAS", DAY): sickened(usual(chance), chance)}
    assert verdicts(far | sick)["ABC.XNAS", DAY] == "unknown"
    near = {("ABC.XNAS", DAY - timedelta(days=REACH_DAYS - n)): usual(chance) for n in range(6)}
    assert verdicts(near | sick)["ABC.XNAS", DAY] == "sick"


def thin(chance: random.Random) -> list[int]:
    return usual(chance, 300, 2000)


def leaning(volumes: Volumes) -> list[int]:
    """A few giants and zeros among few minutes: less than would tell by itself."""
    return [v * 60 if n % 60 == 7 else 0 if n % 60 == 9 else v for n, v in enumerate(volumes)]


@pytest.mark.parametrize(
    ("names_sick", "venue", "verdict"), [(4, "XNAS", "sick"), (2, "XNAS", "healthy"), (4, "XNYS", "healthy")]
)
def test_where_a_venue_is_sick_less_is_enough_and_other_venues_are_left_alone(
    chance: random.Random, names_sick: int, venue: str, verdict: str
) -> None:
    days = [DAY - timedelta(days=n) for n in range(9)]
    book: dict[tuple[str, date], Volumes] = {}
    for name in range(5):
        for day in days:
            volumes = usual(chance)
            is_sick = day == DAY and name < names_sick
            book[f"S{name}.XNAS", day] = sickened(volumes, chance) if is_sick else volumes
    for day in days:
        book[f"THIN.{venue}", day] = leaning(thin(chance)) if day == DAY else thin(chance)
        book["QUIET.XNAS", day] = thin(chance)
    told = verdicts(book)
    assert told[f"THIN.{venue}", DAY] == verdict
    assert told["QUIET.XNAS", DAY] == "healthy"
    assert {told[key] for key in book if key[1] != DAY} == {"healthy"}


def test_a_verdict_says_what_it_rests_on(chance: random.Random) -> None:
    days = [usual(chance) for _ in range(8)]
    profiles = [
        volume_profiles(minutes(said, session_date=DAY + timedelta(days=n)))
        for n, said in enumerate([sickened(days[0], chance), *days[1:]])
    ]
    (row,) = judge(pl.concat(profiles)).filter(verdict="sick").to_dicts()
    assert row["explanation"].startswith("sick volume: 10.0 % of the minutes have volume 0")


def test_nothing_is_judged_of_nothing() -> None:
    assert judge(
        conform(pl.DataFrame(schema={c.name: pl.Null for c in PROFILES.columns}), PROFILES)
    ).is_empty()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32), st.floats(0.3, 1.1), st.integers(3, 7), st.floats(0.2, 4.0))
def test_healthy_sessions_of_any_spread_and_size_stay_healthy_and_sick_ones_are_found(
    seed: int, sigma: float, most: int, growth: float
) -> None:
    """Whatever is usual for an instrument: days that are alike but for their size are never sick."""
    chance = random.Random(seed)
    days = [
        [1 + int(5000 * growth ** (n / 10) * chance.lognormvariate(0, sigma)) for _ in range(390)]
        for n in range(most + 4)
    ]
    assert of_one(days) == ["healthy"] * len(days)
    assert of_one([*days[:-1], sickened(days[-1], chance)])[-1] == "sick"


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.integers(0, 70), st.integers(1, 10**9), min_size=1, max_size=20))
def test_the_usual_volume_is_the_lower_quartile_of_the_other_sessions_around(totals: dict[int, int]) -> None:
    """Told again in plain Python: of n others in their order, the one with a quarter of n - 1 before it."""
    said = {"instrument_id": "ABC.XNAS", "source": "a", "adjustment": "raw", "known_time": RECEIVED}
    counts = {"bars": 390, "zero_bars": 0, "median_volume": 1.0, "high_volume": 1.0}
    rows = [
        {**said, **counts, "session_date": DAY + timedelta(days=n), "total_volume": total}
        for n, total in totals.items()
    ]
    told = judge(conform(pl.DataFrame(rows), PROFILES)).get_column("usual_volume").to_list()
    for day, usual_volume in zip(totals, told, strict=True):
        others = sorted(total for n, total in totals.items() if 1 <= abs(n - day) <= REACH_DAYS)
        expected = others[(len(others) - 1) // 4] if others else None
        assert usual_volume == (pytest.approx(expected) if others else None)
