"""From parsed rows to bars: exact prices, the session of each row, and the rows that can't be bars.

What belongs here: what a row needs besides its values to be a bar of market.bars or market.bars_1d, and
the rules that need the calendar, the receive time or the other rows. What does not: bounds of single
values (schema, rules), a provider's format (findata_resources.providers), candles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from findata_core.calendars import (
    CLOSING,
    NO_PHASE,
    REGULAR,
    SessionBounds,
    dates_at,
    mic_of,
    phase_names,
)
from findata_core.errors import DataError
from findata_core.intervals import MICROSECONDS_PER_MINUTE, interval_of
from findata_core.schema.frames import polars_schema
from findata_core.schema.tables import table

PRICES = ("open", "high", "low", "close")
BARS = table("market.bars")
BAR_COLUMNS = tuple(c.name for c in BARS.columns if c.name not in ("ingest_time", "payload_id"))
VALUES = (*PRICES, "volume", "vwap", "trade_count")

INSTANT = pl.Datetime("us", "UTC")
MARGIN_DAYS = 3  # a session's rows start within two days around its date, in any zone
PARSED_SCHEMA = pl.Schema(
    [
        ("row_number", pl.Int64()),
        *((name, pl.String()) for name in ("instrument_id", "interval", "source", "adjustment")),
        ("event_time", INSTANT),
        ("session_date", pl.Date()),
        *((name, pl.Float64()) for name in PRICES),
        ("volume", pl.Float64()),
        ("vwap", pl.Float64()),
        ("trade_count", pl.Int64()),
    ]
)
# Where a row comes from and when: what rows of several payloads in one frame carry beside PARSED_SCHEMA.
ORIGIN_SCHEMA = pl.Schema(
    [
        ("payload_number", pl.Int64()),
        ("received_time", INSTANT),
        ("settles_after", pl.Duration("us")),
    ]
)
REFUSED_SCHEMA = pl.Schema(
    [
        ("payload_number", pl.Int64()),
        ("row_number", pl.Int64()),
        ("rule", pl.String()),
        ("reason", pl.String()),
        ("instrument_id", pl.String()),
        ("session_date", pl.Date()),
        ("row", pl.String()),
    ]
)


@dataclass(frozen=True)
class CompletedBars:
    """What became of parsed rows: each is a bar, refused with its rule, or an identical duplicate.

    `bars`: columns of market.bars without ingest_time and payload_id, sorted by payload and business key.
    `origins`: payload_number and row_number of each bar: its payload, and its row's number there.
    `refused`: payload_number, row_number, rule, reason, instrument_id, session_date, row (as JSON).
    `duplicates`: how many rows said again exactly what a later row of their payload says, by payload_number.
    """

    bars: pl.DataFrame
    origins: pl.DataFrame
    refused: pl.DataFrame
    duplicates: Mapping[int, int]


def restore_float32(frame: pl.DataFrame) -> pl.DataFrame:
    """Give prices that were widened from float32 the shortest decimal that the float32 denotes.

    Only for sources that declare float32: 250.80299377441406 becomes 250.803. A price that is not
    exactly a float32 stays as it is. Exact: the shortest decimal of a float32 is what Polars writes as
    its text, and reading that text gives the float64 nearest to it.
    """
    return frame.with_columns(_restored(name) for name in PRICES if frame.schema[name] == pl.Float64())


def _restored(name: str) -> pl.Expr:
    narrow = pl.col(name).cast(pl.Float32)
    is_widened = (narrow.cast(pl.Float64) == pl.col(name)) & pl.col(name).is_finite()
    shortest = pl.when(is_widened).then(narrow).cast(pl.String).cast(pl.Float64)
    return shortest.fill_null(pl.col(name)).alias(name)


def complete_bars(
    parsed: pl.DataFrame, sessions: pl.DataFrame, received_time: datetime, settles_after: timedelta
) -> CompletedBars:
    """Make bars of the rows of one payload, and refuse each row that is none with the first rule it breaks.

    `sessions` are those of the exchanges over the rows' dates (rows outside of them have no session).
    The exchange is what follows the last dot of instrument_id. An intraday row has event_time (its
    inclusive start, UTC), a daily row (1d) session_date. Bars settle `settles_after` the session's close.
    """
    origin = (0, received_time, settles_after)
    columns = zip(origin, ORIGIN_SCHEMA.items(), strict=True)
    return complete_together(
        parsed.with_columns(pl.lit(value, dtype).alias(name) for value, (name, dtype) in columns), sessions
    )


def complete_together(parsed: pl.DataFrame, sessions: pl.DataFrame) -> CompletedBars:
    """Do what complete_bars() does for the rows of several payloads, which also carry ORIGIN_SCHEMA.

    Each payload is judged by itself, by its own receive time; one pass over many costs little more than one
    over the first.
    """
    typed = _typed(parsed)
    placed = _placed(typed, SessionBounds.of(_around(typed, sessions)))
    judged = placed.with_columns(_first_broken_rule().alias("rule"))
    good = judged.filter(pl.col("rule").is_null()).sort("payload_number", *BARS.business_key, "row_number")
    unique, conflicting = _without_duplicates(good)
    refused = pl.concat([judged.filter(pl.col("rule").is_not_null()), conflicting])
    repeated = _counts(good)
    repeated.subtract(_counts(unique) + _counts(conflicting))
    schema = {name: dtype for name, dtype in polars_schema(BARS).items() if name in BAR_COLUMNS}
    return CompletedBars(
        bars=unique.select(pl.col(name).cast(dtype) for name, dtype in schema.items()),
        origins=unique.select("payload_number", "row_number"),
        refused=_described(refused.sort("payload_number", "row_number"), parsed),
        duplicates={number: count for number, count in repeated.items() if count},
    )


def _counts(rows: pl.DataFrame) -> Counter[int]:
    return Counter(dict(rows.group_by("payload_number").len().iter_rows()))


def _typed(parsed: pl.DataFrame) -> pl.DataFrame:
    missing = [name for name in PARSED_SCHEMA.names()[:-2] if name not in parsed.columns]
    if missing:
        raise DataError(f"Parsed rows lack {', '.join(missing)}", "make the parser give every column")
    event_time = parsed.schema["event_time"]
    if isinstance(event_time, pl.Datetime) and event_time.time_zone is None:
        raise DataError("Parsed rows have times without a zone", "make the parser convert them to UTC")
    for name in parsed["interval"].unique().drop_nulls():
        interval_of(name)
    # Whole volumes stay whole: float64 would round them above 2**53.
    schema = PARSED_SCHEMA | ({"volume": pl.Int64()} if parsed.schema["volume"].is_integer() else {})
    expressions = [
        (pl.col(name) if name in parsed.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in schema.items()
    ]
    return parsed.select(*expressions, *ORIGIN_SCHEMA)


def _around(rows: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """The sessions that rows can lie in: to lay out forty years of them takes longer than to read a file.

    In whole days since 1970, because a stamp in the wrong unit is beyond what Python calls a date.
    """
    days = pl.concat([rows["event_time"].dt.epoch("d"), rows["session_date"].dt.epoch("d")])
    first, last = pl.lit(days.min()), pl.lit(days.max())
    day = pl.col("session_date").dt.epoch("d")
    return sessions.filter(day.is_between(first - MARGIN_DAYS, last + MARGIN_DAYS))


def _placed(rows: pl.DataFrame, bounds: SessionBounds) -> pl.DataFrame:
    """Add the session, phase, start, end and place on the grid of each row (microseconds since 1970)."""
    mic = rows.select(mic_of(pl.col("instrument_id"))).to_series()
    is_daily = (rows["interval"] == "1d").fill_null(value=False).to_numpy()
    index = np.where(
        is_daily, bounds.index_on(mic, rows["session_date"]), bounds.index_at(mic, rows["event_time"])
    )
    phase = np.where(is_daily & (index >= 0), REGULAR, bounds.phase_at(index, rows["event_time"])).astype(
        np.int8
    )
    index = np.where(phase == NO_PHASE, -1, index)
    start = np.where(
        is_daily, _at(bounds.open, index), rows["event_time"].dt.epoch("us").fill_null(0).to_numpy()
    )
    width = _widths(rows["interval"])
    closes = pl.Series(_at(bounds.close, index)).cast(INSTANT)
    return rows.with_columns(
        pl.Series(start).cast(INSTANT).alias("event_time"),
        pl.when(pl.Series(index >= 0))
        .then(dates_at(bounds, index))
        .otherwise("session_date")
        .alias("session_date"),
        phase_names(phase).alias("session_phase"),
        (closes + rows["settles_after"]).alias("settles_time"),
        pl.Series(_ends(bounds, index, phase, start, width, is_daily)).cast(INSTANT).alias("end_time"),
        pl.Series(is_daily | _is_on_grid(bounds, index, phase, start, width)).alias("is_on_grid"),
    )


def _at(values: npt.NDArray[np.int64], index: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The value of the session at each position; 0 for -1, which is no session."""
    return np.append(values, 0)[index]


