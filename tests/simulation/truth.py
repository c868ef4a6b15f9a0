"""The truth: every minute and day of every instrument of the simulated world, made from a seed alone.

What belongs here: what happened at the exchanges, and the rows that a perfect reader holds of it at the end.
What does not: what a provider says of it on the way (service, saying), and any rule of the code under test but
the calendar's sessions and the shape of the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from findata_core.calendars import sessions_of
from findata_core.schema.frames import polars_schema
from findata_core.schema.tables import table
from tests.simulation.chance import generator
from tests.simulation.instruments import Instrument

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

SETTLES_AFTER = timedelta(hours=24)  # both providers' rule, as their documents in docs/providers/ say
# Exchange -> decimals of its prices, and between what they begin. No price has more than six digits, so that the
# shortest decimal of its float32 is the price itself.
PRICES = {
    "XNAS": (2, 20, 800),
    "XNYS": (2, 20, 800),
    "XLON": (1, 200, 9000),
    "XHKG": (2, 5, 600),
    "XETR": (2, 20, 800),
    "XSTO": (2, 20, 800),
    "XTKS": (1, 500, 9000),
}
MINUTE_CHANGE = 0.0006  # standard deviation of a minute's logarithmic return: about 1.2 % a day
THIN_SHARE = 0.35  # of a thin name's minutes have a trade (MELI has about 30 %)
QUIET_SHARE = 0.04  # of London's minutes are told flat with volume 0
KNOWLEDGE = ("ingest_time", "payload_id")


@dataclass(frozen=True)
class Session:
    """An exchange's day, in seconds since 1970; `minutes` are the starts of its minutes, without a break."""

    mic: str
    day: date
    zone: str
    open: int
    close: int
    minutes: Whole

    @property
    def close_time(self) -> datetime:
        """The close."""
        return datetime.fromtimestamp(self.close, UTC)


@dataclass(frozen=True)
class Day:
    """What one instrument did in one session: minutes as arrays, and the official day."""

    instrument: Instrument
    session: Session
    stamps: Whole
    prices: Floats  # columns open, high, low, close
    volumes: Whole
    official: tuple[float, float, float, float]
    official_volume: int


@dataclass(frozen=True)
class World:
    """All days of all instruments."""

    seed: int
    instruments: Sequence[Instrument]
    days: Sequence[date]
    sessions: Mapping[tuple[str, date], Session]
    traded: Mapping[str, Mapping[date, Day]] = field(repr=False)

    def by_symbol(self, symbol: str) -> Instrument | None:
        """Return what Yahoo calls by this name."""
        return next((one for one in self.instruments if one.symbol == symbol and one.is_known), None)

    def sessions_on(self, mic: str) -> list[Session]:
        """Return an exchange's sessions, in order."""
        return [self.sessions[mic, day] for day in self.days if (mic, day) in self.sessions]


def make_world(seed: int, listed: Sequence[Instrument], days: Sequence[date]) -> World:
    """Make the world of some instruments over some dates, in order; weekends and holidays are left out."""
    mics = sorted({one.mic for one in listed})
    sessions = {(one.mic, one.day): one for mic in mics for one in _sessions(mic, days)}
    traded = {
        one.instrument_id: _traded(
            seed, one, [sessions[one.mic, day] for day in days if (one.mic, day) in sessions]
        )
        for one in listed
        if one.is_known
    }
    return World(seed, listed, days, sessions, traded)


def minute_rows(world: World, told_closing: Iterable[tuple[str, date]]) -> pl.DataFrame:
    """Return what market.bars holds at the end.

    `told_closing`: instruments and dates of which Yahoo has told its flat bar at the close, which it does on the
    same day alone: nobody can know of one that nobody was told.
    """
    days = [day for traded in world.traded.values() for day in traded.values()]
    yahoo = [_minutes(day, "yahoo", "split") for day in days]
    second = [_minutes(day, "alphavantage", "raw") for day in days if day.instrument.alphavantage]
    closing = [_closing(world.traded[name][day]) for name, day in sorted(told_closing)]
    return _table_rows("market.bars", "1m", [*yahoo, *second, *closing])


def day_rows(world: World) -> pl.DataFrame:
    """Return what market.bars_1d holds at the end."""
    days = [day for traded in world.traded.values() for day in traded.values()]
    yahoo = [_official(day, "yahoo", "split") for day in days]
    second = [_official(day, "alphavantage", "raw") for day in days if day.instrument.alphavantage]
    return _table_rows("market.bars_1d", "1d", [*yahoo, *second])


def _sessions(mic: str, days: Sequence[date]) -> Iterator[Session]:
    wanted = set(days)
    for row in sessions_of(mic, days[0], days[-1]).iter_rows(named=True):
        if row["session_date"] not in wanted:
            continue
        first, last = int(row["open_time"].timestamp()), int(row["close_time"].timestamp())
        minutes = np.arange(first, last, 60, dtype=np.int64)
        if row["break_start_time"] is not None:
            rest = (int(row[name].timestamp()) for name in ("break_start_time", "break_end_time"))
            start, end = rest
            minutes = minutes[(minutes < start) | (minutes >= end)]
        yield Session(mic, row["session_date"], row["time_zone"], first, last, minutes)


def _traded(seed: int, instrument: Instrument, sessions: Sequence[Session]) -> dict[date, Day]:
    """Walk an instrument's price through its sessions."""
    random = generator(seed, "path", instrument.instrument_id)
    decimals, lowest, highest = PRICES[instrument.mic]
    price = float(np.exp(random.uniform(np.log(lowest), np.log(highest))))
    size = float(np.exp(random.uniform(np.log(300), np.log(30_000))))
    days = {}
    for session in sessions:
        day = _day(random, instrument, session, round(price, decimals), size)
        price = day.official[3]
        if instrument.trades_on(session.day) and session.day != instrument.untraded_date:
            days[session.day] = day
    return days


