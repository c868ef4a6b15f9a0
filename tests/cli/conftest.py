"""The command as a person runs it, on a platform of the tests: in this process, or as a process of its own."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from findata_assets import partitions
from findata_assets.steps.platform import Platform
from findata_cli.main import app
from findata_resources.environment import PROJECT, settings_environment
from tests.conftest import _platforms, load_sample

Run = Callable[..., Any]

# Partitions are made when they are first imported: here, by the default universe, which the sample needs.
assert partitions.SESSIONS


@pytest.fixture(autouse=True)
def undone() -> Iterator[None]:
    """Undo what a command does to its own process: the levels of logging, how often garbage is looked for."""
    level, thresholds = logging.getLogger("dagster").level, gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    logging.getLogger("dagster").setLevel(level)


def run(*arguments: str, on: Platform | None = None) -> Any:
    """Run the command in this process, with the platform's settings in the environment."""
    before = dict(os.environ)
    try:
        if on is not None:
            os.environ.update(settings_environment(on.settings))
        return CliRunner().invoke(app, list(arguments))
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def findata() -> Run:
    """Runs the command: `findata("sql", "SELECT 1", on=platform)`."""
    return run


@pytest.fixture
def start() -> Run:
    """Starts the command as a process: `start("materialize", environment={...})`."""

    def run(*arguments: str, environment: dict[str, str]) -> subprocess.Popen[str]:
        variables = {**os.environ, **environment, "PYTHONPATH": str(PROJECT)}
        return subprocess.Popen(
            [sys.executable, "-m", "findata_cli", *arguments],
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return run


@pytest.fixture(scope="module")
def own_sample(stack: Any, migrated_template: str) -> Iterator[Platform]:
    """A platform with the sample, for one module that tampers with it and repairs it."""
    with _platforms(stack[1], migrated_template) as make:
        platform = make()
        load_sample(platform)
        yield platform
