"""`python -m tests.simulation.fortnight` (`make fortnight`): a fortnight around Easter 2026, who is followed, who publishes what when, and what should have run.

What belongs here: a small world over real calendars, its providers with one outage, and the runs that those calendars
ask for, worked out from the world alone. What does not: the daemon (daemon), what must hold (test_fortnight).

Europe's clocks change on Sunday 29 March; Stockholm trades half a day on Thursday 2 April; Good Friday is a holiday
everywhere, Easter Monday in Europe. The same is asked of the small fortnight of `make test` and of the whole one.
"""

from __future__ import annotations

import argparse
import sys
import time as time_module
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import polars as pl
import pytest

from benchmarks.servers import temporary_home, temporary_servers
from findata_assets.alert_sensor import alerts
from findata_assets.automation import rate_schedules, session_schedules
from findata_assets.healing_sensor import healing
from findata_assets.sensors.due import due
from findata_assets.sensors.freshness import freshness
from findata_assets.sensors.quarantine import quarantine_waiting
from findata_assets.steps.alerting import listed
from findata_assets.steps.arrivals import late_now
from findata_assets.steps.platform import platform_at
from findata_core.quality.arrivals import SLOTS
from findata_resources.environment import Endpoints, Settings
from findata_resources.migrations.migrate import migrate
from findata_resources.stores.due import due_dates
from findata_resources.trading_days import trading_days
from tests.orchestration import Orchestrated, orchestrated
from tests.simulation.checks import row_differences, stored, truth_of
from tests.simulation.clock import SimulatedClock
from tests.simulation.daemon import SimulatedDaemon
from tests.simulation.instruments import Instrument, universe_file
from tests.simulation.mischief import plan_mischief
from tests.simulation.month import Month
from tests.simulation.opening import AS_DECLARED
from tests.simulation.service import SimulatedProviders
from tests.simulation.truth import World, make_world
from tests.standin import Answer

DAY = timedelta(days=1)
NEW_YORK = ZoneInfo("America/New_York")
GOOD_FRIDAY = date(2026, 4, 3)
# What goes wrong besides the outage: what makes asking again necessary at all.
ORDINARY = ("closing_bar", "daily_provisional", "outage", "provisional")
LISTED = {
    "XLON": Instrument("LONG.XLON", "XLON", "LONG.L"),
    "XNYS": Instrument("BIG.XNYS", "XNYS", "BIG"),
    "XSTO": Instrument("SNOW.XSTO", "XSTO", "SNOW.ST"),
}
RATES = ("bgcr", "effr", "obfr", "sofr", "tgcr")


@dataclass(frozen=True)
class Span:
    """Which days are simulated, both inclusive, which exchanges are followed, and when Yahoo is down.

    The world begins a weekday before: that session settles on the first day.
    """

    first: date
    last: date
    mics: tuple[str, ...]
    outage: tuple[datetime, datetime]
    look_every: timedelta = timedelta(hours=2)
    has_rates: bool = True

    @property
    def start(self) -> datetime:
        """When the daemon is started."""
        return datetime.combine(self.first, time(5), UTC)

    @property
    def end(self) -> datetime:
        """When it is looked at: the last day's sessions have been asked for."""
        return datetime.combine(self.last, time(23, 30), UTC)


WHOLE = Span(
    date(2026, 3, 26),
    date(2026, 4, 8),
    ("XLON", "XNYS", "XSTO"),
    (datetime(2026, 3, 31, 12, tzinfo=UTC), datetime(2026, 4, 1, 6, tzinfo=UTC)),
)
# Half a day, a holiday, a weekend, a holiday: four days and a half without a session, and an outage before them.
SMALL = Span(
    date(2026, 4, 2),
    date(2026, 4, 7),
    ("XSTO",),
    (datetime(2026, 4, 2, 10, 30, tzinfo=UTC), datetime(2026, 4, 2, 20, tzinfo=UTC)),
    look_every=timedelta(hours=6),
    has_rates=False,
)


