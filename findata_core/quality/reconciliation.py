"""Reconciling: figures of one basis that should agree, and those that lie further apart than is allowed.

What belongs here: which bars face which (two sources; a source's minutes folded to its own wider bars and to
its own days), and what differs by more than its tolerance. What does not: the tolerances (tolerances), why figures
may differ (reasons), sick volume (volumes), how long a break lasts (breaks).

All functions take bars as they were known at one instant: rows of market.bars and market.bars_1d together,
with known_time, the instant, the same for all rows of an instrument-session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations

import polars as pl

from findata_core.calendars import mic_of
from findata_core.errors import MixedAdjustments
from findata_core.intervals import BAR_INTERVALS, CANDLE_INTERVALS
from findata_core.market.candles import fold_session_candles
from findata_core.quality.reasons import (
    FIELDS,
    PAIR,
    Reasons,
    candle_reasons,
    daily_reasons,
    provider_reasons,
)
from findata_core.quality.tolerances import allowed_distance

SERIES = ("instrument_id", "session_date", "source", "adjustment")
BASIS = ("instrument_id", "session_date", "interval")
OWN_INTERVALS = tuple(name for name in CANDLE_INTERVALS if name in BAR_INTERVALS and name != "1d")
# How many minutes there are and are not, and whether the first and the last are missing.
MISSING = ("missing", "present", "expected", "lacks_first", "lacks_last")
MINUTE = pl.duration(minutes=1)

INSTANT = pl.Datetime("us", "UTC")
FINDING_SCHEMA = pl.Schema(
    {
        "kind": pl.String(),
        "instrument_id": pl.String(),
        "session_date": pl.Date(),
        "interval": pl.String(),
        "adjustment": pl.String(),
        "field": pl.String(),
        "left_source": pl.String(),
        "right_source": pl.String(),
        "event_time": INSTANT,
        "left_value": pl.Float64(),
        "right_value": pl.Float64(),
        "difference": pl.Float64(),
        "tolerance": pl.Float64(),
        "compared_bars": pl.Int32(),
        "broken_bars": pl.Int32(),
        "explanation": pl.String(),
        "settled_time": INSTANT,
        "known_time": INSTANT,
    }
)


def reconcile(bars: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """What differs by more than its tolerance, in all comparisons: rows of FINDING_SCHEMA.

    One row for each comparison, instrument, session, interval, basis, field and pair of sources, with the worst
    bar. Only bars of one basis face each other; what has no basis in common is told by left_out().
    `sessions`: those of the bars.
    """
    found = [pl.DataFrame(schema=FINDING_SCHEMA)]
    for basis in bars.get_column("adjustment").unique().sort():
        mine = bars.filter(adjustment=basis)
        found.extend(compare(mine, sessions) for compare in COMPARISONS.values())
    return pl.concat(found)


def left_out(bars: pl.DataFrame) -> pl.DataFrame:
    """Bars of two sources that no comparison takes, because they have no basis in common: BASIS and reason."""
    bases = bars.group_by(*BASIS, "source").agg(pl.col("adjustment").unique().sort())
    pairs = bases.join(bases, on=BASIS, suffix="_right").filter(pl.col("source") < pl.col("source_right"))
    common = pl.col("adjustment").list.set_intersection("adjustment_right").list.len()
    said = pl.format(
        "{} has {}, {} has {}: different bases are not compared",
        "source",
        pl.col("adjustment").list.join(", "),
        "source_right",
        pl.col("adjustment_right").list.join(", "),
    )
    return pairs.filter(common == 0).select(*BASIS, reason=said).sort(BASIS)


def compare_providers(bars: pl.DataFrame, _sessions: pl.DataFrame | None = None) -> pl.DataFrame:
    """Compare regular bars of one width and start of every two sources, the first by name on the left."""
    regular = bars.filter(session_phase="regular")
    if regular.get_column("source").n_unique() < 2:
        return pl.DataFrame(schema=FINDING_SCHEMA)
    several = regular.group_by(BASIS).agg(pl.col("source").n_unique()).filter(pl.col("source") > 1)
    by_source = regular.join(several, on=BASIS, how="semi").partition_by("source", as_dict=True)
    found = [pl.DataFrame(schema=FINDING_SCHEMA)]
    for left, right in combinations(sorted(by_source), 2):
        found.append(findings("providers", face(by_source[left], by_source[right]), provider_reasons()))
    return pl.concat(found)


def compare_minutes_daily(bars: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Compare each source's regular minutes, folded to a day, with its own daily bar."""
    daily = bars.filter(interval="1d")
    if daily.is_empty():
        return pl.DataFrame(schema=FINDING_SCHEMA)
    minutes = bars.filter(interval="1m").join(daily, on=SERIES, how="semi").sort("event_time")
    regular = minutes.filter(session_phase="regular")
    days = _folded(regular).join(daily.select(*SERIES, "interval", "event_time"), on=SERIES)
    facing = face(days, daily).filter(pl.col("left_source") == pl.col("right_source"))
    keys = ["instrument_id", "session_date", "adjustment", "left_source"]
    counted = _counted(regular, sessions).rename({"source": "left_source"})
    outside = _whole_day(minutes).rename({"source": "left_source"})
    pairs = facing.join(counted, on=keys).join(outside, on=keys, how="left")
    return findings("minutes_daily", pairs, daily_reasons())


