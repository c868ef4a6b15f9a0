"""The doctor's round: the machine, the settings, the servers, the books, the backups, one after the other.

It changes nothing. Where a server is down it says so, says how it is started, and goes on with the rest.

What belongs here: the order of things. What does not: looking (findata_resources/doctor), judging
(findata_core/doctor).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from pydantic import SecretStr

from findata_core.calendars import CALENDAR_VERSION
from findata_core.doctor import books, machine, outside, servers
from findata_core.doctor.findings import Finding, ok, wrong
from findata_core.errors import ConfigurationError, FindataError, NotRunning
from findata_resources.backups.counting import Connection, migration
from findata_resources.doctor import bucket, database
from findata_resources.doctor import machine as here
from findata_resources.embedded.orchestrator import DAEMON, WEB_SERVER
from findata_resources.environment import (
    Clock,
    Endpoints,
    Settings,
    load_settings,
    resolve_endpoints,
    unknown_variables,
    variable_of,
)
from findata_resources.migrations.migrate import known_revisions, schema_difference, wanted_of_administrator
from findata_resources.providers import LIMITS, limits_of
from findata_resources.stores.objects import Objects

KEYS = {"alphavantage": "alphavantage_api_key", "fred": "fred_api_key"}

Round = Callable[[], Iterator[Finding]]


def diagnose(clock: Clock, *, with_orphans: bool = True) -> list[Finding]:
    """Return all findings, in the order of reading; `with_orphans`: also list the bucket, which may take a while."""
    found = [machine.python_finding(sys.version_info[:3])]
    try:
        settings = load_settings()
    except ConfigurationError as error:
        return [*found, wrong("settings", "settings", error.message, error.next_step)]
    found += [*_machine(settings), *_settings(settings)]
    found += _guarded("database", lambda: _database(resolve_endpoints(settings), clock))
    found += _guarded("Dagster's database", lambda: _dagster(resolve_endpoints(settings)))
    found += _guarded("S3", lambda: _bucket(resolve_endpoints(settings), clock))
    if with_orphans:
        found += _guarded("orphans", lambda: _orphans(resolve_endpoints(settings)))
    return _by_area(found)


def _by_area(found: list[Finding]) -> list[Finding]:
    """Return the findings with those of one area together, in the order in which areas were come to."""
    areas = list(dict.fromkeys(finding.area for finding in found))
    return sorted(found, key=lambda finding: areas.index(finding.area))


def _guarded(subject: str, look: Round) -> list[Finding]:
    """Return what a part of the round finds; what can't be reached is a finding, and the round goes on."""
    found: list[Finding] = []
    try:
        found.extend(look())
    except NotRunning:  # said once, of the server itself
        pass
    except FindataError as error:
        found.append(servers.unreachable(subject, error.message, error.next_step))
    return found


def _machine(settings: Settings) -> Iterator[Finding]:
    yield from map(machine.disk_finding, here.disks(settings))
    yield machine.open_files_finding(*here.open_files())
    yield from map(machine.port_finding, here.ports(settings))
    running = here.running(settings)
    for name, named in (("database", settings.database_url), ("objects", settings.s3_endpoint)):
        yield servers.server_finding(name, is_named=named is not None, is_running=running[name])
    yield servers.dagster_finding(web_server=running[WEB_SERVER], daemon=running[DAEMON])
    yield from machine.leftover_findings(
        here.dead_servers(settings), here.stale_pid_files(settings), is_locked=here.is_locked(settings)
    )


def _settings(settings: Settings) -> Iterator[Finding]:
    yield from outside.setting_findings(_contradictions(settings), unknown_variables())
    for provider, name in KEYS.items():
        key: SecretStr | None = getattr(settings, name)
        yield outside.key_finding(provider, variable_of(name), key.get_secret_value() if key else None)
    yield from machine.permission_findings(here.open_secrets(settings))


def _contradictions(settings: Settings) -> Iterator[str]:
    """Yield what settings that are each right say together and can't mean."""
    named, dagster = settings.database_url, settings.dagster_database_url
    if named and dagster and named.get_secret_value() == dagster.get_secret_value():
        yield "FINDATA_DATABASE_URL and FINDATA_DAGSTER_DATABASE_URL name one database: Dagster needs its own"
    try:
        for provider in LIMITS:
            limits_of(provider, settings.request_limits)
    except ConfigurationError as error:
        yield error.message


def _database(endpoints: Endpoints, clock: Clock) -> Iterator[Finding]:
    with database.read_only(endpoints.database_url) as connection:
        yield ok("versions", "PostgreSQL", database.version(connection))
        yield servers.extension_finding(database.extension(connection))
        yield machine.clock_finding("database", *database.clock_skew(connection, clock))
        yield servers.connection_finding(*database.connections(connection))
        yield from servers.session_findings(database.sessions(connection))
        yield from servers.leftover_databases(database.leftover_databases(connection))
        yield from _migrations(connection, endpoints.database_url)
        yield from _outside(connection, clock)


def _dagster(endpoints: Endpoints) -> Iterator[Finding]:
    with database.read_only(endpoints.dagster_database_url) as connection:
        yield ok("servers", "Dagster's database", f"answers, PostgreSQL {database.version(connection)}")


def _migrations(connection: Connection, database_url: str) -> Iterator[Finding]:
    at, known = migration(connection), known_revisions()
    yield from servers.migration_findings(
        at, known, schema_difference(database_url) if at == known[0] else ""
    )
    if at == known[0]:
        yield servers.reader_finding(wanted_of_administrator(database_url))


def _outside(connection: Connection, clock: Clock) -> Iterator[Finding]:
    now = clock.now()
    calendars, followed = database.calendars(connection), database.followed(connection)
    yield from outside.calendar_findings(calendars, followed, CALENDAR_VERSION, now.date())
    yield from outside.provider_findings(database.resting(connection, now), database.quotas(connection), now)


def _bucket(endpoints: Endpoints, clock: Clock) -> Iterator[Finding]:
    yield ok("versions", "S3 server", bucket.server_and_date(endpoints)[0])
    skew = bucket.clock_skew(endpoints, clock)
    yield machine.clock_finding("S3", *skew) if skew else ok("clocks", "S3", "it tells no time")
    yield from books.backup_findings(bucket.backups(Objects(endpoints)), clock.now())


def _orphans(endpoints: Endpoints) -> Iterator[Finding]:
    """The bucket is listed before the books are read: what is received meanwhile has no line missing."""
    found = bucket.contents(Objects(endpoints))
    with database.read_only(endpoints.database_url) as connection:
        payloads = database.payload_bodies(connection)
        fetched = database.fetched_payloads(connection)
    yield from books.raw_findings(books.Raw(found.receipts, found.bodies, payloads, fetched))
    yield from books.lake_findings(found.void, found.strange)
