"""Revisions of bars: who said otherwise, when, and what changed most. Worked by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from findata_core.quality.revisions import revisions

START = datetime(2022, 6, 15, 13, 30, tzinfo=UTC)
FIRST, SECOND, THIRD = (datetime(2022, 6, day, 21, tzinfo=UTC) for day in (15, 16, 17))


def bar(
    minute: int, ingest: datetime, payload: int, until: datetime | None = None, **changed: Any
) -> dict[str, Any]:
    return {
        "instrument_id": "MSFT.XNAS",
        "interval": "1m",
        "source": "yahoo",
        "adjustment": "raw",
        "event_time": START + timedelta(minutes=minute),
        "session_date": date(2022, 6, 15),
        "open": 10.0,
        "high": 11.0,
        "low": 9.0,
        "close": 10.0,
        "volume": 100,
        **changed,
        "ingest_time": ingest,
        "payload_id": payload,
        "superseded_time": until,
    }


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    schema = {"superseded_time": pl.Datetime("us", "UTC")}
    return pl.DataFrame(list(rows), schema_overrides=schema)


def test_bars_that_one_payload_changed_are_one_revision_with_its_largest_change() -> None:
    closed = frame(bar(0, FIRST, 1, SECOND), bar(1, FIRST, 1, SECOND))
    current = frame(bar(0, SECOND, 2, close=10.5), bar(1, SECOND, 2, high=14.3, volume=90)).drop(
        "superseded_time"
    )
    told = revisions(current, closed).row(0, named=True)
    assert (told["bars"], told["payload_id"], told["superseded_time"]) == (2, 2, SECOND)
    assert told["fields"] == "high, close, volume"
    assert (told["field"], told["old_value"], told["new_value"]) == ("high", 11.0, 14.3)
    assert told["largest_change"] == pytest.approx(0.3)
    assert told["event_time"] == START + timedelta(minutes=1)


def test_a_bar_revised_twice_is_two_revisions() -> None:
    closed = frame(bar(0, FIRST, 1, SECOND), bar(0, SECOND, 2, THIRD, close=10.5))
    current = frame(bar(0, THIRD, 3, close=10.1)).drop("superseded_time")
    told = revisions(current, closed)
    assert told.select("payload_id", "old_value", "new_value").rows() == [(2, 10.0, 10.5), (3, 10.5, 10.1)]


def test_volume_alone_is_told_as_volume() -> None:
    closed = frame(bar(0, FIRST, 1, SECOND))
    told = revisions(frame(bar(0, SECOND, 2, volume=140)).drop("superseded_time"), closed).row(0, named=True)
    assert (told["fields"], told["field"], told["old_value"], told["new_value"]) == (
        "volume",
        "volume",
        100,
        140,
    )


def test_a_bar_that_was_withdrawn_has_nothing_that_took_its_place() -> None:
    told = revisions(frame(bar(1, FIRST, 1)).drop("superseded_time"), frame(bar(0, FIRST, 1, SECOND)))
    assert told.select("bars", "payload_id", "new_value").rows() == [(1, None, None)]
