"""Faults other than kills: each runs tasks amid them, then once in peace, and returns the truth and what it must be.

What belongs here: provider, network, disk, a second run, clocks. What does not: kills (kills, dagster_kills, servers).
"""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.live import fetch_bars
from findata_assets.steps.platform import Platform, platform_at
from findata_core.errors import FindataError, StoreError
from findata_resources.environment import Endpoints, resolve_endpoints, settings_environment
from findata_resources.providers import yahoo
from tests.chaos.ground import Truth, ground, truth_of
from tests.chaos.kills import CONTEXT, LONGEST_SECONDS
from tests.chaos.market import Task, tasks
from tests.chaos.proxy import CUT, RESET, STALL, Fault, Proxy
from tests.chaos.worker import do, work
from tests.conftest import MakePlatform
from tests.standin import JSON_TYPE, UNAVAILABLE, Answer, StandIn, sample_bars

TASKS = 4
HUGE_BYTES = 20_000_000
EVENING = datetime(2022, 6, 14, 21, 0, tzinfo=UTC)  # an hour after New York's close
TUESDAY = date(2022, 6, 14)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Survived:
    """Which faults there were, what is held in the end, and what it must be."""

    faults: Counter[str]
    truth: Truth
    expected: Truth


@dataclass
class MovedClock:
    """A clock that a scenario moves, backwards too."""

    moment: datetime = EVENING

    def now(self) -> datetime:
        """Return the moment it was moved to."""
        return self.moment


# What a provider may answer in place of bars. Bodies of 200 are kept and quarantined as a whole.
BAD_ANSWERS: Mapping[str, Answer] = {
    "429": Answer(429, b"Edge: Too Many Requests", {"Content-Type": "text/plain"}),
    "500": Answer(500, b"Internal Server Error"),
    "503": UNAVAILABLE,
    "slow": Answer(200, b"{}", JSON_TYPE, delay_seconds=1.5),
    "cut off": Answer(200, b'{"chart": {"result": [{"meta": {}}]}}' * 20, JSON_TYPE, kept_bytes=50),
    "broken gzip": Answer(200, b"\x1f\x8b\x08\x00broken", {**JSON_TYPE, "Content-Encoding": "gzip"}),
    "html": Answer(
        200, b"<!DOCTYPE html><html><body>Please sign in</body></html>", {"Content-Type": "text/html"}
    ),
    "wrong schema": Answer(200, b'{"chart": {"result": [{"timestamp": "x", "meta": []}]}}', JSON_TYPE),
    "empty": Answer(200, b"", JSON_TYPE),
    "huge": Answer(200, b'{"chart": ' + b" " * HUGE_BYTES + b"}", JSON_TYPE),
}


def bad_answers(make: MakePlatform, chance: random.Random) -> Survived:
    """Every bad answer, in a random order, each to a whole round of requests; then a healthy round."""
    with market_of_yahoo() as standin:
        expected = _live(make, standin, lambda _platform, _clock: None)
        names = chance.sample(sorted(BAD_ANSWERS), len(BAD_ANSWERS))

        def rounds(platform: Platform, clock: MovedClock) -> None:
            for name in names:
                standin.script[:] = [BAD_ANSWERS[name]] * chance.randint(1, 4)
                _ask(platform, clock)
            standin.script.clear()

        return Survived(Counter(names), _live(make, standin, rounds), expected)


def clock_steps(make: MakePlatform, chance: random.Random) -> Survived:
    """Rounds of requests while the clock steps back and forth, by minutes and by weeks."""
    with market_of_yahoo() as standin:
        expected = _live(make, standin, lambda _platform, _clock: None)
        steps = [timedelta(minutes=chance.randint(-60 * 24 * 10, 60 * 24 * 10)) for _ in range(6)]
        steps += [timedelta(minutes=-5), timedelta(minutes=5)]

        def rounds(platform: Platform, clock: MovedClock) -> None:
            for step in steps:
                clock.moment = EVENING + step
                _ask(platform, clock)

        faults = Counter("back" if step < timedelta() else "forth" for step in steps)
        return Survived(faults, _live(make, standin, rounds), expected)


@contextmanager
def market_of_yahoo() -> Iterator[StandIn]:
    """Yield a stand-in that has both instruments."""
    with StandIn(now=EVENING) as standin:
        for symbol in ("AAPL", "MSFT"):
            for interval in ("1m", "1d"):
                standin.yahoo_bars[symbol, interval] = sample_bars("MSFT", interval)
        yield standin
    yahoo.forget_shared_state()


def _live(make: MakePlatform, standin: StandIn, rounds: Callable[[Platform, MovedClock], None]) -> Truth:
    yahoo.forget_shared_state()
    platform = ground(make, yahoo_base_url=standin.base_url, request_timeout_seconds=1)
    platform.clock = clock = MovedClock()
    rounds(platform, clock)
    clock.moment = EVENING + DAY  # past what an open breaker or a quota of a moved clock keeps back
    for _ in range(2):
        _ask(platform, clock)
    return truth_of(platform)


def _ask(platform: Platform, clock: MovedClock) -> None:
    with suppress(FindataError):  # told, and due again: that nothing is lost is what the truth says
        fetch_bars(platform, "yahoo", TUESDAY, TUESDAY + DAY)
    clock.moment += timedelta(minutes=10)
    run_due(platform)


