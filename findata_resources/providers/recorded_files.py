"""Which files of a folder a manifest names, and the request that stands for each of them.

What belongs here: globs, overlaps, files left out, and resolving instruments. No file is opened here.
The request carries all the reading instructions, so that a payload can be parsed again from S3 alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from findata_core.calendars import exchange_of
from findata_core.errors import ConfigurationError
from findata_resources.provider import Request
from findata_resources.providers.recorded_manifest import InstrumentPart, Manifest, RecordedSet

PROVIDER = "recorded"
NOT_NAMED = "no set names it"
# Keys of a set that say which files it takes, not how they are read: left out of the request.
_FINDING_KEYS = {"files", "skip", "overlaps", "instrument", "received"}


@dataclass(frozen=True)
class Skipped:
    """A file that is not loaded, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Survey:
    """What a manifest makes of a folder: files with requests, by set and path, and the rest."""

    requests: tuple[tuple[Path, Request], ...]
    skipped: tuple[Skipped, ...]


def expand(directory: Path, manifest: Manifest) -> Iterator[tuple[Path, Request]]:
    """Yield each file that the manifest names and its request; ConfigurationError where they don't fit."""
    yield from survey(directory, manifest).requests


def survey(directory: Path, manifest: Manifest, manifest_path: Path | None = None) -> Survey:
    """Return what is loaded and what is not, with reasons; the manifest itself is left out of both."""
    if not directory.is_dir():
        raise ConfigurationError(f"There is no folder {directory}", "Name the folder that holds the files")
    left_out = _left_out(directory, manifest)
    chosen: list[tuple[str, RecordedSet]] = []
    for item in manifest.set:
        chosen.extend((path, item) for path in _files_of(directory, item, left_out))
    _refuse_silent_overlaps(chosen)
    requests = tuple((directory / path, _request(path, item)) for path, item in chosen)
    named = {path for path, _ in chosen}
    reasons = {
        path: why for item in manifest.set for path, why in _set_skips(directory, item).items()
    } | left_out
    return Survey(requests, tuple(_skipped(directory, named, reasons, manifest_path)))


def requests_for(directory: Path, manifest: Manifest, path: str) -> list[Request]:
    """Return the requests of one file of a folder, by its path below it, whatever other files there are.

    ConfigurationError says why there is none: no set names it, or the manifest leaves it out.
    """
    reasons = _left_out(directory, manifest)
    chosen = []
    for item in manifest.set:
        skips = _set_skips(directory, item)
        named = any(path in _matches(directory, pattern) for pattern in item.files)
        if named and path not in skips and path not in reasons:
            chosen.append((path, item))
        elif named:
            reasons |= skips
    _refuse_silent_overlaps(chosen)
    if not chosen:
        raise ConfigurationError(
            f"{path}: {reasons.get(path, NOT_NAMED)}",
            "Name it in files of a set in recorded.toml (docs/providers/recorded.md), and drop it again",
        )
    return [_request(name, item) for name, item in chosen]


def _files_of(directory: Path, item: RecordedSet, left_out: dict[str, str]) -> list[str]:
    found: set[str] = set()
    for pattern in item.files:
        matches = _matches(directory, pattern)
        if not matches:
            raise ConfigurationError(
                f"Set '{item.name}': no file of {directory} matches '{pattern}'",
                "Correct files, or remove it",
            )
        found.update(matches)
    return sorted(found - _set_skips(directory, item).keys() - left_out.keys())


def _matches(directory: Path, pattern: str) -> list[str]:
    paths = [path for path in directory.glob(pattern) if path.is_file()]
    root = directory.resolve()
    outside = [path for path in paths if not path.resolve().is_relative_to(root)]
    if outside:
        raise ConfigurationError(
            f"{outside[0]} leads outside {directory}", "Copy the file into the folder, or load its own folder"
        )
    return [path.relative_to(directory).as_posix() for path in paths]


def _left_out(directory: Path, manifest: Manifest) -> dict[str, str]:
    """Files that the manifest leaves out for all its sets, and why."""
    return {
        path: rule.reason
        for rule in manifest.skip
        for pattern in rule.files
        for path in _matches(directory, pattern)
    }


