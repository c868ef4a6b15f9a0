"""Pandera schemas derived from the contract, and the split of a batch into good rows and failures.

Only eager frames are validated: a lazy frame with bad rows passes at the schema level alone. Uniqueness
is asked of sorted neighbours, which is a fifth of the cost of hashing every key.
"""

from dataclasses import dataclass
from functools import cache
from typing import cast

import numpy as np
import numpy.typing as npt
import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaErrors

from findata_core.rules import Rule, rules_of
from findata_core.schema.frames import POLARS_TYPES, polars_schema
from findata_core.schema.tables import Column, ColumnKind, Table

KEY_NOT_INCREASING = "key_not_increasing"
FAILURE_SCHEMA = {"row_number": pl.Int64, "rule": pl.String, "reason": pl.String}


@dataclass(frozen=True)
class Validated:
    """A batch split in two: `good` rows in their order, and one failure per row and rule broken.

    `failures`: row_number (position in the batch, -1 for the batch as a whole), rule, reason.
    """

    good: pl.DataFrame
    failures: pl.DataFrame


def validate(table: Table, frame: pl.DataFrame) -> Validated:
    """Split a frame in the table's shape, sorted by business key, by the table's schema and domain rules."""
    try:
        pandera_schema(table).validate(frame, lazy=True)
    except SchemaErrors as errors:
        failures = _failures(table, errors)
        bad = failures.get_column("row_number")
        if (bad < 0).any():
            return Validated(frame.clear(), failures)
        is_bad = pl.int_range(pl.len()).is_in(bad.to_list())
        return Validated(frame.filter(~is_bad), failures)
    return Validated(frame, pl.DataFrame(schema=FAILURE_SCHEMA))


def sift(table: Table, frame: pl.DataFrame) -> Validated:
    """Do what validate() does, for the many small batches of a load.

    Pandera makes some seventy queries a call, 20 ms however few the rows. One query with the same
    expressions tells whether there is anything for it to find; only then it is asked what and where.
    """
    if obeys(table, frame):
        return Validated(frame, pl.DataFrame(schema=FAILURE_SCHEMA))
    return validate(table, frame)


def obeys(table: Table, frame: pl.DataFrame, within: str | None = None) -> bool:
    """Tell whether validate() would find nothing, in one query.

    `within`: the column that tells several batches in one frame apart; keys are unique within each.
    """
    schema = polars_schema(table)
    if frame.columns != schema.names() or frame.dtypes != schema.dtypes():
        return False
    is_filled = all(_is_filled(column, frame.get_column(column.name)) for column in table.columns)
    if not is_filled or _repeats_key(table, frame, within).any():
        return False
    return bool(frame.select(_obeys_rules(table)).item())


@cache
def pandera_schema(table: Table) -> pa.DataFrameSchema:
    """Return the Pandera (Polars) schema: dtypes, nulls, bounds, allowed values, domain rules, unique keys."""
    return pa.DataFrameSchema(
        {column.name: _pandera_column(column) for column in table.columns},
        checks=[
            *(_rule_check(rule) for rule in rules_of(table.message)),
            pa.Check(lambda data: _key_passes(table, data.lazyframe), name=KEY_NOT_INCREASING),
        ],
        strict=True,
        ordered=True,
        name=table.address,
    )


def reasons(table: Table) -> dict[str, str]:
    """Return every rule of the table and what a row that breaks it has, for documentation and reports."""
    bounds = {rule: reason for column in table.columns for rule, reason in _column_rules(column).items()}
    return {
        **bounds,
        **{rule.name: rule.reason for rule in rules_of(table.message)},
        KEY_NOT_INCREASING: f"({', '.join(table.business_key)}) is not unique",
    }


@cache
def _obeys_rules(table: Table) -> pl.Expr:
    """Return one value: whether every row is good by bounds and domain rules; null says nothing against it."""
    bounds = [is_good for column in table.columns for is_good in _bounds(column).values()]
    rules = [rule.is_good for rule in rules_of(table.message)]
    return pl.all_horizontal(*bounds, *rules, pl.lit(value=True)).all()


