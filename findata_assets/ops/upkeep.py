"""Upkeep of the lake as a job: merging past months and years. It makes no rows, so it is no asset."""

from typing import Any

import dagster as dg

from findata_assets.resource import PlatformResource
from findata_assets.steps.upkeep import compact_lake
from findata_core.errors import NotEqual
from findata_resources.stores.compaction import Compacted


@dg.op(description="Merges the objects of past months and years in the lake.", tags={"layer": "ops"})
def compact(context: dg.OpExecutionContext, platform: PlatformResource) -> None:
    """Merge what can be merged; fail if something is out of order, after the rest was done."""
    done = compact_lake(platform.steps, context.log.info)
    merged = [item for item in done if item.is_merged]
    context.add_output_metadata(
        {
            "objects before": sum(item.objects_before for item in merged),
            "objects after": len(merged),
            "merged": dg.MetadataValue.table([_record(item) for item in merged], schema=_SCHEMA),
        }
    )
    troubles = [f"{item.table} {item.partition}: {item.remark}" for item in done if item.is_trouble]
    if troubles:
        raise NotEqual("; ".join(troubles), "See findata lake; the rest is merged")


_COLUMNS = {"table": "string", "partition": "string", "objects": "int", "bytes": "int", "sha256": "string"}
_SCHEMA = dg.TableSchema([dg.TableColumn(name, kind) for name, kind in _COLUMNS.items()])


def _record(item: Compacted) -> dg.TableRecord:
    values: tuple[Any, ...] = (
        item.table,
        item.partition,
        item.objects_before,
        item.bytes_after,
        item.sha256,
    )
    return dg.TableRecord(dict(zip(_COLUMNS, values, strict=True)))


@dg.job(
    name="lake_upkeep", description="Merges the lake's session objects of past months and years into one."
)
def lake_upkeep() -> None:
    """One op."""
    compact()


# Sunday: no followed exchange trades, nothing is published.
lake_schedule = dg.ScheduleDefinition(
    name="lake_upkeep_weekly",
    job=lake_upkeep,
    cron_schedule="0 6 * * 0",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Merges the lake's objects of months and years that are over.",
)
