"""A platform with Dagster on it: an empty database and bucket, and the instance that dagster.yaml describes.

What belongs here: what the tests of assets, kills and trial data need of Dagster. What does not: servers,
databases and buckets themselves (conftest).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString

import dagster as dg
import psycopg
import pytest
from psycopg import sql

from findata_assets.resource import given
from findata_assets.running import Runner, keep_connections
from findata_assets.steps.platform import Platform
from findata_resources.embedded.orchestrator import dagster_environment, prepare_dagster_home
from findata_resources.environment import Endpoints, resolve_endpoints
from tests.conftest import SAMPLE


@dataclass(frozen=True)
class Orchestrated:
    """A platform and the Dagster instance that runs assets on it; `said` is what runners told."""

    platform: Platform
    instance: dg.DagsterInstance
    said: list[str] = field(default_factory=list)

    def runner(self) -> Runner:
        """A runner that counts from nothing."""
        return Runner(self.platform, self.instance, self.said.append, console_log_level="CRITICAL")

    def load(self, directory: Path = SAMPLE, manifest: Path | None = None) -> Runner:
        """Do what the demo does: reference data, a recorded folder, whatever is due."""
        runner = self.runner()
        runner.refresh_reference()
        runner.load_recorded(directory, manifest)
        runner.run_due()
        return runner

    def materialize(
        self, assets: Sequence[Any], partition_key: str | None = None, **options: Any
    ) -> dg.ExecuteInProcessResult:
        """Run assets and checks on this very platform, clock included; a failure is in the result."""
        return dg.materialize(
            assets,
            instance=self.instance,
            partition_key=partition_key,
            resources={"platform": given(self.platform)},
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}, **options},
        )

    def latest(self, key: str) -> Mapping[str, Any]:
        """Return the metadata of an asset's latest materialization, as plain values."""
        event = self.instance.get_latest_materialization_event(dg.AssetKey(key.split("/")))
        assert event is not None, f"{key} was not materialized"
        assert event.asset_materialization is not None
        return {name: value.value for name, value in event.asset_materialization.metadata.items()}

    def rows(self, query: LiteralString) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.platform.store.database.frame(sql.SQL(query)).rows()

    def count(self, table_name: str) -> int:
        """Return how many rows a table has."""
        query = sql.SQL("SELECT count(*) AS n FROM {}").format(sql.Identifier(*table_name.split(".")))
        return int(self.platform.store.database.frame(query).item())


@dataclass
class SetClock:
    """A clock that shows what it was set to."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        """Pass the time without waiting."""
        self.moment += timedelta(seconds=seconds)


@contextmanager
def orchestrated(platform: Platform) -> Iterator[Orchestrated]:
    """Yield the platform with a Dagster instance of its own; Dagster's resources find both in the environment."""
    endpoints = resolve_endpoints(platform.settings)
    with fresh_database(endpoints) as dagster_url, pytest.MonkeyPatch.context() as environment:
        variables = dagster_environment(platform.settings, endpoints)
        for name, value in {**variables, "FINDATA_DAGSTER_DATABASE_URL": dagster_url}.items():
            environment.setenv(name, value)
        prepare_dagster_home(platform.settings)
        with dg.DagsterInstance.get() as instance:
            keep_connections(instance)
            yield Orchestrated(platform, instance)


@contextmanager
def fresh_database(endpoints: Endpoints) -> Iterator[str]:
    """Yield the URL of an empty database for Dagster: runs of another module would be in the way."""
    name = f"dagster_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(endpoints.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield endpoints.dagster_database_url.rpartition("/")[0] + f"/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def failure_of(result: dg.ExecuteInProcessResult) -> dg.Failure:
    """Return the one failure of a run, as findata raised it."""
    (event,) = [event for event in result.all_events if event.is_step_failure]
    told = event.step_failure_data.user_failure_data
    assert told is not None
    return dg.Failure(told.description, dict(told.metadata))


def rows_shown(said: dg.AssetCheckEvaluation) -> list[dict[str, Any]]:
    """Return the rows of the table that a check shows."""
    table: Any = said.metadata["rows"].value
    return [dict(record.data) for record in table.records]
