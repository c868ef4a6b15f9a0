"""The one composition root: settings, the endpoints that follow from them, and the clock.

What belongs here: everything that is read from environment variables or `.env`, and nothing else reads them.
What does not: starting servers (`embedded.stack`) and connecting to them (the stores).

Precedence: arguments (tests), then environment variables, then `.env` in the current folder, then defaults.
"""

from __future__ import annotations

import hashlib
import os
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import unquote, urlsplit, urlunsplit

from dotenv import dotenv_values
from pydantic import Field, PrivateAttr, SecretStr, ValidationError, model_validator
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings, SettingsConfigDict

from findata_core.errors import ConfigurationError, NotRunning
from findata_resources.embedded.state import StackState, read_state
from findata_resources.loopback import is_loopback
from findata_resources.setting_values import (
    AlertSinks,
    CompressionDays,
    ExistingFile,
    Folder,
    Issuer,
    KeptBackups,
    OptionalPath,
    Origins,
    Port,
    PostgresUrl,
    Proxies,
    RequestLimits,
    RetentionDays,
    WebAddress,
)

PROJECT = Path(__file__).resolve().parents[1]
PREFIX = "FINDATA_"
_ENV_FILE = ".env"
# What readers' scripts (findata_client), the servers and the tests are told, which are no settings.
CLIENT_VARIABLES = frozenset({"FINDATA_API_KEY", "FINDATA_URL"})
_OTHER_VARIABLES = CLIENT_VARIABLES | {"FINDATA_STACK_PROCESS", "FINDATA_TRIAL_DATA"}
_TEST_PREFIXES = ("FINDATA_TEST_", "FINDATA_REQUIRE_")
_MASK = "********"
_BUCKET_NAME = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"


