"""Each scenario of the campaign once: the truth is the undisturbed one, and nothing but findata's errors was raised."""

from __future__ import annotations

import random

import pytest

from tests.chaos.scenarios import SCENARIOS, NoDisk
from tests.conftest import MakePlatform

SEED = 20221212


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_truth_survives(make_platform: MakePlatform, name: str) -> None:
    try:
        survived = SCENARIOS[name](make_platform, random.Random(f"{SEED}/{name}"))
    except NoDisk as reason:
        pytest.skip(str(reason))
    assert survived.expected.wrong == ()
    assert survived.truth == survived.expected, survived.faults
    assert survived.faults
