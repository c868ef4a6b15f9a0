"""Ratios and amounts out of what sources write: exact, or none."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import gcd

import pytest
from hypothesis import given
from hypothesis import strategies as st

from findata_core.market.ratios import (
    decimal_of,
    ratio_of_text,
    shortest_decimal,
    simple_ratio,
    whole_ratio,
)


@pytest.mark.parametrize(
    ("text", "ratio"),
    [
        ("7:1", (7, 1)),
        ("3/2", (3, 2)),
        ("3-for-2", (3, 2)),
        ("1 for 8", (1, 8)),
        ("10:5", (2, 1)),
        ("0.1", (1, 10)),
        ("7.0", (7, 1)),
        ("1.0027455:1", (2005491, 2000000)),  # Alphabet's class C, 2015-04-27
    ],
)
def test_a_ratio_is_read_as_two_whole_numbers_in_lowest_terms(text: str, ratio: tuple[int, int]) -> None:
    assert ratio_of_text(text) == ratio


@pytest.mark.parametrize(
    "text",
    [
        "",
        None,
        "seven",
        "1:2:3",
        "nan",
        "inf",
        "1:",
        "0.33333333333333",
        "1e400",
        "1e-90000000",
        "0e-90000000",
        ":1",
    ],
)
def test_what_is_no_ratio_of_whole_numbers_is_none(text: str | None) -> None:
    assert ratio_of_text(text) is None


@pytest.mark.parametrize(("text", "ratio"), [("0:1", (0, 1)), ("-2:1", (-2, 1)), ("1:0", (1, 0))])
def test_zero_and_less_are_kept_for_the_bounds_to_refuse(text: str, ratio: tuple[int, int]) -> None:
    assert ratio_of_text(text) == ratio


def test_true_and_nothing_are_no_numbers() -> None:
    assert decimal_of(True) is None
    assert decimal_of(None) is None
    assert decimal_of("1e-90000000") is None
    assert decimal_of("-1e40") == -(Decimal(10) ** 40)
    assert whole_ratio(None, Decimal(1)) is None


@given(st.integers(1, 10), st.integers(1, 10))
def test_a_factor_of_six_digits_gives_its_simple_ratio_back(top: int, bottom: int) -> None:
    common = gcd(top, bottom)
    rounded = float(f"{top / bottom:.6g}")
    assert simple_ratio(rounded) == (top // common, bottom // common)


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), float("inf"), 0.997307, 2797.2 / 80, 3.14159])
def test_a_factor_that_is_no_simple_ratio_is_none(factor: float) -> None:
    assert simple_ratio(factor) is None


@pytest.mark.parametrize(
    ("low", "high", "amount"),
    [
        ("3.28992", "3.29004", "3.29"),
        ("0.99", "1.01", "1"),
        ("0.1234", "0.1236", "0.1235"),
        ("-0.1", "0.1", "0"),
    ],
)
def test_the_shortest_amount_of_an_interval_is_taken(low: str, high: str, amount: str) -> None:
    assert shortest_decimal(Fraction(low), Fraction(high)) == Decimal(amount)


@given(st.integers(1, 10**7), st.integers(0, 5))
def test_an_amount_of_few_decimals_is_found_in_what_its_rounding_left(number: int, places: int) -> None:
    amount = Fraction(number, 10**places)
    slack = Fraction(1, 10 ** (places + 2))
    found = Fraction(shortest_decimal(amount - slack, amount + slack))
    assert abs(found - amount) <= slack
    assert found.denominator <= 10**places
