"""Why two figures may differ though both are right: what the bars themselves show, and what of it they excuse.

What belongs here: the reasons of each comparison. What does not: what faces what (reconciliation),
how far figures may lie apart without any reason (tolerances), reasons that only other sessions or times of receipt
tell (volumes, breaks).

A reason excuses what it could have caused, in the direction in which it could.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from findata_core.quality.tolerances import allowed_distance

FIELDS = ("open", "high", "low", "close", "volume")
PAIR = ("instrument_id", "session_date", "interval", "adjustment", "left_source", "right_source")

Reasons = Mapping[str, pl.Expr]


def provider_reasons() -> Reasons:
    """Why bars of two sources differ, on either side. `pairs`: of face()."""
    nothing = pl.lit(None, pl.String)
    return {name: _no_volume() if name == "volume" else nothing for name in FIELDS}


def candle_reasons() -> Reasons:
    """Why a source's own bar differs from the candle of its minutes. `pairs`: with the columns of missing minutes."""
    said = pl.format("{} of the candle's {} minutes are there", "present", "expected")
    missing = _could_have_said()
    known = provider_reasons()
    return {name: pl.coalesce(pl.when(missing[name]).then(said), known[name]) for name in FIELDS}


def daily_reasons() -> Reasons:
    """Why a day differs from its minutes: what those that are missing could have said, what hours outside of the
    session say, an auction. `pairs`: with the columns of missing minutes and whole_*."""
    absent = pl.format("{} of {} regular minutes are missing", "missing", "expected")
    missing = _could_have_said()
    beyond = pl.lit("the daily bar counts hours outside of the session")
    auction = pl.lit("the price of an auction, which no minute has")
    known = {
        "open": pl.when(_counts_whole_day("open")).then(beyond),
        "high": pl.when(_counts_whole_day("high")).then(beyond).when(_is_auction("high")).then(auction),
        "low": pl.when(_counts_whole_day("low")).then(beyond).when(_is_auction("low")).then(auction),
        "close": pl.when(_counts_whole_day("close")).then(beyond),
        "volume": _no_volume(),
    }
    return {name: pl.coalesce(pl.when(missing[name]).then(absent), known[name]) for name in FIELDS}


def _could_have_said() -> Reasons:
    """Whether minutes that are missing could have made the right side what it is: `missing`, `present`, lacks_first and
    lacks_last say which. They make a high lower, a low higher, a volume smaller, and never the other way."""
    is_absent = pl.col("missing") > 0
    left_is_less = {name: pl.col(f"left_{name}") < pl.col(f"right_{name}") for name in FIELDS}
    return {
        "open": pl.col("lacks_first"),
        "high": is_absent & left_is_less["high"],
        "low": is_absent & ~left_is_less["low"],
        "close": pl.col("lacks_last"),
        "volume": is_absent & left_is_less["volume"],
    }


def _is_auction(field: str) -> pl.Expr:
    """Whether the day goes beyond its minutes, to its own open or close, where that one agrees with theirs."""
    extreme, minutes = pl.col(f"right_{field}"), pl.col(f"left_{field}")
    is_beyond = extreme > minutes if field == "high" else extreme < minutes
    return is_beyond & pl.any_horizontal(
        (extreme == pl.col(f"right_{name}"))
        & ((pl.col(f"left_{name}") - extreme).abs() <= allowed_distance("minutes_daily", name))
        for name in ("open", "close")
    )


def _counts_whole_day(field: str) -> pl.Expr:
    """Whether the daily figure is the one that all minutes give, those outside of regular hours included."""
    gap = (pl.col(f"whole_{field}") - pl.col(f"right_{field}")).abs()
    is_reached = {
        "high": pl.col("whole_high") >= pl.col("right_high"),
        "low": pl.col("whole_low") <= pl.col("right_low"),
    }
    is_wider = {
        "high": pl.col("left_high") < pl.col("right_high"),
        "low": pl.col("left_low") > pl.col("right_low"),
    }
    is_near = gap <= allowed_distance("minutes_daily", field)
    return is_near | (is_reached[field] & is_wider[field]) if field in is_reached else is_near


def _no_volume() -> pl.Expr:
    """A bar of volume 0 beside one that traded: providers send the first bar of a window like that."""
    is_left, is_right = pl.col("left_volume") == 0, pl.col("right_volume") == 0
    silent = pl.when(is_left).then("left_source").otherwise("right_source")
    return pl.when(is_left | is_right).then(pl.format("{} says volume 0", silent))
