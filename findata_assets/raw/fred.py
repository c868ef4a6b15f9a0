"""Series as FRED answers them: what they are, their vintages, and the values of each."""

import dagster as dg
from pydantic import Field

from findata_assets.betas import asset
from findata_assets.contract import OWNERS, RETRIES, attempt
from findata_assets.resource import PlatformResource
from findata_assets.steps.series import fetch_series


class FollowedSeries(dg.Config):
    """Which series of the catalogue to ask for; none named means all."""

    series_ids: list[str] = Field(default_factory=list)


@asset(
    key=["raw", "fred", "series"],
    group_name="raw",
    kinds={"s3", "json"},
    owners=OWNERS,
    tags={"layer": "raw"},
    retry_policy=RETRIES,
    pool="fred",
    description="FRED's answers about the series of the catalogue, byte for byte on S3: all vintages that are not "
    "known yet, in windows that FRED answers whole. Each request has a row in ops.fetches.",
)
def fred_series(config: FollowedSeries, platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Ask for the vintages since the last one known."""
    chosen = config.series_ids or None
    return dg.MaterializeResult(metadata=attempt(lambda: fetch_series(platform.steps, chosen)).metadata())
