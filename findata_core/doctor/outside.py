"""Rules about what findata depends on outside: keys, providers that rest, requests used up, calendars that end.

What belongs here: judging. What does not: asking anybody (a doctor makes no request to a provider).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from findata_core.doctor.findings import Finding, ok, some, spell, warn, wrong

# Ours: `findata materialize` receives a new snapshot twice a year and has at least half a year ahead; below this
# nothing has asked for one for a long time, and the sessions of two months on have no place.
CALENDAR_NOTED = timedelta(days=60)
QUOTA_NOTED = 0.9

# provider -> how its keys look, and in words. FRED: "32 character alpha-numeric lower-cased string"
# (https://fred.stlouisfed.org/docs/api/api_key.html). Alpha Vantage says nothing; those it gives out look so.
KEY_SHAPES: Mapping[str, tuple[re.Pattern[str], str]] = {
    "alphavantage": (re.compile(r"[A-Z0-9]{10,20}"), "capital letters and digits, mostly 16"),
    "fred": (re.compile(r"[a-z0-9]{32}"), "32 small letters and digits"),
}


@dataclass(frozen=True)
class Calendar:
    """An exchange's calendar in the database: its last session, and the library that said it."""

    mic: str
    last_date: date
    version: str


@dataclass(frozen=True)
class Quota:
    """What is spent of a limit until `end_time`."""

    provider: str
    window: str
    used: int
    limit: int
    end_time: datetime


@dataclass(frozen=True)
class Resting:
    """A provider that has failed; `until`: when it is asked again, None while it is not left alone."""

    provider: str
    failures_in_row: int
    until: datetime | None


def key_finding(provider: str, variable: str, key: str | None) -> Finding:
    """Judge a provider's key by its look; it is never said."""
    if key is None:
        return ok("keys", provider, f"{variable} is not set: it is asked for nothing")
    pattern, words = KEY_SHAPES[provider]
    if key != key.strip() or key[:1] in "\"'":
        return wrong("keys", provider, "the key has spaces or quotes around it", f"correct {variable}")
    if not pattern.fullmatch(key):
        said = f"the key of {len(key)} characters does not look like one ({words})"
        return warn("keys", provider, said, f"compare {variable} with what {provider} has given you")
    return ok("keys", provider, "set, and looks like one")


def setting_findings(contradictions: Iterable[str], unknown: Iterable[str]) -> list[Finding]:
    """Judge the settings: what contradicts, and variables that look like settings and are none."""
    found = [
        wrong(
            "settings",
            "contradiction",
            said,
            "correct it in the environment or .env; findata config shows all",
        )
        for said in contradictions
    ]
    found += [
        warn(
            "settings", name, "is no setting: it changes nothing", "compare it with .env.example, or unset it"
        )
        for name in sorted(unknown)
    ]
    return found or [ok("settings", "settings", "none contradicts another")]


def calendar_findings(
    calendars: Iterable[Calendar], followed: Iterable[str], version: str, today: date
) -> list[Finding]:
    """Judge how far the calendars reach, and whether the library says something newer."""
    known = {item.mic: item for item in calendars}
    found, enough = [], []
    for mic, item in sorted(known.items()):
        left = item.last_date - today
        said = f"it ends on {item.last_date}, in {left.days} days"
        if left < timedelta(0):
            found.append(wrong("calendars", mic, f"it ended on {item.last_date}", "findata materialize"))
        elif left < CALENDAR_NOTED:
            found.append(warn("calendars", mic, said, "findata materialize"))
        else:
            enough.append(item)
    if lacking := sorted(set(followed) - known.keys()):
        said = f"followed, and no calendar was received: {some(lacking)}"
        found.append(warn("calendars", "exchanges", said, "findata materialize"))
    if enough:
        first = min(enough, key=lambda item: item.last_date)
        days = (first.last_date - today).days
        found.append(
            ok(
                "calendars",
                "horizon",
                f"{len(enough)} calendars, the first ends in {days} days ({first.mic})",
            )
        )
    found.append(_library_finding({item.version for item in known.values()}, version))
    return found


def provider_findings(resting: Iterable[Resting], quotas: Iterable[Quota], now: datetime) -> list[Finding]:
    """Judge who is left alone, and of whose requests little is left."""
    found = []
    for item in resting:
        if item.until is not None:
            failures = f"{item.failures_in_row} failure{'s in a row' if item.failures_in_row > 1 else ''}"
            said = f"left alone until {item.until:%H:%M:%SZ} after {failures}"
            found.append(
                warn(
                    "providers", item.provider, said, "wait until then; see ops.fetches for what it answered"
                )
            )
    for quota in quotas:
        if quota.window != "day" or quota.end_time <= now or quota.used < quota.limit * QUOTA_NOTED:
            continue
        said = f"{quota.used} of {quota.limit} requests of the day are used"
        next_step = f"wait {spell(quota.end_time - now)}, or raise FINDATA_REQUEST_LIMITS if your contract allows more"
        found.append(warn("providers", quota.provider, said, next_step))
    return found or [
        ok("providers", "limits and breakers", "nobody is left alone, nothing is nearly used up")
    ]


def _library_finding(stored: set[str], version: str) -> Finding:
    if not stored or stored == {version}:
        return ok("versions", "calendar library", version)
    older = some(sorted(stored - {version}))
    next_step = (
        "findata materialize receives what it says now; findata calendars --changes shows what that moves"
    )
    return warn("versions", "calendar library", f"{version}; calendars are of {older}", next_step)