class Clock(Protocol):
    """Where the present moment comes from. Facts never ask it."""

    def now(self) -> datetime:
        """The present moment, in UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return datetime.now(UTC)


def _state_home() -> Path:
    root, user = Path("/var/lib/findata"), _user_folder("XDG_DATA_HOME", ".local/share")
    # One home per checkout: two checkouts never share servers by accident.
    identity = f"{PROJECT.name}-{hashlib.sha256(os.fsencode(PROJECT)).hexdigest()[:8]}"
    return (root if os.geteuid() == 0 else user) / identity


def _download_cache() -> Path:
    return Path("/var/cache/findata") if os.geteuid() == 0 else _user_folder("XDG_CACHE_HOME", ".cache")


def _user_folder(variable: str, otherwise: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / otherwise) / "findata"


def _sample_universe() -> Path:
    return Path(__file__).parent / "sample" / "universe.csv"


class Settings(BaseSettings):
    """Every setting of the project. Use `load_settings`, which explains what is wrong."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=_ENV_FILE, env_ignore_empty=True, extra="ignore", frozen=True
    )

    _arguments: frozenset[str] = PrivateAttr(default=frozenset())

    home: Folder = Field(
        default_factory=_state_home,
        description="Folder of the embedded servers: data, secrets, logs. As root the database runs as "
        "another user, who must be able to enter it. Default: a folder per checkout, under /var/lib/findata "
        "as root and ~/.local/share/findata otherwise.",
    )
    cache: Folder = Field(
        default_factory=_download_cache,
        description="Folder of downloaded programs and computed calendars, shared by checkouts. Default: "
        "/var/cache/findata as root, ~/.cache/findata otherwise.",
    )
    database_url: PostgresUrl | None = Field(
        default=None,
        description="A TimescaleDB of your own, postgresql://user:password@host:port/database. "
        "When it is named, no database is started here.",
    )
    reader_database_url: PostgresUrl | None = Field(
        default=None,
        description="How findata sql reads a database of your own: a login that has the role findata_reader. Default: "
        "FINDATA_DATABASE_URL in that role, or the login of the embedded database.",
    )
    dagster_database_url: PostgresUrl | None = Field(
        default=None,
        description="Where Dagster keeps its runs and events. Default: the database findata_dagster on the "
        "server of FINDATA_DATABASE_URL, or the embedded one.",
    )
    s3_endpoint: WebAddress | None = Field(
        default=None,
        description="An S3 of your own, with its two keys below. When it is named, none is started here.",
    )
    s3_bucket: str = Field(
        default="findata", pattern=_BUCKET_NAME, description="The bucket for payloads and tables."
    )
    s3_access_key: str | None = Field(default=None, description="Access key id for FINDATA_S3_ENDPOINT.")
    s3_secret_key: SecretStr | None = Field(default=None, description="Secret key for FINDATA_S3_ENDPOINT.")
    s3_region: str = Field(
        default="us-east-1", min_length=1, description="The region that S3 requests are signed for."
    )
    database_port: Port = Field(default=5439, description="Loopback port of the embedded database.")
    s3_port: Port = Field(default=8339, description="Loopback port of the embedded S3 server.")
    dagster_port: Port = Field(default=3000, description="Loopback port of the Dagster UI.")
    metrics_port: Port = Field(default=9464, description="Port where Prometheus finds findata's metrics.")
    serving_auth: Literal["required", "off"] = Field(
        default="required",
        description="Whether readers of the API show who they are. off: nobody is asked, which is refused unless "
        "FINDATA_SERVING_ADDRESS is a loopback.",
    )
    serving_address: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Where the API and its page listen. Anywhere but on a loopback a proxy with TLS belongs before it.",
    )
    serving_port: Port = Field(default=8642, description="Port of the API and its page.")
    oidc_issuer: Issuer | None = Field(
        default=None,
        description="Whose tokens the API takes: the issuer as the tokens name it, to the letter. Default: none; "
        "API keys alone.",
    )
    oidc_audience: str | None = Field(
        default=None, min_length=1, description="The audience that those tokens must be made for."
    )
    serving_origins: Origins = Field(
        default="",
        description="Web origins whose pages may read the API from a browser, separated by commas, for example "
        "https://charts.example.com. Default: none but its own.",
    )
    serving_proxies: Proxies = Field(
        default="",
        description="Addresses or networks of proxies before the API, whose X-Forwarded-For is believed. "
        "Default: none.",
    )
    serving_requests_per_minute: int = Field(
        default=6000,
        ge=0,
        le=10_000_000,
        description="Requests to the API that one caller may make: a token's subject, a key, or an address where "
        "nobody is asked; ten seconds' worth at once. 0: no limit.",
    )
    serving_connections: int = Field(
        default=500,
        ge=1,
        le=60_000,
        description="Connections that the API holds at once; those beyond are told to come back.",
    )
    serving_patience_seconds: float = Field(
        default=15,
        ge=0.2,
        le=600,
        description="How long a client of the API may take to say what it asks, or take nothing of an answer.",
    )
    traces: WebAddress | None = Field(
        default=None,
        description="Where traces are sent, by OTLP over HTTP, for example http://127.0.0.1:4318. Default: nowhere; "
        "needs the extra tracing.",
    )
    log_format: Literal["text", "json"] = Field(
        default="text",
        description="json: what findata logs is a JSON object a line on standard error, with the ids of its trace.",
    )
    metrics_folders: str = Field(
        default="",
        description="Folders whose disks are watched, separated by commas. Default: FINDATA_HOME.",
    )
    universe: ExistingFile = Field(
        default_factory=_sample_universe,
        description="CSV file of the followed instruments. Default: the bundled sample universe.",
    )
    debian_mirror: WebAddress | None = Field(
        default=None,
        description="A Debian mirror to fetch TimescaleDB from. Default: the one of this machine's apt.",
    )
    debian_keyring: ExistingFile | None = Field(
        default=None,
        description="Keyring of the mirror's packages. Default: this machine's Debian archive keyring.",
    )
    alphavantage_api_key: SecretStr | None = Field(
        default=None, description="Key for Alpha Vantage, which is asked for nothing without one."
    )
    alphavantage_base_url: WebAddress = Field(
        default="https://www.alphavantage.co", description="Where Alpha Vantage is asked."
    )
    yahoo_base_url: WebAddress = Field(
        default="https://query2.finance.yahoo.com", description="Where Yahoo Finance is asked."
    )
    nyfed_base_url: WebAddress = Field(
        default="https://markets.newyorkfed.org",
        description="Where the New York Fed is asked for reference rates.",
    )
    fred_api_key: SecretStr | None = Field(
        default=None, description="Key for FRED, which is asked for nothing without one."
    )
    fred_base_url: WebAddress = Field(
        default="https://api.stlouisfed.org/fred", description="Where FRED is asked for series."
    )
    ecb_base_url: WebAddress = Field(
        default="https://www.ecb.europa.eu/stats/eurofxref",
        description="Where the European Central Bank is asked for its files of exchange rates.",
    )
    first_session: date = Field(
        default=date(2000, 1, 3),
        description="The first session (inclusive) that is a partition of the assets.",
    )
    calendar_start: date = Field(
        default=date(1985, 1, 2),
        description="The first day (inclusive) of the calendars; at most the first session.",
    )
    request_timeout_seconds: float = Field(
        default=30.0, gt=0, le=600, description="How long a provider may take to answer."
    )
    request_limits: RequestLimits = Field(
        default="",
        description="What providers allow, where it differs from what findata knows, for example "
        "yahoo=10/minute,alphavantage=5/second+500/day; none for a mirror of your own: yahoo=none. Windows: "
        "second, minute, day. Default: LIMITS in findata_resources/providers/__init__.py.",
    )
    requests_at_once: int = Field(
        default=4,
        ge=1,
        le=32,
        description="How many requests to one provider may be under way at once; its limits hold all the same.",
    )
    request_tries: int = Field(
        default=3,
        ge=1,
        le=10,
        description="How many times a request is made before a failure of the moment (429, 5xx, no whole "
        "answer) is given up.",
    )
    longest_wait_seconds: float = Field(
        default=30.0,
        ge=0,
        le=3600,
        description="How long a run waits for its turn or for a provider's Retry-After; what would take longer "
        "is left for the next run.",
    )
    operator: str = Field(
        default="",
        max_length=64,
        description="Who is written down as deciding about held payloads. Default: the login name.",
    )

    retention_days: RetentionDays = Field(
        default="",
        description="Closed versions that are dropped after so many days, for example history.bars=1825. Current "
        "rows and raw payloads are never dropped. Default: none is.",
    )
    compression_days: CompressionDays = Field(
        default="",
        description="Tables whose chunks are compressed after so many days, for example market.bars=90,"
        "history.bars=30; needs TimescaleDB Community. Default: none is.",
    )
    dagster_event_days: int = Field(
        default=90,
        ge=0,
        le=36_500,
        description="How many days Dagster keeps what runs said step by step; materializations and checks stay. "
        "0: for ever.",
    )
    change_days: int = Field(
        default=7,
        ge=1,
        le=3_650,
        description="How many days the journal of changes is kept: a reader of the stream who comes back within them "
        "gets what it missed, and later is told to read anew.",
    )
    backups_kept: KeptBackups = Field(
        default="daily=7,weekly=5,monthly=12",
        description="Of how many days, weeks and months the newest backup is kept; findata backup removes the others, "
        "never the newest and never the newest that a drill has proven.",
    )

    alert_sinks: AlertSinks = Field(
        default="file",
        description="Where failed runs and checks are told, with the command that mends each: file, smtp, webhook, "
        "several with commas, or none.",
    )
    alert_file: OptionalPath = Field(
        default=None,
        description="The file of the sink file, a JSON line a message. Default: <home>/alerts.jsonl.",
    )
    alert_webhook_url: SecretStr | None = Field(
        default=None,
        description='Where the sink webhook posts {"text": "..."}, as Slack, Mattermost and others take it. A secret.',
    )
    alert_smtp_host: str | None = Field(default=None, description="Mail server of the sink smtp.")
    alert_smtp_port: Port = Field(default=587, description="Port of the mail server.")
    alert_smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="How the mail server is spoken to: starttls, tls from the first byte, or none, which sends no "
        "password.",
    )
    alert_smtp_user: str | None = Field(
        default=None, description="User at the mail server, if it asks for one."
    )
    alert_smtp_password: SecretStr | None = Field(default=None, description="Password at the mail server.")
    alert_mail_from: str | None = Field(default=None, description="Sender of alerts by mail.")
    alert_mail_to: str | None = Field(
        default=None, description="Who gets alerts by mail, several with commas."
    )
    alert_least_severity: Literal["warn", "error"] = Field(
        default="warn", description="What is told at least: warn (all), or error."
    )
    alert_window_minutes: float = Field(
        default=60,
        ge=0,
        le=10_080,
        description="One cause is told once in so many minutes, with how often it came.",
    )
    alert_most_per_hour: int = Field(
        default=20,
        ge=1,
        le=1000,
        description="How many alerts a sink is given in an hour at most; the rest waits.",
    )
    alert_timeout_seconds: float = Field(
        default=10, gt=0, le=60, description="How long a mail server or webhook may take."
    )

    def watched_folders(self) -> list[Path]:
        """The folders whose disks the metrics tell of."""
        named = [Path(name.strip()) for name in self.metrics_folders.split(",") if name.strip()]
        return named or [self.home]

    @model_validator(mode="after")
    def _agree_with_each_other(self) -> Settings:
        problems = [
            problem
            for problem in (
                _key_problem(self),
                _port_problem(self),
                _date_problem(self),
                _serving_problem(self),
                _alert_problem(self),
            )
            if problem
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self


def load_settings(**arguments: Any) -> Settings:
    """The settings of this process, or a ConfigurationError that names each wrong variable."""
    try:
        settings = Settings(**arguments)
    except ValidationError as error:
        problems = "; ".join(_problem(dict(detail)) for detail in error.errors(include_input=False))
        next_step = f"correct it in the environment or in {_ENV_FILE}; .env.example describes every setting"
        raise ConfigurationError(problems, next_step) from None
    settings._arguments = frozenset(arguments)
    return settings


@dataclass(frozen=True)
class Endpoints:
    """Where to connect to. `database_url` is plain postgresql://; Dagster's names its driver psycopg2.

    `reader_database_url`: a login of the readers' own, None where there is none.
    """

    database_url: str = field(repr=False)
    dagster_database_url: str = field(repr=False)
    s3_endpoint: str
    s3_bucket: str
    s3_access_key: str
    s3_secret_key: str = field(repr=False)
    s3_region: str
    reader_database_url: str | None = field(repr=False, default=None)


def resolve_endpoints(settings: Settings) -> Endpoints:
    """What the settings name, for the rest the running embedded stack; NotRunning when it does not run."""
    state = read_state(settings.home)
    return Endpoints(**_database_endpoint(settings, state), **_objects_endpoint(settings, state))


def resolve_database(settings: Settings) -> str:
    """Where the database is, whatever the object store does; NotRunning when it does not run."""
    return str(_database_endpoint(settings, read_state(settings.home))["database_url"])


@dataclass(frozen=True)
class EffectiveSetting:
    """A setting as it works now. `value` is masked when it is a secret."""

    variable: str
    value: str
    source: str
    description: str


def effective_settings(settings: Settings) -> list[EffectiveSetting]:
    """Every setting with its value and with what set it, for `findata config`."""
    embedded = _embedded_values(settings)
    return [_effective(settings, name, embedded) for name in Settings.model_fields]


def secrets_of(settings: Settings) -> list[str]:
    """The secrets among the settings as they are, passwords in addresses of databases too: what no text may show."""
    known = [getattr(settings, name) for name in Settings.model_fields]
    plain = [value.get_secret_value() for value in known if isinstance(value, SecretStr)]
    passwords = [unquote(urlsplit(text).password or "") for text in plain if "://" in text]
    return [text for text in (*plain, *passwords) if text]


def settings_environment(settings: Settings) -> dict[str, str]:
    """The variables that give another process these same settings, wherever it runs. Holds secrets."""
    names = settings.model_fields_set | {"home", "cache"}
    return {variable_of(name): _plain(getattr(settings, name)) for name in sorted(names)}


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with `extra`, for a process that it starts."""
    return {**os.environ, **extra}


def adopt_environment(extra: Mapping[str, str]) -> None:
    """Set variables for libraries of this process that read their settings from the environment (Dagster)."""
    os.environ.update(extra)


def variable_of(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def unknown_variables() -> list[str]:
    """Variables of this process and of `.env` that look like settings and are none, sorted."""
    known = {variable_of(name) for name in Settings.model_fields} | _OTHER_VARIABLES
    named = {*os.environ, *dotenv_values(_ENV_FILE)}
    return sorted(
        name for name in named - known if name.startswith(PREFIX) and not name.startswith(_TEST_PREFIXES)
    )


def example_file() -> str:
    """The text of .env.example, which lists every setting with its default."""
    head = "# Every setting of findata. Copy this file to .env and uncomment what you change.\n"
    return head + "".join(_example_entry(name) for name in Settings.model_fields)


def _key_problem(settings: Settings) -> str | None:
    keys = (settings.s3_access_key, settings.s3_secret_key)
    if settings.s3_endpoint and None in keys:
        return "FINDATA_S3_ENDPOINT needs FINDATA_S3_ACCESS_KEY and FINDATA_S3_SECRET_KEY"
    if not settings.s3_endpoint and keys != (None, None):
        return "FINDATA_S3_ACCESS_KEY and FINDATA_S3_SECRET_KEY are set without FINDATA_S3_ENDPOINT"
    return None


def _port_problem(settings: Settings) -> str | None:
    names = ("database_port", "s3_port", "dagster_port", "metrics_port", "serving_port")
    if len({getattr(settings, name) for name in names}) < len(names):
        variables = [variable_of(name) for name in names]
        return f"{', '.join(variables[:-1])} and {variables[-1]} must differ"
    return None


def _serving_problem(settings: Settings) -> str | None:
    if settings.serving_auth == "off" and not is_loopback(settings.serving_address):
        return (
            "FINDATA_SERVING_AUTH=off with FINDATA_SERVING_ADDRESS="
            f"{settings.serving_address} would let everybody on the network read: leave the address at 127.0.0.1, or "
            "leave out FINDATA_SERVING_AUTH and give readers keys (findata keys create) or tokens (FINDATA_OIDC_ISSUER)"
        )
    if (settings.oidc_issuer is None) != (settings.oidc_audience is None):
        return "FINDATA_OIDC_ISSUER and FINDATA_OIDC_AUDIENCE go together: a token must be made for findata"
    return None


def _date_problem(settings: Settings) -> str | None:
    if settings.first_session < settings.calendar_start:
        return "FINDATA_FIRST_SESSION lies before FINDATA_CALENDAR_START"
    return None


def _alert_problem(settings: Settings) -> str | None:
    needed = {
        "smtp": ("alert_smtp_host", "alert_mail_from", "alert_mail_to"),
        "webhook": ("alert_webhook_url",),
    }
    for sink in settings.alert_sinks.split(","):
        missing = [variable_of(name) for name in needed.get(sink, ()) if not getattr(settings, name)]
        if missing:
            return f"the sink {sink} of FINDATA_ALERT_SINKS needs {' and '.join(missing)}"
    password = settings.alert_smtp_password is not None
    if password and settings.alert_smtp_security == "none":
        return "FINDATA_ALERT_SMTP_PASSWORD would be sent in the open with FINDATA_ALERT_SMTP_SECURITY=none"
    if password and settings.alert_smtp_user is None:
        return "FINDATA_ALERT_SMTP_PASSWORD is set without FINDATA_ALERT_SMTP_USER"
    return None


def _problem(detail: dict[str, Any]) -> str:
    text = str(detail["msg"]).removeprefix("Value error, ")
    return f"{variable_of(str(detail['loc'][0]))}: {text}" if detail["loc"] else text


def _database_endpoint(settings: Settings, state: StackState) -> dict[str, Any]:
    dagster, reader = settings.dagster_database_url, settings.reader_database_url
    named = {"reader_database_url": reader.get_secret_value()} if reader else {}
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
        own = dagster.get_secret_value() if dagster else _with_database(url, "findata_dagster")
        addresses = {"database_url": url, "dagster_database_url": _for_dagster(own)}
        return {**addresses, "reader_database_url": None, **named}
    if state.database is None or not state.is_running("database"):
        raise _not_running("database", "FINDATA_DATABASE_URL")
    if dagster:
        named["dagster_database_url"] = _for_dagster(dagster.get_secret_value())
    return {**state.database.model_dump(), **named}


def _objects_endpoint(settings: Settings, state: StackState) -> dict[str, str]:
    if (
        settings.s3_endpoint is not None
        and settings.s3_access_key is not None
        and settings.s3_secret_key is not None
    ):
        return {
            "s3_endpoint": settings.s3_endpoint,
            "s3_bucket": settings.s3_bucket,
            "s3_access_key": settings.s3_access_key,
            "s3_secret_key": settings.s3_secret_key.get_secret_value(),
            "s3_region": settings.s3_region,
        }
    if state.objects is None or not state.is_running("objects"):
        raise _not_running("S3 server", "FINDATA_S3_ENDPOINT")
    return state.objects.model_dump()


def _not_running(what: str, variable: str) -> NotRunning:
    return NotRunning(
        f"the embedded {what} is not running", f"run findata up, or name one of your own in {variable}"
    )


def _with_database(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def _for_dagster(url: str) -> str:
    # Plain postgresql:// means psycopg 3 to SQLAlchemy 2.1, with which dagster-postgres fails.
    return url.replace("postgresql://", "postgresql+psycopg2://", 1)


def _embedded_values(settings: Settings) -> dict[str, str]:
    """What the running embedded stack supplies for settings that are not named."""
    state = read_state(settings.home)
    database = state.database if settings.database_url is None and state.is_running("database") else None
    objects = state.objects if settings.s3_endpoint is None and state.is_running("objects") else None
    supplied = [part.model_dump() for part in (database, objects) if part is not None]
    return {name: value for part in supplied for name, value in part.items() if value is not None}


def _effective(settings: Settings, name: str, embedded: Mapping[str, str]) -> EffectiveSetting:
    source = _source(settings, name)
    value: object = getattr(settings, name)
    if source == "default" and name in embedded and embedded[name] != value:
        source, value = "embedded stack", embedded[name]
    description = Settings.model_fields[name].description or ""
    return EffectiveSetting(variable_of(name), _shown(name, value), source, description)


def _source(settings: Settings, name: str) -> str:
    if name in settings._arguments:
        return "argument"
    if os.environ.get(variable_of(name)):
        return "environment"
    return _ENV_FILE if name in settings.model_fields_set else "default"


def _shown(name: str, value: object) -> str:
    is_secret = "Secret" in str(Settings.model_fields[name].annotation)
    return "" if value is None else _MASK if is_secret else str(value)


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _example_entry(name: str) -> str:
    setting = Settings.model_fields[name]
    value = "" if setting.default in (None, PydanticUndefined) else setting.default
    description = textwrap.fill(setting.description or "", 108, initial_indent="# ", subsequent_indent="# ")
    return f"\n{description}\n# {variable_of(name)}={value}\n"
