"""What Yahoo says of an instrument at an instant: the truth, as far as it is known, and what is wrong with it.

What belongs here: rows of an answer. What does not: HTTP, limits, failures (service); which pathologies there are
(mischief).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from tests.simulation.chance import generator
from tests.simulation.instruments import Instrument
from tests.simulation.mischief import LATE_BY, ONE_INSTRUMENT, REVISED_AFTER, Mischief, evening_of
from tests.simulation.truth import PRICES, Day, Floats, Whole
from tests.standin import Row

FIRST_REVISED, LAST_REVISED = 3, 15  # minutes at the two ends of a session
LATE_SHARE, LATE_MINUTES = 0.1, 5
NULL_SHARE, NULL_MINUTES = 0.3, 4  # of the sessions with minutes that lack
SHIFT_SECONDS = 3600
MIDNIGHT_MICS = ("XETR", "XTKS")
NEW_YORK = ("XNAS", "XNYS")


def minutes_said(day: Day, mischief: Mischief, now: datetime, start: int, end: int) -> list[Row]:
    """Return the minutes of one session in [start, end) as they are told at an instant, oldest first."""
    stamps, prices, volumes = day.stamps, day.prices, day.volumes
    if now < day.session.close_time + REVISED_AFTER:
        prices, volumes = _provisional(day, mischief)
    if mischief.is_sick(day.instrument.mic, day.session.day, now):
        volumes = sick(volumes, mischief, day)
    is_there = _is_there(day, mischief, now) & (stamps >= start) & (stamps < end)
    stamps, prices, volumes = stamps[is_there], prices[is_there], volumes[is_there]
    if len(volumes) and mischief.strikes("window_edge", start > day.session.open):
        volumes = np.concatenate([[0], volumes[1:]])
    prices = prices * _scale(day, mischief, now)
    rows = rows_of(stamps + _shift(day, mischief, now), prices, volumes)
    return _with_nulls(rows, day, mischief, now, start, end) + _live(day, now, start, end)


def closing_said(day: Day, mischief: Mischief, now: datetime, end: int) -> list[Row]:
    """Return the flat bar at the close, which is told until midnight at the exchange."""
    is_today = now.astimezone(ZoneInfo(day.session.zone)).date() == day.session.day
    is_over = now > day.session.close_time + timedelta(minutes=2)
    # What is wrong as a whole is not known for this row either.
    is_odd = _scale(day, mischief, now) != 1 or _shift(day, mischief, now)
    if not mischief.strikes("closing_bar", is_today and is_over and day.session.close < end and not is_odd):
        return []
    price = np.full((1, 4), day.official[3])
    return rows_of(np.array([day.session.close]), price, np.zeros(1, np.int64))


def day_said(day: Day, mischief: Mischief, now: datetime) -> list[Row]:
    """Return the day's own bar, stamped with the session's open or local midnight; none before the session's end."""
    if now < day.session.close_time:
        return []
    prices, volume = np.array([day.official]), day.official_volume
    if mischief.strikes("daily_provisional", now < day.session.close_time + REVISED_AFTER):
        # The last minute's close stands for the auction's; the auction's volume lacks.
        prices[0, 3], volume = day.prices[-1, 3], int(day.volumes.sum())
    # A day that is rescaled when it is first told contradicts nothing, and no complete day is asked for again: that the
    # platform can't put right, so an unknown split strikes the minutes alone.
    is_split = mischief.odd_evening.get("unknown_split") == (
        day.instrument.instrument_id,
        evening_of(now),
    )
    prices = prices if is_split else prices * _scale(day, mischief, now)
    stamp = day.session.open
    if mischief.strikes("midnight_days", day.instrument.mic in MIDNIGHT_MICS):
        stamp = int(datetime.combine(day.session.day, time(), ZoneInfo(day.session.zone)).timestamp())
    return rows_of(np.array([stamp]), prices, np.array([volume]))


