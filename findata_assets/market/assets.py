"""Bars as reported, candles folded from them."""

import dagster as dg

from findata_assets import pictures
from findata_assets.automation import WHEN_INPUTS_ARE_CHECKED
from findata_assets.contract import materialize, table_asset
from findata_assets.partitions import MONTHS, SESSIONS, window
from findata_assets.resource import PlatformResource
from findata_assets.steps.derived import fold_candles, fold_months, fold_weeks
from findata_assets.steps.facts import fold_facts

RAW_BARS = [
    "raw.alphavantage.bars",
    "raw.recorded.bars",
    "raw.recorded.inbox",
    "raw.yahoo.bars",
    "reference.sessions",
]
ONE_RUN = dg.BackfillPolicy.single_run()


@table_asset(
    "market.bars",
    deps=RAW_BARS,
    partitions_def=SESSIONS,
    backfill_policy=ONE_RUN,
    automation_condition=WHEN_INPUTS_ARE_CHECKED,
)
def bars(context: dg.AssetExecutionContext, platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Fold the payloads that are due into intraday bars."""
    start, end = window(context)
    return materialize("market.bars", lambda: fold_facts(platform.steps, "market.bars", start, end))


@table_asset(
    "market.bars_1d",
    deps=RAW_BARS,
    partitions_def=MONTHS,
    backfill_policy=ONE_RUN,
    automation_condition=WHEN_INPUTS_ARE_CHECKED,
)
def bars_1d(context: dg.AssetExecutionContext, platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Fold the payloads that are due into daily bars."""
    start, end = window(context)
    return materialize("market.bars_1d", lambda: fold_facts(platform.steps, "market.bars_1d", start, end))


@table_asset(
    "market.candles",
    deps=["market.bars", "reference.sessions"],
    partitions_def=SESSIONS,
    backfill_policy=ONE_RUN,
    automation_condition=WHEN_INPUTS_ARE_CHECKED,
)
def candles(context: dg.AssetExecutionContext, platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Fold the minutes of the sessions that are due into candles from 5 minutes to a session."""
    start, end = window(context)
    return materialize(
        "market.candles",
        lambda: fold_candles(platform.steps, start, end),
        lambda report: pictures.closes(platform.steps, report, start, end),
    )


@table_asset(
    "market.weekly_candles",
    deps=["market.bars_1d", "market.candles", "reference.sessions", "reference.splits"],
    automation_condition=WHEN_INPUTS_ARE_CHECKED,
)
def weekly_candles(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Fold the weeks that are due from daily candles, each source interval by itself."""
    return materialize("market.weekly_candles", lambda: fold_weeks(platform.steps))


@table_asset(
    "market.monthly_candles",
    deps=["market.bars_1d", "market.candles", "reference.sessions", "reference.splits"],
    automation_condition=WHEN_INPUTS_ARE_CHECKED,
)
def monthly_candles(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Fold the months that are due from daily candles, each source interval by itself."""
    return materialize("market.monthly_candles", lambda: fold_months(platform.steps))
