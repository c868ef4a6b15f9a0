"""The whole chain for real: a running exporter, Debian's Prometheus with findata's rules, Alertmanager, a receiver."""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from findata_resources.embedded.processes import free_ports, wait_until
from tests.monitoring import programs
from tests.monitoring.programs import DOCKER, PATIENCE_SECONDS, RULES, asked
from tests.monitoring.watched import Watched

DASHBOARDS = sorted((DOCKER / "grafana" / "dashboards").glob("*.json"))
QUERIES = [
    pytest.param(target["expr"], id=f"{path.stem}: {panel['title']}")
    for path in DASHBOARDS
    for panel in json.loads(path.read_text())["panels"]
    for target in panel.get("targets", [])
]


@dataclass(frozen=True)
class Watching:
    """Where Prometheus and Alertmanager answer, and what the receiver was sent."""

    prometheus: str
    alertmanager: str
    received: list[dict[str, Any]]

    def query(self, expression: str) -> list[Any]:
        """Return what an instant query gives."""
        answer = asked(f"{self.prometheus}/api/v1/query", query=expression)
        return list(answer["data"]["result"])


@pytest.fixture(scope="module")
def watching(watched: Watched, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watching]:
    """Everything that compose.yaml starts to watch findata, on loopback, with short intervals."""
    folder = tmp_path_factory.mktemp("watching")
    metrics, prometheus, alertmanager, receiver = free_ports(4)
    with receiving(receiver) as received:
        told = write_alertmanager(folder, receiver)
        configuration = write_prometheus(folder, metrics, prometheus, alertmanager)
        with (
            programs.exporter(metrics, folder, watched.variables),
            programs.alertmanager(alertmanager, told, folder),
            programs.prometheus(prometheus, configuration, folder),
        ):
            chain = Watching(f"http://127.0.0.1:{prometheus}", f"http://127.0.0.1:{alertmanager}", received)
            wait_until(lambda: bool(chain.query("count_over_time(up[5m]) >= 4")), PATIENCE_SECONDS)
            yield chain


@contextmanager
def receiving(port: int) -> Iterator[list[dict[str, Any]]]:
    """Run a receiver of webhooks; what it is sent is in the list."""
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with HTTPServer(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield received
        finally:
            server.shutdown()
            thread.join()


def write_alertmanager(folder: Path, receiver: int) -> Path:
    """Write the configuration that the container would, with one receiver and no waiting."""
    url = f"http://127.0.0.1:{receiver}/"
    # An alert that comes after the first ones of its group would wait for five minutes.
    told = {"ALERT_WEBHOOK_URL": url, "ALERT_GROUP_WAIT": "0s", "ALERT_GROUP_INTERVAL": "1s"}
    made = programs.run("sh", DOCKER / "alertmanager" / "start.sh", "--print", **told)
    assert made.returncode == 0, made.stderr
    (folder / "alertmanager.yml").write_text(made.stdout)
    return folder / "alertmanager.yml"


def write_prometheus(folder: Path, metrics: int, prometheus: int, alertmanager: int) -> Path:
    """Write the configuration and the rules of compose.yaml, with loopback addresses, impatient."""
    text = (DOCKER / "prometheus" / "prometheus.yml").read_text()
    for name, port in (
        ("metrics:9464", metrics),
        ("localhost:9090", prometheus),
        ("alertmanager:9093", alertmanager),
    ):
        text = text.replace(name, f"127.0.0.1:{port}")
    text = re.sub(r"(scrape_interval|evaluation_interval): 15s", r"\1: 1s", text)
    (folder / "prometheus.yml").write_text(text.replace("scrape_timeout: 10s", "scrape_timeout: 1s"))
    (folder / "rules").mkdir()
    for path in RULES.glob("*.yml"):
        (folder / "rules" / path.name).write_text(
            re.sub(r"^ +for: .*\n", "", path.read_text(), flags=re.MULTILINE)
        )
    return folder / "prometheus.yml"


def test_the_running_exporter_is_scraped(watching: Watching) -> None:
    def states() -> dict[str, str]:
        return {found["metric"]["job"]: found["value"][1] for found in watching.query("up")}

    # Asked every second, one that is late once on a busy machine is there the next time.
    up = {"findata": "1", "prometheus": "1", "alertmanager": "1"}
    assert wait_until(lambda: states() == up, PATIENCE_SECONDS), states()


def test_every_group_of_rules_is_loaded_and_every_rule_works(watching: Watching) -> None:
    groups = asked(f"{watching.prometheus}/api/v1/rules")["data"]["groups"]
    written = {
        group["name"]: len(group["rules"])
        for path in RULES.glob("*.yml")
        for group in yaml.safe_load(path.read_text())["groups"]
    }
    assert {group["name"]: len(group["rules"]) for group in groups} == written
    assert [rule["name"] for group in groups for rule in group["rules"] if rule["health"] == "err"] == []


@pytest.mark.parametrize("expression", QUERIES)
def test_every_panel_shows_something(watching: Watching, expression: str) -> None:
    def has_figures() -> bool:
        return any(math.isfinite(float(found["value"][1])) for found in watching.query(expression))

    assert wait_until(has_figures, PATIENCE_SECONDS, pause_seconds=0.5), watching.query(expression)


def test_an_alert_reaches_alertmanager_and_is_delivered(watching: Watching) -> None:
    def delivered() -> set[str]:
        return {alert["labels"]["alertname"] for message in watching.received for alert in message["alerts"]}

    assert wait_until(lambda: "FindataQuarantineWaiting" in delivered(), PATIENCE_SECONDS)
    expected = {"FindataRunFailed", "FindataBreakerOpen", "FindataCheckFailing", "FindataIngestionLate"}
    quiet = {"FindataDatabaseDown", "FindataS3Down", "FindataExporterDown", "FindataQuotaNearlySpent"}
    known: dict[str, Any] = {}

    def are_all_there() -> bool:
        """Groups of rules are evaluated one after another."""
        found = asked(f"{watching.alertmanager}/api/v2/alerts")
        known.clear()
        known.update({alert["labels"]["alertname"]: alert for alert in found})
        return {"FindataQuarantineWaiting", *expected} <= set(known)

    assert wait_until(are_all_there, PATIENCE_SECONDS), sorted(known)
    assert quiet & set(known) == set()
    assert known["FindataQuarantineWaiting"]["annotations"]["summary"].startswith("2 implausible payloads")
