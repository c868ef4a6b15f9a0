"""FRED and ALFRED: what can be asked, and what the JSON answers say, purely.

Documentation: https://fred.stlouisfed.org/docs/api/fred/. Bounds of a value are what one answer says, cut to its
window: true ones are made from all vintages together (findata_core/economic/vintages.py). What does not belong here:
the GET and its key (fred.py).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from findata_core.economic.vintages import EARLIEST, LATEST, Window
from findata_core.errors import MalformedPayload
from findata_resources.provider import Capability, Parsed, Request, row_schema, table_rows
from findata_resources.providers.json_values import day, text

PROVIDER = "fred"
MISSING = "."  # FRED's mark of an observation without a value
DAY = timedelta(days=1)
INSTANT = pl.Datetime("us", "UTC")
MOST_OBSERVATIONS, MOST_DATES = 100_000, 10_000  # rows of one answer, in FRED's documentation

# dataset -> where it is asked below the base URL, and the list that its answer holds. Sorted.
PATHS: Mapping[str, tuple[str, str]] = {
    "observations": ("series/observations", "observations"),
    "series": ("series", "seriess"),
    "vintages": ("series/vintagedates", "vintage_dates"),
}
CAPABILITIES = tuple(
    Capability(
        dataset=dataset,
        interval="",
        widest_window=None,
        wall=None,
        label="start",
        adjustment="",
        is_float32=False,
        settles_after=DAY,
    )
    for dataset in PATHS
)


def series_request(series_id: str) -> Request:
    """Return the request for what a series is."""
    return Request(PROVIDER, PROVIDER, "series", series_id)


def vintages_request(series_id: str, offset: int = 0) -> Request:
    """Return the request for the days of a series' vintages, from a position on."""
    return Request(PROVIDER, PROVIDER, "vintages", series_id, {"offset": offset})


def observations_request(series_id: str, window: Window, updated_time: datetime | None) -> Request:
    """Return the request for all values in a window of vintages.

    `updated_time`: when FRED says that it changed the series last; values of that very day were published by then.
    """
    parameters = {
        "realtime_start": window.start.isoformat(),
        "realtime_end": window.end.isoformat(),
        "continues": window.continues,
        "updated_time": updated_time.isoformat() if updated_time else None,
    }
    return Request(PROVIDER, PROVIDER, "observations", series_id, parameters)


def query_of(request: Request) -> dict[str, str]:
    """Return the parameters of the GET, without the key."""
    asked = {"series_id": request.subject, "file_type": "json"}
    if request.dataset == "vintages":
        return {**asked, "limit": str(MOST_DATES), "offset": str(request.parameters["offset"])}
    if request.dataset == "observations":
        bounds = {name: str(request.parameters[name]) for name in ("realtime_start", "realtime_end")}
        return {**asked, **bounds, "limit": str(MOST_OBSERVATIONS)}
    return asked


