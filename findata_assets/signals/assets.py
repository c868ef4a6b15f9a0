"""Weekly pivot levels and what the candles did at them."""

import dagster as dg

from findata_assets import pictures
from findata_assets.automation import WHEN_INPUTS_ARE_CHECKED
from findata_assets.contract import materialize, table_asset
from findata_assets.partitions import SESSIONS, window
from findata_assets.resource import PlatformResource
from findata_assets.steps.derived import derive_pivots, derive_signals


@table_asset(
    "signals.weekly_pivots",
    deps=[
        "market.weekly_candles",
        "market.candles",
        "market.bars_1d",
        "reference.sessions",
        "reference.splits",
    ],
    automation_condition=WHEN_INPUTS_ARE_CHECKED,
)
def weekly_pivots(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Derive the levels that complete weeks give for the next."""
    return materialize(
        "signals.weekly_pivots",
        lambda: derive_pivots(platform.steps),
        lambda report: pictures.levels(platform.steps, report),
    )


@table_asset(
    "signals.pivot_signals",
    deps=["signals.weekly_pivots", "market.candles", "reference.splits"],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    automation_condition=WHEN_INPUTS_ARE_CHECKED,
)
def pivot_signals(
    context: dg.AssetExecutionContext, platform: PlatformResource
) -> dg.MaterializeResult[None]:
    """Derive crossings, touches and breakouts of the week's levels on 5-minute candles."""
    start, end = window(context)
    return materialize("signals.pivot_signals", lambda: derive_signals(platform.steps, start, end))
