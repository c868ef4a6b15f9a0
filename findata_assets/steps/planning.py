"""What a live source would be asked for, before anything is asked: requests, how long they take, what is out of reach.

What belongs here: counting. What is due, and in which windows it is asked for, is live.py's to say, so that a plan
is what the fetch then does.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from findata_assets.steps.expected import asked_capabilities, states_of
from findata_assets.steps.live import source_of_bars, windows_of
from findata_assets.steps.platform import Platform
from findata_core.errors import RefusedRequest
from findata_core.quotas import least_duration
from findata_resources.provider import Capability
from findata_resources.providers import limits_of


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
    source_of_bars(source)
    found = tuple(
        _interval(platform, source, capability, start, end) for capability in asked_capabilities(source)
    )
    _refuse_if_beyond(source, found)
    requests = sum(interval.requests for interval in found)
    limits = limits_of(source, platform.settings.request_limits)
    return Plan(found, least_duration(limits, requests))


def _refuse_if_beyond(source: str, found: tuple[PlannedInterval, ...]) -> None:
    """RefusedRequest where nothing is due, and something is wanted that the source no longer gives."""
    beyond = [line for line in found if line.sessions_beyond_wall]
    if beyond and not any(line.sessions for line in found):
        told = ", ".join(f"{line.sessions_beyond_wall} of {line.interval}" for line in beyond)
        raise RefusedRequest(
            f"All that is wanted of {source} lies beyond its wall: {told}",
            "Load older bars from recorded files (docs/providers/recorded.md), or name later sessions",
        )


def _interval(
    platform: Platform, source: str, capability: Capability, start: date, end: date
) -> PlannedInterval:
    states = states_of(platform, source, capability, start, end)
    due = states.filter("is_due")
    return PlannedInterval(
        capability.interval,
        due.get_column("instrument_id").n_unique(),
        due.height,
        len(list(windows_of(platform, capability, due))),
        states.filter(state="unobtainable").height,
        platform.clock.now() - capability.wall if capability.wall else None,
    )
