"""What is implausible is found, and what is only unusual is let pass: drawn walks, and cases by hand."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findata_core.calendars import sessions_of
from findata_core.quality.emptiness import ASKED_SCHEMA, answers_to_hold, empty_sessions
from findata_core.quality.plausibility import Finding, Known, explained_rescalings, judge_bars
from findata_core.quality.splits import SPLIT_SCHEMA

# New York's week before and after a holiday (2022-05-30), London's and Hong Kong's beside it.
FIRST, LAST = date(2022, 5, 23), date(2022, 6, 10)
MICS = ("XNYS", "XLON", "XHKG")
SESSIONS = pl.concat([sessions_of(mic, date(2022, 5, 1), date(2022, 6, 30)) for mic in MICS])
HALF_DAY = date(2022, 11, 25)  # New York closed at 13:00
LEVELS = ("instrument_id", "source", "adjustment", "session_date")
PRICES = ["open", "high", "low", "close"]


def walk(
    seed: int = 1,
    price: float = 100.0,
    mic: str = "XNYS",
    interval: str = "1m",
    density: float = 1.0,
    sessions: pl.DataFrame = SESSIONS,
    decimals: int = 2,
    first: date = FIRST,
    last: date = LAST,
) -> pl.DataFrame:
    """Bars of a random walk over an exchange's sessions; `density`: how many of the minutes have a trade."""
    random = np.random.default_rng(seed)
    chosen = sessions.filter(pl.col("session_date").is_between(first, last), mic=mic).sort("session_date")
    frames = []
    level = price
    for row in chosen.iter_rows(named=True):
        breaks = (row["break_start_time"] or row["close_time"], row["break_end_time"] or row["close_time"])
        starts = pl.datetime_range(row["open_time"], row["close_time"], "1m", closed="left", eager=True)
        starts = starts.filter((starts < breaks[0]) | (starts >= breaks[1]))
        count = 1 if interval == "1d" else len(starts)
        closes = level * np.exp(np.cumsum(random.normal(0, 0.02 if interval == "1d" else 0.001, count)))
        opens = np.concatenate([[level], closes[:-1]])
        spread = np.abs(random.normal(0, 0.0005, (2, count)))
        frame = pl.DataFrame(
            {
                "event_time": [None] if interval == "1d" else starts,
                "session_date": [row["session_date"]] * count,
                "open": opens,
                "high": np.maximum(opens, closes) * (1 + spread[0]),
                "low": np.minimum(opens, closes) * (1 - spread[1]),
                "close": closes,
                "volume": random.integers(1, 100_000, count).astype(float),
            },
            schema_overrides={"event_time": pl.Datetime("us", "UTC"), "session_date": pl.Date},
        )
        frames.append(frame.filter(pl.Series(random.random(count) < density)))
        level = float(closes[-1])
    named = {"instrument_id": f"X.{mic}", "interval": interval, "source": "yahoo", "adjustment": "split"}
    rounded = pl.concat(frames).with_columns(pl.col(PRICES).round(decimals).clip(lower_bound=10.0**-decimals))
    return rounded.with_columns(pl.lit(value).alias(name) for name, value in named.items())


def judged(
    said: pl.DataFrame,
    stored: pl.DataFrame | None = None,
    splits: tuple[tuple[date, int, int], ...] = (),
    sessions: pl.DataFrame = SESSIONS,
) -> list[Finding]:
    """Judge bars beside stored ones, whose levels are their sessions' median closes."""
    held = walk().clear() if stored is None else stored
    levels = held.group_by(*LEVELS).agg(level=pl.col("close").median())
    return judge_bars(said, Known(held, levels, sessions, known_splits(splits)))


def known_splits(splits: tuple[tuple[date, int, int], ...]) -> pl.DataFrame:
    rows = [("X.XNYS", *split) for split in splits]
    return pl.DataFrame(rows, schema=SPLIT_SCHEMA, orient="row")


