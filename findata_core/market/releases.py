"""When prices were received, where they became known later: answers that were held at first, and then released.

What belongs here: received_time beside ingest_time. What does not: the scale that follows from it (scales, adjusting),
which answers were released (findata_resources/stores/holds.py).

A provider quotes in the shares of the day it answers, whenever somebody releases the answer: ingest_time says since
when it is known, which is the release.
"""

from __future__ import annotations

import polars as pl

INSTANT = pl.Datetime("us", "UTC")
RECEIVED = "received_time"
CANDLE = ["instrument_id", "source_interval", "session_date", "ingest_time"]
RELEASED_SCHEMA = {
    "payload_id": pl.Int64(),
    "instrument_id": pl.String(),
    "source_interval": pl.String(),
    "session_date": pl.Date(),
    "ingest_time": INSTANT,
    RECEIVED: INSTANT,
}


def with_received_times(rows: pl.DataFrame, released: pl.DataFrame) -> pl.DataFrame:
    """Add received_time: when the payload of each row was received, or its ingest_time where it was not held.

    `released`: in RELEASED_SCHEMA, what released payloads speak of; where it is empty, no column is added. Bars and
    dividends name their payload; candles do not, and are known since their youngest bar's release; bars that are read
    without their payload are found like candles of their own width.
    """
    if released.is_empty() or rows.is_empty():
        return rows
    if "payload_id" not in rows.columns and "source_interval" not in rows.columns:
        width = pl.when(pl.col("interval") == "1d").then(pl.lit("1d")).otherwise(pl.lit("1m"))
        widths = rows.with_columns(source_interval=width)
        return with_received_times(widths, released).drop("source_interval")
    key = ["payload_id"] if "payload_id" in rows.columns else CANDLE
    # Of answers that are released together the youngest holds.
    times = released.group_by(key).agg(pl.col(RECEIVED).max())
    placed = rows.join(times, on=key, how="left", maintain_order="left")
    return placed.with_columns(pl.col(RECEIVED).fill_null(pl.col("ingest_time")))


def receipt_column(rows: pl.DataFrame) -> str:
    """Return the column that says when each row was received."""
    return RECEIVED if RECEIVED in rows.columns else "ingest_time"
