"""The month: what an operator's schedules run day by day, over providers that misbehave and a machine that is killed.

What belongs here: when what runs, until nothing is left to ask for. What does not: the world and its providers (truth,
service), and what must hold at the end (checks).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import polars as pl
from psycopg import sql

from findata_assets.steps.asks import Ask
from findata_assets.steps.bar_sources import BAR_PROVIDERS
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.holding import held_payloads, hex_id, reject, release
from findata_assets.steps.live import fetch_bars
from findata_assets.steps.platform import Platform
from findata_assets.steps.requesting import Fetched, ask_all
from findata_assets.steps.sources import adopt_receipts, reference_is_current, refresh_reference
from findata_core.errors import FindataError
from findata_resources.providers import yahoo
from findata_resources.stores.due import due_dates
from tests.simulation.chance import generator
from tests.simulation.clock import SimulatedClock
from tests.simulation.cuts import POINTS, PowerCut
from tests.simulation.instruments import instruments
from tests.simulation.mischief import Mischief, plan_mischief, running_days
from tests.simulation.service import SimulatedProviders
from tests.simulation.truth import World, make_world

DAY = timedelta(days=1)
LAST_DAY = date(
    2025, 11, 28
)  # half a day in New York, after Thanksgiving; the clocks change there on 2 November
Slot = tuple[time, Sequence[str]]
# Hong Kong and Tokyo have closed, then all: what runs, and who is asked.
SLOTS: Sequence[Slot] = ((time(10, 30), ("yahoo",)), (time(22, 30), ("yahoo", "alphavantage")))
LONGEST_HEALING_DAYS = 14
MESSAGE_SHOWN = 60  # characters
MID_SESSION = time(17, 0, 20)  # New York trades

OpenPlatform = Callable[[SimulatedClock], Platform]
Progress = Callable[[str], None]


@dataclass
class Done:
    """What a month's runs did."""

    fetched: dict[str, Fetched] = field(default_factory=dict)
    runs: int = 0
    cuts: list[str] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)  # by instrument and rule
    released: Counter[tuple[str, str]] = field(default_factory=Counter)
    healing_days: int = 0
    is_at_fixed_point: bool = False


@dataclass
class Month:
    """The simulated month: its world, its providers, its clock."""

    world: World
    mischief: Mischief
    clock: SimulatedClock
    providers: SimulatedProviders

    @classmethod
    def of(cls, seed: int, count: int, sessions: int, on: Collection[str]) -> Month:
        """Make the month of some instruments that ends on LAST_DAY after so many weekdays."""
        days = weekdays(sessions)
        world = make_world(seed, instruments(seed, count, days, on), days)
        clock = SimulatedClock(datetime.combine(days[0], time(0), UTC))
        mischief = plan_mischief(world, on)
        mischief.strikes("thin_names", any(one.is_thin for one in world.instruments))
        mischief.strikes("unknown_symbol", not all(one.is_known for one in world.instruments))
        mischief.strikes("untraded", any(one.untraded_date for one in world.instruments))
        mischief.strikes("comes_and_goes", any(one.from_date or one.to_date for one in world.instruments))
        return cls(world, mischief, clock, SimulatedProviders(world, mischief, clock))


