"""Complete weeks and what stands around them: the daily candles behind each, and the trading week that it is for.

What belongs here: an exchange's trading weeks, the first one after a week, its first session's daily candle, and that
all candles behind are given. What does not: what the levels are (pivots.py).
"""

from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from findata_core.errors import DataError
from findata_core.exchanges import mic_of
from findata_core.signals.columns import (
    UNKNOWN,
    Numbers,
    common_ranks,
    distinct,
    expanded,
    gathered,
    instants,
    joined_text,
    starts_run,
    text_lists,
    where,
)

FAMILY = ("instrument_id", "source_interval", "adjustment")  # two of them are never mixed
NONE = -1  # no daily candle
MONDAY_SHIFT = 3  # 1970-01-01, day 0, was a Thursday


class Validity(NamedTuple):
    """The trading week after each of some weeks: its first session's date, and when levels for it are valid."""

    first_session_date: Numbers  # days since 1970; UNKNOWN where no such week is known
    valid_from_time: Numbers
    valid_until_time: Numbers

    def at(self, positions: Numbers) -> "Validity":
        """Return those of these weeks."""
        return Validity(self[0][positions], self[1][positions], self[2][positions])


class Days(NamedTuple):
    """Daily candles in the order of family and session: a number that says both, and the row."""

    key: Numbers
    row: Numbers

    def between(self, first: Numbers, end: Numbers) -> tuple[Numbers, Numbers]:
        """Return where those with a number in [first, end) begin and end, for each pair."""
        return np.searchsorted(self.key, first), np.searchsorted(self.key, end)


class Followed(NamedTuple):
    """Complete weeks after which a trading week is known, the earliest first."""

    weeks: pl.DataFrame
    daily: pl.DataFrame
    row: Numbers  # of weeks
    validity: Validity
    source_candles: pl.Series  # keys of the daily candles behind the week
    ingest_time: Numbers  # of the youngest of the week and those
    opening: Numbers  # the row of daily of the complete candle of the first session after the week, or NONE


def followed(weeks: pl.DataFrame, daily: pl.DataFrame, sessions: pl.DataFrame) -> Followed:
    """Return those of complete weeks after which a trading week is known, with daily candles of the same family.

    DataError where the daily candles of one of them are not all given.
    """
    row, validity = _valid(weeks, sessions)
    week_family, day_family = common_ranks(weeks, daily, FAMILY)
    family, keys = week_family[row], _keys(day_family, days(daily.get_column("session_date")))
    source_candles, ingest_time = _behind(weeks, daily, row, family, _ordered(keys, np.arange(len(keys))))
    complete = where(daily.get_column("is_complete"))
    at, opening = _openings(_keys(family, validity.first_session_date), _ordered(keys[complete], complete))
    lists = source_candles.gather(at) if len(at) > len(row) else source_candles
    return Followed(weeks, daily, row[at], validity.at(at), lists, ingest_time[at], opening)


def days(column: pl.Series) -> Numbers:
    """Return a column of dates as days since 1970."""
    numbers: Numbers = column.to_numpy().view(np.int64)
    return numbers


def _keys(family: Numbers, dates: Numbers) -> Numbers:
    return (family << 32) + dates  # a date has 32 bits


def _ordered(keys: Numbers, rows: Numbers) -> Days:
    order = np.argsort(keys, kind="stable")
    return Days(keys[order], rows[order])


def _behind(
    weeks: pl.DataFrame, daily: pl.DataFrame, row: Numbers, family: Numbers, by_day: Days
) -> tuple[pl.Series, Numbers]:
    """Return the keys of the daily candles behind each week, and the knowledge time of the youngest of all."""
    starts = days(weeks.get_column("period_start_date"))[row]
    first, end = by_day.between(_keys(family, starts), _keys(family, starts + 7))
    end = np.where(starts == _mondays(starts), end, first)
    _refuse_absent_candles(weeks, row, end - first)
    of, at = expanded(first, end)
    ingest_time = instants(weeks.get_column("ingest_time"))[row]
    np.maximum.at(ingest_time, of, instants(daily.get_column("ingest_time"))[by_day.row[at]])
    used = gathered(daily, ("instrument_id", "interval", "source_interval", "session_date"), by_day.row[at])
    *names, dates = (column.to_arrow() for column in used)
    edges = np.append(0, np.cumsum(end - first))
    return text_lists(
        "source_candles", joined_text([*names, dates.cast(pa.large_string())]), edges
    ), ingest_time


