"""From parsed rows to bars: exact prices, and the rows that can't be bars.

What belongs here: what a row needs besides its values to be a bar of market.bars or market.bars_1d, and
the rules that need the calendar, the receive time or the other rows. What does not: where a row lies in its
session (placing), bounds of single values (schema, rules), a provider's format (findata_resources.providers),
candles.
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
    Int64Array,
    SessionBounds,
    dates_at,
    distinct,
    microseconds,
    phase_names,
)
from findata_core.errors import DataError
from findata_core.intervals import interval_of
from findata_core.market.placing import (
    FIRST,
    LAST,
    Bools,
    Placed,
    filled,
    placed_rows,
    sessions_near,
    value_at,
)
from findata_core.schema.runs import row_places, rows_at
from findata_core.schema.tables import table

PRICES = ("open", "high", "low", "close")
BARS = table("market.bars")
BAR_COLUMNS = tuple(c.name for c in BARS.columns if c.name not in ("ingest_time", "payload_id"))
VALUES = (*PRICES, "volume", "vwap", "trade_count")
KEY = ("payload_number", *(name for name in BARS.business_key if name != "event_time"))

INSTANT = pl.Datetime("us", "UTC")
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
    rows = _typed(parsed)
    bounds = SessionBounds.of(sessions_near(rows, sessions))
    placed = placed_rows(rows, bounds)
    rule = _first_broken_rules(rows, placed)
    good = _in_order(rows, placed, np.flatnonzero(rule == NO_RULE))
    is_superseded, is_same = _repeated(rows, placed, good)
    rule[good[is_superseded & ~is_same]] = RULES.index("duplicate_conflicting")
    unique = good[~is_superseded]
    return CompletedBars(
        bars=_bars(rows, placed, bounds, unique),
        origins=rows_at(pl.DataFrame([rows["payload_number"], rows["row_number"]]), unique),
        refused=_described(_refused(rows, placed, bounds, rule), parsed),
        duplicates=Counter(rows["payload_number"][row_places(good[is_superseded & is_same])].to_list()),
    )


def _typed(parsed: pl.DataFrame) -> pl.DataFrame:
    missing = [name for name in PARSED_SCHEMA.names()[:-2] if name not in parsed.columns]
    if missing:
        raise DataError(f"Parsed rows lack {', '.join(missing)}", "make the parser give every column")
    event_time = parsed["event_time"].dtype
    if isinstance(event_time, pl.Datetime) and event_time.time_zone is None:
        raise DataError("Parsed rows have times without a zone", "make the parser convert them to UTC")
    for name in distinct(parsed["interval"]):
        interval_of(name)
    # Whole volumes stay whole: float64 would round them above 2**53.
    schema = PARSED_SCHEMA | ({"volume": pl.Int64()} if parsed["volume"].dtype.is_integer() else {})
    names = [*schema, *ORIGIN_SCHEMA]
    if parsed.columns == names and parsed.dtypes[: len(schema)] == [*schema.values()]:
        return parsed
    expressions = [
        (pl.col(name) if name in parsed.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in schema.items()
    ]
    return parsed.select(*expressions, *ORIGIN_SCHEMA)


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
RULES = (*REASONS,)
NO_RULE = -1


def _first_broken_rules(rows: pl.DataFrame, placed: Placed) -> npt.NDArray[np.int8]:
    """The position in RULES of the first rule that each row breaks, or NO_RULE."""
    received = microseconds(rows["received_time"], LAST)
    prices = [rows[name] for name in PRICES]
    # A null is among the numbers as something else, but it is refused before numbers are asked.
    volume = filled(rows["volume"], 0)
    is_broken = {
        "no_session": placed.index < 0,
        "future": placed.start > received,
        "bar_in_progress": placed.end > received,
        "off_grid": ~placed.is_on_grid,
        "null_price": np.any([_is_null(price) for price in prices], axis=0),
        "null_volume": _is_null(rows["volume"]),
        "not_finite": ~np.all(
            [np.isfinite(number) for number in (*map(pl.Series.to_numpy, prices), volume)], axis=0
        ),
        "fractional_volume": (volume != np.floor(volume)) | (np.abs(volume) >= 2.0**63),
    }
    rule = np.full(rows.height, NO_RULE, dtype=np.int8)
    for name in reversed(is_broken):  # the first is written last
        rule[is_broken[name]] = RULES.index(name)
    return rule


def _is_null(values: pl.Series) -> Bools:
    return values.is_null().to_numpy() if values.has_nulls() else np.zeros(len(values), dtype=np.bool_)


def _in_order(rows: pl.DataFrame, placed: Placed, places: Int64Array) -> Int64Array:
    """The places of rows by payload, business key and row number."""
    keys = (filled(rows["row_number"], FIRST), *reversed(placed.keys))
    return places[np.lexsort([key[places] for key in keys])]


def _repeated(rows: pl.DataFrame, placed: Placed, ordered: Int64Array) -> tuple[Bools, Bools]:
    """Whether each row in order has a later one of its payload and key, and whether the last says the same."""
    is_superseded = np.zeros(len(ordered), dtype=np.bool_)
    is_superseded[:-1] = ~np.any([_is_null(rows[name]) for name in KEY], axis=0)[ordered[:-1]]
    for key in placed.keys:
        is_superseded[:-1] &= key[ordered[1:]] == key[ordered[:-1]]
    is_same = np.zeros(len(ordered), dtype=np.bool_)
    if is_superseded.any():
        last = np.flatnonzero(~is_superseded)
        earlier = np.flatnonzero(is_superseded)
        later = last[np.searchsorted(last, earlier)]
        is_same[earlier] = _say_the_same(rows, ordered[earlier], ordered[later])
    return is_superseded, is_same


def _say_the_same(rows: pl.DataFrame, ones: Int64Array, others: Int64Array) -> Bools:
    values = [rows[name] for name in VALUES]
    is_same = np.ones(len(ones), dtype=np.bool_)
    for value in values:
        is_same &= value[row_places(ones)].eq_missing(value[row_places(others)]).to_numpy()
    return is_same


def _bars(rows: pl.DataFrame, placed: Placed, bounds: SessionBounds, places: Int64Array) -> pl.DataFrame:
    closes = pl.Series(value_at(bounds.close, placed.index)).cast(INSTANT)
    found = {
        "event_time": pl.Series(placed.start).cast(INSTANT),
        "session_date": dates_at(bounds, placed.index),
        "session_phase": phase_names(placed.phase),
        "settles_time": closes + rows["settles_after"],
    }
    columns = [(found[name] if name in found else rows[name]).alias(name) for name in BAR_COLUMNS]
    bars = rows_at(pl.DataFrame(columns), places)
    # Of the rows that are bars alone: other volumes need not be whole.
    return bars.replace_column(BAR_COLUMNS.index("volume"), bars["volume"].cast(pl.Int64))


def _refused(
    rows: pl.DataFrame, placed: Placed, bounds: SessionBounds, rule: npt.NDArray[np.int8]
) -> pl.DataFrame:
    """The rows that break a rule, with the date of their session, or else the one that they are said to be of."""
    places = np.flatnonzero(rule != NO_RULE)
    if not len(places):
        return rows.clear()
    dates = dates_at(bounds, placed.index[places])
    broken = row_places(rule[places])
    return rows[row_places(places)].select(
        "payload_number",
        "row_number",
        pl.Series("rule", RULES)[broken],
        pl.Series("reason", [*REASONS.values()])[broken],
        "instrument_id",
        pl.coalesce(dates, "session_date").alias("session_date"),
    )


def _described(refused: pl.DataFrame, parsed: pl.DataFrame) -> pl.DataFrame:
    """Add each refused row as it was parsed."""
    if refused.is_empty():
        return pl.DataFrame(schema=REFUSED_SCHEMA)
    place = ["payload_number", "row_number"]
    said = parsed.with_columns(pl.col("row_number").cast(pl.Int64)).join(refused, on=place, how="semi")
    rows = said.select(*place, row=pl.struct(pl.exclude(*ORIGIN_SCHEMA)).struct.json_encode())
    described = refused.sort(place).join(rows, on=place, how="left", maintain_order="left")
    return described.match_to_schema(REFUSED_SCHEMA, extra_columns="ignore")
