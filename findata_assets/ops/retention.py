"""Retention as a job: what is old goes where the settings ask for it. It makes no rows, so it is no asset."""

import dagster as dg

from findata_assets.contract import attempt
from findata_assets.resource import PlatformResource
from findata_assets.steps.retention import apply, prune_changes, prune_dagster


@dg.op(description="Drops or compresses old chunks, or sets the policies that do.", tags={"layer": "ops"})
def retain(context: dg.OpExecutionContext, platform: PlatformResource) -> None:
    """Do what FINDATA_RETENTION_DAYS and FINDATA_COMPRESSION_DAYS ask for."""
    done = attempt(lambda: apply(platform.steps))
    context.add_output_metadata(
        {
            "edition": done.edition.licence,
            "done": dg.MetadataValue.md("\n".join(f"- {words}" for words, _ in done.statements) or "nothing"),
            "not possible": ", ".join(done.not_possible) or "nothing",
        }
    )


@dg.op(description="Deletes what old runs said step by step.", tags={"layer": "ops"})
def prune_run_events(context: dg.OpExecutionContext, platform: PlatformResource) -> None:
    """Delete what FINDATA_DAGSTER_EVENT_DAYS no longer keeps."""
    deleted = attempt(lambda: prune_dagster(platform.steps))
    context.add_output_metadata({"events deleted": deleted})


@dg.op(description="Deletes old lines of the journal of changes.", tags={"layer": "ops"})
def prune_journal(context: dg.OpExecutionContext, platform: PlatformResource) -> None:
    """Delete what FINDATA_CHANGE_DAYS no longer keeps."""
    deleted = attempt(lambda: prune_changes(platform.steps))
    context.add_output_metadata({"lines deleted": deleted})


@dg.job(
    name="retention",
    description="Old chunks, step events and lines of the journal go, as settings ask for it.",
)
def retention() -> None:
    """Three ops beside each other."""
    retain()
    prune_run_events()
    prune_journal()


# An hour after the lake's upkeep, on the day without sessions.
retention_schedule = dg.ScheduleDefinition(
    name="retention_weekly",
    job=retention,
    cron_schedule="0 7 * * 0",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Drops old chunks and old step events, where settings ask for it.",
)
