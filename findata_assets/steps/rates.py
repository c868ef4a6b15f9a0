"""What is known of reference rates, for whoever asks: rates, windows, averages beside the published.

What belongs here: reading, from the tables as they are, as they were, or from recorded files alone. What does not:
arithmetic (findata_core/rates), writing (derived.py).
"""

from datetime import date, datetime
from pathlib import Path

import polars as pl
from psycopg import sql

from findata_assets.steps.derivations import Reads
from findata_assets.steps.known import KnownAt
from findata_assets.steps.platform import Platform
from findata_core.errors import ConfigurationError, MalformedPayload
from findata_core.rates.arrears import Compounded, compounded_in_arrears
from findata_core.rates.catalogue import RATES
from findata_core.rates.preferring import merged_averages, preferred_fixings
from findata_core.rates.sofr import recompute_averages
from findata_core.schema.frames import conform, empty
from findata_core.schema.tables import table
from findata_core.schema.validation import validate
from findata_core.versions import fold_versions
from findata_resources import manifests
from findata_resources.environment import SystemClock
from findata_resources.provider import Parsed, Received, Request
from findata_resources.providers import parse_payload
from findata_resources.providers.recorded import RecordedProvider
from findata_resources.providers.recorded_files import survey
from findata_resources.providers.recorded_manifest import Manifest, load_manifest

FRED_FILES = Path(manifests.__file__).parent / "fred_sofr.toml"
FACTS = ("rates.rates", "rates.published_averages")


def rate_named(name: str) -> str:
    """Return the catalogue's name of a rate; ConfigurationError names those that there are."""
    if name.upper() not in RATES:
        raise ConfigurationError(f"No reference rate is called {name}", f"Use one of {', '.join(RATES)}")
    return name.upper()


def known_rates(platform: Platform) -> pl.DataFrame:
    """Return per table, rate and source: the first and last day, days and versions known."""
    parts = [
        sql.SQL(
            "SELECT {name} AS what, rate, source, min(observation_date) AS first_date, "
            "max(observation_date) AS last_date, count(*) AS days, count(*) + "
            "(SELECT count(*) FROM {closed} AS h WHERE h.rate = f.rate AND h.source = f.source) AS versions "
            "FROM {facts} AS f GROUP BY rate, source"
        ).format(
            name=sql.Literal(name),
            facts=sql.Identifier(*address.split(".")),
            closed=sql.Identifier("history", address.split(".")[1]),
        )
        for name, address in zip(("fixings", "averages"), FACTS, strict=True)
    ]
    return platform.store.database.frame(
        sql.SQL(" UNION ALL ").join(parts) + sql.SQL(" ORDER BY 2, 1 DESC, 3")
    )


def fixings_of_rate(platform: Platform, rate: str, as_of: datetime | None) -> pl.DataFrame:
    """Return the rows of rates.rates of a rate from all sources, now or as they were known, sorted by key."""
    reads: Reads = platform if as_of is None else KnownAt(platform, as_of)
    rows = reads.read("rates.rates", subjects=pl.Series([rate_named(rate)]))
    return rows.sort(list(table("rates.rates").business_key))


def compounded(
    platform: Platform, rate: str, start: date, end: date, as_of: datetime | None = None
) -> Compounded:
    """Compound a rate in arrears over [start, end), by its preferred sources, now or as it was known."""
    name = rate_named(rate)
    fixings = preferred_fixings(fixings_of_rate(platform, name, as_of))
    return compounded_in_arrears(fixings, name, start, end)


def averages_of_files(directory: Path, manifest: Path | None) -> tuple[pl.DataFrame, list[str]]:
    """Return the averages recomputed from recorded files alone, and in words what was refused of them.

    Nothing is stored and no server is needed. Without a manifest the folder's own is taken, or FRED's files as
    findata_resources/manifests/fred_sofr.toml names them.
    """
    facts = {address: [empty(table(address))] for address in FACTS}
    refused: list[str] = []
    provider = RecordedProvider(directory)
    for number, request in enumerate(_requests(directory, manifest)):
        received = provider.fetch(request, SystemClock())
        for part in _parsed(received):
            rows = part.rows.with_columns(ingest_time=pl.lit(received.received_time), payload_id=number + 1)
            validated = validate(table(part.table), _sorted(part.table, rows))
            facts[part.table].append(validated.good)
            refused += _told(str(request.parameters["file"]), validated.failures)
    current = {address: _current(address, pl.concat(rows)) for address, rows in facts.items()}
    rates, averages = (current[address] for address in FACTS)
    return recompute_averages(preferred_fixings(rates), merged_averages(averages)), refused


def _parsed(received: Received) -> list[Parsed]:
    """Parse a file; what can't be read names it."""
    file = received.request.parameters["file"]
    try:
        return parse_payload(received.body, received.request.to_dict())
    except MalformedPayload as error:
        raise MalformedPayload(f"{file}: {error.message}", error.next_step) from error


def _current(address: str, rows: pl.DataFrame) -> pl.DataFrame:
    return fold_versions(table(address), rows).current if rows.height else rows


def _sorted(address: str, rows: pl.DataFrame) -> pl.DataFrame:
    target = table(address)
    lacking = [pl.lit(None).alias(name) for name in target.column_names if name not in rows.columns]
    return conform(rows.with_columns(lacking), target).sort(list(target.business_key))


def _told(file: str, failures: pl.DataFrame) -> list[str]:
    counts = failures.group_by("rule", "reason", maintain_order=True).len()
    return [f"{file}: {count} rows: {reason} ({rule})" for rule, reason, count in counts.iter_rows()]


def _requests(directory: Path, manifest: Path | None) -> list[Request]:
    if not directory.is_dir():
        raise ConfigurationError(f"There is no folder {directory}", "Name the folder of the recorded files")
    path = manifest or directory / "recorded.toml"
    read = load_manifest(path) if manifest or path.is_file() else _files_of_fred(directory)
    return [request for _, request in survey(directory, read).requests if request.dataset == "rates"]


def _files_of_fred(directory: Path) -> Manifest:
    """Return FRED's manifest without the files that the folder lacks; SOFR's own must be there."""
    whole = load_manifest(FRED_FILES)
    there = [item for item in whole.set if (directory / item.files[0]).is_file()]
    if not there or there[0].name != "SOFR":
        raise ConfigurationError(
            f"{directory} has neither recorded.toml nor SOFR.csv",
            "Name a manifest with --manifest (docs/providers/recorded.md)",
        )
    return whole.model_copy(update={"set": there})
