"""Frames as PostgreSQL's binary COPY stream, encoded by numpy a layout at a time.

Rows whose texts have the same lengths and whose nulls lie in the same columns share one fixed layout,
so a whole group is encoded by one assignment per column; market data has a handful of layouts in a
session. The format is described in PostgreSQL's documentation of COPY, "Binary Format".
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from findata_core.errors import DataError
from findata_core.schema.tables import Column, ColumnKind, Table

SIGNATURE = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
TRAILER = struct.pack(">h", -1)
POSTGRES_EPOCH_DAYS = 10_957  # 2000-01-01 counted from 1970-01-01
POSTGRES_EPOCH_MICROSECONDS = POSTGRES_EPOCH_DAYS * 86_400_000_000
TEXT_OID = 25
NUMERIC_BASE = 10_000  # a digit of PostgreSQL's numeric: four decimal places
ROWS_A_BLOCK = 16_384  # about two megabytes: the server works on one block while the next is encoded

FIXED_TYPES = {
    ColumnKind.FLOAT64: ">f8",
    ColumnKind.INT64: ">i8",
    ColumnKind.INT32: ">i4",
    ColumnKind.BOOLEAN: "u1",
    ColumnKind.TIMESTAMP: ">i8",
    ColumnKind.DATE: ">i4",
}


@dataclass(frozen=True)
class Field:
    """A column ready to be laid out: `widths` per row (-1: null) and its values.

    Fixed kinds have `values`; the others have `content` with the rows' `offsets` in it.
    """

    widths: npt.NDArray[np.int64]
    values: npt.NDArray[np.generic] | None = None
    content: npt.NDArray[np.uint8] | None = None
    offsets: npt.NDArray[np.int64] | None = None


def copy_stream(table: Table, frame: pl.DataFrame) -> Iterator[bytes]:
    """Yield the COPY stream of a frame in the table's shape; in a block, rows of one layout follow one another."""
    yield SIGNATURE
    for block in frame.iter_slices(ROWS_A_BLOCK):
        if not block.is_empty():
            fields = [_field(block.get_column(column.name), column) for column in table.columns]
            for rows in _layouts(fields):
                yield _encode(fields, rows)
    yield TRAILER


def _field(values: pl.Series, column: Column) -> Field:
    if column.kind in FIXED_TYPES:
        return _fixed_field(values, column.kind)
    if column.kind is ColumnKind.TEXT:
        return _text_field(values)
    if column.kind is ColumnKind.JSON:
        # jsonb's binary form is its text after a version byte
        return _text_field(pl.select(pl.lit("\x01") + values).to_series())
    if column.kind is ColumnKind.TEXT_LIST:
        return _bytes_field([None if item is None else _text_array(item) for item in values.to_list()])
    if column.kind is ColumnKind.DECIMAL:
        return _bytes_field([None if item is None else _numeric(item) for item in values.to_list()])
    raise DataError(f"{column.name} can't be copied: {column.kind}", "Write the table with INSERT")


def _fixed_field(values: pl.Series, kind: ColumnKind) -> Field:
    dtype = np.dtype(FIXED_TYPES[kind])
    widths = _widths(values, np.full(len(values), dtype.itemsize, np.int64))
    plain = values.cast(pl.Int64) if kind in (ColumnKind.DATE, ColumnKind.TIMESTAMP) else values
    # Polars makes a query of each of these calls, which of a frame of one row is most of its time.
    nothing = False if kind is ColumnKind.BOOLEAN else 0
    numbers = (plain.fill_null(value=nothing) if plain.null_count() else plain).to_numpy()
    if kind is ColumnKind.TIMESTAMP:
        numbers = numbers - POSTGRES_EPOCH_MICROSECONDS
    elif kind is ColumnKind.DATE:
        numbers = numbers - POSTGRES_EPOCH_DAYS
    return Field(widths, values=numbers.astype(dtype))


def _text_field(values: pl.Series) -> Field:
    whole = values.fill_null("") if values.null_count() else values
    array = pa.concat_arrays([whole.to_arrow().cast(pa.large_string())])
    offsets = np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + len(array) + 1]
    data = array.buffers()[2]
    content = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    widths = _widths(values, np.diff(offsets))
    return Field(widths, content=content, offsets=offsets[:-1])


