"""Serving a session of minutes over HTTP: findata against a raw asyncpg loop, and against an endpoint over an ORM.

What belongs here: the sides, the proof that they give the same, the ratios. What does not: servers, callers (readers).

The raw loop is the limit: one connection, one prepared statement, each column as one array, no HTTP, nothing written.
Both endpoints are asked over HTTP on the loopback by one caller who waits for each answer. Cold: every question is one
that the server has not been asked before. Settled: it has, and the session is over.
"""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from itertools import cycle, islice
from typing import Any

import asyncpg
import orjson
import uvloop

from benchmarks.measuring import Line, seconds_of
from benchmarks.readers import BARS, Caller, Market, bounds, market, server

# As issues put them: rates; a line holds seconds against seconds, whose limit is the inverse.
TARGET_COLD, TARGET_SETTLED, TARGET_ORM = 1 / 0.6, 1 / 3, 1 / 10
CALLERS = 16
COLUMNS = [name for name in BARS.column_names if name not in {"instrument_id", "interval"}]


def run(instruments: int = 20, sessions: int = 20, repeats: int = 7, questions: int = 100) -> list[Line]:
    """Measure on servers of its own; medians of the turns' own ratios."""
    with market(instruments, sessions) as asked, sides_of(asked) as sides:
        sides.prove()
        turns = [sides.turn(questions, number) for number in range(repeats + 1)][1:]
        together = sides.together(questions)
    return [*_lines(turns, questions), *together]


