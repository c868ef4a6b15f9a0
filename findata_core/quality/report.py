"""A quality report as data: the verdict and what it rests on, before anybody has drawn it.

What belongs here: its parts and how much of each is kept. What does not: reading the books
(findata_assets/steps/reports.py), HTML (findata_assets/reports).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from findata_core.quality.verdicts import Verdict

# A page that a person reads: two hundred sick instruments must not make it a megabyte.
MOST_ROWS = 25


@dataclass(frozen=True)
class Shown:
    """The first rows of what there is, and how many there are."""

    rows: pl.DataFrame
    total: int

    @property
    def hidden(self) -> int:
        """Rows that are not shown."""
        return self.total - self.rows.height


@dataclass(frozen=True)
class Drawing:
    """A series' session with minutes that stand apart: the farthest of them, the minutes, all that stand apart."""

    farthest: Mapping[str, object]
    minutes: pl.DataFrame
    outliers: pl.DataFrame


@dataclass(frozen=True)
class Venue:
    """An exchange's session: its times, in UTC and its own zone, and the verdict on it alone."""

    mic: str
    session_date: date
    time_zone: str
    open_time: datetime
    close_time: datetime
    verdict: Verdict


@dataclass(frozen=True)
class QualityReport:
    """The quality of the sessions from `first` to `last`, both inclusive, of some exchanges.

    `known_time`: receive time of the youngest payload that speaks of them. `heat`: HEAT_SCHEMA; `expected`: the
    instruments that should have bars. A report of the same books is the same, whenever it is made.
    """

    first: date
    last: date
    mics: tuple[str, ...]
    verdict: Verdict
    known_time: datetime | None = None
    venues: tuple[Venue, ...] = ()
    expected: pl.DataFrame = field(default_factory=pl.DataFrame)
    heat: pl.DataFrame = field(default_factory=pl.DataFrame)
    findings: pl.DataFrame = field(default_factory=pl.DataFrame)
    parts: Mapping[str, Shown] = field(default_factory=dict)
    drawings: tuple[Drawing, ...] = ()

    @property
    def is_week(self) -> bool:
        """True for a report of several days."""
        return self.first != self.last

    @property
    def name(self) -> str:
        """The session, as 2022-06-15, or the ISO week, as 2022-W24."""
        return week_name(self.first) if self.is_week else str(self.first)


def shown(rows: pl.DataFrame, most: int = MOST_ROWS) -> Shown:
    """Return the first rows of a frame, and how many it has."""
    return Shown(rows.head(most), rows.height)


def week_name(day: date) -> str:
    """Return the ISO 8601 week that a day is in: 2022-W24."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"
