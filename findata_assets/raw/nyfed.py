"""Reference rates as the New York Fed answers them."""

from datetime import date

import dagster as dg

from findata_assets.betas import asset
from findata_assets.contract import OWNERS, RETRIES, attempt
from findata_assets.resource import PlatformResource
from findata_assets.steps.live import fetch_rates


class RatesToAsk(dg.Config):
    """Which rates, and of which days. Empty: all families; since the last fixing known."""

    family: str = ""
    first: str = ""
    end: str = ""


@asset(
    key=["raw", "nyfed", "rates"],
    group_name="raw",
    kinds={"s3", "json"},
    owners=OWNERS,
    tags={"layer": "raw"},
    retry_policy=RETRIES,
    description="Answers of the New York Fed about its reference rates, SOFR's averages and index, byte for byte on "
    "S3: the whole history at first, then from a week before the last fixing known on. Each request has a row "
    "in ops.fetches.",
)
def nyfed_rates(config: RatesToAsk, platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Ask for the fixings since the last one known, the last week's again."""
    start, end = (date.fromisoformat(day) if day else None for day in (config.first, config.end))
    fetched = attempt(lambda: fetch_rates(platform.steps, config.family or None, start, end))
    return dg.MaterializeResult(metadata=fetched.metadata())
