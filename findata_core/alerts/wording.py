"""How an alert is said: a subject, and a few lines with the cause, the scope and the command that mends it.

What belongs here: words. What does not: sending them, deciding when.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from findata_core.alerts.ledger import RESOLVED, Alert
from findata_core.alerts.scrubbing import scrub
from findata_core.alerts.troubles import CHECK_FAILED, Scope, scope_of

MOST_NAMED = 8
LONGEST_SUBJECT = 120


@dataclass(frozen=True)
class Message:
    """What a sink is given. `message_id` is the same if it is sent again because nobody knows whether it came."""

    message_id: str
    subject: str
    text: str


def message(alert: Alert, more_waiting: int = 0, secrets: Iterable[str] = ()) -> Message:
    """Return the message of an alert as it stands, without any secret."""
    known = list(secrets)
    subject = scrub(" ".join(_subject(alert).split()), known)
    text = scrub("\n".join(_lines(alert, more_waiting)), known)
    return Message(_message_id(alert), subject[:LONGEST_SUBJECT], text)


def _subject(alert: Alert) -> str:
    if alert.state == RESOLVED:
        return f"findata resolved: {alert.cause}"
    times = f" ({alert.occurrences} times)" if alert.occurrences > 1 else ""
    return f"findata {alert.severity}{times}: {alert.cause}"


def _lines(alert: Alert, more_waiting: int) -> Iterable[str]:
    if alert.state == RESOLVED:
        yield f"Resolved at {alert.last_time:%Y-%m-%d %H:%M} UTC: {alert.cause}"
        since = f"{alert.first_time:%Y-%m-%d %H:%M} UTC"
        yield f"It happened {_times(alert.occurrences)} since {since}. Nothing is left to do."
    else:
        what = "Check" if alert.kind == CHECK_FAILED else "Run"
        yield f"{what} failed {_times(alert.occurrences)}, last at {alert.last_time:%Y-%m-%d %H:%M} UTC."
        yield f"Cause:  {alert.cause}"
        if alert.next_step:
            yield f"Next:   {alert.next_step}"
        yield f"Scope:  {_scopes([scope_of(text) for text in alert.scopes])}"
        yield f"Repair: {alert.cure}"
        yield f"Run:    {alert.run_ids[-1]}"
    if more_waiting > 0:
        yield f"{more_waiting} more alerts wait, so as not to flood you: findata alerts"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _scopes(scopes: list[Scope]) -> str:
    """Return tables with their days: market.candles 2022-06-01..2022-06-03."""
    said = [f"{scope.name} {_days(scope)}".strip() for scope in scopes]
    rest = len(said) - MOST_NAMED
    return ", ".join(said[:MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _days(scope: Scope) -> str:
    return scope.first if scope.first == scope.last else f"{scope.first}..{scope.last}"


def _message_id(alert: Alert) -> str:
    told = (
        f"{alert.alert_id}/{alert.sink}/{alert.state}/{alert.first_time.isoformat()}/{alert.told_occurrences}"
    )
    return hashlib.sha256(told.encode()).hexdigest()[:24]
