"""The commands: one scrape printed, the exporter among the servers of the machine, the bucket of an S3 of one's own."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from findata_cli.main import app
from findata_resources.embedded import stack as embedded_stack
from findata_resources.embedded.exporter import metrics_address
from findata_resources.embedded.objects import s3_client
from findata_resources.embedded.processes import free_ports, wait_until
from findata_resources.environment import Endpoints, Settings, load_settings, settings_environment
from tests.monitoring.programs import PATIENCE_SECONDS
from tests.monitoring.watched import Watched


@pytest.fixture(autouse=True)
def undone() -> Iterator[None]:
    """Undo what a command does to its own process: the levels of logging, how often garbage is looked for."""
    levels = {name: logging.getLogger(name).level for name in ("dagster", "alembic", "yfinance")}
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def test_one_scrape_is_printed(watched: Watched) -> None:
    result = CliRunner().invoke(app, ["metrics", "show"], env=dict(watched.variables))
    assert result.exit_code == 0, result.stderr
    assert "findata_database_up 1.0" in result.stdout
    assert 'findata_provider_breaker_open{provider="fred"} 1.0' in result.stdout


def test_the_exporter_starts_and_stops_with_the_servers(watched: Watched, home: Path) -> None:
    named = watched.settings.model_dump(include=watched.settings.model_fields_set)
    (port,) = free_ports(1)
    settings = load_settings(**{**named, "home": home, "metrics_port": port}, _env_file=None)
    result = CliRunner().invoke(app, ["up", "--metrics"], env=settings_environment(settings))
    assert (result.exit_code, metrics_address(port) in result.stdout) == (0, True), result.stderr
    # A scrape tells what was collected within its patience; one that is slower tells it the next time.
    assert wait_until(lambda: "findata_database_up 1.0" in scraped(port), PATIENCE_SECONDS)
    assert [server.name for server in embedded_stack.status(settings) if server.is_running] == ["metrics"]
    embedded_stack.down(settings)
    assert [server.name for server in embedded_stack.status(settings) if server.is_running] == []


def scraped(port: int) -> str:
    return httpx.get(metrics_address(port), trust_env=False, timeout=PATIENCE_SECONDS).text


def test_migrate_makes_the_bucket_where_it_is_asked_to(
    watched: Watched, stack: tuple[Settings, Endpoints]
) -> None:
    bucket = "made-by-migrate"
    variables = {**watched.variables, "FINDATA_S3_BUCKET": bucket}
    client: Any = s3_client(
        stack[1].s3_endpoint, stack[1].s3_access_key, stack[1].s3_secret_key, stack[1].s3_region
    )
    try:
        for _ in range(2):
            result = CliRunner().invoke(app, ["migrate", "--bucket"], env=variables)
            assert (result.exit_code, f"the bucket {bucket} is there" in result.stdout) == (0, True), (
                result.stderr
            )
        assert bucket in [entry["Name"] for entry in client.list_buckets()["Buckets"]]
    finally:
        client.delete_bucket(Bucket=bucket)


def test_a_bucket_that_can_not_be_made_says_where_to_look(watched: Watched) -> None:
    wrong = {**watched.variables, "FINDATA_S3_BUCKET": "made-by-migrate", "FINDATA_S3_SECRET_KEY": "wrong"}
    result = CliRunner().invoke(app, ["migrate", "--bucket"], env=wrong)
    assert (result.exit_code, "FINDATA_S3_ENDPOINT" in result.stderr) == (3, True)
