"""How long what is kept: which tables may lose old chunks, which are compressed, as settings spell it.

What belongs here: the spelling, and what is refused. What does not: SQL (findata_resources/stores/retention.py).

Only closed versions (history.*) can be dropped: current rows are what readers read, raw payloads are what everything is
made of, and neither is ever dropped. What is dropped of the history is gone from as-of reads before it, until
`findata rebuild` makes it again from the raw payloads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from findata_core.schema.tables import Table, tables

_SPELLING = re.compile(r"([a-z_]+\.[a-z0-9_]+)=(\d{1,5})")
LEAST_DAYS = 7  # a chunk of bars is a week; what is younger is still being written


def parse_days(text: str) -> dict[str, int]:
    """Return address -> days of "history.bars=1825,market.bars=30"; ValueError says what is wrong."""
    found: dict[str, int] = {}
    for part in filter(None, (item.strip() for item in text.split(","))):
        spelt = _SPELLING.fullmatch(part)
        if not spelt:
            raise ValueError(f"{part!r} is not spelt like history.bars=1825")
        address, days = spelt.group(1), int(spelt.group(2))
        if days < LEAST_DAYS:
            raise ValueError(f"{part}: {LEAST_DAYS} days are the least, a chunk is a week")
        if address in found:
            raise ValueError(f"{address} is named twice")
        found[address] = days
    return found


def parse_retention(text: str) -> dict[str, int]:
    """Return address -> days after which closed versions are dropped; ValueError for what is never dropped."""
    found = parse_days(text)
    _require_known(found, history_tables(), "only closed versions can be dropped")
    return found


def parse_compression(text: str) -> dict[str, int]:
    """Return address -> days after which chunks are compressed; ValueError for what has no chunks."""
    found = parse_days(text)
    _require_known(found, chunked_tables(), "only tables with chunks can be compressed")
    return found


@cache
def chunked_tables() -> Mapping[str, Table]:
    """Return the tables that are hypertables, and their histories, by address."""
    chunked = {item.address: item for item in tables() if item.chunk_days}
    return {**chunked, **history_tables()}


@cache
def history_tables() -> Mapping[str, Table]:
    """Return the histories that are hypertables, by address."""
    return {
        item.history().address: item.history() for item in tables() if item.chunk_days and item.has_history
    }


def _require_known(found: Mapping[str, int], allowed: Mapping[str, Table], why: str) -> None:
    wrong = sorted(set(found) - set(allowed))
    if wrong:
        raise ValueError(f"{wrong[0]}: {why}: {', '.join(sorted(allowed))}")