def rules(found: list[Finding]) -> list[str]:
    return [finding.rule for finding in found]


def scaled(bars: pl.DataFrame, factor: float, decimals: int = 2) -> pl.DataFrame:
    return bars.with_columns((pl.col(PRICES) * factor).round(decimals))


def moved(bars: pl.DataFrame, step: timedelta) -> pl.DataFrame:
    return bars.with_columns(pl.col("event_time") + step)


def split_at(bars: pl.DataFrame, day: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    return bars.filter(pl.col("session_date") < day), bars.filter(pl.col("session_date") >= day)


seeds = st.integers(0, 2**32 - 1)
prices = st.sampled_from([0.4, 3.0, 27.5, 260.0, 9_400.0])
mics = st.sampled_from(MICS)
intervals = st.sampled_from(["1m", "1d"])
densities = st.sampled_from([0.02, 0.3, 1.0])
NEXT = date(2022, 6, 7)


@settings(deadline=None, max_examples=60)
@given(seeds, prices, mics, intervals, densities)
def test_a_healthy_walk_with_revisions_and_new_sessions_is_let_pass(
    seed: int, price: float, mic: str, interval: str, density: float
) -> None:
    bars = walk(seed, price, mic, interval, density if interval == "1m" else 1.0)
    stored, _ = split_at(bars, NEXT)
    random = np.random.default_rng(seed)
    is_revised = pl.Series(random.random(bars.height) < 0.1)
    by = pl.Series(np.exp(random.normal(0, 0.01, bars.height)))
    revised = bars.with_columns(
        pl.when(is_revised)
        .then((pl.col(PRICES) * by).round(2).clip(lower_bound=0.01))
        .otherwise(pl.col(PRICES))
    )
    assert judged(revised, stored) == []
    assert judged(bars) == []  # the first load of an instrument


@settings(deadline=None, max_examples=60)
@given(seeds, prices, mics, st.sampled_from([0.1, 0.5, 2 / 3, 1.5, 2.0, 3.0, 4.0, 20.0, 7.0]))
def test_a_history_on_another_scale_is_found(seed: int, price: float, mic: str, factor: float) -> None:
    bars = walk(seed, max(price, 3.0), mic)
    stored, _ = split_at(bars, NEXT)
    assert rules(judged(scaled(bars, factor, 4), stored)) in (["history_rescaled"], ["powers_of_ten_off"])


@settings(deadline=None, max_examples=60)
@given(seeds, prices, mics, intervals, st.sampled_from([-2, 2, 1, -1, 3]))
def test_new_sessions_in_pence_instead_of_pounds_are_found(
    seed: int, price: float, mic: str, interval: str, power: int
) -> None:
    stored, new = split_at(walk(seed, price, mic, interval), NEXT)
    (found,) = judged(scaled(new, 10.0**power, 6), stored)
    assert found.rule == "powers_of_ten_off"
    assert str(new.item(0, "session_date")) in found.reason


steps = st.integers(-28, 28).filter(bool).map(lambda half_hours: half_hours * timedelta(minutes=30))


@settings(deadline=None, max_examples=60)
@given(seeds, prices, mics, steps)
def test_stored_bars_that_come_again_hours_away_are_found(
    seed: int, price: float, mic: str, step: timedelta
) -> None:
    bars = walk(seed, max(price, 27.5), mic)
    assert rules(judged(moved(bars, step), bars)) == ["shifted_in_time"]


@settings(deadline=None, max_examples=60)
@given(seeds, mics, steps, st.sampled_from([0.7, 1.0]))
def test_new_sessions_that_stand_hours_beside_the_calendar_are_found(
    seed: int, mic: str, step: timedelta, density: float
) -> None:
    stored, new = split_at(walk(seed, 27.5, mic, density=density), NEXT)
    assert rules(judged(moved(new, step), stored)) == ["shifted_in_time"]


def test_a_one_hour_shift_says_by_how_much_and_which_session() -> None:
    new = walk(first=NEXT, last=NEXT)
    (found,) = judged(moved(new, timedelta(hours=1)))
    # 2022-06-07: 09:30 to 16:00 in New York is 13:30 to 20:00 UTC
    assert found.reason == (
        "390 bars from 2022-06-07 14:30 to 20:59 UTC are the session of 2022-06-07 (13:30 to 20:00), 1 hours later "
        "than the calendar has it"
    )


@pytest.mark.parametrize("step", [1, -1])
def test_days_told_under_the_date_of_a_neighbouring_session_are_found(step: int) -> None:
    stored = walk(interval="1d")
    days = stored.get_column("session_date")
    said = stored.with_columns(days.shift(-step).alias("session_date")).drop_nulls("session_date")
    (found,) = judged(said, stored)
    assert (found.rule, "a session " + ("later" if step > 0 else "earlier") in found.reason) == (
        "shifted_in_time",
        True,
    )


def test_days_from_sunday_to_thursday_are_found() -> None:
    said = walk(interval="1d", first=date(2022, 6, 6), last=date(2022, 6, 17))
    early = said.with_columns(pl.col("session_date") - timedelta(days=1))
    assert rules(judged(early)) == ["shifted_in_time"]


def test_a_filler_for_a_holiday_is_let_pass() -> None:
    said = walk(interval="1d")  # without 2022-05-30
    filler = said.head(1).with_columns(pl.lit(date(2022, 5, 30)).alias("session_date"), volume=0.0)
    assert judged(pl.concat([said, filler])) == []


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.1, 2.0, 3.0, 5.0])
@pytest.mark.parametrize("interval", ["1m", "1d"])
def test_a_gap_a_crash_and_a_penny_stock_that_doubles_are_let_pass(factor: float, interval: str) -> None:
    stored, new = split_at(walk(price=0.8, interval=interval, decimals=4), NEXT)
    assert judged(scaled(new, factor, 4), stored) == []


