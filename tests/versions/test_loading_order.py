"""Payloads of different receive times, through the real store: in whatever order they are loaded, and
however the work between them is done, current rows and history come out the same."""

from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.facts import fold_facts
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import refresh_reference
from findata_core.schema.tables import table
from tests.conftest import MakePlatform
from tests.steps.folders import Bar, flat, load, take_in, write_folder

BARS = table("market.bars")
M0, M1, M2 = (f"2022-05-19 13:3{minute}:00+00:00" for minute in range(3))
AT = [f"2022-06-0{day}T12:00:00Z" for day in range(1, 4)]
KNOWN = [datetime(2022, 6, day, 12, tzinfo=UTC) for day in range(1, 4)]

# A and C say the same, B between them something else; each is silent about one minute.
A = {M0: flat(10), M1: flat(20)}
B = {M0: flat(11), M2: flat(30)}
C = {M0: flat(10), M1: flat(20)}
CURRENT = [(0, 10.0, KNOWN[2]), (1, 20.0, KNOWN[0]), (2, 30.0, KNOWN[1])]
HISTORY = [(0, 10.0, KNOWN[0], KNOWN[1]), (0, 11.0, KNOWN[1], KNOWN[2])]

ORDERS = [(order, at_once) for order in permutations(range(3)) for at_once in (True, False)]


def stored(platform: Platform, instrument_id: str) -> tuple[list[Any], list[Any]]:
    """Current rows and history of an instrument: minute, close and times of knowledge."""
    current = platform.store.read(BARS, subjects=[instrument_id])
    history = platform.store.read(BARS.history()).filter(instrument_id=instrument_id)
    minute = (current.get_column("event_time").dt.minute() - 30).to_list()
    told = [
        (row["event_time"].minute - 30, row["close"], row["ingest_time"], row["superseded_time"])
        for row in history.iter_rows(named=True)
    ]
    columns = [minute, current.get_column("close").to_list(), current.get_column("ingest_time").to_list()]
    return sorted(zip(*columns, strict=True)), sorted(told)


def load_one(platform: Platform, folder: Path, number: int, minutes: dict[str, Bar], symbol: str) -> None:
    take_in(platform, write_folder(folder / symbol / str(number), AT[number], minutes, symbol))


def test_three_payloads_in_every_order_give_the_same_rows_and_history(
    platform: Platform, tmp_path: Path
) -> None:
    refresh_reference(platform)
    for position in range(3):
        for case, (order, at_once) in enumerate(ORDERS):
            number = order[position]
            load_one(platform, tmp_path, number, (A, B, C)[number], f"S{case}")
            if not at_once:
                fold_facts(platform, "market.bars")
    fold_facts(platform, "market.bars")

    for case, (order, at_once) in enumerate(ORDERS):
        assert stored(platform, f"S{case}.XNAS") == (CURRENT, HISTORY), (order, at_once)


def test_as_of_an_instant_is_what_a_database_of_only_the_payloads_received_by_then_holds(
    make_platform: MakePlatform, tmp_path: Path
) -> None:
    whole, young = make_platform(), make_platform()
    refresh_reference(whole)
    refresh_reference(young)
    for number in (2, 0, 1):
        load_one(whole, tmp_path, number, (A, B, C)[number], "MSFT")
        fold_facts(whole, "market.bars")
    for number in (0, 1):
        load_one(young, tmp_path, number, (A, B, C)[number], "MSFT")
    fold_facts(young, "market.bars")

    current, history = (
        whole.store.read(BARS),
        whole.store.read(BARS.history()).filter(superseded_time=KNOWN[2]),
    )
    then = [row for row in current.iter_rows(named=True) if row["ingest_time"] <= KNOWN[1]]
    then += list(history.drop("superseded_time").iter_rows(named=True))

    assert sorted(then, key=lambda row: row["event_time"]) == young.store.read(BARS).to_dicts()
    assert [(row["close"], row["ingest_time"]) for row in then] != []


def test_payloads_of_one_instant_give_the_same_rows_in_either_order(
    make_platform: MakePlatform, tmp_path: Path
) -> None:
    folders = [
        write_folder(tmp_path / name, AT[0], minutes)
        for name, minutes in {
            "one": {M0: flat(10), M1: flat(20)},
            "two": {M0: flat(11), M2: flat(30)},
        }.items()
    ]
    read = []
    for order in (folders, folders[::-1]):
        platform = make_platform()
        for folder in order:
            load(platform, folder)
            fold_facts(platform, "market.bars")
        read.append(platform.store.read(BARS))
        assert platform.store.read(BARS.history()).is_empty()

    assert read[0].equals(read[1])
    assert read[0].height == 3


@pytest.mark.parametrize("first", [0, 1])
def test_everything_that_is_derived_is_the_same_in_either_order_too(
    make_platform: MakePlatform, tmp_path: Path, first: int
) -> None:
    platform = make_platform()
    refresh_reference(platform)
    for number in (first, 1 - first):
        load_one(platform, tmp_path, number, (A, B)[number], "MSFT")
        run_due(platform)

    candles = platform.store.read(table("market.candles")).filter(interval="5m")

    # B's first minute, A's second and B's third, folded by hand.
    assert candles.select(
        "open", "high", "low", "close", "volume", "present_minutes", "ingest_time"
    ).rows() == [(11.0, 30.0, 11.0, 30.0, 300, 3, KNOWN[1])]


def test_loading_and_folding_again_changes_nothing(platform: Platform, tmp_path: Path) -> None:
    refresh_reference(platform)
    for number in (0, 2, 1):
        load_one(platform, tmp_path, number, (A, B, C)[number], "MSFT")
        run_due(platform)
    before = stored(platform, "MSFT.XNAS"), platform.store.digests(BARS)

    loaded = load(platform, tmp_path / "MSFT" / "1")
    reports = run_due(platform)

    assert loaded.total.payloads_new == 0
    assert {
        name: (r.rows_written, r.rows_unchanged, r.rows_revised) for name, r in reports.items()
    } == dict.fromkeys(reports, (0, 0, 0))
    assert stored(platform, "MSFT.XNAS") == before[0] == (CURRENT, HISTORY)
    assert platform.store.digests(BARS).equals(before[1])
