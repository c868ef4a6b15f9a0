"""A session end to end: the command `findata materialize` through Dagster against its pure functions alone.

What belongs here: the two sides, and the proof by content hash that both come to the same rows. What does
not: the functions' own script (pure_script), the files (folders), servers.

The command is measured whole, as a process: its start, Dagster's runs, raw bodies to S3, the books, every
table, the lake, every check. The script starts with the bodies in memory and ends with digests.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl

from benchmarks import pure_script
from benchmarks.folders import write_session, write_universe
from benchmarks.measuring import Line, seconds_of
from benchmarks.servers import temporary_home, temporary_servers
from benchmarks.year import make_session
from findata_core.schema.tables import table
from findata_resources.embedded.orchestrator import dagster_environment
from findata_resources.environment import PROJECT, Endpoints, Settings
from findata_resources.migrations.migrate import migrate
from findata_resources.stores.statements import DAY
from findata_resources.stores.timescale import TimescaleStore

TARGET_RATIO, TARGET_FURTHER_SECONDS = 1.5, 10.0
# The first one pays for calendars and Dagster's own tables and is not measured.
SESSIONS = (date(2025, 6, 2), date(2025, 6, 3), date(2025, 6, 4), date(2025, 6, 5))
COMPARED = ("market.bars", "market.candles")


def run(instruments: int = 200, repeats: int = 3) -> list[Line]:
    """Compare the sides, a fresh session each time."""
    with temporary_home() as home:
        folders = _write_folders(home, instruments, SESSIONS[: repeats + 1])
        with temporary_servers(home, universe=home / "universe.csv") as (settings, endpoints):
            migrate(endpoints.database_url)
            through, pure = _measure(folders, settings, endpoints)
    allowed = TARGET_RATIO * pure + TARGET_FURTHER_SECONDS
    detail = (
        f"{instruments} payloads, {instruments * 390:,} bars: {through:.1f} s against {pure:.2f} s; allowed are "
        f"{TARGET_RATIO} x {pure:.2f} + {TARGET_FURTHER_SECONDS:.0f} = {allowed:.1f} s; medians of {repeats}"
    )
    return [
        Line("end to end: share of the time allowed", through / allowed, 1.0, detail),
        Line("end to end: through Dagster, against the pure functions", through / pure, None, detail),
    ]


def _write_folders(home: Path, instruments: int, dates: tuple[date, ...]) -> dict[date, Path]:
    folders = {}
    for number, day in enumerate(dates):
        rows = make_session(instruments, seed=number, session_date=day)
        folders[day] = home / f"recorded-{day}"
        write_session(folders[day], rows, day)
    write_universe(home / "universe.csv", rows.get_column("instrument_id").unique().sort())
    return folders


def _measure(folders: dict[date, Path], settings: Settings, endpoints: Endpoints) -> tuple[float, float]:
    """Median seconds of the command and of the script."""
    through, pure = [], []
    for day, folder in folders.items():
        through.append(seconds_of(lambda folder=folder: _materialize(folder, settings, endpoints)))  # type: ignore[misc]
        answers = pure_script.read_folder(folder, day)
        pure.append(seconds_of(lambda answers=answers: pure_script.run(answers)))  # type: ignore[misc]
        _assert_same_rows(pure_script.run(answers), endpoints.database_url, day)
    return statistics.median(through[1:]), statistics.median(pure[1:])


def _materialize(folder: Path, settings: Settings, endpoints: Endpoints) -> None:
    command = [sys.executable, "-m", "findata_cli", "materialize", "--recorded", str(folder)]
    others = {name: value for name, value in os.environ.items() if not name.startswith("FINDATA_")}
    others.pop("PYTHONDONTWRITEBYTECODE", None)  # modules are compiled once, as for anybody
    own = {**dagster_environment(settings, endpoints), "PYTHONPATH": str(PROJECT)}
    # Its own folder, so that a developer's .env is not read.
    done = subprocess.run(
        command, check=False, cwd=folder, env={**others, **own}, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def _assert_same_rows(expected: dict[str, pl.DataFrame], database_url: str, day: date) -> None:
    store = TimescaleStore(database_url)
    try:
        for address in COMPARED:
            stored = store.digests(table(address), day, day + DAY)
            columns = ["subject", "scope_date", "slice", "sha256"]
            mine = expected[address].select(columns).sort(columns)
            if not stored.select(columns).sort(columns).equals(mine):
                raise AssertionError(f"The sides differ in {address} of {day}")
    finally:
        store.close()
