"""fold_versions and its law: as_of(T) is what a fresh fold of only the payloads received by T gives."""

import random
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from findata_core.schema.frames import conform
from findata_core.schema.tables import table
from findata_core.versions import as_of, fold_versions, value_columns

AVERAGES = table("rates.published_averages")
DAYS = [date(2022, 5, 19), date(2022, 5, 20)]
NOON = datetime(2022, 5, 23, 12, tzinfo=UTC)
HOURS = [NOON + timedelta(hours=hour) for hour in range(5)]

Payload = tuple[int, int, dict[int, float | None]]  # hour of receiving, payload_id, value by number of day


def rows(payloads: Iterable[Payload]) -> pl.DataFrame:
    """What payloads say: one figure (or null) for some of two days."""
    records: list[dict[str, Any]] = [
        {
            "rate": "SOFR",
            "source": "nyfed",
            "observation_date": DAYS[day],
            "average_30day_percent": value,
            "ingest_time": HOURS[hour],
            "payload_id": payload_id,
        }
        for hour, payload_id, values in payloads
        for day, value in values.items()
    ]
    schema: dict[str, pl.DataType] = {
        "average_30day_percent": pl.Float64(),
        "ingest_time": pl.Datetime("us", "UTC"),
    }
    frame = pl.DataFrame(records, schema_overrides=schema, infer_schema_length=None)
    return conform(frame, AVERAGES) if records else pl.DataFrame(schema=conformed_schema())


def conformed_schema() -> pl.Schema:
    return rows([(0, 0, {0: 1.0})]).schema


def current_rows(payloads: Iterable[Payload]) -> list[tuple[Any, ...]]:
    return known(fold_versions(AVERAGES, rows(payloads)).current)


def known(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    columns = ["observation_date", "average_30day_percent", "ingest_time", "payload_id"]
    return sorted(frame.select(columns).rows(), key=repr)


histories = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.dictionaries(st.integers(0, 1), st.none() | st.sampled_from([1.0, 2.0, -0.0, 0.0]), min_size=1),
    ),
    min_size=1,
    max_size=8,
).map(lambda items: [(hour, number, values) for number, (hour, values) in enumerate(items)])


@given(payloads=histories, hour=st.integers(0, 4), seed=st.integers(0, 99))
@settings(max_examples=200, deadline=None)
def test_what_was_known_at_an_instant_is_the_fold_of_what_had_been_received_by_then(
    payloads: list[Payload], hour: int, seed: int
) -> None:
    shuffled = random.Random(seed).sample(payloads, len(payloads))
    versions = fold_versions(AVERAGES, rows(shuffled))

    then = as_of(versions.current, versions.history, pl.lit(HOURS[hour]))

    assert known(then) == current_rows(item for item in payloads if item[0] <= hour)


@given(payloads=histories)
@settings(max_examples=100, deadline=None)
def test_versions_of_a_key_follow_one_another_without_gap_overlap_or_repetition(
    payloads: list[Payload],
) -> None:
    versions = fold_versions(AVERAGES, rows(payloads))
    latest = versions.current.with_columns(superseded_time=pl.lit(None, pl.Datetime("us", "UTC")))

    for day in DAYS:
        chain = pl.concat([versions.history, latest]).filter(observation_date=day).sort("ingest_time")
        values = chain.select(value_columns(AVERAGES)).rows()
        assert (
            chain.get_column("superseded_time").to_list()[:-1]
            == chain.get_column("ingest_time").to_list()[1:]
        )
        assert all(value != following for value, following in pairwise(values))


@given(payloads=histories)
@settings(max_examples=100, deadline=None)
def test_folding_the_same_payloads_twice_over_changes_nothing(payloads: list[Payload]) -> None:
    once, twice = (
        fold_versions(AVERAGES, rows(payloads)),
        fold_versions(AVERAGES, rows([*payloads, *payloads])),
    )

    assert twice.current.equals(once.current)
    assert twice.history.equals(once.history)


@given(payloads=histories, hour=st.integers(0, 4))
@settings(max_examples=100, deadline=None)
def test_younger_payloads_can_be_folded_onto_the_current_rows_alone(
    payloads: list[Payload], hour: int
) -> None:
    older = [item for item in payloads if item[0] <= hour]
    younger = [item for item in payloads if item[0] > hour]
    whole = fold_versions(AVERAGES, rows(payloads))

    first = fold_versions(AVERAGES, rows(older))
    second = fold_versions(AVERAGES, pl.concat([first.current, rows(younger)]))

    assert known(second.current) == known(whole.current)
    assert known(pl.concat([first.history, second.history])) == known(whole.history)


def test_a_value_said_again_stays_known_from_the_first_time() -> None:
    assert current_rows([(1, 5, {0: 1.0}), (3, 6, {0: 1.0})]) == [(DAYS[0], 1.0, HOURS[1], 5)]


def test_a_value_that_comes_back_is_a_version_of_its_own() -> None:
    versions = fold_versions(AVERAGES, rows([(0, 1, {0: 1.0}), (1, 2, {0: 2.0}), (2, 3, {0: 1.0})]))

    assert known(versions.current) == [(DAYS[0], 1.0, HOURS[2], 3)]
    assert versions.history.select("average_30day_percent", "ingest_time", "superseded_time").rows() == [
        (1.0, HOURS[0], HOURS[1]),
        (2.0, HOURS[1], HOURS[2]),
    ]


def test_of_two_payloads_of_one_instant_the_greater_id_speaks_and_the_other_is_told_of() -> None:
    versions = fold_versions(AVERAGES, rows([(1, 9, {0: 2.0}), (1, 4, {0: 1.0})]))

    assert known(versions.current) == [(DAYS[0], 2.0, HOURS[1], 9)]
    assert versions.history.is_empty()
    assert known(versions.conflicting) == [(DAYS[0], 1.0, HOURS[1], 4)]


def test_two_payloads_of_one_instant_that_agree_are_no_conflict() -> None:
    assert fold_versions(AVERAGES, rows([(1, 9, {0: 2.0}), (1, 4, {0: 2.0})])).conflicting.is_empty()


def test_a_figure_that_becomes_null_is_a_new_version() -> None:
    versions = fold_versions(AVERAGES, rows([(0, 1, {0: 1.0}), (1, 2, {0: None})]))

    assert known(versions.current) == [(DAYS[0], None, HOURS[1], 2)]
    assert versions.history.height == 1


def test_a_payload_that_is_silent_about_a_row_deletes_nothing() -> None:
    both = current_rows([(0, 1, {0: 1.0, 1: 3.0}), (1, 2, {0: 2.0})])

    assert both == [(DAYS[0], 2.0, HOURS[1], 2), (DAYS[1], 3.0, HOURS[0], 1)]


def test_nothing_folds_to_nothing() -> None:
    versions = fold_versions(AVERAGES, rows([]))

    assert versions.current.is_empty()
    assert versions.history.is_empty()
