"""Alerts: finished runs are taken in, and sinks are told of what they show. A sink that fails fails nothing else.

What belongs here: the order of things under the book's lock. What does not: rules (findata_core.alerts), sending
(findata_resources.alerting), where finished runs come from (findata_assets/alert_sensor.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from findata_assets.steps.platform import Platform
from findata_core.alerts.ledger import Alert, Alerts, Policy, messages, not_told, taken_in, told, waiting
from findata_core.alerts.scrubbing import scrub
from findata_core.alerts.troubles import FinishedRun
from findata_core.alerts.wording import Message, message
from findata_resources.alerting.sinks import SinkFailed, send
from findata_resources.environment import Settings, secrets_of
from findata_resources.stores import alerts as book


@dataclass(frozen=True)
class Told:
    """What a look has done: runs taken in, messages that sinks took, and why others did not."""

    runs: int
    sent: int
    failures: tuple[str, ...] = ()


def sinks_of(settings: Settings) -> tuple[str, ...]:
    """Return the sinks that the settings name."""
    return () if settings.alert_sinks == "none" else tuple(settings.alert_sinks.split(","))


def policy_of(settings: Settings) -> Policy:
    """Return how much is told."""
    return Policy(
        window=timedelta(minutes=settings.alert_window_minutes),
        most_per_hour=settings.alert_most_per_hour,
        least_severity=settings.alert_least_severity,
    )


def take_in_and_tell(platform: Platform, runs: Iterable[FinishedRun]) -> Told:
    """Take in runs in the order in which they ended, then tell what is due; runs known already change nothing."""
    database, sinks = platform.store.database, sinks_of(platform.settings)
    if not sinks:
        return Told(0, 0)
    finished = sorted(runs, key=lambda run: (run.ended_time, run.run_id))
    with book.lock(database):
        before = book.known(database)
        after = before
        for run in finished:
            after = taken_in(after, _scrubbed(run, platform.settings), sinks)
        book.write(database, (alert for key, alert in after.items() if alert != before.get(key)))
        sent, failures = _tell(platform, after, sinks)
    return Told(len(finished), sent, tuple(failures))


def listed(platform: Platform) -> list[Alert]:
    """Return all alerts, open ones first, the last one first."""
    known = book.known(platform.store.database).values()
    return sorted(known, key=lambda alert: (alert.state != "open", -alert.last_time.timestamp(), alert.sink))


def try_sinks(platform: Platform) -> dict[str, str]:
    """Send a message that says it is a trial to each sink; return sink -> what went wrong, "" where nothing did."""
    moment = platform.clock.now()
    trial = Message(f"trial-{moment:%Y%m%dT%H%M%S%f}", "findata trial", "This is a trial. Nothing is wrong.")
    outcome = {}
    for sink in sinks_of(platform.settings):
        try:
            send(sink, platform.settings, trial, moment)
            outcome[sink] = ""
        except SinkFailed as error:
            outcome[sink] = error.message
    return outcome


def _tell(platform: Platform, alerts: Alerts, sinks: Sequence[str]) -> tuple[int, list[str]]:
    """Send what is due and write down what became of each; after a sink's first failure it is left alone this time."""
    settings, policy = platform.settings, policy_of(platform.settings)
    now = platform.clock.now()
    mine = [alert for alert in alerts.values() if alert.sink in sinks]
    chosen = messages(mine, now, policy)
    left = {sink: waiting(mine, now, policy, sink) for sink in sinks}
    sent, failures, failed = 0, [], set()
    for alert in chosen:
        if alert.sink in failed:
            continue
        rest = left[alert.sink] - sum(item.sink == alert.sink for item in chosen)
        is_last = alert is [item for item in chosen if item.sink == alert.sink][-1]
        said = message(alert, rest if is_last else 0, secrets_of(settings))
        try:
            send(alert.sink, settings, said, now)
        except SinkFailed as error:
            failed.add(alert.sink)
            failures.append(error.message)
            book.write(platform.store.database, [not_told(alert, now, error.message, error.wait)])
            continue
        sent += 1
        book.write(platform.store.database, [told(alert, now)])
    return sent, failures


def _scrubbed(run: FinishedRun, settings: Settings) -> FinishedRun:
    """Return a run without secrets: what is kept in the book may be shown to anybody."""
    secrets = secrets_of(settings)
    return replace(
        run,
        failed=[
            replace(step, cause=scrub(step.cause, secrets), next_step=scrub(step.next_step, secrets))
            for step in run.failed
        ],
        checks=[replace(check, words=scrub(check.words, secrets)) for check in run.checks],
        folder=scrub(run.folder, secrets),
    )
