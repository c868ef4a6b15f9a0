"""Securities and their names: the chains of all sources, joined where they are one security.

What belongs here: joining, the identifier, what is known of each. What does not: what one source says (chains), finding
a security by a name (finding).

Chains of two sources are one security where they give it the same name, on the same exchange or with none named, on a
common date. A chain that would join two securities of one source joins neither. The identifier is the first name of the
chain that was known first, "NWSA.XNAS@2004-11-12": later knowledge, of earlier names too, does not change it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from findata_core.reference.chains import Chain, Spell, chains_of
from findata_core.schema.frames import conform, empty
from findata_core.schema.tables import table

KNOWN = (
    "name",
    "security_type",
    "currency",
    "cik",
    "gics_sector",
    "gics_sub_industry",
    "sector",
    "industry",
    "country",
)


@dataclass(frozen=True)
class Identified:
    """`securities` and `names`: rows of reference.securities and reference.security_symbols, sorted by key."""

    securities: pl.DataFrame
    names: pl.DataFrame


def identify(listings: pl.DataFrame, first_times: pl.DataFrame) -> Identified:
    """Return the securities that listings speak of, by region, and their names.

    `listings`: rows of reference.listings. `first_times`: its key and first_time, when any version was said first.
    """
    key = list(table("reference.listings").business_key)
    rows = listings.join(first_times, on=key, how="left").sort(key)
    rows = rows.with_columns(pl.col("first_time").fill_null(pl.col("ingest_time")))
    securities: list[dict[str, Any]] = []
    names: list[dict[str, Any]] = []
    for (region,), mine in rows.group_by(["region"], maintain_order=True):
        for security_id, chains in _named(_joined(chains_of(mine.to_dicts()))):
            spells = _spells(chains)
            identity = {"region": region, "security_id": security_id}
            securities.append({**identity, **_described(chains, spells)})
            names.extend({**identity, **spell} for spell in spells)
    return Identified(_rows("reference.securities", securities), _rows("reference.security_symbols", names))


def _rows(address: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    target = table(address)
    if not rows:
        return empty(target)
    return conform(pl.DataFrame(rows, infer_schema_length=None), target).sort(list(target.business_key))


def _joined(chains: Sequence[Chain]) -> list[list[Chain]]:
    """Return the chains in groups, each one security."""
    group = {id(chain): [chain] for chain in chains}
    for one, other in _agreements(chains):
        mine, theirs = group[id(one)], group[id(other)]
        sources = [chain.source for chain in (*mine, *theirs)]
        if mine is theirs or len(set(sources)) < len(sources):
            continue
        mine.extend(theirs)
        for chain in theirs:
            group[id(chain)] = mine
    return list({id(members): members for members in group.values()}.values())


def _agreements(chains: Sequence[Chain]) -> Iterator[tuple[Chain, Chain]]:
    """Yield pairs of chains that share a name on a date and are each other's only one, those known first in front."""
    by_symbol: dict[tuple[str, str], list[tuple[Chain, Spell]]] = {}
    for chain in sorted(chains, key=lambda chain: (chain.known_since, chain.first.start, chain.first.name)):
        for spell in chain.spells:
            by_symbol.setdefault(spell.name[:2], []).append((chain, spell))
    partners: dict[tuple[int, str], dict[int, Chain]] = {}
    pairs: list[tuple[Chain, Chain]] = []
    for named in by_symbol.values():
        for place, (one, spell) in enumerate(named):
            for other, its in named[place + 1 :]:
                if one.source != other.source and _is_same_name(spell, its) and spell.meets(its):
                    pairs.append((one, other))
                    partners.setdefault((id(one), other.source), {})[id(other)] = other
                    partners.setdefault((id(other), one.source), {})[id(one)] = one
    for one, other in pairs:
        if len(partners[id(one), other.source]) == len(partners[id(other), one.source]) == 1:
            yield one, other


def _is_same_name(one: Spell, other: Spell) -> bool:
    """Tell whether two names are the same, on one exchange or one of them without any."""
    return one.name[2] == other.name[2] or "" in (one.name[2], other.name[2])