def _widths(interval: pl.Series) -> npt.NDArray[np.int64]:
    widths = {name: (interval_of(name).minutes or 1440) for name in interval.unique().drop_nulls()}
    minutes = interval.replace_strict(widths, default=1440, return_dtype=pl.Int64)
    return minutes.to_numpy() * MICROSECONDS_PER_MINUTE


def _ends(
    bounds: SessionBounds,
    index: npt.NDArray[np.int64],
    phase: npt.NDArray[np.int8],
    start: npt.NDArray[np.int64],
    width: npt.NDArray[np.int64],
    is_daily: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int64]:
    """When each row can no longer grow: its end, for regular rows no later than its segment's close."""
    segment_close = np.where(
        start < _at(bounds.break_start, index), _at(bounds.break_start, index), _at(bounds.close, index)
    )
    end = np.where(phase == REGULAR, np.minimum(start + width, segment_close), start + width)
    # A closing row is the print of an auction: a matter of an instant, whatever the width it is sent with.
    end = np.where(phase == CLOSING, start + MICROSECONDS_PER_MINUTE, end)
    return np.where(is_daily, _at(bounds.close, index), end)


def _is_on_grid(
    bounds: SessionBounds,
    index: npt.NDArray[np.int64],
    phase: npt.NDArray[np.int8],
    start: npt.NDArray[np.int64],
    width: npt.NDArray[np.int64],
) -> npt.NDArray[np.bool_]:
    """Whether a row starts on the grid of its width, counted from a segment's edge or the local midnight.

    Yahoo counts New York's hours from 09:30, others from the whole hour: both are right.
    """
    edges = (bounds.open, bounds.break_end, bounds.close, bounds.day_start)
    is_on_grid: npt.NDArray[np.bool_] = phase == CLOSING
    for edge in edges:
        is_reached = (start >= _at(edge, index)) | (edge is bounds.open)
        is_on_grid |= is_reached & ((start - _at(edge, index)) % width == 0)
    return is_on_grid


