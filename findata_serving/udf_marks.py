"""Marks on a chart by TradingView's UDF protocol: what candles did at levels, and candles that lack minutes.

What belongs here: which marks there are, and on which candle each stands. What does not: routes (udf).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from typing import Any

from findata_serving.candle_queries import instant_at
from findata_serving.reading import Rows
from findata_serving.sources import Sources

FIELDS = ("id", "time", "color", "text", "label", "labelFontColor", "minSize")
VARIANT = "traditional"
MOST_A_CANDLE = 10  # what the library draws
MOST_MARKS = 2_000
SMALL = 14
COLOURS = {"crossing": "blue", "breakout": "green", "touch": "yellow"}
_SIGNALS = (
    "SELECT event_time, level, kind, direction, level_price FROM v1_live.signals WHERE instrument_id = $1 "
    "AND variant = $2 AND event_time >= $3 AND event_time < $4 ORDER BY event_time, level, kind LIMIT $5"
)


async def signals(sources: Sources, instrument_id: str, first: int, to: int) -> Sequence[Any]:
    """Return the signals of [first, to), in seconds."""
    bounds = (instant_at(first * 1_000_000), instant_at(to * 1_000_000))
    return await sources.rows(_SIGNALS, instrument_id, VARIANT, *bounds, MOST_MARKS)


def placed(rows: Rows, times: Sequence[int], found: Sequence[Any]) -> dict[str, list[Any]]:
    """Return marks as columns; each stands at the time of a candle, as the library wants it."""
    marks: dict[str, list[Any]] = {name: [] for name in FIELDS}
    on_candle: Counter[int] = Counter()
    starts = rows.values["event_time"].tolist()
    for signal in found:
        place = bisect_right(starts, round(signal["event_time"].timestamp() * 1_000_000)) - 1
        text = f"{signal['kind']} {signal['direction']} of {signal['level']} at {signal['level_price']:.6g}"
        if place >= 0:
            _add(marks, on_candle, times[place], COLOURS[signal["kind"]], text, signal["level"][0].upper())
    for place, is_complete in enumerate(rows.values["is_complete"]):
        if not is_complete:
            present, expected = (
                int(rows.values[name][place]) for name in ("present_minutes", "expected_minutes")
            )
            _add(marks, on_candle, times[place], "red", f"{present} of {expected} minutes are there", "!")
    return marks


def _add(
    marks: dict[str, list[Any]], on_candle: Counter[int], time: int, colour: str, text: str, label: str
) -> None:
    if on_candle[time] >= MOST_A_CANDLE or len(marks["id"]) >= MOST_MARKS:
        return
    on_candle[time] += 1
    values = (f"{time}-{on_candle[time]}", time, colour, text, label, "white", SMALL)
    for name, value in zip(FIELDS, values, strict=True):
        marks[name].append(value)
