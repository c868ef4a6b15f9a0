"""Recorded files: bars and rates from a folder that a manifest describes.

What belongs here: reading a file's bytes, and the pure parse of them by the instructions that the stored
request carries. Nothing but body and request is needed to parse again: neither folder nor manifest.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from findata_core.errors import MalformedPayload, RefusedRequest
from findata_core.intervals import width_minutes
from findata_core.market.bars import PRICES, restore_float32
from findata_resources.provider import (
    Capability,
    Clock,
    Parsed,
    Received,
    Request,
    bar_rows,
    repeated,
    row_schema,
    table_rows,
)
from findata_resources.providers import nyfed, nyfed_export
from findata_resources.providers.recorded_datasets import AVERAGE_COLUMNS, RATE_COLUMNS
from findata_resources.providers.recorded_files import PROVIDER
from findata_resources.providers.recorded_layout import field, fields
from findata_resources.providers.recorded_manifest import LayoutPart, TimePart, ValuesPart
from findata_resources.providers.recorded_naming import named_instruments
from findata_resources.providers.recorded_times import days, instants

_TEXT_COLUMNS = ("revision_indicator", "footnote_id")
_FIGURES = {"rates.rates": RATE_COLUMNS, "rates.published_averages": AVERAGE_COLUMNS}


class RecordedProvider:
    """Reads the files of one folder. What it can be asked for is what the manifest names."""

    name = PROVIDER
    capabilities: tuple[Capability, ...] = ()

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def fetch(self, request: Request, clock: Clock) -> Received:
        """Return a file's bytes. The receive time is the one that the manifest states, not the clock's."""
        path = self._directory / str(request.parameters["file"])
        try:
            body = path.read_bytes()
        except OSError as error:
            raise RefusedRequest(f"{path} can't be read: {error.strerror}", "Put the file back") from error
        received_time = datetime.fromisoformat(str(request.parameters["received_time"]))
        return Received(request, body, None, {}, received_time)


def parse_bars(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    """Return the bars of a file, and the instruments that it is about."""
    parameters, reading = request["parameters"], request["parameters"]["reading"]
    values, time = ValuesPart(**reading["values"]), TimePart(**reading["time"])
    frame = fields(body, LayoutPart(**reading["layout"]), values.nulls)
    instruments = named_instruments(frame, parameters["instruments"])
    columns: dict[str, Any] = {
        "instrument_id": instruments.get_column("instrument_id"),
        **_constants(frame.height, reading),
        **_stamps(frame, time, parameters["file"], reading["interval"]),
        **_numbers(frame, reading, values),
    }
    table = "market.bars_1d" if reading["interval"] == "1d" else "market.bars"
    rows = bar_rows(columns)
    if values.float32:
        rows = _single_precision(rows)
    is_fixed = "fixed" in parameters["instruments"]  # then every row says the same
    named = instruments[:1] if is_fixed else instruments.unique(maintain_order=True)
    return [Parsed(table, rows), _instrument_rows(named, reading)]


def instruments_by_request(request: Mapping[str, Any]) -> Parsed | None:
    """Return the instrument of a file that names it by its manifest; None where the file's rows do."""
    naming, reading = request["parameters"]["instruments"], request["parameters"]["reading"]
    if "fixed" not in naming:
        return None
    return _instrument_rows(named_instruments(pl.DataFrame({"": [None]}), naming), reading)