def test_a_half_day_is_let_pass_and_an_hour_early_it_is_not() -> None:
    sessions = sessions_of("XNYS", date(2022, 11, 1), date(2022, 11, 30))
    half = walk(sessions=sessions, first=HALF_DAY, last=HALF_DAY)
    assert half.height == 210
    assert judged(half, sessions=sessions) == []
    assert rules(judged(moved(half, -timedelta(hours=1)), sessions=sessions)) == ["shifted_in_time"]


def test_hours_before_and_after_the_session_are_no_shift() -> None:
    day = sessions_of("XNYS", NEXT, NEXT).row(0, named=True)
    opens, closes = day["open_time"], day["close_time"]
    for start, end in (
        (opens - timedelta(hours=5, minutes=30), closes + timedelta(hours=4)),
        (opens - timedelta(hours=5, minutes=30), opens),
        (opens + timedelta(hours=1), closes + timedelta(hours=2)),
    ):
        times = pl.datetime_range(start, end, "1m", closed="left", eager=True)
        rows = walk(first=NEXT, last=NEXT).head(1).select(pl.exclude("event_time"))
        bars = rows.join(pl.DataFrame({"event_time": times}), how="cross")
        assert judged(bars) == []


def test_a_late_open_with_a_few_trades_after_the_close_is_no_shift() -> None:
    bars = walk(first=NEXT, last=NEXT)
    late = bars.tail(330)
    after = moved(bars.tail(60).gather_every(6), timedelta(hours=1))
    assert judged(pl.concat([late, after])) == []


def test_the_same_day_again_under_the_next_date_is_found() -> None:
    bars = walk(first=NEXT, last=NEXT)
    (found,) = judged(moved(bars, timedelta(days=1)), bars)
    assert found.rule == "shifted_in_time"
    assert "24 hours later" in found.reason


