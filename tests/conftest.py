"""What every test may ask for: a real TimescaleDB and S3, a fresh database, a fresh bucket, the trial data.

What belongs here: fixtures that several folders of tests use.
What does not: doubles and builders of one subject (they stand beside its tests).
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform, platform_at
from findata_assets.steps.sources import load_recorded, refresh_reference
from findata_resources.embedded import processes
from findata_resources.embedded import stack as embedded_stack
from findata_resources.embedded.objects import s3_client
from findata_resources.embedded.processes import end, free_ports, marked_processes
from findata_resources.embedded.server import mark_of
from findata_resources.environment import PROJECT, Endpoints, Settings, load_settings, resolve_endpoints
from findata_resources.migrations.migrate import migrate

# A developer's own settings must not steer the tests; these variables are about the tests themselves.
_KEPT_VARIABLES = {"FINDATA_CACHE", "FINDATA_DEBIAN_MIRROR", "FINDATA_DEBIAN_KEYRING", "FINDATA_TRIAL_DATA"}
_KEPT_PREFIXES = ("FINDATA_TEST_", "FINDATA_REQUIRE_")

for _variable in [name for name in os.environ if name.startswith("FINDATA_")]:
    if _variable not in _KEPT_VARIABLES and not _variable.startswith(_KEPT_PREFIXES):
        del os.environ[_variable]

# A port that is free now may be taken before it is used: each worker chooses from ports of its own.
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
processes._INTERNAL_PORTS = processes._INTERNAL_PORTS[
    _worker :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
]

# How long an example takes says something of the machine and of what else it does, nothing of the code.
hypothesis.settings.register_profile(
    "findata", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("findata")

SettingsFor = Callable[[Path], Settings]
MakePlatform = Callable[..., Platform]

SAMPLE = PROJECT / "findata_resources" / "sample"
# Stand-ins allow everything, and what fails once has failed: tests that are about waiting say so.
HASTE = {
    "request_limits": "alphavantage=none,ecb=none,fred=none,nyfed=none,yahoo=none",
    "request_tries": 1,
    "requests_at_once": 1,
}
CALENDAR_START = date(2020, 1, 2)  # years before it are not needed and would cost a second an exchange
ONE_INSTRUMENT = """instrument_id,mic,currency,price_units,yahoo,from_date,to_date
MSFT.XNAS,XNAS,USD,1,MSFT,2019-11-26,
"""


@pytest.fixture(scope="session")
def settings_for() -> SettingsFor:
    """Makes settings for a home folder, on ports that are free now."""
    return _settings_for


@pytest.fixture(scope="session")
def stack() -> Iterator[tuple[Settings, Endpoints]]:
    """A fresh embedded TimescaleDB and S3 for this session."""
    with_interrupt = signal.signal(signal.SIGTERM, _interrupt)
    home = _reachable_folder()
    settings = _settings_for(home)
    try:
        endpoints = embedded_stack.up(settings)
        # Tests kill processes, never the machine: what the system has in its cache is not lost.
        _administer(endpoints.database_url, "ALTER SYSTEM SET fsync = off")
        _administer(endpoints.database_url, "SELECT pg_reload_conf()")
        yield settings, endpoints
    finally:
        _throw_away(settings)
        signal.signal(signal.SIGTERM, with_interrupt)


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty home folder that the database's user can reach; what runs in it is stopped afterwards."""
    folder = _reachable_folder()
    yield folder
    _throw_away(_settings_for(folder))


