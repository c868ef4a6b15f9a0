"""Where payloads come from: the universe file, the calendars, recorded folders, live providers.

Each function asks, receives and reports; an answer that is known already changes nothing.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from psycopg import sql

from findata_assets.steps.entries import Intake
from findata_assets.steps.facts import fold_facts
from findata_assets.steps.lists import receive_lists
from findata_assets.steps.platform import Platform, mic_of
from findata_assets.steps.receiving import (
    known_payloads,
    latest_sha256,
    receive,
    receive_all,
    register_all,
)
from findata_core.errors import ConfigurationError
from findata_core.schema.tables import table
from findata_resources.provider import Received, Request
from findata_resources.providers import calendar, universe
from findata_resources.providers.decisions import DATASET as DECISIONS
from findata_resources.providers.recorded import RecordedProvider
from findata_resources.providers.recorded_files import Skipped, survey
from findata_resources.providers.recorded_manifest import Manifest, load_manifest
from findata_resources.stores import fetches
from findata_resources.stores.raw import payload_id_in, receipt
from findata_resources.stores.reports import WriteReport

REFERENCE_DATASETS = ("sessions", "universe")  # bars can't be read without them


# Asset below raw/recorded/ -> the datasets of a manifest that it takes.
# Actions come before bars: a rescaled history is explained by a split that is known.
RECORDED_ASSETS: Mapping[str, tuple[str, ...]] = {
    "actions": ("actions",),
    "bars": ("bars",),
    "securities": ("securities",),
    "rates": ("rates",),
    "economic": ("fx", "index_levels", "index_members", "observations", "series", "vintages"),
}


@dataclass(frozen=True)
class Loaded:
    """What a folder brought: per set the intake, and the files that were skipped with the reason."""

    sets: dict[str, Intake] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)

    def __add__(self, other: "Loaded") -> "Loaded":
        return Loaded({**self.sets, **other.sets}, other.skipped or self.skipped)

    @property
    def total(self) -> Intake:
        """The intake of all sets."""
        return sum(self.sets.values(), Intake())


def load_universe(platform: Platform) -> Intake:
    """Receive the universe file if it is not the one received last."""
    path = platform.settings.universe
    try:
        body = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"The universe file {path} can't be read: {error.strerror}", "Correct FINDATA_UNIVERSE"
        ) from error
    request = Request("findata", "findata", "universe", "universe")
    universe.parse(body, request.to_dict())  # a file with a mistake is refused before it is kept for ever
    return _receive_if_new(platform, Received(request, body, None, {}, platform.clock.now()))


def load_calendars(platform: Platform, mics: Iterable[str]) -> Intake:
    """Receive a snapshot of each exchange's calendar if it is not the one received last."""
    snapshots = (
        calendar.snapshot(mic, platform.settings.calendar_start, platform.clock) for mic in sorted(set(mics))
    )
    return sum((_receive_if_new(platform, received) for received in snapshots), Intake())


def refresh_reference(platform: Platform, mics: Iterable[str] = ()) -> WriteReport:
    """Bring universe and calendars up to date, those of further exchanges included, and fold them."""
    load_universe(platform)
    reports = [fold_facts(platform, name) for name in ("reference.instruments", "reference.symbols")]
    return sum([*reports, refresh_sessions(platform, mics)], WriteReport())


def refresh_sessions(platform: Platform, mics: Iterable[str] = ()) -> WriteReport:
    """Take the calendars of the instruments' exchanges and of further ones, and fold them."""
    followed = platform.store.read(table("reference.instruments")).get_column("instrument_id")
    load_calendars(platform, {*(mic_of(instrument_id) for instrument_id in followed), *mics})
    return fold_facts(platform, "reference.sessions")


def reference_is_current(platform: Platform, mics: Iterable[str] = ()) -> bool:
    """Tell whether the universe file is the one received last, and the calendars reach their horizon.

    Those of further exchanges must be there too.
    """
    latest = latest_sha256(platform, "findata", "universe", "universe")
    if latest != hashlib.sha256(platform.settings.universe.read_bytes()).hexdigest():
        return False
    ends = platform.store.database.frame(
        sql.SQL("SELECT mic, max(session_date) AS last_date FROM reference.sessions GROUP BY mic")
    )
    # The last session before the horizon: no exchange rests for three weeks.
    reach = calendar.horizon(platform.clock.now().date()) - timedelta(days=21)
    has_all = not ends.is_empty() and set(mics) <= set(ends.get_column("mic"))
    return has_all and bool((ends.get_column("last_date") >= reach).all())


