"""Sessions as the library exchange_calendars computes them: the only module that imports it, and pandas.

What belongs here: building a calendar and making rows of it. What does not: anything that works with
sessions that are known already (calendars), so that it needs neither library.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import exchange_calendars
import pandas as pd
import polars as pl
from exchange_calendars import ExchangeCalendar

from findata_core.calendars import CALENDAR_VERSION, SESSION_SCHEMA

# A window that every calendar of the catalogue covers, to look at a calendar before its range is known.
PROBE_FIRST_DATE = "2026-06-01"
PROBE_LAST_DATE = "2026-06-30"
# The library counts nanoseconds since 1970, which reach from 1677 to 2262.
FIRST_YEAR, LAST_YEAR = 1700, 2250


def built_sessions(calendar: str, first_year: int, last_year: int) -> pl.DataFrame:
    """Sessions of a calendar, by the library's name, of whole years, both inclusive; `mic` is empty."""
    first_year, last_year = max(first_year, FIRST_YEAR), min(last_year, LAST_YEAR)
    if first_year > last_year:
        return pl.DataFrame(schema=SESSION_SCHEMA)
    with warnings.catch_warnings():
        # exchange_calendars 4.13.2 uses what pandas 3.1 announces to change in pandas 4.
        warnings.simplefilter("ignore", DeprecationWarning)
        return _sessions(calendar, first_year, last_year)


def _sessions(calendar: str, first_year: int, last_year: int) -> pl.DataFrame:
    probe = exchange_calendars.get_calendar(calendar, start=PROBE_FIRST_DATE, end=PROBE_LAST_DATE)
    first, last = pd.Timestamp(first_year, 1, 1), pd.Timestamp(last_year, 12, 31)
    first, last = max(first, probe.bound_min() or first), min(last, probe.bound_max() or last)
    schedules = [_schedule(probe, *piece) for piece in _weekmask_pieces(probe, first, last)]
    frames = [_session_frame(schedule, probe.tz.key) for schedule in schedules if not schedule.empty]
    return pl.concat(frames) if frames else pl.DataFrame(schema=SESSION_SCHEMA)


def _weekmask_pieces(
    calendar: ExchangeCalendar, first: pd.Timestamp, last: pd.Timestamp
) -> Iterator[tuple[str, pd.Timestamp, pd.Timestamp]]:
    """Cut a range where the days of the week on which an exchange trades change.

    exchange_calendars 4.13.2 does this itself, but under pandas 3 its offset ignores the special
    weekmasks: XBOM loses its Saturdays (2025-02-01) and XTAE, open on Sundays until 2026-01-04, can't
    be built at all. Drop this when sessions_of("XBOM") is right without it.
    """
    day = pd.Timedelta(days=1)
    for special_first, special_last, weekmask in getattr(calendar, "special_weekmasks", ()):
        start, end = max(first, special_first or first), min(last, special_last or last)
        if start > end:
            continue
        if first < start:
            yield calendar.weekmask, first, start - day
        yield weekmask, start, end
        first = end + day
    if first <= last:
        yield calendar.weekmask, first, last


def _schedule(
    calendar: ExchangeCalendar, weekmask: str, first: pd.Timestamp, last: pd.Timestamp
) -> pd.DataFrame:
    """Sessions from `first` to `last`, both inclusive, none where the exchange does not trade at all."""
    whole_week = type(calendar.name, (type(calendar),), {"weekmask": weekmask, "special_weekmasks": []})
    # The library wants start < end: a day alone is cut from the two that end with it.
    start = first if first < last else first - pd.Timedelta(days=1)
    try:
        schedule: pd.DataFrame = whole_week(start=start, end=last).schedule
    except exchange_calendars.errors.NoSessionsError:
        return pd.DataFrame()
    return schedule.loc[first:last]


def _session_frame(schedule: pd.DataFrame, time_zone: str) -> pl.DataFrame:
    sessions = pl.DataFrame(
        {
            "session_date": schedule.index.to_numpy().astype("datetime64[D]"),
            **{f"{name}_time": _instants(schedule[name]) for name in schedule.columns},
        }
    )
    broken = (pl.col("break_end_time") - pl.col("break_start_time")).fill_null(pl.duration())
    trading = pl.col("close_time") - pl.col("open_time") - broken
    return sessions.with_columns(
        pl.lit("").alias("mic"),
        trading.dt.total_minutes().cast(pl.Int32).alias("trading_minutes"),
        pl.lit(time_zone).alias("time_zone"),
        pl.lit(CALENDAR_VERSION).alias("calendar_version"),
    ).select(SESSION_SCHEMA.names())


def _instants(times: pd.Series) -> pl.Series:
    naive = times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    return pl.Series(naive).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
