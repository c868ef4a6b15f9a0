"""Whether what is expected of each provider's slot is here, by trading calendars: one check a slot.

What belongs here: judging the rows of ops.arrivals. What does not: what is expected (findata_core/quality/arrivals.py).
Dagster's own freshness policies know no trading calendar: a window of hours fails on every weekend.
"""

from datetime import timedelta

import dagster as dg

from findata_assets.checks.contract import MOST_ROWS_SHOWN, result
from findata_assets.resource import PlatformResource
from findata_assets.steps.arrivals import next_step, stored_arrivals
from findata_assets.steps.platform import Platform
from findata_core.quality.arrivals import SLOTS, with_lateness

FAILS_AFTER = timedelta(
    days=1
)  # until then a provider may be slow, and somebody asks again; then somebody must look


def freshness_check(provider: str, slot: str) -> dg.AssetChecksDefinition:
    """Return the check of a provider's slot."""

    @dg.asset_check(
        asset=["ops", "arrivals"],
        name=f"{provider}_{slot}_is_fresh",
        description=f"All that {provider} should have told by now ({slot}) is here; weekends and holidays expect "
        "nothing. Warns; fails when something is a day late. findata freshness prints what is late.",
    )
    def fresh(platform: PlatformResource) -> dg.AssetCheckResult:
        return check_freshness(platform.steps, provider, slot)

    return fresh


def check_freshness(platform: Platform, provider: str, slot: str) -> dg.AssetCheckResult:
    """Judge a slot by the table: what is late now, by how much, and how late the last arrivals were."""
    rows = with_lateness(stored_arrivals(platform).filter(provider=provider, slot=slot), platform.clock.now())
    late = rows.filter("is_late").sort("late_by", descending=True)
    worst = late.get_column("late_by").max()
    longest = worst if isinstance(worst, timedelta) else timedelta()
    metadata = {
        "expectations": rows.height,
        "late": late.height,
        "late_by_seconds": longest.total_seconds(),
        "came_late": rows.get_column("late_by").count() - late.height,
        "next_step": next_step(provider, late.item(0, "due_date")) if late.height else "",
    }
    severity = dg.AssetCheckSeverity.ERROR if longest >= FAILS_AFTER else dg.AssetCheckSeverity.WARN
    shown = late.select("dataset", "subject", "due_date", "expected_time", "late_by").head(MOST_ROWS_SHOWN)
    return result(late.is_empty(), metadata, shown, severity)


FRESHNESS_CHECKS = [freshness_check(provider, slot) for provider, slot in SLOTS]
