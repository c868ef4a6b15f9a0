"""The recorded lists of securities: a screener's JSON, the S&P 500, and membership spells, read as they are."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from psycopg import sql

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.holding import held_payloads
from findata_assets.steps.names import find_security, show_security
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import load_recorded
from findata_resources.environment import PROJECT, Endpoints, Settings
from tests.conftest import _platforms

MANIFEST = PROJECT / "tests" / "manifests" / "lists.toml"
SCREENER = "rreichel3-US-Stock-Symbols"
AUGUST = date(2026, 8, 2)


@pytest.fixture(scope="module")
def lists(stack: tuple[Settings, Endpoints], migrated_template: str, trial_data: Path) -> Iterator[Platform]:
    with _platforms(stack[1], migrated_template) as make:
        platform = make()
        load_recorded(platform, trial_data / "reference", MANIFEST, "securities")
        run_due(platform)
        yield platform


def csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def count(platform: Platform, query: str) -> int:
    return int(platform.store.database.frame(sql.SQL(query)).item())  # type: ignore[arg-type]


def test_no_line_of_a_list_is_lost(lists: Platform, trial_data: Path) -> None:
    screened = sum(
        len(json.loads((trial_data / f"reference/{SCREENER}/{name}_full_tickers.json").read_text()))
        for name in ("amex", "nasdaq", "nyse")
    )
    members = csv_rows(trial_data / "reference/datasets-s-and-p-500-companies/constituents.csv")
    spells = csv_rows(trial_data / "reference/fja05680-sp500/sp500_ticker_start_end.csv")
    stored = count(lists, "SELECT count(*) FROM reference.listings")
    refused = count(
        lists,
        "SELECT count(DISTINCT (payload_id, row_number)) FROM ops.quarantine WHERE table_name = 'reference.listings'",
    )
    assert stored + refused == screened + len(members) + len(spells)
    assert refused == 0
    assert held_payloads(lists).is_empty()


def test_a_ticker_called_na_is_a_ticker(lists: Platform) -> None:
    assert find_security(lists, "NA", AUGUST).item(0, "mic") == "XNAS"


def test_the_members_of_the_index_are_known_with_sector_and_number(lists: Platform) -> None:
    found = find_security(lists, "AAPL", AUGUST)
    row = show_security(lists, found.item(0, "security_id")).row(0, named=True)
    assert (row["gics_sector"], row["cik"], row["mic"]) == ("Information Technology", "320193", "XNAS")
    assert row["sources"] == ["nasdaq", "sp500"]


def test_two_classes_of_a_company_are_two_securities_with_one_number(lists: Platform) -> None:
    rows = [
        show_security(lists, find_security(lists, symbol, AUGUST).item(0, "security_id")).row(0, named=True)
        for symbol in ("GOOG", "GOOGL")
    ]
    assert rows[0]["security_id"] != rows[1]["security_id"]
    assert rows[0]["cik"] == rows[1]["cik"] == "1652044"


def test_membership_spells_are_kept_as_said_and_make_no_security(lists: Platform) -> None:
    """They call the past by later tickers: GOOGL is a member from 2006 on, a ticker since 2014."""
    assert count(lists, "SELECT count(*) FROM reference.listings WHERE source = 'members'") == 1_230
    assert count(lists, "SELECT count(*) FROM reference.securities WHERE 'members' = ANY(sources)") == 0
