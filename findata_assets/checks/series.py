"""Checks of series: revisions against the vintages that they are made from, the catalogue against its publisher."""

import dagster as dg
import polars as pl
from psycopg import sql

from findata_assets.checks.contract import MOST_ROWS_SHOWN, result
from findata_assets.resource import PlatformResource

# Of a day on which something was released, what was seen before that on the same day says nothing.
_VINTAGES = """
SELECT o.series_id, o.source, o.observation_date, o.vintage_date, o.state, o.value,
       count(r.series_id) AS bounds_that_hold_it,
       bool_or(r.state = o.state AND r.value IS NOT DISTINCT FROM o.value) AS is_same
FROM economic.observations AS o LEFT JOIN economic.revisions AS r
  ON r.series_id = o.series_id AND r.source = o.source AND r.observation_date = o.observation_date
  AND r.realtime_start_date <= o.vintage_date
  AND (r.realtime_end_date IS NULL OR r.realtime_end_date >= o.vintage_date)
WHERE o.state <> 'withdrawn' AND (o.vintage_kind = 'released' OR NOT EXISTS (
  SELECT FROM economic.observations AS p WHERE p.series_id = o.series_id AND p.source = o.source
  AND p.observation_date = o.observation_date AND p.vintage_date = o.vintage_date AND p.vintage_kind = 'released'))
GROUP BY 1, 2, 3, 4, 5, 6
"""
_DIFFERENT = "SELECT * FROM vintages WHERE bounds_that_hold_it <> 1 OR NOT is_same ORDER BY 1, 2, 3, 4"
_DESCRIBED = """
SELECT ours.series_id, ours.name, theirs.name AS their_name, ours.unit, theirs.unit AS their_unit, ours.frequency,
       theirs.frequency AS their_frequency, ours.seasonal_adjustment, theirs.seasonal_adjustment AS their_adjustment
FROM economic.series AS ours JOIN economic.series AS theirs USING (series_id)
WHERE ours.source = 'findata' AND theirs.source = 'fred'
"""


@dg.asset_check(
    asset=["economic", "revisions"],
    blocking=True,
    description="On each vintage exactly one revision of an observation stands, and says what the vintage said.",
)
def revisions_say_what_each_vintage_said(platform: PlatformResource) -> dg.AssetCheckResult:
    """Look up every vintage of every observation in the bounds of the revisions."""
    database = platform.steps.store.database
    wrong = database.frame(
        sql.SQL("WITH vintages AS ({}) {}").format(sql.SQL(_VINTAGES), sql.SQL(_DIFFERENT))
    )
    counted = sql.SQL("SELECT count(*) AS n FROM ({}) AS vintages").format(sql.SQL(_VINTAGES))
    metadata = {"vintages_compared": database.frame(counted).item(), "different": wrong.height}
    return result(wrong.is_empty(), metadata, wrong.head(MOST_ROWS_SHOWN))


@dg.asset_check(
    asset=["economic", "series"],
    description="The catalogue describes each series as its publisher does: name, unit, frequency, adjustment.",
)
def catalogue_agrees_with_the_publisher(platform: PlatformResource) -> dg.AssetCheckResult:
    """Compare the catalogue's lines with FRED's own words; warns."""
    both = platform.steps.store.database.frame(sql.SQL(_DESCRIBED))
    names = both.columns[1:]
    pairs = zip(names[::2], names[1::2], strict=True)
    wrong = both.filter(pl.any_horizontal(pl.col(ours) != pl.col(theirs) for ours, theirs in pairs))
    metadata = {"compared": both.height, "different": wrong.height}
    return result(wrong.is_empty(), metadata, wrong.head(MOST_ROWS_SHOWN), dg.AssetCheckSeverity.WARN)


SERIES_CHECKS = [catalogue_agrees_with_the_publisher, revisions_say_what_each_vintage_said]