def _set_skips(directory: Path, item: RecordedSet) -> dict[str, str]:
    return {
        path: rule.reason
        for rule in item.skip
        for pattern in rule.files
        for path in _matches(directory, pattern)
    }


def _skipped(
    directory: Path, named: set[str], reasons: dict[str, str], manifest_path: Path | None
) -> Iterator[Skipped]:
    itself = manifest_path.resolve() if manifest_path else None
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.is_file() and name not in named and path.resolve() != itself:
            yield Skipped(name, reasons.get(name, NOT_NAMED))


def _refuse_silent_overlaps(chosen: list[tuple[str, RecordedSet]]) -> None:
    """Refuse a file that two sets take, unless one of them says that it overlaps the other."""
    first: dict[str, list[RecordedSet]] = {}
    for path, item in chosen:
        for other in first.setdefault(path, []):
            if other.name not in item.overlaps and item.name not in other.overlaps:
                raise ConfigurationError(
                    f"{path} is in the sets '{other.name}' and '{item.name}'",
                    f"Narrow files or skip it in one of them; if both are meant, write "
                    f"overlaps = [\"{other.name}\"] in '{item.name}'",
                )
        first[path].append(item)


def _request(path: str, item: RecordedSet) -> Request:
    # A key that says nothing of a dataset stays out of its requests, which name payloads for ever.
    silent = set() if item.dataset == "securities" else {"symbology"}
    reading = item.model_dump(mode="json", exclude=_FINDING_KEYS | silent)
    parameters: dict[str, Any] = {
        "file": path,
        "received_time": item.received.astimezone(UTC).isoformat(),
        "reading": reading,
    }
    subject = item.rate or item.series or item.index or ""
    if item.instrument is not None:
        parameters["instruments"], subject = _instruments(path, item, item.instrument)
    return Request(PROVIDER, item.source, item.dataset, subject, parameters)


def _instruments(path: str, item: RecordedSet, part: InstrumentPart) -> tuple[dict[str, Any], str]:
    """Return how parsing names instruments (JSON), and the one instrument of the file, "" for a column."""
    if part.column is not None:
        symbols = {name: _resolve(item, part, name) for name in part.symbols}
        other = None if part.mic is None else _venue_of(item, part.mic, part.currency, part.price_units)
        return {"column": part.column, "upper_case": part.upper_case, "symbols": symbols, "other": other}, ""
    name = part.symbol if part.path_pattern is None else _name_in(path, item, part.path_pattern)
    resolved = _resolve(item, part, name or "")
    return {"fixed": resolved}, str(resolved["instrument_id"])


def _name_in(path: str, item: RecordedSet, pattern: str) -> str:
    match = re.search(pattern, path)
    if match is None:
        raise ConfigurationError(
            f"Set '{item.name}': instrument.path_pattern '{pattern}' does not fit {path}",
            "Correct the pattern (it is searched in the path below the folder, with '/'), or skip the file",
        )
    return match.group("symbol")


def _resolve(item: RecordedSet, part: InstrumentPart, name: str) -> dict[str, Any]:
    """Return instrument_id, symbol, mic, currency, price_units and region of a name in the files."""
    entry = part.symbols.get(name)
    symbol = (entry and entry.symbol) or (name.upper() if part.upper_case else name)
    mic = (entry and entry.mic) or part.mic
    if mic is None:
        raise ConfigurationError(
            f"Set '{item.name}' does not say where '{name}' trades",
            f'Add instrument.mic for all, or instrument.symbols."{name}" = {{ mic = "..." }} (ISO 10383)',
        )
    currency = (entry and entry.currency) or part.currency
    price_units = (entry and entry.price_units) or part.price_units
    place = _venue_of(item, mic, currency, price_units)
    return {"instrument_id": f"{symbol}.{mic}", "symbol": symbol, **place}


def _venue_of(item: RecordedSet, mic: str, currency: str | None, price_units: int | None) -> dict[str, Any]:
    known = exchange_of(mic)
    return {
        "mic": mic,
        "currency": currency or known.currency,
        "price_units": price_units or known.price_units,
        "region": item.region or known.country,
    }
