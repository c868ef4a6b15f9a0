"""Rows as Arrow IPC streams, from numpy's own memory: a month of minutes is written in a millisecond.

What belongs here: columns into Arrow's arrays. What does not: other forms (formats), which rows.

Types are those that every reader of Arrow knows: large_string and not string_view, instants in microseconds of UTC.

Half of a month of minutes of one instrument is the same in each row: its name, the source, columns of other widths,
which are null. The form of two streams says that once. It begins with the length of the first stream in bytes (8 bytes,
little-endian); the first stream is the first row, whole; the second one has all rows of the columns that do not simply
repeat it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from findata_core.schema.frames import ARROW_TYPES
from findata_core.schema.tables import Column, ColumnKind
from findata_serving.reading import Repeated, Rows, Values

END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"


def stream_of(rows: Rows) -> bytes:
    """Return the rows as a stream of one batch."""
    arrays = [_array(column, rows.values[column.name], rows) for column in rows.record.columns]
    return b"".join(_stream(arrays, rows.record.names))


def two_streams_of(rows: Rows) -> bytes:
    """Return the rows in the form of two streams."""
    names = rows.record.names
    differing = [name for name in names if not isinstance(rows.values[name], Repeated)] or names[:1]
    top = rows.cut(0, 1)
    arrays = {
        column.name: _array(column, (rows if column.name in differing else top).values[column.name], rows)
        for column in rows.record.columns
    }
    first = b"".join(_stream([arrays[name].slice(0, 1) for name in names], names))
    every = _stream([arrays[name] for name in differing], differing)
    return b"".join([len(first).to_bytes(8, "little"), first, *every])


def _stream(arrays: Sequence[pa.Array], names: Sequence[str]) -> list[Any]:
    """Return the pieces of a stream of one batch: written into a memory that grows they would be copied again."""
    batch = pa.record_batch(arrays, names=list(names))
    return [batch.schema.serialize(), batch.serialize(), END_OF_STREAM]


def _array(column: Column, values: Values, rows: Rows) -> pa.Array:
    kind = ARROW_TYPES[column.kind]
    if column.kind is ColumnKind.DECIMAL:  # Polars knows their digits
        only = rows.record.only(column.name)
        frame = Rows(only, len(values), {column.name: values}).frame()
        return frame.to_arrow(compat_level=pl.CompatLevel.oldest()).column(0).combine_chunks()
    if isinstance(values, Repeated):
        return _repeated(values, kind)
    if isinstance(values, np.ndarray):
        return _of_numpy(column, np.ascontiguousarray(values), kind)
    return pa.array(values, _physical(kind)).cast(kind)


def _of_numpy(column: Column, values: np.ndarray[Any, Any], kind: pa.DataType) -> pa.Array:
    if column.kind is ColumnKind.FLOAT64 and column.is_nullable:
        return pa.array(values, kind, mask=np.isnan(values))
    if values.dtype.kind in "bO":
        return pa.array(values, kind)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def _repeated(values: Repeated, kind: pa.DataType) -> pa.Array:
    if not values or values[0] is None:
        return pa.nulls(len(values), kind)
    if not isinstance(values[0], str):
        return pa.repeat(pa.scalar(values[0], _physical(kind)), len(values)).cast(kind)
    text = values[0].encode()
    offsets = np.arange(len(values) + 1, dtype=np.int64) * len(text)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(text * len(values))]
    return pa.Array.from_buffers(kind, len(values), buffers)


def _physical(kind: pa.DataType) -> pa.DataType:
    """Return the type that lists of counted instants and days are made as first."""
    if pa.types.is_timestamp(kind):
        return pa.int64()
    return pa.int32() if pa.types.is_date32(kind) else kind
