"""Whether a backup can be restored on a server: versions, licence, migration; and whether what was restored is it.

What belongs here: the comparisons, as sentences. What does not: asking a server (findata_resources/backups/servers.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from findata_core.backups.manifest import Manifest, Part, TableCount

REBUILD_INSTEAD = "or make everything from raw: findata migrate, then findata rebuild"
COMMUNITY = "timescale"  # what `SHOW timescaledb.license` says of the edition that compresses


@dataclass(frozen=True)
class Server:
    """What a server is: PostgreSQL's major version, the versions of TimescaleDB that it has, its licence.

    `license` is "" where it does not say.
    """

    major: int
    timescaledb: Collection[str]
    license: str


def misfit(manifest: Manifest, server: Server, migrations: Collection[str]) -> tuple[str, str] | None:
    """Return why a backup can't be restored there and what to do; None if it can."""
    if server.major < manifest.server:
        return (
            f"the backup is of PostgreSQL {manifest.server}, the server is {server.major}",
            f"restore on PostgreSQL {manifest.server} or later, {REBUILD_INSTEAD}",
        )
    for version in sorted({part.timescaledb for part in manifest.parts} - {""} - set(server.timescaledb)):
        return (
            f"the backup needs TimescaleDB {version}, the server has "
            f"{', '.join(sorted(server.timescaledb)) or 'none'}",
            f"install that version, restore, then ALTER EXTENSION timescaledb UPDATE, {REBUILD_INSTEAD}",
        )
    if manifest.license == COMMUNITY and server.license not in ("", COMMUNITY):
        return (
            f"the backup is of TimescaleDB's Community edition, the server's licence is {server.license}",
            f"restore on a server of the Community edition, {REBUILD_INSTEAD}",
        )
    if manifest.migration and manifest.migration not in migrations:
        return (
            f"the backup is at migration {manifest.migration}, which this findata does not know",
            f"use findata {manifest.findata} or later, {REBUILD_INSTEAD}",
        )
    return None


def count_differences(part: Part, restored: Mapping[str, TableCount]) -> list[str]:
    """Return what differs between a part and what was restored from it, a sentence a table."""
    found = []
    for address in sorted({*part.tables, *restored}):
        was, now = part.tables.get(address), restored.get(address)
        if now is None:
            found.append(f"{part.name}: {address} is missing")
        elif was is None:
            found.append(f"{part.name}: {address} is not in the backup")
        elif was != now:
            rows = f"{was.rows:,} rows" + (f", now {now.rows:,}" if was.rows != now.rows else ", others")
            found.append(f"{part.name}: {address} differs ({rows})")
    return found


def content_differences(manifest: Manifest, content: Mapping[str, str]) -> list[str]:
    """Return the tables whose digests are not those of the backup."""
    names = sorted({*manifest.content, *content})
    return [
        f"the digests of {name} differ" for name in names if manifest.content.get(name) != content.get(name)
    ]
