"""Checks that prove derived tables against what they are made from, bars against the grid and against each other."""

from datetime import date
from itertools import pairwise

import dagster as dg
import polars as pl
from psycopg import sql

from findata_assets.checks.contract import MOST_ROWS_SHOWN, result
from findata_assets.partitions import SESSIONS, checked_window
from findata_assets.resource import PlatformResource
from findata_assets.steps.breaks import open_breaks, summarize
from findata_assets.steps.derivations import PERIODS, as_received, daily_of_both_families, splits_of
from findata_assets.steps.platform import Platform
from findata_core.intervals import CANDLE_INTERVALS
from findata_core.market.choosing import choose_sources
from findata_core.market.periods import on_one_scale_of_periods
from findata_core.market.proofs import counted_in_periods, refold_differences, untiled
from findata_core.schema.tables import table
from findata_core.signals.pivots import rederive_differences


@dg.asset_check(
    asset=["market", "candles"],
    blocking=True,
    description="Every candle is the fold of its children, for every pair of intervals.",
)
def parents_are_folds_of_children(
    context: dg.AssetCheckExecutionContext, platform: PlatformResource
) -> dg.AssetCheckResult:
    """Fold children again and compare, the minutes included."""
    start, end = checked_window(context, SESSIONS)
    candles = platform.steps.store.read(table("market.candles"), start, end)
    bars = choose_sources(platform.steps.read("market.bars", start, end, interval="1m"))
    families = {"1m": bars, **{name: candles.filter(interval=name) for name in CANDLE_INTERVALS}}
    pairs = pairwise(families.items())
    differences = pl.concat([refold_differences(parents, children) for (_, children), (_, parents) in pairs])
    return result(differences.is_empty(), {"candles": candles.height}, _shown(differences))


@dg.asset_check(
    asset=["market", "weekly_candles"],
    blocking=True,
    description="Every week is the fold of its sessions' daily candles.",
)
def weeks_are_folds_of_days(platform: PlatformResource) -> dg.AssetCheckResult:
    """Fold the days again and compare."""
    return _periods_are_folds(platform.steps, "market.weekly_candles")


@dg.asset_check(
    asset=["market", "monthly_candles"],
    blocking=True,
    description="Every month is the fold of its sessions' daily candles.",
)
def months_are_folds_of_days(platform: PlatformResource) -> dg.AssetCheckResult:
    """Fold the days again and compare."""
    return _periods_are_folds(platform.steps, "market.monthly_candles")


@dg.asset_check(
    asset=["market", "candles"],
    blocking=True,
    description="Candles lie on their segment's grid; none crosses a break or a session.",
)
def candles_tile_their_segments(
    context: dg.AssetCheckExecutionContext, platform: PlatformResource
) -> dg.AssetCheckResult:
    """Compare starts and ends with the calendar."""
    candles = platform.steps.store.read(table("market.candles"), *checked_window(context, SESSIONS))
    sessions = platform.steps.sessions_of(candles.get_column("instrument_id"))
    wrong = untiled(candles, sessions)
    return result(wrong.is_empty(), {"candles": candles.height}, _shown(wrong))


@dg.asset_check(
    asset=["market", "bars"],
    description="Every minute that the calendar expects is present; thin names and missed runs are not.",
)
def sessions_are_complete(
    context: dg.AssetCheckExecutionContext, platform: PlatformResource
) -> dg.AssetCheckResult:
    """Count the one-minute bars of the sessions against the grid; warns."""
    held = _minutes_held(platform.steps, *checked_window(context, SESSIONS))
    sessions = platform.steps.sessions_of(held.get_column("instrument_id"))
    counted = (
        held.with_columns(pl.col("instrument_id").str.extract(r"([^.]+)$").alias("mic"))
        .join(sessions.select("mic", "session_date", "trading_minutes"), on=["mic", "session_date"])
        .filter(pl.col("present") < pl.col("trading_minutes"))
        .sort("session_date", "instrument_id")
    )
    metadata = {"bars": held.get_column("present").sum(), "sessions_incomplete": counted.height}
    return result(counted.is_empty(), metadata, _shown(counted), dg.AssetCheckSeverity.WARN)


def _minutes_held(platform: Platform, start: date, end: date) -> pl.DataFrame:
    """Return how many one-minute bars of regular hours each instrument-session has from each source."""
    return platform.store.database.frame(
        sql.SQL(
            "SELECT instrument_id, session_date, source, count(*) AS present FROM market.bars "
            "WHERE interval = '1m' AND session_phase = 'regular' "
            "AND session_date >= {}::date AND session_date < {}::date GROUP BY 1, 2, 3"
        ).format(sql.Literal(str(start)), sql.Literal(str(end)))
    )


@dg.asset_check(
    asset=["ops", "breaks"],
    description="Figures that should agree do, or findata knows why they do not; sick volume is named.",
)
def breaks_are_explained(platform: PlatformResource) -> dg.AssetCheckResult:
    """Show the breaks that nobody can explain, the oldest first; warns."""
    unknown = open_breaks(platform.steps).sort("opened_time", "instrument_id", "session_date")
    columns = ("kind", "instrument_id", "session_date", "interval", "field", "left_source", "right_source")
    figures = ("left_value", "right_value", "tolerance", "broken_bars", "opened_time")
    metadata = {"breaks_open": unknown.height, **summarize(platform.steps)}
    shown = _shown(unknown.select(*columns, *figures))
    return result(unknown.is_empty(), metadata, shown, dg.AssetCheckSeverity.WARN)


@dg.asset_check(
    asset=["signals", "weekly_pivots"],
    blocking=True,
    description="Levels derived again from the stored weeks are the stored levels.",
)
def pivots_follow_from_their_weeks(platform: PlatformResource) -> dg.AssetCheckResult:
    """Derive the levels again and compare."""
    pivots = platform.steps.store.read(table("signals.weekly_pivots"))
    weeks = platform.steps.store.read(table("market.weekly_candles"))
    sessions = platform.steps.sessions_of(pivots.get_column("instrument_id"))
    differences = rederive_differences(pivots, weeks, sessions, splits_of(platform.steps))
    return result(differences.is_empty(), {"levels": pivots.height}, _shown(differences))


def _periods_are_folds(platform: Platform, address: str) -> dg.AssetCheckResult:
    periods = platform.store.read(table(address))
    days = counted_in_periods(daily_of_both_families(platform), periods)
    sessions = platform.sessions_of(days.get_column("instrument_id"))
    splits = splits_of(platform)
    days = as_received(platform, days, splits)
    days = on_one_scale_of_periods(days, splits, sessions, PERIODS[address])
    differences = refold_differences(periods, days)
    return result(differences.is_empty(), {"candles": periods.height}, _shown(differences))


def _shown(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.head(MOST_ROWS_SHOWN)


DERIVED_CHECKS = [
    breaks_are_explained,
    candles_tile_their_segments,
    months_are_folds_of_days,
    parents_are_folds_of_children,
    pivots_follow_from_their_weeks,
    sessions_are_complete,
    weeks_are_folds_of_days,
]