def sick(volumes: Whole, mischief: Mischief, day: Day) -> Whole:
    """Return volumes that are 3 to 12 times too high in sum, with zeros beside giants."""
    random = generator(mischief.seed, "sick", day.instrument.instrument_id, day.session.day)
    factor = random.uniform(3, 12)
    is_giant = random.random(len(volumes)) < 0.6
    return np.where(is_giant, (volumes * factor / 0.6).astype(np.int64), 0)


def is_odd(one: Instrument, mischief: Mischief, now: datetime) -> bool:
    """Tell whether all that is said of an instrument now is wrong."""
    return any(mischief.is_odd_now(name, one.instrument_id, now) for name, *_ in ONE_INSTRUMENT)


def rows_of(stamps: Whole, prices: Floats, volumes: Whole) -> list[Row]:
    """Return rows whose prices are float32 widened, as Yahoo sends them."""
    widened = prices.astype(np.float32).astype(np.float64)
    return [
        (stamp, *four, volume)
        for stamp, four, volume in zip(stamps.tolist(), widened.tolist(), volumes.tolist(), strict=True)
    ]


def _provisional(day: Day, mischief: Mischief) -> tuple[Floats, Whole]:
    """Return the minutes as they are told on the same evening."""
    if not mischief.strikes("provisional", day.instrument.mic in NEW_YORK):
        return day.prices, day.volumes
    is_revised = np.zeros(len(day.stamps), dtype=bool)
    is_revised[:FIRST_REVISED] = True
    if day.instrument.mic == "XNYS":
        is_revised |= day.stamps >= day.session.close - LAST_REVISED * 60
    prices, volumes = day.prices.copy(), day.volumes.copy()
    tick = 10.0 ** -PRICES[day.instrument.mic][0]
    prices[is_revised, 1] = np.round(prices[is_revised, 1] + tick, 2)
    volumes[is_revised] = volumes[is_revised] * 9 // 10
    return prices, volumes


def _is_there(day: Day, mischief: Mischief, now: datetime) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell which minutes are over, and not late."""
    is_there = day.stamps + 60 <= now.timestamp()
    name = (day.instrument.instrument_id, day.session.day)
    if now < day.session.close_time + LATE_BY and mischief.happens("late_bars", LATE_SHARE, *name):
        random = generator(mischief.seed, "late", *name)
        is_there[random.integers(0, len(is_there), LATE_MINUTES)] = False
    return is_there


def _live(day: Day, now: datetime, start: int, end: int) -> list[Row]:
    """Return the minute in progress: one price, volume 0, a stamp off the grid."""
    second = int(now.timestamp())
    current = np.flatnonzero((day.stamps < second) & (second < day.stamps + 60))
    if not len(current) or not start <= second < end:
        return []
    price = np.full((1, 4), day.prices[current[0], 0])
    return rows_of(np.array([second]), price, np.zeros(1, np.int64))


def _with_nulls(
    rows: list[Row], day: Day, mischief: Mischief, now: datetime, start: int, end: int
) -> list[Row]:
    """Add null bars: of a thin name's minutes without a trade, or before a late minute comes."""
    name = (day.instrument.instrument_id, day.session.day)
    known = {row[0] for row in rows}
    whole = [
        stamp
        for stamp in day.session.minutes.tolist()
        if start <= stamp < end and stamp + 60 <= now.timestamp()
    ]
    lacking = [stamp for stamp in whole if stamp not in known][:NULL_MINUTES]
    if not lacking or not mischief.happens("null_bars", NULL_SHARE, *name):
        return rows
    nulls: Sequence[Row] = [(stamp, None, None, None, None, None) for stamp in lacking]
    return sorted([*rows, *nulls], key=lambda row: row[0])


def _scale(day: Day, mischief: Mischief, now: datetime) -> float:
    name = day.instrument.instrument_id
    if mischief.is_odd_now("unknown_split", name, now):
        return 0.25
    return 0.01 if mischief.is_odd_now("unit_change", name, now) else 1.0


def _shift(day: Day, mischief: Mischief, now: datetime) -> int:
    return SHIFT_SECONDS if mischief.is_odd_now("shifted", day.instrument.instrument_id, now) else 0