def parse_series(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    """Return rows of economic.series."""
    rows = [_series(item, request["source"]) for item in items(body, "series")]
    return [Parsed("economic.series", table_rows("economic.series", rows))]


def parse_vintages(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    """Return rows of economic.vintages."""
    rows = [
        {"series_id": request["subject"], "source": request["source"], "vintage_date": day(item)}
        for item in items(body, "vintages")
    ]
    return [Parsed("economic.vintages", table_rows("economic.vintages", rows))]


def parse_observations(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    """Return rows of economic.observations: values, missing ones, and withdrawals that follow from the bounds."""
    content = _content(body)
    found = items(body, "observations")
    _refuse_other_figures(content)
    start, end = day(content.get("realtime_start")), day(content.get("realtime_end"))
    if start is None or end is None:
        raise MalformedPayload(
            "The answer does not say its realtime window", "See the payload; ask FRED for it again"
        )
    parameters = request["parameters"]
    said = _said(found)
    withdrawn = _withdrawn(said, end) if content.get("output_type", 1) == 1 else said.clear()
    kinds = _kinds(said, start, is_continued=bool(parameters.get("continues")))
    rows = pl.concat([kinds, withdrawn.with_columns(vintage_kind=pl.lit("released"))], how="diagonal")
    released = datetime_of(parameters.get("updated_time"))
    return [Parsed("economic.observations", _shaped(rows, request, released))]


def vintage_dates(body: bytes) -> tuple[list[date], bool]:
    """Return the days of an answer about vintages, and whether there are more behind them."""
    content, found = _content(body), items(body, "vintages")
    days = [found_day for item in found if (found_day := day(item)) is not None]
    return days, is_cut(content, found)


def is_cut(content: Mapping[str, Any], found: list[Any]) -> bool:
    """Tell whether an answer holds fewer rows than there are: FRED gives the first ones and says nothing."""
    count, offset = content.get("count"), content.get("offset", 0)
    return isinstance(count, int) and isinstance(offset, int) and count > offset + len(found)


def items(body: bytes, dataset: str) -> list[Any]:
    """Return the list that an answer about a dataset holds; MalformedPayload where it has none."""
    name = PATHS[dataset][1]
    found = _content(body).get(name)
    if not isinstance(found, list):
        raise MalformedPayload(
            f"The answer has no list '{name}'",
            "See the payload; if FRED's API has changed, mend fred_answers",
        )
    return found


def datetime_of(text: Any) -> datetime | None:
    """Return an instant that FRED writes with its offset ("2024-10-30 07:54:01-05"); None where it is none."""
    try:
        instant = datetime.fromisoformat(text)
        instant.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
    return instant if instant.tzinfo else None


def updated_time(body: bytes) -> datetime | None:
    """Return when FRED changed a series last, with FRED's own offset, from an answer about what the series is."""
    found = [item.get("last_updated") for item in items(body, "series") if isinstance(item, dict)]
    return datetime_of(found[0]) if found else None


def _content(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedPayload(
            f"The answer is not JSON ({body[:60]!r}): {error}",
            "See the payload; FRED answers HTML while it is being maintained: ask again later",
        ) from error
    if not isinstance(content, dict):
        raise MalformedPayload("The answer is no JSON object", "See the payload")
    return content


def _refuse_other_figures(content: Mapping[str, Any]) -> None:
    """Refuse figures that are not the series' own: changes in percent, or several vintages side by side."""
    units, kind = content.get("units", "lin"), content.get("output_type", 1)
    if units != "lin" or kind not in (1, 4):
        raise MalformedPayload(
            f"The answer holds transformed figures (units {units!r}, output_type {kind!r})",
            "Ask for units=lin and output_type 1 or 4: levels, each with its realtime bounds",
        )


def _said(found: list[Any]) -> pl.DataFrame:
    """Return the items as columns: row_number, observation_date, start, end, state, value."""
    known = [item if isinstance(item, dict) else {} for item in found]
    states = [_state(item.get("value")) for item in known]
    return pl.DataFrame(
        {
            "row_number": range(len(known)),
            "observation_date": [day(item.get("date")) for item in known],
            "start": [day(item.get("realtime_start")) for item in known],
            "end": [day(item.get("realtime_end")) for item in known],
            "state": [state for state, _ in states],
            "value": [value for _, value in states],
        },
        schema={
            "row_number": pl.Int64,
            "observation_date": pl.Date,
            "start": pl.Date,
            "end": pl.Date,
            "state": pl.String,
            "value": pl.Float64,
        },
    )


def _state(text: Any) -> tuple[str, float | None]:
    """Return state and value. What is neither a number nor FRED's mark is a value that is null: it is refused later."""
    if isinstance(text, str) and text.strip() == MISSING:
        return "missing", None
    try:
        value = None if isinstance(text, bool) else float(text)
    except (TypeError, ValueError, OverflowError):
        value = None
    return "value", value if value is not None and math.isfinite(value) else None


def _withdrawn(said: pl.DataFrame, window_end: date) -> pl.DataFrame:
    """Return a row for each value that ended inside the window without another one on the next day."""
    in_order = said.sort("observation_date", "start", "row_number")
    following = pl.col("start").shift(-1).over("observation_date")
    next_day = pl.when(pl.col("end") < LATEST).then(pl.col("end")) + DAY
    has_ended = (pl.col("end") < window_end) & (following.is_null() | (following > next_day))
    return in_order.filter(has_ended).with_columns(
        start=next_day, state=pl.lit("withdrawn"), value=pl.lit(None, pl.Float64)
    )


def _kinds(said: pl.DataFrame, window_start: date, *, is_continued: bool) -> pl.DataFrame:
    """Tell what was released from what was seen at the start of the window, where bounds are cut.

    Of a window that continues another one the latter is left out: it is known, with its own bounds.
    """
    is_cut_off = (pl.col("start") == window_start) & pl.lit(window_start > EARLIEST)
    kind = pl.when(is_cut_off.fill_null(value=False)).then(pl.lit("seen")).otherwise(pl.lit("released"))
    rows = said.with_columns(kind.alias("vintage_kind"))
    return rows.filter(pl.col("vintage_kind") == "released") if is_continued else rows


def _shaped(rows: pl.DataFrame, request: Mapping[str, Any], released: datetime | None) -> pl.DataFrame:
    """Return rows in the table's shape; those of the day of the last update have been published by then."""
    schema = row_schema("economic.observations")
    day = pl.lit(released.date() if released else None, pl.Date)
    release = pl.when(pl.col("start") == day).then(
        pl.lit(released.astimezone(UTC) if released else None, INSTANT)
    )
    return rows.select(
        "row_number",
        pl.lit(request["subject"], pl.String).alias("series_id"),
        pl.lit(request["source"], pl.String).alias("source"),
        "observation_date",
        pl.col("start").alias("vintage_date"),
        "vintage_kind",
        "state",
        "value",
        release.cast(schema["release_time"]).alias("release_time"),
    )


def _series(item: Any, source: str) -> dict[str, Any]:
    known = item if isinstance(item, dict) else {}
    updated = datetime_of(known.get("last_updated"))
    return {
        "series_id": text(known.get("id")),
        "source": source,
        "name": text(known.get("title")),
        "unit": text(known.get("units")),
        "frequency": text(known.get("frequency_short")),
        "seasonal_adjustment": text(known.get("seasonal_adjustment_short")),
        "observation_start_date": day(known.get("observation_start")),
        "observation_end_date": day(known.get("observation_end")),
        "updated_time": updated.astimezone(UTC) if updated else None,
    }
