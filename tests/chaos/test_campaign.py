"""The campaign's own parts: its state outlives it, kills are spread over all points, a resumed one repeats nothing."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import campaign, kills
from tests.chaos.campaign import Outcome, State, histogram, kill_workers
from tests.chaos.ground import Truth
from tests.chaos.kills import AT_A_MOMENT, Batch, Undisturbed, chosen

SEEN = {f"point {number}": 3 for number in range(10)}
PLAIN = Undisturbed(Truth("abc", 1), [SEEN] * 5, [1.0] * 5)


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the batches that were run; each kills five times and finds the undisturbed truth."""
    run: list[int] = []

    def batch(_make: Any, number: int, *_: Any) -> Batch:
        run.append(number)
        return Batch(number, Counter({"after commit": 5}), truth=PLAIN.truth)

    monkeypatch.setattr(kills, "undisturbed", lambda *_: PLAIN)
    monkeypatch.setattr(kills, "batch", batch)
    return run


def go(state: State, wanted: int, seconds: float = 60) -> None:
    makes: Any = nullcontext
    kill_workers(makes, state, wanted, seconds, lambda _: None)


def test_a_campaign_ends_with_its_count_of_kills_and_a_resumed_one_repeats_none(
    tmp_path: Path, batches: list[int]
) -> None:
    path = tmp_path / "state" / "7.jsonl"
    go(State.opened(path, 7, is_resumed=False), 11)
    assert batches == [0, 1, 2]

    resumed = State.opened(path, 7, is_resumed=True)
    go(resumed, 21)

    assert batches == [0, 1, 2, 3, 4]
    assert resumed.kills() == Counter({"after commit": 25})


def test_without_resume_a_campaign_begins_anew(tmp_path: Path, batches: list[int]) -> None:
    path = tmp_path / "7.jsonl"
    go(State.opened(path, 7, is_resumed=False), 5)
    go(State.opened(path, 7, is_resumed=False), 5)
    assert batches == [0, 0]


def test_no_batch_begins_when_the_time_is_over(tmp_path: Path, batches: list[int]) -> None:
    go(State.opened(tmp_path / "7.jsonl", 7, is_resumed=False), 1000, seconds=0)
    assert batches == []


def test_a_truth_that_differs_is_kept_as_different(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kills, "undisturbed", lambda *_: PLAIN)
    found = Batch(0, Counter({"after commit": 5}), truth=Truth("abc", 1, ("market.bars differs",)))
    monkeypatch.setattr(kills, "batch", lambda *_: found)
    state = State.opened(tmp_path / "7.jsonl", 7, is_resumed=False)
    go(state, 5)
    (outcome,) = state.outcomes.values()
    assert (outcome.is_equal, outcome.wrong) == (False, ["market.bars differs"])
    assert "DIFFERENT" in campaign.line_of(outcome)


def test_an_exception_that_no_fault_explains_is_kept_as_a_difference_and_the_campaign_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scenario(_make: Any, _chance: random.Random) -> Any:
        raise ZeroDivisionError("nobody expected this")

    state = State.opened(tmp_path / "7.jsonl", 7, is_resumed=False)
    makes: Any = nullcontext
    campaign.run_units(makes, state, {"one/0": scenario, "two/0": scenario}, lambda _: None)
    assert [item.is_equal for item in state.outcomes.values()] == [False, False]
    assert "nobody expected this" in state.outcomes["two/0"].wrong[0]


def test_kills_are_spread_evenly_over_points_and_partly_over_moments() -> None:
    chance, done = random.Random(1), Counter[str]()
    for _ in range(140):
        point, turn = chosen(chance, SEEN, done)
        done[point] += 1
        assert point == AT_A_MOMENT or 1 <= turn <= 3
    moments = done.pop(AT_A_MOMENT)
    assert 5 <= moments <= 40
    assert max(done.values()) - min(done.values()) <= 1


def test_the_histogram_has_a_line_a_point() -> None:
    outcome = Outcome("kills/0", {"after commit": 2, "before commit": 11}, "abc", is_equal=True)
    assert histogram(Counter(outcome.faults)) == [
        "  after commit     2 ##",
        "  before commit   11 ###########",
    ]