# The first rule that a row breaks is the one that it is refused with, so they stand in this order: what
# the calendar and the clock explain comes before what is odd about the values.
REASONS = {
    "no_session": "the exchange has no session at this time (closed day, break, or before its calendar)",
    "future": "it starts after the payload was received",
    "bar_in_progress": "it ends after the payload was received",
    "off_grid": "its start is not on the grid of its interval",
    "null_price": "a price is null",
    "null_volume": "its volume is null",
    "not_finite": "a price or the volume is not a finite number",
    "fractional_volume": "its volume is not a whole number of 64 bits",
    "duplicate_conflicting": "a later row of the payload says something else for the same key",
}


def _first_broken_rule() -> pl.Expr:
    numbers = [pl.col(name) for name in (*PRICES, "volume")]
    volume = pl.col("volume")
    is_broken = {
        "no_session": pl.col("session_phase").is_null(),
        "future": pl.col("event_time") > pl.col("received_time"),
        "bar_in_progress": pl.col("end_time") > pl.col("received_time"),
        "off_grid": ~pl.col("is_on_grid"),
        "null_price": pl.any_horizontal(pl.col(name).is_null() for name in PRICES),
        "null_volume": volume.is_null(),
        "not_finite": pl.any_horizontal(~number.is_finite() for number in numbers),
        "fractional_volume": (volume != volume.floor()) | (volume.abs() >= 2.0**63),
    }
    return pl.coalesce(pl.when(broken).then(pl.lit(rule)) for rule, broken in is_broken.items())


def _without_duplicates(good: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Keep each payload's last row of each key in its order; also rows before it that say something else."""
    key = ["payload_number", *BARS.business_key]
    is_repeated = pl.all_horizontal(pl.col(name) == pl.col(name).shift(-1) for name in key).fill_null(
        value=False
    )
    if not good.select(is_repeated.any()).item():
        return good, good.clear()
    is_same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).last().over(key)) for name in VALUES)
    marked = good.with_columns(is_superseded=is_repeated, is_same=is_same)
    conflicting = marked.filter("is_superseded", ~pl.col("is_same")).drop("is_superseded", "is_same")
    unique = marked.filter(~pl.col("is_superseded")).drop("is_superseded", "is_same")
    return unique, conflicting.with_columns(rule=pl.lit("duplicate_conflicting"))


def _described(refused: pl.DataFrame, parsed: pl.DataFrame) -> pl.DataFrame:
    if refused.is_empty():
        return pl.DataFrame(schema=REFUSED_SCHEMA)
    place = ["payload_number", "row_number"]
    said = parsed.with_columns(pl.col("row_number").cast(pl.Int64)).join(refused, on=place, how="semi")
    rows = said.select(*place, row=pl.struct(pl.exclude(*ORIGIN_SCHEMA)).struct.json_encode())
    reason = pl.col("rule").replace_strict(REASONS, return_dtype=pl.String)
    described = refused.with_columns(reason=reason).join(rows, on=place, how="left", maintain_order="left")
    return described.match_to_schema(REFUSED_SCHEMA, extra_columns="ignore")
