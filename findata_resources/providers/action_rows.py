"""Rows of reference.splits and reference.dividends, as parsers give them.

What belongs here: the shapes that all sources of corporate actions share. What does not: how one source writes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from findata_core.market.units import whole_currency
from findata_resources.provider import Parsed, table_rows

GREATEST_AMOUNT = 10**20  # beyond it a number has no place in the table, with its twelve decimals


def split_row(
    instrument_id: str | None,
    source: str,
    ex_date: date | None,
    ratio: tuple[int, int] | None,
    said: str | None,
) -> dict[str, Any]:
    """Return a split; without a ratio of whole numbers it has none, and is refused with what was said."""
    numerator, denominator = ratio or (None, None)
    return {
        "instrument_id": instrument_id,
        "source": source,
        "ex_date": ex_date,
        "numerator": numerator,
        "denominator": denominator,
        "ratio_said": said,
    }


def dividend_row(
    instrument_id: str | None,
    source: str,
    ex_date: date | None,
    amount: Decimal | None,
    currency: str | None,
    adjustment: str,
    kind: str | None = "cash",
    uncertainty: Decimal | None = None,
) -> dict[str, Any]:
    """Return a dividend in whole units of its currency; `currency` may be a provider's name of pence or cents."""
    whole, units = whole_currency(currency) if currency is not None else (None, 1)
    is_readable = amount is not None and abs(amount) < GREATEST_AMOUNT
    return {
        "instrument_id": instrument_id,
        "source": source,
        "ex_date": ex_date,
        "kind": kind,
        "adjustment": adjustment,
        "amount": amount / units if amount is not None and is_readable else None,
        "currency": whole,
        "amount_uncertainty": uncertainty,
    }


def action_parts(splits: Sequence[dict[str, Any]], dividends: Sequence[dict[str, Any]]) -> list[Parsed]:
    """Return the tables that a payload says something for."""
    rows = {"reference.splits": list(splits), "reference.dividends": list(dividends)}
    return [Parsed(address, table_rows(address, said)) for address, said in rows.items() if said]
