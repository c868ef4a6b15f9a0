"""A seeded market as payloads: what a provider would have answered, session after session, with revisions.

What belongs here: bodies, requests and receive times, the same for the same seed. What does not: storing them.

The sessions lie around a turn of the year, so that months and years of the lake are merged amid the kills.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from findata_core.calendars import sessions_of
from findata_resources.provider import Received
from findata_resources.providers.yahoo_chart import bars_request
from tests.standin import Row, chart_body

UNIVERSE = """instrument_id,mic,currency,price_units,yahoo,from_date,to_date
MSFT.XNAS,XNAS,USD,1,MSFT,2019-11-26,
AAPL.XNAS,XNAS,USD,1,AAPL,2019-11-26,
"""
SYMBOLS = ("AAPL", "MSFT")
FIRST, LAST = date(2022, 10, 3), date(2023, 6, 1)
EVERY = 4  # of the sessions one in four: a month, and with it a merge, is over after five tasks
MINUTES = 40
REVISED_EVERY = 3
MERGED_EVERY = 2


@dataclass(frozen=True)
class Task:
    """What one run of the worker is given: payloads to take in, and whether the lake is merged afterwards."""

    number: int
    payloads: tuple[Received, ...]
    is_merging: bool


def tasks(count: int, seed: int = 7) -> list[Task]:
    """Return so many tasks: a session each, every third with a revision of the session before the last one."""
    sessions = sessions_of("XNYS", FIRST, LAST)
    days = list(zip(sessions["session_date"], sessions["open_time"], sessions["close_time"], strict=True))[
        ::EVERY
    ]
    made = []
    for number in range(count):
        payloads = [_payload(symbol, *days[number], seed, revision=0) for symbol in SYMBOLS]
        if number >= 2 and number % REVISED_EVERY == 2:
            payloads.append(_payload(SYMBOLS[number % 2], *days[number - 2], seed, revision=number))
        made.append(Task(number, tuple(payloads), number % MERGED_EVERY == MERGED_EVERY - 1))
    return made


def _payload(
    symbol: str, day: date, opened: datetime, closed: datetime, seed: int, revision: int
) -> Received:
    """Return a session of one instrument; a revision says some minutes otherwise, days later."""
    del day
    request = bars_request(f"{symbol}.XNAS", symbol, "1m", opened, closed)
    rows = _rows(symbol, opened, seed)
    if revision:
        rows = [_revised(row) if number % 7 == revision % 7 else row for number, row in enumerate(rows)]
    received = closed + timedelta(hours=2, days=revision)
    body = chart_body(symbol, "1m", "America/New_York", "USD", rows)
    return Received(request, body, 200, {"content-type": "application/json"}, received.astimezone(UTC))


def _rows(symbol: str, opened: datetime, seed: int) -> list[Row]:
    chance = random.Random(f"{seed}/{symbol}/{opened}")
    start, cents = int(opened.timestamp()), 10_000 + chance.randrange(1_000)
    rows: list[Row] = []
    for minute in range(MINUTES):
        first, last = cents, cents + chance.randrange(-5, 6)
        low, high = min(first, last) - chance.randrange(3), max(first, last) + chance.randrange(3)
        prices = (first / 100, high / 100, low / 100, last / 100)
        rows.append((start + 60 * minute, *prices, chance.randrange(1, 10_000)))
        cents = last
    return rows


def _revised(row: Row) -> Row:
    assert row[2] is not None
    assert row[5] is not None
    return (row[0], row[1], row[2] + 0.01, row[3], row[4], row[5] + 1)
