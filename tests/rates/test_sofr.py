"""SOFR averages and index: hand-worked windows, the published figures, gaps, and a day-by-day oracle."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from findata_core.errors import DataError
from findata_core.rates.compounding import fixings_of
from findata_core.rates.sofr import compare, mismatches, outside_percentiles, recompute_averages
from findata_core.schema.tables import table
from findata_core.schema.validation import validate

Rows = Callable[..., pl.DataFrame]
Frames = tuple[pl.DataFrame, pl.DataFrame]
RECEIVED = datetime(2022, 7, 1, 12, tzinfo=UTC)
ANSWERS = tomllib.loads(
    (Path(__file__).parents[1] / "answers" / "sofr_by_hand.toml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("window", ANSWERS["windows"], ids=lambda window: str(window["case"]))
def test_growth_is_what_was_worked_by_hand(window: dict[str, Any]) -> None:
    days = [row["observation_date"] for row in ANSWERS["fixings"]]
    rates = [row["rate_percent"] for row in ANSWERS["fixings"]]
    known = fixings_of(days, rates, [RECEIVED] * len(days), set(days))
    growth = known.growth(window["start"], window["end"])
    assert growth.factor == pytest.approx(window["factor"], abs=1e-15)
    assert growth.fixing_count == window["fixing_count"]


def test_every_figure_published_from_2019_to_2022_is_recomputed(recorded: Frames) -> None:
    averages = recompute_averages(*recorded)
    assert mismatches(averages).is_empty()
    compared = averages.filter(pl.col("difference").is_not_null()).group_by("measure").len()
    # 708 days are published; the windows of the first 20, 60 and 119 of them begin before the fixings do.
    assert dict(compared.iter_rows()) == {
        "index": 708,
        "average_30day": 688,
        "average_90day": 648,
        "average_180day": 589,
    }
    worst = averages.group_by("measure").agg(pl.col("difference").abs().max())
    assert all(size <= (6e-9 if measure == "index" else 5.0001e-6) for measure, size in worst.iter_rows())


# FRED's answers about SOFR30DAYAVG, SOFR90DAYAVG, SOFR180DAYAVG and SOFRINDEX, recorded on 2024-06-27
# (payloads/openbb_fred-2.0.0-sdist of the trial data, test_fred_sofr_fetcher).
PUBLISHED_IN_2024 = {
    date(2024, 6, 3): (5.32698, 5.35057, 5.38816, 1.14075319),
    date(2024, 6, 4): (5.32834, 5.35102, 5.38833, 1.14092272),
    date(2024, 6, 5): (5.32901, 5.35125, 5.38839, 1.14109164),
    date(2024, 6, 6): (5.32968, 5.35147, 5.38845, 1.14126058),
}


def test_the_index_of_2019_carried_on_for_five_years_is_the_one_that_was_published(
    recorded: Frames, fixings: Rows, published: Rows, trial_data: Path
) -> None:
    file = trial_data / "rates" / "JoaquinMulet-treasury-desk" / "SOFR.csv"
    rates = fixings(dict(pl.read_csv(file, try_parse_dates=True).iter_rows()))
    columns = [f"average_{days}day_percent" for days in (30, 90, 180)] + ["index_value"]
    later = {day: dict(zip(columns, said, strict=True)) for day, said in PUBLISHED_IN_2024.items()}
    averages = recompute_averages(rates, pl.concat([recorded[1], published(later)]))
    assert mismatches(averages).is_empty()
    # Every one of the 708 days of 2019 to 2022, now that no window begins before the fixings do, and of the four.
    counts = {row["measure"]: (row["compared"], row["mismatched"]) for row in compare(averages).to_dicts()}
    assert set(counts.values()) == {(712, 0)}
    index = averages.filter(measure="index").filter(pl.col("observation_date") >= date(2024, 6, 3))
    assert index["window_start_date"].unique().to_list() == [date(2019, 8, 30)]
    assert index["difference"].abs().drop_nulls().max() <= 1e-8  # type: ignore[operator]


def test_every_figure_of_the_bundled_sample_is_recomputed(sample: Frames) -> None:
    averages = recompute_averages(*sample)
    assert mismatches(averages).is_empty()
    assert validate(table("rates.averages"), averages).failures.is_empty()
    last = averages.filter(observation_date=date(2022, 6, 30))
    assert last["recomputed"].null_count() == 0
    assert dict(
        last.select("measure", pl.col("recomputed").round(5)).filter(pl.col("measure") != "index").iter_rows()
    ) == {
        "average_30day": 1.08879,
        "average_90day": 0.6987,
        "average_180day": 0.39371,
    }


def test_a_published_index_ratio_gives_the_average_over_the_same_days(recorded: Frames) -> None:
    """Where the window begins on a business day, two published indices say the same as the average."""
    averages = recompute_averages(*recorded).filter(measure="average_30day").drop_nulls("recomputed")
    index = recorded[1].select(observation_date="observation_date", at="index_value")
    ends = averages.join(index, on="observation_date")
    both = ends.join(index.rename({"at": "start"}), left_on="window_start_date", right_on="observation_date")
    implied = (both["at"] / both["start"] - 1) * 360 / 30 * 100
    assert both.height > 350
    # Each index is rounded by up to 0.5e-8: together 1e-8 x 12 x 100 = 1.2e-5 percent.
    assert implied.to_list() == pytest.approx(both["recomputed"].to_list(), abs=1.3e-5)


def test_a_figure_that_is_off_by_its_last_digit_is_a_mismatch(sample: Frames) -> None:
    rates, figures = sample
    day = pl.col("observation_date") == date(2022, 6, 29)
    # Published are the index 1.04439047 and the 90-day average 0.68512.
    wrong = figures.with_columns(
        index_value=pl.when(day).then(pl.lit(1.04439049)).otherwise("index_value"),
        average_90day_percent=pl.when(day).then(pl.lit(0.68513)).otherwise("average_90day_percent"),
    )
    found = mismatches(recompute_averages(rates, wrong))
    assert found.select("measure", "observation_date").rows() == [
        ("average_90day", date(2022, 6, 29)),
        ("index", date(2022, 6, 29)),
    ]


def test_a_window_that_begins_before_the_first_fixing_is_not_known(sample: Frames) -> None:
    averages = recompute_averages(*sample).filter(measure="average_30day")
    unknown = averages.filter(pl.col("recomputed").is_null())
    assert unknown["observation_date"].max() == date(2021, 11, 30)  # 30 days before 2021-12-01 is 2021-11-01
    assert set(unknown["reason"]) == {"the window begins before the first fixing, 2021-11-01"}
    assert unknown["published"].null_count() == 0


@pytest.mark.parametrize("is_published", [True, False])
def test_a_missing_fixing_makes_its_windows_unknown_and_starts_the_index_again(
    sample: Frames, is_published: bool
) -> None:
    rates, figures = sample
    gap = date(2022, 3, 16)
    kept = figures if is_published else figures.filter(pl.col("observation_date") != gap)
    averages = recompute_averages(rates.filter(pl.col("observation_date") != gap), kept)

    thirty = averages.filter(measure="average_30day").filter(pl.col("observation_date") > date(2021, 12, 1))
    unknown = thirty.filter(pl.col("recomputed").is_null())
    assert unknown["observation_date"].min() == date(2022, 3, 17)
    # The window of 04-14 begins on 03-15; the next business day is 04-18, whose window begins on 03-19.
    assert unknown["observation_date"].max() == date(2022, 4, 14)
    assert set(unknown["reason"]) == {"the business day 2022-03-16 has no fixing"}
    index = averages.filter(measure="index")
    assert index["recomputed"].null_count() == 0
    starts = index.filter(pl.col("observation_date") > gap)["window_start_date"]
    assert set(starts) == {date(2022, 3, 17)}
    assert mismatches(averages).is_empty()


def test_holidays_and_weekends_are_not_missing(sample: Frames) -> None:
    rates, _ = sample
    assert date(2022, 6, 20) not in set(rates["observation_date"])
    averages = recompute_averages(*sample).filter(observation_date=date(2022, 6, 30))
    assert averages["reason"].null_count() == averages.height


def test_the_index_starts_from_one_where_the_fixings_reach_back_to_it(fixings: Rows, published: Rows) -> None:
    # 2018-04-02 fixed at 1.80, 04-03 at 1.83, 04-04 at 1.74 (New York Fed).
    rates = {date(2018, 4, 2): 1.80, date(2018, 4, 3): 1.83, date(2018, 4, 4): 1.74}
    index = recompute_averages(fixings(rates), published({})).filter(measure="index")
    # 1 + 0.018 / 360 = 1.00005; x (1 + 0.0183 / 360) = 1.00005 x 1.000050833... = 1.000100835875
    assert index["recomputed"].to_list() == pytest.approx([1.0, 1.00005, 1.000100835875], abs=1e-12)
    assert set(index["window_start_date"]) == {date(2018, 4, 2)}
    assert index["fixing_count"].to_list() == [0, 1, 2]


def test_the_figure_of_a_day_needs_no_fixing_of_that_day(fixings: Rows, published: Rows) -> None:
    days = [date(2022, 6, 27) + timedelta(days=number) for number in range(3)]
    rates = fixings(dict.fromkeys(days[:2], 3.6))
    index = recompute_averages(
        rates, published({days[0]: {"index_value": 1.0}, days[2]: {"index_value": 1.5}})
    )
    last = index.filter(measure="index", observation_date=days[2]).row(0, named=True)
    assert last["recomputed"] == pytest.approx(1.0001**2, abs=1e-15)
    assert last["difference"] == pytest.approx(1.0001**2 - 1.5, abs=1e-15)


def test_without_fixings_published_figures_stand_alone(fixings: Rows, published: Rows) -> None:
    averages = recompute_averages(fixings({}), published({date(2022, 6, 30): {"index_value": 1.04443427}}))
    assert averages["recomputed"].null_count() == averages.height == 4
    assert averages["reason"].null_count() == 0
    assert averages.filter(measure="index")["published"].to_list() == [1.04443427]


def test_nothing_known_gives_an_empty_table(fixings: Rows, published: Rows) -> None:
    assert recompute_averages(fixings({}), published({})).is_empty()


def test_a_day_without_any_published_figure_is_no_business_day(sample: Frames, published: Rows) -> None:
    rates, figures = sample
    holiday = published({date(2022, 6, 20): {}})
    assert recompute_averages(rates, pl.concat([figures, holiday])).equals(recompute_averages(*sample))


def test_other_rates_are_left_out_and_two_rows_for_a_day_are_refused(sample: Frames) -> None:
    rates, figures = sample
    others = rates.with_columns(rate=pl.lit("EFFR"), rate_percent=pl.lit(9.0))
    assert recompute_averages(pl.concat([rates, others]), figures).equals(recompute_averages(*sample))
    with pytest.raises(DataError, match="several rows for 2021-11-01"):
        recompute_averages(pl.concat([rates, rates.with_columns(source=pl.lit("fred"))]), figures)


def test_a_figure_is_as_young_as_the_youngest_fixing_in_its_window(sample: Frames) -> None:
    rates, figures = sample
    later, day = datetime(2022, 7, 5, tzinfo=UTC), date(2022, 5, 16)
    revised = pl.when(pl.col("observation_date") == day).then(pl.lit(later)).otherwise("ingest_time")
    averages = recompute_averages(rates.with_columns(ingest_time=revised), figures)
    young = averages.filter(pl.col("ingest_time") == later)
    assert young["observation_date"].min() == day + timedelta(days=1)
    thirty = young.filter(measure="average_30day")
    assert thirty["observation_date"].max() == day + timedelta(days=30)


def test_fixings_outside_their_own_percentiles_are_found(fixings: Rows) -> None:
    inside = {f"percentile_{n}_percent": value for n, value in ((1, 3.6), (25, 3.63), (75, 3.7), (99, 3.73))}
    day = date(2026, 8, 5)
    assert outside_percentiles(fixings({day: 3.64}, **inside)).is_empty()  # as the New York Fed published it
    assert outside_percentiles(fixings({day: 3.62}, **inside)).height == 1
    assert outside_percentiles(fixings({day: 3.64}, **(inside | {"percentile_99_percent": 3.69}))).height == 1
    assert outside_percentiles(fixings({day: 3.64})).is_empty()


RATES = st.lists(st.integers(-100, 900), min_size=2, max_size=40)  # basis points
STEPS = st.lists(st.integers(1, 4), min_size=40, max_size=40)  # calendar days to the next business day


@given(basis_points=RATES, steps=STEPS, first=st.integers(0, 60), length=st.integers(1, 60))
def test_compounding_agrees_with_exact_accrual_day_by_day(
    basis_points: list[int], steps: list[int], first: int, length: int
) -> None:
    days = [date(2022, 1, 3)]
    for step in steps[: len(basis_points) - 1]:
        days.append(days[-1] + timedelta(days=step))
    known = fixings_of(days, [points / 100 for points in basis_points], [RECEIVED] * len(days), set(days))
    start = days[0] + timedelta(days=first)
    end = start + timedelta(days=length)
    growth = known.growth(start, end)
    assert growth.factor == pytest.approx(float(_exact(days, basis_points, start, end)), rel=1e-12)


def _exact(days: list[date], basis_points: list[int], start: date, end: date) -> Fraction:
    """Accrue one calendar day after another: interest is added to the principal on business days only."""
    principal, interest = Fraction(1), Fraction(0)
    for offset in range((end - start).days):
        day = start + timedelta(days=offset)
        if day in days:
            principal, interest = principal + interest, Fraction(0)
        in_force = basis_points[max(number for number, known in enumerate(days) if known <= day)]
        interest += principal * Fraction(in_force, 10_000 * 360)
    return principal + interest
