"""Opening what commands work with: settings, the platform, Dagster's instance; libraries kept quiet.

What belongs here: the order in which things must be opened. What does not: starting servers (servers).
"""

from __future__ import annotations

import gc
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from findata_cli import screen
from findata_core.errors import StoreError

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from findata_assets.steps.platform import Platform
    from findata_resources.environment import Settings


def settings_in_force() -> Settings:
    """Return the settings of this process; from here on libraries keep their warnings to themselves."""
    quiet_libraries()
    collect_rarely()
    from findata_resources.environment import load_settings

    return load_settings()


def quiet_libraries() -> None:
    """Hide what libraries say about themselves, unless --verbose was given."""
    if not screen.is_verbose():
        warnings.simplefilter("ignore")
        for name in ("dagster", "alembic", "yfinance", "psycopg"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


def collect_rarely() -> None:
    """Look for unreachable cycles less often than Python does: a twelfth of a load went into walking the same
    libraries' objects dozens of times. What is not in a cycle is freed at once as ever.
    """
    gc.set_threshold(100_000, 50, 100)


@contextmanager
def platform(settings: Settings) -> Iterator[Platform]:
    """Yield the stores that the settings name or that run here, and close their connections."""
    from findata_assets.steps.platform import open_platform

    opened = open_platform(settings)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def dagster_instance(settings: Settings) -> Iterator[DagsterInstance]:
    """Yield the instance whose runs the UI shows.

    The settings go into the environment first: the definitions read them there when they are imported.
    """
    from findata_resources.embedded.orchestrator import dagster_environment, prepare_dagster_home
    from findata_resources.environment import adopt_environment, resolve_endpoints

    endpoints = resolve_endpoints(settings)
    _require_database(endpoints.dagster_database_url)
    prepare_dagster_home(settings)
    adopt_environment(dagster_environment(settings, endpoints))
    import dagster

    from findata_assets.running import keep_connections

    with dagster.DagsterInstance.get() as instance:
        keep_connections(instance)
        yield instance


def _require_database(dagster_database_url: str) -> None:
    """StoreError unless Dagster's database answers; Dagster itself tries for a quarter of a minute."""
    import psycopg

    try:
        psycopg.connect(dagster_database_url.replace("+psycopg2", "", 1)).close()
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise StoreError(
            f"Dagster's database does not answer: {reason}",
            "See findata status; on a server of your own create the database findata_dagster beside "
            "findata's, or name one in FINDATA_DAGSTER_DATABASE_URL",
        ) from error
