"""Runs of rows by arrays: where they start, which hold what is wanted, rows at some places.

What belongs here: questions that are answered by a comparison a row. What does not: what rows mean. Every query of
Polars takes some 30 to 300 microseconds however little there is, as much as comparing ten thousand rows: none is made
here that would give back the frame as it is. Rows mostly come sorted by what they are asked for, so that a session of
an instrument is one run.
"""

from collections.abc import Collection, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

Flags: TypeAlias = npt.NDArray[np.bool_]
Places: TypeAlias = npt.NDArray[np.int64]
Values: TypeAlias = tuple[Any, ...]


def differences(before: pl.Series, after: pl.Series) -> Flags:
    """Return which values differ from those in the same place; null is null, and NaN is NaN."""
    if before.equals(after, null_equal=True):
        return np.zeros(len(after), np.bool_)
    has_nulls = before.null_count() or after.null_count()
    return (before.ne_missing(after) if has_nulls else before != after).to_numpy()


def changes(frame: pl.DataFrame, names: Collection[str]) -> Flags:
    """Return which rows differ in one of the columns from the row before; the first row always does."""
    flags = np.zeros(frame.height, np.bool_)
    flags[:1] = True
    for name in names if frame.height > 1 else ():
        values = frame.get_column(name)
        flags[1:] |= differences(values.slice(0, len(values) - 1), values.slice(1))
    return flags


def starts(frame: pl.DataFrame, names: Collection[str]) -> Places:
    """Return the first row of each run of rows that agree in the columns."""
    return np.flatnonzero(changes(frame, names))


def heads(frame: pl.DataFrame, names: Sequence[str]) -> list[Values]:
    """Return what each run holds in the columns that tell runs apart."""
    return values_at(frame, names, starts(frame, names))


def values_at(frame: pl.DataFrame, names: Sequence[str], places: Places) -> list[Values]:
    """Return what the rows at some places hold in the columns."""
    rows = row_places(places)
    return list(zip(*(frame.get_column(name)[rows].to_list() for name in names), strict=True))


def within(frame: pl.DataFrame, names: Sequence[str], wanted: Collection[Values]) -> Flags:
    """Return which rows hold wanted values in the columns."""
    first = starts(frame, names)
    is_wanted = [values in wanted for values in values_at(frame, names, first)]
    return np.repeat(np.array(is_wanted, np.bool_), np.diff(np.append(first, frame.height)))


def chosen(frame: pl.DataFrame, flags: Flags) -> pl.DataFrame:
    """Return the rows that are flagged, in their order; mostly they are all, or none."""
    if flags.all():
        return frame
    return frame.filter(pl.Series(flags)) if flags.any() else frame.clear()


def rows_where(frame: pl.DataFrame, condition: pl.Series) -> pl.DataFrame:
    """Return the rows of which the condition holds; null: it does not."""
    return frame if condition.sum() == frame.height else frame.filter(condition)


def row_places(places: npt.NDArray[np.integer] | Flags) -> pl.Series:
    """Return places of rows in the type that Polars counts rows in: what is taken by them takes no query."""
    return pl.Series(places.astype(np.uint32))


def rows_at(frame: pl.DataFrame, places: Places) -> pl.DataFrame:
    """Return the rows at these places, in their order; those that follow each other are not copied."""
    first = int(places[0]) if len(places) else 0
    if np.array_equal(places, np.arange(first, first + len(places))):
        return frame.slice(first, len(places))
    return frame[row_places(places)]


def is_of_one(values: pl.Series) -> bool:
    """Tell whether all rows have the same text, as mostly they do."""
    return bool(values.min() == values.max()) and not values.null_count()
