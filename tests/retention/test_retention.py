"""Retention on a real server: chunks of history go, readers' rows stay; Dagster's step events go, its assets stay."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from findata_assets.ops.retention import retention
from findata_assets.resource import given
from findata_assets.steps import retention as keeping
from findata_assets.steps.costs import costs
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_core.errors import StoreError
from findata_core.retention import parse_compression, parse_retention
from findata_resources.environment import SystemClock
from findata_resources.migrations.migrate import migrate
from findata_resources.stores.dagster_events import prune_events
from findata_resources.stores.database import Database
from findata_resources.stores.retention import apply, edition_of, statements
from tests.conftest import MakePlatform
from tests.orchestration import Orchestrated, SetClock, orchestrated
from tests.steps.folders import at, flat, minutes_from, take_in, write_folder


@pytest.fixture(scope="module")
def dagster(make_module_platform: MakePlatform) -> Iterator[Orchestrated]:
    with orchestrated(make_module_platform(retention_days="history.bars=365")) as made:
        url = SecretStr(os.environ["FINDATA_DAGSTER_DATABASE_URL"].replace("+psycopg2", ""))
        made.platform.settings = made.platform.settings.model_copy(update={"dagster_database_url": url})
        yield made


@pytest.fixture(scope="module")
def revised(dagster: Orchestrated, tmp_path_factory: pytest.TempPathFactory) -> Orchestrated:
    """A platform with runs, and bars of May 2022 and of today's chunk that were revised."""
    platform, folder = dagster.platform, tmp_path_factory.mktemp("said")
    dagster.runner().refresh_reference()
    for number, (received, price) in enumerate(
        (("2022-06-01T12:00:00Z", 10.0), ("2022-06-02T12:00:00Z", 11.0))
    ):
        bars = minutes_from(at("2022-05-19 13:30"), [flat(price)] * 5)
        take_in(platform, write_folder(folder / str(number), received, bars))
        run_due(platform)
    return dagster


def count(platform: Platform, address: str) -> int:
    schema, name = address.split(".")
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, name))
    return int(platform.store.database.frame(query).item())


def test_what_each_layer_takes_adds_up(revised: Orchestrated) -> None:
    found = costs(revised.platform)
    assert {item.layer for item in found} == {"raw", "database", "history", "lake", "dagster"}
    (bars,) = [item for item in found if item.what == "market.bars heap"]
    assert bars.rows == 5
    assert bars.bytes_per_row == bars.size_bytes / 5
    (bodies,) = [item for item in found if item.what == "bars bodies"]
    stored = revised.platform.store.database.frame(
        sql.SQL("SELECT sum(size_bytes)::bigint FROM ops.payloads WHERE dataset = 'bars'")
    )
    assert bodies.size_bytes == stored.item()


def test_old_chunks_of_history_go_and_rows_that_readers_read_stay(revised: Orchestrated) -> None:
    platform = revised.platform
    assert (count(platform, "history.bars"), count(platform, "market.bars")) == (5, 5)
    result = retention.execute_in_process(instance=revised.instance, resources={"platform": given(platform)})
    assert result.success
    assert (count(platform, "history.bars"), count(platform, "market.bars")) == (0, 5)
    assert (
        keeping.apply(platform).statements == keeping.plan(platform).statements
    )  # again: nothing left to do


def test_step_events_of_old_runs_go_and_assets_checks_and_runs_stay(revised: Orchestrated) -> None:
    platform, instance = revised.platform, revised.instance
    key = dg.AssetKey(["reference", "instruments"])
    (run,) = [run for run in instance.get_runs() if run.asset_selection]
    before = instance.get_records_for_run(run.run_id, limit=1000).records
    kept = {record.storage_id for record in before if _is_of_assets(record)}
    assert keeping.prune_dagster(platform) == 0  # nothing is ninety days old
    platform.clock = SetClock(datetime.now(UTC) + timedelta(days=91))
    try:
        assert keeping.prune_dagster(platform) > 0
        assert keeping.prune_dagster(platform) == 0
    finally:
        platform.clock = SystemClock()
    after = {record.storage_id for record in instance.get_records_for_run(run.run_id, limit=1000).records}
    assert kept <= after
    assert len(after) < len(before)
    assert instance.get_latest_materialization_event(key) is not None
    assert instance.get_run_by_id(run.run_id) is not None


def test_a_storage_that_is_not_as_it_is_known_is_left_alone(platform: Platform) -> None:
    assert prune_events(platform.store.database, datetime.now(UTC)) == 0  # Dagster was never started there
    with platform.store.database.transaction() as cursor:
        cursor.execute(b"CREATE TABLE event_logs (id bigint, run_id text)")
    with pytest.raises(StoreError, match="another table event_logs"):
        prune_events(platform.store.database, datetime.now(UTC))


def test_for_ever_means_that_nothing_is_looked_at(revised: Orchestrated) -> None:
    settings = revised.platform.settings
    revised.platform.settings = settings.model_copy(update={"dagster_event_days": 0})
    try:
        assert keeping.prune_dagster(revised.platform) == 0
    finally:
        revised.platform.settings = settings


def test_community_takes_the_policies_and_gives_them_up(tmp_path: Path) -> None:
    """On a server of the reader's own: the embedded one is the Apache edition, which has no policies."""
    url = os.environ.get("FINDATA_TEST_COMMUNITY_URL")
    if not url:
        pytest.skip("no TimescaleDB Community (name a server in FINDATA_TEST_COMMUNITY_URL)")
    name = f"findata_policies_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}".encode())
    own = url.rpartition("/")[0] + f"/{name}"
    try:
        migrate(own)
        database = Database(own)
        edition = edition_of(database)
        assert edition.is_community
        for retention_days, compression_days, jobs in (
            ("history.bars=365", "market.bars=90,history.bars=90", 3),
            ("history.bars=400", "market.bars=60", 2),
            ("", "", 0),
        ):
            wanted = statements(edition, parse_retention(retention_days), parse_compression(compression_days))
            apply(database, list(wanted))
            assert _policies(database) == jobs
        database.close()
    finally:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _policies(database: Database) -> int:
    query = sql.SQL("SELECT count(*) FROM timescaledb_information.jobs WHERE hypertable_name IS NOT NULL")
    return int(database.frame(query).item())


def _is_of_assets(record: dg.EventLogRecord) -> bool:
    event = record.event_log_entry.dagster_event
    return event is not None and event.event_type_value.startswith(("ASSET_", "PIPELINE_"))