def test_the_basis_of_another_source_or_adjustment_is_not_compared() -> None:
    stored = walk()
    for name, value in (("source", "alphavantage"), ("adjustment", "raw")):
        assert judged(scaled(stored, 0.1), stored.with_columns(pl.lit(value).alias(name))) == []


@pytest.mark.parametrize(("factor", "numerator", "denominator"), [(0.25, 4, 1), (0.1, 10, 1), (8.0, 1, 8)])
def test_a_split_that_is_known_explains_its_scale(factor: float, numerator: int, denominator: int) -> None:
    bars = walk(price=400.0)
    stored, _ = split_at(bars, NEXT)
    assert rules(judged(scaled(bars, factor, 4), stored)) in (["history_rescaled"], ["powers_of_ten_off"])
    assert judged(scaled(bars, factor, 4), stored, ((NEXT, numerator, denominator),)) == []


def test_two_splits_in_a_row_explain_what_they_do_together() -> None:
    stored, _ = split_at(walk(price=400.0), NEXT)
    splits = ((NEXT, 2, 1), (NEXT + timedelta(days=30), 3, 2))
    assert judged(scaled(stored, 1 / 3, 4), stored, splits) == []
    assert judged(scaled(stored, 0.5, 4), stored, splits) == []
    assert rules(judged(scaled(stored, 0.25, 4), stored, splits)) == ["history_rescaled"]


@pytest.mark.parametrize(
    "split",
    [(date(2022, 5, 2), 4, 1), (NEXT, 1, 4), (NEXT, 5, 1)],
    ids=["before the bars", "the other way round", "another ratio"],
)
def test_a_split_that_does_not_fit_explains_nothing(split: tuple[date, int, int]) -> None:
    stored, _ = split_at(walk(price=400.0), NEXT)
    assert rules(judged(scaled(stored, 0.25, 4), stored, (split,))) == ["history_rescaled"]


def test_bars_as_traded_are_rescaled_by_no_split() -> None:
    stored, _ = split_at(walk(price=400.0).with_columns(adjustment=pl.lit("raw")), NEXT)
    assert rules(judged(scaled(stored, 0.25, 4), stored, ((NEXT, 4, 1),))) == ["history_rescaled"]


def test_what_is_explained_names_session_ratio_and_split() -> None:
    stored, _ = split_at(walk(price=400.0), NEXT)
    known = Known(
        stored, pl.DataFrame(schema=dict.fromkeys(LEVELS, pl.String)), SESSIONS, known_splits(((NEXT, 4, 1),))
    )
    found = explained_rescalings(scaled(stored, 0.25, 4), known)
    assert [one.session_date for one in found] == sorted(set(stored.get_column("session_date")))
    assert {(one.ratio, one.interval) for one in found} == {(Fraction(4), "1m")}
    assert found[0].factor == pytest.approx(0.25, rel=0.001)
    assert "4:1 of 2022-06-07" in found[0].reason


def test_bars_adjusted_for_dividends_may_be_rescaled_by_one_of_them_but_not_by_a_split() -> None:
    stored = walk(price=400.0).with_columns(adjustment=pl.lit("split_dividend"))
    assert judged(scaled(stored, 0.985, 4), stored) == []
    assert rules(judged(scaled(stored, 0.5, 4), stored)) == ["history_rescaled"]


def test_a_provisional_day_that_is_corrected_is_let_pass_and_one_that_is_halved_is_not() -> None:
    day = walk(interval="1d", first=NEXT, last=NEXT)
    assert judged(day.with_columns(close=pl.col("close") * 1.03, high=pl.col("high") * 1.04), day) == []
    assert judged(scaled(day, 1.05), day) == []
    assert rules(judged(scaled(day, 0.5, 4), day)) == ["history_rescaled"]


