"""The events of Yahoo's chart answer: splits, dividends and funds' capital gains of the window.

What belongs here: the shape of `events`. What does not: bars (yahoo_chart), which days a split touches (adjusting).

Yahoo rescales past dividends at each split, as it does prices: amounts are "split". They come in the unit of the chart
(`meta.currency`, which may be GBp), unless the event names its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import polars as pl

from findata_core.errors import MalformedPayload
from findata_core.market.ratios import decimal_of, whole_ratio
from findata_resources.provider import Parsed
from findata_resources.providers.action_rows import action_parts, dividend_row, split_row

KINDS = {"dividends": "cash", "capitalGains": "capital_gain"}
LAST_SECOND = 62_000_000_000  # the year 3934: what has no place in a calendar is no stamp
Days = Callable[[pl.Series], pl.Series]


def events(result: Mapping[str, Any], request: Mapping[str, Any], days_of: Days) -> list[Parsed]:
    """Return the tables that the answer's events say something for. `days_of`: stamps -> the exchange's days."""
    said = result.get("events")
    if not isinstance(said, dict):
        return []
    meta = result.get("meta")
    currency = meta.get("currency") if isinstance(meta, dict) else None
    who = (str(request["subject"]), str(request["source"]))
    splits = [_split(who, event, days_of) for event in _of_kind(said, "splits")]
    dividends = [
        _dividend(who, event, days_of, kind, currency)
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
    said = str(event.get("splitRatio") or f"{event.get('numerator')}:{event.get('denominator')}")
    return split_row(*who, _day(event, days_of), ratio, said)


def _dividend(
    who: tuple[str, str], event: Mapping[str, Any], days_of: Days, kind: str, currency: object
) -> dict[str, Any]:
    unit = event.get("currency") or currency
    amount = decimal_of(event.get("amount"))
    return dividend_row(
        *who, _day(event, days_of), amount, unit if isinstance(unit, str) else None, "split", kind
    )


def _day(event: Mapping[str, Any], days_of: Days) -> Any:
    stamp = event.get("date")
    if not isinstance(stamp, int | float) or isinstance(stamp, bool) or not abs(stamp) < LAST_SECOND:
        return None
    micros = pl.Series([int(stamp) * 1_000_000], dtype=pl.Int64)
    try:
        return days_of(micros.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")).item()
    except MalformedPayload:  # an answer without a zone: its bars may still be good
        return None
