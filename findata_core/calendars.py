"""When exchanges trade: the sessions of a range of dates, and the session and phase of an instant.

What belongs here: sessions by the calendar library, a session's bounds, the phase of an instant in it.
What does not: the catalogue of exchanges (exchanges), what happens inside a session (market), the clock:
every range is given by the caller.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.metadata import version

import numpy as np
import numpy.typing as npt
import polars as pl

from findata_core.exchanges import EXCHANGES, Exchange, exchange_of, mic_of
from findata_core.schema.frames import polars_schema
from findata_core.schema.tables import table

__all__ = [
    "CALENDAR_VERSION",
    "EXCHANGES",
    "PHASES",
    "SESSION_SCHEMA",
    "Exchange",
    "SessionBounds",
    "assign_sessions",
    "exchange_of",
    "mic_of",
    "session_dates",
    "sessions_of",
]

CALENDAR_VERSION = f"exchange_calendars {version('exchange_calendars')}"

# Rows of reference.sessions without what only a received payload can say.
SESSION_SCHEMA = pl.Schema(
    (name, dtype)
    for name, dtype in polars_schema(table("reference.sessions")).items()
    if name not in ("ingest_time", "payload_id")
)

PHASES = ("regular", "pre", "post", "closing")
REGULAR, PRE, POST, CLOSING, NO_PHASE = range(5)

# Instants (microseconds from 1827 to 2112) are shifted to be positive, and an exchange's code stands above.
KEY_SHIFT = 2**52
KEY_SPAN = 2**53

Int64Array = npt.NDArray[np.int64]


def sessions_of(mic: str, start: date, end: date) -> pl.DataFrame:
    """Sessions of an exchange from `start` to `end`, both inclusive, as rows of reference.sessions.

    Dates that the calendar does not reach (before or after its bounds) have no sessions. The first call
    for a calendar costs some 0.1 s; the calendar is then kept, by calendar years.
    """
    exchange = exchange_of(mic)
    wanted = pl.col("session_date").is_between(start, end)
    sessions = _calendar_sessions(exchange.calendar, start.year, end.year).filter(wanted)
    return sessions.select(pl.lit(mic).alias("mic"), pl.exclude("mic")).match_to_schema(SESSION_SCHEMA)


def session_dates(mics: Iterable[str], start: date, end: date) -> list[date]:
    """Dates from `start` to `end`, both inclusive, on which any of the exchanges has a session, sorted."""
    return sorted({day for mic in mics for day in sessions_of(mic, start, end)["session_date"]})


@lru_cache(maxsize=256)
def _calendar_sessions(calendar: str, first_year: int, last_year: int) -> pl.DataFrame:
    # The library brings pandas along, which costs a second: whoever has the sessions already needs neither.
    from findata_core.calendar_library import built_sessions

    return built_sessions(calendar, first_year, last_year)


@dataclass(frozen=True)
class SessionBounds:
    """Sessions sorted by exchange and date as arrays of microseconds since 1970, one entry a session.

    `venue` is the position of the exchange in `mics`. [day_start, day_end) is the local calendar day.
    Without a break, break_start and break_end are the close, so that the first segment is the session.
    """

    mics: tuple[str, ...]
    session_date: pl.Series
    venue: Int64Array
    day_start: Int64Array
    day_end: Int64Array
    open: Int64Array
    break_start: Int64Array
    break_end: Int64Array
    close: Int64Array

    @classmethod
    def of(cls, sessions: pl.DataFrame) -> SessionBounds:
        """The bounds of rows of reference.sessions, in any order."""
        ordered = _with_local_days(sessions).sort("mic", "session_date")
        mics = tuple(ordered["mic"].unique().sort())
        close = _microseconds(ordered["close_time"])
        return cls(
            mics=mics,
            session_date=ordered["session_date"],
            venue=_venue_codes(ordered["mic"], mics),
            day_start=ordered["day_start"].to_numpy(),
            day_end=ordered["day_end"].to_numpy(),
            open=_microseconds(ordered["open_time"]),
            break_start=_microseconds(ordered["break_start_time"].fill_null(ordered["close_time"])),
            break_end=_microseconds(ordered["break_end_time"].fill_null(ordered["close_time"])),
            close=close,
        )

    def index_at(self, mic: pl.Series, event_time: pl.Series) -> Int64Array:
        """Position of the session on whose local day each instant lies; -1 where there is none."""
        venue = _venue_codes(mic, self.mics)
        times = event_time.dt.epoch("us").fill_null(-KEY_SHIFT).to_numpy()
        starts = self.venue * KEY_SPAN + KEY_SHIFT + self.day_start
        if not len(starts):
            return np.full(len(times), -1, dtype=np.int64)
        index = np.searchsorted(starts, venue * KEY_SPAN + KEY_SHIFT + times, side="right") - 1
        is_inside = (index >= 0) & (self.venue[index] == venue) & (times < self.day_end[index])
        return np.where(is_inside, index, -1)

    def index_on(self, mic: pl.Series, session_date: pl.Series) -> Int64Array:
        """Position of the exchange's session of each date; -1 where there is none."""
        known = pl.DataFrame({"venue": self.venue, "date": self.session_date}).with_row_index("index")
        asked = pl.DataFrame({"venue": _venue_codes(mic, self.mics), "date": session_date})
        found = asked.join(known, on=["venue", "date"], how="left", maintain_order="left")["index"]
        return found.cast(pl.Int64).fill_null(-1).to_numpy()

    def phase_at(self, index: Int64Array, event_time: pl.Series) -> npt.NDArray[np.int8]:
        """Phase of each instant in the session at `index`: REGULAR, PRE, POST, CLOSING or NO_PHASE."""
        if not len(self.open):
            return np.full(len(index), NO_PHASE, dtype=np.int8)
        times = event_time.dt.epoch("us").fill_null(-KEY_SHIFT).to_numpy()
        phase = np.full(len(index), NO_PHASE, dtype=np.int8)
        is_first = times < self.break_start[index]
        is_second = (times >= self.break_end[index]) & (times < self.close[index])
        phase[is_first | is_second] = REGULAR
        phase[times < self.open[index]] = PRE
        phase[times > self.close[index]] = POST
        phase[(times == self.close[index]) | (times == self.break_start[index])] = CLOSING
        phase[index < 0] = NO_PHASE
        return phase


