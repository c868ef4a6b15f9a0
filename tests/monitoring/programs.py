"""Prometheus, Alertmanager and the exporter as processes on free loopback ports; the tools that check their files.

What belongs here: starting, asking, ending. What does not: expectations (the tests), what is watched (watched).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from findata_resources.embedded.processes import wait_until
from findata_resources.environment import PROJECT

DOCKER = PROJECT / "docker"
RULES = DOCKER / "prometheus" / "rules"
REQUIRED = "FINDATA_REQUIRE_PROGRAMS"  # set by .ci/run: a program that lacks is a failure
PATIENCE_SECONDS = (
    60.0  # what starts in some seconds on a machine that does nothing else takes many beside others
)


def program(name: str) -> str:
    """Return where a program is; skip, or fail where it is required, if it is not installed."""
    found = shutil.which(name)
    if found is not None:
        return found
    reason = f"{name} is not installed (apt-get install prometheus prometheus-alertmanager)"
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a tool to its end; what it says is in the result."""
    variables = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=variables)


@contextmanager
def running(
    command: Sequence[str], log: Path, ready_url: str, environment: Mapping[str, str]
) -> Iterator[None]:
    """Run a server until the end of the block, and wait until it answers."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **environment}
        )
        try:
            answered = wait_until(
                lambda: process.poll() is not None or answers(ready_url), PATIENCE_SECONDS, pause_seconds=0.1
            )
            assert answered, log.read_text()
            assert process.poll() is None, log.read_text()
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def exporter(port: int, folder: Path, variables: Mapping[str, str]) -> Any:
    """Run `findata metrics serve` with the settings of an environment."""
    command = [sys.executable, "-m", "findata_cli", "metrics", "serve", "--port", str(port)]
    address = f"http://127.0.0.1:{port}/metrics"
    return running(command, folder / "exporter.log", address, {**variables, "PYTHONPATH": str(PROJECT)})


def prometheus(port: int, configuration: Path, folder: Path) -> Any:
    """Run Prometheus on a configuration."""
    command = [
        program("prometheus"),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    return running(command, folder / "prometheus.log", f"http://127.0.0.1:{port}/-/ready", {})


def alertmanager(port: int, configuration: Path, folder: Path) -> Any:
    """Run Alertmanager on a configuration."""
    command = [
        program("prometheus-alertmanager"),
        f"--config.file={configuration}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    return running(command, folder / "alertmanager.log", f"http://127.0.0.1:{port}/-/ready", {})


def answers(url: str) -> bool:
    """Tell whether a server answers well."""
    try:
        return httpx.get(url, trust_env=False, timeout=5.0).is_success
    except httpx.TransportError:
        return False


def asked(url: str, **parameters: str) -> Any:
    """Return a JSON answer."""
    answer = httpx.get(url, params=parameters, trust_env=False, timeout=PATIENCE_SECONDS)
    assert answer.is_success, answer.text
    return answer.json()
