"""Payloads that were held and released later: known from the release on, and never over what was learnt since."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findata_assets.steps.facts import fold_facts
from findata_assets.steps.platform import Platform
from findata_assets.steps.receiving import receive
from findata_assets.steps.sources import recorded_answers, refresh_reference
from findata_core.schema.frames import conform, empty
from findata_core.schema.tables import table
from findata_core.versions import as_of, fold_versions, without_overruled
from findata_resources.provider import Received
from findata_resources.providers.decisions import decision
from findata_resources.providers.yahoo_chart import bars_request
from findata_resources.stores.raw import receipt
from tests.standin import chart_body
from tests.steps.folders import Bar, flat, write_folder

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


@settings(deadline=None)
@given(histories())
def test_as_of_an_instant_is_a_fresh_fold_of_what_was_known_by_then(payloads: list[Payload]) -> None:
    versions = fold_versions(AVERAGES, said(payloads))
    for hour, instant in enumerate(HOURS):
        known = [payload for payload in payloads if payload[1] <= hour]
        then = as_of(versions.current, versions.history, pl.lit(instant))
        assert values(then) == values(fold_versions(AVERAGES, said(known)).current)


@settings(deadline=None)
@given(histories())
def test_when_all_is_released_what_holds_is_what_the_payload_received_last_says(
    payloads: list[Payload],
) -> None:
    last: dict[date, float] = {}
    for _, _, _, values_said in sorted(payloads):
        last |= {DAYS[day]: value for day, value in values_said.items()}
    current = fold_versions(AVERAGES, said(payloads)).current
    assert dict(current.select("observation_date", "average_30day_percent").rows()) == last


@settings(deadline=None)
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


M0, M1, M2 = (f"2022-05-19 13:3{minute}:00+00:00" for minute in range(3))
AT = [datetime(2022, 6, day, 12, tzinfo=UTC) for day in range(1, 7)]
# Received on the first, second (held until the fourth), third and fifth day.
TOLD: dict[int, dict[str, Bar]] = {
    0: {M0: flat(10), M1: flat(20)},
    1: {M0: flat(11), M1: flat(21), M2: flat(31)},
    2: {M0: flat(12)},
    4: {M2: flat(34)},
}
# By hand: minute 0 is the third day's; minute 1 the held one's, from the fourth day on; minute 2 the fifth day's.
CURRENT = [(0, 12.0, AT[2]), (1, 21.0, AT[3]), (2, 34.0, AT[4])]
HISTORY = [(0, 10.0, AT[0], AT[2]), (1, 20.0, AT[0], AT[3]), (2, 31.0, AT[3], AT[4])]


def test_in_whatever_order_payloads_and_the_release_come_rows_and_history_are_the_same(
    platform: Platform, tmp_path: Path
) -> None:
    refresh_reference(platform)
    orders = list(permutations([1, 2, 3, 4]))
    answers = [_answers(platform, tmp_path, f"S{case}") for case in range(len(orders))]
    for case in range(len(orders)):
        for number in (-1, 0):
            receive(platform, answers[case][number])
    for position in range(4):
        for case, order in enumerate(orders):
            receive(platform, answers[case][order[position]])
        fold_facts(platform, "market.bars")
    for case, order in enumerate(orders):
        assert _stored(platform, f"S{case}.XNAS") == (CURRENT, HISTORY), order


def _answers(platform: Platform, folder: Path, symbol: str) -> dict[int, Received]:
    """Return the payloads by number, the decision to hold the second (-1) and to release it (3)."""
    found = {}
    for number, bars in TOLD.items():
        text = AT[number].isoformat().replace("+00:00", "Z")
        made = write_folder(folder / symbol / str(number), text, bars, symbol)
        (found[number],) = recorded_answers(platform, made, None, "bars")
    return _decided_about(found)


def _decided_about(found: dict[int, Received]) -> dict[int, Received]:
    about: list[tuple[int, str, list[Any]]] = [(receipt(found[1])["payload_id"], "", [])]
    held, released = decision("hold", about, AT[1], "rule"), decision("release", about, AT[3], operator="ann")
    return {**found, -1: held, 3: released}


def _stored(platform: Platform, instrument_id: str) -> tuple[list[Any], list[Any]]:
    bars = table("market.bars")
    current = platform.store.read(bars, subjects=[instrument_id])
    history = platform.store.read(bars.history()).filter(instrument_id=instrument_id)
    minute = pl.col("event_time").dt.minute() - 30
    return (
        sorted(current.select(minute, "close", "ingest_time").rows()),
        sorted(history.select(minute, "close", "ingest_time", "superseded_time").rows()),
    )


# Splits by ex-date and numerator, as whole histories: who says what the one before has said is not read again. By hand.
MAY, JUNE = date(2022, 5, 16), date(2022, 5, 31)
Splits = dict[date, int]
HISTORIES: dict[str, tuple[dict[int, Splits], list[Any], list[Any]]] = {
    "the one held says first what the next ones say": (
        {0: {MAY: 2}, 1: {MAY: 2, JUNE: 4}, 2: {MAY: 2, JUNE: 4}, 4: {MAY: 2, JUNE: 4}},
        [(MAY, 2, AT[0]), (JUNE, 4, AT[2])],
        [],
    ),
    "the one held says first what is taken back": (
        {0: {MAY: 2}, 1: {MAY: 3}, 2: {MAY: 3}, 4: {MAY: 2}},
        [(MAY, 2, AT[4])],
        [(MAY, 2, AT[0], AT[2]), (MAY, 3, AT[2], AT[4])],
    ),
    "the one held contradicts all others": (
        {0: {MAY: 2}, 1: {MAY: 3}, 2: {MAY: 2}, 4: {MAY: 2}},
        [(MAY, 2, AT[0])],
        [],
    ),
    "the one held says more than the next": (
        {0: {MAY: 2}, 1: {MAY: 2, JUNE: 4}, 2: {MAY: 2}, 4: {MAY: 2, JUNE: 4}},
        [(MAY, 2, AT[0]), (JUNE, 4, AT[3])],
        [],
    ),
    "the one held repeats the first": (
        {0: {MAY: 2}, 1: {MAY: 2}, 2: {MAY: 2, JUNE: 4}, 4: {MAY: 2, JUNE: 4}},
        [(MAY, 2, AT[0]), (JUNE, 4, AT[2])],
        [],
    ),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_in_whatever_order_they_come_what_was_said_again_is_known_since_it_first_counted(
    name: str, platform: Platform
) -> None:
    told, current, history = HISTORIES[name]
    orders = list(permutations([1, 2, 3, 4]))
    answers = [_answers_with_splits(f"S{case}", told) for case in range(len(orders))]
    for case in range(len(orders)):
        for number in (-1, 0):
            receive(platform, answers[case][number])
    for position in range(4):
        for case, order in enumerate(orders):
            receive(platform, answers[case][order[position]])
        fold_facts(platform, "reference.splits")
    for case, order in enumerate(orders):
        assert _splits_stored(platform, f"S{case}.XNAS") == (current, history), order


def _answers_with_splits(symbol: str, told: dict[int, Splits]) -> dict[int, Received]:
    """Return Yahoo's answers by number, the decision to hold the second (-1) and to release it (3)."""
    noon = {
        day: int(datetime(day.year, day.month, day.day, 16, tzinfo=UTC).timestamp()) for day in (MAY, JUNE)
    }
    row = (noon[MAY], 10.0, 10.0, 10.0, 10.0, 100)
    found = {}
    for number, splits in told.items():
        events = [(noon[day], numerator, 1) for day, numerator in splits.items()]
        body = chart_body(symbol, "1d", "America/New_York", "USD", [row], events)
        request = bars_request(f"{symbol}.XNAS", symbol, "1d", AT[0] - timedelta(days=30), AT[number])
        found[number] = Received(request, body, 200, {}, AT[number])
    return _decided_about(found)


def _splits_stored(platform: Platform, instrument_id: str) -> tuple[list[Any], list[Any]]:
    splits = table("reference.splits")
    history = platform.store.read(splits.history()).filter(instrument_id=instrument_id)
    current = platform.store.read(splits, subjects=[instrument_id])
    return (
        sorted(current.select("ex_date", "numerator", "ingest_time").rows()),
        sorted(history.select("ex_date", "numerator", "ingest_time", "superseded_time").rows()),
    )