@pytest.fixture(scope="module")
def database_url(stack: tuple[Settings, Endpoints]) -> Iterator[str]:
    """A database with the extension and nothing else, for one test module."""
    _, endpoints = stack
    name = f"test_{uuid.uuid4().hex[:12]}"
    url = endpoints.database_url.rpartition("/")[0] + f"/{name}"
    _administer(endpoints.database_url, f"CREATE DATABASE {name}")
    _administer(url, "CREATE EXTENSION IF NOT EXISTS timescaledb")
    yield url
    _administer(endpoints.database_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def bucket(stack: tuple[Settings, Endpoints]) -> Iterator[str]:
    """The name of an empty bucket for one test module."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    client = _client(stack[1])
    client.create_bucket(Bucket=name)
    yield name
    client.delete_bucket(Bucket=name)


@pytest.fixture(scope="session")
def migrated_template(stack: tuple[Settings, Endpoints]) -> str:
    """The name of a migrated database that nobody can connect to: others are made as copies of it."""
    _, endpoints = stack
    name = f"template_{uuid.uuid4().hex[:12]}"
    _administer(endpoints.database_url, f"CREATE DATABASE {name}")
    migrate(endpoints.database_url.rpartition("/")[0] + f"/{name}")
    _administer(endpoints.database_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    # TimescaleDB's own scheduler holds a connection too.
    others = f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}'"
    _administer(endpoints.database_url, others)
    return name


@pytest.fixture
def make_platform(stack: tuple[Settings, Endpoints], migrated_template: str) -> Iterator[MakePlatform]:
    """Makes platforms, each on an empty migrated database and an empty bucket of its own.

    They follow one instrument and know the calendar of 2022 on, so that a test costs a second; settings
    can be given by name.
    """
    with _platforms(stack[1], migrated_template) as make:
        yield make


@pytest.fixture(scope="module")
def make_module_platform(stack: tuple[Settings, Endpoints], migrated_template: str) -> Iterator[MakePlatform]:
    """Makes platforms that live as long as a test module."""
    with _platforms(stack[1], migrated_template) as make:
        yield make


@pytest.fixture
def platform(make_platform: MakePlatform) -> Platform:
    """A platform on an empty migrated database and an empty bucket."""
    return make_platform()


@pytest.fixture(scope="session")
def loaded_sample(stack: tuple[Settings, Endpoints], migrated_template: str) -> Iterator[Platform]:
    """A platform with the whole bundled sample in it. Many tests read it: leave it as it is."""
    with _platforms(stack[1], migrated_template) as make:
        platform = make(universe=SAMPLE / "universe.csv", calendar_start=CALENDAR_START)
        load_sample(platform)
        yield platform


def load_sample(platform: Platform) -> None:
    """Load the bundled sample and run all that it makes due."""
    refresh_reference(platform)
    for dataset in ("bars", "rates"):
        load_recorded(platform, SAMPLE, None, dataset)
    run_due(platform)


@pytest.fixture(scope="session")
def trial_data() -> Path:
    """The folder of recorded market data that is too large for the repository."""
    folder = Path(os.environ.get("FINDATA_TRIAL_DATA") or PROJECT.parent / "shared" / "data")
    if (folder / "MANIFEST.md").is_file():
        return folder
    reason = f"no trial data in {folder} (name its folder in FINDATA_TRIAL_DATA)"
    if os.environ.get("FINDATA_REQUIRE_TRIAL_DATA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def _platforms(endpoints: Endpoints, template: str) -> Iterator[MakePlatform]:
    """Yield a maker of platforms; at the end their databases and buckets are dropped.

    A bucket takes seven of the server's volumes, of which it has as many as the disk has room for.
    """
    home = _reachable_folder()
    universe = home / "universe.csv"
    universe.write_text(ONE_INSTRUMENT)
    made: list[tuple[str, Platform]] = []
    buckets: list[str] = []
    client = _client(endpoints)

    def make(**arguments: Any) -> Platform:
        name = f"test_{uuid.uuid4().hex[:12]}"
        _administer(endpoints.database_url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        small = {"universe": universe, "calendar_start": date(2022, 1, 3), **HASTE, **arguments}
        settings = _named_settings(endpoints, home, name, **small)
        if "s3_bucket" not in arguments:
            client.create_bucket(Bucket=settings.s3_bucket)
            buckets.append(settings.s3_bucket)
        platform = platform_at(settings, resolve_endpoints(settings))
        platform.sleep = _never
        made.append((name, platform))
        return platform

    try:
        yield make
    finally:
        for name, platform in made:
            platform.close()
            _administer(endpoints.database_url, f"DROP DATABASE {name} WITH (FORCE)")
        for bucket in buckets:
            client.delete_bucket(Bucket=bucket)
        shutil.rmtree(home)


def _client(endpoints: Endpoints) -> Any:
    return s3_client(
        endpoints.s3_endpoint, endpoints.s3_access_key, endpoints.s3_secret_key, endpoints.s3_region
    )


def _named_settings(endpoints: Endpoints, home: Path, database: str, **arguments: Any) -> Settings:
    """Settings that name a database of the server, and a bucket that is called like it."""
    return load_settings(
        home=home,
        database_url=endpoints.database_url.rpartition("/")[0] + f"/{database}",
        s3_endpoint=endpoints.s3_endpoint,
        s3_access_key=endpoints.s3_access_key,
        s3_secret_key=endpoints.s3_secret_key,
        first_session=arguments["calendar_start"],
        _env_file=None,
        **{"s3_bucket": database.replace("_", "-"), **arguments},
    )


def _settings_for(home: Path) -> Settings:
    names = ("database_port", "s3_port", "dagster_port", "serving_port")
    return load_settings(home=home, **dict(zip(names, free_ports(4), strict=True)), _env_file=None)


def _reachable_folder() -> Path:
    """As root the database runs as another user, who can't enter pytest's own temporary folders."""
    folder = Path(tempfile.mkdtemp(prefix="findata-test-"))
    folder.chmod(0o711)
    return folder


def _throw_away(settings: Settings) -> None:
    """Stop and remove a home. SeaweedFS takes 15 seconds to stop in good order, which nobody needs here."""
    end(marked_processes(mark_of(settings.home, "objects")), first_signal=signal.SIGKILL, patience_seconds=10)
    embedded_stack.down(settings)
    shutil.rmtree(settings.home)


def _administer(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def _never(seconds: float) -> None:
    """Stand for the platform's sleep: a test gives it a clock that is moved instead."""
    raise AssertionError(f"a test would have slept for {seconds} seconds")


def _interrupt(_signal: int, _frame: object) -> None:
    """Treat SIGTERM like Ctrl-C, so that the servers are stopped."""
    raise KeyboardInterrupt
