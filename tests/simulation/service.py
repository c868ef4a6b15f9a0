"""Yahoo and Alpha Vantage over the simulated world: HTTP on the loopback, answers by the simulated clock, limits kept.

What belongs here: limits, failures, and who asked what and when. What does not: rows (saying), bodies and windows
(tests/standin.py), what is true (truth).
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from tests.simulation.chance import chance, generator
from tests.simulation.clock import SimulatedClock
from tests.simulation.instruments import CURRENCIES, Instrument
from tests.simulation.mischief import Mischief
from tests.simulation.saying import closing_said, day_said, is_odd, minutes_said
from tests.simulation.truth import Day, World
from tests.standin import CHART, INVALID_CALL, JSON_TYPE, QUERY, Answer, Row, StandIn, chart_body

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
YAHOO_PER_MINUTE = 24
ALPHAVANTAGE_PER_DAY = 25
NEW_YORK = ZoneInfo("America/New_York")
SLOW_SECONDS = 9.0  # by the simulated clock
ODD_ANSWER_SHARE = 0.02  # of all answers have bars twice, or in no order
EMPTY_AT_FIRST_SHARE = 0.03
FORGOTTEN_AFTER = timedelta(days=3)  # a delisted symbol is unknown from then on
# How often each failure of the moment strikes, by the pathology.
TROUBLE = {"too_many": 0.008, "server_errors": 0.008, "cut_off": 0.006, "html": 0.003, "malformed": 0.006}
SPOILS = ("cut_off", "malformed")  # of these the body does not arrive

PAGE = b"<!DOCTYPE html><html><body><h1>Sorry, we could not find that page</h1></body></html>"
TEXT, HTML = {"Content-Type": "text/plain"}, {"Content-Type": "text/html"}
DAY_IS_USED_UP = (
    "We have detected your API key as {key} and our standard API rate limit is 25 requests per day. Please subscribe "
    "to any of the premium plans at https://www.alphavantage.co/premium/ to instantly remove all daily rate limits."
)
TOO_FAST = (
    "Thank you for using Alpha Vantage! Please consider spreading out your free API requests more sparingly (1 request "
    "per second). You may subscribe to any of the premium plans to lift the free key rate limit (25 requests per day), "
    "raise the per-second burst limit, and instantly unlock all premium endpoints."
)
NAMES = ("1. open", "2. high", "3. low", "4. close", "5. volume")


@dataclass(frozen=True)
class Seen:
    """A request that came in, and what it was answered. `kind`: "data", or "zone": yfinance's question before."""

    time: datetime
    provider: str
    kind: str
    symbol: str
    interval: str
    status: int
    trouble: str = ""


