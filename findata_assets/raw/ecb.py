"""The euro's reference rates as the European Central Bank publishes them."""

import dagster as dg

from findata_assets.betas import asset
from findata_assets.contract import OWNERS, RETRIES, attempt
from findata_assets.resource import PlatformResource
from findata_assets.steps.live import fetch_fx


@asset(
    key=["raw", "ecb", "fx"],
    group_name="raw",
    kinds={"s3", "csv"},
    owners=OWNERS,
    tags={"layer": "raw"},
    retry_policy=RETRIES,
    description="The European Central Bank's file of all reference rates, byte for byte on S3.",
)
def ecb_fx(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Get the file."""
    return dg.MaterializeResult(metadata=attempt(lambda: fetch_fx(platform.steps)).metadata())
