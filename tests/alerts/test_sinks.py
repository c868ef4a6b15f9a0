"""Sinks over real connections on loopback: taken, refused, slow, failing; a secret is in no reason."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from findata_core.alerts.wording import Message
from findata_core.errors import ConfigurationError
from findata_resources.alerting.sinks import SENDERS, SinkFailed, send
from findata_resources.environment import Settings, load_settings
from findata_resources.setting_values import SINKS
from tests.alerts.servers import MailServer, Webhook

NOW = datetime(2022, 6, 15, 21, 0, tzinfo=UTC)
SAID = Message(
    "0123abcd", "findata error: the disk is full", "Cause:  the disk is full\nRepair: findata materialize"
)


def settings(tmp_path: Path, sinks: str, **further: Any) -> Settings:
    return load_settings(
        home=tmp_path, alert_sinks=sinks, _env_file=None, **{"alert_timeout_seconds": 10, **further}
    )


def by_mail(tmp_path: Path, port: int, security: str = "none", **further: Any) -> Settings:
    return settings(
        tmp_path,
        "smtp",
        alert_smtp_host="127.0.0.1",
        alert_smtp_port=port,
        alert_smtp_security=security,
        alert_mail_from="findata@example.com",
        alert_mail_to="ann@example.com, bob@example.com",
        **further,
    )


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses, and that nobody else takes meanwhile: it is bound and does not listen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_the_catalogue_of_sinks_is_that_of_the_settings() -> None:
    assert tuple(SENDERS) == SINKS


def test_the_file_gets_a_line_and_the_same_message_no_second_one(tmp_path: Path) -> None:
    chosen = settings(tmp_path / "new", "file")
    send("file", chosen, SAID, NOW)
    send("file", chosen, SAID, NOW)
    (line,) = (tmp_path / "new" / "alerts.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "time": "2022-06-15T21:00:00+00:00",
        "id": "0123abcd",
        "subject": SAID.subject,
        "text": SAID.text,
    }


def test_a_file_that_cannot_be_written_is_a_failure_of_the_sink(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(SinkFailed, match="IsADirectoryError"):
        send("file", settings(tmp_path, "file", alert_file=tmp_path / "folder"), SAID, NOW)


def test_mail_arrives_with_an_id_that_stays(tmp_path: Path) -> None:
    with MailServer() as server:
        send("smtp", by_mail(tmp_path, server.port), SAID, NOW)
    (mail,) = server.mails
    assert mail["Subject"] == SAID.subject
    assert mail["Message-ID"] == "<0123abcd@findata.invalid>"
    assert mail.get_payload(decode=True).decode().replace("\r\n", "\n").strip() == SAID.text
    assert [word for word in server.words if word.startswith(b"rcpt")] == [
        b"rcpt TO:<ann@example.com>",
        b"rcpt TO:<bob@example.com>",
    ]


@pytest.mark.parametrize("answer", [b"550 no such mailbox", b"451 come back later", b"552 too much"])
def test_mail_that_the_server_refuses_is_a_failure(tmp_path: Path, answer: bytes) -> None:
    with MailServer(answer=answer) as server, pytest.raises(SinkFailed, match=answer.split()[0].decode()):
        send("smtp", by_mail(tmp_path, server.port), SAID, NOW)


def test_a_mail_server_that_is_slow_is_not_waited_for(tmp_path: Path) -> None:
    with MailServer(pause_seconds=600) as server, pytest.raises(SinkFailed, match="timed out"):
        send("smtp", by_mail(tmp_path, server.port, alert_timeout_seconds=0.3), SAID, NOW)


def test_a_mail_server_without_encryption_gets_nothing_where_it_is_asked_for(tmp_path: Path) -> None:
    login = {"alert_smtp_user": "ann", "alert_smtp_password": "hunter22"}
    with MailServer(offers=(b"AUTH PLAIN LOGIN",)) as server, pytest.raises(SinkFailed, match="STARTTLS"):
        send("smtp", by_mail(tmp_path, server.port, "starttls", **login), SAID, NOW)
    assert not any(word[:4].upper() in (b"AUTH", b"MAIL") for word in server.words)
    with MailServer() as server, pytest.raises(SinkFailed, match="SSL"):
        send("smtp", by_mail(tmp_path, server.port, "tls", **login), SAID, NOW)


def test_a_password_is_not_sent_in_the_open(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="in the open"):
        by_mail(tmp_path, 25, "none", alert_smtp_user="ann", alert_smtp_password="hunter22")


def test_nobody_at_the_address_is_a_failure(tmp_path: Path, closed_port: int) -> None:
    with pytest.raises(SinkFailed, match="ConnectionRefusedError"):
        send("smtp", by_mail(tmp_path, closed_port), SAID, NOW)
    hook = settings(tmp_path, "webhook", alert_webhook_url=f"http://127.0.0.1:{closed_port}/s3cr3tpath")
    with pytest.raises(SinkFailed, match="ConnectError") as failure:
        send("webhook", hook, SAID, NOW)
    assert "s3cr3tpath" not in str(failure.value)


def test_the_webhook_is_told_as_slack_takes_it(tmp_path: Path) -> None:
    with Webhook() as hook:
        send("webhook", settings(tmp_path, "webhook", alert_webhook_url=hook.url), SAID, NOW)
    assert hook.posted == [{"text": f"*{SAID.subject}*\n```\n{SAID.text}\n```"}]


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_a_webhook_that_fails_says_so_and_shows_no_secret(tmp_path: Path, status: int) -> None:
    with Webhook(status=status, body=b"no: token=abcdef123 of /hook/s3cr3tpath") as hook:
        chosen = settings(tmp_path, "webhook", alert_webhook_url=hook.url)
        with pytest.raises(SinkFailed, match=str(status)) as failure:
            send("webhook", chosen, SAID, NOW)
    assert "abcdef123" not in str(failure.value)
    assert failure.value.wait is None


def test_a_busy_webhook_is_left_alone_as_long_as_it_asks(tmp_path: Path) -> None:
    with Webhook(status=429, headers={"Retry-After": "300"}) as hook, pytest.raises(SinkFailed) as failure:
        send("webhook", settings(tmp_path, "webhook", alert_webhook_url=hook.url), SAID, NOW)
    assert failure.value.wait == timedelta(minutes=5)


def test_a_slow_webhook_is_not_waited_for(tmp_path: Path) -> None:
    with Webhook(pause_seconds=600) as hook:
        chosen = settings(tmp_path, "webhook", alert_webhook_url=hook.url, alert_timeout_seconds=0.3)
        with pytest.raises(SinkFailed, match="ReadTimeout"):
            send("webhook", chosen, SAID, NOW)


@pytest.mark.parametrize(
    ("sinks", "words"),
    [
        ("pigeon", "pigeon"),
        ("file,none", "none"),
        ("smtp", "FINDATA_ALERT_SMTP_HOST"),
        ("file,webhook", "FINDATA_ALERT_WEBHOOK_URL"),
    ],
)
def test_sinks_that_cannot_work_are_refused_when_settings_are_loaded(
    tmp_path: Path, sinks: str, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        settings(tmp_path, sinks)


def test_none_and_several_are_fine(tmp_path: Path) -> None:
    assert settings(tmp_path, "none").alert_sinks == "none"
    hook = settings(tmp_path, " webhook , file,file", alert_webhook_url="https://example.com/x")
    assert hook.alert_sinks == "file,webhook"