def adopt_receipts(platform: Platform) -> Intake:
    """Enter the receipts on S3 that the books lack: of a run killed in between, or of a lost database.

    Decisions come first: what is held must not be folded meanwhile. Then reference data: bars can't be read without
    the sessions.
    """
    keys = {payload_id_in(key): key for key in platform.raw.receipts()}
    # Listed once more: who holds a payload puts the decision first, maybe after the listing had passed its place.
    keys |= {payload_id_in(key): key for key in platform.raw.receipts("findata", DECISIONS)}
    unknown = keys.keys() - known_payloads(platform, keys)
    payloads = [platform.raw.read_receipt(key) for payload_id, key in keys.items() if payload_id in unknown]
    decided = sum(
        register_all(platform, [payload for payload in payloads if payload["dataset"] == DECISIONS]), Intake()
    )
    reference = [payload for payload in payloads if payload["dataset"] in REFERENCE_DATASETS]
    total = sum(register_all(platform, reference), decided)
    if reference:
        for address in ("reference.sessions", "reference.instruments", "reference.symbols"):
            fold_facts(platform, address)
    others = [payload for payload in payloads if payload["dataset"] not in (*REFERENCE_DATASETS, DECISIONS)]
    intakes = register_all(platform, others)
    _count_adopted(platform, [payload["payload_id"] for payload in others], intakes)
    return sum(intakes, total)


def _count_adopted(platform: Platform, payload_ids: Sequence[int], intakes: Sequence[Intake]) -> None:
    """Enter in the ledger of requests what adopted answers hold: the run that asked was killed before it could."""
    lines = fetches.lines_of(platform.store.database, payload_ids)
    counts = [
        (lines[payload_id], intake.rows_answered, intake.rows_duplicate, intake.rows_refused)
        for payload_id, intake in zip(payload_ids, intakes, strict=True)
        if payload_id in lines
    ]
    fetches.count_rows(platform.store.database, counts)


def load_recorded(platform: Platform, directory: Path, manifest: Path | None, dataset: str) -> Loaded:
    """Receive the files of a folder that its manifest names for one dataset of RECORDED_ASSETS.

    Each file is read twice, once to know it and once to take it: the bodies of years would fill the memory.
    """
    _, skipped = recorded_requests(directory, manifest, dataset)
    requests = recorded_payloads(platform, directory, manifest, dataset)
    known = known_payloads(platform, requests)
    fresh = {payload_id: request for payload_id, request in requests.items() if payload_id not in known}
    if dataset == "bars":
        mics = {mic for request in fresh.values() for mic in mics_of(request)}
        if not reference_is_current(platform, mics):
            refresh_reference(platform, mics)
    provider = RecordedProvider(directory)
    answers = (provider.fetch(request, platform.clock) for request in fresh.values())
    taken = receive_lists if dataset == "securities" else receive_all
    intakes = dict(zip(fresh, taken(platform, answers), strict=True))
    sets: dict[str, Intake] = {}
    for payload_id, request in requests.items():
        name = str(request.parameters["reading"]["name"])
        intake = intakes.get(payload_id, Intake(payloads_known=1))
        sets[name] = sets.get(name, Intake()) + intake
    return Loaded(sets, skipped)


def recorded_payloads(
    platform: Platform, directory: Path, manifest: Path | None, dataset: str
) -> dict[int, Request]:
    """Return payload_id -> request of a folder's files that its manifest names for one dataset; no body is kept."""
    provider = RecordedProvider(directory)
    requests, _ = recorded_requests(directory, manifest, dataset)
    return {receipt(provider.fetch(item, platform.clock))["payload_id"]: item for item in requests}


def recorded_answers(
    platform: Platform, directory: Path, manifest: Path | None, dataset: str
) -> list[Received]:
    """Return the files of a folder that its manifest names for one dataset."""
    provider = RecordedProvider(directory)
    requests, _ = recorded_requests(directory, manifest, dataset)
    return [provider.fetch(request, platform.clock) for request in requests]


def recorded_requests(
    directory: Path, manifest: Path | None, dataset: str
) -> tuple[list[Request], list[Skipped]]:
    """Return the requests of a folder for one dataset, and what no set of the manifest takes."""
    path = manifest or directory / "recorded.toml"
    found = survey(directory, _manifest(directory, path), path)
    return [request for _, request in found.requests if request.dataset == dataset], list(found.skipped)


def mics_of(request: Request) -> Iterator[str]:
    """Yield the exchanges that a recorded bar file names."""
    naming = request.parameters["instruments"]
    named = [naming.get("fixed"), naming.get("other"), *naming.get("symbols", {}).values()]
    return (item["mic"] for item in named if item)


def _manifest(directory: Path, path: Path) -> Manifest:
    if not directory.is_dir():
        raise ConfigurationError(
            f"There is no folder {directory}", "Name the folder that holds the recorded files"
        )
    return load_manifest(path)


def _receive_if_new(platform: Platform, received: Received) -> Intake:
    request = received.request
    latest = latest_sha256(platform, request.source, request.dataset, request.subject)
    if latest == receipt(received)["sha256"]:
        return Intake(payloads_known=1)
    return receive(platform, received)
