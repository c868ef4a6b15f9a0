"""Hot reads: one query whose every column comes as one array, into numpy without a Python object a value.

What belongs here: composing that query, decoding its arrays. What does not: which rows are wanted (rest/), bytes out
(formats). Why so: decision 18 in docs/adr.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

import numpy as np
import orjson
import polars as pl

from findata_core.schema.frames import POLARS_TYPES
from findata_core.schema.tables import Column, ColumnKind
from findata_serving.records import Record
from findata_serving.sources import Sources

Values = Any  # a numpy array, or a list that may hold None
Derive = Callable[[Mapping[str, Values], int], Values]  # now: microseconds of the database's clock

# PostgreSQL counts from 2000-01-01; https://www.postgresql.org/docs/current/datatype-datetime.html
EPOCH_MICROSECONDS, EPOCH_DAYS = 946_684_800_000_000, 10_957
# The binary form of an array (array_send in src/backend/utils/adt/arrayfuncs.c): five words of four bytes, then for
# each value its length and the value.
HEADER_BYTES = 20
_WIRE = {
    ColumnKind.FLOAT64: (">f8", "<f8"),
    ColumnKind.INT32: (">i4", "<i4"),
    ColumnKind.INT64: (">i8", "<i8"),
    ColumnKind.BOOLEAN: ("?", "?"),
    ColumnKind.TIMESTAMP: (">i8", "<i8"),
    ColumnKind.DATE: (">i4", "<i4"),
}
_SHIFT = {ColumnKind.TIMESTAMP: EPOCH_MICROSECONDS, ColumnKind.DATE: EPOCH_DAYS}
_AS_LIST = {
    ColumnKind.TIMESTAMP: "(extract(epoch FROM {0}) * 1000000)::bigint",
    ColumnKind.DATE: "{0} - '1970-01-01'::date",
    ColumnKind.TEXT_LIST: "to_json({0})::text",
    ColumnKind.DECIMAL: "{0}::text",
    ColumnKind.JSON: "{0}::text",
}


@dataclass
class Rows:
    """Rows column by column: instants in microseconds and dates in days since 1970-01-01."""

    record: Record
    height: int
    values: dict[str, Values] = field(default_factory=dict)

    def frame(self) -> pl.DataFrame:
        """Return them as a frame."""
        series = [_series(column, self.values[column.name]) for column in self.record.columns]
        return pl.DataFrame(series)

    def last(self, name: str) -> Any:
        """Return the last value of a column as Python knows it."""
        value = self.values[name][-1]
        return value.item() if isinstance(value, np.generic) else value

    def first(self, name: str) -> Any:
        """Return the first value of a column as Python knows it."""
        value = self.values[name][0]
        return value.item() if isinstance(value, np.generic) else value

    def cut(self, start: int, end: int) -> Rows:
        """Return the rows [start, end)."""
        values = {name: some[start:end] for name, some in self.values.items()}
        return Rows(self.record, len(range(self.height)[start:end]), values)


@dataclass(frozen=True)
class Query:
    """Which rows: `where` with $1, $2 ... for `arguments`; `order` by these columns; `constants` are not asked for.

    `derived`: computed from the other columns' values and now. `relation`: instead of the record's own. `books`: asked
    of findata's own books.
    `is_latest`: the last `limit` rows in that order, not the first.
    """

    record: Record
    where: str = ""
    arguments: Sequence[object] = ()
    order: tuple[str, ...] = ("event_time",)
    limit: int | None = None
    is_latest: bool = False
    constants: Mapping[str, object] = field(default_factory=dict)
    relation: str = ""
    books: bool = False
    derived: Mapping[str, Derive] = field(default_factory=dict)


async def read(sources: Sources, query: Query) -> Rows:
    """Return the rows of a query, in its order."""
    limit = [] if query.limit is None else [query.limit]
    found = await sources.rows(_statement_of(query), *query.arguments, *limit, books=query.books)
    return _decoded(query, found[0])


def rows_of(record: Record, frame: pl.DataFrame) -> Rows:
    """Return a frame's rows; its columns are the record's."""
    values = {column.name: _plain(column, frame.get_column(column.name)) for column in record.columns}
    return Rows(record, frame.height, values)


def _statement_of(query: Query) -> str:
    return statement(
        query.record,
        query.relation,
        query.where,
        query.order,
        0 if query.limit is None else len(query.arguments) + 1,
        (*query.constants, *query.derived),
        is_latest=query.is_latest,
    )


# Shown once beside the rows: what is settled is so by the clock of the database, as in its views.
_NOW = "(extract(epoch FROM now()) * 1000000)::bigint"


@lru_cache(1024)
def statement(
    record: Record,
    relation: str,
    where: str,
    order: tuple[str, ...],
    limit_place: int,
    constants: tuple[str, ...],
    *,
    is_latest: bool,
) -> str:
    """Return the SQL: one row with the count and an array a column. All parts are written in this package.

    `limit_place`: which argument is the limit; 0 for none.
    """
    asked = [column for column in record.columns if column.name not in constants]
    arrays = ", ".join(f'{_array(column)} AS "{column.name}"' for column in asked)
    direction = " DESC" if is_latest else ""
    ordered = ", ".join(f'"{name}"{direction}' for name in order)
    inner = ", ".join(f'"{column.name}"' for column in asked)
    ending = f"ORDER BY {ordered}" + (f" LIMIT ${limit_place}" if limit_place else "")
    return (
        f'SELECT count(*) AS "#", {_NOW} AS "#now", {arrays} FROM (SELECT {inner} FROM {relation or record.relation} '  # noqa: S608
        f"{'WHERE ' + where if where else ''} {ending}) AS wanted"
    )


def _array(column: Column) -> str:
    name = f'"{column.name}"'
    if _is_dense(column):
        return f"array_send(array_agg({name}))"
    return f"array_agg({_AS_LIST.get(column.kind, '{0}').format(name)})"


class Repeated(list[Any]):
    """A value that all rows have, as often as there are rows."""

    def __getitem__(self, place: Any) -> Any:
        """Return a value, or some rows' values, which are still one."""
        found = super().__getitem__(place)
        return Repeated(found) if isinstance(place, slice) else found


