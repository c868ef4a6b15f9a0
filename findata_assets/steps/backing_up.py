"""Taking a backup: each database as it is at one moment, streamed to S3, and the manifest last.

What belongs here: the order of things. What does not: dumps and databases (findata_resources/backups).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from findata_assets.steps.platform import Platform
from findata_core.backups.manifest import DAGSTER, FINDATA, MANIFEST, Manifest, Part, key_of, name_at
from findata_core.backups.retention import parse_kept
from findata_core.errors import StoreError
from findata_resources.backups import catalogue, counting, servers
from findata_resources.backups.counting import Connection
from findata_resources.backups.dumps import upload_dump
from findata_resources.backups.programs import client_programs, database_in
from findata_resources.environment import resolve_endpoints
from findata_resources.stores.objects import Objects

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Taken:
    """A backup that was taken, and the names of the old ones that were removed after it."""

    manifest: Manifest
    removed: list[str]


def take_backup(platform: Platform, progress: Progress) -> Taken:
    """Back up findata's database and Dagster's, then remove the backups that are no longer kept.

    What is received meanwhile is not in it, and lies in raw. Dagster's database is dumped after findata's: a run that
    ends in between may be in the one and not in the other, and no number depends on it.
    """
    started, now = time.monotonic(), platform.clock.now()
    endpoints, name = resolve_endpoints(platform.settings), name_at(now)
    objects = Objects(endpoints)
    _require_free(objects, name)
    with servers.snapshot_of(endpoints.database_url) as (connection, snapshot):
        upload = _Upload(objects, _programs(platform, connection, progress), name, progress)
        hashes = counting.content(connection)
        manifest = Manifest(
            name=name,
            time=now,
            findata=_own_version(),
            server=servers.server_of(connection).major,
            license=servers.server_of(connection).license,
            migration=counting.migration(connection),
            parts=(upload.part(FINDATA, endpoints.database_url, connection, snapshot),),
            content=hashes,
            content_hash=counting.content_hash(hashes),
            newest_payload_time=counting.newest_payload_time(connection),
            duration_seconds=0.0,
        )
    parts = (*manifest.parts, *_dagster_parts(upload, endpoints.dagster_database_url))
    whole = replace(manifest, parts=parts, duration_seconds=round(time.monotonic() - started, 3))
    objects.create(key_of(name, MANIFEST), whole.to_json().encode())
    return Taken(whole, catalogue.remove_old(objects, parse_kept(platform.settings.backups_kept), now))


@dataclass(frozen=True)
class _Upload:
    """Where the parts of one backup go."""

    objects: Objects
    programs: Path
    name: str
    progress: Progress

    def part(self, part: str, database_url: str, connection: Connection, snapshot: str) -> Part:
        """Count a database and dump it, both in one snapshot."""
        self.progress(f"{part}: counting")
        counts = counting.counts(connection)
        self.progress(f"{part}: dumping {sum(count.rows for count in counts.values()):,} rows")
        key = key_of(self.name, f"{part}.dump")
        passed = upload_dump(self.objects, key, self.programs, database_url, snapshot)
        extension = counting.extension_version(connection)
        return Part(part, key, passed.size_bytes, passed.sha256, extension, counts)


def _programs(platform: Platform, connection: Connection, progress: Progress) -> Path:
    return client_programs(platform.settings, servers.server_of(connection).major, progress)


def _require_free(objects: Objects, name: str) -> None:
    if name in {item.name for item in catalogue.holdings(objects)}:
        raise StoreError(
            f"A backup {name} is being made already", "See findata backup list; run it again later"
        )


def _dagster_parts(upload: _Upload, database_url: str) -> tuple[Part, ...]:
    """Return the part of Dagster's database; none where Dagster has never had one."""
    with servers.maintenance(database_url) as connection:
        if database_in(database_url) not in servers.databases(connection):
            upload.progress("dagster: it has no database yet")
            return ()
    with servers.snapshot_of(database_url) as (connection, snapshot):
        return (upload.part(DAGSTER, database_url, connection, snapshot),)


def _own_version() -> str:
    try:
        return version("findata")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "unknown"
