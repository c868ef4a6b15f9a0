"""Weekly pivot levels: the catalogue of variants, and the levels that complete weeks give.

What belongs here: each variant's formula, when levels are valid, and re-deriving them for a check. What
does not: folding weeks (findata_core/market) and what candles do at levels (pivot_signals.py).
Names: P = the previous trading week, H L C O = its high, low, close, open, R = H - L. docs/pivots.md
lists the variants with their sources.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from findata_core.errors import DataError
from findata_core.exchanges import mic_of
from findata_core.market.scales import Scale, price_factors, rescaled
from findata_core.schema.frames import conform, empty
from findata_core.schema.tables import table

WEEKLY_PIVOTS = "signals.weekly_pivots"
LEVELS = ("pp", "r1", "r2", "r3", "r4", "r5", "s1", "s2", "s3", "s4", "s5")
WINDOW_PRICES = ("window_open", "window_high", "window_low", "window_close")
LEVEL_KEY = ("instrument_id", "variant", "source_interval", "window_start_date")
TRADINGVIEW = "https://www.tradingview.com/support/solutions/43000521824-pivot-points-standard/"


@dataclass(frozen=True)
class Prices:
    """Prices of P, and the open of the week after it, as expressions over a frame."""

    open: pl.Expr
    high: pl.Expr
    low: pl.Expr
    close: pl.Expr
    current_open: pl.Expr


STORED_PRICES = Prices(
    open=pl.col("window_open"),
    high=pl.col("window_high"),
    low=pl.col("window_low"),
    close=pl.col("window_close"),
    current_open=pl.col("current_open"),
)
SCALE_OF_WEEK = Scale("last_session_date", "week_ingest_time")
SCALE_OF_LEVELS = Scale("first_session_date", "ingest_time")
SCALE_OF_CURRENT = Scale("first_session_date", "current_ingest_time")
Levels = dict[str, pl.Expr]
Formula = Callable[[Prices], Levels]


@dataclass(frozen=True)
class PivotVariant:
    """A way to make levels; `uses_current_open`: it does not exist before the next week's first trade."""

    formula: Formula
    source: str
    uses_current_open: bool = False


def _traditional(p: Prices) -> Levels:
    """Floor pivots whose outer levels start from the high and the low."""
    pp = (p.high + p.low + p.close) / 3
    resistances = {f"r{n}": p.high + (n - 1) * (pp - p.low) for n in (3, 4, 5)}
    supports = {f"s{n}": p.low - (n - 1) * (p.high - pp) for n in (3, 4, 5)}
    return {"pp": pp, **_inner(pp, p), **resistances, **supports}


def _classic(p: Prices) -> Levels:
    """Floor pivots whose levels from the second on are whole ranges away from the centre."""
    pp = (p.high + p.low + p.close) / 3
    width = p.high - p.low
    outer_r = {"r3": pp + 2 * width, "r4": pp + 3 * width}
    outer_s = {"s3": pp - 2 * width, "s4": pp - 3 * width}
    return {"pp": pp, **_inner(pp, p), **outer_r, **outer_s}


def _fibonacci(p: Prices) -> Levels:
    pp = (p.high + p.low + p.close) / 3
    return {"pp": pp, **_around(pp, p.high - p.low, (0.382, 0.618, 1.0))}


def _woodie_open(p: Prices) -> Levels:
    """Woodie's centre leans on the open of the week that the levels are for."""
    return _woodie((p.high + p.low + 2 * p.current_open) / 4, p)


def _woodie_close(p: Prices) -> Levels:
    """The other reading of Woodie: the centre leans on the close of P."""
    return _woodie((p.high + p.low + 2 * p.close) / 4, p)


def _camarilla(p: Prices) -> Levels:
    """Levels stand around the close of P; the pivot point itself is the floor traders' (H + L + C) / 3."""
    pp = (p.high + p.low + p.close) / 3
    return {"pp": pp, **_around(p.close, p.high - p.low, (1.1 / 12, 1.1 / 6, 1.1 / 4, 1.1 / 2))}


def _demark(p: Prices) -> Levels:
    """One level on each side; the weight goes by how P closed against its own open."""
    fell, rose = p.close < p.open, p.close > p.open
    x = (
        pl.when(fell)
        .then(p.high + 2 * p.low + p.close)
        .when(rose)
        .then(2 * p.high + p.low + p.close)
        .otherwise(p.high + p.low + 2 * p.close)
    )
    return {"pp": x / 4, "r1": x / 2 - p.low, "s1": x / 2 - p.high}


def _woodie(pp: pl.Expr, p: Prices) -> Levels:
    outer = {"r3": p.high + 2 * (pp - p.low), "s3": p.low - 2 * (p.high - pp)}
    return {"pp": pp, **_inner(pp, p), **outer}


def _inner(pp: pl.Expr, p: Prices) -> Levels:
    """Return the first and second levels, which traditional, classic and Woodie's share."""
    width = p.high - p.low
    return {"r1": 2 * pp - p.low, "s1": 2 * pp - p.high, "r2": pp + width, "s2": pp - width}