class SimulatedProviders(StandIn):
    """Both providers, and what they know of their answers.

    `seen` is the log; `told_closing` the flat bars at the close that somebody was told of, by the hash of the body
    that told them; `wrong` the bodies that are wrong as a whole: (symbol, interval, hash).
    """

    def __init__(self, world: World, mischief: Mischief, clock: SimulatedClock) -> None:
        super().__init__(now=clock.peek())
        self.world, self.mischief, self.clock = world, mischief, clock
        self.seen: list[Seen] = []
        self.refuses_haste = True  # where several ask at once, the simulated clock can't tell who came when
        self._one_at_a_time = threading.Lock()
        self.told_closing: dict[str, set[tuple[str, date]]] = {}
        self.wrong: set[tuple[str, str, str]] = set()
        self.sent: dict[
            str, tuple[int, int]
        ] = {}  # hash of a body -> bars in it, and how many were said twice
        self._telling: set[tuple[str, date]] = set()  # by the answer that is being made
        self._is_wrong = False  # the same one
        self._asked: Counter[tuple[str, str]] = Counter()
        self._sessions_asked: set[tuple[str, date]] = set()
        self._times: dict[str, deque[datetime]] = {"yahoo": deque(), "alphavantage": deque()}
        self._used: Counter[date] = Counter()  # Alpha Vantage's requests by New York's day

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """Return what a GET is answered, and log it."""
        with self._one_at_a_time:
            return self._answer(path, query)

    def _answer(self, path: str, query: Mapping[str, str]) -> Answer:
        self.now = self.clock.peek()
        if path.startswith(CHART):
            return self._yahoo(unquote(path.removeprefix(CHART)), query)
        if path == QUERY:
            return self._alphavantage(query)
        return super().answer(path, query)

    def requests(self, provider: str, kind: str = "data") -> list[Seen]:
        """Return the requests of a kind that a provider has seen."""
        return [one for one in self.seen if (one.provider, one.kind) == (provider, kind)]

    def _yahoo(self, symbol: str, query: Mapping[str, str]) -> Answer:
        interval, kind = query["interval"], "data" if "period1" in query else "zone"
        trouble = ""
        if kind == "zone":
            answer = self._zone(symbol)
        else:
            instead, trouble = self._in_trouble("yahoo", symbol, interval)
            self._telling, self._is_wrong = set(), False
            answer = self._spoiled(instead or self._chart(symbol, query), trouble)
            if trouble == "malformed":
                self._telling = set()  # nobody can read what half an answer says
            self._remember(symbol, interval, answer.body)
        moment = self._passed(trouble)
        self.seen.append(Seen(moment, "yahoo", kind, symbol, interval, answer.status, trouble))
        return answer

    def _remember(self, symbol: str, interval: str, body: bytes) -> None:
        """Keep what is known of an answer that was made; of the same words the last meaning holds."""
        sha256 = hashlib.sha256(body).hexdigest()
        self.told_closing.setdefault(sha256, set()).update(self._telling)
        (self.wrong.add if self._is_wrong else self.wrong.discard)((symbol, interval, sha256))

    def _passed(self, trouble: str) -> datetime:
        """Return when the request came in; a slow answer takes its time from then on."""
        moment = self.clock.peek()
        if trouble == "slow":
            self.clock.sleep(SLOW_SECONDS)
        return moment

    def _in_trouble(self, provider: str, symbol: str, interval: str) -> tuple[Answer | None, str]:
        """Return the answer of a provider in trouble, and which trouble; a body may yet be spoiled by it."""
        now = self.clock.peek()
        self._asked[symbol, interval] += 1
        if provider == "yahoo" and self._is_too_fast(provider, now, MINUTE, YAHOO_PER_MINUTE):
            return _too_many({"Retry-After": "60"}), "too_fast"
        if self.mischief.is_down(now):
            return Answer(503, b"<html><body>Will be right back</body></html>", HTML), "outage"
        name = (provider, symbol, interval, self._asked[symbol, interval])
        trouble = self._drawn(chance(self.world.seed, "trouble", *name))
        if trouble == "too_many":
            return _too_many(_retry_after(now, chance(self.world.seed, "retry after", *name))), trouble
        if trouble == "server_errors":
            return Answer(502, b"<html><body>Bad Gateway</body></html>", HTML), trouble
        if trouble == "html":
            return Answer(200, PAGE, HTML), trouble
        if not trouble and self.mischief.happens("slow", 0.01, *name):
            trouble = "slow"
        return None, trouble

    def _drawn(self, number: float) -> str:
        for name, share in TROUBLE.items():
            number -= share * self.mischief.intensity
            if number < 0:
                return name if self.mischief.strikes(name) else ""
        return ""

    def _is_too_fast(self, provider: str, now: datetime, width: timedelta, most: int) -> bool:
        """Count this request, and tell whether there were too many in the time before it."""
        times = self._times[provider]
        while times and times[0] <= now - width:
            times.popleft()
        times.append(now)
        return self.refuses_haste and len(times) > most

    def _spoiled(self, answer: Answer, trouble: str) -> Answer:
        """Return a good answer as it comes over a bad line."""
        if trouble == "cut_off":
            return replace(answer, kept_bytes=len(answer.body) // 2)
        if trouble == "malformed":
            return replace(answer, body=answer.body[: len(answer.body) // 2])
        return answer

    def _zone(self, symbol: str) -> Answer:
        one = self.world.by_symbol(symbol)
        if one is None or self._is_forgotten(one):
            return super()._zone(symbol)  # it knows nobody
        return Answer(
            200, chart_body(symbol, "1d", self._zone_of(one), CURRENCIES[one.mic][1], []), JSON_TYPE
        )

    def _zone_of(self, one: Instrument) -> str:
        return self.world.sessions_on(one.mic)[0].zone

    def _is_forgotten(self, one: Instrument) -> bool:
        return one.to_date is not None and self.clock.peek().date() > one.to_date + FORGOTTEN_AFTER

    def _chart(self, symbol: str, query: Mapping[str, str]) -> Answer:
        one = self.world.by_symbol(symbol)
        if one is None or self._is_forgotten(one):
            return super()._zone(symbol)
        interval, start, end = query["interval"], int(query["period1"]), int(query["period2"])
        refused = self._beyond(symbol, interval, start, end)
        if refused is not None:
            return refused
        rows = self._rows(one, interval, start, end)
        said = self._mixed(rows, symbol)
        body = chart_body(symbol, interval, self._zone_of(one), CURRENCIES[one.mic][1], said)
        self.sent[hashlib.sha256(body).hexdigest()] = (len(said), _said_twice(said))
        return Answer(200, body, JSON_TYPE)

    def _rows(self, one: Instrument, interval: str, start: int, end: int) -> list[Row]:
        now, rows = self.clock.peek(), []
        days = [day for day in self.world.traded[one.instrument_id].values() if not self._is_empty(day, now)]
        self._is_wrong = len(days) < len(self.world.traded[one.instrument_id]) or is_odd(
            one, self.mischief, now
        )
        if interval == "1d":
            return [row for day in days for row in day_said(day, self.mischief, now) if start <= row[0] < end]
        inside = [day for day in days if day.session.open < end and start <= day.session.close]
        for day in inside:
            if self._is_first_asking(day, now):
                self._is_wrong = True
                continue
            rows += minutes_said(day, self.mischief, now, start, end)
            closing = closing_said(day, self.mischief, now, end)
            rows += closing
            self._telling |= {(one.instrument_id, day.session.day)} if closing else set()
        return rows

    def _is_empty(self, day: Day, now: datetime) -> bool:
        """Tell whether a third of the universe is empty, and this is of it."""
        is_third = self.world.instruments.index(day.instrument) % 3 == 0
        return self.mischief.strikes("empty_third", is_third and now.date() == self.mischief.empty_evening)

    def _is_first_asking(self, day: Day, now: datetime) -> bool:
        """Tell whether a session is asked for the first time, and is one that is empty then."""
        name = (day.instrument.instrument_id, day.session.day)
        is_odd = name in self.mischief.odd_evening.values()  # there must be something to be wrong
        is_first = not is_odd and name not in self._sessions_asked and now >= day.session.close_time
        if is_first:
            self._sessions_asked.add(name)
        return is_first and self.mischief.happens("empty_at_first", EMPTY_AT_FIRST_SHARE, *name)

    def _mixed(self, rows: list[Row], symbol: str) -> list[Row]:
        """Return the rows as an odd answer has them: some twice, or in no order."""
        name = (symbol, self._asked[symbol, "1m"], len(rows))
        if rows and self.mischief.happens("duplicates", ODD_ANSWER_SHARE, *name):
            rows = sorted([*rows, *rows[:: max(1, len(rows) // 7)]], key=lambda row: row[0])
        if self.mischief.happens("unsorted", ODD_ANSWER_SHARE, *name):
            order = generator(self.world.seed, "order", *name).permutation(len(rows))
            rows = [rows[place] for place in order]
        return rows

    def _alphavantage(self, query: Mapping[str, str]) -> Answer:
        symbol, interval = query["symbol"], query.get("interval", "Daily")
        answer, trouble = self._alphavantage_limits(query["apikey"])
        if answer is None:
            answer, trouble = self._in_trouble("alphavantage", symbol, interval)
        answer = self._spoiled(answer or self._series(query), trouble)
        moment = self._passed(trouble)
        self.seen.append(Seen(moment, "alphavantage", "data", symbol, interval, answer.status, trouble))
        return answer

    def _alphavantage_limits(self, key: str) -> tuple[Answer | None, str]:
        if "daily_limit" not in self.mischief.on:
            return None, ""
        now = self.clock.peek()
        self._used[now.astimezone(NEW_YORK).date()] += 1
        if self._used[now.astimezone(NEW_YORK).date()] > ALPHAVANTAGE_PER_DAY:
            return _said({"Information": DAY_IS_USED_UP.format(key=key)}), "day_used_up"
        if self._is_too_fast("alphavantage", now, SECOND, 1):
            return _said({"Note": TOO_FAST}), "too_fast"
        return None, ""

    def _series(self, query: Mapping[str, str]) -> Answer:
        """Answer as Alpha Vantage does: newest first, prices as text, days that are over."""
        one = next((one for one in self.world.instruments if one.alphavantage == query["symbol"]), None)
        if one is None:
            return Answer(200, INVALID_CALL, JSON_TYPE)
        now, month = self.clock.peek(), query.get("month")
        days = [day for day in self.world.traded[one.instrument_id].values() if day.session.close_time < now]
        if month is None:
            said = {
                f"{day.session.day}": _fields(day.official, day.official_volume) for day in reversed(days)
            }
            return _said({"Meta Data": {"2. Symbol": one.alphavantage}, "Time Series (Daily)": said})
        inside = [day for day in days if f"{day.session.day:%Y-%m}" == month]
        number = [item.alphavantage for item in self.world.instruments if item.alphavantage].index(
            one.alphavantage
        )
        ends = timedelta(minutes=self.mischief.strikes("end_labels", number % 2 == 0))
        said = {name: fields for day in reversed(inside) for name, fields in _minutes(day, ends)}
        meta = {"2. Symbol": one.alphavantage, "4. Interval": "1min", "6. Time Zone": "US/Eastern"}
        return _said({"Meta Data": meta, "Time Series (1min)": said})


def _said_twice(rows: list[Row]) -> int:
    """Return how many rows repeat another one; rows without prices are refused, each by itself."""
    stamps = [row[0] for row in rows if row[1] is not None]
    return len(stamps) - len(set(stamps))


def _minutes(day: Day, later: timedelta) -> list[tuple[str, dict[str, str]]]:
    """Return a session's minutes, newest first, stamped so much later than their start in New York."""
    opens = datetime.fromtimestamp(day.session.open, UTC).astimezone(NEW_YORK).replace(tzinfo=None) + later
    return [
        (f"{opens + timedelta(seconds=stamp - day.session.open)}", _fields(prices, volume))
        for stamp, prices, volume in zip(
            day.stamps[::-1].tolist(), day.prices[::-1].tolist(), day.volumes[::-1].tolist(), strict=True
        )
    ]


def _fields(prices: tuple[float, ...] | list[float], volume: int) -> dict[str, str]:
    return dict(zip(NAMES, (*(f"{price:.4f}" for price in prices), str(volume)), strict=True))


def _said(content: Mapping[str, object]) -> Answer:
    return Answer(200, json.dumps(content).encode(), JSON_TYPE)


def _retry_after(now: datetime, number: float) -> Mapping[str, str]:
    """Return the header as a number of [0, 1) chooses: none, seconds, or a date (RFC 9110 10.2.3)."""
    if number < 1 / 3:
        return {}
    return {
        "Retry-After": "20" if number < 2 / 3 else format_datetime(now + timedelta(seconds=20), usegmt=True)
    }


def _too_many(headers: Mapping[str, str]) -> Answer:
    return Answer(429, b"Edge: Too Many Requests", {**TEXT, **headers})
