"""Servers for a campaign that is started by hand; in the tests, the session's servers are used.

What belongs here: starting, ending and killing a stack of the campaign's own. What does not: platforms (conftest).
"""

from __future__ import annotations

import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from findata_resources.embedded import stack
from findata_resources.environment import Endpoints, Settings
from findata_resources.migrations.migrate import migrate
from tests.conftest import (
    MakePlatform,
    _administer,
    _platforms,
    _reachable_folder,
    _settings_for,
    _throw_away,
)


@contextmanager
def servers() -> Iterator[tuple[Settings, Endpoints]]:
    """Yield a TimescaleDB and an S3 on free ports, thrown away at the end; SIGTERM ends them too."""
    settings = _settings_for(_reachable_folder())
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield settings, stack.up(settings)
    finally:
        _throw_away(settings)
        signal.signal(signal.SIGTERM, before)


@contextmanager
def platforms(endpoints: Endpoints, template: str) -> Iterator[MakePlatform]:
    """Yield a maker of platforms whose databases are dropped at the end."""
    with _platforms(endpoints, template) as make:
        yield make


def migrated_template(endpoints: Endpoints) -> str:
    """Make a migrated database that others are made as copies of; return its name."""
    name = f"template_{uuid.uuid4().hex[:12]}"
    _administer(endpoints.database_url, f"CREATE DATABASE {name}")
    migrate(endpoints.database_url.rpartition("/")[0] + f"/{name}")
    _administer(endpoints.database_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    others = f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}'"
    _administer(endpoints.database_url, others)
    return name


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt
