"""`python -m tests.chaos`: run a campaign; the exit status says whether the truth survived every fault."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path

from findata_resources.environment import PROJECT
from tests.chaos.campaign import (
    WORKERS,
    State,
    histogram,
    kill_workers,
    line_of,
    run_units,
    search_parsers,
    units,
)
from tests.chaos.stack import migrated_template, platforms, servers


def main() -> int:
    """Run what the options ask for."""
    options = _options()
    seed = random.SystemRandom().randrange(10**8) if options.seed is None else options.seed
    path = Path(options.state or PROJECT / ".chaos" / f"{seed}.jsonl")
    state = State.opened(path, seed, is_resumed=options.resume)
    say(f"seed {seed}; state in {path.name}; taken up again by --seed {seed} --resume")
    begun = time.monotonic()
    with servers() as (settings, endpoints):
        template = migrated_template(endpoints)
        wanted = round(options.kills * WORKERS)
        kill_workers(lambda: platforms(endpoints, template), state, wanted, options.seconds, say)
        run_units(lambda: platforms(endpoints, template), state, units(settings, options.kills), say)
    search_parsers(state, say)
    return report(state, time.monotonic() - begun)


def report(state: State, seconds: float) -> int:
    """Print the histogram and every hash; return the exit status."""
    say("\nkills of workers by point:")
    say("\n".join(histogram(state.kills())))
    say("\nunits:")
    for outcome in state.outcomes.values():
        say(line_of(outcome))
        for text in outcome.wrong:
            say(f"    {text}")
    whole = Counter[str]()
    for outcome in state.outcomes.values():
        kind = outcome.unit.partition("/")[0]
        if kind in ("dagster", "servers"):
            whole[kind] += sum(count for name, count in outcome.faults.items() if "killed" in name)
    say("\n".join(f"kills of {kind}: {count}" for kind, count in whole.items()))
    hashes = Counter(item.sha256 for item in state.outcomes.values() if item.unit.startswith("kills/"))
    different = [item.unit for item in state.outcomes.values() if not item.is_equal]
    say(
        f"\nseed {state.seed}: {state.kills().total()} kills of workers in {len(state.outcomes)} units, {seconds:.0f} s now"
    )
    say("\n".join(f"hash {sha256}: {number} batches" for sha256, number in hashes.items()))
    say(f"DIFFERENT: {', '.join(different)}" if different else "all equal to the undisturbed run")
    return 1 if different else 0


def say(text: str) -> None:
    """Print at once: a campaign that is interrupted has told what it did."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="by which everything is chosen; one is drawn without it")
    parser.add_argument(
        "--kills",
        type=int,
        default=1000,
        help="how many: of 1000, 950 of workers, 40 of Dagster runs, 10 of servers",
    )
    parser.add_argument(
        "--seconds", type=float, default=3600, help="begin no batch of workers after so many (3600)"
    )
    parser.add_argument("--resume", action="store_true", help="go on where this seed was interrupted")
    parser.add_argument("--state", help="the file that holds what was found (.chaos/SEED.jsonl)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
