"""On which days the followed exchanges trade and when they close, kept in a file between processes.

Every process that loads the definitions needs this, and computing it means importing the calendar library
and pandas, a second and a half. What belongs here: the file, and what stands in it. What does not: sessions
as facts (reference.sessions comes from received snapshots, providers/calendar.py).
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

from findata_core.calendars import CALENDAR_VERSION, session_dates, sessions_of

FORMAT = 1  # of the file; a program that finds another one computes again
# Exchanges change their hours on a day that is announced: what is usual is asked of the days to come.
USUAL_DAYS = timedelta(days=45)


@dataclass(frozen=True)
class Closes:
    """When the sessions of an exchange close, on its own clock (`time_zone`, an IANA name)."""

    time_zone: str
    by_date: Mapping[date, time]

    def usual(self, day: date) -> time:
        """The close of most sessions of the 45 days from `day`, the earliest of several as frequent."""
        near = [close for when, close in self.by_date.items() if day <= when < day + USUAL_DAYS]
        counts = Counter(near or self.by_date.values())
        return min(counts, key=lambda close: (-counts[close], close))


@dataclass(frozen=True)
class TradingDays:
    """`dates`: days from first to last on which any of the exchanges has a session, sorted.

    `closes`: of each exchange (MIC) over the year before the last day.
    """

    dates: tuple[date, ...]
    closes: Mapping[str, Closes]


def trading_days(mics: Iterable[str], first: date, last: date, folder: Path) -> TradingDays:
    """Return the days from `first` to `last`, both inclusive, from a file in `folder` or the library."""
    asked = [FORMAT, CALENDAR_VERSION, sorted(set(mics)), first.isoformat(), last.isoformat()]
    path = folder / "calendars" / f"{_hash(json.dumps(asked))[:16]}.json"
    kept = _read(path, asked)
    if kept is not None:
        return kept
    computed = _computed(sorted(set(mics)), first, last)
    _write(path, asked, computed)
    return computed


def _computed(mics: list[str], first: date, last: date) -> TradingDays:
    year_before = last - timedelta(days=366)
    closes = {}
    for mic in mics:
        sessions = sessions_of(mic, year_before, last)
        zone = str(sessions["time_zone"][0])
        local = sessions["close_time"].dt.convert_time_zone(zone).dt.time()
        closes[mic] = Closes(zone, dict(zip(sessions["session_date"], local, strict=True)))
    return TradingDays(tuple(session_dates(mics, first, last)), closes)


def _read(path: Path, asked: list[object]) -> TradingDays | None:
    """Return what the file says; None where there is none, or not a whole one that answers this question."""
    try:
        checksum, _, text = path.read_text(encoding="utf-8").partition("\n")
        if checksum != _hash(text):
            return None
        content = json.loads(text)
        return _from_json(content) if content["asked"] == asked else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _write(path: Path, asked: list[object], days: TradingDays) -> None:
    """Put the file in place as a whole. Where that can't be done, the next process computes again."""
    text = json.dumps({"asked": asked, **_to_json(days)})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
            file.write(f"{_hash(text)}\n{text}")
        os.replace(file.name, path)
    except OSError:
        return


def _to_json(days: TradingDays) -> dict[str, object]:
    return {
        "dates": [day.isoformat() for day in days.dates],
        "closes": {
            mic: [
                closes.time_zone,
                {day.isoformat(): close.isoformat() for day, close in closes.by_date.items()},
            ]
            for mic, closes in days.closes.items()
        },
    }


def _from_json(content: dict[str, dict[str, tuple[str, dict[str, str]]]]) -> TradingDays:
    closes = {
        mic: Closes(
            zone, {date.fromisoformat(day): time.fromisoformat(close) for day, close in by_date.items()}
        )
        for mic, (zone, by_date) in content["closes"].items()
    }
    return TradingDays(tuple(date.fromisoformat(day) for day in content["dates"]), closes)


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
