"""What goes wrong in the simulated month, and when: each pathology by its name, switched on or off.

What belongs here: the catalogue, and the dates and instruments that the seed chooses for what happens once. What does
not: how an answer then looks (saying), and how the platform is killed (cuts).
Sources: the trial data's MANIFEST.md ("Seen in the data", and the odd things of each set), and what users of other
platforms have reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from tests.simulation.chance import chance
from tests.simulation.instruments import Instrument
from tests.simulation.truth import World

# name -> what it is. Sorted.
PATHOLOGIES: Mapping[str, str] = {
    "closing_bar": "after the close a flat bar with volume 0 at the close, on the same day only",
    "comes_and_goes": "one instrument is listed in the middle of the month, one is delisted, and then unknown",
    "cut_off": "the connection ends in the middle of a body",
    "daily_limit": "Alpha Vantage's 25 requests a day and one a second, refused with HTTP 200",
    "daily_provisional": "the day's own bar is revised overnight",
    "duplicates": "bars stand twice in an answer",
    "empty_at_first": "a session has no bars at first asking, and has them later",
    "empty_third": "a third of all instruments has no bars on one evening",
    "end_labels": "every second symbol's minutes at Alpha Vantage are stamped with their end",
    "html": "a page of HTML with status 200 in place of JSON",
    "late_bars": "some minutes of a session come hours later",
    "malformed": "JSON that ends in the middle, with the right length",
    "midnight_days": "Frankfurt's and Tokyo's days are stamped with the local midnight before them",
    "missed_runs": "on one day nothing runs",
    "null_bars": "minutes whose prices and volume are null",
    "outage": "nobody answers for two days",
    "power_cuts": "the platform ends in the middle of its work, at four points",
    "provisional": "the first three and, of New York's floor, the last fifteen minutes are revised overnight",
    "server_errors": "a status of 5xx now and then",
    "shifted": "one instrument's session comes an hour away from where it was",
    "sick_volumes": "one exchange's minute volumes are many times too high for some sessions, beside zeros",
    "slow": "an answer takes long",
    "thin_names": "of some names most minutes pass without a trade",
    "too_many": "429 at random, without Retry-After, with seconds and with a date in it",
    "unit_change": "one instrument's prices come in pounds instead of pence",
    "unknown_split": "one instrument's minutes come rescaled without a split",
    "unknown_symbol": "one instrument's symbol is unknown to Yahoo",
    "unsorted": "bars stand in no order",
    "untraded": "a thin name does not trade at all in one session",
    "window_edge": "a window that begins inside a session has volume 0 in its first bar",
}
REVISED_AFTER = timedelta(hours=8)  # overnight, after New York's close
LATE_BY = timedelta(hours=5)
# How long after their closes sessions' volumes are told sick. The provider's rule says that revisions are over a day
# after the close; it does not always keep it.
SICK_FOR = (timedelta(days=3), timedelta(hours=20), timedelta(hours=20))
BACKLOG_DAYS = 3
# Each on the evening of a session after which the one before is asked for again, so that there is known what an
# answer contradicts: what strikes a session's very first answer is seen by the units alone.
ONE_INSTRUMENT = (("unknown_split", "XNYS", -3), ("unit_change", "XLON", -2), ("shifted", "XNAS", -3))
DAY = timedelta(days=1)
NOON = timedelta(hours=12)


@dataclass(frozen=True)
class Mischief:
    """What is on, and when what happens once happens.

    `sick_until`: until when the sick sessions are told so, by their date. `odd_evening`: on which date's evening
    an instrument's answers are wrong, by the pathology: (instrument_id, date). `missed_day`: nobody runs anything.
    `intensity`: how much more often than in a large world strikes what strikes by chance. `met`: how often each did.
    """

    seed: int
    on: frozenset[str]
    empty_evening: date
    sick_mic: str
    sick_until: Mapping[date, datetime]
    missed_day: date
    outage: tuple[datetime, datetime]
    odd_evening: Mapping[str, tuple[str, date]]
    intensity: float = 1.0
    met: Counter[str] = field(default_factory=Counter)

    def happens(self, name: str, share: float, *names: object) -> bool:
        """Tell whether a pathology that strikes a share of all things strikes this one."""
        return self.strikes(name, chance(self.seed, name, *names) < share * self.intensity)

    def strikes(self, name: str, is_its_turn: bool = True) -> bool:
        """Tell whether a pathology strikes where it is its turn, and count it."""
        is_met = name in self.on and is_its_turn
        self.met[name] += is_met
        return is_met

    def is_down(self, now: datetime) -> bool:
        """Tell whether nobody answers."""
        return self.strikes("outage", self.outage[0] <= now < self.outage[1])

    def is_sick(self, mic: str, day: date, now: datetime) -> bool:
        """Tell whether the minute volumes of a session are told wrong now."""
        return self.strikes("sick_volumes", mic == self.sick_mic and now < self.sick_until.get(day, now))

    def is_odd_now(self, name: str, instrument_id: str, now: datetime) -> bool:
        """Tell whether an instrument's answers are wrong in this way now."""
        return self.strikes(name, self.odd_evening.get(name) == (instrument_id, evening_of(now)))


def evening_of(now: datetime) -> date:
    """Return the date whose evening it is until the next noon: asking for many instruments lasts past midnight."""
    return (now - NOON).date()


def plan_mischief(world: World, on: Collection[str]) -> Mischief:
    """Spread what happens once over the month."""
    unknown = sorted({*on} - PATHOLOGIES.keys())
    assert not unknown, f"no pathology is called {', '.join(unknown)}"
    days = running_days(world.days)
    down = datetime.combine(days[len(days) // 10], time(12), UTC)
    ill = [one for one in world.sessions_on("XNAS") if one.day >= days[int(0.45 * len(days))]]
    return Mischief(
        seed=world.seed,
        on=frozenset(on),
        empty_evening=days[int(0.4 * len(days))],
        missed_day=days[int(0.55 * len(days))],
        sick_mic="XNAS",
        sick_until={one.day: one.close_time + ill_for for one, ill_for in zip(ill, SICK_FOR, strict=False)},
        outage=(down, down + 2 * DAY),
        odd_evening=_odd_evenings(world, days),
        intensity=max(1.0, min(6.0, 60 / len(world.instruments))),
    )


def running_days(days: Sequence[date]) -> Sequence[date]:
    """Return the days on which the platform is there; what was before them it fetches at once."""
    return days[min(BACKLOG_DAYS, len(days) // 4) :]


def _odd_evenings(world: World, days: Sequence[date]) -> dict[str, tuple[str, date]]:
    """Give each of what strikes one instrument once its instrument and its day."""
    chosen: dict[str, tuple[str, date]] = {}
    for name, mic, place in ONE_INSTRUMENT:
        plain = [one.instrument_id for one in world.instruments if one.mic == mic and _is_plain(one)]
        if plain:
            chosen[name] = (plain[-1], days[place])
    return chosen


def _is_plain(one: Instrument) -> bool:
    return one.is_known and not one.is_thin and one.to_date is None and one.from_date is None