def parse_rates(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    """Return the fixings and the published averages of a file; a day that a file marks empty has no row."""
    parameters, reading = request["parameters"], request["parameters"]["reading"]
    if reading["layout"]["format"] == "nyfed_json":
        return nyfed.parse(body, request)
    if reading["layout"]["format"] == "nyfed_export":
        return nyfed.rows_of(nyfed_export.items(body), reading["source"])
    values = ValuesPart(**reading["values"])
    frame = fields(body, LayoutPart(**reading["layout"]), values.nulls)
    shared = {
        "rate": _rates(frame, reading),
        "source": repeated(reading["source"], frame.height, pl.String()),
        "observation_date": days(frame, TimePart(**reading["time"]), parameters["file"]),
    }
    named = _figure_names(frame, reading["columns"])
    figures = _figures(frame, named, values)
    parsed = (_rate_rows(address, shared, figures, frame, named) for address in _FIGURES)
    return [item for item in parsed if item is not None]


def _constants(height: int, reading: Mapping[str, Any]) -> dict[str, pl.Series]:
    return {
        name: repeated(reading[name], height, pl.String()) for name in ("interval", "source", "adjustment")
    }


def _stamps(frame: pl.DataFrame, time: TimePart, path: str, interval: str) -> dict[str, pl.Series]:
    if interval == "1d":
        return {"session_date": days(frame, time, path)}
    return {"event_time": instants(frame, time, path, timedelta(minutes=width_minutes(interval)))}


def _numbers(frame: pl.DataFrame, reading: Mapping[str, Any], values: ValuesPart) -> dict[str, pl.Series]:
    """Return prices, volume and counts; for each column that the file has by the manifest's word."""
    names = {name: name for name in ("open", "high", "low", "close", "volume")} | reading["columns"]
    if not values.has_volume:
        names.pop("volume")
    columns = {name: number(field(frame, source), values) for name, source in names.items()}
    _refuse_unreadable(frame, names, columns)
    for name in columns.keys() & {*PRICES, "vwap"}:
        columns[name] = scaled(columns[name], values.price_divisor, values.price_multiplier)
    if "volume" in columns:
        columns["volume"] = scaled(columns["volume"], 1, values.volume_multiplier)
    else:
        columns["volume"] = repeated(0.0, frame.height, pl.Float64())
    if "trade_count" in columns:
        columns["trade_count"] = columns["trade_count"].round().cast(pl.Int64, strict=False)
    return columns


def number(column: pl.Series, values: ValuesPart) -> pl.Series:
    """Return a field as numbers; what is no number, and NaN, is null."""
    if column.dtype == pl.String:
        if values.thousands:
            column = column.str.replace_all(values.thousands, "", literal=True)
        if values.decimal != ".":
            column = column.str.replace(values.decimal, ".", literal=True)
    return _nan_as_null(column.cast(pl.Float64, strict=False))


def _nan_as_null(numbers: pl.Series) -> pl.Series:
    """Return numbers with null for NaN; most columns have none, and to look for it takes a tenth of replacing it."""
    nans = np.count_nonzero(np.isnan(numbers.to_numpy()))  # of a null, numpy makes a NaN
    return numbers if nans == numbers.null_count() else numbers.fill_nan(None)


def scaled(column: pl.Series, divisor: float, multiplier: float) -> pl.Series:
    """Return field / divisor * multiplier. numpy divides; polars 2.1 multiplies by the reciprocal, and
    6448000 / 10000 is 644.8000000000001 then."""
    if divisor == multiplier == 1:
        return column
    return _nan_as_null(pl.Series(column.to_numpy() / divisor * multiplier))


def _single_precision(rows: pl.DataFrame) -> pl.DataFrame:
    """Restore prices that were float32 once. A program that reads and writes text may have moved a digit at
    the very end (pandas.read_csv does by default): within 4 units in the last place of a float32, it is that
    float32, which another price is once in a hundred million.
    """
    snapped = [_snapped(rows.get_column(name)) for name in PRICES]
    return restore_float32(rows.with_columns(snapped))


def _snapped(prices: pl.Series) -> pl.Series:
    values = prices.to_numpy()
    with np.errstate(over="ignore", invalid="ignore"):
        near = values.astype(np.float32).astype(np.float64)
        is_near = np.abs(values - near) <= 4 * np.spacing(np.abs(values))
    return pl.Series(prices.name, np.where(is_near, near, values)).fill_nan(None)


def _refuse_unreadable(
    frame: pl.DataFrame, names: Mapping[str, Any], columns: Mapping[str, pl.Series]
) -> None:
    """Refuse the payload where a column has text and no number at all: then the manifest is wrong."""
    for name, source in names.items():
        if columns[name].null_count() < frame.height:
            continue
        seen = field(frame, source).drop_nulls()
        if len(seen):
            raise MalformedPayload(
                f"No field of column {source!r} is a number; the first is {seen[0]!r}",
                "Correct columns, values.decimal or values.thousands in the manifest, and load it again",
            )


def _instrument_rows(instruments: pl.DataFrame, reading: Mapping[str, Any]) -> Parsed:
    """Return the rows of different instruments, without those that could not be named."""
    metadata = {
        "source_system": reading["source"],
        "category": reading["category"],
        "quality_flags": reading["quality_flags"],
        "tags": reading["tags"],
    }
    known = [record for record in instruments.to_dicts() if record["instrument_id"] is not None]
    rows = [{**record, **metadata} for record in known]
    return Parsed("reference.instruments", table_rows("reference.instruments", rows))


def _rates(frame: pl.DataFrame, reading: Mapping[str, Any]) -> pl.Series:
    source = reading["columns"].get("rate", None if reading["rate"] else "rate")
    if source is None:
        return repeated(reading["rate"], frame.height, pl.String())
    return field(frame, source).cast(pl.String)


def _figure_names(frame: pl.DataFrame, mapped: Mapping[str, Any]) -> dict[str, Any]:
    """Return column -> field as mapped; without a map, the fields that have findata's own names."""
    own = {name: name for names in _FIGURES.values() for name in names if name in frame.columns}
    named = {name: source for name, source in (mapped or own).items() if name != "rate"}
    if not named:
        raise MalformedPayload(
            f"No column of the file is mapped; it has {', '.join(map(repr, frame.columns))}",
            "Map them in the set's columns, and load it again",
        )
    return named


def _figures(frame: pl.DataFrame, named: Mapping[str, Any], values: ValuesPart) -> dict[str, pl.Series]:
    texts = {name: field(frame, source) for name, source in named.items()}
    figures = {name: text if name in _TEXT_COLUMNS else number(text, values) for name, text in texts.items()}
    _refuse_unreadable(frame, {n: s for n, s in named.items() if n not in _TEXT_COLUMNS}, figures)
    return figures


def _rate_rows(
    address: str,
    shared: Mapping[str, pl.Series],
    figures: Mapping[str, pl.Series],
    frame: pl.DataFrame,
    named: Mapping[str, Any],
) -> Parsed | None:
    """Return the rows of one table, numbered as in the file, without days on which it says nothing.

    What has no readable day, a line with a comma too many for example, stays and is refused.
    """
    mine = {name: figures[name] for name in _FIGURES[address] if name in figures}
    if not mine:
        return None
    said = pl.DataFrame({name: field(frame, named[name]).is_not_null() for name in mine})
    rows = pl.DataFrame({**shared, **mine}).with_row_index("row_number")
    is_kept = said.select(pl.any_horizontal(pl.all())).to_series() | shared["observation_date"].is_null()
    return Parsed(address, _shaped(rows.filter(is_kept), address))


def _shaped(rows: pl.DataFrame, address: str) -> pl.DataFrame:
    schema = {"row_number": pl.Int64(), **row_schema(address)}
    return rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in schema.items()
    )
