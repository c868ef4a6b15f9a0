"""Validating a month of minutes: Pandera with the rules of the contract against one compiled pass.

What belongs here: the sides, and the proof that both judge alike. What does not: the compiled pass itself
(numba_rules), the data (year).
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from benchmarks import numba_rules
from benchmarks.measuring import Line, medians
from benchmarks.year import frame_of, make_year
from findata_core.schema.tables import table
from findata_core.schema.validation import reasons, validate

TARGET_RATIO = 8.0
BARS = table("market.bars")
# 23 sessions: 1.7 million minutes of 200 instruments.
MONTH = (date(2025, 10, 1), date(2025, 10, 31))


def run(instruments: int = 200, repeats: int = 15) -> list[Line]:
    """Compare the sides on good rows, which is what a run nearly always sees."""
    rows = frame_of(make_year(instruments, first=MONTH[0], last=MONTH[1]))
    assert_same_judgement(rows.head(10_000))
    arrays = numba_rules.arrays_of(rows)
    sides = {
        "findata": lambda: validate(BARS, rows),
        "numba": lambda: numba_rules.broken_rules(arrays),
    }
    seconds = medians(sides, repeats)
    detail = (
        f"{rows.height:,} rows, {len(reasons(BARS))} rules: {seconds['findata'] * 1000:.0f} ms against "
        f"{seconds['numba'] * 1000:.1f} ms, medians of {repeats}"
    )
    ratio = seconds["findata"] / seconds["numba"]
    return [Line("validation: a month, against numba in parallel", ratio, TARGET_RATIO, detail)]


def assert_same_judgement(rows: pl.DataFrame) -> None:
    """Break every rule somewhere; both sides must name the same rows for the same rule."""
    faulty = _with_faults(rows)
    failures = validate(BARS, faulty).failures
    judged = numba_rules.broken_rules(numba_rules.arrays_of(faulty))
    for bit, rule in enumerate(numba_rules.RULES):
        mine = failures.filter(_is_about(rule)).get_column("row_number").unique().sort().to_list()
        theirs = [number for number, bits in enumerate(judged.tolist()) if bits >> bit & 1]
        if mine != theirs or not mine:
            raise AssertionError(f"The sides differ in {rule}: {mine} and {theirs}")


def _is_about(rule: str) -> pl.Expr:
    return pl.col("rule").str.ends_with("_null") if rule == "null" else pl.col("rule") == rule


def _with_faults(rows: pl.DataFrame) -> pl.DataFrame:
    """One fault a row, in every tenth row; the last one repeats the key of the row before it."""
    faults = (
        pl.lit("3m").alias("interval"),
        pl.lit("doubled").alias("adjustment"),
        pl.lit("night").alias("session_phase"),
        pl.lit(-1, pl.Int64).alias("volume"),
        pl.lit(-1, pl.Int64).alias("trade_count"),
        (pl.col("low") - 1).alias("high"),
        (pl.col("high") + 1).alias("low"),
        pl.lit(0.0).alias("low"),
        pl.lit(float("inf")).alias("high"),
        (pl.col("event_time") + timedelta(seconds=1)).alias("event_time"),
        (pl.col("event_time") - timedelta(hours=1)).alias("settles_time"),
        pl.lit(None, pl.Float64).alias("close"),
        pl.col("event_time").shift().alias("event_time"),
    )
    number = pl.int_range(pl.len())
    for place, fault in enumerate(faults, start=1):
        name = fault.meta.output_name()
        rows = rows.with_columns(
            pl.when(number == place * 10).then(fault).otherwise(pl.col(name)).alias(name)
        )
    return rows