def _widths(values: pl.Series, widths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the widths of a column's values, -1 for null."""
    return np.where(values.is_null().to_numpy(), -1, widths) if values.null_count() else widths


def _bytes_field(items: list[bytes | None]) -> Field:
    lengths = np.array([0 if item is None else len(item) for item in items], np.int64)
    widths = np.where(np.array([item is None for item in items]), -1, lengths)
    content = np.frombuffer(b"".join(item or b"" for item in items), np.uint8)
    return Field(widths, content=content, offsets=np.cumsum(lengths) - lengths)


def _text_array(items: list[str]) -> bytes:
    """Return a text[] in binary: dimensions, null flag, element type, length, lower bound, elements."""
    if not items:
        return struct.pack(">iii", 0, 0, TEXT_OID)
    elements = (item.encode() for item in items)
    body = b"".join(struct.pack(">i", len(element)) + element for element in elements)
    return struct.pack(">iiiii", 1, 0, TEXT_OID, len(items), 1) + body


def _numeric(item: Decimal) -> bytes:
    """Return a numeric in binary: number of digits of base 10,000, weight of the first, sign, scale, digits."""
    sign, digits, exponent = item.as_tuple()
    scale = -int(exponent)
    padding = -scale % 4  # the digits after the point are whole digits of the base
    number = int("".join(map(str, digits))) * 10**padding
    places: list[int] = []
    while number:
        number, digit = divmod(number, NUMERIC_BASE)
        places.insert(0, digit)
    weight = len(places) - (scale + padding) // 4 - 1
    while places and places[-1] == 0:
        places.pop()
    head = struct.pack(">hhHh", len(places), weight if places else 0, 0x4000 if sign else 0, scale)
    return head + b"".join(struct.pack(">h", digit) for digit in places)


def _layouts(fields: list[Field]) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the row numbers of each layout, layouts in the order of their first row."""
    layout = np.zeros(len(fields[0].widths), np.int64)
    for field in fields:
        if (field.widths == field.widths[0]).all():
            continue
        kinds, codes = np.unique(field.widths, return_inverse=True)
        layout = np.unique(layout * len(kinds) + codes, return_inverse=True)[1]
    order = np.argsort(layout, kind="stable")
    bounds = np.flatnonzero(np.diff(layout[order])) + 1
    yield from sorted(np.split(order, bounds), key=lambda rows: int(rows[0]))


def _encode(fields: list[Field], rows: npt.NDArray[np.int64]) -> bytes:
    """Return the bytes of rows that share one layout."""
    first = rows[0]
    layout: list[tuple[str, str] | tuple[str, str, tuple[int, ...]]] = [("count", ">i2")]
    for number, field in enumerate(fields):
        layout.append((f"width{number}", ">i4"))
        if field.widths[first] > 0:
            layout.append(_value_type(number, field, int(field.widths[first])))
    block = np.empty(len(rows), np.dtype(layout))
    block["count"] = len(fields)
    for number, field in enumerate(fields):
        width = int(field.widths[first])
        block[f"width{number}"] = width
        if width > 0:
            block[f"value{number}"] = _values(field, rows, width)
    return block.tobytes()


def _value_type(number: int, field: Field, width: int) -> tuple[str, str] | tuple[str, str, tuple[int, ...]]:
    if field.values is not None:
        return (f"value{number}", field.values.dtype.str)
    return (f"value{number}", "u1", (width,))


def _values(field: Field, rows: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.generic]:
    if len(rows) == rows[-1] - rows[0] + 1:
        return _neighbouring_values(field, slice(int(rows[0]), int(rows[-1]) + 1), width)
    if field.values is not None:
        return field.values[rows]
    assert field.content is not None
    assert field.offsets is not None
    values: npt.NDArray[np.uint8] = field.content[field.offsets[rows][:, None] + np.arange(width)]
    return values


def _neighbouring_values(field: Field, rows: slice, width: int) -> npt.NDArray[np.generic]:
    """Return a view: texts of one width that follow one another have their bytes side by side."""
    if field.values is not None:
        return field.values[rows]
    assert field.content is not None
    assert field.offsets is not None
    start = int(field.offsets[rows.start])
    count = rows.stop - rows.start
    return field.content[start : start + count * width].reshape(count, width)
