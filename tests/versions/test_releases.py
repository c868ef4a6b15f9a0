"""Payloads that were held and released later: known from the release on, and never over what was learnt since."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from findata_core.schema.frames import conform, empty
from findata_core.schema.tables import table
from findata_core.versions import as_of, fold_versions, without_overruled

AVERAGES = table("rates.published_averages")
DAYS = [date(2022, 5, 19), date(2022, 5, 20)]
HOURS = [datetime(2022, 5, 23, hour, tzinfo=UTC) for hour in range(12)]
INSTANT = pl.Datetime("us", "UTC")

Payload = tuple[
    int, int, int, dict[int, float]
]  # hours of receiving and of knowing, payload_id, value by day


def said(payloads: Iterable[Payload]) -> pl.DataFrame:
    """What payloads say, as it is folded: those overruled are left out."""
    rows: list[dict[str, Any]] = [
        {
            "rate": "SOFR",
            "source": "nyfed",
            "observation_date": DAYS[day],
            "average_30day_percent": value,
            "ingest_time": HOURS[known],
            "payload_id": payload_id,
        }
        for _, known, payload_id, values in payloads
        for day, value in values.items()
    ]
    held = [(number, HOURS[received]) for received, known, number, _ in payloads if known > received]
    if not rows:
        return empty(AVERAGES)
    schema = {"ingest_time": INSTANT, "average_30day_percent": pl.Float64()}
    frame = conform(pl.DataFrame(rows, schema_overrides=schema), AVERAGES)
    received = pl.DataFrame(held, schema={"payload_id": pl.Int64, "received_time": INSTANT}, orient="row")
    return without_overruled(AVERAGES, frame, received)


def values(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    return sorted(
        frame.select("observation_date", "average_30day_percent", "ingest_time", "payload_id").rows()
    )


numbers = st.sampled_from([0.1, 0.2, 0.3])
told = st.dictionaries(st.sampled_from([0, 1]), numbers, min_size=1)
delays = st.sampled_from([0, 0, 0, 1, 2, 5])


@st.composite
def histories(draw: st.DrawFn) -> list[Payload]:
    """Payloads of different receive times, some of them held for a while."""
    hours = draw(st.lists(st.integers(0, 6), unique=True, max_size=6))
    return [(hour, hour + draw(delays), number, draw(told)) for number, hour in enumerate(hours)]


@given(histories())
def test_as_of_an_instant_is_a_fresh_fold_of_what_was_known_by_then(payloads: list[Payload]) -> None:
    versions = fold_versions(AVERAGES, said(payloads))
    for hour, instant in enumerate(HOURS):
        known = [payload for payload in payloads if payload[1] <= hour]
        then = as_of(versions.current, versions.history, pl.lit(instant))
        assert values(then) == values(fold_versions(AVERAGES, said(known)).current)


@given(histories())
def test_when_all_is_released_what_holds_is_what_the_payload_received_last_says(
    payloads: list[Payload],
) -> None:
    last: dict[date, float] = {}
    for _, _, _, values_said in sorted(payloads):
        last |= {DAYS[day]: value for day, value in values_said.items()}
    current = fold_versions(AVERAGES, said(payloads)).current
    assert dict(current.select("observation_date", "average_30day_percent").rows()) == last


@given(histories(), st.randoms())
def test_the_order_of_reading_does_not_matter(payloads: list[Payload], random: Any) -> None:
    shuffled = list(payloads)
    random.shuffle(shuffled)
    assert values(said(shuffled)) == values(said(payloads))


def test_a_payload_released_after_a_younger_one_speaks_only_where_that_is_silent() -> None:
    older: Payload = (0, 5, 1, {0: 0.1, 1: 0.1})  # received at 0:00, released at 5:00
    younger: Payload = (2, 2, 2, {0: 0.2})
    rows = fold_versions(AVERAGES, said([older, younger]))
    assert values(rows.current) == [(DAYS[0], 0.2, HOURS[2], 2), (DAYS[1], 0.1, HOURS[5], 1)]
    assert rows.history.is_empty()


def test_of_two_payloads_released_at_one_instant_the_one_received_last_speaks() -> None:
    rows = fold_versions(AVERAGES, said([(0, 5, 9, {0: 0.1}), (1, 5, 1, {0: 0.2})]))
    assert values(rows.current) == [(DAYS[0], 0.2, HOURS[5], 1)]
    assert rows.conflicting.is_empty()


def test_what_was_never_held_is_left_as_it_is() -> None:
    rows = said([(0, 0, 1, {0: 0.1}), (1, 1, 2, {0: 0.2, 1: 0.3})])
    assert rows.height == 3