def test_a_provisional_day_that_comes_again_at_a_quarter_with_the_auctions_close_is_found() -> None:
    day = walk(interval="1d", first=NEXT, last=NEXT)
    at_the_auction = day.with_columns(close=pl.col("close") * 0.997)
    assert rules(judged(scaled(at_the_auction, 0.25, 4), day)) == ["history_rescaled"]
    assert judged(at_the_auction, day) == []


def test_the_only_print_of_a_thin_name_may_be_corrected() -> None:
    bar = walk(first=NEXT, last=NEXT).head(1).with_columns(pl.lit(10.0).alias(name) for name in PRICES)
    assert judged(scaled(bar, 1.3), bar) == []


def test_a_gap_that_is_filled_between_two_scales_agrees_with_one_of_them() -> None:
    # A reverse split 1:10 of traded prices between the first and the last session.
    first, rest = split_at(walk(price=3.0, interval="1d"), date(2022, 6, 1))
    between, last = split_at(scaled(rest, 10.0), NEXT)
    assert judged(between, pl.concat([first, last])) == []
    assert rules(judged(between, first)) == ["powers_of_ten_off"]


def test_evidence_shows_old_values_beside_new_ones() -> None:
    stored = walk(price=400.0)
    (found,) = judged(scaled(stored, 0.5, 4), stored)
    shown = found.evidence[0]
    first = stored.row(0, named=True)
    assert shown["old"] == {name: first[name] for name in PRICES}
    assert shown["new"]["open"] == pytest.approx(first["open"] / 2)
    assert "0.5 times" in found.reason


def days_of_two_months(price: float = 100.0, decimals: int = 2, seed: int = 1) -> pl.DataFrame:
    """The 42 sessions of New York from 2022-05-02 to 2022-06-30."""
    two_months = {"first": date(2022, 5, 2), "last": date(2022, 6, 30)}
    return walk(seed, price, interval="1d", decimals=decimals, **two_months)


@settings(deadline=None, max_examples=30)
@given(seeds, st.sampled_from([27.5, 260.0]), st.sampled_from([1.02, 1.05, 1 / 1.05, 1.09, 0.92, 0.5, 1.11]))
def test_days_on_a_scale_a_few_percent_off_are_found_where_they_are_many(
    seed: int, price: float, factor: float
) -> None:
    stored = days_of_two_months(price, seed=seed)
    (found,) = judged(scaled(stored, factor), stored)
    assert found.rule == "history_rescaled"
    assert found.reason.startswith(
        "42 bars from 2022-05-02 to 2022-06-30 that are stored already have prices "
    )


@pytest.mark.parametrize(
    ("days", "factor", "found"),
    [(19, 1.05, False), (20, 1.05, True), (20, 1.009, False), (19, 1.2, True), (1, 1.05, False)],
)
def test_from_twenty_days_on_one_percent_is_a_scale_and_with_fewer_ten(
    days: int, factor: float, found: bool
) -> None:
    stored = days_of_two_months()
    said = pl.concat([scaled(stored.head(days), factor, 4), stored.slice(days)])
    assert rules(judged(said, stored)) == ["history_rescaled"] * found
    assert rules(judged(said.head(days), stored)) == ["history_rescaled"] * found


def test_wider_bars_are_many_over_several_sessions() -> None:
    minutes = walk()
    stored = minutes.gather_every(65).with_columns(interval=pl.lit("1h"))  # six of each session's 390 minutes
    assert rules(judged(scaled(stored, 1.05), stored)) == ["history_rescaled"]
    assert judged(scaled(stored.head(18), 1.05), stored) == []


