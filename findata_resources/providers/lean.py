"""QuantConnect Lean's factor files and map files: what they say, and what their format keeps to itself.

A factor file has lines of date, price factor, split factor and reference price: the factors hold for prices up to and
including the date, so that the events between two lines have their ex-date on the session after the first of the two.
The ratio of two split factors is a split's, rounded to six or seven digits; that of two price factors is 1 - D / P, P
the reference price, the last close before. So splits come back where they are simple ratios, dividends as far as the
rounding lets them: the shortest amount within it, the rest as its uncertainty. Spin-offs stand in the split factor too,
and are no ratio. A map file has lines of last date and ticker, the first being the first date with the first ticker
(https://github.com/QuantConnect/Lean, Common/Data/Auxiliary).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from findata_core.calendars import sessions_of
from findata_core.errors import MalformedPayload
from findata_core.market.ratios import decimal_of, shortest_decimal, simple_ratio
from findata_resources.provider import Parsed, table_rows
from findata_resources.providers.action_rows import action_parts, dividend_row, split_row

FOREVER = 2050  # Lean's last lines are of 2050-12-31: no end is known
LONGEST_CLOSURE = timedelta(days=30)
PRICE_FACTOR_ERROR = Fraction(1, 2 * 10**7)  # price factors have seven decimals
REFERENCE_ERROR = Fraction(1, 200)  # and reference prices two
EXCHANGES_BY_LETTER = {"A": "XASE", "N": "XNYS", "P": "ARCX", "Q": "XNAS", "Z": "BATS"}
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Factors:
    """A line of a factor file: what holds for prices up to and including `last_date`."""

    last_date: date
    price: Decimal
    split: Decimal
    reference: Decimal


@dataclass(frozen=True)
class Named:
    """A line of a map file: the ticker until `last_date`, and the letter of its exchange; "" where there is none."""

    last_date: date
    name: str
    letter: str


def parse_factors(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    """Return the splits and dividends between the lines of a factor file; MalformedPayload: it is none."""
    fixed, source = request["parameters"]["instruments"]["fixed"], str(request["source"])
    who = (str(fixed["instrument_id"]), source)
    lines = [_factors(cells) for cells in _lines(body)]
    if any(one.last_date >= other.last_date for one, other in pairwise(lines)):
        raise _malformed("its dates do not ascend")
    events = [
        (_session_after(str(fixed["mic"]), one.last_date), one, other) for one, other in pairwise(lines)
    ]
    splits = [_split(who, ex_date, one, other) for ex_date, one, other in events if one.split != other.split]
    dividends = [
        _dividend(who, ex_date, one, other, str(fixed["currency"]))
        for ex_date, one, other in events
        if one.price != other.price
    ]
    return action_parts(splits, dividends)


def parse_map(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    """Return the names of a security, from its first day to its last; MalformedPayload: the file is no map file."""
    parameters = request["parameters"]
    fixed, reading = parameters["instruments"]["fixed"], parameters["reading"]
    lines = [Named(_date(cells[0]), cells[1], (cells[2:3] or [""])[0].upper()) for cells in _lines(body)]
    if len(lines) < 2 or any(one.last_date > other.last_date for one, other in pairwise(lines)):
        raise _malformed("it has one line, or its dates do not ascend")
    first_day, first_name = lines[0].last_date, lines[0].name
    shared = {
        "region": fixed["region"],
        "source": str(request["source"]),
        "symbology": reading["symbology"],
        "is_snapshot": False,
        "source_id": f"{first_name} {first_day:%Y%m%d}",
        "currency": fixed["currency"],
        "listed_date": first_day,
        "delisted_date": _end(lines[-1].last_date),
    }
    rows = [{**shared, **spell} for spell in _spells(lines, str(fixed["mic"]))]
    return [Parsed("reference.listings", table_rows("reference.listings", rows))]


def _spells(lines: Sequence[Named], mic: str) -> Iterator[dict[str, Any]]:
    """Yield each name with its dates; the first line repeats the second's, or has a name of its own for a day."""
    start = lines[0].last_date
    for place, line in enumerate(lines):
        if place == 0 and line.name == lines[1].name:
            continue
        yield {
            "symbol": line.name.upper(),
            "mic": EXCHANGES_BY_LETTER.get(line.letter, f"?{line.letter}") if line.letter else mic,
            "from_date": start,
            "to_date": _end(line.last_date),
        }
        start = line.last_date + DAY


def _end(day: date) -> date | None:
    return None if day.year >= FOREVER else day


def _split(who: tuple[str, str], ex_date: date | None, one: Factors, other: Factors) -> dict[str, Any]:
    """Return the split between two lines: of before and after, 1/7 and 1 are 7:1."""
    said = f"{one.split} -> {other.split}"
    if one.split <= 0 or other.split <= 0:
        return split_row(*who, ex_date, None, said)
    return split_row(*who, ex_date, simple_ratio(float(other.split / one.split)), said)


def _dividend(
    who: tuple[str, str], ex_date: date | None, one: Factors, other: Factors, currency: str
) -> dict[str, Any]:
    """Return the dividend between two lines; without a factor or price to tell it by, it has no amount."""
    if min(one.price, other.price, one.reference) <= 0:
        return dividend_row(*who, ex_date, None, currency, "raw")
    ratio = Fraction(one.price) / Fraction(other.price)
    price = Fraction(one.reference)
    # Both factors are off by half a digit at most, and so is the price.
    slack = PRICE_FACTOR_ERROR * (1 + ratio) / Fraction(other.price) * price + REFERENCE_ERROR * abs(
        1 - ratio
    )
    middle = (1 - ratio) * price
    amount = shortest_decimal(middle - slack, middle + slack)
    uncertainty = Decimal(round(slack * 10**12)).scaleb(-12)
    return dividend_row(*who, ex_date, amount, currency, "raw", uncertainty=uncertainty)


def _session_after(mic: str, day: date) -> date | None:
    """Return the next session by the calendar library: of days long past, which no calendar changes any more."""
    if day.year >= FOREVER:
        return None
    days = sessions_of(mic, day + DAY, day + LONGEST_CLOSURE).get_column("session_date")
    found = days.min()
    return found if isinstance(found, date) else None


def _lines(body: bytes) -> Iterator[list[str]]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _malformed("it is not UTF-8") from error
    for line in text.splitlines():
        if line.strip():
            cells = [cell.strip() for cell in line.split(",")]
            if len(cells) < 2 or not cells[1]:
                raise _malformed(f"a line is {line[:40]!r}")
            yield cells


def _factors(cells: Sequence[str]) -> Factors:
    numbers = [decimal_of(cell) for cell in cells[1:4]]
    if len(numbers) < 3 or any(number is None or abs(number) > 10**12 for number in numbers):
        raise _malformed(f"a line is {','.join(cells)[:40]!r}")
    price, split, reference = (number for number in numbers if number is not None)
    return Factors(_date(cells[0]), price, split, reference)


def _date(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007  (a calendar day has no zone)
    except ValueError as error:
        raise _malformed(f"{text[:40]!r} is no date") from error


def _malformed(what: str) -> MalformedPayload:
    return MalformedPayload(
        f"The file is not one of Lean's: {what}",
        "Look at it, correct layout.format in the manifest, and load it again",
    )
