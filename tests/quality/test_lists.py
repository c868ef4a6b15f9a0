"""A list in which too much changed at once is found; a list as lists are is let pass."""

from __future__ import annotations

import pytest

from findata_core.quality.lists import list_changed

BEFORE = {f"S{number}": f"cik {number}" for number in range(12)}


def without(count: int) -> dict[str, str]:
    return dict(list(BEFORE.items())[count:])


def renamed(count: int) -> dict[str, str]:
    return {
        f"N{symbol}" if number < count else symbol: issuer
        for number, (symbol, issuer) in enumerate(BEFORE.items())
    }


def given_away(count: int) -> dict[str, str]:
    return {
        symbol: f"{issuer}9" if number < count else issuer
        for number, (symbol, issuer) in enumerate(BEFORE.items())
    }


@pytest.mark.parametrize("change", [without, renamed, given_away])
def test_a_third_that_changed_at_once_is_found(change: object) -> None:
    found = list_changed(BEFORE, change(4))  # type: ignore[operator]
    assert found is not None
    assert found.rule == "list_changed"
    assert "of 12 names" in found.reason
    assert len(found.evidence) == 4


@pytest.mark.parametrize("change", [without, renamed, given_away])
def test_less_than_a_third_is_let_pass(change: object) -> None:
    assert list_changed(BEFORE, change(3)) is None  # type: ignore[operator]


def test_a_list_that_grows_is_let_pass() -> None:
    assert list_changed(BEFORE, BEFORE | {f"T{number}": "" for number in range(99)}) is None


def test_a_first_list_and_a_short_one_are_let_pass() -> None:
    assert list_changed({}, BEFORE) is None
    assert list_changed({"A": "1", "B": "2"}, {}) is None


def test_an_issuer_that_is_not_said_is_no_other_one() -> None:
    assert list_changed(BEFORE, dict.fromkeys(BEFORE, "")) is None


def test_an_empty_list_after_a_full_one_is_found() -> None:
    found = list_changed(BEFORE, {})
    assert found is not None
    assert "12 are gone" in found.reason
