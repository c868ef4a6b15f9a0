"""The checks that say which answers of a source are held, and what to run: they warn and block nothing.

What belongs here: counting and naming. What does not: judging (steps/judging), deciding (steps/holding).
"""

import dagster as dg
import polars as pl

from findata_assets.checks.contract import MOST_ROWS_SHOWN, result
from findata_assets.resource import PlatformResource
from findata_assets.steps.bar_sources import BAR_PROVIDERS
from findata_assets.steps.holding import held_payloads, hex_id
from findata_assets.steps.platform import Platform
from findata_core.quality.lists import LIST_CHANGED


def held_check(source: str) -> dg.AssetChecksDefinition:
    """Return the check of a source's raw answers: none of them waits for a decision."""

    @dg.asset_check(
        asset=["raw", source, "bars"],
        name="held",
        description=f"Answers of {source} that were held because they are implausible, and wait for a decision: "
        "findata quarantine list.",
    )
    def held(platform: PlatformResource) -> dg.AssetCheckResult:
        return check_held(platform.steps, source)

    return held


def check_held(platform: Platform, source: str) -> dg.AssetCheckResult:
    """Name the payloads of a source that wait for a decision."""
    return _told(held_payloads(platform).filter(source=source))


@dg.asset_check(
    asset=["raw", "recorded", "securities"],
    name="held",
    description="Lists of securities that were held because a third changed at once, and wait for a decision: "
    "findata quarantine list.",
)
def held_lists(platform: PlatformResource) -> dg.AssetCheckResult:
    """Name the lists of securities that wait for a decision."""
    return _told(held_payloads(platform.steps).filter(rule=LIST_CHANGED))


def _told(rows: pl.DataFrame) -> dg.AssetCheckResult:
    shown = rows.select("payload_id", "rule", "subject", "interval", "held_time", "reason").head(
        MOST_ROWS_SHOWN
    )
    named = shown.with_columns(
        pl.Series("payload_id", map(hex_id, shown.get_column("payload_id")), pl.String)
    )
    metadata = {
        "payloads_held": rows.height,
        "rules": dict(rows.group_by("rule").len().sort("rule").iter_rows()),
        "what_to_do": "findata quarantine show ID, then findata quarantine release ID or reject ID",
    }
    return result(rows.is_empty(), metadata, named, dg.AssetCheckSeverity.WARN)


HELD_CHECKS = [*(held_check(source) for source in BAR_PROVIDERS), held_lists]
