"""A campaign: its units in order, the state file by which it is taken up again, and the report.

What belongs here: which units there are, what is printed and kept. What does not: any fault (one module each).

A unit (a batch of kills, one scenario) depends on the seed and its number alone. The state file holds what the finished
ones found; an interrupted unit is begun again. `undisturbed` is found anew each time: it is the other side.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from findata_resources.environment import PROJECT, Settings
from tests.chaos import kills
from tests.chaos.kills import Undisturbed
from tests.chaos.scenarios import SCENARIOS, NoDisk, Survived
from tests.chaos.whole_runs import RUNS_KILLED, dagster_kills, server_kill
from tests.conftest import MakePlatform

TASKS = 30  # a batch: a kill in each
FUZZ_RUNS = 200_000
# Of a thousand kills 950 are of workers, 40 of Dagster runs, 10 of servers.
WORKERS, DAGSTER_RUNS, SERVERS = 0.95, 0.04, 0.01
Makes = Callable[[], AbstractContextManager[MakePlatform]]
Scenario = Callable[[MakePlatform, random.Random], Survived]


@dataclass
class Outcome:
    """What a unit found: its faults by name, the hash in the end, whether it is the undisturbed one's."""

    unit: str
    faults: dict[str, int]
    sha256: str
    is_equal: bool
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0
    escaped: int = 0


@dataclass
class State:
    """What a campaign has found so far, kept in a file after each unit."""

    path: Path
    seed: int
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    @classmethod
    def opened(cls, path: Path, seed: int, *, is_resumed: bool) -> State:
        """Return the state of an earlier run of this seed, if there is one and it is to go on."""
        state = cls(path, seed)
        if is_resumed and path.is_file():
            for line in path.read_text().splitlines():
                found = Outcome(**json.loads(line))
                state.outcomes[found.unit] = found
        elif path.exists():
            path.unlink()
        return state

    def keep(self, outcome: Outcome) -> None:
        """Enter a finished unit; a line is written whole or, killed amid it, cut off and left out."""
        self.outcomes[outcome.unit] = outcome
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(asdict(item)) for item in self.outcomes.values()]
        fresh = self.path.with_suffix(".new")
        fresh.write_text("\n".join([*lines, ""]))
        fresh.replace(self.path)

    def kills(self) -> Counter[str]:
        """Return how many kills of workers fell at each point."""
        total: Counter[str] = Counter()
        for name, outcome in self.outcomes.items():
            if name.startswith("kills/"):
                total.update(outcome.faults)
        return total


def kill_workers(makes: Makes, state: State, wanted: int, seconds: float, say: Callable[[str], None]) -> None:
    """Run batches until so many workers were killed, or the time is over."""
    begun = time.monotonic()
    with makes() as make:
        plain = kills.undisturbed(make, TASKS)
    say(f"undisturbed: {plain.truth.sha256} ({plain.truth.rows:,} rows) in {sum(plain.seconds):.1f} s")
    number, most = 0, 2 * wanted // len(plain.seen) + 2  # batches that break off count no kills
    while state.kills().total() < wanted and number < most and time.monotonic() - begun < seconds:
        name = f"kills/{number}"
        if name not in state.outcomes:
            state.keep(_batch(makes, state, number, plain))
            say(line_of(state.outcomes[name]))
        number += 1


def _batch(makes: Makes, state: State, number: int, plain: Undisturbed) -> Outcome:
    try:
        with makes() as make:
            done = kills.batch(make, number, state.seed, plain, state.kills())
    except Exception as error:  # whatever it is, it is what the campaign looks for
        return broken(f"kills/{number}", error)
    return Outcome(
        f"kills/{number}",
        dict(done.kills),
        done.truth.sha256,
        done.truth == plain.truth,
        list(done.truth.wrong),
        round(done.seconds, 1),
        done.escaped,
    )


def units(settings: Settings, wanted: int) -> dict[str, Scenario]:
    """Return the units that follow the kills of workers: runs, servers, every other fault."""
    found: dict[str, Scenario] = {}
    found |= {
        f"dagster/{number}": dagster_kills
        for number in range(-(-round(wanted * DAGSTER_RUNS) // RUNS_KILLED))
    }
    found |= {f"servers/{number}": server_kill(settings) for number in range(round(wanted * SERVERS))}
    return found | {f"{name}/0": scenario for name, scenario in SCENARIOS.items()}


def run_units(makes: Makes, state: State, todo: dict[str, Scenario], say: Callable[[str], None]) -> None:
    """Run what the state does not know yet."""
    for name, scenario in todo.items():
        if name in state.outcomes:
            continue
        begun = time.monotonic()
        try:
            with makes() as make:
                found = scenario(make, random.Random(f"{state.seed}/{name}"))
        except NoDisk as reason:
            say(f"{name:<22} left out: {reason}")
            continue
        except Exception as error:
            state.keep(broken(name, error))
            say(line_of(state.outcomes[name]))
            continue
        wrong = [*found.truth.wrong, *(f"undisturbed: {text}" for text in found.expected.wrong)]
        is_equal, spent = found.truth == found.expected and not wrong, round(time.monotonic() - begun, 1)
        state.keep(Outcome(name, dict(found.faults), found.truth.sha256, is_equal, wrong, spent))
        say(line_of(state.outcomes[name]))


def search_parsers(state: State, say: Callable[[str], None]) -> None:
    """Search the parsers, guided by coverage; the corpus stays beside the state and grows."""
    name = "fuzz/parsers"
    if name in state.outcomes:
        return
    begun, corpus = time.monotonic(), state.path.parent / "corpus"
    asked = [
        str(corpus),
        f"-runs={FUZZ_RUNS}",
        f"-seed={state.seed % 2**32 or 1}",
        "-max_len=4000",
        "-timeout=20",
    ]
    crashes = f"-artifact_prefix={state.path.parent}/crash-"
    command = [sys.executable, "-m", "tests.fuzz.guided", *asked, crashes]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, check=False, text=True)
    wrong = done.stderr.splitlines()[-30:] if done.returncode else []
    spent = round(time.monotonic() - begun, 1)
    state.keep(Outcome(name, {"bodies": FUZZ_RUNS}, "", not wrong, wrong, spent))
    say(line_of(state.outcomes[name]))


def broken(unit: str, error: Exception) -> Outcome:
    """Return the outcome of a unit that ended in an exception which no fault explains."""
    text = "".join(traceback.format_exception(error)).splitlines()
    return Outcome(unit, {}, "", is_equal=False, wrong=[f"{type(error).__name__}: {error}", *text[-12:]])


def line_of(outcome: Outcome) -> str:
    """Return one line about a unit."""
    verdict = "equal" if outcome.is_equal else "DIFFERENT"
    escaped = f", {outcome.escaped} ended before" if outcome.escaped else ""
    count = sum(outcome.faults.values())
    return f"{outcome.unit:<22} {count:>4} faults{escaped}  {outcome.sha256[:16]} {verdict}  {outcome.seconds:.1f} s"


def histogram(counts: Counter[str]) -> list[str]:
    """Return lines of how many kills fell at each point."""
    widest = max(map(len, counts), default=0)
    return [f"  {name:<{widest}} {number:>4} {'#' * number}" for name, number in sorted(counts.items())]
