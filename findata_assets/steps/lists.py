"""Receiving lists of securities: each is compared with the one of its source before; what can't be true is held.

What belongs here: what a list is compared with, and the order: the decision to hold is received before the list. What
does not: the rule (findata_core/quality/lists.py), what an operator decides (holding).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import polars as pl
from psycopg import sql

from findata_assets.steps.entries import Intake
from findata_assets.steps.platform import Platform
from findata_assets.steps.receiving import receive_all
from findata_core.errors import FindataError
from findata_core.quality.lists import list_changed
from findata_core.reference.chains import issuer_of
from findata_core.schema.tables import table
from findata_resources.provider import Received
from findata_resources.providers.decisions import decision
from findata_resources.stores.raw import receipt

LISTINGS = table("reference.listings")
Which = tuple[str, str, str, str]  # region, source, symbology, mic
Dated = tuple[date, dict[str, str]]  # a day and its list, name -> issuer


def receive_lists(platform: Platform, answers: Iterable[Received]) -> list[Intake]:
    """Receive lists in the order of their days; return what each one brought, in the order given."""
    given = list(answers)
    known: dict[Which, Dated] = {}
    order: list[tuple[Received, int | None]] = []  # decisions have no place among what was given
    for place in sorted(range(len(given)), key=lambda place: given[place].received_time):
        order += [(one, None) for one in _judged(platform, given[place], known)]
        order.append((given[place], place))
    intakes = receive_all(platform, [received for received, _ in order])
    brought = {place: intake for (_, place), intake in zip(order, intakes, strict=True)}
    return [brought[place] for place in range(len(given))]


def _judged(platform: Platform, received: Received, known: dict[Which, Dated]) -> Iterator[Received]:
    """Yield the decision to hold a list, if it must be; what is not held is what the next is compared with."""
    lists = _lists_of(platform, received)
    found = [
        finding
        for which, (day, now) in lists.items()
        if (finding := list_changed(_list_before(platform, which, day, known.get(which)), now))
    ]
    if found:
        held = [(receipt(received)["payload_id"], "; ".join(one.reason for one in found), found[0].evidence)]
        yield decision("hold", held, received.received_time, found[0].rule)
    else:
        known.update(lists)


def _lists_of(platform: Platform, received: Received) -> dict[Which, Dated]:
    """Return the lists of one day in a file; none where it can't be read: that is refused elsewhere."""
    payload = receipt(received)
    platform.parsed.hand_over(payload, received.body)
    try:
        parts = platform.parsed.of(payload)
    except FindataError:
        return {}
    rows = [part.rows for part in parts if part.table == LISTINGS.address]
    lists: dict[Which, Dated] = {}
    for row in (row for part in rows for row in part.filter("is_snapshot").iter_rows(named=True)):
        lists.setdefault(_which(row), (row["from_date"], {}))[1][str(row["symbol"])] = issuer_of(row)
    return lists


def _which(row: dict[str, Any]) -> Which:
    return str(row["region"]), str(row["source"]), str(row["symbology"]), str(row["mic"])


def _list_before(platform: Platform, which: Which, day: date, known: Dated | None) -> dict[str, str]:
    """Return the latest list before a day, of those stored and one that was just taken: name -> issuer."""
    names = ("region", "source", "symbology", "mic")
    same = sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value))
        for name, value in zip(names, which, strict=True)
    )
    rows = platform.store.read(LISTINGS, where=sql.SQL("is_snapshot AND ") + same)
    earlier = rows.filter(pl.col("from_date") < day)
    latest = earlier.filter(pl.col("from_date") == pl.col("from_date").max())
    if (
        known is not None
        and known[0] < day
        and (latest.is_empty() or known[0] >= latest.item(0, "from_date"))
    ):
        return known[1]
    return {row["symbol"]: issuer_of(row) for row in latest.iter_rows(named=True)}
