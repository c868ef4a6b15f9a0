"""Dagster's two processes: the web server and the daemon, and the folder and environment they need.

What belongs here: what is special about these processes.
What does not: the definitions that they load (`findata_assets`), starting and stopping (`server`, `stack`).
"""

from __future__ import annotations

import shutil
import signal
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from findata_core.errors import StackError
from findata_resources.embedded.state import Progress, StackState
from findata_resources.environment import (
    PROJECT,
    Endpoints,
    Settings,
    child_environment,
    settings_environment,
)

WEB_SERVER = "dagster-webserver"
DAEMON = "dagster-daemon"


@dataclass(frozen=True)
class DagsterServer:
    """One of the two processes; the daemon has no port."""

    name: str
    arguments: tuple[str, ...]
    variables: Mapping[str, str]
    port: int | None = None

    port_variable = "FINDATA_DAGSTER_PORT"
    stop_signal = signal.SIGTERM
    ready_seconds = 120.0
    folder = PROJECT

    def prepare(self, progress: Progress) -> None:
        """Nothing of its own: `prepare_dagster_home` serves both."""

    def command(self) -> list[str]:
        """The program that Dagster put beside this Python."""
        return [str(Path(sysconfig.get_path("scripts")) / self.name), *self.arguments]

    def environment(self) -> dict[str, str]:
        """The caller's environment and the settings in force."""
        return child_environment(self.variables)

    def is_ready(self) -> bool:
        """Whether the UI answers; the daemon is ready when it runs."""
        if self.port is None:
            return True
        try:
            return httpx.get(f"{ui_address(self.port)}/server_info", trust_env=False, timeout=5.0).is_success
        except httpx.TransportError:
            return False

    def finish(self, state: StackState) -> None:
        """Nothing to create inside."""


def dagster_servers(settings: Settings, endpoints: Endpoints) -> list[DagsterServer]:
    """The web server first: its first contact creates Dagster's tables, which the daemon then finds."""
    variables = dagster_environment(settings, endpoints)
    workspace = ("-w", str(PROJECT / "workspace.yaml"))
    web = ("-h", "127.0.0.1", "-p", str(settings.dagster_port), *workspace)
    return [
        DagsterServer(WEB_SERVER, web, variables, settings.dagster_port),
        DagsterServer(DAEMON, ("run", *workspace), variables),
    ]


def dagster_environment(settings: Settings, endpoints: Endpoints) -> dict[str, str]:
    """What a process needs to use this project's Dagster instance. Holds secrets."""
    return {
        **settings_environment(settings),
        "FINDATA_DAGSTER_DATABASE_URL": endpoints.dagster_database_url,
        "DAGSTER_HOME": str(dagster_home(settings)),
    }


def prepare_dagster_home(settings: Settings) -> Path:
    """Put the project's dagster.yaml where Dagster looks for it: inside DAGSTER_HOME, nowhere else."""
    folder = dagster_home(settings)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    source = PROJECT / "dagster.yaml"
    if not source.is_file():
        raise StackError(f"{source} is not there", "run findata from a checkout of the project")
    shutil.copyfile(source, folder / "dagster.yaml")
    return folder


def dagster_home(settings: Settings) -> Path:
    """DAGSTER_HOME: its configuration and the runs' logs."""
    return settings.home / "dagster"


def ui_address(port: int) -> str:
    """Where a browser finds the UI."""
    return f"http://127.0.0.1:{port}"
