"""Candles of sessions: frames of market.candles from minute bars, or from providers' daily bars.

What belongs here: the way from bars that were chosen to rows of market.candles. What does not: the
arithmetic (folding), weeks and months (periods), proofs that candles are right (proofs), which source is
taken (choosing). The functions of periods and proofs are offered here too: this is the door to candles.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from findata_core.calendars import SessionBounds, dates_at, mic_of
from findata_core.errors import DataError
from findata_core.market.folding import CandleArrays, MinuteArrays, fold_arrays
from findata_core.market.periods import fold_period_candles, period_bounds
from findata_core.market.proofs import refold_differences, untiled
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


def fold_session_candles(bars: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Fold regular 1m bars into candles of all widths up to the session, as rows of market.candles.

    `bars`: rows of market.bars of one source for each instrument and session (choose_sources); other
    intervals and phases are left out. `sessions`: those of the bars. ingest_time is there if the bars
    have it. DataError where an instrument has two bars at one time or two sources in one session.
    """
    minutes = bars.filter(interval="1m", session_phase="regular").sort(BAR_KEY)
    _refuse_unchosen(minutes)
    bounds = SessionBounds.of(_of_the_bars(sessions, minutes))
    instruments = minutes["instrument_id"].unique().sort()
    folded = fold_arrays(_minute_arrays(minutes, instruments), _venues(instruments, bounds), bounds)
    frames = [_candle_frame(name, arrays, minutes, bounds) for name, arrays in folded.items()]
    return pl.concat(frames).sort(CANDLES.business_key)


def daily_candles(bars_1d: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Rows of market.candles of interval 1d from providers' daily bars (source_interval 1d), all complete.

    `bars_1d`: rows of market.bars_1d of one source for each instrument and session (choose_sources).
    """
    daily = bars_1d.filter(interval="1d")
    _refuse_unchosen(daily)
    calendar = sessions.select("mic", "session_date", "trading_minutes", available_time="close_time")
    placed = daily.with_columns(mic=mic_of(pl.col("instrument_id"))).join(
        calendar, on=["mic", "session_date"]
    )
    candles = placed.with_columns(
        source_interval=pl.lit("1d"),
        expected_minutes=pl.col("trading_minutes"),
        present_minutes=pl.col("trading_minutes"),
        is_complete=pl.lit(value=True),
    )
    return candles.select(_columns(bars_1d)).sort(CANDLES.business_key)


def minute_candles(bars: pl.DataFrame) -> pl.DataFrame:
    """Return regular 1m bars in the shape of candles of one minute, which are stored nowhere.

    `bars`: rows of market.bars of one source for each instrument and session (choose_sources).
    """
    one = pl.lit(1, pl.Int32)
    minutes = bars.filter(interval="1m", session_phase="regular").with_columns(
        source_interval=pl.lit("1m"),
        expected_minutes=one,
        present_minutes=one,
        is_complete=pl.lit(value=True),
        available_time=pl.col("event_time") + pl.duration(minutes=1),
    )
    return minutes.select(_columns(bars)).sort(CANDLES.business_key)


def _of_the_bars(sessions: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """The sessions from the bars' first to their last: to lay out decades of them takes longer than to fold one."""
    days = bars["session_date"]
    return sessions.filter(pl.col("session_date").is_between(days.min(), days.max()))


def _repeated(name: str, text: str, count: int) -> pl.Series:
    return pl.Series(name, [text], pl.String).new_from_index(0, count)


def _columns(bars: pl.DataFrame) -> list[str]:
    """Columns of market.candles, in order, without ingest_time where the bars have none."""
    return [c.name for c in CANDLES.columns if c.name != KNOWLEDGE_COLUMN or KNOWLEDGE_COLUMN in bars.columns]


def _refuse_unchosen(bars: pl.DataFrame) -> None:
    ways = bars.group_by("instrument_id", "session_date").agg(pl.struct("source", "adjustment").n_unique())
    mixed = ways.filter(pl.col("source") > 1)
    if len(mixed):
        instrument_id, session_date, _ = mixed.row(0)
        raise DataError(
            f"{instrument_id} has two sources on {session_date}", "choose one with choose_sources"
        )
    repeated = bars.filter(bars.select(BAR_KEY).is_duplicated())
    if len(repeated):
        instrument_id, event_time = repeated.select(BAR_KEY).row(0)
        raise DataError(f"{instrument_id} has two bars at {event_time}", "keep the current row of each key")


def _minute_arrays(minutes: pl.DataFrame, instruments: pl.Series) -> MinuteArrays:
    codes = minutes["instrument_id"].cast(pl.Enum(instruments)).to_physical().cast(pl.Int32)
    latest = [name for name in ("settles_time", KNOWLEDGE_COLUMN) if name in minutes.columns]
    return MinuteArrays(
        instrument=codes.to_numpy(),
        time=minutes["event_time"].dt.epoch("us").to_numpy(),
        open=minutes["open"].to_numpy(),
        high=minutes["high"].to_numpy(),
        low=minutes["low"].to_numpy(),
        close=minutes["close"].to_numpy(),
        volume=minutes["volume"].to_numpy(),
        latest={name: minutes[name].dt.epoch("us").to_numpy() for name in latest},
    )


def _venues(instruments: pl.Series, bounds: SessionBounds) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Position of each instrument's exchange in the bounds; -1 where they do not have it."""
    mics = pl.DataFrame({"instrument_id": instruments}).select(mic_of(pl.col("instrument_id"))).to_series()
    positions = {mic: position for position, mic in enumerate(bounds.mics)}
    return np.array([positions.get(mic, -1) for mic in mics], dtype=np.int64)


def _candle_frame(
    interval: str, candles: CandleArrays, minutes: pl.DataFrame, bounds: SessionBounds
) -> pl.DataFrame:
    first = minutes.select("instrument_id", "source", "adjustment")[candles.first_row]
    # Columns are put side by side: as expressions they would be a query for each width.
    frame = first.hstack(
        [
            _repeated("interval", interval, first.height),
            _repeated("source_interval", "1m", first.height),
            pl.Series("event_time", candles.start).cast(INSTANT),
            dates_at(bounds, candles.session.astype(np.int64)).alias("session_date"),
            pl.Series("open", candles.open),
            pl.Series("high", candles.high),
            pl.Series("low", candles.low),
            pl.Series("close", candles.close),
            pl.Series("volume", candles.volume),
            pl.Series("expected_minutes", candles.expected_minutes),
            pl.Series("present_minutes", candles.present_minutes),
            pl.Series("is_complete", candles.present_minutes == candles.expected_minutes),
            pl.Series("available_time", candles.end).cast(INSTANT),
            *(pl.Series(name, values).cast(INSTANT) for name, values in candles.latest.items()),
        ]
    )
    return frame.select(_columns(minutes))
