"""Repair: one revised bar, from its payload to candles and coverage, against rebuilding its session's universe.

What belongs here: the two sides. What does not: servers, files (folders).

The other side is what `findata rebuild` does for the session: everything from the raw bodies again in a scratch
database, compared, put in place. The lake's objects follow the database by themselves, a session's universe to an
object; what that takes is a line of its own.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from benchmarks.folders import write_session, write_universe
from benchmarks.measuring import Line, seconds_of
from benchmarks.processor import processor_seconds_of
from benchmarks.servers import temporary_home, temporary_servers
from benchmarks.year import make_session
from findata_assets.steps import proof
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import NoLake, Platform, open_platform
from findata_assets.steps.receiving import receive
from findata_assets.steps.sources import load_recorded, recorded_answers, refresh_reference
from findata_core.schema.tables import table
from findata_resources.migrations.migrate import migrate
from findata_resources.provider import Received

TARGET_SHARE = 0.01
SESSION = date(2025, 6, 3)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Turn:
    """Seconds of one turn: of the clock, and of the processor in this process and the servers."""

    rebuilt: float
    repaired: float
    published: float
    rebuilt_processor: float
    repaired_processor: float


def run(instruments: int = 200, repeats: int = 3) -> list[Line]:
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
                run_due(platform)
                turns = [_turn(platform, home, number) for number in range(repeats + 1)][1:]
            finally:
                platform.close()
    return _lines(turns, instruments)


def _turn(platform: Platform, home: Path, number: int) -> Turn:
    """Repair one bar of another instrument, publish what it made dirty, and rebuild everything."""
    answers = recorded_answers(platform, home / "recorded", None, "bars")
    revised = _revised(answers[number % len(answers)], number)
    here = replace(platform, lake=NoLake())
    repaired, repaired_processor = _both(home, lambda: _repair(here, revised))
    published = seconds_of(lambda: platform.lake.publish(platform.store))
    rebuilt, rebuilt_processor = _both(home, lambda: _rebuild(platform))
    return Turn(rebuilt, repaired, published, rebuilt_processor, repaired_processor)


def _both(home: Path, work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds of the clock and of the processor that one call takes."""
    spent: list[float] = []
    processor = processor_seconds_of(home, lambda: spent.append(seconds_of(work)))
    return spent[0], processor


def _rebuild(platform: Platform) -> None:
    found = proof.rebuild(platform, lambda _: None, SESSION, SESSION + DAY)
    if not found.differences.is_empty():
        raise AssertionError(f"The repair differs from a rebuild: {found.differences}")


def _revised(answer: Received, number: int) -> Received:
    """Return an answer that says another volume for one of the session's minutes, received days later."""
    lines = answer.body.decode().splitlines()
    head, _, volume = lines[-1 - number].rpartition(",")
    lines[-1 - number] = f"{head},{int(volume) + 1}"
    received = datetime.combine(SESSION, datetime.min.time(), UTC) + timedelta(days=2 + number)
    return replace(answer, body="\n".join(lines).encode(), received_time=received)


def _repair(platform: Platform, revised: Received) -> None:
    before = _revised_rows(platform)
    if receive(platform, revised).payloads_new != 1:
        raise AssertionError("A revision is a payload of its own")
    run_due(platform)
    if _revised_rows(platform) != before + 1:
        raise AssertionError("One bar was revised")


def _revised_rows(platform: Platform) -> int:
    return platform.store.read(table("market.bars").history(), SESSION, SESSION + DAY).height


def _lines(turns: list[Turn], instruments: int) -> list[Line]:
    def median(of: Callable[[Turn], float]) -> float:
        return statistics.median(of(turn) for turn in turns)

    share = median(lambda turn: turn.repaired / turn.rebuilt)
    detail = (
        f"{median(lambda turn: turn.repaired) * 1e3:.0f} ms from the payload to candles and coverage, against "
        f"{median(lambda turn: turn.rebuilt):.1f} s for {instruments} instruments; medians of {len(turns)}"
    )
    of_processor = median(lambda turn: turn.repaired_processor / turn.rebuilt_processor)
    processor = (
        f"{median(lambda turn: turn.repaired_processor) * 1e3:.0f} ms against "
        f"{median(lambda turn: turn.rebuilt_processor):.1f} s of this process and the servers"
    )
    with_lake = median(lambda turn: (turn.repaired + turn.published) / turn.rebuilt)
    published = (
        f"{median(lambda turn: turn.published) * 1e3:.0f} ms more for the session's objects of the lake"
    )
    return [
        Line(
            "repair: one revised bar, against rebuilding its session's universe", share, TARGET_SHARE, detail
        ),
        Line("repair: the same, by processor time", of_processor, None, processor),
        Line("repair: the same, with the lake's objects", with_lake, None, published),
    ]
