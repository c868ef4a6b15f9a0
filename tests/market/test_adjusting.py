"""Adjusted prices: worked by hand, continuous over a split, and back again."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findata_core.errors import ConfigurationError, DataError, MixedAdjustments
from findata_core.market.adjusting import Actions, View, actions_of, adjusted, require_view, unadjusted
from findata_core.market.releases import RELEASED_SCHEMA, with_received_times
from findata_core.schema.frames import empty
from findata_core.schema.tables import table
from findata_resources.environment import PROJECT

ZONE = "America/New_York"
LATER = date(2020, 1, 2)
BY_HAND = tomllib.loads((PROJECT / "tests/answers/adjusting_by_hand.toml").read_text())["bar"]
SPLIT, DIVIDEND = (date(2014, 6, 6), Fraction(7)), (date(2014, 6, 4), Fraction("3.15"))


def bars(
    sessions: list[date],
    closes: list[float],
    volumes: list[int],
    adjustment: str = "raw",
    received: date = LATER,
) -> pl.DataFrame:
    """Daily bars whose four prices are one; received at noon UTC of a day."""
    return pl.DataFrame(
        {
            "session_date": sessions,
            "event_time": [datetime.combine(day, time(13, 30), UTC) for day in sessions],
            "adjustment": [adjustment] * len(sessions),
            **dict.fromkeys(("open", "high", "low", "close"), closes),
            "volume": volumes,
            "ingest_time": [datetime.combine(received, time(12), UTC)] * len(sessions),
        },
        schema_overrides={
            "session_date": pl.Date,
            "ingest_time": pl.Datetime("us", "UTC"),
            "event_time": pl.Datetime("us", "UTC"),
        },
    )


def of_answers(column: str) -> list[Any]:
    return [row[column] for row in BY_HAND]


BARS = bars(of_answers("session"), of_answers("close"), of_answers("volume"))


def test_a_split_adjusts_what_lies_before_it() -> None:
    found = adjusted(BARS, Actions((SPLIT,)), "split", LATER, ZONE)
    assert of_answers("split") == pytest.approx(found["close"].to_list(), rel=1e-15)
    assert of_answers("split_volume") == found["volume"].to_list()


def test_a_dividend_is_taken_out_of_what_lies_before_it() -> None:
    found = adjusted(BARS, Actions((SPLIT,), (DIVIDEND,)), "all", LATER, ZONE)
    assert of_answers("all") == pytest.approx(found["close"].to_list(), rel=1e-14)


def test_raw_is_what_was_traded() -> None:
    found = adjusted(BARS, Actions((SPLIT,), (DIVIDEND,)), "raw", LATER, ZONE)
    assert of_answers("close") == found["close"].to_list()
    assert set(found["price_factor"]) == {1.0}


def test_before_the_split_nothing_is_adjusted_and_nothing_later_is_shown() -> None:
    found = adjusted(BARS, Actions((SPLIT,), (DIVIDEND,)), "split", date(2014, 6, 5), ZONE)
    assert found["close"].to_list() == [600.0, 630.0, 637.0]
    assert found["session_date"].max() == date(2014, 6, 4)


@pytest.mark.parametrize(("received", "stored"), [(date(2014, 6, 5), 630.0), (date(2014, 6, 6), 90.0)])
def test_what_a_provider_rescales_has_the_scale_of_the_day_it_was_received(
    received: date, stored: float
) -> None:
    """Stored before the split or after: the same price as traded, and the same in later shares."""
    bar = bars([date(2014, 6, 3)], [stored], [200], "split", received)
    splits = Actions((SPLIT,))
    assert adjusted(bar, splits, "raw", LATER, ZONE).item(0, "close") == 630.0
    assert adjusted(bar, splits, "split", LATER, ZONE).item(0, "close") == 90.0
    assert adjusted(bar, splits, "split", date(2014, 6, 5), ZONE).item(0, "close") == 630.0


def test_an_evening_in_new_york_is_not_the_next_day_in_utc() -> None:
    bar = bars([date(2014, 6, 5)], [630.0], [1], "split").with_columns(
        ingest_time=pl.lit(datetime(2014, 6, 6, 1, tzinfo=UTC))  # nine in the evening of the day before
    )
    assert adjusted(bar, Actions((SPLIT,)), "split", LATER, ZONE).item(0, "close") == 90.0


def test_bars_with_a_providers_own_factors_are_refused() -> None:
    with pytest.raises(MixedAdjustments, match="split_dividend"):
        adjusted(BARS.with_columns(adjustment=pl.lit("split_dividend")), Actions(), "split", LATER, ZONE)


def test_a_dividend_without_a_close_before_it_is_refused() -> None:
    late = (date(2014, 8, 1), Fraction(1))
    with pytest.raises(DataError, match="last close before the dividend of 2014-08-01 is of 2014-06-06"):
        adjusted(BARS, Actions((SPLIT,), (late,)), "all", LATER, ZONE)


def test_a_dividend_as_large_as_the_price_is_refused_as_another_unit() -> None:
    with pytest.raises(DataError, match="in another unit"):
        adjusted(BARS, Actions((), ((date(2014, 6, 4), Fraction(630)),)), "all", LATER, ZONE)


def test_a_dividend_before_all_bars_changes_nothing() -> None:
    early = (date(2014, 6, 2), Fraction(1))
    assert adjusted(BARS, Actions((), (early,)), "all", LATER, ZONE)["close"].to_list() == of_answers("close")


def test_a_view_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match="raw, split, all"):
        require_view("total")


prices = st.integers(1, 10**9).map(lambda cents: cents / 10_000)
ratios = st.tuples(st.integers(1, 50), st.integers(1, 50)).map(lambda pair: Fraction(*pair))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(prices, st.integers(0, 10**9)), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(1, 20), ratios), max_size=3, unique_by=lambda split: split[0]),
    st.sampled_from(["raw", "split", "all"]),
    st.integers(0, 25),
    st.booleans(),
)
def test_adjusted_and_back_is_what_it_was(
    said: list[tuple[float, int]], splits: list[tuple[int, Fraction]], view: Any, on: int, is_paid: bool
) -> None:
    first = date(2014, 6, 2)
    sessions = [first + timedelta(days=number) for number in range(len(said))]
    raw = bars(sessions, [price for price, _ in said], [volume for _, volume in said])
    paid = ((first + timedelta(days=3), Fraction(1, 100_000)),) if is_paid else ()
    actions = Actions(tuple((first + timedelta(days=day), ratio) for day, ratio in sorted(splits)), paid)
    known = raw.filter(pl.col("session_date") <= first + timedelta(days=on))
    found = unadjusted(adjusted(raw, actions, view, first + timedelta(days=on), ZONE))
    assert found.equals(known)


@given(st.integers(0, 30), ratios)
def test_returns_over_a_split_are_those_without_it(day: int, ratio: Fraction) -> None:
    """A holder gains nothing by a split: the value of what one share has become goes on."""
    sessions = [date(2014, 6, 2) + timedelta(days=number) for number in range(30)]
    ex_date = sessions[0] + timedelta(days=day)
    value = [100.0 + number for number in range(30)]
    traded = [
        float(price / (ratio if when >= ex_date else 1)) for price, when in zip(value, sessions, strict=True)
    ]
    found = adjusted(bars(sessions, traded, [1] * 30), Actions(((ex_date, ratio),)), "split", LATER, ZONE)
    last = found.item(-1, "close")
    assert [price / last for price in found["close"]] == pytest.approx([price / value[-1] for price in value])


def splits_table(*rows: tuple[str, date, int, int]) -> pl.DataFrame:
    made = [
        {"instrument_id": "A.XNAS", "source": source, "ex_date": day, "numerator": top, "denominator": bottom}
        | {"ratio_said": "", "ingest_time": datetime(2020, 1, 1, tzinfo=UTC), "payload_id": 1}
        for source, day, top, bottom in rows
    ]
    return pl.DataFrame(
        [*empty(table("reference.splits")).to_dicts(), *made], schema=empty(table("reference.splits")).schema
    )


def dividends_table(*rows: dict[str, Any]) -> pl.DataFrame:
    usual = {
        "instrument_id": "A.XNAS",
        "source": "lean",
        "kind": "cash",
        "adjustment": "raw",
        "currency": "USD",
        "amount_uncertainty": None,
        "ingest_time": datetime(2020, 9, 10, 12, tzinfo=UTC),
        "payload_id": 1,
    }
    exact = [usual | row | {"amount": Decimal(row["amount"])} for row in rows]
    return pl.DataFrame(exact, schema=empty(table("reference.dividends")).schema)


NO_DIVIDENDS = empty(table("reference.dividends"))


def test_a_split_that_two_sources_tell_happened_once() -> None:
    told = splits_table(("lean", date(2014, 6, 9), 7, 1), ("yahoo", date(2014, 6, 9), 7, 1))
    assert actions_of(told, NO_DIVIDENDS, ZONE, "USD", 1).splits == ((date(2014, 6, 9), Fraction(7)),)


def test_of_two_sources_that_date_a_split_apart_the_preferred_one_is_taken() -> None:
    told = splits_table(
        ("lean", date(2014, 6, 6), 7, 1), ("yahoo", date(2014, 6, 9), 7, 1), ("lean", date(2005, 2, 28), 2, 1)
    )
    assert [day for day, _ in actions_of(told, NO_DIVIDENDS, ZONE, "USD", 1).splits] == [
        date(2005, 2, 28),
        date(2014, 6, 9),
    ]


def test_yahoos_dividend_in_later_shares_is_the_one_that_was_paid() -> None:
    """Apple paid 0.82 on 2020-08-07, before 4:1 on 2020-08-31; Yahoo has written 0.205 since."""
    splits = splits_table(("yahoo", date(2020, 8, 31), 4, 1))
    said = {"source": "yahoo", "adjustment": "split", "ex_date": date(2020, 8, 7)}
    for amount, received in (
        ("0.205", datetime(2020, 9, 10, tzinfo=UTC)),
        ("0.82", datetime(2020, 8, 20, tzinfo=UTC)),
    ):
        paid = dividends_table(said | {"amount": amount, "ingest_time": received})
        found = actions_of(splits, paid, ZONE, "USD", 1)
        assert found.dividends == ((date(2020, 8, 7), Fraction(82, 100)),)


# NVIDIA closed at 1,209.98 on 2024-06-06 and split 10:1 on Monday, 2024-06-10.
NVIDIA_CLOSED, NVIDIA_SPLIT = date(2024, 6, 6), (date(2024, 6, 10), Fraction(10))


def released(payload_id: int, *received: datetime, at: datetime) -> pl.DataFrame:
    """Answers of one payload_id after another about NVIDIA's session, received at these times and released at one."""
    rows = [
        {
            "payload_id": payload_id + number,
            "instrument_id": "NVDA.XNAS",
            "source_interval": "1d",
            "session_date": NVIDIA_CLOSED,
            "ingest_time": at,
            "received_time": moment,
        }
        for number, moment in enumerate(received)
    ]
    return pl.DataFrame(rows, schema=RELEASED_SCHEMA)


