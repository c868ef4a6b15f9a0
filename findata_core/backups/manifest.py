"""What a backup says of itself: its manifest, as JSON, and what a drill found of it.

What belongs here: the shapes, their spelling, the keys of a backup's objects. What does not: making dumps and
putting them on S3 (findata_resources/backups).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from findata_core.errors import DataError

PREFIX = "backups/"
MANIFEST = "manifest.json"
DRILL = "drill.json"
FORMAT = 1
FINDATA, DAGSTER = "findata", "dagster"  # the parts
_NAME = "%Y%m%dT%H%M%SZ"
_NAMED = re.compile(r"\d{8}T\d{6}Z")


@dataclass(frozen=True)
class TableCount:
    """A table at the moment of the backup: its rows, and a sum over their hashes that no order changes."""

    rows: int
    fingerprint: str


@dataclass(frozen=True)
class Part:
    """One database of a backup: an object on S3 that pg_restore reads.

    `timescaledb`: the extension's version, "" where the database has none; `tables`: address -> count.
    """

    name: str
    key: str
    size_bytes: int
    sha256: str
    timescaledb: str
    tables: Mapping[str, TableCount]


@dataclass(frozen=True)
class Manifest:
    """A whole backup. `time`: when its snapshot was taken, UTC; `server`: PostgreSQL's major version.

    `content`: table -> sha256 over the table's digests, in the order of their keys, and `content_hash` over all
    of them: what `findata verify` proves. `newest_payload_time`: receive time of the youngest payload in it.
    """

    name: str
    time: datetime
    findata: str
    server: int
    license: str
    migration: str
    parts: tuple[Part, ...]
    content: Mapping[str, str]
    content_hash: str
    newest_payload_time: datetime | None
    duration_seconds: float

    @property
    def size_bytes(self) -> int:
        """Bytes of all parts on S3."""
        return sum(part.size_bytes for part in self.parts)

    def part(self, name: str) -> Part | None:
        """Return a part, None where the backup has none of that name."""
        return next((part for part in self.parts if part.name == name), None)

    def to_json(self) -> str:
        """Return the manifest as it lies on S3."""
        return json.dumps({"format": FORMAT, **asdict(self)}, default=datetime.isoformat, indent=1)


@dataclass(frozen=True)
class DrillRecord:
    """What the last trial restore of a backup found; equal where `differences` is empty."""

    name: str
    time: datetime
    duration_seconds: float
    differences: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """True if what was restored is what was backed up."""
        return not self.differences

    def to_json(self) -> str:
        """Return the record as it lies on S3."""
        return json.dumps({"format": FORMAT, **asdict(self)}, default=datetime.isoformat, indent=1)


def name_at(time: datetime) -> str:
    """Return the name of a backup taken at an instant, to the second."""
    return time.astimezone(UTC).strftime(_NAME)


def time_of(name: str) -> datetime:
    """Return the instant that a backup's name stands for."""
    return datetime.strptime(name, _NAME).replace(tzinfo=UTC)


def is_name(text: str) -> bool:
    """Tell whether a text can be the name of a backup."""
    try:
        return _NAMED.fullmatch(text) is not None and name_at(time_of(text)) == text
    except ValueError:  # the thirteenth month
        return False


def key_of(name: str, file: str) -> str:
    """Return the S3 key of a file of a backup."""
    return f"{PREFIX}{name}/{file}"


def read_manifest(name: str, body: bytes) -> Manifest:
    """Return the manifest that an object holds; DataError where it is none, or one of a later findata."""
    said = _said(name, body, MANIFEST)
    try:
        manifest = Manifest(
            **{**said, "time": _instant(said["time"]), "parts": tuple(_part(item) for item in said["parts"])}
            | {"newest_payload_time": _instant(said["newest_payload_time"])}
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(name, MANIFEST) from error
    if manifest.name != name:
        raise _unreadable(name, MANIFEST)
    return manifest


def read_drill(name: str, body: bytes) -> DrillRecord:
    """Return the record of a trial restore; DataError where the object is none."""
    said = _said(name, body, DRILL)
    try:
        said |= {"time": _instant(said["time"]), "differences": tuple(said["differences"])}
        return DrillRecord(**said)
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(name, DRILL) from error


def _said(name: str, body: bytes, file: str) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads(body)
        version = said.pop("format")
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise _unreadable(name, file) from error
    if version != FORMAT:
        raise DataError(
            f"The backup {name} has format {version}, this findata reads {FORMAT}",
            "Use the findata that made it, or a newer one",
        )
    return said


def _part(said: dict[str, Any]) -> Part:
    tables = {address: TableCount(**count) for address, count in said["tables"].items()}
    return Part(**{**said, "tables": tables})


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _unreadable(name: str, file: str) -> DataError:
    return DataError(
        f"{key_of(name, file)} is not what findata wrote", "Take another backup: findata backup list"
    )
