"""Scopes: which rows belong to which (subject, date, slice) of a table, and which scopes differ.

What belongs here: frames in, frames out. What does not: SQL (digest_book, timescale).
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import TypeAlias

import polars as pl

from findata_core.schema.hashing import WHOLE_HISTORY
from findata_core.schema.tables import Table

SCOPE = ["subject", "scope_date", "slice"]
SCOPE_SCHEMA = {"subject": pl.String, "scope_date": pl.Date, "slice": pl.String}
# Scopes of so few rows are told apart in Python: a join of Polars takes as long as looking at a thousand.
FEW_ROWS = 1_000

Scope: TypeAlias = tuple[str, date, str]


def scope_set(scopes: pl.DataFrame) -> set[Scope]:
    """Return the (subject, scope_date, slice) of each line."""
    return set(zip(*(scopes.get_column(name).to_list() for name in SCOPE), strict=True))


def scopes_frame(scopes: Iterable[Scope]) -> pl.DataFrame:
    """Return scopes as a frame, in the order given."""
    return pl.DataFrame(list(scopes), schema=SCOPE_SCHEMA, orient="row")


def first_of_runs(rows: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Return these columns of each row in which one of them is not what it is in the row before."""
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in columns)
    return rows.select(columns).filter(differs | (pl.int_range(pl.len()) == 0))


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
    columns = [name for name in (target.digest_subject, target.digest_date) if name]
    subject, day, _ = scope_expressions(target)
    return set(first_of_runs(rows, columns).select(subject, day).iter_rows())


def rows_of(target: Table, rows: pl.DataFrame, scopes: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that belong to the scopes, in their order."""
    if scopes.is_empty() or rows.is_empty():
        return rows.clear()
    if rows.height <= FEW_ROWS:
        return _few_rows_of(target, rows, scope_set(scopes))
    keyed = rows.with_columns(scope_expressions(target)) if not _has_scope_columns(target) else rows
    return keyed.join(scopes.select(SCOPE), on=SCOPE, how="semi", maintain_order="left").select(rows.columns)


def _few_rows_of(target: Table, rows: pl.DataFrame, scopes: set[Scope]) -> pl.DataFrame:
    """Do what rows_of() does, row by row; mostly all of them or none belong to the scopes."""
    belongs = [scope in scopes for scope in _scopes_of_rows(target, rows)]
    if all(belongs):
        return rows
    return rows.filter(pl.Series(belongs)) if any(belongs) else rows.clear()


def _scopes_of_rows(target: Table, rows: pl.DataFrame) -> Iterator[Scope]:
    if _has_scope_columns(target):
        return zip(*(rows.get_column(name).to_list() for name in SCOPE), strict=True)
    count = rows.height
    subjects = rows.get_column(target.digest_subject).to_list()
    days = rows.get_column(target.digest_date).to_list() if target.digest_date else [WHOLE_HISTORY] * count
    parts = [rows.get_column(name).to_list() for name in target.digest_slice]
    slices = ["/".join(texts) for texts in zip(*parts, strict=True)] if parts else [""] * count
    return zip(subjects, days, slices, strict=True)


def _has_scope_columns(target: Table) -> bool:
    return set(SCOPE) <= set(target.column_names)


def split(target: Table, rows: pl.DataFrame, pairs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split rows into those outside and those inside the (subject, scope_date) pairs."""
    if pairs.is_empty() or rows.is_empty():
        return rows, rows.clear()
    keyed = rows.with_columns(scope_expressions(target))
    on = ["subject", "scope_date"]
    outside = keyed.join(pairs, on=on, how="anti").select(rows.columns)
    return outside, keyed.join(pairs, on=on, how="semi").select(rows.columns)


def pairs_frame(pairs: Iterable[tuple[str, date]]) -> pl.DataFrame:
    """Return (subject, scope_date) pairs as a frame, sorted."""
    return pl.DataFrame(sorted(pairs), schema={"subject": pl.String, "scope_date": pl.Date}, orient="row")


def scope_pairs(scopes: pl.DataFrame) -> set[tuple[str, date]]:
    """Return the (subject, scope_date) of each line."""
    return set(
        zip(scopes.get_column("subject").to_list(), scopes.get_column("scope_date").to_list(), strict=True)
    )


def difference(old: pl.DataFrame, new: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows that are only in `old` and those that are only in `new`, all columns compared."""
    if old.is_empty() or new.is_empty():
        return old, new
    columns = new.columns
    gone = old.join(new, on=columns, how="anti", nulls_equal=True)
    return gone, new.join(old, on=columns, how="anti", nulls_equal=True)
