"""Folders of recorded files for the benchmarks: a session as a CSV file an instrument, with its manifest.

What belongs here: the files as a user would have them. What does not: reading them.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl

# A day later no provider corrects minutes any more, so that nothing is asked or folded twice.
MANIFEST = """\
title = "A seeded session"

[[set]]
name = "seeded_1m"
files = "*.csv"
dataset = "bars"
source = "seeded"
interval = "1m"
adjustment = "split"
received = {received}T12:00:00Z

[set.instrument]
path_pattern = '^(?P<symbol>.+)\\.csv$'
mic = "XNYS"

[set.time]
column = "time"
label = "start"
"""
UNIVERSE_HEADER = "instrument_id,mic,currency,price_units,yahoo,from_date,to_date"


def write_session(folder: Path, rows: pl.DataFrame, session_date: date) -> None:
    """Write rows of market.bars of one session, a file an instrument, and recorded.toml."""
    folder.mkdir()
    for (instrument_id,), bars in rows.group_by(["instrument_id"], maintain_order=True):
        stamps = pl.col("event_time").dt.to_string("%Y-%m-%d %H:%M:%S%:z").alias("time")
        bars.select(stamps, "open", "high", "low", "close", "volume").write_csv(
            folder / f"{str(instrument_id).removesuffix('.XNYS')}.csv"
        )
    received = session_date + timedelta(days=1)
    (folder / "recorded.toml").write_text(MANIFEST.format(received=received.isoformat()))


def write_months(folder: Path, rows: pl.DataFrame) -> None:
    """Write rows of market.bars of many sessions, a file an instrument and month, and recorded.toml."""
    folder.mkdir()
    month = pl.col("session_date").dt.strftime("%Y-%m").alias("month")
    for (instrument_id, name), bars in rows.with_columns(month).group_by(
        ["instrument_id", "month"], maintain_order=True
    ):
        stamps = pl.col("event_time").dt.to_string("%Y-%m-%d %H:%M:%S%:z").alias("time")
        bars.select(stamps, "open", "high", "low", "close", "volume").write_csv(
            folder / f"{str(instrument_id).removesuffix('.XNYS')}_{name}.csv"
        )
    last = rows.get_column("session_date").max()
    assert isinstance(last, date)
    manifest = MANIFEST.replace("(?P<symbol>.+)\\.csv", "(?P<symbol>[^_]+)_.+\\.csv")
    (folder / "recorded.toml").write_text(manifest.format(received=(last + timedelta(days=1)).isoformat()))


def write_universe(path: Path, instrument_ids: pl.Series) -> None:
    """Write the universe file of instruments of New York."""
    lines = [f"{name},XNYS,USD,1,{name.removesuffix('.XNYS')},2019-11-26," for name in instrument_ids]
    path.write_text("\n".join([UNIVERSE_HEADER, *lines, ""]))
