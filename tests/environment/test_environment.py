"""Settings: what is read from where, what is refused, what is shown, and the endpoints that follow."""

from __future__ import annotations

from datetime import UTC, timedelta
from pathlib import Path

import pytest

from findata_core.errors import ConfigurationError, NotRunning
from findata_resources.environment import (
    PROJECT,
    Endpoints,
    Settings,
    SystemClock,
    effective_settings,
    example_file,
    load_settings,
    resolve_endpoints,
    settings_environment,
    variable_of,
)

NAMED = {
    "FINDATA_DATABASE_URL": "postgresql+psycopg://someone:hidden@db.example:5433/market?sslmode=require",
    "FINDATA_S3_ENDPOINT": "https://s3.example/",
    "FINDATA_S3_ACCESS_KEY": "AKEXAMPLE",
    "FINDATA_S3_SECRET_KEY": "concealed",
}


@pytest.fixture(autouse=True)
def in_an_empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FINDATA_HOME", str(tmp_path / "home"))


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> Settings:
    for variable, value in NAMED.items():
        monkeypatch.setenv(variable, value)
    return load_settings()


def test_the_example_file_lists_every_setting() -> None:
    text = (PROJECT / ".env.example").read_text()
    assert text == example_file()
    assert [name for name in Settings.model_fields if f"\n# {variable_of(name)}=" not in text] == []


def test_every_setting_is_described() -> None:
    assert [name for name, setting in Settings.model_fields.items() if not setting.description] == []


def test_the_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("FINDATA_S3_PORT=9001\nFINDATA_DAGSTER_PORT=9002\nUNRELATED=1\n")
    monkeypatch.setenv("FINDATA_S3_PORT", "9003")
    settings = load_settings(database_port=9004)
    sources = {entry.variable: entry.source for entry in effective_settings(settings)}
    assert (settings.s3_port, settings.dagster_port, settings.database_port) == (9003, 9002, 9004)
    assert sources["FINDATA_S3_PORT"] == "environment"
    assert sources["FINDATA_DAGSTER_PORT"] == ".env"
    assert sources["FINDATA_DATABASE_PORT"] == "argument"
    assert sources["FINDATA_S3_REGION"] == "default"


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINDATA_DATABASE_URL", "")
    assert load_settings().database_url is None


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        (
            "FINDATA_DATABASE_URL",
            "mysql://user:hidden@host/db",
            "postgresql://user:password@host:port/database",
        ),
        ("FINDATA_DATABASE_PORT", "many", "FINDATA_DATABASE_PORT"),
        ("FINDATA_DATABASE_PORT", "70000", "65535"),
        ("FINDATA_S3_PORT", "5439", "must differ"),
        ("FINDATA_S3_ENDPOINT", "s3.example", "http://"),
        ("FINDATA_S3_ENDPOINT", "https://s3.example", "FINDATA_S3_SECRET_KEY"),
        ("FINDATA_S3_ACCESS_KEY", "key", "without FINDATA_S3_ENDPOINT"),
        ("FINDATA_S3_BUCKET", "Upper_Case", "FINDATA_S3_BUCKET"),
        ("FINDATA_UNIVERSE", "missing.csv", "there is no file missing.csv"),
        ("FINDATA_FIRST_SESSION", "1980-01-02", "FINDATA_CALENDAR_START"),
        ("FINDATA_FIRST_SESSION", "yesterday", "FINDATA_FIRST_SESSION"),
        ("FINDATA_REQUEST_TIMEOUT_SECONDS", "0", "greater than 0"),
        (
            "FINDATA_REQUEST_LIMITS",
            "yahoo=0/minute",
            "FINDATA_REQUEST_LIMITS: a limit of 0 requests allows nothing",
        ),
        ("FINDATA_REQUEST_LIMITS", "yahoo=-5/minute", "'-5/minute' is no limit"),
        ("FINDATA_REQUEST_TRIES", "0", "FINDATA_REQUEST_TRIES"),
        ("FINDATA_LONGEST_WAIT_SECONDS", "-1", "FINDATA_LONGEST_WAIT_SECONDS"),
        ("FINDATA_LONGEST_WAIT_SECONDS", "nan", "FINDATA_LONGEST_WAIT_SECONDS"),
    ],
)
def test_a_wrong_value_is_explained(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert told in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_named_servers_are_used_and_nothing_embedded(named: Settings) -> None:
    expected = Endpoints(
        database_url="postgresql://someone:hidden@db.example:5433/market?sslmode=require",
        dagster_database_url="postgresql+psycopg2://someone:hidden@db.example:5433/findata_dagster?sslmode=require",
        s3_endpoint="https://s3.example",
        s3_bucket="findata",
        s3_access_key="AKEXAMPLE",
        s3_secret_key="concealed",
        s3_region="us-east-1",
    )
    assert expected == resolve_endpoints(named)
    assert not named.home.exists()


def test_readers_have_a_login_of_their_own_where_one_is_named(
    named: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert resolve_endpoints(named).reader_database_url is None
    monkeypatch.setenv("FINDATA_READER_DATABASE_URL", "postgres://ann:hidden@db.example:5433/market")
    assert (
        resolve_endpoints(load_settings()).reader_database_url
        == "postgresql://ann:hidden@db.example:5433/market"
    )


def test_without_named_servers_the_stack_must_run() -> None:
    with pytest.raises(NotRunning, match="findata up"):
        resolve_endpoints(load_settings())


def test_secrets_are_never_shown(named: Settings) -> None:
    shown = f"{effective_settings(named)} {named!r} {resolve_endpoints(named)!r}"
    assert "hidden" not in shown
    assert "concealed" not in shown


def test_another_process_gets_the_same_settings(named: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in NAMED:
        monkeypatch.delenv(variable)
    for variable, value in settings_environment(named).items():
        monkeypatch.setenv(variable, value)
    assert load_settings() == named


def test_the_clock_tells_utc() -> None:
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert now.utcoffset() == timedelta(0)