class Publishers(SimulatedProviders):
    """The simulated Yahoo, and a New York Fed that publishes on the next business day at eight, or at nine."""

    def __init__(self, world: World, span: Span, clock: SimulatedClock) -> None:
        planned = plan_mischief(world, ORDINARY)
        super().__init__(world, replace(planned, outage=span.outage), clock)
        days = business_days(date(2026, 2, 2), date(2026, 4, 30))
        self.published: Mapping[date, date] = dict(pairwise(days))

    def _rates(self, rate_type: str, query: Mapping[str, str]) -> Answer:
        hour = 9 if rate_type in ("effr", "obfr") else 8
        self.nyfed_rates[rate_type] = [
            {
                "effectiveDate": str(day),
                "type": rate_type.upper(),
                "percentRate": 4.3,
                "volumeInBillions": 900,
                "revisionIndicator": "",
            }
            for day, out in self.published.items()
            if rate_type in RATES and self.clock.peek() >= datetime.combine(out, time(hour), NEW_YORK)
        ]
        return super()._rates(rate_type, query)


def business_days(first: date, last: date) -> list[date]:
    """Return the weekdays but for Presidents' Day and Good Friday: the only closures of those months."""
    days = [first + number * DAY for number in range((last - first).days + 1)]
    return [day for day in days if day.weekday() < 5 and day not in (date(2026, 2, 16), GOOD_FRIDAY)]


def world_of(span: Span) -> World:
    """Return what happens at the exchanges."""
    return make_world(1, [LISTED[mic] for mic in span.mics], _weekdays(span.first - 3 * DAY, span.last))


def settings_of(span: Span, providers: Publishers, folder: Path) -> Mapping[str, Any]:
    """Write the universe file into a folder, and return the settings that lead to the providers."""
    universe = folder / "universe.csv"
    universe.write_text(universe_file([LISTED[mic] for mic in span.mics]))
    return {
        **AS_DECLARED,
        "universe": universe,
        "calendar_start": span.first - 60 * DAY,
        "yahoo_base_url": providers.base_url,
        "nyfed_base_url": providers.base_url,
        "request_timeout_seconds": 5,
    }


def daemon_of(
    span: Span,
    orchestration: Orchestrated,
    clock: SimulatedClock,
    folder: Path,
    progress: Callable[[str], None] = lambda _: None,
) -> SimulatedDaemon:
    """Return a daemon on which everything that concerns this world is turned on."""
    closes = trading_days(span.mics, span.first - 60 * DAY, date(2026, 12, 31), folder).closes
    rates = rate_schedules if span.has_rates else []
    return SimulatedDaemon(
        orchestration,
        clock,
        [*session_schedules(closes), *rates],
        [healing, due, quarantine_waiting, freshness, alerts],
        span.look_every,
        progress=progress,
    )


def runs_expected(span: Span, world: World) -> set[str]:
    """Return the key of each run that the calendars ask for: two a session, four slots of rates a business day."""
    keys = set()
    for mic, day in world.sessions:
        if span.first <= day:
            keys.add(f"{mic.lower()}/{day}")
        if span.first <= day + DAY <= span.last:  # they settle on the day after, a Saturday too
            keys.add(f"{mic.lower()}/settled/{day}")
    slots = {"secured": ("08:15", "14:45"), "unsecured": ("09:15", "14:45")} if span.has_rates else {}
    for day in _weekdays(span.first, span.last):
        keys |= {f"{family}/{day}T{at}" for family, times in slots.items() for at in times}
    return keys


def live(
    span: Span,
    orchestration: Orchestrated,
    clock: SimulatedClock,
    folder: Path,
    progress: Callable[[str], None] = lambda _: None,
) -> Fortnight:
    """Live through the days; the daemon is another one from the middle on, as after a restart."""
    middle = span.start + (span.end - span.start) / 2
    before = daemon_of(span, orchestration, clock, folder, progress)
    before.live_until(middle)
    after = daemon_of(span, orchestration, clock, folder, progress)
    after.live_until(span.end)
    after.look()
    return Fortnight(span, orchestration, before.runs + after.runs, [*before.done, *after.done])


@dataclass
class Fortnight:
    """What became of the days: scheduled runs by key, and all runs in words."""

    span: Span
    orchestration: Orchestrated
    runs: Counter[str]
    done: list[str]


