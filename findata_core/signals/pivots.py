"""Weekly pivot levels: the catalogue of variants, and the levels that complete weeks give.

What belongs here: each variant's formula, the rows of levels, and re-deriving them for a check. What does not: folding
weeks (findata_core/market), what stands around a week (validity.py) and what candles do at levels (pivot_signals.py).
Names: P = the previous trading week, H L C O = its high, low, close, open, R = H - L. docs/pivots.md
lists the variants with their sources.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import polars as pl

from findata_core.exchanges import mic_of
from findata_core.market.releases import receipt_column
from findata_core.market.scales import Scale, price_factors, rescaled
from findata_core.schema.frames import conform, empty
from findata_core.schema.runs import row_places, rows_where
from findata_core.schema.tables import table
from findata_core.signals.columns import (
    UNKNOWN,
    Floats,
    Numbers,
    Truths,
    floats_column,
    gathered,
    instants,
    instants_column,
    ranks,
)
from findata_core.signals.validity import NONE, Followed, days, followed

Number = TypeVar("Number", pl.Expr, Floats)  # what formulas are of: columns of a frame, or arrays

# Polars divides one row by 3 and multiplies several with 1/3: the last bit went by how many weeks were asked for.
THIRD = 1 / 3
WEEKLY_PIVOTS = "signals.weekly_pivots"
LEVELS = ("pp", "r1", "r2", "r3", "r4", "r5", "s1", "s2", "s3", "s4", "s5")
WINDOW_PRICES = ("window_open", "window_high", "window_low", "window_close")
LEVEL_KEY = ("instrument_id", "variant", "source_interval", "window_start_date")
TRADINGVIEW = "https://www.tradingview.com/support/solutions/43000521824-pivot-points-standard/"


@dataclass(frozen=True)
class Prices(Generic[Number]):
    """Prices of P, their mean (H + L + C) / 3, and the open of the week after P."""

    open: Number
    high: Number
    low: Number
    close: Number
    current_open: Number
    centre: Number


STORED_PRICES = Prices(
    open=pl.col("window_open"),
    high=pl.col("window_high"),
    low=pl.col("window_low"),
    close=pl.col("window_close"),
    current_open=pl.col("current_open"),
    centre=(pl.col("window_high") + pl.col("window_low") + pl.col("window_close")) * THIRD,
)
SCALE_OF_WEEK = Scale("last_session_date", "week_ingest_time")
SCALE_OF_LEVELS = Scale("first_session_date", "ingest_time")
SCALE_OF_CURRENT = Scale("first_session_date", "current_ingest_time")


class Formula(Protocol):
    """Levels by name, from prices in a frame's columns or in arrays: one text for what is made and what is checked."""

    def __call__(self, p: Prices[Number], /) -> dict[str, Number]:
        """Return the levels that the variant has."""


@dataclass(frozen=True)
class PivotVariant:
    """A way to make levels; `uses_current_open`: it does not exist before the next week's first trade."""

    formula: Formula
    source: str
    uses_current_open: bool = False


def _traditional(p: Prices[Number]) -> dict[str, Number]:
    """Floor pivots whose outer levels start from the high and the low."""
    pp = p.centre
    resistances = {f"r{n}": p.high + (n - 1) * (pp - p.low) for n in (3, 4, 5)}
    supports = {f"s{n}": p.low - (n - 1) * (p.high - pp) for n in (3, 4, 5)}
    return {"pp": pp, **_inner(pp, p), **resistances, **supports}


def _classic(p: Prices[Number]) -> dict[str, Number]:
    """Floor pivots whose levels from the second on are whole ranges away from the centre."""
    pp = p.centre
    width = p.high - p.low
    outer_r = {"r3": pp + 2 * width, "r4": pp + 3 * width}
    outer_s = {"s3": pp - 2 * width, "s4": pp - 3 * width}
    return {"pp": pp, **_inner(pp, p), **outer_r, **outer_s}


def _fibonacci(p: Prices[Number]) -> dict[str, Number]:
    return {"pp": p.centre, **_around(p.centre, p.high - p.low, (0.382, 0.618, 1.0))}


def _woodie_open(p: Prices[Number]) -> dict[str, Number]:
    """Woodie's centre leans on the open of the week that the levels are for."""
    return _woodie((p.high + p.low + 2 * p.current_open) / 4, p)


