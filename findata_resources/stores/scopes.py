"""Scopes: which rows belong to which (subject, date, slice) of a table, and which scopes differ.

What belongs here: frames in, frames out. What does not: SQL (digest_book, timescale).
"""

from collections.abc import Iterable
from datetime import date

import polars as pl

from findata_core.schema.hashing import WHOLE_HISTORY
from findata_core.schema.tables import Table

SCOPE = ["subject", "scope_date", "slice"]


def first_of_runs(rows: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Return these columns of each row in which one of them is not what it is in the row before."""
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in columns)
    return rows.select(columns).filter(differs | (pl.int_range(pl.len()) == 0))


def changed_scopes(
    fresh: pl.DataFrame, stored: pl.DataFrame, always: frozenset[tuple[str, date]] = frozenset()
) -> pl.DataFrame:
    """Return the scopes that are new, different or gone, and those to be done in any case."""
    both = fresh.join(stored, on=SCOPE, how="full", suffix="_stored", coalesce=True)
    differs = pl.col("sha256").ne_missing(pl.col("sha256_stored"))
    return both.filter(differs | is_pair_of(always) if always else differs).select(SCOPE)


def is_pair_of(pairs: frozenset[tuple[str, date]]) -> pl.Expr:
    return pl.struct("subject", "scope_date").is_in(
        [{"subject": subject, "scope_date": day} for subject, day in pairs]
    )


def stale_pairs(marks: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Return the (subject, scope_date) pairs of marks that are no longer held."""
    pair = ["subject", "scope_date"]
    if held.height == marks.height:
        return marks.select(pair).clear()
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
    keyed = rows.with_columns(scope_expressions(target)) if not _has_scope_columns(target) else rows
    return keyed.join(scopes.select(SCOPE), on=SCOPE, how="semi", maintain_order="left").select(rows.columns)


def _has_scope_columns(target: Table) -> bool:
    return set(SCOPE) <= set(target.column_names)


def split(target: Table, rows: pl.DataFrame, pairs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split rows into those outside and those inside the (subject, scope_date) pairs."""
    keyed = rows.with_columns(scope_expressions(target))
    on = ["subject", "scope_date"]
    outside = keyed.join(pairs, on=on, how="anti").select(rows.columns)
    return outside, keyed.join(pairs, on=on, how="semi").select(rows.columns)


def pairs_frame(pairs: Iterable[tuple[str, date]]) -> pl.DataFrame:
    return pl.DataFrame(sorted(pairs), schema={"subject": pl.String, "scope_date": pl.Date}, orient="row")


def scope_pairs(scopes: pl.DataFrame) -> set[tuple[str, date]]:
    return set(scopes.select("subject", "scope_date").unique().iter_rows())


def difference(old: pl.DataFrame, new: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows that are only in `old` and those that are only in `new`, all columns compared."""
    columns = new.columns
    gone = old.join(new, on=columns, how="anti", nulls_equal=True)
    return gone, new.join(old, on=columns, how="anti", nulls_equal=True)