def _is_filled(column: Column, values: pl.Series) -> bool:
    """Tell whether a column has a value in every row, if it must; to Pandera a NaN is none."""
    if column.is_nullable:
        return True
    is_number = column.kind is ColumnKind.FLOAT64
    return not values.has_nulls() and not (is_number and np.isnan(values.to_numpy()).any())


def _column_rules(column: Column) -> dict[str, str]:
    rules = {}
    if not column.is_nullable:
        rules[f"{column.name}_null"] = f"{column.name} is null"
    if column.minimum is not None:
        rules[f"{column.name}_below_minimum"] = f"{column.name} is below {column.minimum:g}"
    if column.maximum is not None:
        rules[f"{column.name}_above_maximum"] = f"{column.name} is above {column.maximum:g}"
    if column.allowed:
        rules[f"{column.name}_not_allowed"] = f"{column.name} is none of {', '.join(column.allowed)}"
    if column.pattern:
        rules[f"{column.name}_malformed"] = f"{column.name} does not match {column.pattern}"
    return rules


def _bounds(column: Column) -> dict[str, pl.Expr]:
    """Return what the values of a column must be, by the name of the rule."""
    value = pl.col(column.name)
    bounds = {}
    if column.minimum is not None:
        bounds[f"{column.name}_below_minimum"] = value >= column.minimum
    if column.maximum is not None:
        bounds[f"{column.name}_above_maximum"] = value <= column.maximum
    if column.allowed:
        bounds[f"{column.name}_not_allowed"] = value.is_in(list(column.allowed))
    if column.pattern:
        bounds[f"{column.name}_malformed"] = value.str.contains(f"^(?:{column.pattern})$")
    return bounds


def _pandera_column(column: Column) -> pa.Column:
    return pa.Column(
        POLARS_TYPES[column.kind],
        checks=[_check(name, is_good) for name, is_good in _bounds(column).items()],
        nullable=column.is_nullable,
        description=column.comment,
        metadata={"unit": column.unit},
    )


def _rule_check(rule: Rule) -> pa.Check:
    return _check(rule.name, rule.is_good)


def _check(name: str, is_good: pl.Expr) -> pa.Check:
    passes = _passes(is_good).alias(name)
    return pa.Check(lambda data: data.lazyframe.select(passes), name=name)


def _passes(is_good: pl.Expr) -> pl.Expr:
    # A comparison with null is null: whether a null is allowed is the column's question, not the rule's.
    return is_good.fill_null(value=True)


def _key_passes(table: Table, frame: pl.LazyFrame) -> pl.LazyFrame:
    return pl.LazyFrame({KEY_NOT_INCREASING: ~_repeats_key(table, frame.collect())})


def _repeats_key(table: Table, frame: pl.DataFrame, within: str | None = None) -> npt.NDArray[np.bool_]:
    """Tell of each row whether it has the key of the one before; times come first, in which most rows differ.

    Before the first row there is nothing, which is null in every column.
    """
    is_repeated = np.ones(frame.height, dtype=np.bool_)
    for name in (*reversed(table.business_key), *([within] if within else [])):
        if not is_repeated.any():
            break
        values = frame.get_column(name)
        is_repeated[0] &= values[0] is None
        is_repeated[1:] &= values[1:].eq_missing(values[:-1]).to_numpy()
    return is_repeated


def _failures(table: Table, errors: SchemaErrors) -> pl.DataFrame:
    known = reasons(table)
    cases = cast("pl.DataFrame", errors.failure_cases)
    rule = (
        pl.when(pl.col("check") == "not_nullable")
        .then(pl.col("column") + "_null")
        .otherwise(pl.col("check"))
        .alias("rule")
    )
    return (
        cases.select(pl.col("index").cast(pl.Int64).fill_null(-1).alias("row_number"), rule)
        .with_columns(pl.col("rule").replace_strict(known, default=pl.col("rule")).alias("reason"))
        .unique(maintain_order=True)
        .sort("row_number", "rule")
    )