def compare_candles_bars(bars: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Compare candles folded from each source's minutes, as market.candles are, with its own bars of that width."""
    own = bars.filter(pl.col("interval").is_in(OWN_INTERVALS), session_phase="regular")
    if own.is_empty():
        return pl.DataFrame(schema=FINDING_SCHEMA)
    minutes = bars.filter(interval="1m").join(own, on=SERIES, how="semi")
    found = [pl.DataFrame(schema=FINDING_SCHEMA)]
    for (source,), part in minutes.group_by(["source"], maintain_order=True):
        candles = fold_session_candles(part.drop("ingest_time", strict=False), sessions)
        pairs = face(_with_missing(candles, part), own.filter(source=source), further=MISSING)
        found.append(findings("candles_bars", pairs, candle_reasons()))
    return pl.concat(found)


COMPARISONS: Mapping[str, Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]] = {
    "candles_bars": compare_candles_bars,
    "minutes_daily": compare_minutes_daily,
    "providers": compare_providers,
}


def face(left: pl.DataFrame, right: pl.DataFrame, further: tuple[str, ...] = ()) -> pl.DataFrame:
    """Put bars of one instrument, width and start side by side: PAIR, event_time, left_* and right_*.

    MixedAdjustments where the two sides have an instrument-session in different bases. `right` has known_time;
    `further` columns of the left side are kept. settled_time is when both have settled, {side}_is_first whether a bar
    is the first of its side's in the session.
    """
    _refuse_mixed(left, right)
    on = [*BASIS, "adjustment", "event_time"]
    sides = []
    for side, rows, more in (("left", left, further), ("right", right, ("known_time",))):
        names = {name: f"{side}_{name}" for name in ("source", "settles_time", *FIELDS)}
        is_first = pl.col("event_time") == pl.col("event_time").min().over(*BASIS, "adjustment", "source")
        sides.append(rows.select(*on, *more, *names, is_first.alias(f"{side}_is_first")).rename(names))
    joined = sides[0].join(sides[1], on=on)
    return joined.with_columns(settled_time=pl.max_horizontal("left_settles_time", "right_settles_time"))


def findings(kind: str, pairs: pl.DataFrame, reasons: Reasons) -> pl.DataFrame:
    """What of the pairs differs by more than the tolerance of `kind`, field by field, the worst bar of each.

    `reasons`: for a field why one bar differs, null where the bar does not show it.
    """
    compared = pairs.group_by(PAIR).agg(compared_bars=pl.len())
    found = [_broken(kind, field, pairs, reasons[field]) for field in FIELDS]
    worst = pl.concat(found).join(compared, on=PAIR)
    return worst.select(pl.col(name).cast(dtype) for name, dtype in FINDING_SCHEMA.items())


