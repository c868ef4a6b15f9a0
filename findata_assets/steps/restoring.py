"""Restoring a backup: beside, compared, put in place at once; then what was received since, made again from raw.

What belongs here: the order of things, the same for a restore and for a drill. What does not: databases and dumps
(findata_resources/backups), whether a backup fits (findata_core/backups/fitting.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_assets.steps.restored_rows import rows_unlike_digests
from findata_assets.steps.sources import adopt_receipts
from findata_core.backups.fitting import content_differences, count_differences, misfit
from findata_core.backups.manifest import DAGSTER, DRILL, FINDATA, DrillRecord, Manifest, Part, key_of
from findata_core.errors import ConfigurationError, NotEqual, StoreError
from findata_resources.backups import catalogue, counting, servers
from findata_resources.backups.counting import Connection
from findata_resources.backups.dumps import restore_dump
from findata_resources.backups.programs import client_programs, database_in
from findata_resources.environment import Endpoints, resolve_endpoints
from findata_resources.migrations.migrate import known_revisions, migrate
from findata_resources.stores import journal
from findata_resources.stores.objects import Objects

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Restored:
    """What a restore did. `content_hash`: of all tables now, with what was made again from raw.

    `differences`: rows that are not what their digests say; they were so when the backup was taken.
    """

    manifest: Manifest
    differences: list[str]
    payloads_since: int
    content_hash: str
    restore_seconds: float
    since_seconds: float


@dataclass(frozen=True)
class _Target:
    """A part, the database that it stands for, and its server, on which nobody else restores meanwhile."""

    part: Part
    url: str
    server: Connection

    def beside(self, end: str) -> str:
        """Return the URL of the database of this name and an ending."""
        return servers.with_database(self.url, servers.ending(database_in(self.url), end))


def restore(platform: Platform, name: str, progress: Progress, *, with_dagster: bool = True) -> Restored:
    """Restore a backup ("latest": the newest whole one) onto a server whose databases hold nothing.

    Until the databases take their names nothing is changed. What is interrupted after that is no longer a restore:
    migrate and materialize go on with it.
    """
    started, endpoints = time.monotonic(), resolve_endpoints(platform.settings)
    objects = Objects(endpoints)
    manifest = catalogue.chosen(objects, name)
    catalogue.require_parts(objects, manifest)
    with _targets(endpoints, manifest, with_dagster=with_dagster) as targets:
        for target in targets:
            _require_empty(target)
        with _restored_beside(platform, manifest, targets, servers.RESTORING, progress) as differences:
            unlike = rows_unlike_digests(targets[0].beside(servers.RESTORING), manifest, progress)
            if differences:
                raise _unfaithful(manifest, differences)
            progress("putting the databases in place")
            _put_in_place(targets)
    restored_seconds = time.monotonic() - started
    since = receive_since(platform, progress)
    now = servers.content_hash_of(endpoints.database_url)
    since_seconds = time.monotonic() - started - restored_seconds
    return Restored(manifest, unlike, since, now, restored_seconds, since_seconds)


def drill(platform: Platform, name: str, progress: Progress) -> DrillRecord:
    """Restore a backup into databases of its own, compare, drop them, and keep the result beside the backup."""
    started, endpoints = time.monotonic(), resolve_endpoints(platform.settings)
    objects = Objects(endpoints)
    manifest = catalogue.chosen(objects, name)
    try:
        differences = _tried(platform, endpoints, manifest, progress)
    except NotEqual as error:
        differences = [error.message]
    seconds = round(time.monotonic() - started, 3)
    record = DrillRecord(manifest.name, platform.clock.now(), seconds, tuple(differences))
    key = key_of(manifest.name, DRILL)
    objects.replace(key, record.to_json().encode(), objects.version(key))
    return record


def receive_since(platform: Platform, progress: Progress) -> int:
    """Enter the receipts on S3 that a restored database lacks and make what they make due; return how many."""
    progress("entering what was received since, from raw")
    adopted = adopt_receipts(platform)
    platform.forget_sessions()
    progress("folding")
    run_due(platform)
    return adopted.payloads_new


def _tried(platform: Platform, endpoints: Endpoints, manifest: Manifest, progress: Progress) -> list[str]:
    catalogue.require_parts(Objects(endpoints), manifest)
    with (
        _targets(endpoints, manifest, with_dagster=True) as targets,
        _restored_beside(platform, manifest, targets, servers.DRILL, progress) as differences,
    ):
        return differences + rows_unlike_digests(targets[0].beside(servers.DRILL), manifest, progress)


@contextmanager
def _targets(endpoints: Endpoints, manifest: Manifest, *, with_dagster: bool) -> Iterator[list[_Target]]:
    """Yield where the parts belong, findata's first; while they are open nobody else restores on their servers."""
    urls = {FINDATA: endpoints.database_url}
    if with_dagster and manifest.part(DAGSTER):
        urls[DAGSTER] = endpoints.dagster_database_url
    found: list[_Target] = []
    with ExitStack() as stack:
        for name, url in urls.items():
            part = manifest.part(name)
            if part is None:
                raise NotEqual(f"The backup {manifest.name} has no part {name}", "See findata backup list")
            shared = [item.server for item in found if servers.same_server(item.url, url)]
            server = shared[0] if shared else stack.enter_context(servers.administered(url))
            found.append(_Target(part, url, server))
        yield found


