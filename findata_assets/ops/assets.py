"""The books on quality: what is missing and where, which figures do not agree."""

import dagster as dg

from findata_assets import pictures
from findata_assets.automation import WHEN_INPUTS_ARE_CHECKED
from findata_assets.contract import materialize, table_asset
from findata_assets.resource import PlatformResource
from findata_assets.steps.breaks import refresh_breaks, summarize, uncompared
from findata_assets.steps.coverage import refresh_coverage


@table_asset(
    "ops.breaks",
    deps=["market.bars", "market.bars_1d", "reference.sessions"],
    automation_condition=WHEN_INPUTS_ARE_CHECKED,
)
def breaks(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Compare what should agree: sources, widths, days with their minutes; and tell sick volume."""
    done = materialize("ops.breaks", lambda: refresh_breaks(platform.steps))
    counts = {**summarize(platform.steps), "not_compared": uncompared(platform.steps).height}
    return dg.MaterializeResult(metadata={**(done.metadata or {}), **counts})


@table_asset(
    "ops.coverage",
    deps=["market.bars", "market.bars_1d", "reference.sessions"],
    automation_condition=WHEN_INPUTS_ARE_CHECKED,
)
def coverage(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Count every session from first to last against the calendar's grid."""
    return materialize(
        "ops.coverage",
        lambda: refresh_coverage(platform.steps),
        lambda report: pictures.coverage(platform.steps, report),
    )