def _named(groups: Sequence[Sequence[Chain]]) -> Iterator[tuple[str, Sequence[Chain]]]:
    """Yield each group under its identifier; two that would have one are told apart by a number."""
    taken: dict[str, int] = {}
    ordered = sorted(groups, key=lambda chains: _eldest(chains)[0])
    for chains in ordered:
        first = _eldest(chains)[1].first
        _, symbol, mic = first.name
        name = f"{symbol}.{mic}@{first.start}" if mic else f"{symbol}@{first.start}"
        taken[name] = taken.get(name, 0) + 1
        yield name if taken[name] == 1 else f"{name}#{taken[name]}", chains


def _eldest(chains: Sequence[Chain]) -> tuple[tuple[Any, ...], Chain]:
    return min(((_age(chain), chain) for chain in chains), key=lambda pair: pair[0])


def _age(chain: Chain) -> tuple[Any, ...]:
    """Return by what the first known chain is told; of several at once, the one that names an exchange."""
    first = chain.first
    return chain.known_since, first.name[2] == "", first.start, first.name, chain.source


def _spells(chains: Sequence[Chain]) -> list[dict[str, Any]]:
    """Return the names of a security; what several sources say of one name is one spell."""
    found: list[dict[str, Any]] = []
    told = [(spell, chain) for chain in chains for spell in chain.spells]
    # Those that name an exchange first: one without is theirs where it meets them.
    for spell, chain in sorted(told, key=lambda pair: (pair[0].name[2] == "", pair[0].start, pair[0].name)):
        same = next((one for one in found if _is_one(one, spell)), None)
        latest = max(row["ingest_time"] for row in chain.rows)
        if same is None:
            names = dict(zip(("symbology", "symbol", "mic"), spell.name, strict=True))
            dates = {"from_date": spell.start, "to_date": spell.end}
            found.append({**names, **dates, "sources": [chain.source], "ingest_time": latest})
        else:
            _widen(same, spell, chain.source, latest)
    return found


def _widen(found: dict[str, Any], spell: Spell, source: str, latest: datetime) -> None:
    """Let a name last as long as both say; an open end is the later one."""
    found["from_date"] = min(found["from_date"], spell.start)
    is_open = found["to_date"] is None or spell.end is None
    found["to_date"] = None if is_open else max(found["to_date"], spell.end)
    found["sources"] = sorted({*found["sources"], source})
    found["ingest_time"] = max(found["ingest_time"], latest)


def _is_one(found: dict[str, Any], spell: Spell) -> bool:
    name = (found["symbology"], found["symbol"], found["mic"])
    known = Spell(name, found["from_date"], found["to_date"])
    return name[:2] == spell.name[:2] and _is_same_name(known, spell) and known.meets(spell)


def _described(chains: Sequence[Chain], spells: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what is known of a security: of each column what was said last."""
    rows = sorted(
        (row for chain in chains for row in chain.rows),
        key=lambda row: (row["ingest_time"], row["from_date"], row["payload_id"], row["symbol"]),
    )
    latest = {name: next((row[name] for row in reversed(rows) if row[name]), None) for name in KNOWN}
    tickers = [spell for spell in spells if spell["symbology"] == "ticker"] or list(spells)
    current = max(
        tickers, key=lambda spell: (spell["to_date"] or date.max, spell["from_date"], spell["symbol"])
    )
    starts = [spell["from_date"] for spell in spells] + [
        row["listed_date"] for row in rows if row["listed_date"]
    ]
    ends = [spell["to_date"] for spell in spells]
    told = [row["delisted_date"] for row in rows if row["delisted_date"]]
    return {
        **latest,
        "symbol": current["symbol"],
        "mic": current["mic"],
        "listed_date": min(starts),
        "delisted_date": None if None in ends else max([*ends, *told]),
        "sources": sorted({chain.source for chain in chains}),
        "ingest_time": max(row["ingest_time"] for row in rows),
    }
