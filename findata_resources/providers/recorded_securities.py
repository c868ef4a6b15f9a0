"""Recorded lists of securities: anyone's table of names, a stock screener's JSON, and Lean's map files.

What belongs here: from the fields of a file to rows of reference.listings. What does not: which names are one security
(findata_core/securities), map files (lean).

A list that has no column from_date is of one day: the day it was received. A symbol is what it is, NA and NULL too;
texts that mean "no value" are taken so in the other columns.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from findata_core.errors import MalformedPayload
from findata_core.exchanges import EXCHANGES
from findata_resources.provider import Parsed, repeated, row_schema
from findata_resources.providers import lean
from findata_resources.providers.recorded_datasets import LISTING_COLUMNS
from findata_resources.providers.recorded_layout import field, fields
from findata_resources.providers.recorded_manifest import LayoutPart, ValuesPart
from findata_resources.providers.recorded_times import within_years

ADDRESS = "reference.listings"
DATES = ("from_date", "to_date", "listed_date", "delisted_date")
PLACES = {mic: exchange.country for mic, exchange in EXCHANGES.items()}


def parse(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    """Return what a list says of names."""
    reading = request["parameters"]["reading"]
    if reading["layout"]["format"] == "lean_map":
        return lean.parse_map(body, request)
    if reading["layout"]["format"] == "json":
        frame = records(body)
    else:
        frame = fields(body, LayoutPart(**reading["layout"]), [""])
    return [Parsed(ADDRESS, _rows(frame, request))]


def records(body: bytes) -> pl.DataFrame:
    """Return a JSON list of objects as text columns, blanks as null."""
    try:
        content = json.loads(body)
        if not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
            raise ValueError("it is no list of objects")
        names = list(dict.fromkeys(str(name) for item in content for name in item))
        return pl.DataFrame(
            {name: [_text(item.get(name)) for item in content] for name in names},
            schema=dict.fromkeys(names, pl.String()),
        )
    except (ValueError, RecursionError) as error:
        raise MalformedPayload(
            f"The file can't be read as a list: {error}",
            "Look at it, correct layout.format, and load it again",
        ) from error


def _text(value: Any) -> str | None:
    return None if value is None else str(value).strip() or None


def _rows(frame: pl.DataFrame, request: Mapping[str, Any]) -> pl.DataFrame:
    parameters, reading = request["parameters"], request["parameters"]["reading"]
    rows = _dated(_said(frame, reading, parameters["instruments"]), parameters["received_time"])
    region = pl.col("mic").replace_strict(PLACES, default=None, return_dtype=pl.String)
    return _shaped(
        rows.with_columns(
            region.fill_null(pl.lit(reading["region"] or None)).alias("region"),
            pl.lit(str(request["source"])).alias("source"),
            pl.lit(reading["symbology"]).alias("symbology"),
        )
    )


def _said(frame: pl.DataFrame, reading: Mapping[str, Any], naming: Mapping[str, Any]) -> pl.DataFrame:
    """Return the columns that the file has, as text, with what the manifest says where a cell is empty."""
    own = {name: name for name in LISTING_COLUMNS if name in frame.columns}
    nulls = ValuesPart(**reading["values"]).nulls
    said = {
        name: _filled(field(frame, source), nulls) for name, source in (reading["columns"] or own).items()
    }
    named = _names(frame, naming)
    rows = pl.DataFrame({**said, "symbol": named.get_column("symbol")}).with_row_index("row_number")
    rows = rows.with_columns(
        _or_else(rows, "mic", named.get_column("mic")),
        _or_else(rows, "currency", named.get_column("currency")),
        _or_else(rows, "source_id", repeated("", frame.height, pl.String())),
    )
    return rows.with_columns(pl.col("cik").str.strip_chars_start("0")) if "cik" in said else rows


def _dated(rows: pl.DataFrame, received_time: str) -> pl.DataFrame:
    """Return the rows with their dates; a list without any is of the day it was received."""
    is_snapshot = "from_date" not in rows.columns
    dates = (
        within_years(rows.get_column(name).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False))
        for name in DATES
        if name in rows.columns
    )
    dated = rows.with_columns(*dates, is_snapshot=pl.lit(is_snapshot))
    day = pl.lit(datetime.fromisoformat(received_time).date())
    return dated.with_columns(from_date=day, to_date=day) if is_snapshot else dated


def _filled(column: pl.Series, nulls: list[str]) -> pl.Series:
    text = column.cast(pl.String)
    return text.set(text.is_in(nulls).fill_null(value=False), None)


def _or_else(rows: pl.DataFrame, name: str, usual: pl.Series) -> pl.Series:
    """Return a column of the file, what is usual where it is empty or not there."""
    column = rows.get_column(name) if name in rows.columns else repeated(None, rows.height, pl.String())
    return column.fill_null(usual).alias(name)


def _names(frame: pl.DataFrame, naming: Mapping[str, Any]) -> pl.DataFrame:
    """Return symbol, exchange and currency of each row, as far as the manifest says them."""
    if "fixed" in naming:
        fixed = naming["fixed"]
        return pl.DataFrame(
            {name: repeated(fixed[name], frame.height, pl.String()) for name in ("symbol", "mic", "currency")}
        )
    known = [_name(name, naming) for name in field(frame, naming["column"]).cast(pl.String).to_list()]
    return pl.DataFrame(known, schema=dict.fromkeys(("symbol", "mic", "currency"), pl.String()), orient="row")


def _name(name: str | None, naming: Mapping[str, Any]) -> tuple[str | None, str, str | None]:
    place = naming["symbols"].get(name) or naming["other"] or {}
    symbol = place.get("symbol") or (name.upper() if name and naming["upper_case"] else name)
    return symbol, place.get("mic") or "", place.get("currency")


def _shaped(rows: pl.DataFrame) -> pl.DataFrame:
    schema = {"row_number": pl.Int64(), **row_schema(ADDRESS)}
    return rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in schema.items()
    )
