"""Alpha Vantage's series: the minutes and the days of the sessions that are due, as traded."""

import dagster as dg

from findata_assets.betas import asset
from findata_assets.contract import OWNERS, RETRIES, attempt
from findata_assets.partitions import SESSIONS, window
from findata_assets.resource import PlatformResource
from findata_assets.steps.live import fetch_bars


@asset(
    key=["raw", "alphavantage", "bars"],
    deps=[["reference", "instruments"], ["reference", "sessions"], ["reference", "symbols"]],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="raw",
    kinds={"s3", "json"},
    owners=OWNERS,
    tags={"layer": "raw"},
    retry_policy=RETRIES,
    pool="alphavantage",
    description="Alpha Vantage's answers for closed sessions that are not complete or not settled yet, byte for "
    "byte on S3: minutes by the calendar month, days in one answer. Each request has a row in ops.fetches.",
)
def alphavantage_bars(
    context: dg.AssetExecutionContext, platform: PlatformResource
) -> dg.MaterializeResult[None]:
    """Ask for what is due of the partition's sessions."""
    start, end = window(context)
    fetched = attempt(lambda: fetch_bars(platform.steps, "alphavantage", start, end))
    return dg.MaterializeResult(metadata=fetched.metadata())
