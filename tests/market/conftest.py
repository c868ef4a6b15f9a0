"""Builders of parsed rows, bars and the bundled sample: the caller says what matters, the rest is plain."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

import findata_resources
from findata_core.calendars import sessions_of
from findata_core.market.bars import PARSED_SCHEMA, complete_bars, restore_float32

SAMPLE = Path(findata_resources.__file__).parent / "sample"
SYMBOLS = {"MSFT.XNAS": "MSFT", "AZN.XLON": "AZN.L", "9988.XHKG": "9988.HK"}
LATER = datetime(2026, 6, 1, tzinfo=UTC)
SETTLES_AFTER = timedelta(minutes=30)

Rows = Callable[..., pl.DataFrame]


def _parsed(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    plain = {
        "instrument_id": "AAPL.XNAS",
        "interval": "1m",
        "source": "yahoo",
        "adjustment": "split",
        "event_time": None,
        "session_date": None,
        **dict.fromkeys(("open", "high", "low", "close"), 100.0),
        "volume": 10.0,
        "vwap": None,
        "trade_count": None,
    }
    numbered = [{"row_number": number, **plain, **row} for number, row in enumerate(rows)]
    return pl.DataFrame(numbered, schema=PARSED_SCHEMA)


@pytest.fixture(scope="session")
def parsed() -> Rows:
    """Parsed rows of AAPL on Nasdaq; each row says what differs from a plain one."""
    return _parsed


@pytest.fixture(scope="session")
def minutes() -> Rows:
    """Regular 1m bars at these times of an instrument, prices rising by one, volume 1 each."""

    def build(times: Sequence[datetime], instrument_id: str = "AAPL.XNAS", **columns: Any) -> pl.DataFrame:
        rows = [
            {"instrument_id": instrument_id, "event_time": time, "volume": 1.0, **columns}
            | {"open": 100.0 + n, "high": 101.5 + n, "low": 99.5 + n, "close": 101.0 + n}
            for n, time in enumerate(times)
        ]
        mic = instrument_id.rsplit(".", 1)[1]
        days = (min(times).date() - timedelta(days=1), max(times).date() + timedelta(days=1))
        return complete_bars(_parsed(rows), sessions_of(mic, *days), LATER, SETTLES_AFTER).bars

    return build


@pytest.fixture(scope="session")
def sample() -> pl.DataFrame:
    """Bars of the bundled sample: MSFT, AZN.L and 9988.HK by the minute, as rows of market.bars."""
    frames = [_completed(_sample_rows(symbol), name) for name, symbol in SYMBOLS.items()]
    return pl.concat(frames).sort("instrument_id", "event_time")


@pytest.fixture(scope="session")
def sample_sessions() -> pl.DataFrame:
    """Sessions of the sample's exchanges over whole weeks and months around it."""
    days = (date(2022, 5, 1), date(2022, 7, 3))
    return pl.concat(sessions_of(mic, *days) for mic in ("XHKG", "XLON", "XNAS"))


@pytest.fixture(scope="session")
def half_day(trial_data: Path) -> pl.DataFrame:
    """GOOG on 2015-12-24, when New York closed at 13:00, from QuantConnect's Lean."""
    folder = trial_data / "bars_1m" / "QuantConnect-Lean" / "equity" / "usa" / "minute" / "goog"
    with zipfile.ZipFile(folder / "20151224_trade.zip") as archive:
        text = archive.read(archive.namelist()[0]).decode()
    midnight = datetime(2015, 12, 24, tzinfo=ZoneInfo("America/New_York"))
    rows = [
        {
            "event_time": midnight.astimezone(UTC) + timedelta(milliseconds=int(since)),
            **{
                name: int(price) / 10_000
                for name, price in zip(("open", "high", "low", "close"), prices, strict=True)
            },
            "volume": float(volume),
        }
        for since, *prices, volume in csv.reader(io.StringIO(text))
    ]
    return _completed(_parsed(rows), "GOOG.XNAS")


def _sample_rows(symbol: str) -> pl.DataFrame:
    with (SAMPLE / f"{symbol}_1m.csv").open(encoding="utf-8") as file:
        rows = [
            {"event_time": datetime.fromisoformat(row.pop("date"))} | {k: float(v) for k, v in row.items()}
            for row in csv.DictReader(file)
        ]
    return restore_float32(_parsed(rows))


def _completed(rows: pl.DataFrame, instrument_id: str) -> pl.DataFrame:
    named = rows.with_columns(instrument_id=pl.lit(instrument_id))
    days = (rows["event_time"].min(), rows["event_time"].max())
    sessions = sessions_of(instrument_id.rsplit(".", 1)[1], days[0].date(), days[1].date())  # type: ignore[union-attr]
    completed = complete_bars(named, sessions, LATER, SETTLES_AFTER)
    assert completed.refused.is_empty()
    return completed.bars
