"""Merging the lake's small objects into one of a month or year, so that no reader is told a row twice.

What belongs here: one merge, step by step, and the end of one that was interrupted. What does not: which
months and years are merged (lake_layout, findata_assets/steps/upkeep.py), publishing (lake).

    read the old objects; make the merged one; prove that it has their rows, and no others
    alone with the table's lock, and only if the old objects are still those that were read:
        put it as `.ready`, read it back      a listing that knows the rule sees it instead of the old ones
        delete the old ones                   a glob of *.parquet lacks the rows from here
        put it under its name, read it back   a glob of *.parquet has them again, each once
        delete `.ready`

Killed between any two steps, whoever publishes or merges the table next finishes it: `.ready` names the objects
that it takes the place of. Anything unexpected makes the dates published again from the database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from findata_core.errors import NotEqual, StoreError
from findata_core.schema.hashing import digests
from findata_core.schema.tables import Table
from findata_resources.stores.digest_book import lake_partition
from findata_resources.stores.lake_files import (
    batches,
    is_at_home,
    made_of,
    merged_parquet,
    rows_of_subjects,
    subjects_in,
)
from findata_resources.stores.lake_layout import (
    READY,
    LakeObject,
    current,
    object_key,
    partition_dates,
    within,
)
from findata_resources.stores.objects import Objects
from findata_resources.stores.timescale import TimescaleStore

CHANGED = "its objects changed meanwhile: run it again"

Listing = Callable[[], list[LakeObject]]


@dataclass(frozen=True)
class Compacted:
    """What a merge did: objects and bytes before, the object after, the hash of the rows that both hold."""

    table: str
    partition: str
    objects_before: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    rows: int = 0
    sha256: str = ""
    remark: str = ""  # why nothing was merged
    is_trouble: bool = False  # something is out of order, or has to be done again

    @property
    def is_merged(self) -> bool:
        """True if there is one object where there were several."""
        return not self.remark


def lock_name(source: Table) -> str:
    """Return the name of the lock of a table's objects."""
    return f"lake/{source.address}"


def compact(
    objects: Objects, listing: Listing, store: TimescaleStore, source: Table, partition: str
) -> Compacted:
    """Merge the objects of a month or year into one of the same rows."""
    finish(objects, listing, store, source, partition)
    found = listing()
    old = current(within(found, partition))
    if any(item.partition == partition for item in found):
        return _swept(objects, store, source, partition, within(found, partition))
    if not old:
        return Compacted(source.address, partition, remark="there is nothing to merge")
    try:
        bodies = {item.key: objects.get(item.key) for item in old}
        body, rows, sha256 = _merged(source, partition, old, bodies)
    except NotEqual as error:
        return Compacted(source.address, partition, remark=str(error), is_trouble=True)
    except StoreError:
        if current(within(listing(), partition)) == old:
            raise
        return Compacted(source.address, partition, remark=CHANGED, is_trouble=True)
    with store.database.lock(lock_name(source)):
        if current(within(listing(), partition)) != old:
            return Compacted(source.address, partition, remark=CHANGED, is_trouble=True)
        _put(objects, object_key(source, partition, READY), body)
        _take_the_place(objects, source, partition, body, [item.key for item in old])
    return Compacted(
        source.address,
        partition,
        len(old),
        sum(item.size_bytes for item in old),
        len(body),
        rows,
        sha256,
    )


def finish(objects: Objects, listing: Listing, store: TimescaleStore, source: Table, partition: str) -> None:
    """Finish the merge of a month or year that was interrupted, or take it back if it had deleted nothing yet."""
    ready = object_key(source, partition, READY)
    if objects.version(ready) is None:
        return
    with store.database.lock(lock_name(source)):
        if objects.version(ready) is None:
            return
        body = objects.get(ready)
        old, left = made_of(body) or {}, within(listing(), partition)
        is_named = objects.version(object_key(source, partition)) is not None
        # Of a `.ready` that can't be read nobody knows what it took the place of: it may hold the only copy.
        are_the_old_ones = bool(old) and all(old.get(item.key) == item.version for item in left)
        if (is_named and not left) or (not is_named and are_the_old_ones and len(left) == len(old)):
            _delete(objects, [ready])
        elif not is_named and are_the_old_ones:
            _take_the_place(objects, source, partition, body, [item.key for item in left])
        else:
            _publish_again(store, source, partition, left)
            _delete(objects, [ready, *([item.key for item in left] if is_named else [])])


