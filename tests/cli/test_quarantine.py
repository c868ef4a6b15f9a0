"""findata quarantine as an operator uses it: list, show, decide, and what is refused with which exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import sql

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.holding import operator_name
from findata_assets.steps.platform import Platform
from findata_assets.steps.receiving import receive
from findata_assets.steps.sources import recorded_answers, refresh_reference
from findata_resources.provider import Received
from findata_resources.providers.decisions import decision
from findata_resources.stores.raw import receipt
from tests.cli.conftest import Run
from tests.conftest import _platforms
from tests.steps.folders import at, flat, minutes_from, write_folder

OPEN = at("2022-05-19 13:30")
OLD, NEW = {"open": 10.0, "close": 10.0}, {"open": 5.0, "close": 5.0}


@pytest.fixture(scope="module")
def held(stack: Any, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform with a session, and two answers about it that are held together."""
    with _platforms(stack[1], migrated_template) as make:
        platform, folder = make(operator="/srv/people/ann"), tmp_path_factory.mktemp("held")
        refresh_reference(platform)
        receive(platform, answer(platform, folder / "first", "2022-06-01T12:00:00Z", 10))
        later = [answer(platform, folder / f"half{n}", f"2022-06-0{n}T12:00:00Z", 5) for n in (2, 3)]
        evidence = [{"time": "2022-05-19 13:30", "old": OLD, "new": NEW}]
        why = [(receipt(item)["payload_id"], "all prices are half", evidence) for item in later]
        for item in (decision("hold", why, later[0].received_time, "history_rescaled"), *later):
            receive(platform, item)
        run_due(platform)
        yield platform


def answer(platform: Platform, folder: Any, received: str, price: float) -> Received:
    bars = minutes_from(OPEN, [flat(price), flat(0)])
    (said,) = recorded_answers(platform, write_folder(folder, received, bars), None, "bars")
    return said


def ids(findata: Run, platform: Platform, *options: str) -> dict[str, str]:
    rows = json.loads(findata("quarantine", "list", "--json", *options, on=platform).stdout)
    return {row["payload_id"]: row["state"] for row in rows}


def close(platform: Platform) -> list[float]:
    run_due(platform)
    return platform.store.database.frame(sql.SQL("SELECT close FROM market.bars"))["close"].to_list()


def test_the_list_names_what_waits_and_counts_refused_rows(held: Platform, findata: Run) -> None:
    told = findata("quarantine", "list", on=held)
    assert told.exit_code == 0, told.output
    for name in ids(findata, held):
        assert name[:8] in told.stdout
    assert "history_rescaled" in told.stdout
    # The price of 0 of the first answer; those of the held ones are held with them.
    assert held.store.database.frame(sql.SQL("SELECT count(*) FROM ops.quarantine")).item() == 1
    assert "market.bars" in told.stdout


def test_show_prints_the_rule_and_old_values_beside_new_ones(held: Platform, findata: Run) -> None:
    name = next(iter(ids(findata, held)))
    told = findata("quarantine", "show", name[:6], on=held)
    assert told.exit_code == 0, told.output
    for words in (name, "history_rescaled", "all prices are half", "o 10 c 10", "o 5 c 5"):
        assert words in told.stdout
    (row,) = json.loads(findata("quarantine", "show", name, "--json", on=held).stdout)
    assert row["evidence"] == [{"time": "2022-05-19 13:30", "old": OLD, "new": NEW}]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("release", "0000000000000000"), "No payload was held that is called"),
        (("reject", "nonsense"), "is no id of a payload"),
        (("show", "abc"), "is no id of a payload"),
    ],
)
def test_an_id_that_means_nothing_is_wrong_usage(
    held: Platform, findata: Run, arguments: tuple[str, str], words: str
) -> None:
    told = findata("quarantine", *arguments, on=held)
    assert told.exit_code == 2
    assert words in told.stderr


def test_release_counts_reject_does_not_and_neither_may_be_done_twice(held: Platform, findata: Run) -> None:
    assert close(held) == [10.0]
    one, other = ids(findata, held)
    assert findata("quarantine", "reject", one, "--reason", "no split", on=held).exit_code == 0
    assert close(held) == [10.0]
    assert findata("quarantine", "release", other[:8], "--reason", "a split 2:1", on=held).exit_code == 0
    assert close(held) == [5.0]
    assert ids(findata, held) == {}
    assert ids(findata, held, "--all") == {one: "rejected", other: "released"}
    for verb, name, words in (
        ("release", other, "released twice"),
        ("reject", other, "can't be unsaid"),
        ("reject", one, "rejected twice"),
    ):
        told = findata("quarantine", verb, name, on=held)
        assert (told.exit_code, words in " ".join(told.stderr.split())) == (2, True)
    shown = findata("quarantine", "show", other, on=held).stdout
    assert "by ann: a split 2:1" in shown
    assert "no payload waits" in findata("quarantine", "list", on=held).stdout


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("ann", "ann"),
        ("/srv/people/ann/", "ann"),
        ("C:\\Users\\ann", "ann"),
        ("Ann O'Hara <ann@example.org>", "Ann OHara ann@example.org"),
        ("a\nb", "ab"),
        ("//", "unknown"),
        ("x" * 100, "x" * 64),
    ],
)
def test_who_decides_is_a_name_without_paths_and_control_characters(setting: str, name: str) -> None:
    assert operator_name(setting) == name


def test_who_decides_is_the_login_name_where_no_setting_says_it() -> None:
    assert operator_name("")
    assert "/" not in operator_name("")