def _woodie_close(p: Prices[Number]) -> dict[str, Number]:
    """The other reading of Woodie: the centre leans on the close of P."""
    return _woodie((p.high + p.low + 2 * p.close) / 4, p)


def _camarilla(p: Prices[Number]) -> dict[str, Number]:
    """Levels stand around the close of P; the pivot point itself is the floor traders' (H + L + C) / 3."""
    return {"pp": p.centre, **_around(p.close, p.high - p.low, (1.1 / 12, 1.1 / 6, 1.1 / 4, 1.1 / 2))}


def _demark(p: Prices[Number]) -> dict[str, Number]:
    """One level on each side; the weight goes by how P closed against its own open."""
    fell, rose = ~(p.close >= p.open), p.close > p.open
    x = p.high * (1 + rose) + p.low * (1 + fell) + p.close * (2 - rose - fell)
    return {"pp": x / 4, "r1": x / 2 - p.low, "s1": x / 2 - p.high}


def _woodie(pp: Number, p: Prices[Number]) -> dict[str, Number]:
    outer = {"r3": p.high + 2 * (pp - p.low), "s3": p.low - 2 * (p.high - pp)}
    return {"pp": pp, **_inner(pp, p), **outer}


def _inner(pp: Number, p: Prices[Number]) -> dict[str, Number]:
    """Return the first and second levels, which traditional, classic and Woodie's share."""
    width = p.high - p.low
    return {"r1": 2 * pp - p.low, "s1": 2 * pp - p.high, "r2": pp + width, "s2": pp - width}


def _around(centre: Number, width: Number, shares: tuple[float, ...]) -> dict[str, Number]:
    """Return levels at these shares of the range on both sides of the centre, numbered outwards."""
    resistances = {f"r{n}": centre + width * share for n, share in enumerate(shares, start=1)}
    return resistances | {f"s{n}": centre - width * share for n, share in enumerate(shares, start=1)}


PIVOT_VARIANTS: Mapping[str, PivotVariant] = {
    "camarilla": PivotVariant(_camarilla, TRADINGVIEW),
    "classic": PivotVariant(_classic, TRADINGVIEW),
    "demark": PivotVariant(_demark, TRADINGVIEW),
    "fibonacci": PivotVariant(_fibonacci, TRADINGVIEW),
    "traditional": PivotVariant(_traditional, TRADINGVIEW),
    "woodie_close": PivotVariant(_woodie_close, "https://www.mql5.com/en/code/102"),
    "woodie_open": PivotVariant(_woodie_open, TRADINGVIEW, uses_current_open=True),
}


class Made(NamedTuple):
    """The rows to be made, variant by variant: from which week, and with which first daily candle of the next."""

    variant: Numbers  # position in PIVOT_VARIANTS
    week: Numbers  # position in Followed
    opening: Numbers  # row of the daily candles, or NONE
    settles_time: Numbers
    ingest_time: Numbers