def _day(
    random: np.random.Generator, instrument: Instrument, session: Session, price: float, size: float
) -> Day:
    decimals = PRICES[instrument.mic][0]
    stamps, count = session.minutes, len(session.minutes)
    closes = np.round(price * np.exp(np.cumsum(random.normal(0, MINUTE_CHANGE, count))), decimals)
    opens = np.append(price, closes[:-1])
    highs, lows = np.maximum(opens, closes), np.minimum(opens, closes)
    highs = np.maximum(highs, np.round(highs * (1 + np.abs(random.normal(0, 0.0003, count))), decimals))
    lows = np.minimum(lows, np.round(lows * (1 - np.abs(random.normal(0, 0.0003, count))), decimals))
    at = np.linspace(-1, 1, count)
    volumes = np.maximum(1, size * (1 + 2 * at**2) * random.lognormal(0, 0.6, count)).astype(np.int64)
    prices = np.stack([opens, highs, lows, closes], axis=1)
    _make_quiet(random, instrument, prices, volumes)
    if instrument.is_thin:
        kept = random.random(count) < THIN_SHARE
        kept[count // 2] = True
        stamps, prices, volumes = stamps[kept], prices[kept], volumes[kept]
    return Day(instrument, session, stamps, prices, volumes, *_auction(random, prices, volumes, decimals))


def _make_quiet(random: np.random.Generator, instrument: Instrument, prices: Floats, volumes: Whole) -> None:
    """Give Hong Kong's opening minute no volume, and London some minutes without a trade, as Yahoo has them."""
    if instrument.mic == "XHKG":
        volumes[0] = 0
    if instrument.mic == "XLON":
        quiet = random.random(len(volumes)) < QUIET_SHARE
        prices[quiet, 1:] = prices[quiet, :1]
        # The price stands still: the next minute opens where this one did.
        for position in np.flatnonzero(quiet):
            if position + 1 < len(prices):
                _open_at(prices[position + 1], prices[position, 3])
        volumes[quiet] = 0


def _open_at(row: Floats, price: float) -> None:
    row[0] = price
    row[1], row[2] = max(row[1], price), min(row[2], price)


def _auction(
    random: np.random.Generator, prices: Floats, volumes: Whole, decimals: int
) -> tuple[tuple[float, float, float, float], int]:
    """Return the official day: its close is the auction's, up to 0.3 % off; minutes have 51-97 % of its volume."""
    last = prices[-1, 3]
    close = float(np.round(last * (1 + np.clip(random.normal(0, 0.001), -0.003, 0.003)), decimals))
    while abs(close - last) > 0.003 * min(close, last):  # rounded away from the last minute
        close = float(np.round(close - np.copysign(10.0**-decimals, close - last), decimals))
    high, low = max(float(prices[:, 1].max()), close), min(float(prices[:, 2].min()), close)
    volume = int(volumes.sum() / random.uniform(0.51, 0.97))
    return (float(prices[0, 0]), high, low, close), volume


def _minutes(day: Day, source: str, adjustment: str) -> dict[str, Any]:
    return _rows(day, source, adjustment, day.stamps, day.prices, day.volumes, "regular")


def _closing(day: Day) -> dict[str, Any]:
    """Return Yahoo's flat bar at the close."""
    stamp, price = np.array([day.session.close]), np.full((1, 4), day.official[3])
    return _rows(day, "yahoo", "split", stamp, price, np.zeros(1, np.int64), "closing")


def _official(day: Day, source: str, adjustment: str) -> dict[str, Any]:
    stamp, price = np.array([day.session.open]), np.array([day.official])
    return _rows(day, source, adjustment, stamp, price, np.array([day.official_volume]), "regular")


def _rows(
    day: Day, source: str, adjustment: str, stamps: Whole, prices: Floats, volumes: Whole, phase: str
) -> dict[str, Any]:
    return {
        "count": len(stamps),
        "instrument_id": day.instrument.instrument_id,
        "source": source,
        "adjustment": adjustment,
        "session_date": day.session.day,
        "session_phase": phase,
        "settles_time": day.session.close_time + SETTLES_AFTER,
        "stamps": stamps,
        "prices": prices,
        "volumes": volumes,
    }


def _table_rows(address: str, interval: str, parts: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Return the rows in the table's shape, without what only a received payload says."""
    schema = {n: t for n, t in polars_schema(table(address)).items() if n not in KNOWLEDGE}
    counts = np.array([part["count"] for part in parts])
    texts = ("instrument_id", "source", "adjustment", "session_date", "session_phase", "settles_time")
    prices = np.concatenate([part["prices"] for part in parts])
    columns: dict[str, Any] = {
        name: pl.Series([part[name] for part in parts]).gather(np.repeat(np.arange(len(parts)), counts))
        for name in texts
    }
    columns["event_time"] = np.concatenate([part["stamps"] for part in parts]) * 1_000_000
    columns |= {name: prices[:, n] for n, name in enumerate(("open", "high", "low", "close"))}
    columns["volume"] = np.concatenate([part["volumes"] for part in parts])
    frame = pl.DataFrame(columns).with_columns(
        interval=pl.lit(interval), vwap=pl.lit(None), trade_count=pl.lit(None)
    )
    return frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items()).sort(
        table(address).business_key
    )
