"""Where the lake's objects lie: keys, the dates that an object holds, and which objects are current.

What belongs here: names and dates, nothing that asks S3. Publishing is in lake, merging in compaction.

A table's objects are cut by session, month or year, and a date may for a moment lie in several. The widest
one speaks: a month's object makes its sessions' objects void, a year's object its months'. An object whose key ends
in `.ready` is a merged object on its way to its name (docs/adr/0011): it speaks like any other of its width.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from findata_core.schema.tables import LakePartition, Table, tables

PARQUET, READY = ".parquet", ".ready"
# By the length of the partition's name: 2022-05-19, 2022-05, 2022, all.
_KINDS = {10: "session", 7: "month", 4: "year", 3: "whole"}
_NAME = re.compile(r"(?:session|month|year|whole)=([0-9-]+|all)(\.parquet|\.ready)")


@dataclass(frozen=True)
class LakeObject:
    """One object of a table: the partition that its name says, its size, its ETag."""

    key: str
    partition: str
    size_bytes: int
    version: str

    @property
    def is_ready(self) -> bool:
        """True for a merged object that has not got its name yet."""
        return self.key.endswith(READY)


def object_key(source: Table, partition: str, ending: str = PARQUET) -> str:
    """Return the key of a partition's object: `market/bars/session=2022-05-19.parquet`."""
    return f"{source.schema}/{source.name}/{_KINDS[len(partition)]}={partition}{ending}"


def partition_in(key: str) -> str | None:
    """Return the partition that a key names; None where it is no object of a table."""
    named = _NAME.fullmatch(key.rpartition("/")[2])
    return named.group(1) if named else None


def partition_dates(source: Table, partition: str) -> tuple[date | None, date | None]:
    """Return the scope dates [start, end) of a partition; (None, None) for the whole table."""
    if source.lake_partition is LakePartition.WHOLE:
        return None, None
    if len(partition) == 10:
        day = date.fromisoformat(partition)
        return day, date.fromordinal(day.toordinal() + 1)
    if len(partition) == 7:
        first = date.fromisoformat(f"{partition}-01")
        return first, date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return date(int(partition), 1, 1), date(int(partition) + 1, 1, 1)


def wider(partition: str) -> list[str]:
    """Return the partitions that hold this one's dates, the widest first: 2022, 2022-05 for 2022-05-19."""
    return [partition[:length] for length in (4, 7) if length < len(partition)]


def current(objects: Iterable[LakeObject]) -> list[LakeObject]:
    """Return the objects that speak, by partition: the widest of each date, of two of one width the named one."""
    by_partition: dict[str, LakeObject] = {}
    for item in objects:
        if not item.is_ready or item.partition not in by_partition:
            by_partition[item.partition] = item
    return [
        by_partition[name]
        for name in sorted(by_partition)
        if not any(other in by_partition for other in wider(name))
    ]


def within(objects: Sequence[LakeObject], partition: str) -> list[LakeObject]:
    """Return the objects of narrower partitions that a wide one holds the dates of."""
    return [item for item in objects if partition in wider(item.partition)]


def mergeable(source: Table, objects: Sequence[LakeObject], width: int) -> list[str]:
    """Return the months (width 7) or years (4) whose objects can be merged into one.

    The newest month and year are left as they are: there sessions still come in, and each would rewrite the
    merged object. What is left over of a merge that was interrupted is named whatever its age.
    """
    if source.lake_partition in (LakePartition.NONE, LakePartition.WHOLE):
        return []
    speaking = current(objects)
    newest = max((item.partition[:width] for item in speaking if len(item.partition) >= width), default="")
    narrow = {item.partition[:width] for item in objects if len(item.partition) > width}
    unfinished = {item.partition for item in objects if item.is_ready and len(item.partition) == width}
    there = {item.partition for item in objects}
    found = {name for name in narrow if name < newest} | unfinished
    return sorted(name for name in found if not there.intersection(wider(name)))


def published_tables() -> list[Table]:
    """Return the tables that have objects in the lake, sorted by address."""
    return [item for item in tables() if item.lake_partition is not LakePartition.NONE]
