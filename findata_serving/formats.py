"""Rows as bytes: JSON by protobuf's own mapping, JSON by columns, CSV, Arrow.

What belongs here: writing, and which form a caller wants. What does not: which rows, when an answer may be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import Any, Literal

import numpy as np
import orjson
import polars as pl

from findata_core.schema.tables import Column, ColumnKind
from findata_serving.arrow import stream_of, two_streams_of
from findata_serving.problems import Problem, bad_parameter, shown
from findata_serving.reading import Rows, Values

Format = Literal["rows", "columns", "csv", "arrow", "two-streams"]
MEDIA_TYPES: Mapping[str, str] = {
    "rows": "application/json",
    "columns": "application/vnd.findata.columns+json",
    "csv": "text/csv",
    "arrow": "application/vnd.apache.arrow.stream",
    "two-streams": "application/vnd.findata.two-streams",
}
_BY_MEDIA_TYPE = {media: name for name, media in MEDIA_TYPES.items()} | {
    "*/*": "rows",
    "application/*": "rows",
    "text/*": "csv",
}


@dataclass(frozen=True)
class Page:
    """What an answer holds besides its rows. `facts`: further members of the JSON forms, scalars."""

    next_cursor: str | None = None
    as_of: str | None = None
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def wanted(named: str | None, accept: str | None) -> str:
    """Return the form that a request names, else the first one of its Accept header that there is."""
    if named is not None:
        if named not in MEDIA_TYPES:
            raise bad_parameter(
                "format", f"There is no format {shown(named)}", f"Use one of {', '.join(MEDIA_TYPES)}"
            )
        return named
    return _accepted(accept) if accept else "rows"


@cache
def _weighed(accept: str) -> tuple[str, ...]:
    weights: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept[:1000].split(",")):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((item[2:] for item in parameters if item.startswith("q=")), "1")
        try:
            weights.append((-float(weight), place, media))
        except ValueError:
            continue
    return tuple(media for weight, _, media in sorted(weights) if weight < 0)


def _accepted(accept: str) -> str:
    for media in _weighed(accept):
        if media in _BY_MEDIA_TYPE:
            return _BY_MEDIA_TYPE[media]
    raise Problem(
        406,
        "no-such-format",
        "None of the forms of the Accept header is written here",
        f"Accept one of {', '.join(MEDIA_TYPES.values())}",
    )


def written(form: str, rows: Rows, page: Page) -> bytes:
    """Return the rows in a form."""
    return _WRITERS[form](rows, page)


def _as_columns(rows: Rows, page: Page) -> bytes:
    columns = {
        column.name: _column_values(column, rows.values[column.name]) for column in rows.record.columns
    }
    body = {
        "columns": columns,
        "next_cursor": page.next_cursor,
        "as_of": page.as_of,
        "notes": page.notes,
        **page.facts,
    }
    return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)


def is_identifier(column: Column) -> bool:
    """Tell whether a number only names something: it is written as text, too wide for numbers of JavaScript."""
    return column.kind is ColumnKind.INT64 and column.name.endswith("payload_id")


def _column_values(column: Column, values: Values) -> Values:
    if column.kind is ColumnKind.DATE:
        days = values.tolist() if isinstance(values, np.ndarray) else values
        return [None if day is None else date_text(day) for day in days]
    if is_identifier(column):
        listed = values.tolist() if isinstance(values, np.ndarray) else values
        return [None if value is None else str(value) for value in listed]
    return np.ascontiguousarray(values) if isinstance(values, np.ndarray) else values


def _as_rows(rows: Rows, page: Page) -> bytes:
    """Write rows by protobuf's JSON mapping; fields without a value are left out, as it does.

    https://protobuf.dev/programming-guides/json/
    """
    records = by_mapping(rows)
    facts = {camel(name): value for name, value in page.facts.items()}
    body = {
        "rows": records,
        "nextCursor": page.next_cursor,
        "asOf": page.as_of,
        "notes": page.notes,
        **facts,
    }
    return orjson.dumps(body)


def by_mapping(rows: Rows) -> list[dict[str, Any]]:
    """Return rows as protobuf's JSON mapping has them."""
    mapped = (
        (camel(column.name), _mapped(column, rows.values[column.name])) for column in rows.record.columns
    )
    named = [(name, values) for name, values in mapped if not _is_empty(values)]
    keys = [name for name, _ in named]
    has_nulls = any(None in values for _, values in named)
    records: list[dict[str, Any]] = [
        dict(zip(keys, values, strict=True)) for values in zip(*(some for _, some in named), strict=True)
    ]
    if has_nulls:
        records = [{key: value for key, value in one.items() if value is not None} for one in records]
    return records


def _is_empty(values: list[Any]) -> bool:
    """Tell whether a column holds nothing but nulls."""
    return bool(values) and values[0] is None and values.count(None) == len(values)


def _mapped(column: Column, values: Values) -> list[Any]:
    if column.kind is ColumnKind.TIMESTAMP and isinstance(values, np.ndarray):
        return instant_texts(values)
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    write = _MAPPED.get(column.kind)
    if column.is_nullable and column.kind is ColumnKind.FLOAT64:
        return [None if value != value else value for value in listed]  # noqa: PLR0124 - what is absent is no number
    return listed if write is None else [None if value is None else write(value) for value in listed]


def _as_csv(rows: Rows, page: Page) -> bytes:
    del page
    frame = rows.frame()
    lists = [column.name for column in rows.record.columns if column.kind is ColumnKind.TEXT_LIST]
    frame = frame.with_columns(pl.col(name).list.join(" ") for name in lists)
    times = [column.name for column in rows.record.columns if column.kind is ColumnKind.TIMESTAMP]
    frame = frame.with_columns(pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ") for name in times)
    return frame.write_csv().encode()


def _as_arrow(rows: Rows, page: Page) -> bytes:
    del page
    return stream_of(rows)


def _as_two_streams(rows: Rows, page: Page) -> bytes:
    del page
    return two_streams_of(rows)


@cache
def camel(name: str) -> str:
    """Return a field's name in JSON as protobuf makes it."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def instant_texts(microseconds: np.ndarray[Any, np.dtype[np.int64]]) -> list[str]:
    """Return instants by RFC 3339, as instant_text does one by one."""
    if (microseconds % 1_000_000).any():
        return [instant_text(value) for value in microseconds.tolist()]
    texts: list[str] = np.datetime_as_string(microseconds.view("M8[us]"), unit="s", timezone="UTC").tolist()
    return texts


@lru_cache(10_000)
def instant_text(microseconds: int) -> str:
    """Return an instant by RFC 3339, with 0, 3 or 6 digits of a second as protobuf writes it."""
    seconds, fraction = divmod(microseconds, 1_000_000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    if not fraction:
        return text + "Z"
    return f"{text}.{fraction // 1000:03d}Z" if fraction % 1000 == 0 else f"{text}.{fraction:06d}Z"


@cache
def date_text(day: int) -> str:
    """Return a day, counted from 1970-01-01, as YYYY-MM-DD."""
    return date.fromordinal(day + date(1970, 1, 1).toordinal()).isoformat()


_MAPPED: Mapping[ColumnKind, Callable[[Any], Any]] = {
    ColumnKind.INT64: str,
    ColumnKind.TIMESTAMP: instant_text,
    ColumnKind.DATE: date_text,
}
_WRITERS: Mapping[str, Callable[[Rows, Page], bytes]] = {
    "rows": _as_rows,
    "columns": _as_columns,
    "csv": _as_csv,
    "arrow": _as_arrow,
    "two-streams": _as_two_streams,
}
