"""Kills of a worker: batches of tasks, each killed once at a point or moment, then run to the end and compared.

What belongs here: choosing where a kill falls, and one batch. What does not: the points, the work, the report.

What a killed run leaves is taken up by the next one, which is killed in its turn: faults meet each other's remains.
Points are chosen so that all are hit about equally often; a seventh of the kills falls at random moments.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from findata_assets.steps.platform import Platform
from findata_resources.environment import settings_environment
from tests.chaos.ground import Truth, ground, truth_of
from tests.chaos.market import Task, tasks
from tests.chaos.points import Point
from tests.chaos.worker import do, work
from tests.conftest import MakePlatform

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.chaos.worker"])
AT_A_MOMENT = "at a random moment"
MOMENTS_SHARE = 1 / 7
LONGEST_SECONDS = 120.0  # a worker that hangs is a fault too


@dataclass(frozen=True)
class Undisturbed:
    """What a run leaves that nobody kills: the truth, and per task the points that it passed and its seconds."""

    truth: Truth
    seen: list[dict[Point, int]]
    seconds: list[float]


@dataclass
class Batch:
    """One batch: how many kills fell where, how many workers ended before theirs, and what was left in the end."""

    number: int
    kills: Counter[Point] = field(default_factory=Counter)
    escaped: int = 0
    truth: Truth = field(default_factory=lambda: Truth("", 0))
    seconds: float = 0


def undisturbed(make: MakePlatform, count: int) -> Undisturbed:
    """Do all tasks, a process each, and note which points each of them passes."""
    platform = ground(make)
    seen, seconds = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seen.json"
        for task in tasks(count):
            begun = time.monotonic()
            code = ended(platform, task, seen=str(path))
            assert code == 0, f"an undisturbed worker ended with {code}"
            seconds.append(time.monotonic() - begun)
            seen.append(json.loads(path.read_text()))
    return Undisturbed(truth_of(platform), seen, seconds)


def batch(
    make: MakePlatform,
    number: int,
    seed: int,
    plain: Undisturbed,
    before: Counter[Point],
    *,
    is_proved: bool = True,
) -> Batch:
    """Kill a worker once in each task, go on with the next, run to the end, and take the truth."""
    begun, done = time.monotonic(), Batch(number)
    chance = random.Random(f"{seed}/{number}")
    platform = ground(make)
    every = tasks(len(plain.seen))
    for task in every:
        point, turn = chosen(chance, plain.seen[task.number], before + done.kills)
        after = chance.random() * plain.seconds[task.number] if point == AT_A_MOMENT else LONGEST_SECONDS
        code = ended(platform, task, point, turn, after, is_kill=point == AT_A_MOMENT)
        if code == -signal.SIGKILL:
            done.kills[point] += 1
        else:
            assert code == 0, f"a worker ended with {code} instead of being killed {point}"
            done.escaped += 1
    for task in every:
        do(platform, task)
    done.truth = truth_of(platform, is_proved=is_proved)
    done.seconds = time.monotonic() - begun
    return done


def chosen(chance: random.Random, seen: dict[Point, int], kills: Counter[Point]) -> tuple[Point, int]:
    """Return a point that the task passes, one of those hit least so far, and at which turn; or a moment."""
    if chance.random() < MOMENTS_SHARE:
        return AT_A_MOMENT, 0
    fewest = min(kills[point] for point in seen)
    point = chance.choice(sorted(point for point in seen if kills[point] == fewest))
    return point, chance.randint(1, seen[point])


def ended(
    platform: Platform,
    task: Task,
    point: Point = "",
    turn: int = 0,
    after_seconds: float = LONGEST_SECONDS,
    *,
    seen: str = "",
    is_kill: bool = False,
) -> int:
    """Run a worker and return its exit code; `is_kill`: it is killed after so many seconds, if it still runs."""
    variables = settings_environment(platform.settings)
    process = CONTEXT.Process(target=work, args=(variables, task, point, turn, seen))
    process.start()
    process.join(after_seconds)
    is_hanging = process.is_alive() and not is_kill
    process.kill()
    process.join()
    assert not is_hanging, f"a worker did not end within {after_seconds:.0f} s; it was to die {point}"
    return int(process.exitcode or 0)
