"""The pages as assets: one a session, one a week, linked where Dagster shows the materialization.

What belongs here: what Dagster sees of pages. What does not: what is on them (steps/quality.py), how they look (page).
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import dagster as dg

from findata_assets.automation import WHEN_INPUTS_ARE_CHECKED
from findata_assets.betas import asset
from findata_assets.contract import OWNERS, attempt
from findata_assets.partitions import RANGE_END, RANGE_START, SESSIONS, WEEKS, window
from findata_assets.resource import PlatformResource
from findata_assets.steps.reports import Published, publish_sessions, publish_weeks, touched_sessions

DEPS = ["market/bars", "market/bars_1d", "market/candles", "ops/breaks", "ops/coverage"]
MOST_LINKED = 31
SIGNS = {"yes": "✓", "exceptions": "!", "no": "✗"}
RECENTLY = timedelta(days=3)  # a weekend without a daemon is made up for


def _page_asset(
    name: str, partitions: dg.TimeWindowPartitionsDefinition, description: str
) -> Callable[[Callable[..., dg.MaterializeResult[None]]], dg.AssetsDefinition]:
    return asset(
        key=["reports", name],
        deps=[dep.split("/") for dep in DEPS],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        automation_condition=WHEN_INPUTS_ARE_CHECKED,
        group_name="reports",
        kinds={"s3", "html"},
        owners=OWNERS,
        tags={"layer": "reports"},
        description=description,
    )


@_page_asset("sessions", SESSIONS, "Whether a session's data can be used, and why: a page on S3 for each.")
def sessions(context: dg.AssetExecutionContext, platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Put the page of each session of the partitions."""
    start, end = window(context)
    return _result(attempt(lambda: list(publish_sessions(platform.steps, start, end))))


@_page_asset("weeks", WEEKS, "Whether an ISO week's data can be used, and why: a page on S3 for each.")
def weeks(context: dg.AssetExecutionContext, platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Put the page of each week of the partitions."""
    start, end = window(context)
    return _result(attempt(lambda: list(publish_weeks(platform.steps, start, end))))


def _result(published: Iterable[Published]) -> dg.MaterializeResult[None]:
    """Return what the UI shows: verdicts with links, and the newest page by itself."""
    pages = list(published)
    answers = [item.report.verdict.answer for item in pages]
    metadata: dict[str, Any] = {
        "pages": len(pages),
        "pages_changed": sum(item.page.is_new for item in pages),
        **{f"verdict_{answer}": answers.count(answer) for answer in SIGNS},
        "verdicts": dg.MetadataValue.md("\n".join(_line(item) for item in pages[-MOST_LINKED:])),
    }
    if pages:
        last = pages[-1]
        metadata |= {
            "verdict": last.report.verdict.line,
            "page": dg.MetadataValue.url(last.browser_address),
            "address": last.page.address,
        }
    return dg.MaterializeResult(metadata=metadata)


def _line(item: Published) -> str:
    """Return a line of Markdown; names of instruments hold no sign that means something there."""
    report = item.report
    sign = SIGNS.get(report.verdict.answer, "")
    return f"- [{report.name}]({item.browser_address}) {sign} {report.verdict.line}"


report_job = dg.define_asset_job(
    "quality_reports",
    selection=dg.AssetSelection.assets(["reports", "sessions"]),
    description="Puts the pages of sessions that something was received or decided about.",
)


@dg.schedule(
    name="quality_reports_daily",
    job=report_job,
    cron_schedule="30 5 * * *",  # before Hong Kong's lunch, after New York's day has settled
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Puts the pages of sessions again that something was received or decided about in three days.",
)
def report_schedule(platform: PlatformResource) -> list[dg.RunRequest] | dg.SkipReason:
    """Ask for one run over each unbroken stretch of sessions that were touched."""
    # It imports all definitions, this module among them.
    from findata_assets.running import blocks

    keys = set(SESSIONS.get_partition_keys())
    touched = {day for day in touched_sessions(platform.steps, RECENTLY) if str(day) in keys}
    if not touched:
        return dg.SkipReason("nothing was received or decided in three days")
    return [
        dg.RunRequest(tags={RANGE_START: first, RANGE_END: last}) for first, last in blocks(SESSIONS, touched)
    ]