def test_a_small_split_that_is_known_explains_each_of_many_days_before_it() -> None:
    stored, ex_date = days_of_two_months(), date(2022, 6, 15)  # the 31st of the days
    before, after = split_at(stored, ex_date)
    said = pl.concat([scaled(before, 20 / 21, 4), after])
    assert rules(judged(said, stored)) == ["history_rescaled"]
    assert judged(said, stored, ((ex_date, 21, 20),)) == []
    assert rules(judged(said, stored, ((ex_date, 11, 10),))) == ["history_rescaled"]
    levels = pl.DataFrame(schema=dict.fromkeys(LEVELS, pl.String))
    explained = explained_rescalings(
        said, Known(stored, levels, SESSIONS, known_splits(((ex_date, 21, 20),)))
    )
    assert [one.session_date for one in explained] == before.get_column("session_date").to_list()
    assert {one.ratio for one in explained} == {Fraction(21, 20)}


def test_a_day_that_came_in_later_on_the_new_scale_is_no_part_of_the_stretch_around_it() -> None:
    said = scaled(days_of_two_months(), 20 / 21, 4)
    late = date(2022, 5, 20)
    is_late = pl.col("session_date") == late
    stored = pl.concat([days_of_two_months().filter(~is_late), said.filter(is_late)])
    known = Known(
        stored,
        pl.DataFrame(schema=dict.fromkeys(LEVELS, pl.String)),
        SESSIONS,
        known_splits(((date(2022, 7, 1), 21, 20),)),
    )
    sessions = {one.session_date for one in explained_rescalings(said, known)}
    assert sessions == set(stored.get_column("session_date")) - {late}


@settings(deadline=None, max_examples=30)
@given(seeds, st.sampled_from([0.4, 3.0, 27.5, 260.0]), st.sampled_from([0.002, 0.01, 0.015]))
def test_many_days_that_are_revised_each_by_its_own_factor_are_let_pass(
    seed: int, price: float, deviation: float
) -> None:
    stored = days_of_two_months(price, seed=seed)
    by = pl.Series(np.exp(np.random.default_rng(seed).normal(0, deviation, stored.height)))
    revised = stored.with_columns((pl.col(PRICES) * by).round(2).clip(lower_bound=0.01))
    assert judged(revised, stored) == []


@pytest.mark.parametrize("price", [0.05, 0.4, 1.2])
def test_what_rounding_to_cents_can_do_to_pennies_is_no_scale(price: float) -> None:
    exact = days_of_two_months(price, decimals=4)
    rounded = exact.with_columns(pl.col(PRICES).round(2).clip(lower_bound=0.01))
    up = exact.with_columns(((pl.col(PRICES) + 0.005) * 100).ceil() / 100)
    assert judged(up, rounded) == judged(rounded, up) == []


def test_many_days_adjusted_for_a_dividend_are_let_pass() -> None:
    stored = days_of_two_months().with_columns(adjustment=pl.lit("split_dividend"))
    assert judged(scaled(stored, 0.95, 4), stored) == []


NOT_FINITE = [float("nan"), float("inf"), float("1e999"), float("-inf")]


def with_price(bars: pl.DataFrame, number: int, value: float, names: list[str] = PRICES) -> pl.DataFrame:
    """The bars with `value` in place of a bar's prices."""
    is_odd = pl.int_range(pl.len()) == number
    return bars.with_columns(pl.when(is_odd).then(value).otherwise(name).alias(name) for name in names)


@pytest.mark.parametrize("value", [*NOT_FINITE, 0.0, -1.0])
@pytest.mark.parametrize("interval", ["1m", "1d"])
@pytest.mark.parametrize("names", [PRICES, ["high"], ["close"]])
def test_a_bar_with_a_price_that_can_be_none_says_nothing_of_the_others(
    value: float, interval: str, names: list[str]
) -> None:
    bars = walk(interval=interval)
    stored, new = split_at(bars, NEXT)
    for number in (0, 2, new.height - 1):
        odd = with_price(new, number, value, names)
        assert judged(odd) == []
        assert judged(odd, stored) == []
        assert judged(odd, bars) == []


