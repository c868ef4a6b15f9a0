"""The books on quality: what is missing and where, which figures do not agree."""

from datetime import date, timedelta
from typing import Any

import dagster as dg
from psycopg import sql

from findata_assets import pictures
from findata_assets.automation import WHEN_INPUTS_ARE_CHECKED
from findata_assets.contract import materialize, table_asset
from findata_assets.resource import PlatformResource
from findata_assets.steps.arrivals import refresh_arrivals, stored_arrivals
from findata_assets.steps.breaks import refresh_breaks, summarize, uncompared
from findata_assets.steps.coverage import refresh_coverage
from findata_assets.steps.expected import known_states
from findata_assets.steps.platform import Platform
from findata_core.quality.arrivals import with_lateness

SHOWN = timedelta(days=95)  # sixty sessions and some
DAY = timedelta(days=1)


@table_asset(
    "ops.arrivals",
    deps=["market.bars", "market.bars_1d", "economic.fx_rates", "economic.observations", "rates.rates"],
)
def arrivals(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Match what is expected of providers with what has come; the sensor `freshness` starts it."""
    done = materialize("ops.arrivals", lambda: refresh_arrivals(platform.steps))
    rows = with_lateness(stored_arrivals(platform.steps), platform.steps.clock.now())
    counts = {"expectations": rows.height, "late": int(rows.get_column("is_late").sum())}
    return dg.MaterializeResult(metadata={**(done.metadata or {}), **counts})


@table_asset(
    "ops.breaks",
    deps=["market.bars", "market.bars_1d", "reference.sessions", "reference.splits"],
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
    result = materialize("ops.coverage", lambda: refresh_coverage(platform.steps))
    return result._replace(metadata={**(result.metadata or {}), **_told(platform.steps)})


def _told(platform: Platform) -> dict[str, Any]:
    """Return what is known of the last sessions that were counted: how many in each state, and a heat map."""
    query = sql.SQL("SELECT max(session_date) AS last_date FROM ops.coverage")
    last = platform.store.database.frame(query).item()
    if not isinstance(last, date):
        return {}
    states = known_states(platform, last - SHOWN, last + DAY)
    counts = states.group_by("state").len().sort("state").iter_rows()
    told: dict[str, Any] = {f"sessions_{state}": count for state, count in counts}
    told["sessions_due"] = states.get_column("is_due").sum()
    drawn = pictures.coverage(states)
    if drawn is not None:
        told["picture"] = dg.MetadataValue.md(drawn)
    return told
