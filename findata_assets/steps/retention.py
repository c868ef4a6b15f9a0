"""What is old goes: chunks of closed versions where asked, Dagster's step events, the journal; and what is compressed.

What belongs here: settings into statements, in order. What does not: SQL (findata_resources/stores/retention.py,
dagster_events.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from findata_assets.steps.platform import Platform
from findata_core.retention import parse_compression, parse_retention
from findata_resources.environment import resolve_endpoints
from findata_resources.stores import journal
from findata_resources.stores import retention as rules
from findata_resources.stores.dagster_events import prune_events
from findata_resources.stores.database import Database


@dataclass(frozen=True)
class Plan:
    """What a server is told: its edition, the statements in words and as SQL, and what it has no means for."""

    edition: rules.Edition
    statements: tuple[tuple[str, str], ...]
    not_possible: tuple[str, ...]


def plan(platform: Platform) -> Plan:
    """Return what the settings mean on this server."""
    edition = rules.edition_of(platform.store.database)
    wanted = [(words, statement.as_string(None)) for words, statement in _statements(platform, edition)]
    compression = parse_compression(platform.settings.compression_days)
    return Plan(edition, tuple(wanted), tuple(rules.not_possible(edition, compression)))


def apply(platform: Platform) -> Plan:
    """Do what the settings mean; doing it again changes nothing that was done."""
    done = plan(platform)
    rules.apply(platform.store.database, _statements(platform, done.edition))
    return done


def prune_dagster(platform: Platform) -> int:
    """Delete Dagster's step events that are older than the settings keep; return how many. 0 days keep all."""
    days = platform.settings.dagster_event_days
    if not days:
        return 0
    database = dagster_database(platform)
    try:
        return prune_events(database, platform.clock.now() - timedelta(days=days))
    finally:
        database.close()


def prune_changes(platform: Platform) -> int:
    """Delete lines of the journal that are older than the settings keep; return how many."""
    before = platform.clock.now() - timedelta(days=platform.settings.change_days)
    return journal.prune(platform.store.database, before)


def dagster_database(platform: Platform) -> Database:
    """Return the database that Dagster keeps its runs and events in; whoever opens it closes it."""
    url = resolve_endpoints(platform.settings).dagster_database_url
    return Database(url.replace("+psycopg2", "", 1))


def _statements(platform: Platform, edition: rules.Edition) -> list[rules.Statement]:
    settings = platform.settings
    retention, compression = (
        parse_retention(settings.retention_days),
        parse_compression(settings.compression_days),
    )
    return list(rules.statements(edition, retention, compression))
