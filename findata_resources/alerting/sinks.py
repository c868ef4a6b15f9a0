"""Giving a message to a sink: the file under the home, a mail server, a webhook. What fails says why, and is no secret.

What belongs here: one try of one message. What does not: whether and when it is tried again
(findata_core.alerts.ledger), what it says (wording).
"""

from __future__ import annotations

import json
import os
import smtplib
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import httpx

from findata_core.alerts.scrubbing import scrub
from findata_core.alerts.wording import Message
from findata_core.errors import FindataError
from findata_resources.environment import Settings, secrets_of

MOST_REASON = 200
SHORT_ANSWER = 100


class SinkFailed(FindataError):
    """A sink did not take a message. `wait`: how long it asks to be left alone, None where it does not say."""

    def __init__(self, message: str, next_step: str, wait: timedelta | None = None) -> None:
        super().__init__(message, next_step)
        self.wait = wait


def send(sink: str, settings: Settings, message: Message, moment: datetime) -> None:
    """Give a message to a sink, whose settings were checked when they were loaded. SinkFailed: it was not taken."""
    try:
        SENDERS[sink](settings, message, moment)
    except (OSError, smtplib.SMTPException, httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise SinkFailed(
            f"The sink {sink} did not take an alert: {scrub(reason, secrets_of(settings))[:MOST_REASON]}",
            "Look at FINDATA_ALERT_... with findata config; it is tried again by itself",
        ) from None  # the error may hold the address with its secret


def alert_file(settings: Settings) -> Path:
    """Return the file that alerts are appended to."""
    return settings.alert_file or settings.home / "alerts.jsonl"


def _to_file(settings: Settings, message: Message, moment: datetime) -> None:
    """Append a line; one that is there already, from before a kill, is not written again."""
    path = alert_file(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    line = {
        "time": moment.isoformat(),
        "id": message.message_id,
        "subject": message.subject,
        "text": message.text,
    }
    with path.open("a+", encoding="utf-8") as file:
        file.seek(0)
        if any(f'"id": "{message.message_id}"' in known for known in file):
            return
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _to_mail(settings: Settings, message: Message, moment: datetime) -> None:
    mail = EmailMessage()
    mail["Subject"] = message.subject
    mail["From"] = settings.alert_mail_from
    mail["To"] = settings.alert_mail_to
    mail["Date"] = format_datetime(moment)
    # The same if it is sent again: programs that read mail show one.
    mail["Message-ID"] = f"<{message.message_id}@findata.invalid>"
    mail.set_content(message.text)
    with _mail_server(settings) as server:
        if settings.alert_smtp_security == "starttls":
            server.starttls(context=ssl.create_default_context())
        if settings.alert_smtp_user and settings.alert_smtp_password:
            server.login(settings.alert_smtp_user, settings.alert_smtp_password.get_secret_value())
        server.send_message(mail)


def _mail_server(settings: Settings) -> smtplib.SMTP:
    host, port = settings.alert_smtp_host or "", settings.alert_smtp_port
    timeout = settings.alert_timeout_seconds
    if settings.alert_smtp_security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=timeout, context=ssl.create_default_context())
    return smtplib.SMTP(host, port, timeout=timeout)


def _to_webhook(settings: Settings, message: Message, moment: datetime) -> None:
    del moment
    assert settings.alert_webhook_url is not None
    body = {"text": f"*{message.subject}*\n```\n{message.text.replace('```', '')}\n```"}
    answer = httpx.post(
        settings.alert_webhook_url.get_secret_value(), json=body, timeout=settings.alert_timeout_seconds
    )
    if not answer.is_success:
        said = scrub(answer.text, secrets_of(settings)).strip()[:SHORT_ANSWER]
        raise SinkFailed(
            f"The sink webhook answered {answer.status_code}: {said or 'nothing'}",
            "Look at FINDATA_ALERT_WEBHOOK_URL; it is tried again by itself",
            _asked_to_wait(answer.headers),
        )


def _asked_to_wait(headers: Mapping[str, str]) -> timedelta | None:
    seconds = headers.get("retry-after", "")
    return timedelta(seconds=int(seconds)) if seconds.isdecimal() and len(seconds) < 7 else None


# Sorted; the names are those of FINDATA_ALERT_SINKS.
SENDERS: Mapping[str, Callable[[Settings, Message, datetime], None]] = {
    "file": _to_file,
    "smtp": _to_mail,
    "webhook": _to_webhook,
}
