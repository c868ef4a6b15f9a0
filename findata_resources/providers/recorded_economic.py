"""Recorded files of series, exchange rates and indices: the pure parse by the instructions of the stored request.

What belongs here: from a file's fields to rows of economic.*. Answers of FRED as JSON and the European Central Bank's
files are read by those providers' own parsers. Finding the files is in recorded_files.py, cutting them in
recorded_layout.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from findata_core.economic.vintages import PUBLISHERS_ZONE
from findata_core.errors import MalformedPayload
from findata_resources.provider import Parsed, row_schema
from findata_resources.providers import ecb, fred_answers
from findata_resources.providers.recorded import number
from findata_resources.providers.recorded_layout import field, fields
from findata_resources.providers.recorded_manifest import LayoutPart, TimePart, ValuesPart
from findata_resources.providers.recorded_times import days

_FRED: Mapping[str, Callable[[bytes, Mapping[str, Any]], list[Parsed]]] = {
    "observations": fred_answers.parse_observations,
    "series": fred_answers.parse_series,
    "vintages": fred_answers.parse_vintages,
}
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"


def parse_fred(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    """Return what a saved answer of FRED says, or a file of today's values (fredgraph.csv)."""
    if request["parameters"]["reading"]["layout"]["format"] == "fred_json":
        return _FRED[request["dataset"]](body, request)
    return [Parsed("economic.observations", _todays_values(body, request))]


def parse_fx(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    """Return the rates of a file in the European Central Bank's shape."""
    return ecb.parse(body, request)


def parse_levels(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    """Return the levels of an index; a day without any has no row."""
    reading = request["parameters"]["reading"]
    values = ValuesPart(**reading["values"])
    frame = fields(body, LayoutPart(**reading["layout"]), values.nulls)
    texts = {name: field(frame, source) for name, source in reading["columns"].items()}
    levels = pl.DataFrame({name: number(text, values) for name, text in texts.items()})
    _refuse_no_number(texts["level"], levels.get_column("level"))
    rows = _with_day(frame, request, {"index_id": request["subject"]}).hstack(levels)
    is_said = pl.DataFrame(texts).select(pl.any_horizontal(pl.all().is_not_null())).to_series()
    return [Parsed("economic.index_levels", _shaped(rows.filter(is_said), "economic.index_levels"))]


def parse_members(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    """Return the spells of symbols in an index; both days inclusive, whatever the file counts."""
    reading = request["parameters"]["reading"]
    frame = fields(body, LayoutPart(**reading["layout"]), ValuesPart(**reading["values"]).nulls)
    columns = reading["columns"]
    last = timedelta(days=1 if reading["until"] == "exclusive" else 0)
    begin, end = (field(frame, columns[name]).cast(pl.String) for name in ("from_date", "to_date"))
    rows = pl.DataFrame(
        {
            "symbol": field(frame, columns["symbol"]).cast(pl.String),
            "from_date": _days_of(begin),
            "to_date": _days_of(end) - last,
            # An end that can't be read is not "still a member": without its first day the row is refused.
            "is_unreadable": end.is_not_null() & _days_of(end).is_null(),
        }
    ).with_row_index("row_number")
    readable = rows.with_columns(from_date=pl.when(~pl.col("is_unreadable")).then("from_date"))
    named = readable.with_columns(
        index_id=pl.lit(request["subject"], pl.String), source=pl.lit(request["source"], pl.String)
    )
    return [Parsed("economic.index_members", _shaped(named, "economic.index_members"))]


def _todays_values(body: bytes, request: Mapping[str, Any]) -> pl.DataFrame:
    """Return the values of a file that knows no vintages: they were seen on the day on which the file came."""
    parameters = request["parameters"]
    reading = parameters["reading"]
    values = ValuesPart(**reading["values"])
    frame = fields(body, LayoutPart(**reading["layout"]), values.nulls)
    text = field(frame, reading["columns"]["value"])
    value = number(text, values)
    _refuse_no_number(text, value)
    received = datetime.fromisoformat(parameters["received_time"]).astimezone(ZoneInfo(PUBLISHERS_ZONE))
    rows = _with_day(frame, request, {"series_id": request["subject"]}).with_columns(
        value.alias("value"),
        pl.lit(received.date()).alias("vintage_date"),
        pl.lit("seen").alias("vintage_kind"),
        pl.Series("state", ["missing" if said is None else "value" for said in text], pl.String),
    )
    return _shaped(rows, "economic.observations")


def _with_day(frame: pl.DataFrame, request: Mapping[str, Any], named: Mapping[str, Any]) -> pl.DataFrame:
    parameters = request["parameters"]
    time = TimePart(**parameters["reading"]["time"])
    day = days(frame, time, parameters["file"]).alias("observation_date")
    return (
        pl.DataFrame({"observation_date": day})
        .with_row_index("row_number")
        .with_columns(
            pl.lit(request["source"], pl.String).alias("source"),
            *(pl.lit(value, pl.String).alias(name) for name, value in named.items()),
        )
    )


def _days_of(text: pl.Series) -> pl.Series:
    """Return ISO days; what is none, or more than one, is null."""
    is_day = pl.col("text").str.contains(f"^{_DAY}$")
    day = pl.col("text").str.to_date("%Y-%m-%d", strict=False)
    return pl.DataFrame({"text": text}).select(pl.when(is_day).then(day)).to_series()


def _refuse_no_number(text: pl.Series, values: pl.Series) -> None:
    """Refuse the payload where a column has text and no number at all: then the manifest is wrong."""
    said = text.drop_nulls()
    if len(said) and values.null_count() == len(values):
        raise MalformedPayload(
            f"No field of column {text.name!r} is a number; the first is {said[0]!r}",
            "Correct columns, values.decimal or values.thousands in the manifest, and load it again",
        )


def _shaped(rows: pl.DataFrame, address: str) -> pl.DataFrame:
    schema = {"row_number": pl.Int64(), **row_schema(address)}
    return rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in schema.items()
    )
