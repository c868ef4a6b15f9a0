"""Chains: the names that one source gives one security, with their dates.

What belongs here: from what a single source says (rows of reference.listings) to chains. What does not: which chains of
several sources are one security (securities).

A source that tells securities apart (source_id) has said it all. A range of dates with neither that nor an exchange
tells nothing apart and is left out: such lists were seen to name the past by later tickers (GOOGL in 2006).

A list of one day says who is there. Of two lists in a row of one source and exchange: a name in both means the same
security, unless the issuer's number (CIK) says otherwise; a name that is new is a renaming where one issuer's only name
went as another one came; else it is a new security. A name that comes back later means the old security if the issuer
is the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

Row = Mapping[str, Any]
Name = tuple[str, str, str]  # symbology, symbol, mic
_NOISE = re.compile(r"[^a-z0-9]+")


@dataclass
class Spell:
    """A name over dates, both inclusive; an end of None is open."""

    name: Name
    start: date
    end: date | None

    def meets(self, other: Spell) -> bool:
        """Tell whether the two share a date."""
        return self.start <= (other.end or date.max) and other.start <= (self.end or date.max)


@dataclass(eq=False)
class Chain:
    """A security as one source knows it: its spells, the rows that say so, and when it was first said."""

    source: str
    rows: list[Row] = field(default_factory=list)
    spells: list[Spell] = field(default_factory=list)

    @property
    def first(self) -> Spell:
        """The earliest name, a ticker before other kinds."""
        return min(self.spells, key=lambda spell: (spell.start, spell.name[0] != "ticker", spell.name))

    @property
    def known_since(self) -> datetime:
        """When any of it was said first."""
        known: datetime = min(row["first_time"] for row in self.rows)
        return known


def chains_of(rows: Sequence[Row]) -> list[Chain]:
    """Return the chains of all sources. Rows have `first_time` besides: when any version of them was said first."""
    told = [row for row in rows if not row["is_snapshot"]]
    seen = [row for row in rows if row["is_snapshot"]]
    lists = [chain for source in sorted({row["source"] for row in seen}) for chain in _listed(source, seen)]
    return [*_told(told), *lists]


def issuer_of(row: Row) -> str:
    """Return what tells an issuer: its number at the SEC, else its name without punctuation; "" if neither is said."""
    return f"cik {row['cik']}" if row["cik"] else _NOISE.sub(" ", (row["name"] or "").lower()).strip()


def _told(rows: Iterable[Row]) -> Iterator[Chain]:
    """Yield a chain for each of a source's own identifiers, and one for each row without one."""
    groups: dict[tuple[Any, ...], Chain] = {}
    for row in rows:
        if not row["source_id"] and not row["mic"]:
            continue
        own = (row["source_id"],) if row["source_id"] else (name_of(row), row["from_date"])
        chain = groups.setdefault((row["source"], *own), Chain(row["source"]))
        chain.rows.append(row)
        chain.spells.append(Spell(name_of(row), row["from_date"], row["to_date"]))
    yield from groups.values()


def _listed(source: str, seen: Sequence[Row]) -> list[Chain]:
    """Return the chains of a source's lists."""
    lists: dict[tuple[date, str, str], list[Row]] = {}
    for row in seen:
        if row["source"] == source:
            lists.setdefault((row["from_date"], row["symbology"], row["mic"]), []).append(row)
    reader = _Lists(source)
    for key in sorted(lists):
        reader.take(key[0], key[1:], lists[key])
    return reader.chains


class _Lists:
    """Reads a source's lists in the order of their days."""

    def __init__(self, source: str) -> None:
        self.chains: list[Chain] = []
        self._source = source
        self._present: dict[
            tuple[str, str], dict[str, Chain]
        ] = {}  # list -> symbol -> chain, of its latest day
        self._gone: dict[tuple[str, str], dict[str, Chain]] = {}

    def take(self, day: date, which: tuple[str, str], rows: Sequence[Row]) -> None:
        """Read the list of a day; `which`: its symbology and exchange."""
        before, gone = self._present.get(which, {}), self._gone.setdefault(which, {})
        kept = {row["symbol"]: chain for row in rows if (chain := _same(before.get(row["symbol"]), row))}
        left = {symbol: chain for symbol, chain in before.items() if symbol not in kept}
        renamed = _renamings(left, [row for row in rows if row["symbol"] not in kept])
        now = {}
        for row in rows:
            symbol = row["symbol"]
            chain = kept.get(symbol) or renamed.get(symbol) or _back(gone.get(symbol), row)
            now[symbol] = self._seen(chain, row, day, was_there=symbol in kept)
        for symbol, chain in left.items():
            _close(chain, (which[0], symbol, which[1]))
        gone.update(left)
        self._present[which] = now

    def _seen(self, chain: Chain | None, row: Row, day: date, *, was_there: bool) -> Chain:
        if chain is None:
            chain = Chain(self._source)
            self.chains.append(chain)
        chain.rows.append(row)
        is_open = any(spell.name == name_of(row) and spell.end is None for spell in chain.spells)
        if not (was_there and is_open):
            chain.spells.append(Spell(name_of(row), day, None))
        return chain


def _renamings(left: Mapping[str, Chain], new: Sequence[Row]) -> dict[str, Chain]:
    """Return the chains that go on under a new name: of issuers with one name gone and one new."""
    went = Counter(issuer_of(chain.rows[-1]) for chain in left.values())
    came = Counter(issuer_of(row) for row in new)
    by_issuer = {issuer_of(chain.rows[-1]): chain for chain in left.values()}
    return {
        row["symbol"]: by_issuer[issuer]
        for row in new
        if (issuer := issuer_of(row)) and went[issuer] == came[issuer] == 1
    }


def _same(chain: Chain | None, row: Row) -> Chain | None:
    """Return the chain that had the name in the list before, unless the issuer's number is another one now."""
    if chain is None:
        return None
    last = chain.rows[-1]["cik"]
    return None if last and row["cik"] and last != row["cik"] else chain


def _back(chain: Chain | None, row: Row) -> Chain | None:
    """Return the chain that had the name once, if the issuer is the same."""
    if chain is None or not issuer_of(row) or issuer_of(chain.rows[-1]) != issuer_of(row):
        return None
    return chain


def _close(chain: Chain, name: Name) -> None:
    """End the open spell of a name on the last day that it was seen."""
    last = max(row["from_date"] for row in chain.rows if name_of(row) == name)
    for spell in chain.spells:
        if spell.name == name and spell.end is None:
            spell.end = last


def name_of(row: Row) -> Name:
    """Return what a row names by: symbology, symbol, mic."""
    return str(row["symbology"]), str(row["symbol"]), str(row["mic"])
