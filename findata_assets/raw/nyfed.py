"""SOFR as the New York Fed answers it."""

import dagster as dg

from findata_assets.betas import asset
from findata_assets.contract import OWNERS, RETRIES, attempt
from findata_assets.resource import PlatformResource
from findata_assets.steps.live import fetch_sofr


@asset(
    key=["raw", "nyfed", "sofr"],
    group_name="raw",
    kinds={"s3", "json"},
    owners=OWNERS,
    tags={"layer": "raw"},
    retry_policy=RETRIES,
    description="Answers of the New York Fed about SOFR, byte for byte on S3: from the last fixing known on. "
    "Each request has a row in ops.fetches.",
)
def nyfed_sofr(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Ask for the fixings since the last one known."""
    return dg.MaterializeResult(metadata=attempt(lambda: fetch_sofr(platform.steps)).metadata())
