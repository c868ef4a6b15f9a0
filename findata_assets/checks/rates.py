"""Checks of reference rates: averages against the published, fixings against each other, calendars against fixings."""

import dagster as dg
import polars as pl

from findata_assets.checks.contract import MOST_ROWS_SHOWN, result
from findata_assets.resource import PlatformResource
from findata_core.rates.preferring import contradicting_sources
from findata_core.rates.reviewed import KEY, reviewed
from findata_core.rates.sofr import compare, mismatches, outside_percentiles
from findata_core.schema.tables import table


@dg.asset_check(
    asset=["rates", "averages"],
    blocking=True,
    description="Recomputed averages and index equal the published ones within their rounding.",
)
def averages_equal_the_published(platform: PlatformResource) -> dg.AssetCheckResult:
    """Compare to 5 decimals (averages) and 8 (index); what somebody has reviewed is shown with its cause."""
    averages = platform.steps.store.read(table("rates.averages"))
    wrong = mismatches(averages)
    causes = reviewed(wrong)
    counts = compare(averages)
    metadata = {
        "compared": counts.get_column("compared").sum(),
        "without_recomputed": counts.get_column("null").sum(),
        "mismatched": counts.get_column("mismatched").sum(),
        **{
            f"{row['measure']}_{name}": row[name]
            for row in counts.iter_rows(named=True)
            for name in ("compared", "null", "mismatched", "reviewed")
        },
    }
    is_fine = not causes.get_column("cause").eq("").any()
    return result(is_fine, metadata, _shown(wrong.join(causes, on=KEY, maintain_order="left")))


@dg.asset_check(
    asset=["rates", "rates"],
    description="Where several sources tell a rate of a day, they tell the same.",
)
def sources_tell_the_same_rates(platform: PlatformResource) -> dg.AssetCheckResult:
    """Show days on which sources give different rates; warns."""
    rates = platform.steps.store.read(table("rates.rates"))
    told_twice = rates.filter(pl.struct("rate", "observation_date").is_duplicated())
    wrong = contradicting_sources(rates)
    metadata = {"rows_of_several_sources": told_twice.height, "rows_contradicting": wrong.height}
    return result(wrong.is_empty(), metadata, _shown(wrong), dg.AssetCheckSeverity.WARN)


@dg.asset_check(
    asset=["rates", "rates"],
    description="A rate lies between its percentiles: it is their volume-weighted median.",
)
def rates_lie_within_their_percentiles(platform: PlatformResource) -> dg.AssetCheckResult:
    """Show the fixings that do not; warns."""
    rates = platform.steps.store.read(table("rates.rates"))
    wrong = outside_percentiles(rates)
    metadata = {"fixings": rates.height, "outside": wrong.height}
    return result(wrong.is_empty(), metadata, _shown(wrong), dg.AssetCheckSeverity.WARN)


@dg.asset_check(
    asset=["rates", "calendar_disagreements"],
    description="Somebody knows why each calendar that is wrong about a day is wrong.",
)
def disagreements_are_explained(platform: PlatformResource) -> dg.AssetCheckResult:
    """Show the days that nobody has reviewed, and how often each calendar is wrong; warns."""
    found = platform.steps.store.read(table("rates.calendar_disagreements"))
    unknown = found.filter(pl.col("reason").is_null())
    counts = found.group_by("rate", "calendar").len().sort("rate", "calendar")
    wrong_by_calendar = {f"{rate}: {calendar}": count for rate, calendar, count in counts.iter_rows()}
    metadata = {"disagreements": found.height, "unexplained": unknown.height, **wrong_by_calendar}
    return result(unknown.is_empty(), metadata, _shown(unknown), dg.AssetCheckSeverity.WARN)


def _shown(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.head(MOST_ROWS_SHOWN)


RATE_CHECKS = [
    averages_equal_the_published,
    disagreements_are_explained,
    rates_lie_within_their_percentiles,
    sources_tell_the_same_rates,
]
