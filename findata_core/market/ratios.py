"""Ratios of splits as two whole numbers, and amounts hidden in rounded factors.

What belongs here: from what a source writes (two numbers, a text, a rounded factor) to exact numbers, or to None where
there is no exact one. What does not: what a ratio does to prices (adjusting), which sources say so.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import gcd, isfinite

MOST_DECIMALS = 9  # 10027455:10000000 is written as 1.0027455; more is a quotient that was cut off
MOST_DIGITS = 40  # before the point, or zeros after it: a typing error, or an attack
GREATEST = 10**12  # no company has more shares for one
# A rounded factor is taken for n:m where it is within 1e-4 / (n * m) of it: the simpler a ratio, the more is forgiven.
# Up to n * m = 100 it is 1e-5 at least, which two numbers of six digits are off together. Over all ratios that is less
# than one percent of all factors: hardly one is met by chance.
ROUNDED, SIX_DIGITS = 1e-4, 1e-5
MOST_PARTS = 100

_BETWEEN = re.compile(r"\s*(?:[:/]|-?\s*for\s*-?)\s*", re.IGNORECASE)


def whole_ratio(numerator: Decimal | None, denominator: Decimal | None) -> tuple[int, int] | None:
    """Return both as whole numbers in lowest terms; None where they are none.

    What is zero or less is returned as it is, whole: the table's bounds refuse it and say so.
    """
    top, bottom = _scaled(numerator), _scaled(denominator)
    if top is None or bottom is None:
        return None
    common = gcd(top, bottom) or 1
    return top // common, bottom // common


def ratio_of_text(text: str | None) -> tuple[int, int] | None:
    """Return the ratio that a text says: "7:1", "3/2", "3-for-2", or "0.1" for 1:10."""
    parts = _BETWEEN.split((text or "").strip())
    if len(parts) > 2:
        return None
    return whole_ratio(decimal_of(parts[0]), decimal_of(parts[1]) if len(parts) == 2 else Decimal(1))


def decimal_of(value: object) -> Decimal | None:
    """Return a finite number exactly as it is written, of a text or of a float's shortest text; None if it is none.

    One beyond 10 ** 40 either way is none: it would be written out digit by digit as soon as it is compared.
    """
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= MOST_DIGITS else None


def simple_ratio(factor: float) -> tuple[int, int] | None:
    """Return the simplest ratio that a rounded factor stands for; None where it stands for none."""
    if not isfinite(factor) or factor <= 0:
        return None
    found = (
        (top * bottom, top, bottom)
        for bottom in range(1, MOST_PARTS + 1)
        if (top := round(factor * bottom)) >= 1 and gcd(top, bottom) == 1
        if abs(top / bottom / factor - 1) <= _tolerance(top * bottom)
    )
    best = min(found, default=None)
    return (best[1], best[2]) if best else None


def _tolerance(parts: int) -> float:
    return max(ROUNDED / parts, SIX_DIGITS) if parts <= MOST_PARTS else ROUNDED / parts


def shortest_decimal(low: Fraction, high: Fraction) -> Decimal:
    """Return the number with the fewest decimals in [low, high], of those the nearest to the middle."""
    middle = (low + high) / 2
    for places in range(13):
        unit = 10**places
        number = Fraction(round(middle * unit), unit)
        if low <= number <= high:
            break
    return Decimal(number.numerator) / Decimal(number.denominator)


def _scaled(number: Decimal | None) -> int | None:
    """Return the number times 10 ** MOST_DECIMALS, if that is whole and not out of all proportion."""
    if number is None or abs(number) > GREATEST:
        return None
    scaled = Fraction(number) * 10**MOST_DECIMALS
    return scaled.numerator if scaled.denominator == 1 else None