@pytest.mark.parametrize("value", NOT_FINITE)
def test_an_answer_of_which_no_price_is_finite_is_let_pass(value: float) -> None:
    stored = walk()
    said = stored.with_columns(pl.lit(value).alias(name) for name in PRICES)
    assert judged(said) == judged(said, stored) == []


@pytest.mark.parametrize("value", NOT_FINITE)
def test_a_scale_is_found_beside_a_price_that_is_not_finite(value: float) -> None:
    stored = walk(price=400.0)
    said = with_price(scaled(stored, 0.5, 4), 3, value)
    assert rules(judged(said, stored)) == ["history_rescaled"]
    new = scaled(walk(price=400.0, first=NEXT, last=NEXT), 0.01, 6)
    assert rules(judged(with_price(new, 3, value), split_at(stored, NEXT)[0])) == ["powers_of_ten_off"]


@pytest.mark.parametrize(
    ("old", "new", "rule", "words"),
    [
        (1e-170, 1e170, "powers_of_ten_off", "are about 1e+340 times those of"),
        (1e170, 1e-170, "powers_of_ten_off", "are about 1e-340 times those of"),
        (1e-170, 3e170, "history_rescaled", "inf times the stored ones"),
        (1e170, 3e-170, "history_rescaled", "0 times the stored ones"),
    ],
)
def test_prices_whose_quotient_no_float_holds_are_judged_all_the_same(
    old: float, new: float, rule: str, words: str
) -> None:
    bars = walk(first=NEXT, last=NEXT)
    (found,) = judged(bars.with_columns(pl.col(PRICES) * new), bars.with_columns(pl.col(PRICES) * old))
    assert found.rule == rule
    assert words in found.reason


def asked(
    empty: int, full: int, mic: str = "XNYS", nearest: date | None = FIRST, **more: object
) -> pl.DataFrame:
    rows = [
        {
            "answer": number,
            "instrument_id": f"N{number}.{mic}",
            "mic": mic,
            "source": "yahoo",
            "interval": "1m",
            "session_date": FIRST,
            "has_bars": number >= empty,
            "nearest_date": nearest,
            "is_known": nearest is not None,
            **more,
        }
        for number in range(empty + full)
    ]
    return pl.DataFrame(rows, schema=ASKED_SCHEMA)


@pytest.mark.parametrize(
    ("empty", "full", "held"),
    [(3, 6, 3), (3, 7, 0), (2, 0, 0), (1, 2, 0), (67, 133, 67), (66, 134, 0), (200, 0, 200)],
)
def test_empty_answers_are_held_from_a_third_of_those_asked_and_three_on(
    empty: int, full: int, held: int
) -> None:
    rows = asked(empty, full)
    assert len(answers_to_hold(rows, empty_sessions(rows))) == held


def test_names_that_left_long_ago_do_not_count_and_new_ones_do() -> None:
    gone = asked(10, 20, nearest=FIRST - timedelta(days=15))
    assert empty_sessions(gone).is_empty()
    assert empty_sessions(asked(10, 20, nearest=None)).height == 2  # on the exchange, and on all together


def test_one_exchange_that_is_empty_is_found_among_many_that_are_not() -> None:
    hong_kong = asked(10, 0, "XHKG")
    others = asked(0, 190).with_columns(pl.col("answer") + 1000)
    rows = pl.concat([hong_kong, others])
    found = empty_sessions(rows)
    assert found.select("mic", "asked", "empty").rows() == [("XHKG", 10, 10)]
    assert answers_to_hold(rows, found) == list(range(10))


def test_an_answer_with_bars_of_other_sessions_is_not_held_for_the_one_that_it_lacks() -> None:
    rows = asked(9, 0)
    also = rows.filter(pl.col("answer") < 5).with_columns(
        session_date=pl.lit(FIRST + timedelta(days=1)), has_bars=pl.lit(value=True)
    )
    both = pl.concat([rows, also])
    assert answers_to_hold(both, empty_sessions(both)) == [5, 6, 7, 8]
