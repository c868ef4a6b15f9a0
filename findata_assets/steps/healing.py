"""Whether a source is to be asked again, by itself: what is due, until when it rests, and when nothing is left.

What belongs here: looking. What does not: asking (live), starting runs (findata_assets/healing_sensor.py).
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from findata_assets.steps.expected import followed_states
from findata_assets.steps.live import source_of_bars
from findata_assets.steps.platform import Platform
from findata_core.quality.states import STATES
from findata_resources.providers import limits_of
from findata_resources.stores import breakers, quotas


@dataclass(frozen=True)
class Health:
    """What a source is still to be asked for: sessions due, their `days`, sorted, and how soon one is forgotten.

    `counts`: sessions by state. `rests_until`: the source is left alone until then, or its limit is used up.
    """

    is_followed: bool = False
    due: int = 0
    days: tuple[date, ...] = ()
    expires_time: datetime | None = None
    rests_until: datetime | None = None
    counts: dict[str, int] = field(default_factory=dict)

    def in_words(self) -> str:
        """Return it as one line."""
        if not self.is_followed:
            return "was never asked: findata materialize --source asks for the first time"
        counted = ", ".join(
            f"{count:,} {state.replace('_', ' ')}" for state, count in self.counts.items() if count
        )
        if self.due and self.rests_until is not None:
            return f"{self.due:,} sessions are due; left alone until {self.rests_until:%Y-%m-%d %H:%M} UTC ({counted})"
        return f"{self.due:,} sessions are due ({counted})" if self.due else f"nothing is due ({counted})"


def health_of(platform: Platform, source: str) -> Health:
    """Look at everything that a source should hold since it was first asked."""
    states = followed_states(platform, source)
    if states.is_empty():
        return Health()
    due = states.filter("is_due")
    counts = dict(states.group_by("state").len().iter_rows())
    days = tuple(due.get_column("session_date").unique().sort())
    forgotten = due.get_column("expires_time").drop_nulls().min()
    assert isinstance(forgotten, datetime | None)
    rests = _rests_until(platform, source) if due.height else None
    ordered = {state: counts.get(state, 0) for state in STATES}
    return Health(True, due.height, days, forgotten, rests, ordered)


def _rests_until(platform: Platform, source: str) -> datetime | None:
    """Return until when nothing comes of asking: the source is down, or its limit leaves no request for now."""
    now, database = platform.clock.now(), platform.store.database
    provider = source_of_bars(source)(platform.settings).provider
    limits = limits_of(source, platform.settings.request_limits)
    free = quotas.free_from(database, source, getattr(provider, "key_id", ""), limits, now)
    waits = [breakers.rests_until_as_told(database, source, now)]
    if free - now > timedelta(seconds=platform.settings.longest_wait_seconds):
        waits.append(free)
    return max((until for until in waits if until is not None), default=None)