def weekly_pivots(
    weekly_candles: pl.DataFrame,
    daily_candles: pl.DataFrame,
    sessions: pl.DataFrame,
    splits: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the levels that every complete week gives for the next trading week of its exchange.

    Arguments are rows of market.weekly_candles, market.candles (those with interval "1d" are used) and
    reference.sessions; the result has the shape of signals.weekly_pivots, sorted by its business key. An
    incomplete week, a week after which `sessions` know no session, and woodie_open without a complete
    daily candle of the first session after P give no row. `sessions` must hold whole weeks, or
    valid_until_time comes too early. ingest_time is there if the weeks have it. DataError where a complete
    week's daily candles are not all given.

    `splits`: rows of reference.splits. Levels are in the shares of the first session after P (adjustment "raw"),
    or of the day their youngest bar became known if that is later ("split"): prices of P are brought there.
    """
    pivots = empty(table(WEEKLY_PIVOTS))
    weeks = rows_where(weekly_candles, weekly_candles.get_column("is_complete"))
    if not weeks.is_empty():
        daily = rows_where(daily_candles, daily_candles.get_column("interval") == "1d")
        found = followed(with_knowledge(weeks), with_knowledge(daily), sessions)
        pivots = _pivots(found, sessions, splits) if len(found.row) else pivots
    return pivots if "ingest_time" in weekly_candles.columns else pivots.drop("ingest_time")


def with_knowledge(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with an ingest_time: null where what it was made from had none."""
    if "ingest_time" in frame.columns:
        return frame
    return frame.with_columns(ingest_time=pl.lit(None, pl.Datetime("us", "UTC")))


def rederive_differences(
    pivots: pl.DataFrame,
    weekly_candles: pl.DataFrame,
    sessions: pl.DataFrame,
    splits: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the stored levels and prices that do not follow, bit for bit, from the stored weekly candles.

    One row for each that differs: the key of the pivots, column, stored, rederived (null where the week's
    candle is missing or not complete, so that nothing follows from it). Empty when all agree.
    """
    weeks = with_knowledge(weekly_candles).filter("is_complete")
    weeks = _with_last_session(weeks.with_columns(mic=mic_of(pl.col("instrument_id"))), sessions).select(
        "instrument_id",
        "source_interval",
        "last_session_date",
        window_start_date="period_start_date",
        week_ingest_time="ingest_time",
        **{name: name.removeprefix("window_") for name in WINDOW_PRICES},
    )
    firsts = with_first_session(with_knowledge(pivots), sessions)
    again = firsts.select(*LEVEL_KEY, "current_open", "adjustment", "first_session_date", "ingest_time").join(
        weeks, on=["instrument_id", "source_interval", "window_start_date"], how="left"
    )
    again = _on_scale_of_levels(again, WINDOW_PRICES, SCALE_OF_WEEK, sessions, splits)
    rederived = _long(pl.concat(_levels_of(again, name) for name in PIVOT_VARIANTS), "rederived")
    pairs = _long(pivots, "stored").join(rederived, on=[*LEVEL_KEY, "column"], how="left")
    return pairs.filter(pl.col("stored").ne_missing(pl.col("rederived"))).sort(*LEVEL_KEY, "column")


def with_first_session(pivots: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Return the pivots with first_session_date, the session whose open they are valid from."""
    opens = sessions.select("mic", valid_from_time="open_time", first_session_date="session_date")
    placed = pivots.with_columns(mic=mic_of(pl.col("instrument_id")))
    return placed.join(opens, on=["mic", "valid_from_time"], how="left", maintain_order="left").drop("mic")


def _with_last_session(weeks: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Add last_session_date: a complete week's candle is available when its last session closes."""
    closes = sessions.select("mic", available_time="close_time", last_session_date="session_date")
    return weeks.join(closes, on=["mic", "available_time"], how="left", maintain_order="left")


def _on_scale_of_levels(
    rows: pl.DataFrame,
    names: Sequence[str],
    scale: Scale,
    sessions: pl.DataFrame,
    splits: pl.DataFrame | None,
) -> pl.DataFrame:
    """Bring prices to the scale that the levels are on."""
    if splits is None or splits.is_empty():
        return rows
    return rescaled(rows, price_factors(rows, splits, sessions, scale, SCALE_OF_LEVELS), names)


def _long(pivots: pl.DataFrame, value_name: str) -> pl.DataFrame:
    """One row a number: key, column, value."""
    columns = [*WINDOW_PRICES, *LEVELS]
    return pivots.unpivot(columns, index=LEVEL_KEY, variable_name="column", value_name=value_name)


def _pivots(found: Followed, sessions: pl.DataFrame, splits: pl.DataFrame | None) -> pl.DataFrame:
    """Return the rows of all variants, sorted by their key."""
    made = _made(found)
    prices = _prices(made, found)
    if splits is not None and not splits.is_empty():
        prices *= _factors(made, found, sessions, splits)
    levels, is_absent = _levels(made, prices)
    order = _order(made, found)
    weeks, validity = found.weeks, found.validity.at(made.week[order])
    of_week, at = row_places(found.row[made.week[order]]), made.week[order]
    start, end = weeks.get_column("period_start_date")[of_week], weeks.get_column("period_end_date")[of_week]
    columns = [
        weeks.get_column("instrument_id")[of_week],
        pl.Series("variant", list(PIVOT_VARIANTS))[row_places(made.variant[order])],
        weeks.get_column("source_interval")[of_week],
        start.alias("window_start_date"),
        end.alias("window_end_date"),
        instants_column("valid_from_time", validity.valid_from_time),
        instants_column("valid_until_time", validity.valid_until_time),
        *map(floats_column, LEVELS, levels[:, order], is_absent[:, order]),
        *map(pl.Series, WINDOW_PRICES, prices[:-1, order]),
        floats_column("current_open", prices[-1, order], made.opening[order] == NONE),
        found.source_candles[row_places(at)],
        instants_column("settles_time", made.settles_time[order]),
        weeks.get_column("source")[of_week],
        weeks.get_column("adjustment")[of_week],
        instants_column("ingest_time", made.ingest_time[order]),
    ]
    return conform(pl.DataFrame(columns), table(WEEKLY_PIVOTS))


def _made(found: Followed) -> Made:
    """Say which rows there are; what a variant does not use of the current week leaves no trace in them."""
    uses_opening = np.array([variant.uses_current_open for variant in PIVOT_VARIANTS.values()])
    variant, week = np.nonzero(~uses_opening[:, np.newaxis] | (found.opening != NONE))
    opening = np.where(uses_opening[variant], found.opening[week], NONE)
    settles, ingest = (instants(found.daily.get_column(name)) for name in ("settles_time", "ingest_time"))
    settles_time = instants(found.weeks.get_column("settles_time"))[found.row[week]]
    return Made(
        variant,
        week,
        opening,
        np.maximum(settles_time, np.append(settles, UNKNOWN)[opening]),
        np.maximum(found.ingest_time[week], np.append(ingest, UNKNOWN)[opening]),
    )


def _order(made: Made, found: Followed) -> Numbers:
    """Return the order of LEVEL_KEY."""
    row = found.row[made.week]
    instrument, source = (
        ranks(found.weeks.get_column(name))[row] for name in ("instrument_id", "source_interval")
    )
    start = days(found.weeks.get_column("period_start_date"))[row]
    return np.lexsort((start, source, made.variant, instrument))


def _prices(made: Made, found: Followed) -> Floats:
    """Return open, high, low and close of each row's week, and the open of the week after."""
    row = found.row[made.week]
    of_week = [found.weeks.get_column(name.removeprefix("window_")).to_numpy()[row] for name in WINDOW_PRICES]
    return np.stack([*of_week, np.append(found.daily.get_column("open").to_numpy(), np.nan)[made.opening]])


def _factors(made: Made, found: Followed, sessions: pl.DataFrame, splits: pl.DataFrame) -> Floats:
    """Return by what those prices are multiplied to come to the scale that the levels are on."""
    names = ("instrument_id", "adjustment", "available_time")
    rows = gathered(found.weeks, names, found.row[made.week]).with_columns(
        mic=mic_of(pl.col("instrument_id"))
    )
    received = instants(found.daily.get_column(receipt_column(found.daily)))
    rows = _with_last_session(rows, sessions).with_columns(
        pl.Series("first_session_date", found.validity.first_session_date[made.week].astype("datetime64[D]")),
        instants_column("week_ingest_time", found.ingest_time[made.week]),
        instants_column("current_ingest_time", np.append(received, UNKNOWN)[made.opening]),
        instants_column("ingest_time", made.ingest_time),
    )
    of_week, current = (
        price_factors(rows, splits, sessions, scale, SCALE_OF_LEVELS).to_numpy()
        for scale in (SCALE_OF_WEEK, SCALE_OF_CURRENT)
    )
    return np.stack([of_week, of_week, of_week, of_week, current])


@np.errstate(over="ignore", invalid="ignore")  # what is too large is infinite, in arrays as in frames
def _levels(made: Made, prices: Floats) -> tuple[Floats, Truths]:
    """Return the levels, a line each, and which of them a row's variant does not have."""
    levels, is_absent = (
        np.zeros((len(LEVELS), len(made.variant))),
        np.ones((len(LEVELS), len(made.variant)), np.bool_),
    )
    edges = np.searchsorted(made.variant, np.arange(len(PIVOT_VARIANTS) + 1))
    for variant, first, end in zip(PIVOT_VARIANTS.values(), edges, edges[1:], strict=False):
        opens, highs, lows, closes, current_opens = prices[:, first:end]
        given = Prices(opens, highs, lows, closes, current_opens, (highs + lows + closes) * THIRD)
        for level, values in variant.formula(given).items():
            levels[LEVELS.index(level), first:end] = values
            is_absent[LEVELS.index(level), first:end] = False
    return levels, is_absent


def _levels_of(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """Add the levels of the variant; in a frame that has a variant already, only its rows stay."""
    levels = PIVOT_VARIANTS[name].formula(STORED_PRICES)
    null = pl.lit(None, pl.Float64)
    return rows.filter(pl.col("variant") == name).with_columns(
        **{level: levels.get(level, null) for level in LEVELS}
    )
