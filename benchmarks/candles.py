"""Candles of a year: findata's fold against a compiled pass, pandas and Polars, in one run on one machine.

What belongs here: the sides, their medians, the peak memory of ours, the targets. What does not: the data
(year), the compiled pass itself (numba_fold).
"""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable
from datetime import date, time
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl

from benchmarks import numba_fold
from benchmarks.measuring import Line, medians, peak_gb
from benchmarks.year import Year, frame_of, make_year
from findata_core.market.candles import fold_arrays, fold_period_candles
from findata_core.market.folding import CandleArrays
from findata_resources.environment import PROJECT

# Measured before this was built: a cascade of reduceat took 1.7 times as long as numba, with 2.1 GB.
TARGET_RATIO = 2.0
TARGET_PEAK_GB = 2.5
WIDTHS = ("5m", "15m", "30m", "1h", "4h", "1d")
# A month in which New York's clock does not change: the resamplers can be anchored by a constant.
MONTH = (date(2025, 1, 1), date(2025, 1, 31))
SESSION_OPEN_OF_MONTH = "14h30min"
MONTHS_A_YEAR = 12
NEW_YORK = ZoneInfo("America/New_York")
FOUR_HOUR_STARTS = {time(9, 30), time(13, 30)}  # by the wall clock, the year round


def run(instruments: int = 200, repeats: int = 11) -> list[Line]:
    """Compare the sides, after both were found to give the same candles."""
    peak_gigabytes = peak_of(instruments)
    year = make_year(instruments)
    _same_candles(year)
    _anchored_at_the_open(year)
    seconds = medians({"findata": lambda: fold_year(year), "numba": lambda: numba_fold.fold(year)}, repeats)
    others = medians(_month_sides(instruments), max(1, repeats // 5))
    ratio = seconds["findata"] / seconds["numba"]
    rows = f"{len(year.bars.time):,} minutes of {instruments} instruments"
    detail = f"{rows}: {seconds['findata']:.2f} s against {seconds['numba']:.2f} s, medians of {repeats}"
    return [
        Line("candles: a year, against numba in parallel", ratio, TARGET_RATIO, detail),
        Line("candles: a year, peak memory in GB, data included", peak_gigabytes, TARGET_PEAK_GB, rows),
        *(_month_line(name, spent, seconds) for name, spent in others.items()),
    ]


def _month_line(name: str, spent: float, seconds: dict[str, float]) -> Line:
    a_year = spent * MONTHS_A_YEAR
    times = a_year / seconds["findata"]
    detail = f"six intervals of a month in {spent:.2f} s, times 12; findata is {times:.0f} times as fast"
    return Line(f"candles: {name}, against numba", a_year / seconds["numba"], None, detail)


def fold_year(year: Year) -> tuple[dict[str, CandleArrays], pl.DataFrame, pl.DataFrame]:
    """What is measured: six widths of sessions as arrays, weeks and months as frames."""
    candles = fold_arrays(year.bars, year.venues, year.bounds)
    daily = daily_frame(year, candles["1d"])
    weeks, months = (fold_period_candles(daily, year.sessions, period) for period in ("1w", "1mo"))
    return candles, weeks, months


def daily_frame(year: Year, daily: CandleArrays) -> pl.DataFrame:
    """The session candles of a year as rows of market.candles."""
    return pl.DataFrame(
        {
            "instrument_id": pl.Series(year.instruments).gather(daily.instrument),
            "event_time": pl.Series(daily.start).cast(pl.Datetime("us", "UTC")),
            "session_date": year.bounds.session_date.gather(daily.session),
            **{name: getattr(daily, name) for name in ("open", "high", "low", "close", "volume")},
            "present_minutes": daily.present_minutes,
            "is_complete": daily.present_minutes == daily.expected_minutes,
            "settles_time": pl.Series(daily.end).cast(pl.Datetime("us", "UTC")),
        }
    ).with_columns(
        interval=pl.lit("1d"),
        source_interval=pl.lit("1m"),
        source=pl.lit("yahoo"),
        adjustment=pl.lit("split"),
    )


def peak_of(instruments: int) -> float:
    """Peak resident memory in GB of a process that makes the year and folds it once."""
    command = [sys.executable, "-m", "benchmarks.candles", str(instruments)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=PROJECT)
    return float(answer.stdout)


def _same_candles(year: Year) -> None:
    """Both sides give the same candles; otherwise their speeds can't be compared."""
    candles, weeks, months = fold_year(year)
    compiled = numba_fold.fold(year)
    for theirs, ours in zip(compiled, [*candles.values(), weeks, months], strict=True):
        for name in ("open", "high", "low", "close", "volume"):
            mine = ours[name].to_numpy() if isinstance(ours, pl.DataFrame) else getattr(ours, name)
            if not np.array_equal(getattr(theirs, name), mine):
                raise AssertionError(f"The sides differ in {name}")
    for theirs, ours in zip(compiled, candles.values(), strict=False):
        pairs = (theirs.start, ours.start), (theirs.end, ours.end), (theirs.expected, ours.expected_minutes)
        if not all(np.array_equal(*pair) for pair in pairs):
            raise AssertionError("The sides differ in the bounds of candles")


def _anchored_at_the_open(year: Year) -> None:
    """Every 4h candle starts at 09:30 or 13:30 in New York: also after both changes of its clock."""
    starts = pl.Series(fold_arrays(year.bars, year.venues, year.bounds)["4h"].start).unique()
    local = starts.cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(NEW_YORK.key)
    if set(local.dt.time()) != FOUR_HOUR_STARTS or local.dt.date().n_unique() != year.sessions.height:
        raise AssertionError(f"4h candles start at {sorted(set(local.dt.time()))}")


def _month_sides(instruments: int) -> dict[str, Callable[[], object]]:
    bars = frame_of(make_year(instruments, first=MONTH[0], last=MONTH[1]))
    columns = bars.select("instrument_id", "event_time", "open", "high", "low", "close", "volume")
    frame = columns.to_pandas().set_index("event_time")
    return {
        "pandas resample": lambda: [_pandas(frame, width) for width in WIDTHS],
        "polars group_by_dynamic": lambda: [_polars(columns, width) for width in WIDTHS],
    }


def _pandas(frame: pd.DataFrame, width: str) -> pd.DataFrame:
    rule = {"5m": "5min", "15m": "15min", "30m": "30min", "1h": "1h", "4h": "4h", "1d": "1D"}[width]
    offset = "0min" if width == "1d" else SESSION_OPEN_OF_MONTH
    with warnings.catch_warnings():
        # pandas 3 warns that it ignores the offset of a day, which is what is wanted.
        warnings.simplefilter("ignore", RuntimeWarning)
        resampled = frame.groupby("instrument_id").resample(rule, origin="start_day", offset=offset)
    fold = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    return resampled.agg(fold).dropna()


def _polars(frame: pl.DataFrame, width: str) -> pl.DataFrame:
    # 14:30 is 2 h 30 min after a multiple of four hours.
    offset = {"1h": "30m", "4h": "2h30m"}.get(width, "0m")
    return frame.group_by_dynamic("event_time", every=width, offset=offset, group_by="instrument_id").agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
    )


if __name__ == "__main__":
    fold_year(make_year(int(sys.argv[1])))
    print(peak_gb())
