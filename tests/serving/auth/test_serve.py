"""`findata serve` and `findata up --serving` as an operator runs them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from findata_assets.steps.platform import Platform
from findata_resources.embedded import stack as embedded_stack
from findata_resources.embedded.processes import free_ports, wait_until
from findata_resources.embedded.serving import page_address
from findata_resources.environment import PROJECT, Settings, load_settings, settings_environment
from tests.cli.conftest import run
from tests.monitoring.programs import answers

MakePlatform = Callable[..., Platform]
PATIENCE_SECONDS = 60.0


def settings_over(platform: Platform, home: Path, **changes: Any) -> Settings:
    """Return settings of a home of its own over a platform's stores, on a free port."""
    named = platform.settings.model_dump(include=platform.settings.model_fields_set)
    (port,) = free_ports(1)
    return load_settings(**{**named, "home": home, "serving_port": port, **changes}, _env_file=None)


def start(settings: Settings) -> subprocess.Popen[str]:
    """Start `findata serve` as a process."""
    variables = {**os.environ, **settings_environment(settings), "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "findata_cli", "serve"]
    return subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_serve_says_where_answers_and_ends_at_ctrl_c_without_a_word_of_error(
    platform: Platform, home: Path
) -> None:
    settings = settings_over(platform, home)
    process = start(settings)
    try:
        live = f"{page_address(settings)}live"
        assert wait_until(lambda: answers(live) or process.poll() is not None, PATIENCE_SECONDS)
        assert httpx.get(f"{page_address(settings)}openapi.json", trust_env=False).status_code == 401
        taken = run("serve", "--port", str(settings.serving_port), on=platform)
        assert (taken.exit_code, "FINDATA_SERVING_PORT" in taken.stderr) == (3, True)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
    assert (process.returncode, errors) == (0, "")
    assert output.splitlines() == [page_address(settings), "stopped"]


def test_up_starts_it_with_the_others_and_down_ends_it(platform: Platform, home: Path) -> None:
    settings = settings_over(platform, home, serving_auth="off", log_format="json")
    told = run("up", "--serving", on=_Named(settings))
    assert (told.exit_code, page_address(settings) in told.stdout) == (0, True), told.stderr
    assert httpx.get(f"{page_address(settings)}ready", trust_env=False).json()["status"] == "ready"
    assert [server.name for server in embedded_stack.status(settings) if server.is_running] == ["serving"]
    log = home / "logs" / "serving.log"
    # A request's line is written once its answer is out, so the caller can be there first.
    assert wait_until(lambda: '"path": "/ready"' in log.read_text(), PATIENCE_SECONDS), log.read_text()
    embedded_stack.down(settings)
    assert [server.name for server in embedded_stack.status(settings) if server.is_running] == []


class _Named:
    """What `run` needs of a platform."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings


def test_where_nothing_runs_it_says_what_to_start(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINDATA_HOME", str(home))
    told = run("serve")
    assert (told.exit_code, "findata up" in told.stderr) == (3, True)


def test_an_address_that_is_not_of_this_machine_says_what_to_correct(platform: Platform) -> None:
    told = run("serve", "--address", "203.0.113.1", on=platform)
    assert (told.exit_code, "FINDATA_SERVING_ADDRESS" in told.stderr) == (3, True)


def test_without_authentication_it_does_not_listen_to_the_network(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINDATA_SERVING_AUTH", "off")
    told = run("serve", "--address", "0.0.0.0", on=platform)
    assert (told.exit_code, "findata keys create" in told.stderr) == (2, True)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", platform.settings.serving_port)) != 0
