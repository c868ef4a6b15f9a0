"""The backups on S3: which there are, whole or half, and removing them.

A backup is whole when its manifest is there, which is put last and removed first; objects without one are a half,
which nobody restores.

What belongs here: objects. What does not: what they say (findata_core/backups).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from findata_core.backups.manifest import (
    DRILL,
    MANIFEST,
    PREFIX,
    DrillRecord,
    Manifest,
    is_name,
    key_of,
    read_drill,
    read_manifest,
    time_of,
)
from findata_core.backups.retention import Kept, abandoned, to_remove
from findata_core.errors import ConfigurationError, DataError, NotEqual, StoreError
from findata_resources.stores.objects import Objects

LATEST = "latest"


@dataclass(frozen=True)
class Holding:
    """What lies on S3 under a backup's name: its files, their bytes."""

    name: str
    files: dict[str, int]

    @property
    def is_whole(self) -> bool:
        """True if it has a manifest."""
        return MANIFEST in self.files

    @property
    def time(self) -> datetime:
        """When it was taken."""
        return time_of(self.name)

    @property
    def size_bytes(self) -> int:
        """All its bytes."""
        return sum(self.files.values())


def holdings(objects: Objects) -> list[Holding]:
    """Return what lies below the prefix of backups, by name, oldest first."""
    found: dict[str, dict[str, int]] = {}
    for key, size_bytes, _ in objects.listed(PREFIX):
        name, _, file = key.removeprefix(PREFIX).partition("/")
        if is_name(name):
            found.setdefault(name, {})[file] = size_bytes
    return [Holding(name, files) for name, files in sorted(found.items())]


def manifest_of(objects: Objects, name: str) -> Manifest:
    """Return the manifest of a backup."""
    return read_manifest(name, objects.get(key_of(name, MANIFEST)))


def drill_of(objects: Objects, holding: Holding) -> DrillRecord | None:
    """Return what the last drill found of a backup; None if there was none, or it can't be read."""
    if DRILL not in holding.files:
        return None
    try:
        return read_drill(holding.name, objects.get(key_of(holding.name, DRILL)))
    except (DataError, StoreError):
        return None


def chosen(objects: Objects, name: str) -> Manifest:
    """Return the manifest of a backup by name, or of the newest whole one; an error says what there is."""
    whole = [item.name for item in holdings(objects) if item.is_whole]
    if not whole:
        raise ConfigurationError(
            "There is no whole backup on S3",
            "Look at FINDATA_S3_BUCKET with findata config; without a backup everything is made from raw: "
            "findata migrate, then findata rebuild",
        )
    if name == LATEST:
        return manifest_of(objects, whole[-1])
    if name not in whole:
        raise ConfigurationError(
            f"There is no whole backup {name}; the newest is {whole[-1]}", "See findata backup list"
        )
    return manifest_of(objects, name)


def require_parts(objects: Objects, manifest: Manifest) -> None:
    """NotEqual if an object of a backup is missing or has another size, before anything is begun."""
    files = {item.name: item.files for item in holdings(objects)}.get(manifest.name, {})
    for part in manifest.parts:
        size_bytes = files.get(part.key.rpartition("/")[2])
        if size_bytes != part.size_bytes:
            found = "is missing" if size_bytes is None else f"has {size_bytes:,} bytes"
            raise NotEqual(
                f"{part.key} {found}; the manifest says {part.size_bytes:,} bytes",
                "Restore another backup (findata backup list), or make everything from raw: findata migrate, "
                "then findata rebuild",
            )


def remove_old(objects: Objects, rule: Kept, now: datetime) -> list[str]:
    """Remove the backups that the rule does not keep, and halves that nobody is making; return their names."""
    found = holdings(objects)
    whole = [item for item in found if item.is_whole]
    proven = [
        item.time for item in whole if (record := drill_of(objects, item)) is not None and record.is_equal
    ]
    gone = {*to_remove([item.time for item in whole], proven, rule)}
    gone |= {*abandoned([item.time for item in found if not item.is_whole], now)}
    removed = [item for item in found if item.time in gone]
    for item in removed:
        remove(objects, item)
    return [item.name for item in removed]


def remove(objects: Objects, holding: Holding) -> None:
    """Remove a backup, its manifest first: a removal that is interrupted leaves a half."""
    for file in _manifest_first(holding.files):
        objects.delete(key_of(holding.name, file))


def _manifest_first(files: Iterable[str]) -> list[str]:
    return sorted(files, key=lambda file: (file != MANIFEST, file))
