"""Backups as jobs: taking one, and the drill that restores the newest to see that it works. They make no rows.

The commands `findata backup`, `findata backup drill` and `findata restore` do the same without Dagster, which may be
what is lost.
"""

import dagster as dg

from findata_assets.resource import PlatformResource
from findata_core.errors import NotEqual
from findata_resources.backups.catalogue import LATEST


@dg.op(description="Dumps findata's and Dagster's databases to S3.", tags={"layer": "ops"})
def take(context: dg.OpExecutionContext, platform: PlatformResource) -> None:
    """Take a backup and say what is in it."""
    from findata_assets.steps.backing_up import take_backup  # no other run has a use for it

    taken = take_backup(platform.steps, context.log.info)
    manifest = taken.manifest
    newest = manifest.newest_payload_time
    context.add_output_metadata(
        {
            "backup": manifest.name,
            "size_bytes": manifest.size_bytes,
            "rows": sum(count.rows for part in manifest.parts for count in part.tables.values()),
            "content_hash": manifest.content_hash,
            "newest_payload_time": newest.isoformat() if newest else "",
            "duration_seconds": manifest.duration_seconds,
            "removed": taken.removed,
        }
    )


@dg.op(
    description="Restores the newest backup to databases of its own, compares, drops them.",
    tags={"layer": "ops"},
)
def try_out(context: dg.OpExecutionContext, platform: PlatformResource) -> None:
    """Drill; fail where what was restored is not what was backed up."""
    from findata_assets.steps.restoring import drill  # no other run has a use for it

    record = drill(platform.steps, LATEST, context.log.info)
    context.add_output_metadata(
        {
            "backup": record.name,
            "equal": record.is_equal,
            "differences": list(record.differences),
            "duration_seconds": record.duration_seconds,
        }
    )
    if not record.is_equal:
        raise NotEqual(
            f"The backup {record.name} does not restore: {'; '.join(record.differences)}",
            "Take another with findata backup, then findata backup drill; findata verify says whether the "
            "database itself is right",
        )


@dg.job(name="backup", description="Backs up findata's and Dagster's databases to S3.")
def backup() -> None:
    """One op."""
    take()


@dg.job(
    name="restore_drill", description="Proves that the newest backup can be restored and holds what it says."
)
def restore_drill() -> None:
    """One op."""
    try_out()


# After the last close of the day in New York, before the first open in Asia.
backup_schedule = dg.ScheduleDefinition(
    name="backup_daily",
    job=backup,
    cron_schedule="30 23 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Backs up the databases; old backups go by FINDATA_BACKUPS_KEPT.",
)
drill_schedule = dg.ScheduleDefinition(
    name="restore_drill_weekly",
    job=restore_drill,
    cron_schedule="0 7 * * 0",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Restores the newest backup on Sunday, when nothing is received.",
)
