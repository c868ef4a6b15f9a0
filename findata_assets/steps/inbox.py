"""Taking in files that were dropped into the inbox on S3: each once, by its content, as a verbatim raw payload.

What belongs here: which request a file stands for, whether its content is known, and the order: received first, then
taken out of the inbox. What does not: objects (findata_resources/stores/inbox.py), reading files (providers/recorded*).

A file is known from when it was dropped: the `received` of its manifest, which says when somebody else got it, does not
count here, so that a corrected file of the same name is a later word on the same bars.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from pathlib import Path, PurePosixPath
from typing import Any

from psycopg import sql

from findata_assets.steps.entries import Intake
from findata_assets.steps.holding import hex_id
from findata_assets.steps.lists import receive_lists
from findata_assets.steps.platform import Platform
from findata_assets.steps.receiving import receive_all
from findata_assets.steps.sources import RECORDED_ASSETS, mics_of, reference_is_current, refresh_reference
from findata_assets.steps.upkeep import lake_of
from findata_core.errors import ConfigurationError, FindataError, StoreError
from findata_resources.provider import Received, Request
from findata_resources.providers.recorded_files import requests_for
from findata_resources.providers.recorded_manifest import load_manifest
from findata_resources.stores.inbox import MANIFEST, Dropped, Inbox
from findata_resources.stores.raw import receipt

# Splits are known before the bars that they explain.
ORDER = [dataset for datasets in RECORDED_ASSETS.values() for dataset in datasets]
# What differs between two drops of the same thing.
OF_THE_DROP = ("file", "received_time")


@dataclass(frozen=True)
class Taken:
    """What became of files: taken in, known already (by content), refused with the reason, left for the next look."""

    taken: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    left: tuple[str, ...] = ()
    intake: Intake = field(default_factory=Intake)

    def __add__(self, other: Taken) -> Taken:
        return Taken(
            self.taken + other.taken,
            self.known + other.known,
            self.refused + other.refused,
            self.left + other.left,
            self.intake + other.intake,
        )


def inbox_of(platform: Platform) -> Inbox:
    """Return the inbox of the platform's bucket."""
    lake = lake_of(platform)
    return Inbox(lake.client(), lake.bucket)


def take_inbox(platform: Platform, files: Mapping[str, str]) -> Taken:
    """Take in files of the inbox (key -> version), what explains others first; one that can't be read is moved away."""
    inbox, total = inbox_of(platform), Taken()
    for key in sorted(files, key=lambda name: (_rank(inbox, name), name)):
        file = inbox.read(key, files[key])
        total += Taken(left=(key,)) if file is None else _take(platform, inbox, file)
    return total


def _take(platform: Platform, inbox: Inbox, file: Dropped) -> Taken:
    try:
        answers = list(_answers(platform, inbox, file))
    except StoreError:
        raise  # the file has nothing to do with it
    except FindataError as error:
        inbox.refuse(file, error.message, error.next_step)
        return Taken(refused=((file.key, error.message),))
    new = [answer for answer in answers if not _is_known(platform, answer)]
    intake = sum(_received(platform, new), Intake())
    payloads = [hex_id(receipt(answer)["payload_id"]) for answer in new]
    inbox.done(
        file, {"payloads": payloads, "rows": intake.rows_answered, "rows_refused": intake.rows_refused}
    )
    return Taken(taken=(file.key,), intake=intake) if new else Taken(known=(file.key,))


def _answers(platform: Platform, inbox: Inbox, file: Dropped) -> Iterator[Received]:
    """Yield what a file says, as answers that can be parsed; an error says why it can't."""
    if not file.body:
        raise ConfigurationError(f"{file.path} is empty", "Drop it again with its content")
    for request in _requests(inbox, file.path):
        moment = file.received_time.astimezone(UTC)
        parameters = {**request.parameters, "received_time": moment.isoformat()}
        answer = Received(replace(request, parameters=parameters), file.body, None, {}, moment)
        payload = receipt(answer)
        platform.parsed.hand_over(payload, file.body)
        platform.parsed.of(payload)  # it raises where the file can't be read
        yield answer


def _rank(inbox: Inbox, key: str) -> int:
    """Return the place of a file's dataset in ORDER; what can't be read comes last."""
    try:
        return min(ORDER.index(request.dataset) for request in _requests(inbox, _below(key)))
    except (ConfigurationError, ValueError):
        return len(ORDER)


def _requests(inbox: Inbox, path: str) -> list[Request]:
    """Return the requests that a file stands for, by the manifest nearest above it."""
    if {"..", ".", ""} & {*path.split("/")}:
        raise ConfigurationError(f"{path!r} is no path of a file", "Drop it under a plain name")
    found = inbox.manifest_of(path)
    if found is None:
        raise ConfigurationError(
            f"There is no {MANIFEST} beside {path} or above it",
            f"Put a manifest there first (docs/providers/recorded.md), then drop {PurePosixPath(path).name} again",
        )
    folder, manifest = found
    with tempfile.TemporaryDirectory(prefix="findata-inbox-") as place:
        return _requests_in(Path(place), manifest, path.removeprefix(folder))


def _requests_in(folder: Path, manifest: bytes, name: str) -> list[Request]:
    """Return the requests of a name by a manifest: globs are matched by the file system, as they are elsewhere."""
    try:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
        (folder / MANIFEST).write_bytes(manifest)
    except OSError as error:
        raise ConfigurationError(
            f"{name} can't be a file's name: {error.strerror}", "Drop it under a shorter name"
        ) from error
    return requests_for(folder, load_manifest(folder / MANIFEST), name)


def _below(key: str) -> str:
    return key.partition("/")[2]


def _is_known(platform: Platform, answer: Received) -> bool:
    """Tell whether the same content was received before, read in the same way."""
    query = sql.SQL(
        "SELECT request::text AS request FROM ops.payloads WHERE sha256 = {} AND source = {} AND dataset = {}"
    ).format(*map(sql.Literal, (receipt(answer)["sha256"], answer.request.source, answer.request.dataset)))
    mine = _meaning(answer.request.to_dict())
    known = platform.store.database.frame(query).get_column("request")
    return any(_meaning(json.loads(text)) == mine for text in known)


def _meaning(request: Mapping[str, Any]) -> str:
    """Return what a request says of its file, apart from the drop."""
    parameters = {name: value for name, value in request["parameters"].items() if name not in OF_THE_DROP}
    return json.dumps([request["provider"], request["subject"], parameters], sort_keys=True)


def _received(platform: Platform, answers: Sequence[Received]) -> list[Intake]:
    """Receive answers; sessions of the exchanges that they name must be known before."""
    if not answers:
        return []
    dataset = answers[0].request.dataset
    if dataset == "bars":
        mics = {mic for answer in answers for mic in mics_of(answer.request)}
        if not reference_is_current(platform, mics):
            refresh_reference(platform, mics)
    return (receive_lists if dataset == "securities" else receive_all)(platform, answers)
