"""The events of Yahoo's chart answer: splits, dividends and funds' capital gains of the window.

What belongs here: the shape of `events`. What does not: bars (yahoo_chart), which days a split touches (adjusting).

Yahoo rescales past dividends at each split, as it does prices: amounts are "split". Where a chart is in pence (GBp) its
dividends come in pence or in pounds (yfinance 1.7.0 guesses, scrapers/history.py, _standardise_currency): the answer's
own adjusted closes say by how much it has taken them out. Where there are none, the unit is not known and the amount
is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import pairwise
from math import inf, log10
from typing import Any

import polars as pl

from findata_core.errors import MalformedPayload
from findata_core.market.ratios import decimal_of, whole_ratio
from findata_core.market.units import MINOR_UNITS
from findata_resources.provider import Parsed
from findata_resources.providers.action_rows import action_parts, dividend_row, split_row
from findata_resources.providers.json_values import text

KINDS = {"dividends": "cash", "capitalGains": "capital_gain"}
UNKNOWN_UNIT = "pence or pounds"
LAST_SECOND = 62_000_000_000  # the year 3934: what has no place in a calendar is no stamp
Days = Callable[[pl.Series], pl.Series]


def events(result: Mapping[str, Any], request: Mapping[str, Any], days_of: Days) -> list[Parsed]:
    """Return the tables that the answer's events say something for. `days_of`: stamps -> the exchange's days."""
    said = result.get("events")
    if not isinstance(said, dict):
        return []
    meta = result.get("meta")
    currency = _text(meta.get("currency")) if isinstance(meta, dict) else None
    who = (str(request["subject"]), str(request["source"]))
    splits = [_split(who, event, days_of) for event in _of_kind(said, "splits")]
    taken_out = _taken_out(result, days_of) if currency in MINOR_UNITS else {}
    dividends = [
        _dividend(who, event, days_of, kind, currency, taken_out)
        for name, kind in KINDS.items()
        for event in _of_kind(said, name)
    ]
    return action_parts(splits, dividends)


def _of_kind(said: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """Yield the events of a kind; they are values of an object, by stamps that are not always theirs."""
    group = said.get(name)
    values = group.values() if isinstance(group, dict) else group if isinstance(group, list) else []
    return (event for event in values if isinstance(event, dict))


def _split(who: tuple[str, str], event: Mapping[str, Any], days_of: Days) -> dict[str, Any]:
    ratio = whole_ratio(decimal_of(event.get("numerator")), decimal_of(event.get("denominator")))
    said = event.get("splitRatio") or f"{event.get('numerator')}:{event.get('denominator')}"
    return split_row(*who, _day(event, days_of), ratio, text(said))


def _dividend(
    who: tuple[str, str],
    event: Mapping[str, Any],
    days_of: Days,
    kind: str,
    currency: str | None,
    taken_out: Mapping[date, float],
) -> dict[str, Any]:
    amount, day = decimal_of(event.get("amount")), _day(event, days_of)
    own = _text(event.get("currency"))
    unit = own or currency
    if unit is not None and unit in MINOR_UNITS and not own:
        unit = _unit(unit, amount, taken_out.get(day) if day else None)
    return dividend_row(*who, day, amount, unit, "split", kind)


def _text(value: object) -> str | None:
    return text(value) if isinstance(value, str) and value else None


def _unit(minor: str, amount: Decimal | None, taken_out: float | None) -> str:
    """Return the unit of an amount: the chart's, or the whole currency; where nothing tells, a name that is refused."""
    said = float(amount or 0)
    times = taken_out / said if taken_out and said else 0.0
    if not 0 < times < inf:
        return UNKNOWN_UNIT
    whole, units = MINOR_UNITS[minor]
    is_minor, is_whole = abs(log10(times)) < 1, abs(log10(times) - log10(units)) < 1
    return minor if is_minor else whole if is_whole else UNKNOWN_UNIT


def _taken_out(result: Mapping[str, Any], days_of: Days) -> dict[date, float]:
    """Return by how much, in the chart's unit, each day's adjusted close steps beside its close; or nothing."""
    try:
        indicators = result["indicators"]
        closes = [float(value or 0) for value in indicators["quote"][0]["close"]]
        adjusted = [float(value or 0) for value in indicators["adjclose"][0]["adjclose"]]
        stamps = pl.Series([int(value) * 1_000_000 for value in result["timestamp"]], dtype=pl.Int64)
        days = days_of(stamps.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")).to_list()
        steps = zip(days[1:], pairwise(zip(closes, adjusted, strict=True)), strict=True)
        return {
            day: close * (1 - (adj / close) / (next_adj / next_close))
            for day, ((close, adj), (next_close, next_adj)) in steps
            if min(close, adj, next_close, next_adj) > 0
        }
    except (KeyError, IndexError, TypeError, ValueError, ArithmeticError, MalformedPayload):
        return {}


def _day(event: Mapping[str, Any], days_of: Days) -> Any:
    stamp = event.get("date")
    if not isinstance(stamp, int | float) or isinstance(stamp, bool) or not abs(stamp) < LAST_SECOND:
        return None
    micros = pl.Series([int(stamp) * 1_000_000], dtype=pl.Int64)
    try:
        return days_of(micros.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")).item()
    except MalformedPayload:  # an answer without a zone: its bars may still be good
        return None
