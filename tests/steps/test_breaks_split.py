"""The break ledger across a split: what became known when, in whatever order it was loaded."""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import refresh_reference
from findata_core.schema.tables import table
from findata_resources.stores import due
from tests.steps.folders import Bar, at, flat, minutes_from, take_in, write_folder

BREAKS = table("ops.breaks")
DAY = "2022-05-19"
WHOLE = minutes_from(at(f"{DAY} 13:30"), [flat(10)] * 390)  # 39,000 shares at 10 ...
LATER = {DAY: flat(1, 500_000)}  # ... which are 390,000 of after the split, 78 % of the day's
RECEIVED, EX_DATE, TOLD, KNOWN = "2022-06-01", "2022-06-02", "2022-06-03", "2022-06-05"


@pytest.fixture
def ready(platform: Platform) -> Platform:
    refresh_reference(platform)
    return platform


def in_days_shares(folder: Path, received: str, bars: dict[str, Bar], symbol: str, interval: str) -> Path:
    """A payload whose prices are in the shares of the day it was received."""
    write_folder(folder, f"{received}T12:00:00Z", bars, symbol, interval=interval)
    manifest = folder / "recorded.toml"
    manifest.write_text(manifest.read_text().replace('adjustment = "raw"', 'adjustment = "split"'))
    return folder


def ten_for_one(folder: Path, symbol: str) -> Path:
    """A table of the split, received on the Sunday after its ex-date."""
    folder.mkdir(parents=True)
    (folder / "splits.csv").write_text(f"date,ratio\n{EX_DATE},10:1\n")
    (folder / "recorded.toml").write_text(
        "[[set]]\nname = 'mine'\nfiles = 'splits.csv'\ndataset = 'actions'\nsource = 'mine'\n"
        f"adjustment = 'raw'\nreceived = {KNOWN}T12:00:00Z\n"
        f"[set.instrument]\nsymbol = '{symbol}'\nmic = 'XNAS'\n[set.time]\ncolumn = 'date'\n"
    )
    return folder


def payloads(folder: Path, symbol: str) -> list[tuple[Path, str]]:
    """The minutes of before the split, the day of after it, the split: folders with their datasets."""
    return [
        (in_days_shares(folder / symbol / "1m", RECEIVED, WHOLE, symbol, "1m"), "bars"),
        (in_days_shares(folder / symbol / "1d", TOLD, LATER, symbol, "1d"), "bars"),
        (ten_for_one(folder / symbol / "splits", symbol), "actions"),
    ]


def stored(platform: Platform, *columns: str) -> list[tuple[Any, ...]]:
    return platform.store.read(BREAKS).select(columns).rows()


def test_a_split_that_becomes_known_has_what_stands_on_both_sides_compared_again(
    ready: Platform, tmp_path: Path
) -> None:
    minutes, day, split = payloads(tmp_path, "MSFT")
    for payload in (minutes, day):
        take_in(ready, *payload)
    run_due(ready)
    assert stored(ready, "state") == [("open",)] * 5

    take_in(ready, *split)
    run_due(ready)
    assert (
        stored(ready, "state", "last_seen_time", "closed_time", "times_opened")
        == [("closed", at(f"{TOLD} 12:00"), at(f"{KNOWN} 12:00"), 1)] * 5
    )
    assert due.due_scopes(ready.store.database, BREAKS.address).is_empty()


def test_payloads_and_their_split_give_the_same_ledger_in_any_order(ready: Platform, tmp_path: Path) -> None:
    orders = list(itertools.permutations(range(3)))
    for number, order in enumerate(orders):
        made = payloads(tmp_path, f"S{number}")
        for chosen in order:
            take_in(ready, *made[chosen])
            if number % 2:
                run_due(ready)
    run_due(ready)
    rows = ready.store.read(BREAKS)
    books = [
        part.drop("instrument_id").rows() for _, part in rows.group_by("instrument_id", maintain_order=True)
    ]
    assert len(books) == len(orders)
    assert all(book == books[0] for book in books)


def test_a_split_makes_due_what_has_something_to_be_compared_with_alone(
    ready: Platform, tmp_path: Path
) -> None:
    for payload in payloads(tmp_path, "MSFT")[:2]:
        take_in(ready, *payload)
    alone = {"2022-05-20": flat(1, 500_000)}
    take_in(ready, in_days_shares(tmp_path / "alone", TOLD, alone, "MSFT", "1d"))
    take_in(ready, in_days_shares(tmp_path / "other", TOLD, LATER, "AAPL", "1d"))
    run_due(ready)
    with ready.store.database.transaction() as cursor:
        due.mark_downstream(cursor, "reference.splits", [("MSFT.XNAS", date(1970, 1, 1))])
    marks = due.due_scopes(ready.store.database, BREAKS.address).select("subject", "scope_date")
    assert marks.equals(pl.DataFrame({"subject": ["MSFT.XNAS"], "scope_date": [date.fromisoformat(DAY)]}))
