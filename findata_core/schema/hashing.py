"""Content hashes: one function for database, lake and rebuild.

A digest covers the rows of one scope (subject, date, slice): the header names the table, the columns
and the scope's values; then each further column that is not knowledge follows in proto field order,
its values in the order of the business key, in canonical bytes. Two stores that hold the same facts
give the same digest, whenever and in whatever order they learned them.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from findata_core.schema import runs
from findata_core.schema.tables import Column, ColumnKind, Table

WHOLE_HISTORY = date(1970, 1, 1)  # the scope date of tables whose digests have no date

DIGEST_SCHEMA = {
    "table_name": pl.String,
    "subject": pl.String,
    "scope_date": pl.Date,
    "slice": pl.String,
    "sha256": pl.String,
    "row_count": pl.Int64,
}

Encoded: TypeAlias = list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64] | int]]


def digests(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """Return one row per scope: table_name, subject, scope_date, slice, sha256, row_count."""
    if frame.is_empty() or not table.digest_subject:
        return pl.DataFrame(schema=DIGEST_SCHEMA)
    rows, starts, scopes = _in_order(table, frame)
    ends = np.append(starts[1:], rows.height)
    hashed = [column for column in table.columns if _is_hashed(table, column)]
    encoded = [_encode(rows.get_column(column.name), column) for column in hashed]
    header = json.dumps([table.address, [column.name for column in hashed]]).encode()
    sums = [
        _digest(header, scope, encoded, start, end)
        for scope, start, end in zip(scopes, starts.tolist(), ends.tolist(), strict=True)
    ]
    return _digest_frame(table, scopes, sums, ends - starts)


def content_hash(table: Table, frame: pl.DataFrame) -> str:
    """Return one hash over all scopes of the frame; of no rows, the hash of nothing."""
    total = hashlib.sha256()
    for row in digests(table, frame).sort("subject", "scope_date", "slice").iter_rows():
        total.update(json.dumps(row, default=str).encode())
    return total.hexdigest()


def _scope_columns(table: Table) -> list[str]:
    return [name for name in (table.digest_subject, table.digest_date, *table.digest_slice) if name]


def _is_hashed(table: Table, column: Column) -> bool:
    return not column.is_knowledge and column.name not in _scope_columns(table)


def _in_order(
    table: Table, frame: pl.DataFrame
) -> tuple[pl.DataFrame, npt.NDArray[np.int64], list[runs.Values]]:
    """Return the rows ordered by scope, then business key, where each scope starts, and its values."""
    scope = _scope_columns(table)
    starts = runs.starts(frame, scope)
    scopes = runs.values_at(frame, scope, starts)
    rest = [name for name in table.business_key if name not in scope]
    if not (_are_unique(scopes) and _is_ordered(table, frame, rest, starts)):
        frame = frame.sort([*scope, *rest], nulls_last=True)
        starts = runs.starts(frame, scope)
        scopes = runs.values_at(frame, scope, starts)
    return frame, starts, scopes


def _are_unique(scopes: Sequence[runs.Values]) -> bool:
    return len(set(scopes)) == len(scopes)


def _is_ordered(table: Table, frame: pl.DataFrame, rest: list[str], starts: npt.NDArray[np.int64]) -> bool:
    """Tell whether each scope's rows lie in order: sorting a session again would cost as much as hashing it."""
    if frame.height == len(starts):
        return True
    if rest != [table.time_column] or not table.time_column:
        return False
    steps = np.diff(frame.get_column(table.time_column).cast(pl.Int64).to_numpy())
    steps[starts[1:] - 1] = 1
    return bool((steps > 0).all())


