"""Columns of frames as arrays and arrays as columns, for rules that work on positions of rows.

What belongs here: text as numbers, instants as numbers, rows taken by position, null kept apart from NaN. What does
not: rules of levels (pivots.py) and of signals (pivot_signals.py). A query costs as much on one row as on a thousand,
and a repair asks for one instrument's week: these steps cost what their rows do.

An instant is its microseconds since 1970 in UTC; UNKNOWN, which stands for null, is earlier than all others.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from findata_core.schema.runs import row_places

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
Truths = NDArray[np.bool_]

UNKNOWN = np.iinfo(np.int64).min  # numpy's NaT


def distinct(text: pl.Series) -> tuple[Numbers, list[str | None]]:
    """Return for each value the position among the distinct ones, and those; null is one of them."""
    encoded = text.to_arrow().dictionary_encode(null_encoding="encode")
    return encoded.indices.to_numpy(), encoded.dictionary.to_pylist()


def ranks(text: pl.Series) -> Numbers:
    """Return for each value its number in the order of the distinct ones, null first."""
    positions, values = distinct(text)
    order = sorted(range(len(values)), key=lambda at: (values[at] is not None, values[at] or ""))
    rank = np.empty(len(values), np.int64)
    rank[order] = np.arange(len(values))
    return rank[positions]


def where(mask: pl.Series) -> Numbers:
    """Return the rows for which a mask is true (not null)."""
    return np.flatnonzero(mask.to_numpy())


def common_ranks(first: pl.DataFrame, second: pl.DataFrame, names: Sequence[str]) -> tuple[Numbers, Numbers]:
    """Number the combinations of some columns of text in their order, the same in both frames."""
    numbers = np.zeros(first.height + second.height, np.int64)
    for name in names:
        rank = ranks(pl.concat([first.get_column(name), second.get_column(name)]))
        numbers = numbers * (rank.max(initial=0) + 1) + rank
    return numbers[: first.height], numbers[first.height :]


def instants(column: pl.Series) -> Numbers:
    """Return a column of instants as numbers."""
    numbers: Numbers = column.to_numpy().view(np.int64)
    return numbers


def instants_column(name: str, values: Numbers) -> pl.Series:
    """Return numbers as a column of instants, UNKNOWN as null."""
    return pl.Series(name, pa.array(values.view("datetime64[us]"), pa.timestamp("us", "UTC")))


def floats_column(name: str, values: Floats, is_null: Truths) -> pl.Series:
    """Return numbers as a column, null where they are said to be."""
    return pl.Series(name, pa.array(values, mask=is_null))


def instants_text(column: pl.Series) -> pa.Array:
    """Return instants as text, to the second: 2022-06-06T13:30:00Z."""
    seconds = pa.array(column.to_numpy().astype("datetime64[s]"), pa.timestamp("s", "UTC"))
    return pc.replace_substring(seconds.cast(pa.large_string()), " ", "T")


def joined_text(columns: Sequence[pa.Array]) -> pa.Array:
    """Return the text of each row, joined by slashes; null where any is."""
    return pc.binary_join_element_wise(*columns, pa.scalar("/", pa.large_string()))


def text_lists(name: str, text: pa.Array, edges: Numbers) -> pl.Series:
    """Return a column of lists: those of the text between one edge and the next."""
    return pl.Series(name, pa.LargeListArray.from_arrays(pa.array(edges), text))


def gathered(frame: pl.DataFrame, names: Sequence[str], positions: Numbers) -> pl.DataFrame:
    """Return the rows at these positions, with some of their columns."""
    rows = row_places(positions)
    return pl.DataFrame([frame.get_column(name)[rows] for name in names])


def starts_run(numbers: Numbers) -> Truths:
    """Return for each number whether it is another than the one before it; the first is."""
    return np.concatenate([[True], numbers[1:] != numbers[:-1]])[: len(numbers)]


def expanded(first: Numbers, end: Numbers) -> tuple[Numbers, Numbers]:
    """Return each range [first, end) number by number: the position of its range, and the number."""
    counts = np.maximum(end - first, 0)
    of = np.repeat(np.arange(len(counts)), counts)
    return of, np.arange(len(of)) + np.repeat(first - (np.cumsum(counts) - counts), counts)