@pytest.mark.parametrize("is_candle", [False, True])
@pytest.mark.parametrize(
    ("view", "on", "close"),
    [
        ("split", date(2024, 6, 20), 120.998),
        ("split", date(2024, 6, 7), 1209.98),
        ("raw", date(2024, 6, 20), 1209.98),
    ],
)
def test_what_was_held_is_in_the_shares_of_the_day_it_was_received(
    is_candle: bool, view: View, on: date, close: float
) -> None:
    """Received on Friday at noon UTC, released on Tuesday, after the split."""
    friday, tuesday = datetime(2024, 6, 7, 12, tzinfo=UTC), datetime(2024, 6, 11, 12, tzinfo=UTC)
    held = bars([NVIDIA_CLOSED], [1209.98], [664696], "split", received=tuesday.date())
    held = held.with_columns(instrument_id=pl.lit("NVDA.XNAS"), source_interval=pl.lit("1d"))
    if not is_candle:
        held = held.with_columns(payload_id=pl.lit(5))
    # Another answer, received on Thursday night and released with it, was overruled by Friday's.
    told = released(5, friday, friday - timedelta(hours=9), at=tuesday)

    found = adjusted(with_received_times(held, told), Actions((NVIDIA_SPLIT,)), view, on, ZONE)

    assert found.item(0, "close") == pytest.approx(close)
    assert "received_time" not in found.columns


