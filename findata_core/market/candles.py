"""Candles of sessions: frames of market.candles from minute bars, or from providers' daily bars.

What belongs here: the way from bars that were chosen to rows of market.candles. What does not: the
arithmetic (folding), weeks and months (periods), proofs that candles are right (proofs), which source is
taken (choosing). The functions of periods and proofs are offered here too: this is the door to candles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from findata_core.calendars import SessionBounds, mic_of
from findata_core.errors import DataError
from findata_core.market.folding import CandleArrays, MinuteArrays, fold_arrays
from findata_core.market.periods import fold_period_candles, period_bounds
from findata_core.market.proofs import refold_differences, untiled
from findata_core.market.session_days import rows_of_days, span_of
from findata_core.schema import runs
from findata_core.schema.runs import is_of_one, row_places, rows_at, rows_where
from findata_core.schema.tables import table

__all__ = [
    "MinuteArrays",
    "daily_candles",
    "fold_arrays",
    "fold_period_candles",
    "fold_session_candles",
    "minute_candles",
    "period_bounds",
    "refold_differences",
    "untiled",
]

CANDLES = table("market.candles")
INSTANT = pl.Datetime("us", "UTC")
KNOWLEDGE_COLUMN = "ingest_time"
BAR_KEY = ("instrument_id", "event_time")
SESSION_COLUMNS = ("mic", "session_date", "trading_minutes", "close_time")
FOLDED_COLUMNS = ("open", "high", "low", "close", "volume", "expected_minutes", "present_minutes")


def fold_session_candles(bars: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Fold regular 1m bars into candles of all widths up to the session, as rows of market.candles.

    `bars`: rows of market.bars of one source for each instrument and session (choose_sources); other
    intervals and phases are left out. `sessions`: those of the bars. ingest_time is there if the bars
    have it. DataError where an instrument has two bars at one time or two sources in one session.
    """
    minutes = _sorted_bars(_regular_minutes(bars))
    # The sessions from the bars' first to their last: to lay out decades of them takes longer than to fold one.
    bounds = SessionBounds.of(rows_of_days(sessions, span_of(minutes.get_column("session_date"))))
    names = minutes.get_column("instrument_id")
    firsts = runs.starts(minutes, ["instrument_id"])
    instruments = names[row_places(firsts)].to_list()
    folded = fold_arrays(_minute_arrays(minutes, firsts), _venues(instruments, bounds), bounds)
    return _candle_frame(folded, minutes, bounds)


