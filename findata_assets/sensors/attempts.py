"""Asking for a run of something once: not while one is under way, and again only after a pause.

What belongs here: which runs there were of a thing, told by a tag, and the key of the next one. What does not: what the
things are (the sensors).

The runs themselves are the memory: a daemon that dies between starting a run and keeping its cursor finds the run. The
instants are the platform's, so that a simulated clock passes them too.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg

THING = "findata/asked_for"  # tag: what a run is to do, as a hash
ASKED_TIME = "findata/asked_time"  # tag: when it was asked for, by the platform's clock
UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass(frozen=True)
class Attempt:
    """A run to ask for: its key, and the tags by which later looks find it. Without a key: why not, in `reason`."""

    run_key: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    reason: str = ""


def attempt(
    instance: dg.DagsterInstance, name: str, content: str, now: datetime, pause: timedelta
) -> Attempt:
    """Return the next attempt at a thing; `content` says which it is: the same content is the same thing.

    `pause`: how long to wait after an attempt before another one at the same thing.
    """
    thing = f"{name}/{hashlib.sha256(content.encode()).hexdigest()[:20]}"
    runs = instance.get_runs(dg.RunsFilter(tags={THING: thing}))
    if any(run.status in UNDER_WAY for run in runs):
        return Attempt(reason=f"{name}: a run is under way")
    last = max((datetime.fromisoformat(run.tags[ASKED_TIME]) for run in runs), default=None)
    if last is not None and now < last + pause:
        return Attempt(reason=f"{name}: asked at {last:%Y-%m-%d %H:%M} UTC, again after {last + pause:%H:%M}")
    return Attempt(f"{thing}/{len(runs) + 1}", ((THING, thing), (ASKED_TIME, now.isoformat())))


def is_under_way(instance: dg.DagsterInstance, job_name: str) -> bool:
    """Tell whether a run of a job is under way, whoever started it."""
    return bool(instance.get_runs(dg.RunsFilter(job_name=job_name, statuses=UNDER_WAY), limit=1))
