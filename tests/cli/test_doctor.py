"""findata doctor on a healthy platform, on one that was harmed in every way at once, and with nothing running."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import refresh_reference
from findata_resources.backups import counting, servers
from findata_resources.embedded.processes import free_ports
from findata_resources.environment import resolve_endpoints
from findata_resources.provider import Received, Request
from findata_resources.stores.objects import Objects
from tests.cli.conftest import Run, run
from tests.conftest import MakePlatform
from tests.steps.folders import at, flat, minutes_from, take_in, write_folder

KEY = "fredfredfredfredfredfredfredfred"  # looks like one

HARM = (
    "UPDATE findata_version SET version_num = '0008'",
    "DELETE FROM reference.sessions WHERE session_date > current_date + 20",
    "INSERT INTO ops.breakers VALUES ('yahoo', 11, now() - interval '1 minute', now() + interval '5 minutes')",
    "INSERT INTO ops.quotas (provider, key_id, limit_window, request_limit, used, start_time, end_time) "
    "VALUES ('alphavantage', 'aa', 'day', 25, 25, now() - interval '1 hour', now() + interval '5 hours')",
)


@pytest.fixture(scope="module")
def treated(make_module_platform: MakePlatform, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """A platform with a few minutes in it."""
    platform, folder = make_module_platform(), tmp_path_factory.mktemp("doctor")
    refresh_reference(platform)
    session = minutes_from(at("2022-05-19 13:30"), [flat(10), flat(11)])
    take_in(platform, write_folder(folder / "first", "2022-06-01T12:00:00Z", session))
    run_due(platform)
    return platform


@pytest.fixture(scope="module")
def healthy(treated: Platform) -> Any:
    """What is said of it while it is as it should be."""
    return run("doctor", "--json", on=treated)


@pytest.fixture(scope="module")
def harmed(treated: Platform, healthy: Any) -> Any:
    """What is said of it when all is wrong at once."""
    objects = Objects(resolve_endpoints(treated.settings))
    body = next(key for key in objects.keys("raw/recorded/") if "/bodies/" in key)
    objects.delete(body)
    treated.raw.put(
        Received(Request("yahoo", "yahoo", "bars", "MSFT.XNAS", {}), b"{}", 200, {}, at("2022-06-04"))
    )
    objects.create("market/bars/month=2022-05.parquet", b"wider")
    objects.create("market/bars/notes.txt", b"whose?")
    objects.create("backups/20200101T000000Z/findata.dump", b"half")
    url = resolve_endpoints(treated.settings).database_url
    with servers.connected(url) as connection:
        for statement in HARM:
            connection.execute(statement.encode())
    left = servers.ending(treated.settings.s3_bucket.replace("-", "_"), servers.DRILL)
    with servers.maintenance(url) as connection:
        connection.execute(f"CREATE DATABASE {left} STRATEGY FILE_COPY".encode())
        seen = run("doctor", "--json", on=treated)
        servers.drop(connection, left)
    return seen


def test_a_healthy_platform_has_nothing_wrong(healthy: Any) -> None:
    found = json.loads(healthy.stdout)
    assert healthy.exit_code == 0, healthy.output
    assert [item for item in found if item["state"] == "wrong"] == []
    areas = {item["area"] for item in found}
    assert {
        "versions", "machine", "servers", "settings", "keys", "clocks", "locks", "leftovers", "migrations",
        "calendars", "providers", "backups", "orphans",
    } == areas  # fmt: skip


@pytest.mark.parametrize(
    ("subject", "state", "said", "next_step"),
    [
        ("payloads in the books without raw object", "wrong", "/bodies/", "findata verify"),
        ("raw payloads that the books lack", "warn", "raw/yahoo/bars/receipts/", "findata materialize"),
        ("objects of the lake", "warn", "session=2022-05-19", "findata lake compact"),
        ("objects of the bucket", "warn", "market/bars/notes.txt", "look who put them there"),
        ("halves", "warn", "20200101T000000Z", "findata backup"),
        ("XNAS", "warn", "it ends on", "findata materialize"),
        ("yahoo", "warn", "11 failures in a row", "ops.fetches"),
        ("alphavantage", "warn", "25 of 25 requests", "wait 4 hours"),
        ("tables", "wrong", "it is at 0008, behind the contract by ", "findata migrate"),
    ],
)
def test_each_harm_is_named_with_what_to_do(
    harmed: Any, subject: str, state: str, said: str, next_step: str
) -> None:
    found = by_subject(harmed)[subject]
    assert found["state"] == state, found
    assert said in found["said"]
    assert next_step in found["next_step"]


def test_a_database_left_behind_is_named(harmed: Any) -> None:
    (found,) = [item for subject, item in by_subject(harmed).items() if subject.endswith("_drill")]
    assert found["state"] == "warn"
    assert "DROP DATABASE" in found["next_step"]


def test_something_wrong_is_exit_code_one(harmed: Any) -> None:
    assert harmed.exit_code == 1


def test_the_doctor_changes_nothing(treated: Platform, findata: Run) -> None:
    before = seen_in(treated)
    findata("doctor", on=treated)
    assert seen_in(treated) == before


def test_with_nothing_running_it_says_how_to_start_and_goes_on(
    findata: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ports = dict(zip(("DATABASE", "S3", "DAGSTER"), map(str, free_ports(3)), strict=True))
    for name, port in ports.items():
        monkeypatch.setenv(f"FINDATA_{name}_PORT", port)
    monkeypatch.setenv("FINDATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FINDATA_FRED_API_KEY", KEY)
    monkeypatch.setenv("FINDATA_DATABSE_URL", "a slip of the pen")
    seen = findata("doctor")
    assert seen.exit_code == 1, seen.output
    assert seen.stdout.count("findata up") >= 3
    assert "FINDATA_DATABSE_URL" in seen.stdout
    assert KEY not in seen.output
    assert not (tmp_path / "home").exists()


def test_a_server_that_does_not_answer_is_named(
    findata: Run, treated: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    (port,) = free_ports(1)
    closed = treated.settings.model_copy(update={"s3_endpoint": f"http://127.0.0.1:{port}"})
    monkeypatch.setattr(treated, "settings", closed)
    seen = findata("doctor", "--quick", "--json", on=treated)
    found = by_subject(seen)
    assert seen.exit_code == 1
    assert "S3 does not answer" in found["S3"]["said"]
    assert found["TimescaleDB"]["state"] == "ok"


def test_wrong_settings_are_a_finding(findata: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINDATA_DATABASE_PORT", "none")
    seen = findata("doctor", "--json")
    assert seen.exit_code == 1
    assert "FINDATA_DATABASE_PORT" in json.loads(seen.stdout)[-1]["said"]


def by_subject(result: Any) -> dict[str, dict[str, str]]:
    return {item["subject"]: item for item in json.loads(result.stdout)}


def seen_in(platform: Platform) -> tuple[Any, list[str]]:
    """Return every table in numbers, and every key of the bucket."""
    endpoints = resolve_endpoints(platform.settings)
    with servers.connected(endpoints.database_url, autocommit=False) as connection:
        counts = counting.counts(connection)
    return counts, sorted(Objects(endpoints).keys(""))