def _refuse_absent_candles(weeks: pl.DataFrame, row: Numbers, given: Numbers) -> None:
    short = np.flatnonzero(given != weeks.get_column("expected_sessions").to_numpy()[row])
    for position in short[:1]:
        week = weeks.row(int(row[position]), named=True)
        name = f"{week['instrument_id']} ({week['source_interval']})"
        raise DataError(
            f"{name}: {given[position]} of {week['expected_sessions']} daily candles are given for the complete week "
            f"from {week['period_start_date']}",
            "Materialize market/candles and market/weekly_candles of that week again",
        )


def _openings(wanted: Numbers, by_day: Days) -> tuple[Numbers, Numbers]:
    """Return pairs of a week and the row of the candle of its first session after, or NONE where none is complete."""
    first, end = by_day.between(wanted, wanted + 1)
    of, at = expanded(first, np.maximum(end, first + 1))
    return of, np.where(end[of] > first[of], np.append(by_day.row, NONE)[at], NONE)


def _valid(weeks: pl.DataFrame, sessions: pl.DataFrame) -> tuple[Numbers, Validity]:
    """Return the rows of the weeks after which a trading week is known, the earliest first, and those."""
    end_dates = weeks.get_column("period_end_date")
    mics = weeks.select(mic_of(pl.col("instrument_id"))).to_series()
    validity = Validity(*np.full((3, weeks.height), UNKNOWN))
    exchange, names = distinct(mics)
    for number, mic in enumerate(names):
        if mic is None:
            continue  # a name without an exchange
        here = np.flatnonzero(exchange == number)
        for values, found in zip(validity, _after(days(end_dates)[here], sessions, mic), strict=True):
            values[here] = found
    order = end_dates.arg_sort().to_numpy()
    row = order[validity.first_session_date[order] != UNKNOWN]
    return row, validity.at(row)


def _after(end_dates: Numbers, sessions: pl.DataFrame, mic: str) -> Validity:
    """Return one exchange's trading week whose first session is the next after each date.

    Trading weeks are the ISO weeks (Monday to Sunday of session dates) that hold a session: others are skipped.
    """
    here = where(sessions.get_column("mic") == mic)
    dates = days(sessions.get_column("session_date"))[here]
    order = np.argsort(dates, kind="stable")
    near = _near(dates[order], end_dates)
    dates, rows = dates[order[near]], here[order[near]]
    first = np.flatnonzero(starts_run(_mondays(dates)))
    opens, closes = (instants(sessions.get_column(name))[rows] for name in ("open_time", "close_time"))
    weeks = Validity(dates[first], np.minimum.reduceat(opens, first), np.maximum.reduceat(closes, first))
    known = Validity(*(np.append(values, UNKNOWN) for values in weeks))
    return known.at(np.searchsorted(dates[first], end_dates, "right"))


def _near(dates: Numbers, end_dates: Numbers) -> slice:
    """Return where the sessions are that matter: from the first week asked for to the trading week after the last."""
    first = np.searchsorted(dates, _mondays(end_dates.min()))
    following = np.searchsorted(dates, _mondays(end_dates.max()) + 7)
    if following == len(dates):
        return slice(int(first), len(dates))
    return slice(int(first), int(np.searchsorted(dates, _mondays(dates[following]) + 7)))


def _mondays(dates: Numbers) -> Numbers:
    """Return the Monday of each day's ISO week."""
    return dates - (dates + MONDAY_SHIFT) % 7