def daily_candles(bars_1d: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Rows of market.candles of interval 1d from providers' daily bars (source_interval 1d), all complete.

    `bars_1d`: rows of market.bars_1d of one source for each instrument and session (choose_sources).
    """
    daily = rows_where(bars_1d, bars_1d.get_column("interval") == "1d")
    is_in_order = _is_in_order(daily)
    _refuse_unchosen(daily, is_in_order=is_in_order)
    calendar = rows_of_days(sessions, span_of(daily.get_column("session_date")))[list(SESSION_COLUMNS)]
    placed = daily.with_columns(mic=mic_of(pl.col("instrument_id"))).join(
        calendar, on=["mic", "session_date"], maintain_order="left_right"
    )
    given = [pl.col(name) for name in _columns(bars_1d) if name in bars_1d.columns]
    candles = placed.select(*given, **_of_the_provider())[_columns(bars_1d)]
    return candles if is_in_order else candles.sort(CANDLES.business_key)


def _of_the_provider() -> dict[str, pl.Expr]:
    """What a provider's daily bar has as a candle: it says that it is the whole session."""
    return {
        "source_interval": pl.lit("1d"),
        "expected_minutes": pl.col("trading_minutes"),
        "present_minutes": pl.col("trading_minutes"),
        "is_complete": pl.lit(value=True),
        "available_time": pl.col("close_time"),
    }


def minute_candles(bars: pl.DataFrame) -> pl.DataFrame:
    """Return regular 1m bars in the shape of candles of one minute, which are stored nowhere.

    `bars`: rows of market.bars of one source for each instrument and session (choose_sources).
    """
    one = pl.lit(1, pl.Int32)
    minutes = _regular_minutes(bars).with_columns(
        source_interval=pl.lit("1m"),
        expected_minutes=one,
        present_minutes=one,
        is_complete=pl.lit(value=True),
        available_time=pl.col("event_time") + pl.duration(minutes=1),
    )
    return minutes.select(_columns(bars)).sort(CANDLES.business_key)


def _regular_minutes(bars: pl.DataFrame) -> pl.DataFrame:
    is_minute = bars.get_column("interval") == "1m"
    return rows_where(bars, is_minute & (bars.get_column("session_phase") == "regular"))


def _columns(bars: pl.DataFrame) -> list[str]:
    """Columns of market.candles, in order, without ingest_time where the bars have none."""
    return [c.name for c in CANDLES.columns if c.name != KNOWLEDGE_COLUMN or KNOWLEDGE_COLUMN in bars.columns]


def _sorted_bars(bars: pl.DataFrame) -> pl.DataFrame:
    """Return bars of one source by instrument and time, in which order they mostly are; DataError as said above."""
    is_in_order = _is_in_order(bars)
    ordered = bars if is_in_order else bars.sort(BAR_KEY)
    _refuse_unchosen(ordered, is_in_order=is_in_order)
    return ordered


def _is_in_order(bars: pl.DataFrame) -> bool:
    """Tell whether bars are sorted by instrument and time, and no two of an instrument have one time."""
    names, times = bars.get_column("instrument_id"), _microseconds(bars, "event_time")
    firsts = runs.starts(bars, ["instrument_id"])
    is_later = times[1:] > times[:-1]
    is_later[firsts[1:] - 1] = True
    return bool(is_later.all()) and names[row_places(firsts)].is_sorted()


def _refuse_unchosen(bars: pl.DataFrame, *, is_in_order: bool) -> None:
    if not (is_of_one(bars.get_column("source")) and is_of_one(bars.get_column("adjustment"))):
        _refuse_two_sources(bars)
    if not is_in_order:
        _refuse_two_bars(bars)


def _refuse_two_sources(bars: pl.DataFrame) -> None:
    ways = bars.group_by("instrument_id", "session_date").agg(pl.struct("source", "adjustment").n_unique())
    mixed = ways.filter(pl.col("source") > 1)
    if len(mixed):
        instrument_id, session_date, _ = mixed.row(0)
        raise DataError(
            f"{instrument_id} has two sources on {session_date}", "choose one with choose_sources"
        )


def _refuse_two_bars(bars: pl.DataFrame) -> None:
    repeated = bars.filter(bars.select(BAR_KEY).is_duplicated())
    if len(repeated):
        instrument_id, event_time = repeated.select(BAR_KEY).row(0)
        raise DataError(f"{instrument_id} has two bars at {event_time}", "keep the current row of each key")


def _minute_arrays(minutes: pl.DataFrame, firsts: npt.NDArray[np.int64]) -> MinuteArrays:
    """Columns of sorted minutes; an instrument's code is its number in them. `firsts`: its first rows."""
    codes = np.arange(len(firsts), dtype=np.int32)
    latest = [name for name in ("settles_time", KNOWLEDGE_COLUMN) if name in minutes.columns]
    return MinuteArrays(
        instrument=np.repeat(codes, np.diff(firsts, append=minutes.height)),
        time=_microseconds(minutes, "event_time"),
        open=minutes.get_column("open").to_numpy(),
        high=minutes.get_column("high").to_numpy(),
        low=minutes.get_column("low").to_numpy(),
        close=minutes.get_column("close").to_numpy(),
        volume=minutes.get_column("volume").to_numpy(),
        latest={name: _microseconds(minutes, name) for name in latest},
    )


def _microseconds(bars: pl.DataFrame, column: str) -> npt.NDArray[np.int64]:
    return bars.get_column(column).cast(pl.Int64).to_numpy()


def _venues(instruments: Sequence[str], bounds: SessionBounds) -> npt.NDArray[np.int64]:
    """Position of each instrument's exchange in the bounds; -1 where they do not have it."""
    positions = {f".{mic}": position for position, mic in enumerate(bounds.mics)}
    places = [positions.get(name[name.rfind(".") :], -1) if "." in name else -1 for name in instruments]
    return np.array(places, dtype=np.int64)


def _candle_frame(
    folded: Mapping[str, CandleArrays], minutes: pl.DataFrame, bounds: SessionBounds
) -> pl.DataFrame:
    """Rows of market.candles, sorted by its key."""
    width, candles = _all_widths(folded)
    first = rows_at(minutes[["instrument_id", "source", "adjustment"]], candles.first_row)
    frame = first.hstack(
        [
            pl.Series("interval", sorted(folded), pl.String)[row_places(width)],
            pl.Series("source_interval", ["1m"], pl.String).new_from_index(0, first.height),
            bounds.session_date.alias("session_date")[row_places(candles.session)],
            *(pl.Series(name, getattr(candles, name)) for name in FOLDED_COLUMNS),
            pl.Series("is_complete", candles.present_minutes == candles.expected_minutes),
            pl.Series("event_time", candles.start).cast(INSTANT),
            pl.Series("available_time", candles.end).cast(INSTANT),
            *(pl.Series(name, values).cast(INSTANT) for name, values in candles.latest.items()),
        ]
    )
    return frame[_columns(minutes)]


def _all_widths(folded: Mapping[str, CandleArrays]) -> tuple[npt.NDArray[np.int64], CandleArrays]:
    """Candles by instrument, name of their width and start; and each one's width, as a position among the sorted names.

    Arrays are joined, and not frames of each width: those cost more than their rows.
    """
    widths = [folded[name] for name in sorted(folded)]
    # The starts of an instrument's candles of one width are in order already.
    order = np.argsort(np.concatenate([width.instrument for width in widths]), kind="stable")

    def joined(arrays: Iterable[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        return np.concatenate([*arrays]).take(order)

    width = joined(np.full(len(one.start), number) for number, one in enumerate(widths))
    latest = {name: joined(one.latest[name] for one in widths) for name in widths[0].latest}
    names = [column.name for column in fields(CandleArrays) if column.name != "latest"]
    columns = {name: joined(getattr(one, name) for one in widths) for name in names}
    return width, CandleArrays(**columns, latest=latest)
