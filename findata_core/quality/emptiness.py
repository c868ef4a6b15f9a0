"""Whether so much of a run's universe has nothing for a session that the source is to blame, not the market.

What belongs here: counting answers of one run. What does not: reading them, and what becomes of them.

Thresholds and why: a third of those asked, on one exchange or on all together, and three instruments at least: one of
three names that is suspended is no outage. A name counts only while it lives: with bars of the source within two
weeks of the session, or none at all yet; one that left the exchange stays empty without anybody's fault.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

LEAST_EMPTY = 3
LEAST_SHARE = 1 / 3
ALIVE = timedelta(days=14)

ASKED_SCHEMA = pl.Schema(
    {
        "answer": pl.Int64(),
        "instrument_id": pl.String(),
        "mic": pl.String(),
        "source": pl.String(),
        "interval": pl.String(),
        "session_date": pl.Date(),
        "has_bars": pl.Boolean(),
        "nearest_date": pl.Date(),
        "is_known": pl.Boolean(),
    }
)


def empty_sessions(asked: pl.DataFrame) -> pl.DataFrame:
    """Return source, interval, session_date, mic ("" for all exchanges), asked, empty: sessions that are too empty.

    `asked`: ASKED_SCHEMA, one row for each session that an answer of the run covers. `nearest_date`: the session
    nearest to it of which the source has brought bars; `is_known`: it has brought some at all.
    """
    distance = (pl.col("nearest_date") - pl.col("session_date")).abs()
    living = asked.filter(~pl.col("is_known") | (distance <= ALIVE).fill_null(value=False))
    per_name = living.group_by("source", "interval", "session_date", "mic", "instrument_id").agg(
        pl.col("has_bars").any()
    )
    both = pl.concat([per_name, per_name.with_columns(mic=pl.lit(""))])
    counts = both.group_by("source", "interval", "session_date", "mic").agg(
        asked=pl.len(), empty=(~pl.col("has_bars")).sum()
    )
    is_too_many = (pl.col("empty") >= LEAST_EMPTY) & (pl.col("empty") >= LEAST_SHARE * pl.col("asked"))
    return counts.filter(is_too_many).sort("source", "interval", "session_date", "mic")


def answers_to_hold(asked: pl.DataFrame, too_empty: pl.DataFrame) -> list[int]:
    """Return the answers without any bar that cover a session that is too empty, those of names that left included."""
    covering = asked.join(too_empty.filter(mic=""), on=["source", "interval", "session_date"], how="semi")
    by_venue = asked.join(too_empty, on=["source", "interval", "session_date", "mic"], how="semi")
    without = asked.group_by("answer").agg(pl.col("has_bars").any()).filter(~pl.col("has_bars"))
    held = pl.concat([covering, by_venue]).join(without, on="answer", how="semi")
    return sorted(held.get_column("answer").unique())


def in_words(too_empty: pl.DataFrame) -> str:
    """Return what was found, the emptiest session first."""
    worst = too_empty.sort("empty", "asked", descending=[True, False]).row(0, named=True)
    day: date = worst["session_date"]
    where = f" on {worst['mic']}" if worst["mic"] else ""
    return (
        f"{worst['empty']} of {worst['asked']} instruments asked{where} have no {worst['interval']} bar of {day}, "
        "which the calendar holds for a session"
    )
