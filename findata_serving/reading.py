"""Hot reads: one query whose every column comes as one string of bytes, into numpy without a Python object a value.

What belongs here: composing that query, decoding its columns. What does not: which rows are wanted (rest/), bytes out
(formats). Why so: decision 18 in docs/adr.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
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
# The binary form of values, one after the other, in the order of the network: pg_proc's send functions write it.
_SEND = {
    ColumnKind.FLOAT64: "float8send",
    ColumnKind.INT32: "int4send",
    ColumnKind.INT64: "int8send",
    ColumnKind.BOOLEAN: "boolsend",
    ColumnKind.TIMESTAMP: "timestamptz_send",
    ColumnKind.DATE: "date_send",
}
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
    """Rows column by column: instants in microseconds and dates in days since 1970-01-01.

    `earlier_than`: pages that go back in time go on before this instant, although this one is not full.
    """

    record: Record
    height: int
    values: dict[str, Values] = field(default_factory=dict)
    earlier_than: int | None = None

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
    `runs`: columns that many rows share, as all minutes of a session do. Their values come once for all rows that have
    the same ones: of nine columns three need not be sent row by row, which is what a long answer takes its time for.
    `divided_at`: an instant amid many runs; two connections read a side each, at once. A write between their two
    moments is seen by one of them, as it is by one of two pages.
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
    runs: tuple[str, ...] = ()
    divided_at: datetime | None = None

    def sides(self) -> tuple[Query, Query]:
        """Return the two queries that it is divided into."""
        arguments = [*self.arguments, self.divided_at]
        before, after = (f'{self.where} AND "event_time" {sign} ${len(arguments)}' for sign in ("<", ">="))
        side = replace(self, arguments=arguments, divided_at=None)
        return replace(side, where=before), replace(side, where=after)


async def read(sources: Sources, query: Query) -> Rows:
    """Return the rows of a query, in its order."""
    if query.divided_at is None:
        return _decoded(query, await _found(sources, query))
    before, after = await asyncio.gather(*(_found(sources, side) for side in query.sides()))
    return _decoded(query, [*before, *after])


async def _found(sources: Sources, query: Query) -> Sequence[Mapping[str, Any]]:
    limit = [] if query.limit is None else [query.limit]
    return await sources.rows(
        _statement_of(query), *query.arguments, *limit, books=query.books, in_runs=bool(query.runs)
    )


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
        query.runs,
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
    runs: tuple[str, ...] = (),
    *,
    is_latest: bool,
) -> str:
    """Return the SQL: one row with the count and a value a column; with `runs` one for all rows of the same ones.

    `limit_place`: which argument is the limit; 0 for none. All parts are written in this package.
    """
    asked = [column for column in record.columns if column.name not in constants]
    columns = ", ".join(f'{_asked(column, runs)} AS "{column.name}"' for column in asked)
    direction = " DESC" if is_latest else ""
    ordered = ", ".join(f'"{name}"{direction}' for name in order)
    inner = ", ".join(f'"{column.name}"' for column in asked)
    ending = "" if runs and not limit_place else f"ORDER BY {ordered}"  # rows of runs are put in order here
    ending += f" LIMIT ${limit_place}" if limit_place else ""
    grouped = ", ".join(f'wanted."{name}"' for name in runs)
    return (
        f'SELECT count(*) AS "#", {_NOW} AS "#now", {columns} FROM (SELECT {inner} FROM {relation or record.relation} '  # noqa: S608
        f"{'WHERE ' + where if where else ''} {ending}) AS wanted"
        f"{' GROUP BY ' + grouped if runs else ''}"
    )


def _asked(column: Column, runs: tuple[str, ...]) -> str:
    if column.name in runs:
        return _AS_LIST.get(column.kind, "{0}").format(f'"{column.name}"')
    return _array(column)


def _array(column: Column) -> str:
    name = f'"{column.name}"'
    if _is_dense(column):
        return f"string_agg({_SEND[column.kind]}({name}), '')"
    return f"array_agg({_AS_LIST.get(column.kind, '{0}').format(name)})"


class Repeated(list[Any]):
    """A value that all rows have, as often as there are rows."""

    def __getitem__(self, place: Any) -> Any:
        """Return a value, or some rows' values, which are still one."""
        found = super().__getitem__(place)
        return Repeated(found) if isinstance(place, slice) else found


def _is_dense(column: Column) -> bool:
    return column.kind in _WIRE and not column.is_nullable


def _decoded(query: Query, found: Sequence[Mapping[str, Any]]) -> Rows:
    """Return what a row, or a row a run, says."""
    if query.runs:  # they come in any order: that of their first instants is mostly the order of all rows
        found = sorted(found, key=itemgetter(query.order[0]))
    lengths = [run["#"] for run in found]
    height = sum(lengths)
    values: dict[str, Values] = dict.fromkeys(query.record.names)
    for column in query.record.columns:
        name = column.name
        if name in query.constants:
            values[name] = Repeated([query.constants[name]] * height)
        elif name in query.runs:
            values[name] = np.repeat(np.array([run[name] for run in found], _WIRE[column.kind][1]), lengths)
        elif name not in query.derived:
            values[name] = _joined(column, [run[name] for run in found if run["#"]])
    now = found[0]["#now"] if found else 0
    values |= {name: derive(values, now) for name, derive in query.derived.items()}
    return Rows(query.record, height, _in_order(query, values))


def _joined(column: Column, runs: Sequence[Any]) -> Values:
    if _is_dense(column):
        return _dense(column.kind, runs)
    return _listed(column.kind, [value for run in runs for value in run])


def _in_order(query: Query, values: dict[str, Values]) -> dict[str, Values]:
    """Return the values in the order of time; groups come in any order, and so may the rows of one."""
    if query.is_latest and not query.runs:
        return {name: some[::-1] for name, some in values.items()}
    if query.runs and (np.diff(values[query.order[0]]) < 0).any():
        places = np.argsort(values[query.order[0]], kind="stable")
        return {name: some if isinstance(some, Repeated) else some[places] for name, some in values.items()}
    return values


def _dense(kind: ColumnKind, runs: Sequence[bytes]) -> Values:
    wire, here = _WIRE[kind]
    values = np.frombuffer(b"".join(runs), wire).astype(here)
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