def _merged(
    source: Table, partition: str, old: Sequence[LakeObject], bodies: Mapping[str, bytes]
) -> tuple[bytes, int, str]:
    """Return the merged object, its rows and the hash of them; NotEqual unless it has the old objects' rows."""
    for item in old:
        own = {item.key: bodies[item.key]}
        for batch in batches(subjects_in(source, own)):
            rows = rows_of_subjects(source, own, batch)
            if not is_at_home(source, rows, *partition_dates(source, item.partition)):
                raise NotEqual(f"The object {item.key} has rows of other dates", "Run findata rebuild")
    counts = subjects_in(source, bodies)
    versions = {item.key: item.version for item in old}
    body = merged_parquet(source, counts, lambda batch: rows_of_subjects(source, bodies, batch), versions)
    return body, *_proved(source, partition, counts, bodies, body)


def _proved(
    source: Table, partition: str, counts: Mapping[str, int], bodies: Mapping[str, bytes], body: bytes
) -> tuple[int, str]:
    """Return rows and hash of a merged object; NotEqual unless every column of every row is the old ones'."""
    key, total, rows = object_key(source, partition), hashlib.sha256(), 0
    if subjects_in(source, {key: body}) != dict(counts):
        raise NotEqual(f"The merged object {key} has not the rows of the old ones", "Report it: it is a bug")
    for batch in batches(counts):
        before = rows_of_subjects(source, bodies, batch)
        after = rows_of_subjects(source, {key: body}, batch)
        is_unique = not after.select(source.business_key).is_duplicated().any()
        if not is_unique:
            raise NotEqual(f"Objects of {source.address} in {partition} share rows", "Run findata rebuild")
        if not before.equals(after) or not _same_digests(source, before, after):
            raise NotEqual(f"The merged object {key} differs from the old ones", "Report it: it is a bug")
        rows += after.height
        for line in digests(source, after).sort("subject", "scope_date", "slice").iter_rows():
            total.update(repr(line).encode())
    return rows, total.hexdigest()


def _same_digests(source: Table, before: pl.DataFrame, after: pl.DataFrame) -> bool:
    key = ["subject", "scope_date", "slice"]
    return digests(source, before).sort(key).equals(digests(source, after).sort(key))


def _take_the_place(objects: Objects, source: Table, partition: str, body: bytes, old: Sequence[str]) -> None:
    """Delete the old objects and give the merged one its name; `.ready` is there and was read back."""
    _delete(objects, old)
    _put(objects, object_key(source, partition), body)
    _delete(objects, [object_key(source, partition, READY)])


def _put(objects: Objects, key: str, body: bytes) -> None:
    """Put an object where there is none and read it back; StoreError unless it is there byte for byte."""
    objects.create(key, body)
    if hashlib.sha256(objects.get(key)).digest() != hashlib.sha256(body).digest():
        raise StoreError(
            f"S3 gave back something else than was put as {key}", "Run findata lake compact again"
        )


def _delete(objects: Objects, keys: Sequence[str]) -> None:
    for key in keys:
        objects.delete(key)


def _swept(
    objects: Objects, store: TimescaleStore, source: Table, partition: str, void: Sequence[LakeObject]
) -> Compacted:
    """Remove objects that a wider one has made void; their dates are published again from the database."""
    if not void:
        return Compacted(source.address, partition, remark="it is one object")
    with store.database.lock(lock_name(source)):
        _publish_again(store, source, partition, void)
        _delete(objects, [item.key for item in void])
    remark = f"{len(void)} objects beside the merged one were removed; their dates are published again"
    return Compacted(source.address, partition, remark=remark)


def _publish_again(store: TimescaleStore, source: Table, partition: str, void: Sequence[LakeObject]) -> None:
    """Mark for publishing all dates of a partition that have rows, and those of void objects."""
    first, after = partition_dates(source, partition)
    scopes = store.digests(source, first, after).get_column("scope_date").unique().to_list()
    days: list[date] = [
        *scopes,
        *(day for item in void if (day := partition_dates(source, item.partition)[0])),
    ]
    names = sorted({lake_partition(source, day) for day in days})
    with store.database.transaction() as cursor:
        cursor.execute(
            "INSERT INTO ops.lake_dirty (table_name, partition, mark_id) "
            "SELECT %s, name, pg_current_xact_id()::text::bigint FROM unnest(%s::text[]) AS names (name) "
            "ON CONFLICT (table_name, partition) DO UPDATE SET mark_id = excluded.mark_id",
            [source.address, names],
        )
