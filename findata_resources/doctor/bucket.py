"""The bucket as it is: which server answers, its clock, and every object by what it belongs to.

What belongs here: asking and sorting. What does not: judging (findata_core/doctor).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from findata_core.doctor.books import Backup
from findata_core.errors import StoreError
from findata_resources.backups.catalogue import drill_of, holdings
from findata_resources.environment import Clock, Endpoints
from findata_resources.stores.lake_layout import LakeObject, current, partition_in, published_tables
from findata_resources.stores.objects import Objects
from findata_resources.stores.raw import payload_id_in

RAW = "raw/"
_ONE_SECOND = timedelta(seconds=1)


@dataclass
class Contents:
    """The keys of a bucket: receipts (payload id -> key), bodies, objects of the lake by table, and the rest."""

    receipts: dict[int, str] = field(default_factory=dict)
    bodies: set[str] = field(default_factory=set)
    void: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)


def server_and_date(endpoints: Endpoints) -> tuple[str, datetime | None]:
    """Return what the S3 server calls itself and its clock, to the second; StoreError where nobody answers."""
    try:
        # Unsigned, it is refused, and the refusal says who refuses and when.
        answer = httpx.get(f"{endpoints.s3_endpoint}/{endpoints.s3_bucket}", timeout=10.0, trust_env=False)
    except httpx.HTTPError as error:
        raise StoreError(
            f"S3 does not answer at {endpoints.s3_endpoint}: {error}",
            "findata up; if it is one of your own, see that it runs, and look at FINDATA_S3_ENDPOINT",
        ) from error
    date = answer.headers.get("date")
    return answer.headers.get("server", "does not say"), parsedate_to_datetime(date).astimezone(
        UTC
    ) if date else None


def clock_skew(endpoints: Endpoints, clock: Clock) -> tuple[timedelta, timedelta] | None:
    """Return how far S3's clock is ahead of ours, and how far off that may be; None where it tells no time."""
    before = clock.now()
    _, theirs = server_and_date(endpoints)
    after = clock.now()
    if theirs is None:
        return None
    half = (after - before) / 2
    # A Date header is cut to its second: on average half of one is missing.
    return theirs + _ONE_SECOND / 2 - (before + half), half + _ONE_SECOND / 2


def contents(objects: Objects) -> Contents:
    """Return the objects below raw/ and the lake's prefixes, by what they belong to; others are not looked at."""
    found = Contents()
    lake: dict[str, list[LakeObject]] = {}
    for key in objects.keys(RAW):
        _sort_raw(found, key)
    tables = {f"{item.schema}/{item.name}" for item in published_tables()}
    for schema in sorted({item.schema for item in published_tables()}):
        for key in objects.keys(f"{schema}/"):
            prefix, partition = key.rpartition("/")[0], partition_in(key)
            if prefix in tables and partition is not None:
                lake.setdefault(prefix, []).append(LakeObject(key, partition, 0, ""))
            else:
                found.strange.append(key)
    found.void = [key for items in lake.values() for key in _void(items)]
    return found


def backups(objects: Objects) -> list[Backup]:
    """Return the backups, with what their last drill found."""
    found = []
    for item in holdings(objects):
        record = drill_of(objects, item)
        drilled, when = (record.is_equal, record.time) if record else (None, None)
        found.append(Backup(item.name, item.time, item.is_whole, drilled, when))
    return found


def _sort_raw(found: Contents, key: str) -> None:
    if "/bodies/" in key:
        found.bodies.add(key)
    elif "/receipts/" in key and key.endswith(".json"):
        try:
            found.receipts[payload_id_in(key)] = key
        except ValueError:
            found.strange.append(key)
    else:
        found.strange.append(key)


def _void(items: Iterable[LakeObject]) -> list[str]:
    every = list(items)
    speaking = {item.key for item in current(every)}
    return [item.key for item in every if item.key not in speaking]
