"""Who is told what, and when: one message a cause and window, never more than an hour holds, and "resolved" at the end.

What belongs here: the rules, over alerts as plain data. What does not: keeping them
(findata_resources/stores/alerts.py), sending (findata_resources/alerting), words (wording).

An alert is a cause (troubles.Trouble.alert_id) and a sink. Its first trouble is told at once, further ones together
after a window. What was well again before anybody heard of it is not told at all. A sink that fails is tried again,
later and later. All of it follows from what is kept: a restart neither forgets nor repeats.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from findata_core.alerts.troubles import (
    ERROR,
    FinishedRun,
    Scope,
    Trouble,
    cure_of,
    scope_of,
    troubles_of,
    well_of,
)

OPEN, RESOLVED = "open", "resolved"
MOST_RUNS_KEPT = 50  # ids by which a run that is looked at twice is known
MOST_SCOPES_KEPT = 400
HOUR = timedelta(hours=1)
FIRST_TRY_AGAIN, LAST_TRY_AGAIN = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True)
class Policy:
    """How much is told: messages an hour, the least severity, and `window` between two messages of one cause.

    Of a warning it is `warn_window`: a row that was refused fails its check in every run until somebody has looked.
    """

    window: timedelta = HOUR
    warn_window: timedelta = timedelta(days=1)
    most_per_hour: int = 20
    least_severity: str = "warn"


@dataclass(frozen=True)
class Alert:
    """A cause as one sink knows it. `scopes`: what is in trouble now; `told_*`: what the sink has been told."""

    alert_id: str
    sink: str
    kind: str
    severity: str
    cause: str
    next_step: str
    cure: str
    state: str
    scopes: tuple[str, ...]
    run_ids: tuple[str, ...]
    first_time: datetime
    last_time: datetime
    occurrences: int = 1
    told_occurrences: int = 0
    told_state: str | None = None
    told_times: tuple[str, ...] = ()
    failures_in_row: int = 0
    next_try_time: datetime | None = None
    last_error: str | None = None

    @property
    def told_time(self) -> datetime | None:
        """When the sink was last told of it."""
        return datetime.fromisoformat(self.told_times[-1]) if self.told_times else None


Alerts = dict[tuple[str, str], Alert]


def taken_in(alerts: Alerts, run: FinishedRun, sinks: Sequence[str]) -> Alerts:
    """Return the alerts after a run; a run that was taken in before changes nothing."""
    after = {key: _healed(alert, run) for key, alert in alerts.items()}
    for trouble in troubles_of(run):
        for sink in sinks:
            key = (trouble.alert_id, sink)
            after[key] = _struck(after.get(key), trouble, sink)
    return after


def messages(alerts: Iterable[Alert], now: datetime, policy: Policy) -> list[Alert]:
    """Return the alerts that sinks are to be told of now, errors first, then the oldest; as many as an hour holds."""
    due = [alert for alert in alerts if _is_due(alert, now, policy)]
    due.sort(key=lambda alert: (alert.severity != ERROR, alert.first_time, alert.alert_id, alert.sink))
    room = {alert.sink: policy.most_per_hour for alert in due}
    for alert in alerts:
        if alert.sink in room:
            room[alert.sink] -= sum(_is_recent(told, now) for told in alert.told_times)
    chosen = []
    for alert in due:
        if room[alert.sink] > 0:
            room[alert.sink] -= 1
            chosen.append(alert)
    return chosen


def waiting(alerts: Iterable[Alert], now: datetime, policy: Policy, sink: str) -> int:
    """Return how many messages of a sink are due, room or not."""
    return sum(alert.sink == sink and _is_due(alert, now, policy) for alert in alerts)


def told(alert: Alert, now: datetime) -> Alert:
    """Return the alert after its sink was told."""
    recent = [item for item in alert.told_times if _is_recent(item, now)]
    return replace(
        alert,
        told_occurrences=alert.occurrences,
        told_state=alert.state,
        told_times=(*recent, now.isoformat()),
        failures_in_row=0,
        next_try_time=None,
        last_error=None,
    )


def not_told(alert: Alert, now: datetime, reason: str, wait: timedelta | None = None) -> Alert:
    """Return the alert after its sink has failed: it is tried again after a minute, two, four... up to an hour."""
    doubled = FIRST_TRY_AGAIN * 2 ** min(alert.failures_in_row, 10)
    pause = max(min(doubled, LAST_TRY_AGAIN), min(wait or timedelta(), LAST_TRY_AGAIN))
    return replace(
        alert, failures_in_row=alert.failures_in_row + 1, next_try_time=now + pause, last_error=reason
    )


def _struck(alert: Alert | None, trouble: Trouble, sink: str) -> Alert:
    """Return an alert after a trouble of its cause; a resolved one begins anew."""
    if alert is None:
        alert = _new(trouble, sink)
    elif trouble.run_id in alert.run_ids and trouble.scope.text in (
        *alert.scopes,
        *_healed_by(alert, trouble),
    ):
        return alert
    elif alert.state == RESOLVED:
        alert = replace(
            _new(trouble, sink),
            told_state=alert.told_state,
            told_times=alert.told_times,
            run_ids=(*alert.run_ids, trouble.run_id)[-MOST_RUNS_KEPT:],
            failures_in_row=alert.failures_in_row,
            next_try_time=alert.next_try_time,
        )
    else:
        is_known_run = trouble.run_id in alert.run_ids
        alert = replace(
            alert,
            cause=trouble.cause,
            next_step=trouble.next_step,
            scopes=tuple(sorted({*alert.scopes, trouble.scope.text}))[:MOST_SCOPES_KEPT],
            run_ids=alert.run_ids if is_known_run else (*alert.run_ids, trouble.run_id)[-MOST_RUNS_KEPT:],
            last_time=max(alert.last_time, trouble.time),
            occurrences=alert.occurrences + (0 if is_known_run else 1),
        )
    return replace(alert, cure=cure_of(alert.kind, list(map(scope_of, alert.scopes)), trouble.folder))


def _healed_by(alert: Alert, trouble: Trouble) -> tuple[str, ...]:
    """A resolved alert has no scopes left: whatever a run it knows says again was known to it."""
    return (trouble.scope.text,) if alert.state == RESOLVED else ()


def _new(trouble: Trouble, sink: str) -> Alert:
    return Alert(
        trouble.alert_id,
        sink,
        trouble.kind,
        trouble.severity,
        trouble.cause,
        trouble.next_step,
        "",
        OPEN,
        (trouble.scope.text,),
        (trouble.run_id,),
        trouble.time,
        trouble.time,
    )


def _healed(alert: Alert, run: FinishedRun) -> Alert:
    """Return an alert without the scopes that a later run shows to be well."""
    if alert.state == RESOLVED or run.ended_time < alert.last_time or run.run_id in alert.run_ids:
        return alert
    well = list(well_of(run))
    left = tuple(text for text in alert.scopes if not _is_well(scope_of(text), well))
    if left == alert.scopes:
        return alert
    if left:
        return replace(alert, scopes=left, cure=cure_of(alert.kind, list(map(scope_of, left))))
    return replace(alert, scopes=(), state=RESOLVED, last_time=run.ended_time)


def _is_well(scope: Scope, well: Sequence[Scope]) -> bool:
    return any(item.covers(scope) for item in well)


def _is_due(alert: Alert, now: datetime, policy: Policy) -> bool:
    if policy.least_severity == ERROR and alert.severity != ERROR:
        return False
    if alert.next_try_time is not None and alert.next_try_time > now:
        return False
    if alert.state == RESOLVED:
        was_tried = alert.told_state is None and alert.failures_in_row > 0
        return alert.told_state == OPEN or was_tried
    window = policy.window if alert.severity == ERROR else max(policy.window, policy.warn_window)
    has_passed = alert.told_time is None or now - alert.told_time >= window
    has_more = alert.told_state != OPEN or alert.occurrences > alert.told_occurrences
    return has_more and has_passed


def _is_recent(told_time: str, now: datetime) -> bool:
    return now - datetime.fromisoformat(told_time) < HOUR
