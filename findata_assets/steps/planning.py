"""What a live source would be asked for, before anything is asked: requests, how long they take, what is out of reach.

What belongs here: counting. What is due, and in which windows it is asked for, is live.py's to say, so that a plan
is what the fetch then does.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from findata_assets.steps.expected import asked_capabilities, states_of
from findata_assets.steps.live import source_of_bars, windows_of
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import reference_is_current
from findata_core.errors import ConfigurationError, RefusedRequest
from findata_core.quotas import earliest_end
from findata_resources.provider import Capability
from findata_resources.providers import limits_of
from findata_resources.stores import breakers, quotas


@dataclass(frozen=True)
class PlannedInterval:
    """What is wanted of one interval, in instrument-sessions: all, those due, and those that can't be had.

    `sessions`: due; `requests`: for them. `sessions_beyond_wall` were forgotten, `sessions_refused` refused twice.
    """

    interval: str
    instruments: int
    sessions_wanted: int
    sessions: int
    requests: int
    sessions_beyond_wall: int
    sessions_refused: int
    wall_time: datetime | None


@dataclass(frozen=True)
class Plan:
    """What a source would be asked for, and how long that takes at least.

    `least_time`: by its limits, what is used of them, and `rests_until`, before which it is left alone (null: no rest).
    """

    intervals: tuple[PlannedInterval, ...]
    least_time: timedelta
    rests_until: datetime | None

    @property
    def requests(self) -> int:
        """All requests."""
        return sum(interval.requests for interval in self.intervals)


def plan(platform: Platform, source: str, start: date, end: date) -> Plan:
    """Plan the fetch of what is due of sessions in [start, end).

    ConfigurationError: the universe file is not the one that was taken in last, by which a fetch would ask.
    RefusedRequest: nothing that is wanted can be had.
    """
    source_of_bars(source)
    if not reference_is_current(platform):
        raise ConfigurationError(
            f"The universe file {platform.settings.universe}, or a calendar, has not been taken in as it is now",
            "Run findata materialize, which takes it in and asks no provider; then plan",
        )
    found = tuple(
        _interval(platform, source, capability, start, end) for capability in asked_capabilities(source)
    )
    _refuse_if_out_of_reach(source, found)
    return _timed(platform, source, found)


def _timed(platform: Platform, source: str, found: tuple[PlannedInterval, ...]) -> Plan:
    """Return the plan with the time that its requests take at least, from now on."""
    now, database = platform.clock.now(), platform.store.database
    limits = limits_of(source, platform.settings.request_limits)
    key = getattr(source_of_bars(source)(platform.settings).provider, "key_id", "")
    rests = breakers.rests_until_as_told(database, source, now)
    spent = quotas.spent_of(database, source, key, limits)
    requests = sum(interval.requests for interval in found)
    return Plan(found, earliest_end(limits, spent, requests, rests or now) - now, rests)


def _refuse_if_out_of_reach(source: str, found: tuple[PlannedInterval, ...]) -> None:
    """RefusedRequest where something is wanted, and none of it is there or can be had."""
    wanted = sum(line.sessions_wanted for line in found)
    beyond = {line.interval: line.sessions_beyond_wall for line in found if line.sessions_beyond_wall}
    refused = {line.interval: line.sessions_refused for line in found if line.sessions_refused}
    if not wanted or sum(beyond.values()) + sum(refused.values()) < wanted:
        return
    if beyond:
        raise RefusedRequest(
            f"All that is wanted of {source} lies beyond its wall{' or was refused' * bool(refused)}: "
            f"{_counted(beyond)}",
            "Load older bars from recorded files (docs/providers/recorded.md), or name later sessions",
        )
    raise RefusedRequest(
        f"{source} has refused all that is wanted of it twice, a day apart: {_counted(refused)}",
        "See why in ops.fetches, and correct the symbol in the universe file",
    )


def _counted(sessions: dict[str, int]) -> str:
    return ", ".join(f"{count} of {interval}" for interval, count in sessions.items())


def _interval(
    platform: Platform, source: str, capability: Capability, start: date, end: date
) -> PlannedInterval:
    states = states_of(platform, source, capability, start, end)
    due, lost = states.filter("is_due"), states.filter(state="unobtainable")
    return PlannedInterval(
        capability.interval,
        due.get_column("instrument_id").n_unique(),
        states.height,
        due.height,
        len(list(windows_of(platform, capability, due))),
        lost.filter("is_beyond_wall").height,
        lost.filter(~lost.get_column("is_beyond_wall")).height,
        platform.clock.now() - capability.wall if capability.wall else None,
    )
