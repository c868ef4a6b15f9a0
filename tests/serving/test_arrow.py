"""Arrow that is written from numpy's memory says what Polars would have written."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl
import pytest

from findata_client.frames import TWO_STREAMS, Body, frame_of
from findata_core.schema.tables import Column, ColumnKind
from findata_serving.arrow import stream_of, two_streams_of
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


def rows_of(names: Iterable[str]) -> Rows:
    """Three rows of these columns."""
    columns: list[Column] = [added(name, KINDS[name][0], "", is_nullable=True) for name in names]
    return Rows(Record("made", "", "", "", tuple(columns)), 3, {name: KINDS[name][1] for name in names})


@pytest.mark.parametrize("height", [0, 1, 3])
def test_every_kind_of_column_is_what_polars_writes(height: int) -> None:
    rows = rows_of(KINDS).cut(0, height)

    written = stream_of(rows)

    expected = io.BytesIO()
    rows.frame().write_ipc_stream(expected, compat_level=pl.CompatLevel.oldest())
    found, wanted = (pl.read_ipc_stream(io.BytesIO(body)) for body in (written, expected.getvalue()))
    assert found.schema == wanted.schema
    assert found.equals(wanted, null_equal=True)


@pytest.mark.parametrize("height", [0, 1, 3])
@pytest.mark.parametrize("names", [KINDS, ["same_text", "no_date"]], ids=["all", "repeated ones"])
def test_two_streams_are_read_as_the_one(height: int, names: Iterable[str]) -> None:
    rows = rows_of(names).cut(0, height)

    found = frame_of([Body(two_streams_of(rows), TWO_STREAMS)])

    wanted = pl.read_ipc_stream(io.BytesIO(stream_of(rows)))
    assert found.schema == wanted.schema
    assert found.equals(wanted, null_equal=True)


def test_two_streams_say_once_what_all_rows_have() -> None:
    columns = (added("event_time", ColumnKind.TIMESTAMP, ""), added("same_text", ColumnKind.TEXT, ""))
    rows = Rows(
        Record("made", "", "", "", columns),
        1_000,
        {"event_time": np.arange(1_000), "same_text": Repeated(["a source"] * 1_000)},
    )

    body = two_streams_of(rows)

    length = int.from_bytes(body[:8], "little")
    first, differing = (
        pl.read_ipc_stream(io.BytesIO(part)) for part in (body[8 : 8 + length], body[8 + length :])
    )
    assert (first.shape, differing.shape) == ((1, 2), (1_000, 1))
    assert body.count(b"a source") == 1