class Operator:
    """Whoever runs the platform: opens it, fetches what is due, runs what is due, opens it again after a cut."""

    def __init__(
        self,
        month: Month,
        open_platform: OpenPlatform,
        progress: Progress,
        slots: Sequence[Slot] = SLOTS,
    ) -> None:
        self.month, self.slots = month, slots
        self.done = Done()
        self._open, self._progress = open_platform, progress
        self._cuts = _planned_cuts(month.world.days) if "power_cuts" in month.mischief.on else {}
        self.platform = self._opened()

    def live_through(self) -> Done:
        """Run every day of the month and those after it, until nothing is asked for any more."""
        first, last = self.month.world.days[0], self.month.world.days[-1]
        day = running_days(self.month.world.days)[0]
        while day <= last + LONGEST_HEALING_DAYS * DAY and not self.done.is_at_fixed_point:
            self._one_day(first, day, is_over=day > last)
            self.done.healing_days = max(0, (day - last).days)
            day += DAY
        return self.done

    def _one_day(self, first: date, day: date, *, is_over: bool) -> None:
        if self.month.mischief.strikes("missed_runs", day == self.month.mischief.missed_day):
            return
        if day == self.month.world.days[-3]:
            self._ask_while_it_trades(day)
        asked, cuts = 0, len(self.done.cuts)
        for at, sources in self.slots:
            self.month.clock.forward_to(datetime.combine(day, at, UTC))
            asked += self._slot(first, day, sources)
        cut = "".join(f", power cut: {point}" for point in self.done.cuts[cuts:])
        self._progress(
            f"{day} {asked:>5} requests asked or left, {len(self.month.providers.seen):>6} seen{cut}"
        )
        self.done.is_at_fixed_point = is_over and asked == 0

    def _slot(self, first: date, day: date, sources: Sequence[str]) -> int:
        """Run what a schedule runs; return how many requests it made or left."""
        self.done.runs += 1
        point = self._cuts.pop(day, "") if "alphavantage" in sources else ""
        if point:
            POINTS[point](self.platform)
        try:
            return self._run(first, day, sources)
        except PowerCut:
            self.done.cuts.append(point)
            self.month.mischief.strikes("power_cuts")
            self.platform.close()  # as the kernel does for a process that is gone
            self.platform = self._opened()
            return 1

    def _run(self, first: date, day: date, sources: Sequence[str]) -> int:
        self.refresh()
        end = min(day, self.month.world.days[-1]) + DAY
        asked = sum(self.fetch(source, first, end) for source in sources)
        self.decide()
        self.work()
        return asked

    def refresh(self) -> None:
        """Adopt what a cut left behind, and bring the reference data up to date."""
        adopt_receipts(self.platform)
        if not reference_is_current(self.platform):
            refresh_reference(self.platform)

    def fetch(self, source: str, start: date, end: date) -> int:
        """Ask a source for what is due; return how many requests were made or left."""
        try:
            fetched = fetch_bars(self.platform, source, start, end)
        except FindataError as error:
            self.done.refusals[f"{source}: {error.message[:MESSAGE_SHOWN]}"] += 1
            return 1
        self.done.fetched[source] = self.done.fetched.get(source, Fetched()) + fetched
        return fetched.requests + fetched.not_asked

    def decide(self) -> None:
        """Reject what is held and wrong, release what is right, as somebody does who has looked into it."""
        held = held_payloads(self.platform).join(bodies(self.platform), on="payload_id").sort("payload_id")
        symbols = {one.instrument_id: one.symbol for one in self.month.world.instruments}
        columns = ("payload_id", "subject", "interval", "sha256", "rule")
        for number, subject, interval, sha256, rule in held.select(columns).iter_rows():
            is_wrong = (symbols[subject], interval, sha256) in self.month.providers.wrong
            (reject if is_wrong else release)(self.platform, [hex_id(number)], "the simulator knows")
            (self.done.rejected if is_wrong else self.done.released)[subject, rule] += 1

    def work(self) -> None:
        """Run what is due until nothing is."""
        while not due_dates(self.platform.store.database).is_empty():
            run_due(self.platform)
        self.platform.lake.publish(self.platform.store)

    def _ask_while_it_trades(self, day: date) -> None:
        """Ask for two instruments' last hour in the middle of their session, as somebody curious would."""
        self.month.clock.forward_to(datetime.combine(day, MID_SESSION, UTC))
        self.refresh()
        source = BAR_PROVIDERS["yahoo"](self.platform.settings)
        now = self.month.clock.peek()
        start, end = now.replace(second=0) - timedelta(hours=1), now.replace(second=0) + timedelta(minutes=1)
        curious = [one for one in self.month.world.instruments if one.mic == "XNAS" and one.is_known][:2]
        asks = [
            Ask(source.bars_request(one.instrument_id, one.symbol, "1m", start, end), start, end)
            for one in curious
        ]
        try:
            ask_all(self.platform, source.provider, asks)
        except FindataError as error:
            self.done.refusals[f"curious: {error.message[:MESSAGE_SHOWN]}"] += 1

    def _opened(self) -> Platform:
        """Open a platform of one's own, as a new process would."""
        yahoo.forget_shared_state()
        platform = self._open(self.month.clock)
        platform.sleep = self.month.clock.sleep
        platform.random = generator(self.month.world.seed, "pauses", self.done.runs).random
        return platform


def bodies(platform: Platform) -> pl.DataFrame:
    """Return payload_id and the hash of the body of each payload that is in the books."""
    return platform.store.database.frame(sql.SQL("SELECT payload_id, sha256 FROM ops.payloads"))


def weekdays(count: int) -> list[date]:
    """Return so many weekdays in order, the last of them LAST_DAY."""
    days = (LAST_DAY - number * DAY for number in range(2 * count + 7))
    return sorted([day for day in days if day.weekday() < 5][:count])


def _planned_cuts(days: Sequence[date]) -> dict[date, str]:
    """Spread the power cuts over the last days, each on an evening of its own."""
    late = [days[place] for place in (-5, -3, -2, -1)]
    return dict(zip(late, POINTS, strict=True))
