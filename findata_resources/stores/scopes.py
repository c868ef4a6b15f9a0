"""Scopes: which rows belong to which (subject, date, slice) of a table, and which scopes differ.

What belongs here: frames in, frames out. What does not: SQL (digest_book, timescale).
"""

from collections.abc import Callable, Iterable
from datetime import date
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from findata_core.schema import runs
from findata_core.schema.hashing import WHOLE_HISTORY
from findata_core.schema.tables import Table

SCOPE = ["subject", "scope_date", "slice"]
SCOPE_SCHEMA = {"subject": pl.String, "scope_date": pl.Date, "slice": pl.String}

Scope: TypeAlias = tuple[str, date, str]


def scope_set(scopes: pl.DataFrame) -> set[Scope]:
    """Return the (subject, scope_date, slice) of each line."""
    return set(zip(*(scopes.get_column(name).to_list() for name in SCOPE), strict=True))


def scopes_frame(scopes: Iterable[Scope]) -> pl.DataFrame:
    """Return scopes as a frame, in the order given."""
    return pl.DataFrame(list(scopes), schema=SCOPE_SCHEMA, orient="row")


def changed_scopes(
    fresh: pl.DataFrame, stored: pl.DataFrame, always: frozenset[tuple[str, date]] = frozenset()
) -> pl.DataFrame:
    """Return the scopes that are new, different or gone, and those to be done in any case."""
    new, old = _sums(fresh), _sums(stored)
    return scopes_frame(
        scope
        for scope in {**new, **old}
        if new.get(scope) != old.get(scope) or (scope[0], scope[1]) in always
    )


def _sums(scopes: pl.DataFrame) -> dict[Scope, str]:
    columns = (scopes.get_column(name).to_list() for name in SCOPE)
    return dict(zip(zip(*columns, strict=True), scopes.get_column("sha256").to_list(), strict=True))


def stale_pairs(marks: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Return the (subject, scope_date) pairs of marks that are no longer held."""
    pair = ["subject", "scope_date"]
    if held.height == marks.height:
        return pairs_frame(())
    return marks.select(pair).join(held.select(pair), on=pair, how="anti")


def scope_expressions(target: Table) -> list[pl.Expr]:
    day = pl.col(target.digest_date) if target.digest_date else pl.lit(WHOLE_HISTORY)
    parts = [pl.col(name) for name in target.digest_slice] or [pl.lit("")]
    return [
        pl.col(target.digest_subject).alias("subject"),
        day.alias("scope_date"),
        pl.concat_str(parts, separator="/").alias("slice"),
    ]


def pairs_of(target: Table, rows: pl.DataFrame) -> set[tuple[str, date]]:
    """Return the (subject, scope_date) pairs of rows; quick where the rows of a pair lie together."""
    return {scope[:2] for scope in _scopes_at(target, rows, runs.starts(rows, _told_by(target)))}


def rows_of(target: Table, rows: pl.DataFrame, scopes: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that belong to the scopes, in their order."""
    if scopes.is_empty() or rows.is_empty():
        return rows.clear()
    wanted = scope_set(scopes)
    return runs.chosen(rows, _belonging(target, rows, lambda scope: scope in wanted))


def split(target: Table, rows: pl.DataFrame, pairs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split rows into those outside and those inside the (subject, scope_date) pairs."""
    if pairs.is_empty() or rows.is_empty():
        return rows, rows.clear()
    wanted = scope_pairs(pairs)
    is_inside = _belonging(target, rows, lambda scope: scope[:2] in wanted)
    return runs.chosen(rows, ~is_inside), runs.chosen(rows, is_inside)


def _belonging(target: Table, rows: pl.DataFrame, is_wanted: Callable[[Scope], bool]) -> runs.Flags:
    """Return which rows are of wanted scopes; they mostly lie together, and each run is asked once."""
    first = runs.starts(rows, _told_by(target))
    wanted = np.array([is_wanted(scope) for scope in _scopes_at(target, rows, first)], np.bool_)
    return np.repeat(wanted, np.diff(np.append(first, rows.height)))


def _told_by(target: Table) -> list[str]:
    """Return the columns that tell scopes apart; digests and what is like them name scopes as such."""
    if set(SCOPE) <= set(target.column_names):
        return SCOPE
    return [name for name in (target.digest_subject, target.digest_date, *target.digest_slice) if name]


def _scopes_at(target: Table, rows: pl.DataFrame, first: npt.NDArray[np.int64]) -> list[Scope]:
    names = _told_by(target)
    found = runs.values_at(rows, names, first)
    if names is SCOPE:
        return [(subject, day, part) for subject, day, part in found]
    if not target.digest_date:
        return [(subject, WHOLE_HISTORY, "/".join(parts)) for subject, *parts in found]
    return [(subject, day, "/".join(parts)) for subject, day, *parts in found]


def pairs_frame(pairs: Iterable[tuple[str, date]]) -> pl.DataFrame:
    """Return (subject, scope_date) pairs as a frame, sorted."""
    return pl.DataFrame(sorted(pairs), schema={"subject": pl.String, "scope_date": pl.Date}, orient="row")


def scope_pairs(scopes: pl.DataFrame) -> set[tuple[str, date]]:
    """Return the (subject, scope_date) of each line."""
    return set(
        zip(scopes.get_column("subject").to_list(), scopes.get_column("scope_date").to_list(), strict=True)
    )


def difference(old: pl.DataFrame, new: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows that are only in `old` and those that are only in `new`, all columns compared.

    No row stands twice in either.
    """
    if old.is_empty() or new.is_empty():
        return old, new
    old, new = _without_pairs(old, new)
    columns = new.columns
    if old.is_empty() or new.is_empty():
        return old, new
    gone = old.join(new, on=columns, how="anti", nulls_equal=True)
    return gone, new.join(old, on=columns, how="anti", nulls_equal=True)


def _without_pairs(old: pl.DataFrame, new: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Leave out rows that are the same in the same place: mostly all but a few, which no join need look at."""
    if old.height != new.height:
        return old, new
    differs = np.zeros(new.height, np.bool_)
    for name in new.columns:
        differs |= runs.differences(old.get_column(name), new.get_column(name))
    return runs.chosen(old, differs), runs.chosen(new, differs)
