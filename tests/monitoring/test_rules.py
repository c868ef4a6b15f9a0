"""Rules, routing and dashboards as files: the tools accept them, each alert is tried both ways and has its cure."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from findata_cli.main import app
from findata_resources.environment import PROJECT
from scripts.dashboards import write
from tests.monitoring.programs import DOCKER, RULES, program, run

TRIALS = sorted((Path(__file__).parent / "rules").glob("*.yml"))
RUNBOOKS = PROJECT / "docs" / "runbooks.md"
START = DOCKER / "alertmanager" / "start.sh"
EMAIL = {
    "ALERT_EMAIL_TO": "on-call@example.com",
    "SMTP_HOST": "mail.example.com:587",
    "SMTP_PASSWORD": 'it\'s "$x"',
}
RECEIVERS: list[dict[str, str]] = [
    {},
    {"ALERT_WEBHOOK_URL": "https://example.com/alerts?key='quoted'"},
    {"ALERT_SLACK_URL": "https://hooks.example.com/services/x", "ALERT_SLACK_CHANNEL": "#data"},
    {**EMAIL, "SMTP_USER": "findata"},
    {**EMAIL, "ALERT_WEBHOOK_URL": "https://example.com/", "ALERT_SLACK_URL": "https://hooks.example.com/x"},
]


def alerts() -> dict[str, dict[str, Any]]:
    """Return the alerts by name, as they are written."""
    groups = yaml.safe_load((RULES / "alerts.yml").read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def sections() -> dict[str, str]:
    """Return the sections of the runbooks by their anchor."""
    parts = re.split(r"^## (.+)$", RUNBOOKS.read_text(), flags=re.MULTILINE)
    return {name.lower().replace(" ", "-"): text for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def test_promtool_accepts_the_configuration_and_the_rules() -> None:
    checked = run(program("promtool"), "check", "config", DOCKER / "prometheus" / "prometheus.yml")
    assert checked.returncode == 0, checked.stderr
    linted = run(program("promtool"), "check", "rules", "--lint-fatal", *sorted(RULES.glob("*.yml")))
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_every_alert_fires_when_it_should_and_only_then(tmp_path: Path) -> None:
    for path in RULES.glob("*.yml"):
        shutil.copy(path, tmp_path)
    tried = [shutil.copy(path, tmp_path / f"trial_{path.name}") for path in TRIALS]
    ended = run(program("promtool"), "test", "rules", *tried)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_alert_is_tried_both_ways() -> None:
    cases = [
        case
        for path in TRIALS
        for trial in yaml.safe_load(path.read_text())["tests"]
        for case in trial["alert_rule_test"]
    ]
    fires = {case["alertname"] for case in cases if case["exp_alerts"]}
    is_quiet = {case["alertname"] for case in cases if not case["exp_alerts"]}
    # A failed run that has succeeded since is tried beside one that has not.
    assert set(alerts()) == fires
    assert set(alerts()) == is_quiet


def test_every_alert_says_what_is_and_leads_to_what_to_do() -> None:
    for name, rule in alerts().items():
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}, name
        assert rule["labels"]["severity"] in ("critical", "warning", "info"), name
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert (PROJECT / page == RUNBOOKS, anchor in sections()) == (True, True), name


def test_every_section_of_the_runbooks_belongs_to_an_alert_and_has_its_three_parts() -> None:
    wanted = {rule["annotations"]["runbook_url"].partition("#")[2] for rule in alerts().values()}
    assert set(sections()) == wanted
    for anchor, text in sections().items():
        assert [part for part in ("**Cause.**", "**Look.**", "**Mend.**") if part not in text] == [], anchor


def test_every_command_of_the_runbooks_exists() -> None:
    command: Any = get_command(app)
    for text in sections().values():
        for words in re.findall(
            r"^findata ([a-z][a-z -]*)",
            "\n".join(re.findall(r"`([^`\n]+)`", text)) + "\n" + text,
            re.MULTILINE,
        ):
            first, *rest = words.split()
            assert first in command.commands, words
            below = getattr(command.commands[first], "commands", {})
            if below and rest:
                assert rest[0] in below or rest[0].startswith("-"), words


@pytest.mark.parametrize("environment", RECEIVERS, ids=lambda each: ",".join(each) or "nothing")
def test_alertmanager_takes_what_is_written_for_every_receiver(
    environment: dict[str, str], tmp_path: Path
) -> None:
    made = run("sh", START, "--print", **environment)
    assert made.returncode == 0, made.stderr
    (tmp_path / "alertmanager.yml").write_text(made.stdout)
    checked = run(program("amtool"), "check-config", tmp_path / "alertmanager.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    written = yaml.safe_load(made.stdout)
    people = next(item for item in written["receivers"] if item["name"] == "people")
    assert len(people) - 1 == sum(
        name in environment for name in ("ALERT_WEBHOOK_URL", "ALERT_SLACK_URL", "ALERT_EMAIL_TO")
    )
    if "SMTP_PASSWORD" in environment:
        assert written["global"]["smtp_auth_password"] == environment["SMTP_PASSWORD"]


def test_mail_without_a_server_is_refused_with_what_to_do() -> None:
    refused = run("sh", START, "--print", ALERT_EMAIL_TO="on-call@example.com")
    assert (refused.returncode, "SMTP_HOST" in refused.stderr) == (2, True)


def test_alerts_that_are_inhibited_or_inhibit_exist() -> None:
    written = yaml.safe_load(run("sh", START, "--print").stdout)
    named = {
        name
        for rule in written["inhibit_rules"]
        for matcher in (*rule["source_matchers"], *rule["target_matchers"])
        for name in re.findall(r"Findata[A-Za-z0-9]+", matcher)
    }
    assert named - set(alerts()) == set()


def test_the_dashboards_are_current(tmp_path: Path) -> None:
    write(tmp_path)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert {
        path.name: path.read_text() for path in (DOCKER / "grafana" / "dashboards").glob("*.json")
    } == made