@dataclass
class Sides:
    """What is compared, connected. `asked`: how many questions were asked; none is asked twice when cold."""

    market: Market
    findata: int
    orm: int
    raw: RawLoop
    callers: dict[str, Caller]
    asked: int = 0
    _pairs: Iterator[tuple[str, date]] = field(init=False)

    def __post_init__(self) -> None:
        pairs = [(name, day) for day in self.market.sessions for name in self.market.instruments]
        self._pairs = cycle(pairs)

    def turn(self, questions: int, number: int) -> dict[str, float]:
        """Return seconds a question of each side; who begins alternates."""
        pairs = list(islice(self._pairs, questions))
        fresh = [self._path(pair) for pair in pairs]
        settled = [self._path(pairs[0])] * questions
        for _ in range(3):  # the third time it is kept
            self.callers["findata"].get(settled[0])
        few = [_orm_path(pair) for pair in pairs[: max(questions // 10, 1)]]
        sides: list[tuple[str, Callable[[], object], int]] = [
            ("raw", lambda: self.raw.ask(pairs), len(pairs)),
            ("cold", lambda: _ask(self.callers["findata"], fresh), len(fresh)),
            ("settled", lambda: _ask(self.callers["findata"], settled), len(settled)),
            ("orm", lambda: _ask(self.callers["orm"], few), len(few)),
        ]
        ordered = sides if number % 2 else sides[::-1]
        return {name: seconds_of(work) / count for name, work, count in ordered}

    def prove(self) -> None:
        """All sides give the same rows."""
        pair = self.market.instruments[0], self.market.sessions[0]
        ours = orjson.loads(self.callers["findata"].get(self._path(pair)))["columns"]
        theirs = orjson.loads(self.callers["orm"].get(_orm_path(pair)))
        raw = self.raw.ask([pair])[0]
        assert len(raw["close"]) == 390
        for name in ("open", "high", "low", "close", "volume"):
            assert ours[name] == raw[name] == [row[name] for row in theirs], name
        times = [int(found.timestamp() * 1_000_000) for found in raw["event_time"]]
        assert ours["event_time"] == times

    def together(self, questions: int) -> list[Line]:
        """Return what 16 callers at once see: the settled ones, and those who ask for what nobody has asked before."""
        ports = {"cold": self.findata, "settled": self.findata, "orm": self.orm}
        lines = []
        for side, port in ports.items():
            count = max(questions // 10, 1) if side == "orm" else questions
            shares = [self._share(side, count) for _ in range(CALLERS)]
            spent, waits = _at_once(port, shares)
            waits.sort()
            median, slow = statistics.median(waits), waits[min(len(waits) - 1, len(waits) * 99 // 100)]
            told = (
                f"p50 {median * 1e3:.1f} ms, p99 {slow * 1e3:.1f} ms, {len(waits) / spent:,.0f} answers a second "
                f"of {len(waits):,}"
            )
            lines.append(
                Line(f"serving: {CALLERS} callers at once, {side}: seconds at p99", slow, None, told)
            )
        return lines

    def _share(self, side: str, count: int) -> list[str]:
        pairs = list(islice(self._pairs, count))
        if side == "orm":
            return [_orm_path(pair) for pair in pairs]
        if side == "settled":
            first = _path((self.market.instruments[0], self.market.sessions[0]), 500)
            return [first] * count
        return [self._path(pair) for pair in pairs]

    def _path(self, pair: tuple[str, date]) -> str:
        """Return a question that was not asked before: its limit is another one, and its rows are the same."""
        self.asked += 1
        return _path(pair, 500 + self.asked)


class RawLoop:
    """asyncpg with nothing around it: one connection, one statement, a column an array, decoded to Python's values."""

    def __init__(self, database_url: str) -> None:
        self._loop = uvloop.new_event_loop()
        self._connection = self._loop.run_until_complete(
            asyncpg.connect(database_url, server_settings={"timezone": "UTC", "jit": "off"})
        )
        arrays = ", ".join(f'array_agg("{name}") AS "{name}"' for name in COLUMNS)
        names = ", ".join(f'"{name}"' for name in COLUMNS)
        self._statement = self._loop.run_until_complete(
            self._connection.prepare(
                f"SELECT {arrays} FROM (SELECT {names} FROM market.bars WHERE instrument_id = $1 "
                "AND interval = '1m' AND session_date = $2 AND event_time >= $3 AND event_time < $4 "
                "ORDER BY event_time) AS wanted"
            )
        )

    def ask(self, pairs: list[tuple[str, date]]) -> list[Any]:
        """Return the answers."""
        return self._loop.run_until_complete(self._ask(pairs))

    async def _ask(self, pairs: list[tuple[str, date]]) -> list[Any]:
        found = []
        for name, day in pairs:
            noon = datetime.combine(day, clock_time(12), UTC)
            window = noon - timedelta(hours=12), noon + timedelta(hours=24)
            found.append(await self._statement.fetchrow(name, day, *window))
        return found

    def close(self) -> None:
        """Hang up."""
        self._loop.run_until_complete(self._connection.close())
        self._loop.close()
        asyncio.set_event_loop(None)


@contextmanager
def sides_of(asked: Market) -> Iterator[Sides]:
    """Yield the sides, with servers that run and callers that are connected."""
    with server("findata", asked) as findata, server("orm", asked) as orm:
        raw, callers = RawLoop(asked.database_url), {"findata": Caller(findata), "orm": Caller(orm)}
        try:
            yield Sides(asked, findata, orm, raw, callers)
        finally:
            raw.close()
            for caller in callers.values():
                caller.close()


def _path(pair: tuple[str, date], limit: int) -> str:
    start, end = bounds(pair[1])
    window = f"start={start}&end={end}&limit={limit}&format=columns"
    return f"/v1/instruments/{pair[0]}/candles?interval=1m&{window}"


def _orm_path(pair: tuple[str, date]) -> str:
    start, end = bounds(pair[1])
    return f"/bars/{pair[0]}?start={start}&end={end}"


def _ask(caller: Caller, paths: list[str]) -> None:
    for path in paths:
        caller.get(path)


def _at_once(port: int, shares: list[list[str]]) -> tuple[float, list[float]]:
    """Return how long all callers together took, and how long each answer was waited for."""
    waits: list[float] = []
    ready = threading.Barrier(len(shares) + 1)

    def call(paths: list[str]) -> None:
        caller = Caller(port)
        caller.get(paths[0])
        ready.wait()
        for path in paths:
            waits.append(seconds_of(lambda path=path: caller.get(path)))  # type: ignore[misc]
        caller.close()

    threads = [threading.Thread(target=call, args=(paths,)) for paths in shares]
    for thread in threads:
        thread.start()
    ready.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start, waits


def _lines(turns: list[dict[str, float]], questions: int) -> list[Line]:
    measured = (
        ("serving: 390 minutes, cold, against a raw asyncpg loop", "cold", "raw", TARGET_COLD),
        ("serving: 390 minutes, settled, against a raw asyncpg loop", "settled", "raw", TARGET_SETTLED),
        ("serving: 390 minutes, settled, against FastAPI with an ORM", "settled", "orm", TARGET_ORM),
        ("serving: 390 minutes, cold, against FastAPI with an ORM", "cold", "orm", None),
    )
    lines = []
    for name, side, other, target in measured:
        ratios = sorted(turn[side] / turn[other] for turn in turns)
        mine, theirs = (statistics.median(turn[key] for turn in turns) * 1e3 for key in (side, other))
        detail = (
            f"{mine:.2f} ms against {theirs:.2f} ms, {1 / statistics.median(ratios):.1f} times as many a second; "
            f"{len(turns)} turns of {questions} from {ratios[0]:.2f} to {ratios[-1]:.2f}"
        )
        lines.append(Line(name, statistics.median(ratios), target, detail))
    return lines
