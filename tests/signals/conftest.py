"""Builders of sessions, candles and levels: the caller says what matters, the rest is plain."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from findata_core.schema.frames import conform
from findata_core.schema.tables import table

Rows = Callable[..., pl.DataFrame]
RECEIVED = datetime(2022, 6, 15, 21, tzinfo=UTC)
ANSWERS = Path(__file__).parents[1] / "answers"


def _at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


@pytest.fixture
def answers() -> Mapping[str, Any]:
    """Levels worked by hand and by another library."""
    return tomllib.loads((ANSWERS / "pivots_by_hand.toml").read_text(encoding="utf-8"))


@pytest.fixture
def sessions() -> Rows:
    """Sessions of these days, 13:30 to 20:00 UTC, or to 17:00 on half days."""

    def build(days: Sequence[date], mic: str = "XNAS", half_days: Sequence[date] = ()) -> pl.DataFrame:
        rows = [
            {
                "mic": mic,
                "session_date": day,
                "open_time": _at(day, 13, 30),
                "close_time": _at(day, 17 if day in half_days else 20),
                "trading_minutes": 210 if day in half_days else 390,
                "time_zone": "America/New_York",
                "calendar_version": "by hand",
                "ingest_time": RECEIVED,
                "payload_id": 1,
            }
            for day in days
        ]
        return conform(pl.DataFrame(rows), table("reference.sessions"))

    return build


@pytest.fixture
def daily_candles() -> Rows:
    """Complete daily candles of these days, all with the same prices unless said otherwise."""

    def build(days: Sequence[date], **columns: Any) -> pl.DataFrame:
        frame = pl.DataFrame({"session_date": days}).with_columns(
            pl.col("session_date")
            .cast(pl.Datetime("us"))
            .dt.offset_by("13h30m")
            .dt.replace_time_zone("UTC")
            .alias("event_time")
        )
        plain = {
            **_prices(100.0, 110.0, 90.0, 105.0),
            **_PLAIN,
            "interval": "1d",
            "source_interval": "1d",
            "expected_minutes": 390,
            "present_minutes": 390,
            "available_time": pl.col("event_time").dt.offset_by("6h30m"),
            "settles_time": pl.col("event_time").dt.offset_by("1d"),
        }
        return conform(frame.with_columns(**_literals(plain | columns)), table("market.candles"))

    return build


@pytest.fixture
def weekly_candle() -> Rows:
    """The complete candle of the week that begins on this Monday."""

    def build(monday: date, session_count: int = 5, **columns: Any) -> pl.DataFrame:
        plain = {
            **_prices(100.0, 110.0, 90.0, 105.0),
            **_PLAIN,
            "interval": "1w",
            "source_interval": "1d",
            "period_end_date": monday + timedelta(days=6),
            "event_time": _at(monday, 13, 30),
            "expected_sessions": session_count,
            "present_sessions": session_count,
            "expected_minutes": session_count * 390,
            "present_minutes": session_count * 390,
            "available_time": _at(monday + timedelta(days=4), 20),
            "settles_time": _at(monday + timedelta(days=5), 20),
        }
        frame = pl.DataFrame({"period_start_date": [monday]})
        return conform(frame.with_columns(**_literals(plain | columns)), table("market.weekly_candles"))

    return build


@pytest.fixture
def five_minutes() -> Rows:
    """5-minute candles from 13:30 UTC of 2022-06-06, one for each (open, high, low, close)."""

    def build(prices: Sequence[tuple[float, ...]], **columns: Any) -> pl.DataFrame:
        starts = [
            _at(date(2022, 6, 6), 13, 30) + timedelta(minutes=5 * number) for number in range(len(prices))
        ]
        frame = pl.DataFrame(prices, schema=["open", "high", "low", "close"], orient="row").with_columns(
            pl.Series("event_time", starts, pl.Datetime("us", "UTC"))
        )
        plain = {
            **_PLAIN,
            "interval": "5m",
            "source_interval": "1m",
            "session_date": pl.col("event_time").dt.date(),
            "expected_minutes": 5,
            "present_minutes": 5,
            "available_time": pl.col("event_time").dt.offset_by("5m"),
            "settles_time": pl.col("event_time").dt.offset_by("1d"),
        }
        return conform(frame.with_columns(**_literals(plain | columns)), table("market.candles"))

    return build


@pytest.fixture
def one_level() -> Rows:
    """Pivots whose only level is pp, valid in the week of 2022-06-06."""

    def build(price: float = 100.0, **columns: Any) -> pl.DataFrame:
        prices = {f"window_{name}": value for name, value in _prices(100.0, 110.0, 90.0, 105.0).items()}
        plain = {
            **prices,
            "instrument_id": "MSFT.XNAS",
            "variant": "traditional",
            "source_interval": "1d",
            "window_start_date": date(2022, 5, 30),
            "window_end_date": date(2022, 6, 5),
            "valid_from_time": _at(date(2022, 6, 6), 13, 30),
            "valid_until_time": _at(date(2022, 6, 10), 20),
            "settles_time": _at(date(2022, 6, 4), 0),
            "source": "yahoo",
            "adjustment": "split",
            "ingest_time": RECEIVED,
        }
        frame = pl.DataFrame({"pp": [price], "source_candles": [["MSFT.XNAS/1d/1d/2022-06-03"]]})
        return conform(frame.with_columns(**_literals(plain | columns)), table("signals.weekly_pivots"))

    return build


_PLAIN = {
    "instrument_id": "MSFT.XNAS",
    "volume": 1000,
    "is_complete": True,
    "source": "yahoo",
    "adjustment": "split",
    "ingest_time": RECEIVED,
}


def _prices(first: float, high: float, low: float, last: float) -> dict[str, float]:
    return {"open": first, "high": high, "low": low, "close": last}


def _literals(columns: Mapping[str, Any]) -> dict[str, pl.Expr]:
    return {name: value if isinstance(value, pl.Expr) else pl.lit(value) for name, value in columns.items()}