def assign_sessions(rows: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Add session_date and session_phase to rows that have mic and event_time (UTC, inclusive start).

    A row belongs to the session of its exchange's LOCAL calendar date. Its phase: "regular" from a
    segment's open, inclusive, to its close, exclusive; "closing" exactly at a segment's close; "pre"
    before the open; "post" after the close. Rows inside a break and on dates without a session have
    neither. Order and other columns stay. Cost: one binary search a row, no join.
    """
    bounds = SessionBounds.of(sessions)
    index = bounds.index_at(rows["mic"], rows["event_time"])
    phase = bounds.phase_at(index, rows["event_time"])
    return rows.with_columns(
        dates_at(bounds, np.where(phase == NO_PHASE, -1, index)).alias("session_date"),
        phase_names(phase).alias("session_phase"),
    )


def dates_at(bounds: SessionBounds, index: Int64Array) -> pl.Series:
    """The dates of sessions by their position, null for -1."""
    known = pl.concat([bounds.session_date, pl.Series([None], dtype=pl.Date)])
    return known.gather(np.where(index < 0, len(bounds.session_date), index))


def phase_names(phase: npt.NDArray[np.int8]) -> pl.Series:
    """The names of phases by their number, null for NO_PHASE."""
    return pl.Series([*PHASES, None], dtype=pl.String).gather(phase)


def _with_local_days(sessions: pl.DataFrame) -> pl.DataFrame:
    nowhere = sessions.clear().with_columns(day_start=pl.lit(0, pl.Int64), day_end=pl.lit(0, pl.Int64))
    days = [
        part.with_columns(day_start=_local_midnight(zone, 0), day_end=_local_midnight(zone, 1))
        for (zone,), part in sessions.partition_by("time_zone", as_dict=True).items()
    ]
    return pl.concat([nowhere, *days])


def _local_midnight(time_zone: str, days_later: int) -> pl.Expr:
    """First instant of the local day; where clocks jump over midnight (São Paulo until 2018), 01:00."""
    midnight = (pl.col("session_date") + pl.duration(days=days_later)).cast(pl.Datetime("us"))
    choices = (midnight, midnight + pl.duration(hours=1))
    zoned = (
        choice.dt.replace_time_zone(time_zone, ambiguous="earliest", non_existent="null")
        for choice in choices
    )
    return pl.coalesce(zoned).dt.epoch("us")


def _venue_codes(mic: pl.Series, mics: tuple[str, ...]) -> Int64Array:
    """Position of each code in `mics`; -1 where it is none of them."""
    return mic.cast(pl.Enum(mics), strict=False).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()


def _microseconds(times: pl.Series) -> Int64Array:
    return times.dt.epoch("us").to_numpy()