def _repeated(column: Column, value: Any, height: int) -> Values:
    if value is not None and column.kind in _WIRE:
        return np.full(height, value, _WIRE[column.kind][1])
    return Repeated([value] * height)


def _is_dense(column: Column) -> bool:
    return column.kind in _WIRE and not column.is_nullable


def _decoded(query: Query, row: Mapping[str, Any]) -> Rows:
    height = row["#"]
    values: dict[str, Values] = dict.fromkeys(query.record.names)
    for column in query.record.columns:
        if column.name in query.derived:
            continue
        if column.name in query.constants:
            values[column.name] = _repeated(column, query.constants[column.name], height)
        elif _is_dense(column):
            values[column.name] = _dense(column.kind, row[column.name])
        else:
            values[column.name] = _listed(column.kind, row[column.name] or [])
    values |= {name: derive(values, row["#now"]) for name, derive in query.derived.items()}
    if query.is_latest:
        values = {name: some[::-1] for name, some in values.items()}
    return Rows(query.record, height, values)


@cache
def _wire(kind: ColumnKind) -> np.dtype[Any]:
    return np.dtype([("length", ">i4"), ("value", _WIRE[kind][0])])


def _dense(kind: ColumnKind, sent: bytes | None) -> Values:
    if sent is None:
        return np.empty(0, _WIRE[kind][1])
    values = np.frombuffer(sent, _wire(kind), offset=HEADER_BYTES)["value"].astype(_WIRE[kind][1])
    if kind in _SHIFT:
        values += values.dtype.type(_SHIFT[kind])
    return values


def _listed(kind: ColumnKind, values: list[Any]) -> list[Any]:
    if kind is ColumnKind.TEXT_LIST:
        return [None if value is None else orjson.loads(value) for value in values]
    return values


def _series(column: Column, values: Values) -> pl.Series:
    kind = POLARS_TYPES[column.kind]
    if isinstance(values, Repeated) and values and not isinstance(values[0], list):
        return pl.repeat(values[0], len(values), dtype=kind, eager=True).alias(column.name)
    if column.kind in _SHIFT:
        physical = pl.Int64 if column.kind is ColumnKind.TIMESTAMP else pl.Int32
        return pl.Series(column.name, values, dtype=physical).cast(kind)
    if column.kind is ColumnKind.DECIMAL:
        return pl.Series(column.name, values, dtype=pl.String).cast(kind)
    series = pl.Series(column.name, values, dtype=kind)
    return series.fill_nan(None) if column.kind is ColumnKind.FLOAT64 and column.is_nullable else series


def _plain(column: Column, series: pl.Series) -> Values:
    kind = column.kind
    if kind is ColumnKind.DECIMAL:
        return [None if value is None else f"{value:f}" for value in series]
    if kind in _SHIFT:
        series = series.to_physical()
    if kind in _WIRE and not series.null_count():
        return np.ascontiguousarray(series.to_numpy())
    return series.to_list()
