"""What a live source would be asked for, before anything is asked: requests, how long they take, what is out of reach.

What belongs here: counting. What is due, and in which windows it is asked for, is live.py's to say, so that a plan
is what the fetch then does.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import polars as pl

from findata_assets.steps.bar_sources import BAR_PROVIDERS
from findata_assets.steps.live import ASKED_INTERVALS, due_sessions, windows_of
from findata_assets.steps.platform import Platform
from findata_core.errors import ConfigurationError
from findata_core.quotas import least_duration
from findata_resources.provider import Capability
from findata_resources.providers import CAPABILITIES, limits_of


@dataclass(frozen=True)
class PlannedInterval:
    """What is due of one interval: instrument-sessions in reach, requests for them, and sessions beyond the wall."""

    interval: str
    instruments: int
    sessions: int
    requests: int
    sessions_beyond_wall: int
    wall_time: datetime | None


@dataclass(frozen=True)
class Plan:
    """What a source would be asked for, and how long its limits make that take at least."""

    intervals: tuple[PlannedInterval, ...]
    least_time: timedelta

    @property
    def requests(self) -> int:
        """All requests."""
        return sum(interval.requests for interval in self.intervals)


def plan(platform: Platform, source: str, start: date, end: date) -> Plan:
    """Plan the fetch of what is due of sessions in [start, end)."""
    if source not in BAR_PROVIDERS:
        raise ConfigurationError(
            f"No provider of bars is called {source}", f"Use one of {', '.join(BAR_PROVIDERS)}"
        )
    found = tuple(
        _interval(platform, source, capability, start, end)
        for capability in CAPABILITIES[source]
        if capability.interval in ASKED_INTERVALS
    )
    requests = sum(interval.requests for interval in found)
    limits = limits_of(source, platform.settings.request_limits)
    return Plan(found, least_duration(limits, requests))


def _interval(
    platform: Platform, source: str, capability: Capability, start: date, end: date
) -> PlannedInterval:
    due = due_sessions(platform, source, capability, start, end)
    wall = platform.clock.now() - capability.wall if capability.wall else None
    within = due.filter(pl.col("open_time") >= (wall or datetime.min.replace(tzinfo=UTC)))
    windows = list(windows_of(platform, capability, within))
    return PlannedInterval(
        capability.interval,
        within.get_column("instrument_id").n_unique(),
        within.height,
        len(windows),
        due.height - within.height,
        wall,
    )
