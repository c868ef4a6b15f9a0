"""The guard at a source's wall: what it will soon have forgotten and nobody has brought yet."""

import dagster as dg
import polars as pl

from findata_assets.checks.contract import MOST_ROWS_SHOWN, result
from findata_assets.resource import PlatformResource
from findata_assets.steps.bar_sources import BAR_PROVIDERS
from findata_assets.steps.expected import EXPIRES_SOON, followed_states


@dg.asset_check(
    asset=["ops", "coverage"],
    description="Nothing that a source forgets within seven days is still to be asked for; findata materialize "
    "--source asks, and so does the sensor `healing`.",
)
def nothing_expires_soon(platform: PlatformResource) -> dg.AssetCheckResult:
    """List the sessions that are due and near their source's wall, soonest first; warns."""
    steps = platform.steps
    soon = steps.clock.now() + EXPIRES_SOON
    found = [followed_states(steps, source) for source in BAR_PROVIDERS]
    states = pl.concat([frame for frame in found if not frame.is_empty()] or [pl.DataFrame()])
    if states.is_empty():
        return result(True, {"sessions_due": 0}, states, dg.AssetCheckSeverity.WARN)
    due = states.filter("is_due")
    expiring = due.filter(pl.col("expires_time") <= soon).sort("expires_time", "instrument_id")
    shown = expiring.select("instrument_id", "source", "interval", "session_date", "state", "expires_time")
    metadata = {"sessions_due": due.height, "sessions_expiring": expiring.height}
    return result(expiring.is_empty(), metadata, shown.head(MOST_ROWS_SHOWN), dg.AssetCheckSeverity.WARN)