def broken_connections(make: MakePlatform, chance: random.Random) -> Survived:
    """Connections to database and S3 that are reset, cut off or stalled while tasks are done."""
    platform, seen = ground(make), Counter[str]()

    def fault_of(server: str) -> Callable[[], Fault | None]:
        def next_fault() -> Fault | None:
            if chance.random() < 0.4:
                return None
            fault = Fault(chance.choice((RESET, CUT, STALL)), int(10 ** chance.uniform(2, 5.5)))
            seen[f"{server} {fault.kind}"] += 1
            return fault

        return next_fault

    ends = resolve_endpoints(platform.settings)
    database, objects = urlsplit(ends.database_url), urlsplit(ends.s3_endpoint)
    with (
        Proxy(database.hostname or "", database.port or 0, fault_of("database")) as to_database,
        Proxy(objects.hostname or "", objects.port or 0, fault_of("s3")) as to_objects,
    ):
        through = replace(
            ends,
            database_url=_at_port(ends.database_url, to_database.port),
            s3_endpoint=_at_port(ends.s3_endpoint, to_objects.port),
        )
        for task in tasks(TASKS):
            _through(platform, through, task)
    return _in_peace(make, platform, seen)


def _through(platform: Platform, through: Endpoints, task: Task) -> None:
    broken = platform_at(platform.settings, through)
    try:
        do(broken, task)
    except FindataError:
        pass  # anything else is a fault that nobody explains, and fails the campaign
    finally:
        broken.close()


def _at_port(url: str, port: int) -> str:
    parts = urlsplit(url)
    place = parts.netloc.rpartition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{place}:{port}"))


def _in_peace(make: MakePlatform, platform: Platform, faults: Counter[str]) -> Survived:
    """Do all tasks once more on the platform, and on a fresh one, and compare."""
    fresh = ground(make)
    for each in (platform, fresh):
        for task in tasks(TASKS):
            do(each, task)
    return Survived(faults, truth_of(platform), truth_of(fresh))


def two_at_once(make: MakePlatform, chance: random.Random) -> Survived:
    """Two workers on the same task at the same time, one of them killed at a random moment in every other task."""
    platform, seen = ground(make), Counter[str]()
    variables = settings_environment(platform.settings)
    for task in tasks(TASKS):
        pair = [CONTEXT.Process(target=work, args=(variables, task, "", 0, "")) for _ in range(2)]
        for process in pair:
            process.start()
        if task.number % 2:
            pair[0].join(chance.uniform(0.1, 1.0))
            pair[0].kill()
        for process in pair:
            process.join(LONGEST_SECONDS)
        assert pair[1].exitcode == 0, f"the second of two workers ended with {pair[1].exitcode}"
        seen["two, one killed" if pair[0].exitcode == -signal.SIGKILL else "two"] += 1
    return _in_peace(make, platform, seen)


def no_disk_of_ours(make: MakePlatform, chance: random.Random) -> Survived:
    """A worker that may not write a byte to a file: a session goes to the stores and nowhere else."""
    del chance
    platform, seen = ground(make), Counter[str]()
    variables = settings_environment(platform.settings)
    for task in tasks(TASKS):
        process = CONTEXT.Process(target=_without_files, args=(variables, task))
        process.start()
        process.join(LONGEST_SECONDS)
        assert process.exitcode == 0, f"without a file to write, a worker ended with {process.exitcode}"
        seen["file size limit 0"] += 1
    return _in_peace(make, platform, seen)


def _without_files(variables: Mapping[str, str], task: Task) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    work(variables, task, "", 0, "")


def full_disk(make: MakePlatform, chance: random.Random) -> Survived:
    """The database's disk is full in every other task, and has room again in the next."""
    platform, seen = ground(make), Counter[str]()
    with small_disk(platform) as folder:
        for task in tasks(TASKS):
            filler = folder / "filler"
            if task.number % 2:
                _fill(filler, chance.randrange(3) * 8_192)
            try:
                do(platform, task)
                seen["disk full, and enough for it" if filler.exists() else "disk with room"] += 1
            except StoreError as error:
                seen["disk full, told so" if "is full" in str(error) else f"told otherwise: {error}"] += 1
            filler.unlink(missing_ok=True)
        if not seen["disk full, told so"]:
            raise AssertionError(f"the disk was never full: {seen}")
        return _in_peace(make, platform, seen)


@contextmanager
def small_disk(platform: Platform) -> Iterator[Path]:
    """Yield a small file system that new chunks of bars and candles lie on; NoDisk where none may be mounted."""
    folder, name = Path(tempfile.mkdtemp(prefix="findata-small-")), f"small_{os.getpid()}"
    url, place = platform.store.database.url, folder / "space"
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m,mode=0777", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        folder.rmdir()
        raise NoDisk("nobody may mount a small file system here")
    try:
        place.mkdir()
        place.chmod(0o777)
        subprocess.run(["chown", "postgres", str(place)], capture_output=True, check=False)
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute(f"CREATE TABLESPACE {name} LOCATION '{place}'".encode())
            for table in ("market.bars", "market.candles"):
                owner.execute(f"ALTER TABLE {table} SET TABLESPACE {name}".encode())
        yield folder
    finally:
        platform.store.close()
        try:
            with psycopg.connect(url, autocommit=True) as owner:
                for table in ("market.bars", "market.candles"):
                    owner.execute(f"DROP TABLE {table} CASCADE".encode())
                owner.execute(f"DROP TABLESPACE IF EXISTS {name}".encode())
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
            folder.rmdir()


class NoDisk(Exception):
    """This machine lets nobody mount a file system."""


def _fill(path: Path, spared_bytes: int) -> None:
    """Fill the file system but for some pages."""
    free = os.statvfs(path.parent).f_bavail * os.statvfs(path.parent).f_frsize
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(free - spared_bytes, 1))


SCENARIOS: Mapping[str, Callable[[MakePlatform, random.Random], Survived]] = {
    "bad answers": bad_answers,
    "broken connections": broken_connections,
    "clock steps": clock_steps,
    "full disk": full_disk,
    "no disk of ours": no_disk_of_ours,
    "two at once": two_at_once,
}