@pytest.mark.parametrize(("instrument_id", "source_interval"), [("MSFT.XNAS", "1d"), ("NVDA.XNAS", "1m")])
def test_what_was_not_held_is_received_when_it_is_known(instrument_id: str, source_interval: str) -> None:
    """The release of another instrument's days, or of the same one's, of that very instant says nothing of it."""
    tuesday = datetime(2024, 6, 11, 12, tzinfo=UTC)
    said = bars([NVIDIA_CLOSED], [120.998], [6646960], "split", received=tuesday.date())
    said = said.with_columns(instrument_id=pl.lit(instrument_id), source_interval=pl.lit(source_interval))
    told = released(5, datetime(2024, 6, 7, 12, tzinfo=UTC), at=tuesday)

    placed = with_received_times(said, told)

    assert placed["received_time"].to_list() == [tuesday]
    assert with_received_times(said, told.clear()).equals(said)


def test_a_dividend_that_was_held_is_in_the_shares_of_the_day_it_was_received() -> None:
    """Apple's 0.82 of 2020-08-07, received before 4:1 on 2020-08-31 and released after it: no quarter of anything."""
    splits = splits_table(("yahoo", date(2020, 8, 31), 4, 1))
    release = datetime(2020, 9, 10, tzinfo=UTC)
    said = {"source": "yahoo", "adjustment": "split", "ex_date": date(2020, 8, 7)}
    paid = dividends_table(said | {"amount": "0.82", "ingest_time": release, "payload_id": 7})
    told = released(7, datetime(2020, 8, 20, tzinfo=UTC), at=release)

    found = actions_of(splits, with_received_times(paid, told), ZONE, "USD", 1)

    assert found.dividends == ((date(2020, 8, 7), Fraction(82, 100)),)


def test_pounds_are_taken_out_of_pence() -> None:
    """Price units: 0.30 GBP of a price of 300 pence is a tenth."""
    paid = dividends_table({"ex_date": date(2014, 6, 4), "amount": "0.30", "currency": "GBP"})
    actions = actions_of(splits_table(), paid, "Europe/London", "GBP", 100)
    found = adjusted(bars([date(2014, 6, 3)], [300.0], [1]), actions, "all", LATER, "Europe/London")
    assert found.item(0, "close") == 270.0


def test_a_dividend_in_another_currency_is_refused() -> None:
    paid = dividends_table({"ex_date": date(2014, 6, 4), "amount": "0.30", "currency": "USD"})
    with pytest.raises(DataError, match="paid in USD, prices are in GBP"):
        actions_of(splits_table(), paid, "Europe/London", "GBP", 100)


def test_a_cash_dividend_and_a_capital_gain_of_one_day_are_both_paid() -> None:
    day = {"ex_date": date(2014, 6, 4)}
    paid = dividends_table(day | {"amount": "0.30"}, day | {"amount": "0.20", "kind": "capital_gain"})
    assert actions_of(splits_table(), paid, ZONE, "USD", 1).dividends == ((day["ex_date"], Fraction(1, 2)),)