@contextmanager
def _restored_beside(
    platform: Platform, manifest: Manifest, targets: list[_Target], end: str, progress: Progress
) -> Iterator[list[str]]:
    """Restore the parts beside the databases they stand for, and yield what differs; they go with the block."""
    objects, programs = (
        Objects(resolve_endpoints(platform.settings)),
        _fitting(platform, manifest, targets, progress),
    )
    try:
        yield [
            text
            for target in targets
            for text in _restored(objects, target, end, programs, manifest, progress)
        ]
    finally:
        for target in targets:
            servers.drop(target.server, database_in(target.beside(end)))


def _restored(
    objects: Objects, target: _Target, end: str, programs: Path, manifest: Manifest, progress: Progress
) -> list[str]:
    part, url = target.part, target.beside(end)
    progress(f"{part.name}: restoring {part.size_bytes:,} bytes")
    servers.create(target.server, url, part.timescaledb)
    restore_dump(objects, part, programs, url)
    servers.finish(url, part.timescaledb)
    progress(f"{part.name}: comparing")
    with servers.connected(url, autocommit=False) as connection:
        found = count_differences(part, counting.counts(connection))
        if part.name == FINDATA:
            found += content_differences(manifest, counting.content(connection))
    if part.name == FINDATA:
        if manifest.migration != known_revisions()[0]:
            progress("migrating")
        migrate(
            url
        )  # also at this revision: a dump has no roles, and their rights in a database are not in it
        with servers.connected(url) as connection:
            journal.forget(connection)
    return found


def _fitting(platform: Platform, manifest: Manifest, targets: list[_Target], progress: Progress) -> Path:
    """Return the programs to restore with; ConfigurationError where the backup does not fit a server."""
    for target in targets:
        reason = misfit(manifest, servers.server_of(target.server), known_revisions())
        if reason:
            raise ConfigurationError(
                f"The backup {manifest.name} can't be restored here: {reason[0]}", reason[1]
            )
    major = max(servers.server_of(target.server).major for target in targets)
    return client_programs(platform.settings, major, progress)


def _require_empty(target: _Target) -> None:
    """Refuse a database that holds something, or that somebody uses."""
    name = database_in(target.url)
    if name not in servers.databases(target.server):
        return
    servers.open_again(target.server, name)
    reason = servers.why_not_empty(target.url)
    if reason:
        raise ConfigurationError(
            f"The database {name} is not empty: {reason}",
            "findata restore never overwrites. Where a restore was interrupted at its end, findata materialize "
            "goes on; to repair what differs, findata rebuild; to restore all the same, rename the database first, or "
            "name an empty one in FINDATA_DATABASE_URL (Dagster's: FINDATA_DAGSTER_DATABASE_URL, or --without-dagster)",
        )
    users = servers.users_of(target.server, name)
    if users:
        raise StoreError(
            f"Somebody is connected to the database {name}: {', '.join(users)}",
            "Stop what uses it (Dagster and the servers: findata down, then findata up), then run this again",
        )


def _put_in_place(targets: list[_Target]) -> None:
    """Give the restored databases their names: those of one server together."""
    for server in {id(target.server): target.server for target in targets}.values():
        names = {
            database_in(target.beside(servers.RESTORING)): database_in(target.url)
            for target in targets
            if target.server is server
        }
        servers.put_in_place(server, names)


def _unfaithful(manifest: Manifest, differences: list[str]) -> NotEqual:
    shown = "; ".join(differences[:5]) + ("; ..." if len(differences) > 5 else "")
    return NotEqual(
        f"What was restored is not what {manifest.name} says: {shown}",
        "Nothing was put in place. Restore another backup (findata backup list), or make everything from raw: "
        "findata migrate, then findata rebuild",
    )