def findings(lived: Fortnight, providers: Publishers) -> Iterator[str]:
    """Yield what does not hold, in words."""
    expected = runs_expected(lived.span, providers.world)
    yield from (f"{key} did not run" for key in sorted(expected - lived.runs.keys()))
    yield from (f"{key} ran, and nobody expected it" for key in sorted(lived.runs.keys() - expected))
    yield from (f"{key} ran {count} times" for key, count in lived.runs.items() if count > 1)
    platform = lived.orchestration.platform
    yield from (f"late: {row}" for row in late_now(platform).iter_rows())
    yield from (f"due: {row}" for row in due_dates(platform.store.database).iter_rows())
    yield from (
        f"{name} says that something is late" for name, passed in checks_said(lived).items() if not passed[-1]
    )
    yield from (
        f"an alert is open: {alert.cause}"
        for alert in listed(platform)
        if alert.state != "resolved" and alert.severity == "error"
    )
    yield from _differences(lived, providers)


def checks_said(lived: Fortnight) -> dict[str, list[bool]]:
    """Return what each check of freshness said, oldest first."""
    said = {}
    for provider, slot in SLOTS:
        key = dg.AssetCheckKey(dg.AssetKey(["ops", "arrivals"]), f"{provider}_{slot}_is_fresh")
        records = lived.orchestration.instance.event_log_storage.get_asset_check_execution_history(
            key, limit=1000
        )
        evaluations = [record.event.dagster_event.asset_check_evaluation_data for record in reversed(records)]
        said[key.name] = [evaluation.passed for evaluation in evaluations]
    return said


def _differences(lived: Fortnight, providers: Publishers) -> Iterator[str]:
    """Compare the bars of sessions that have settled with the truth."""
    platform = lived.orchestration.platform
    month = Month(providers.world, providers.mischief, providers.clock, providers)
    for address, truth in truth_of(platform, month).items():
        settled = pl.col("session_date").is_between(lived.span.first, lived.span.last, closed="left")
        lacking, extra, other = row_differences(
            address, truth.filter(settled), stored(platform, address).filter(settled)
        )
        if lacking.height + extra.height + other.height:
            yield f"{address}: {lacking.height} rows lack, {extra.height} are too many, {other.height} differ"


def _weekdays(first: date, last: date) -> Sequence[date]:
    days = (first + number * DAY for number in range((last - first).days + 1))
    return [day for day in days if day.weekday() < 5]


def main(arguments: Sequence[str] | None = None) -> int:
    """Live through the fortnight on servers of its own; return the exit status: 1 if anything does not hold."""
    span = _span(arguments)
    started, clock = time_module.monotonic(), SimulatedClock(span.start)
    with (
        temporary_home() as home,
        pytest.MonkeyPatch.context() as patch,
        Publishers(world_of(span), span, clock) as providers,
        _servers(home, settings_of(span, providers, home)) as (settings, endpoints),
    ):
        patch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
        migrate(endpoints.database_url)
        platform = platform_at(settings, endpoints, clock)
        platform.sleep = clock.sleep
        with orchestrated(platform) as orchestration:
            lived = live(span, orchestration, clock, home, _say)
            wrong = list(findings(lived, providers))
            _report(lived)
        platform.close()
    _say(f"{time_module.monotonic() - started:.0f} seconds")
    for finding in wrong:
        _say(f"WRONG: {finding}")
    _say(
        f"{len(wrong)} findings"
        if wrong
        else "every run happened once, nothing is late, the bars are the truth"
    )
    return 1 if wrong else 0


def _span(arguments: Sequence[str] | None) -> Span:
    """Return the whole fortnight, or the part of it that the options name."""
    parser = argparse.ArgumentParser(prog="make fortnight", description=__doc__.splitlines()[0])
    parser.add_argument("--exchanges", nargs="+", choices=sorted(LISTED), default=WHOLE.mics)
    parser.add_argument("--first", type=date.fromisoformat, default=WHOLE.first)
    parser.add_argument("--last", type=date.fromisoformat, default=WHOLE.last)
    options = parser.parse_args(arguments)
    return replace(WHOLE, mics=tuple(options.exchanges), first=options.first, last=options.last)


def _servers(home: Path, told: Mapping[str, Any]) -> AbstractContextManager[tuple[Settings, Endpoints]]:
    return temporary_servers(home, first_session=told["calendar_start"], **told)


def _report(lived: Fortnight) -> None:
    _say(f"{len(lived.runs)} runs of schedules, {len(lived.done)} runs in all")
    for alert in listed(lived.orchestration.platform):
        _say(f"alert, {alert.state}, {alert.occurrences} times: {alert.cause}. Repair: {alert.cure}")
    for name, said in checks_said(lived).items():
        _say(
            f"{name}: judged {len(said)} times, {said.count(False)} times late, green at the end: {said[-1]}"
        )


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