def _around(centre: pl.Expr, width: pl.Expr, shares: tuple[float, ...]) -> Levels:
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
    or of the day their youngest bar was received if that is later ("split"): prices of P are brought there.
    """
    daily = with_knowledge(daily_candles.filter(pl.col("interval") == "1d"))
    weeks = _with_validity(with_knowledge(weekly_candles), sessions)
    if weeks.is_empty():
        pivots = empty(table(WEEKLY_PIVOTS))
        return pivots if "ingest_time" in weekly_candles.columns else pivots.drop("ingest_time")
    weeks = _with_current_open(_with_sources(weeks, daily), daily)
    rows = pl.concat(_of_variant(weeks, name, sessions, splits) for name in PIVOT_VARIANTS)
    pivots = conform(rows, table(WEEKLY_PIVOTS)).sort(LEVEL_KEY)
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


def _with_validity(weekly_candles: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Complete weeks with valid_from_time, valid_until_time and the date of the first session after P.

    The next week is the one of the next session that the exchange holds: a week without sessions is skipped.
    """
    weeks = (
        weekly_candles.filter("is_complete")
        .with_columns(mic=mic_of(pl.col("instrument_id")))
        .sort("period_end_date")
    )
    weeks = _with_last_session(weeks, sessions)
    trading_weeks = _trading_weeks(sessions).sort("first_session_date")
    joined = weeks.join_asof(
        trading_weeks,
        left_on="period_end_date",
        right_on="first_session_date",
        by="mic",
        strategy="forward",
        allow_exact_matches=False,
        check_sortedness=False,  # sorted above; Polars can't verify it within groups
    )
    return joined.filter(pl.col("first_session_date").is_not_null())


def _trading_weeks(sessions: pl.DataFrame) -> pl.DataFrame:
    """Each exchange's ISO weeks (Monday to Sunday of session dates) that hold a session."""
    monday = pl.col("session_date").dt.truncate("1w")
    return sessions.group_by("mic", monday.alias("monday")).agg(
        first_session_date=pl.col("session_date").min(),
        valid_from_time=pl.col("open_time").min(),
        valid_until_time=pl.col("close_time").max(),
    )


def _with_sources(weeks: pl.DataFrame, daily: pl.DataFrame) -> pl.DataFrame:
    """Add the keys of the daily candles behind P, and the knowledge time of the youngest of them."""
    key = pl.concat_str(
        "instrument_id",
        "interval",
        "source_interval",
        pl.col("session_date").dt.to_string("%Y-%m-%d"),
        separator="/",
    )
    behind = (
        daily.sort("session_date")
        .group_by(
            "instrument_id",
            "source_interval",
            "adjustment",
            pl.col("session_date").dt.truncate("1w").alias("period_start_date"),
        )
        .agg(source_candles=key, daily_ingest_time=pl.col("ingest_time").max())
    )
    key_of_week = ["instrument_id", "source_interval", "adjustment", "period_start_date"]
    joined = weeks.join(behind, on=key_of_week, how="left")
    _refuse_absent_candles(joined)
    return joined.with_columns(ingest_time=pl.max_horizontal("ingest_time", "daily_ingest_time"))


def _refuse_absent_candles(weeks: pl.DataFrame) -> None:
    given = pl.col("source_candles").list.len().fill_null(0)
    short = weeks.filter(given != pl.col("expected_sessions"))
    for week in short.head(1).iter_rows(named=True):
        given_count, count = len(week["source_candles"] or []), week["expected_sessions"]
        name = f"{week['instrument_id']} ({week['source_interval']})"
        raise DataError(
            f"{name}: {given_count} of {count} daily candles are given for the complete week "
            f"from {week['period_start_date']}",
            "Materialize market/candles and market/weekly_candles of that week again",
        )


def _with_current_open(weeks: pl.DataFrame, daily: pl.DataFrame) -> pl.DataFrame:
    """Add the open of the first session after P from that session's own complete daily candle.

    Of the same source interval and adjustment, so that two families or two bases are never mixed.
    """
    firsts = daily.filter("is_complete").select(
        "instrument_id",
        "source_interval",
        "adjustment",
        first_session_date="session_date",
        current_open="open",
        current_settles_time="settles_time",
        current_ingest_time="ingest_time",
    )
    return weeks.join(
        firsts, on=["instrument_id", "source_interval", "adjustment", "first_session_date"], how="left"
    )


def _of_variant(
    weeks: pl.DataFrame, name: str, sessions: pl.DataFrame, splits: pl.DataFrame | None
) -> pl.DataFrame:
    """Rows of one variant; what it does not use of the current week leaves no trace in them."""
    if PIVOT_VARIANTS[name].uses_current_open:
        rows = weeks.filter(pl.col("current_open").is_not_null())
    else:
        current = ("current_open", "current_settles_time", "current_ingest_time")
        rows = weeks.with_columns(pl.lit(None, weeks.schema[column]).alias(column) for column in current)
    rows = rows.with_columns(
        window_start_date="period_start_date",
        window_end_date="period_end_date",
        week_ingest_time="ingest_time",
        settles_time=pl.max_horizontal("settles_time", "current_settles_time"),
        ingest_time=pl.max_horizontal("ingest_time", "current_ingest_time"),
        variant=pl.lit(name),
        **{name: pl.col(name.removeprefix("window_")) for name in WINDOW_PRICES},
    )
    rows = _on_scale_of_levels(rows, WINDOW_PRICES, SCALE_OF_WEEK, sessions, splits)
    rows = _on_scale_of_levels(rows, ["current_open"], SCALE_OF_CURRENT, sessions, splits)
    return _levels_of(rows, name)


def _levels_of(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """Add the levels of the variant; in a frame that has a variant already, only its rows stay."""
    levels = PIVOT_VARIANTS[name].formula(STORED_PRICES)
    null = pl.lit(None, pl.Float64)
    return rows.filter(pl.col("variant") == name).with_columns(
        **{level: levels.get(level, null) for level in LEVELS}
    )