def _encode(values: pl.Series, column: Column) -> Encoded:
    """Return the buffers of a column: bytes and, per row, the offsets (or one fixed width)."""
    buffers: Encoded = []
    nulls = _nulls(values)
    if column.is_nullable:
        marks = np.zeros(len(values), np.bool_) if nulls is None else nulls
        buffers.append((marks.view(np.uint8), 1))
    if column.kind in (ColumnKind.TEXT, ColumnKind.JSON, ColumnKind.TEXT_LIST, ColumnKind.DECIMAL):
        return buffers + _encode_text(_as_text(values, column))
    return [*buffers, _encode_fixed(values, column, nulls)]


def _nulls(values: pl.Series) -> npt.NDArray[np.bool_] | None:
    """Return which values are null; None where none is. By Arrow: Polars makes a query of it."""
    if not values.null_count():
        return None
    nulls: npt.NDArray[np.bool_] = values.to_arrow().is_null().to_numpy(zero_copy_only=False)
    return nulls


def _as_text(values: pl.Series, column: Column) -> pl.Series:
    if column.kind is ColumnKind.TEXT_LIST:
        # Each text after its length, so that no two lists have one text: [] and [""], ["a", "b"] and ["ab"].
        text = pl.element()
        prefixed = values.list.eval(text.str.len_bytes().cast(pl.String) + ":" + text)
        return prefixed.list.join("").fill_null("")
    return _filled(values if values.dtype == pl.String else values.cast(pl.String), "")


def _encode_text(values: pl.Series) -> Encoded:
    array = pa.concat_arrays([values.to_arrow().cast(pa.large_string())])
    offsets = np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + len(array) + 1]
    data = array.buffers()[2]
    content = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    lengths = np.diff(offsets).astype("<i4")
    return [(lengths.view(np.uint8), 4), (content, offsets)]


def _encode_fixed(
    values: pl.Series, column: Column, nulls: npt.NDArray[np.bool_] | None
) -> tuple[npt.NDArray[np.uint8], int]:
    """Return the numbers' bytes and their width; a null is a zero."""
    if column.kind is ColumnKind.BOOLEAN:
        return _filled(values, filling=False).to_numpy().astype(np.uint8), 1
    is_float = column.kind is ColumnKind.FLOAT64
    # A cast to a whole number is what to_physical() does, which would be a query.
    numbers = (values if is_float else values.cast(pl.Int64)).to_arrow()
    dtype = np.dtype("<f8" if is_float else "<i8")
    plain = np.frombuffer(numbers.buffers()[1], dtype)[numbers.offset : numbers.offset + len(numbers)]
    if nulls is not None:
        plain = np.where(nulls, dtype.type(0), plain)
    if is_float:
        plain = plain + 0.0  # -0.0 + 0.0 is 0.0: equal numbers, equal bytes
        plain[np.isnan(plain)] = np.nan
    return plain.view(np.uint8), 8


def _filled(values: pl.Series, filling: str | bool) -> pl.Series:
    """Return the values with `filling` for null; a query of its own only where there is one."""
    return values.fill_null(filling) if values.null_count() else values


def _digest(header: bytes, scope: runs.Values, encoded: list[Encoded], start: int, end: int) -> str:
    total = hashlib.sha256(header)
    total.update(json.dumps(scope, default=str).encode())
    for buffers in encoded:
        for content, width in buffers:
            if isinstance(width, int):
                total.update(content[start * width : end * width].data)
            else:
                total.update(content[width[start] : width[end]].data)
    return total.hexdigest()


def _digest_frame(
    table: Table, scopes: Sequence[runs.Values], sums: list[str], counts: npt.NDArray[np.int64]
) -> pl.DataFrame:
    dated = 2 if table.digest_date else 1  # so many values of a scope come before those of its slice
    days = (scope[1] if table.digest_date else WHOLE_HISTORY for scope in scopes)
    slices = ("/".join(map(str, scope[dated:])) for scope in scopes)
    lines = zip(
        [table.address] * len(scopes),
        (scope[0] for scope in scopes),
        days,
        slices,
        sums,
        counts.tolist(),
        strict=True,
    )
    return pl.DataFrame(list(lines), schema=DIGEST_SCHEMA, orient="row")
