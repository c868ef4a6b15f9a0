"""The workflow files: their shape, and that what they call exists. They were not run here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from findata_resources.environment import PROJECT
from tests.docker.test_compose import tool
from tests.monitoring.programs import run

WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))


def jobs(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text())["jobs"])


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(path).values() for step in job["steps"]]


def test_there_are_checks_an_image_and_a_release() -> None:
    assert [path.stem for path in WORKFLOWS] == ["checks", "image", "release"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_the_shape_that_is_taken(path: Path) -> None:
    ended = run(tool("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", path)
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_a_workflow_calls_is_in_the_repository(path: Path) -> None:
    said = "\n".join(step.get("run", "") for step in steps(path))
    for name in re.findall(r"(?<![\w/.])((?:\.ci|scripts|docker)/[\w./-]+)", said):
        exists = (PROJECT / name).exists() or name == "docker/.env"  # made by the step before
        assert exists, name
    for step in steps(path):
        for name in ("file", "context"):
            if name in step.get("with", {}):
                assert (PROJECT / step["with"][name]).exists()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_a_limit_of_time_few_rights_and_pinned_actions(path: Path) -> None:
    assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in jobs(path).values())
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"]) for step in steps(path) if "uses" in step)


def test_checks_and_releases_run_the_same_checks_as_everybody() -> None:
    for name in ("checks", "release"):
        told = [step.get("run") for step in steps(PROJECT / ".github" / "workflows" / f"{name}.yml")]
        assert ".ci/run" in told


def test_a_release_needs_the_checks() -> None:
    assert jobs(PROJECT / ".github" / "workflows" / "release.yml")["image"]["needs"] == "checks"
