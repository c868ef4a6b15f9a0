"""Kills of whole Dagster runs, and of servers: few, because each takes seconds.

What belongs here: `findata materialize` as a process, killed and started again; the database's postmaster and the S3
server of the campaign's own stack, killed under a worker and started again. Processes are ended by their number.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from findata_assets.steps.platform import Platform
from findata_core.errors import StoreError
from findata_resources.embedded import stack
from findata_resources.embedded.processes import end, marked_processes
from findata_resources.embedded.server import mark_of
from findata_resources.environment import PROJECT, Settings, settings_environment
from tests.chaos.ground import Truth, ground, truth_of
from tests.chaos.kills import CONTEXT, LONGEST_SECONDS
from tests.chaos.market import Task, tasks
from tests.chaos.scenarios import TASKS, Survived
from tests.chaos.worker import do, work
from tests.conftest import SAMPLE, MakePlatform

RUNS_KILLED = 8  # of one database
SERVERS = ("database", "objects")
STORE_FAILED = 3
FIRST_DAY = "2022-06-06"  # the sample cut to two weeks: a complete week, its pivots, the signals after it


def dagster_kills(make: MakePlatform, chance: random.Random) -> Survived:
    """The command killed at random moments, again and again, then run to its end."""
    folder = _cut_sample(make().settings.home)
    plain, begun = make(), time.monotonic()
    assert _materialize(plain, folder) == 0
    seconds = time.monotonic() - begun
    platform, seen, expected = make(), Counter[str](), truth_of(plain)
    while seen["killed"] < RUNS_KILLED:
        code = _materialize(platform, folder, chance.uniform(0.1, 0.8) * seconds)
        seen["killed" if code == -signal.SIGKILL else "ended before"] += 1
        if code != -signal.SIGKILL:  # nothing is left to be disturbed there
            truth = truth_of(platform, is_proved=False)
            if code != 0 or truth != expected:
                return Survived(seen, truth, expected)
            platform = make()
    assert _materialize(platform, folder) == 0
    return Survived(seen, truth_of(platform), expected)


def _materialize(platform: Platform, folder: Path, kill_after_seconds: float | None = None) -> int:
    variables = {**os.environ, **settings_environment(platform.settings)}
    command = [sys.executable, "-m", "findata_cli", "materialize", "--recorded", str(folder)]
    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        env={**variables, "PYTHONPATH": os.pathsep.join([str(PROJECT), *filter(None, sys.path)])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(kill_after_seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return process.returncode


def _cut_sample(home: Path) -> Path:
    made = home / "cut"
    made.mkdir(exist_ok=True)
    for name in ("MSFT_1m.csv", "MSFT_1d.csv", "sofr_published.csv"):
        head, *lines = (SAMPLE / name).read_text().splitlines()
        column = head.split(",").index("observation_date") if "observation_date" in head else 0
        kept = [line for line in lines if line.split(",")[column] >= FIRST_DAY]
        (made / name).write_text("\n".join([head, *kept]) + "\n")
    (made / "recorded.toml").write_text((SAMPLE / "recorded.toml").read_text())
    return made


def server_kill(settings: Settings) -> Callable[[MakePlatform, random.Random], Survived]:
    """Return the scenario: a server of this stack is killed under a worker, and started again."""

    def scenario(make: MakePlatform, chance: random.Random) -> Survived:
        platform, seen = ground(make), Counter[str]()
        every, struck = tasks(TASKS), chance.randrange(TASKS)
        for task in every[: struck + 1]:
            process = CONTEXT.Process(
                target=_work_or_tell, args=(settings_environment(platform.settings), task)
            )
            process.start()
            if task.number == struck:
                time.sleep(chance.uniform(0.1, 1.2))
                seen[f"{_strike(settings, chance.choice(SERVERS))} killed"] += 1
            process.join(LONGEST_SECONDS)
            assert process.exitcode in (0, STORE_FAILED), f"a worker ended with {process.exitcode}"
        platform.close()
        stack.up(settings)
        return Survived(seen, _ended(platform), _ended(ground(make)))

    return scenario


def _work_or_tell(variables: Mapping[str, str], task: Task) -> None:
    """Work; that a store is gone ends it with an exit code, and anything else with Python's."""
    try:
        work(variables, task, "", 0, "")
    except StoreError:
        sys.exit(STORE_FAILED)


def _strike(settings: Settings, kind: str) -> str:
    """End a server by SIGKILL: the postmaster (its children follow), or the S3 server whole."""
    (server,) = [item for item in stack.status(settings) if kind in item.name]
    assert server.process_id is not None
    if kind == "database":
        os.kill(server.process_id, signal.SIGKILL)
    else:
        end(
            marked_processes(mark_of(settings.home, server.name)),
            first_signal=signal.SIGKILL,
            patience_seconds=10,
        )
    return kind


def _ended(platform: Platform) -> Truth:
    for task in tasks(TASKS):
        do(platform, task)
    return truth_of(platform)
