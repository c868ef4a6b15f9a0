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
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl

from findata_core.exchanges import EXCHANGES, Exchange, exchange_of, mic_of
from findata_core.schema.frames import polars_schema
from findata_core.schema.runs import row_places
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
_PHASE_NAMES = pl.Series([*PHASES, None], dtype=pl.String)

# Instants (microseconds from 1827 to 2112) are shifted to be positive, and an exchange's code stands above.
KEY_SHIFT = 2**52
KEY_SPAN = 2**53
DAY_SPAN = 2**32  # the same for dates, which are days since 1970 in 32 bits
DAYS_LAID_OUT = 2048  # local midnights are found for some six years of a time zone at once, and kept

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
        mics, venue = numbered(sessions["mic"])
        days = days_since_1970(sessions["session_date"])
        place = venue * DAY_SPAN + days
        if (np.diff(place) < 0).any():  # they are mostly stored in order
            return cls.of(sessions[np.argsort(place, kind="stable")])
        zones, zone = numbered(sessions["time_zone"])
        close = microseconds(sessions["close_time"])
        return cls(
            mics=mics,
            session_date=sessions["session_date"],
            venue=venue,
            day_start=_local_midnights(zones, zone, days),
            day_end=_local_midnights(zones, zone, days + 1),
            open=microseconds(sessions["open_time"]),
            break_start=microseconds(sessions["break_start_time"], close),
            break_end=microseconds(sessions["break_end_time"], close),
            close=close,
        )

    def index_at(self, mic: pl.Series, event_time: pl.Series) -> Int64Array:
        """Position of the session on whose local day each instant lies; -1 where there is none."""
        return self.index_of_instants(positions(mic, self.mics), microseconds(event_time))

    def index_of_instants(self, venue: Int64Array, instants: Int64Array) -> Int64Array:
        """Do what index_at() does, for positions in `mics` (-1 for none) and microseconds since 1970."""
        if not len(self.venue):
            return np.full(len(instants), -1, dtype=np.int64)
        starts = self.venue * KEY_SPAN + KEY_SHIFT + self.day_start
        index = np.searchsorted(starts, venue * KEY_SPAN + KEY_SHIFT + instants, side="right") - 1
        is_inside = (index >= 0) & (self.venue[index] == venue) & (instants < self.day_end[index])
        return np.where(is_inside, index, -1)

    def index_on(self, mic: pl.Series, session_date: pl.Series) -> Int64Array:
        """Position of the exchange's session of each date; -1 where there is none."""
        return self.index_of_days(positions(mic, self.mics), days_since_1970(session_date))

    def index_of_days(self, venue: Int64Array, days: Int64Array) -> Int64Array:
        """Do what index_on() does, for positions in `mics` (-1 for none) and days since 1970."""
        if not len(self.venue):
            return np.full(len(days), -1, dtype=np.int64)
        known = self.venue * DAY_SPAN + days_since_1970(self.session_date)
        asked = venue * DAY_SPAN + days
        index = np.minimum(np.searchsorted(known, asked), len(known) - 1)
        return np.where((known[index] == asked) & (venue >= 0), index, -1)

    def phase_at(self, index: Int64Array, event_time: pl.Series) -> npt.NDArray[np.int8]:
        """Phase of each instant in the session at `index`: REGULAR, PRE, POST, CLOSING or NO_PHASE."""
        if not len(self.open):
            return np.full(len(index), NO_PHASE, dtype=np.int8)
        times = microseconds(event_time)
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
    return known[row_places(np.where(index < 0, len(bounds.session_date), index))]


def phase_names(phase: npt.NDArray[np.int8]) -> pl.Series:
    """The names of phases by their number, null for NO_PHASE."""
    return _PHASE_NAMES[row_places(phase)]


def positions(texts: pl.Series, names: tuple[str, ...]) -> Int64Array:
    """Position of each text in `names`; -1 where it is none of them."""
    if _is_one(texts):
        place = names.index(texts[0]) if texts[0] in names else -1
        return np.full(len(texts), place, dtype=np.int64)
    places = texts.cast(pl.Enum(names), strict=False).to_physical().cast(pl.Int64)
    return (places.fill_null(-1) if places.has_nulls() else places).to_numpy()


def microseconds(times: pl.Series, where_null: Int64Array | int = -KEY_SHIFT) -> Int64Array:
    """Instants in microseconds since 1970; `where_null` (by default before all sessions) where there is none."""
    instants = times.to_numpy().astype("datetime64[us]", copy=False)
    if not times.has_nulls():
        return instants.view(np.int64)
    return np.where(np.isnat(instants), where_null, instants.view(np.int64))


def numbered(texts: pl.Series) -> tuple[tuple[str, ...], Int64Array]:
    """The distinct texts, sorted, and the position of each text among them; -1 for null."""
    names = distinct(texts)
    return names, positions(texts, names)


def distinct(texts: pl.Series) -> tuple[str, ...]:
    """The distinct texts, sorted, without null."""
    if _is_one(texts):
        return (texts[0],)
    return tuple(sorted(text for text in texts.unique().to_list() if text is not None))


def _is_one(texts: pl.Series) -> bool:
    # Most frames are of one exchange: to number their every row takes several queries.
    return len(texts) > 0 and texts[0] is not None and bool((texts == texts[0]).all(ignore_nulls=False))


def days_since_1970(dates: pl.Series) -> Int64Array:
    """Dates in days since 1970; the smallest number of all where a date is null."""
    return dates.to_numpy().astype("datetime64[D]", copy=False).astype(np.int64)


def _local_midnights(zones: tuple[str, ...], zone: Int64Array, days: Int64Array) -> Int64Array:
    """First instants of local days in microseconds since 1970; `zone` is the position of each in `zones`."""
    block, place = np.divmod(days, DAYS_LAID_OUT)
    laid_out = zone * DAY_SPAN + block
    starts = np.flatnonzero(np.diff(laid_out, prepend=laid_out[:1] - 1))
    midnights = np.empty(len(days), dtype=np.int64)
    for start, end in pairwise(np.append(starts, len(days)).tolist()):
        known = _laid_out_midnights(zones[zone[start]], int(block[start]))
        midnights[start:end] = known[place[start:end]]
    return midnights


@lru_cache(maxsize=1024)
def _laid_out_midnights(time_zone: str, block: int) -> Int64Array:
    """First instants of DAYS_LAID_OUT local days; where clocks jump over midnight (São Paulo until 2018), 01:00."""
    first = block * DAYS_LAID_OUT
    days = pl.Series(np.arange(first, first + DAYS_LAID_OUT, dtype=np.int32)).cast(pl.Date)
    midnight = pl.lit(days).cast(pl.Datetime("us"))
    choices = (midnight, midnight + pl.duration(hours=1))
    zoned = (
        choice.dt.replace_time_zone(time_zone, ambiguous="earliest", non_existent="null")
        for choice in choices
    )
    return pl.select(pl.coalesce(zoned).dt.epoch("us")).to_series().to_numpy()
