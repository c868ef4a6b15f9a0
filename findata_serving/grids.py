"""The grid that an exchange's calendar expects, and candles laid on it. Nothing is invented: what is absent is null.

What belongs here: where candles should start, and marking those that are not there. What does not: reading either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from findata_core.schema.tables import Column, ColumnKind
from findata_serving.reading import Rows
from findata_serving.records import Record, added

MINUTE = 60_000_000
WIDTHS = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240}
IS_PRESENT = added(
    "is_present",
    ColumnKind.BOOLEAN,
    "Whether there is a candle; false: the calendar expects one, and nothing traded or nothing was received.",
)
KEY = frozenset({"instrument_id", "interval", "source_interval", "event_time"})


def expected_times(interval: str, sessions: Rows) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return when candles of a width should start, in microseconds, ascending; of weeks and months nothing is said.

    They are anchored at the open of each segment, as the stored ones are.
    """
    opens, closes = sessions.values["open_time"], sessions.values["close_time"]
    if interval not in WIDTHS:
        return np.asarray(opens, np.int64)
    step = WIDTHS[interval] * MINUTE
    parts = []
    breaks = zip(sessions.values["break_start_time"], sessions.values["break_end_time"], strict=True)
    for begin, end, (pause, again) in zip(opens.tolist(), closes.tolist(), breaks, strict=True):
        segments = [(begin, end)] if pause is None else [(begin, pause), (again, end)]
        parts += [np.arange(first, last, step, dtype=np.int64) for first, last in segments]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def filled(rows: Rows, times: np.ndarray[Any, np.dtype[np.int64]], key: Mapping[str, str]) -> Rows:
    """Return the rows with one for each expected time that has none; rows that no time expects stay.

    `key`: what all rows have in common: instrument_id, interval and source_interval.
    """
    present = np.asarray(rows.values["event_time"], np.int64)
    every = np.union1d(present, times)
    places = np.searchsorted(every, present)
    is_present = np.zeros(every.size, np.bool_)
    is_present[places] = True
    values: dict[str, Any] = {}
    for column in rows.record.columns:
        if column.name == "event_time":
            values[column.name] = every
        elif column.name in key:
            values[column.name] = [key[column.name]] * every.size
        else:
            values[column.name] = _spread(rows.values[column.name], places, every.size)
    values[IS_PRESENT.name] = is_present
    return Rows(filled_record(rows.record), int(every.size), values)


def filled_record(record: Record) -> Record:
    """Return the record of candles on a grid: all but the key may be null."""
    return Record(
        f"Filled{record.name}",
        "",
        record.message,
        f"{record.comment} On the grid that the calendar expects.",
        (*(_nullable(column) for column in record.columns), IS_PRESENT),
    )


def _nullable(column: Column) -> Column:
    if column.name in KEY:
        return column
    return added(column.name, column.kind, column.comment, is_nullable=True, unit=column.unit)


def _spread(values: Any, places: Any, size: int) -> Any:
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        spread = np.full(size, np.nan)
        spread[places] = values
        return spread
    listed: list[Any] = [None] * size
    for place, value in zip(
        places.tolist(), values.tolist() if isinstance(values, np.ndarray) else values, strict=True
    ):
        listed[place] = value
    return listed
