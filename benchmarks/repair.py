"""Repair: one revised bar, from its payload to candles and coverage, against making its session's universe again.

What belongs here: the two sides. What does not: servers, files (folders).
"""

from __future__ import annotations

import statistics
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from benchmarks.folders import write_session, write_universe
from benchmarks.measuring import Line, seconds_of
from benchmarks.servers import temporary_home, temporary_servers
from benchmarks.year import make_session
from findata_assets.steps.due_steps import STEPS
from findata_assets.steps.platform import Platform, open_platform
from findata_assets.steps.receiving import receive
from findata_assets.steps.sources import load_recorded, recorded_answers, refresh_reference
from findata_core.schema.tables import table
from findata_resources.migrations.migrate import migrate
from findata_resources.provider import Received
from findata_resources.stores import due

TARGET_SHARE = 0.01
SESSION = date(2025, 6, 3)
DAY = timedelta(days=1)
REPAIRED = ("market.bars", "market.candles", "ops.coverage")


def run(instruments: int = 200, repeats: int = 5) -> list[Line]:
    """Compare the sides on servers of their own."""
    with temporary_home() as home:
        folder = home / "recorded"
        rows = make_session(instruments, session_date=SESSION)
        write_session(folder, rows, SESSION)
        write_universe(home / "universe.csv", rows.get_column("instrument_id").unique().sort())
        with temporary_servers(home, universe=home / "universe.csv") as (settings, endpoints):
            migrate(endpoints.database_url)
            platform = open_platform(settings)
            try:
                refresh_reference(platform)
                load_recorded(platform, folder, None, "bars")
                _run(platform)
                return _measure(platform, folder, instruments, repeats)
            finally:
                platform.close()


def _measure(platform: Platform, folder: Path, instruments: int, repeats: int) -> list[Line]:
    answers = recorded_answers(platform, folder, None, "bars")
    rebuilt, repaired = [], []
    for turn in range(repeats + 1):
        _mark_everything(platform)
        rebuilt.append(seconds_of(lambda: _run(platform)))
        revised = _revised(answers[turn % len(answers)], turn)
        repaired.append(seconds_of(lambda revised=revised: _repair(platform, revised)))  # type: ignore[misc]
    rebuild, repair = statistics.median(rebuilt[1:]), statistics.median(repaired[1:])
    detail = (
        f"{repair * 1e3:.0f} ms against {rebuild:.2f} s for {instruments} instruments; medians of {repeats}, from "
        "receiving the payload to candles and coverage"
    )
    return [
        Line(
            "repair: one revised bar, against its session's universe", repair / rebuild, TARGET_SHARE, detail
        )
    ]


def _run(platform: Platform) -> None:
    for name in REPAIRED:
        STEPS[name](platform)


def _mark_everything(platform: Platform) -> None:
    """Let the session be folded again from all its payloads, and all that follows from it."""
    pairs = list(
        platform.store.digests(table("market.bars")).select("subject", "scope_date").unique().iter_rows()
    )
    platform.parsed.forget()
    with platform.store.database.transaction() as cursor:
        for name in REPAIRED:
            due.mark(cursor, name, pairs)


def _revised(answer: Received, turn: int) -> Received:
    """Return an answer that says another volume for one of the session's minutes, received a day later."""
    lines = answer.body.decode().splitlines()
    head, _, volume = lines[-1 - turn].rpartition(",")
    lines[-1 - turn] = f"{head},{int(volume) + 1}"
    received = datetime.combine(SESSION + DAY, datetime.min.time(), UTC) + timedelta(days=1 + turn)
    return replace(answer, body="\n".join(lines).encode(), received_time=received)


def _repair(platform: Platform, revised: Received) -> None:
    if receive(platform, revised).payloads_new != 1:
        raise AssertionError("A revision is a payload of its own")
    _run(platform)