def _broken(kind: str, field: str, pairs: pl.DataFrame, reason: pl.Expr) -> pl.DataFrame:
    left, right = pl.col(f"left_{field}"), pl.col(f"right_{field}")
    allowed = allowed_distance(kind, field)
    broken = pairs.filter((left - right).abs() > allowed).with_columns(
        left_value=left.cast(pl.Float64),
        right_value=right.cast(pl.Float64),
        tolerance=allowed,
        explanation=reason,
    )
    difference = pl.col("left_value") - pl.col("right_value")
    measured = broken.with_columns(difference=difference, excess=difference.abs() / pl.col("tolerance"))
    # The worst is the worst of those that nobody can explain, where there are any.
    ordered = measured.sort(
        [pl.col("explanation").is_null(), pl.col("excess"), pl.col("event_time")],
        descending=[True, True, False],
    )
    values = [
        "event_time",
        "left_value",
        "right_value",
        "difference",
        "tolerance",
        "explanation",
        "known_time",
    ]
    worst = ordered.group_by(PAIR, maintain_order=True).agg(
        pl.col(values).first(), pl.col("settled_time").max(), broken_bars=pl.len()
    )
    return worst.with_columns(kind=pl.lit(kind), field=pl.lit(field))


def _refuse_mixed(left: pl.DataFrame, right: pl.DataFrame) -> None:
    columns = [*BASIS, "adjustment"]
    said = pl.concat([left.select(columns).unique(), right.select(columns).unique()])
    mixed = said.group_by(BASIS).agg(pl.col("adjustment").unique().sort())
    mixed = mixed.filter(pl.col("adjustment").list.len() > 1).sort(BASIS)
    if len(mixed):
        instrument_id, day, interval, bases = mixed.row(0)
        raise MixedAdjustments(
            f"{interval} bars of {instrument_id} on {day} are in the bases {' and '.join(bases)}",
            "Compare bars of one basis, or bring them to one first",
        )


def _folded(regular: pl.DataFrame) -> pl.DataFrame:
    """Sessions folded from sorted minutes, as bars without a start."""
    return regular.group_by(SERIES).agg(*_fold(), pl.col("settles_time").max())


def _fold() -> Iterator[pl.Expr]:
    for name, of in zip(
        FIELDS, (pl.Expr.first, pl.Expr.max, pl.Expr.min, pl.Expr.last, pl.Expr.sum), strict=True
    ):
        yield of(pl.col(name))


def _counted(regular: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """How many minutes of each session there are, and whether its first and last are among them."""
    calendar = sessions.select("mic", "session_date", "open_time", "close_time", "trading_minutes")
    present = regular.group_by(SERIES).agg(
        present=pl.len().cast(pl.Int64),
        first_time=pl.col("event_time").min(),
        last_time=pl.col("event_time").max(),
    )
    placed = present.with_columns(mic=mic_of(pl.col("instrument_id"))).join(
        calendar, on=["mic", "session_date"]
    )
    return placed.select(
        *SERIES,
        "present",
        missing=pl.col("trading_minutes") - pl.col("present"),
        expected="trading_minutes",
        lacks_first=pl.col("first_time") > pl.col("open_time"),
        lacks_last=pl.col("last_time") + MINUTE < pl.col("close_time"),
    )


def _with_missing(candles: pl.DataFrame, minutes: pl.DataFrame) -> pl.DataFrame:
    """Add what is MISSING of each candle's minutes; `minutes`: of one source."""
    of_session = ["instrument_id", "session_date"]
    there = minutes.filter(session_phase="regular").select(*of_session, "event_time", is_there=True)
    at_start = candles.join(there, on=[*of_session, "event_time"], how="left", maintain_order="left")
    last = candles.select(*of_session, event_time=pl.col("available_time") - MINUTE)
    at_end = last.join(there, on=[*of_session, "event_time"], how="left", maintain_order="left")
    return candles.with_columns(
        missing=pl.col("expected_minutes") - pl.col("present_minutes"),
        present="present_minutes",
        expected="expected_minutes",
        lacks_first=at_start.get_column("is_there").is_null(),
        lacks_last=at_end.get_column("is_there").is_null(),
    )


def _whole_day(minutes: pl.DataFrame) -> pl.DataFrame:
    """Sessions folded from all their minutes, where some lie outside of regular hours: whole_*."""
    beyond = minutes.filter(pl.col("session_phase") != "regular")
    days = minutes.join(beyond, on=SERIES, how="semi").group_by(SERIES).agg(_fold())
    return days.rename({name: f"whole_{name}" for name in FIELDS})
