"""Arrow that is written from numpy's memory says what Polars would have written."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import polars as pl
import pytest

from findata_core.schema.tables import Column, ColumnKind
from findata_serving.arrow import stream_of
from findata_serving.reading import Repeated, Rows
from findata_serving.records import Record, added

KINDS: dict[str, tuple[ColumnKind, list[Any]]] = {
    "text": (ColumnKind.TEXT, ["a", None, "é"]),
    "same_text": (ColumnKind.TEXT, Repeated(["né", "né", "né"])),
    "no_text": (ColumnKind.TEXT, Repeated([None] * 3)),
    "empty_text": (ColumnKind.TEXT, Repeated([""] * 3)),
    "texts": (ColumnKind.TEXT_LIST, [["a", "b"], [], None]),
    "price": (ColumnKind.FLOAT64, np.array([1.5, np.nan, -2.0])),  # type: ignore[dict-item]
    "count": (ColumnKind.INT64, np.array([1, 2**60, -3])),  # type: ignore[dict-item]
    "some": (ColumnKind.INT32, [1, None, 3]),
    "is_so": (ColumnKind.BOOLEAN, np.array([True, False, True])),  # type: ignore[dict-item]
    "event_time": (ColumnKind.TIMESTAMP, np.array([0, 1_654_090_200_000_001, -1])),  # type: ignore[dict-item]
    "some_time": (ColumnKind.TIMESTAMP, [0, None, 5]),
    "session_date": (ColumnKind.DATE, np.array([0, 19_144, -1], dtype=np.int32)),  # type: ignore[dict-item]
    "no_date": (ColumnKind.DATE, Repeated([None] * 3)),
    "amount": (ColumnKind.DECIMAL, ["0.25", None, "12345678.000000001"]),
}


@pytest.mark.parametrize("height", [0, 1, 3])
def test_every_kind_of_column_is_what_polars_writes(height: int) -> None:
    columns: list[Column] = [added(name, kind, "", is_nullable=True) for name, (kind, _) in KINDS.items()]
    record = Record("made", "", "", "", tuple(columns))
    whole = Rows(record, 3, {name: values for name, (_, values) in KINDS.items()})
    rows = whole.cut(0, height)

    written = stream_of(rows)

    expected = io.BytesIO()
    rows.frame().write_ipc_stream(expected, compat_level=pl.CompatLevel.oldest())
    found, wanted = (pl.read_ipc_stream(io.BytesIO(body)) for body in (written, expected.getvalue()))
    assert found.schema == wanted.schema
    assert found.equals(wanted, null_equal=True)
