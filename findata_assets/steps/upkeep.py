"""Keeping the lake: what lies there, what can be merged, merging it.

What belongs here: the order of things. What does not: one merge (findata_resources/stores/compaction.py).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from findata_assets.steps.platform import Platform
from findata_core.errors import ConfigurationError
from findata_core.schema.tables import Table, table
from findata_resources.stores.compaction import Compacted
from findata_resources.stores.lake import Lake
from findata_resources.stores.lake_layout import (
    LakeObject,
    current,
    mergeable,
    published_tables,
    wider,
    within,
)

MONTH, YEAR = 7, 4  # lengths of the names of partitions
SMALL_BYTES = 1_000_000  # below it a reader waits for the request rather than for the bytes

Progress = Callable[[str], None]


@dataclass(frozen=True)
class TableHoldings:
    """What lies in the lake of one table.

    `void_objects`: objects that a wider one has made void, or on their way; none but during a merge.
    `mergeable`: the months and years that `findata lake compact` would leave, `merged_objects` what they are now.
    """

    table: str
    objects: int
    size_bytes: int
    small_objects: int
    void_objects: int
    first: str
    last: str
    mergeable: list[str]
    merged_objects: int


def holdings(platform: Platform) -> list[TableHoldings]:
    """Return what lies in the lake, by table."""
    lake = lake_of(platform)
    return [_holdings(item, lake.objects_of(item)) for item in published_tables()]


def raw_holdings(platform: Platform) -> tuple[int, int]:
    """Return how many raw objects there are, and their bytes."""
    sizes = [item["Size"] for item in lake_of(platform).listed("raw/")]
    return len(sizes), sum(sizes)


def compact_lake(
    platform: Platform, progress: Progress = lambda _: None, addresses: Iterable[str] = ()
) -> list[Compacted]:
    """Merge what can be merged of some tables (default: all), months first, then years; return what was done.

    What is marked is published first, so that merged objects need not be written again at once.
    """
    lake = lake_of(platform)
    chosen = [published(name) for name in addresses] or published_tables()
    lake.publish(platform.store)
    done = []
    for source in chosen:
        for width in (MONTH, YEAR):
            for partition in mergeable(source, lake.objects_of(source), width):
                progress(f"{source.address} {partition}")
                done.append(lake.compact(platform.store, source, partition))
    lake.publish(platform.store)  # what a merge has found out of order is published again
    return done


def published(address: str) -> Table:
    """Return a table of the lake; ConfigurationError names those that are in it."""
    chosen = table(address)
    if chosen not in published_tables():
        names = ", ".join(item.address for item in published_tables())
        raise ConfigurationError(f"{address} is not in the lake", f"Use one of {names}")
    return chosen


def lake_of(platform: Platform) -> Lake:
    """Return the lake; a platform of a scratch database has none."""
    assert isinstance(platform.lake, Lake)
    return platform.lake


def _holdings(source: Table, objects: list[LakeObject]) -> TableHoldings:
    speaking = current(objects)
    every = {*mergeable(source, objects, MONTH), *mergeable(source, objects, YEAR)}
    names = sorted(name for name in every if not every.intersection(wider(name)))
    merged = {item.key for name in names for item in within(objects, name)}
    return TableHoldings(
        source.address,
        len(speaking),
        sum(item.size_bytes for item in speaking),
        sum(item.size_bytes < SMALL_BYTES for item in speaking),
        len(objects) - len(speaking),
        speaking[0].partition if speaking else "",
        speaking[-1].partition if speaking else "",
        names,
        len(merged),
    )
