"""Recorded splits and dividends: anyone's table of them, and Lean's factor files.

What belongs here: from the fields of a file to rows. What does not: cutting bytes into fields (recorded_layout),
factor files (lean), what is done with a split (findata_core/market/adjusting).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from findata_core.market.ratios import decimal_of, ratio_of_text, whole_ratio
from findata_resources.provider import Parsed
from findata_resources.providers import lean
from findata_resources.providers.action_rows import action_parts, dividend_row, split_row
from findata_resources.providers.recorded_datasets import ACTION_COLUMNS
from findata_resources.providers.recorded_layout import field, fields
from findata_resources.providers.recorded_manifest import LayoutPart, TimePart, ValuesPart
from findata_resources.providers.recorded_naming import named_instruments
from findata_resources.providers.recorded_times import days


def parse(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    """Return the splits and dividends of a file. A row may say a split, a dividend, or with neither nothing."""
    parameters, reading = request["parameters"], request["parameters"]["reading"]
    if reading["layout"]["format"] == "lean_factors":
        return lean.parse_factors(body, request)
    frame = fields(body, LayoutPart(**reading["layout"]), ValuesPart(**reading["values"]).nulls)
    instruments = named_instruments(frame, parameters["instruments"])
    own = {name: name for name in ACTION_COLUMNS if name in frame.columns}
    said = {
        name: field(frame, source).cast(pl.String) for name, source in (reading["columns"] or own).items()
    }
    rows = pl.DataFrame(
        {
            "instrument_id": instruments.get_column("instrument_id"),
            "usual_currency": instruments.get_column("currency"),
            "ex_date": days(frame, TimePart(**reading["time"]), parameters["file"]),
            **said,
        }
    ).to_dicts()
    source = str(reading["source"])
    return action_parts(
        [_split(row, source) for row in rows if _says_split(row)],
        [_dividend(row, source, reading["adjustment"]) for row in rows if row.get("amount") is not None],
    )


def _says_split(row: Mapping[str, Any]) -> bool:
    return any(row.get(name) is not None for name in ("ratio", "numerator", "denominator"))


def _split(row: Mapping[str, Any], source: str) -> dict[str, Any]:
    if row.get("ratio") is not None:
        ratio, said = ratio_of_text(row["ratio"]), str(row["ratio"])
    else:
        top, bottom = row.get("numerator"), row.get("denominator")
        ratio = whole_ratio(decimal_of(top), Decimal(1) if bottom is None else decimal_of(bottom))
        said = f"{top}:{'' if bottom is None else bottom}".rstrip(":")
    return split_row(row["instrument_id"], source, row["ex_date"], ratio, said)


def _dividend(row: Mapping[str, Any], source: str, adjustment: str) -> dict[str, Any]:
    currency = row.get("currency") or row["usual_currency"]
    kind = row.get("kind") or "cash"
    amount = decimal_of(row["amount"])
    return dividend_row(row["instrument_id"], source, row["ex_date"], amount, currency, adjustment, kind)
