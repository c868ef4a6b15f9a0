"""Receiving lists of securities: each is compared with the one of its source before; what can't be true is held.

What belongs here: what a list is compared with, and the order: the decision to hold is received before the list. What
does not: the rule (findata_core/quality/lists.py), what an operator decides (holding).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl
from psycopg import sql

from findata_assets.steps.platform import Platform
from findata_assets.steps.receiving import Intake, receive_all
from findata_core.errors import FindataError
from findata_core.quality.lists import list_changed
from findata_core.reference.chains import issuer_of
from findata_core.schema.tables import table
from findata_resources.provider import Received
from findata_resources.providers.decisions import decision
from findata_resources.stores.raw import receipt

LISTINGS = table("reference.listings")
Which = tuple[str, str, str, str]  # region, source, symbology, mic


def receive_lists(platform: Platform, answers: Iterable[Received]) -> list[Intake]:
    """Receive lists in the order given; return what each one brought. Implausible ones are held."""
    known: dict[Which, dict[str, str]] = {}
    order: list[tuple[Received, bool]] = []
    for received in answers:
        held = _judged(platform, received, known)
        order += [*((one, False) for one in held), (received, True)]
    intakes = receive_all(platform, [received for received, _ in order])
    return [intake for (_, is_list), intake in zip(order, intakes, strict=True) if is_list]


def _judged(platform: Platform, received: Received, known: dict[Which, dict[str, str]]) -> Iterator[Received]:
    """Yield the decision to hold a list, if it must be; what is not held is what the next is compared with."""
    lists = _lists_of(platform, received)
    found = []
    for which, now in lists.items():
        before = known.get(which)
        before = _list_before(platform, which) if before is None else before
        finding = list_changed(before, now)
        found += [finding] if finding else []
    if found:
        held = [(receipt(received)["payload_id"], "; ".join(one.reason for one in found), found[0].evidence)]
        yield decision("hold", held, received.received_time, found[0].rule)
    else:
        known.update(lists)


def _lists_of(platform: Platform, received: Received) -> dict[Which, dict[str, str]]:
    """Return the lists of one day in a file, name -> issuer; none where it can't be read: that is refused elsewhere."""
    payload = receipt(received)
    platform.parsed.hand_over(payload, received.body)
    try:
        parts = platform.parsed.of(payload)
    except FindataError:
        return {}
    rows = [part.rows for part in parts if part.table == LISTINGS.address]
    lists: dict[Which, dict[str, str]] = {}
    for row in (row for part in rows for row in part.filter("is_snapshot").iter_rows(named=True)):
        lists.setdefault(_which(row), {})[str(row["symbol"])] = issuer_of(row)
    return lists


def _which(row: dict[str, Any]) -> Which:
    return str(row["region"]), str(row["source"]), str(row["symbology"]), str(row["mic"])


def _list_before(platform: Platform, which: Which) -> dict[str, str]:
    """Return the latest list of one day that is stored, name -> issuer."""
    names = ("region", "source", "symbology", "mic")
    same = sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value))
        for name, value in zip(names, which, strict=True)
    )
    rows = platform.store.read(LISTINGS, where=sql.SQL("is_snapshot AND ") + same)
    latest = rows.filter(pl.col("from_date") == pl.col("from_date").max())
    return {row["symbol"]: issuer_of(row) for row in latest.iter_rows(named=True)}
