"""A short campaign of kills: points before and after each write, and random moments; the seed is in the message."""

from __future__ import annotations

from collections import Counter

from tests.chaos.kills import AT_A_MOMENT, batch, undisturbed
from tests.conftest import MakePlatform

SEED = 20221212
TASKS = 12
BATCHES = 2


def test_workers_killed_before_and_after_writes_leave_the_truth_of_an_undisturbed_run(
    make_platform: MakePlatform,
) -> None:
    plain = undisturbed(make_platform, TASKS)
    assert plain.truth.wrong == ()
    kills: Counter[str] = Counter()
    for number in range(BATCHES):
        done = batch(make_platform, number, SEED, plain, kills)
        kills += done.kills
        assert done.truth == plain.truth, f"seed {SEED}, batch {number}: {done}"
    assert sum(kills.values()) > TASKS
    assert len([point for point in kills if point != AT_A_MOMENT]) > TASKS
