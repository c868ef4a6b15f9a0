"""Why two figures may differ though both are right: what the bars themselves show, and how much of it they excuse.

What belongs here: the reasons of each comparison, and their bounds. What does not: what faces what (reconciliation),
how far figures may lie apart without any reason (tolerances), reasons that only other sessions or times of receipt
tell (volumes, breaks).

A reason excuses what it could have caused, in the direction in which it could, and no more: names that trade seldom
always lack minutes, and would otherwise never be checked.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from findata_core.exchanges import INDEX_EXCHANGES, mic_of
from findata_core.quality.tolerances import allowed_distance

FIELDS = ("open", "high", "low", "close", "volume")
PAIR = ("instrument_id", "session_date", "interval", "adjustment", "left_source", "right_source")

# How far beyond all prices of the minutes that are there one that is missing may have gone, as a share. Exchanges of
# the United States halt a share that leaves a band of 10 % around its last five minutes, or 20 % near the open and the
# close (limit up-limit down, tier 2). Seen, with any minutes in a row taken out of 594 recorded sessions: up to 3.4 %
# for a single minute, 8.7 % for half a session, 12.4 % for three quarters.
PLAUSIBLE_MOVE = 0.20
# Minutes that are missing may have traded this many times the square root of (missing / present) as much as those
# that are there. The root, because few minutes may be the great ones: the first of a session, or a block. Seen: the
# largest stretches of any length of 468 recorded sessions with nearly all their minutes, in 99 of 100 sessions at most
# 10.6 times (a single minute) and 3 to 7 times (longer ones); the largest minute of candles of 5, 15 and 60 minutes, in
# 99 of 100 at most 6.7, 5.3 and 6.0 times.
UNSEEN_VOLUME = 10.0

Reasons = Mapping[str, pl.Expr]


def provider_reasons() -> Reasons:
    """Why bars of two sources differ, on either side. `pairs`: of face()."""
    is_day = pl.col("interval") == "1d"
    silence = pl.coalesce(
        pl.when(_is_index()).then(_says_nothing("left")),
        pl.when(_is_index()).then(_says_nothing("right")),
        pl.when(~is_day & _starts_window("left")).then(_says_nothing("left")),
        pl.when(~is_day & _starts_window("right")).then(_says_nothing("right")),
    )
    return {**dict.fromkeys(FIELDS, pl.lit(None, pl.String)), "volume": silence}


def candle_reasons() -> Reasons:
    """Why a source's own bar differs from the candle of its minutes. `pairs`: with the columns of missing minutes."""
    said = pl.format("{} of the candle's {} minutes are there", "present", "expected")
    missing = _could_have_said("candles_bars")
    silence = pl.coalesce(
        pl.when(_is_index()).then(_says_nothing("left")),
        pl.when(_starts_window("right")).then(_says_nothing("right")),
    )
    known = {**dict.fromkeys(FIELDS, pl.lit(None, pl.String)), "volume": silence}
    return {name: pl.coalesce(pl.when(missing[name]).then(said), known[name]) for name in FIELDS}


def daily_reasons() -> Reasons:
    """Why a day differs from its minutes: what those that are missing could have said, what hours outside of the
    session say, an auction. `pairs`: with the columns of missing minutes and whole_*."""
    absent = pl.format("{} of {} regular minutes are missing", "missing", "expected")
    missing = _could_have_said("minutes_daily")
    beyond = pl.lit("the daily bar counts hours outside of the session")
    auction = pl.lit("the price of an auction, which no minute has")
    known = {
        "open": pl.when(_counts_whole_day("open")).then(beyond),
        "high": pl.when(_counts_whole_day("high")).then(beyond).when(_is_auction("high")).then(auction),
        "low": pl.when(_counts_whole_day("low")).then(beyond).when(_is_auction("low")).then(auction),
        "close": pl.when(_counts_whole_day("close")).then(beyond),
        "volume": pl.when(_is_index()).then(_says_nothing("left")),
    }
    return {name: pl.coalesce(pl.when(missing[name]).then(absent), known[name]) for name in FIELDS}


def _could_have_said(kind: str) -> Reasons:
    """Whether minutes that are missing could have made the right side what it is: `missing`, `present`, lacks_first and
    lacks_last say which. They make a high lower, a low higher, a volume smaller, and never the other way."""
    highest, lowest = pl.col("left_high") * (1 + PLAUSIBLE_MOVE), pl.col("left_low") / (1 + PLAUSIBLE_MOVE)
    is_absent = pl.col("missing") > 0
    left_is_less = {name: pl.col(f"left_{name}") < pl.col(f"right_{name}") for name in FIELDS}
    unseen = UNSEEN_VOLUME * (pl.col("missing") / pl.col("present")).sqrt()
    # What the minutes would have to sum to: less than their day, as days are.
    least = pl.col("right_volume") - allowed_distance(kind, "volume")
    return {
        "open": pl.col("lacks_first") & pl.col("right_open").is_between(lowest, highest),
        "high": is_absent & left_is_less["high"] & (pl.col("right_high") <= highest),
        "low": is_absent & ~left_is_less["low"] & (pl.col("right_low") >= lowest),
        "close": pl.col("lacks_last") & pl.col("right_close").is_between(lowest, highest),
        "volume": is_absent & left_is_less["volume"] & (least <= pl.col("left_volume") * (1 + unseen)),
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


def _says_nothing(side: str) -> pl.Expr:
    return pl.when(pl.col(f"{side}_volume") == 0).then(pl.format("{} says volume 0", f"{side}_source"))


def _starts_window(side: str) -> pl.Expr:
    """Whether a bar of volume 0 is one that a provider's window may begin with: the first of its session, or the only
    other one that differs. Windows are days long, so that a session seldom has a second one that begins inside it."""
    is_first = pl.col(f"{side}_is_first")
    is_other = (pl.col(f"{side}_volume") == 0) & ~is_first
    return is_first | (is_other & (is_other.sum().over(PAIR) == 1))


def _is_index() -> pl.Expr:
    """Whether nobody trades the instrument: its minutes may have no volume where its days have that of its shares."""
    return mic_of(pl.col("instrument_id")).is_in(sorted(INDEX_EXCHANGES))
