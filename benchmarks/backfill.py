"""Backfill: from files to bars, candles, coverage and the lake, for more and more sessions of one universe.

What belongs here: how time and memory grow with the number of sessions. Each size is a process of its own (its
peak memory is its own) with a database and a bucket of its own; the files are written beforehand. What does not:
Dagster, which end_to_end measures.

    python -m benchmarks.backfill FOLDER      what the process of one size runs
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from psycopg import sql

from benchmarks.folders import write_months, write_universe
from benchmarks.measuring import Line, peak_gb, seconds_of
from benchmarks.processor import processor_seconds_of
from benchmarks.servers import temporary_home, temporary_servers
from benchmarks.year import PRESENCE, frame_of, make_year
from findata_assets.steps.due_steps import STEPS
from findata_assets.steps.platform import open_platform
from findata_assets.steps.sources import load_recorded, refresh_reference
from findata_core.calendars import sessions_of
from findata_resources.embedded.orchestrator import dagster_environment
from findata_resources.environment import PROJECT, Endpoints, Settings, load_settings
from findata_resources.migrations.migrate import migrate

SIZES = (25, 50, 100, 250)
INSTRUMENTS = 40  # of all sizes together 17,000 instrument-sessions: minutes, not an hour
FIRST = date(2025, 1, 2)
TARGET_EXPONENT = 1.05
# Flat means: what a month of sessions takes, not what a year does. The rest is measured noise of the allocator.
TARGET_GROWTH = 1.25
COUNT = sql.SQL("SELECT count(*) FROM market.bars")
BACKFILLED = ("market.bars", "market.candles", "ops.coverage")


def run(instruments: int = INSTRUMENTS, sizes: tuple[int, ...] = SIZES) -> list[Line]:
    """Backfill each number of sessions and report how time and peak memory grow."""
    found = {size: _measure(size, instruments) for size in sizes}
    seconds = {size: record["seconds"] for size, record in found.items()}
    peaks = {size: record["peak_gb"] for size, record in found.items()}
    processor = {size: record["processor"] for size, record in found.items()}
    exponent = _slope([math.log(size) for size in sizes], [math.log(seconds[size]) for size in sizes])
    each = {size: processor[size] / size for size in sizes}
    # A month is held at a time: from the first size that holds a whole one on, memory may not grow.
    detail = ", ".join(f"{size}: {seconds[size]:.0f} s" for size in sizes)
    memory = ", ".join(f"{size}: {peaks[size]:.2f} GB" for size in sizes)
    rows = found[sizes[-1]]["rows"]
    return [
        Line(
            f"backfill of {instruments} instruments: exponent of time over sessions",
            exponent,
            TARGET_EXPONENT,
            f"{detail}; {rows:,.0f} bars at last",
        ),
        Line(
            "backfill: processor time of a session, most sessions against fewest",
            each[sizes[-1]] / each[sizes[0]],
            None,
            ", ".join(f"{size}: {processor[size]:.0f} s" for size in sizes)
            + " of the process and the servers",
        ),
        Line(
            "backfill: peak memory, most sessions against fewest",
            peaks[sizes[-1]] / peaks[sizes[0]],
            TARGET_GROWTH,
            memory,
        ),
    ]


def _measure(size: int, instruments: int) -> dict[str, float]:
    """Backfill so many sessions on servers of their own."""
    with temporary_home() as home:
        _write(home, size, instruments)
        with temporary_servers(home, universe=home / "universe.csv") as (
            settings,
            endpoints,
        ):
            migrate(endpoints.database_url)
            found: dict[str, float] = {}
            servers = processor_seconds_of(home, lambda: found.update(_process(home, settings, endpoints)))
            return {**found, "processor": found["processor"] + servers}


def _write(home: Path, size: int, instruments: int) -> None:
    days = sessions_of("XNYS", FIRST, FIRST + timedelta(days=size * 2)).get_column("session_date")
    rows = frame_of(make_year(instruments, first=FIRST, last=days[size - 1], presence=PRESENCE))
    write_months(home / "recorded", rows)
    write_universe(home / "universe.csv", rows.get_column("instrument_id").unique().sort())


def _process(home: Path, settings: Settings, endpoints: Endpoints) -> dict[str, float]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("FINDATA_")}
    own = {**dagster_environment(settings, endpoints), "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "benchmarks.backfill", str(home / "recorded")]
    done = subprocess.run(
        command, check=False, cwd=home, env={**others, **own}, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _slope(x: list[float], y: list[float]) -> float:
    """Least squares."""
    frame = pl.DataFrame({"x": x, "y": y})
    return float(frame.select(pl.cov("x", "y") / pl.var("x")).item())


def main(folder: Path) -> None:
    """Load a folder and run what is due; print seconds and peak memory."""
    platform = open_platform(load_settings(_env_file=None))
    refresh_reference(platform)
    start, computed = time.perf_counter(), time.process_time()
    parts = {"raw": seconds_of(lambda: load_recorded(platform, folder, None, "bars"))}
    for name in BACKFILLED:
        parts[name] = seconds_of(lambda name=name: STEPS[name](platform))  # type: ignore[misc]
    seconds = time.perf_counter() - start
    processor = time.process_time() - computed
    count = platform.store.database.frame(COUNT).item()
    print(
        json.dumps({"seconds": seconds, "processor": processor, "peak_gb": peak_gb(), "rows": count, **parts})
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
