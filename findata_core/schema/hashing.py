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
    rows, starts = _sorted_with_starts(table, frame)
    ends = np.append(starts[1:], rows.height)
    scopes = rows.select(_scope_columns(table))[starts.tolist()]
    hashed = [column for column in table.columns if _is_hashed(table, column)]
    encoded = [_encode(rows.get_column(column.name), column) for column in hashed]
    header = json.dumps([table.address, [column.name for column in hashed]]).encode()
    sums = [
        _digest(header, scope, encoded, int(start), int(end))
        for scope, start, end in zip(scopes.iter_rows(), starts, ends, strict=True)
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


def _sorted_with_starts(table: Table, frame: pl.DataFrame) -> tuple[pl.DataFrame, npt.NDArray[np.int64]]:
    """Return the rows ordered by scope, then business key, and where each scope starts."""
    scope = _scope_columns(table)
    starts = _starts(frame, scope)
    if not _is_ordered(table, frame, scope, starts):
        rest = [name for name in table.business_key if name not in scope]
        frame = frame.sort([*scope, *rest], nulls_last=True)
        starts = _starts(frame, scope)
    return frame, starts


def _starts(frame: pl.DataFrame, scope: Sequence[str]) -> npt.NDArray[np.int64]:
    if frame.height == 1:
        return np.zeros(1, np.int64)
    changed = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in scope)
    flags = frame.select(changed.alias("changed")).get_column("changed").to_numpy()
    starts = np.flatnonzero(flags)
    return starts if len(starts) and starts[0] == 0 else np.insert(starts, 0, 0)


def _is_ordered(table: Table, frame: pl.DataFrame, scope: list[str], starts: npt.NDArray[np.int64]) -> bool:
    """Tell whether rows lie in order already: sorting a session again would cost as much as hashing it."""
    rest = [name for name in table.business_key if name not in scope]
    if rest != [table.time_column] or not table.time_column:
        return False
    firsts = frame.select(scope)[starts.tolist()]
    if firsts.n_unique() != firsts.height:
        return False
    steps = np.diff(frame.get_column(table.time_column).cast(pl.Int64).to_numpy())
    steps[starts[1:] - 1] = 1
    return bool((steps > 0).all())


def _encode(values: pl.Series, column: Column) -> Encoded:
    """Return the buffers of a column: bytes and, per row, the offsets (or one fixed width)."""
    buffers: Encoded = []
    if column.is_nullable:
        nulls = values.is_null().to_numpy() if values.null_count() else np.zeros(len(values), np.bool_)
        buffers.append((nulls.view(np.uint8), 1))
    if column.kind in (ColumnKind.TEXT, ColumnKind.JSON, ColumnKind.TEXT_LIST, ColumnKind.DECIMAL):
        return buffers + _encode_text(_as_text(values, column))
    return [*buffers, _encode_fixed(values, column)]


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


def _encode_fixed(values: pl.Series, column: Column) -> tuple[npt.NDArray[np.uint8], int]:
    if column.kind is ColumnKind.FLOAT64:
        floats = _filled(values, 0.0).to_numpy() + 0.0  # -0.0 + 0.0 is 0.0: equal numbers, equal bytes
        floats[np.isnan(floats)] = np.nan
        return floats.astype("<f8", copy=False).view(np.uint8), 8
    if column.kind is ColumnKind.BOOLEAN:
        return _filled(values, filling=False).to_numpy().astype(np.uint8), 1
    # A cast to a whole number is what to_physical() does, which would be a query.
    whole = _filled(values.cast(pl.Int64), 0).to_numpy().astype("<i8", copy=False)
    return whole.view(np.uint8), 8


def _filled(values: pl.Series, filling: float | str | bool) -> pl.Series:
    """Return the values with `filling` for null; a query of its own only where there is one."""
    return values.fill_null(filling) if values.null_count() else values


def _digest(header: bytes, scope: tuple[object, ...], encoded: list[Encoded], start: int, end: int) -> str:
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
    table: Table, scopes: pl.DataFrame, sums: list[str], counts: npt.NDArray[np.int64]
) -> pl.DataFrame:
    day = pl.col(table.digest_date) if table.digest_date else pl.lit(WHOLE_HISTORY)
    parts = [pl.col(name) for name in table.digest_slice] or [pl.lit("")]
    return scopes.select(
        pl.lit(table.address).alias("table_name"),
        pl.col(table.digest_subject).alias("subject"),
        day.alias("scope_date"),
        pl.concat_str(parts, separator="/").alias("slice"),
        pl.Series("sha256", sums, pl.String),
        pl.Series("row_count", counts, pl.Int64),
    )
