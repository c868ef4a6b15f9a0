"""The shape of what Dagster loads, as plain JSON: what must not change by accident.

`python -m tests.assets.shape` writes it to definitions.json beside this file; the test compares with that.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dagster as dg

from findata_assets.definitions import findata

SNAPSHOT = Path(__file__).with_name("definitions.json")


def shape() -> dict[str, Any]:
    """Return assets, checks, jobs, schedules and sensors by name."""
    definitions = findata()
    graph = definitions.resolve_asset_graph()
    repository = definitions.get_repository_def()
    return {
        "assets": {
            key.to_user_string(): _asset(graph.get(key)) for key in sorted(graph.get_all_asset_keys())
        },
        "checks": {
            f"{key.asset_key.to_user_string()}:{key.name}": _check(graph.get(key))
            for key in sorted(graph.asset_check_keys, key=str)
        },
        "jobs": {job.name: _job(job) for job in definitions.jobs or []},
        "schedules": {item.name: _schedule(item) for item in repository.schedule_defs},
        "sensors": {
            item.name: {"default_status": item.default_status.value} for item in repository.sensor_defs
        },
    }


def _asset(node: Any) -> dict[str, Any]:
    condition = node.automation_condition
    return {
        "deps": sorted(key.to_user_string() for key in node.parent_keys),
        "group": node.group_name,
        "kinds": sorted(node.kinds),
        "owners": list(node.owners),
        "tags": {name: value for name, value in node.tags.items() if not name.startswith("dagster/kind/")},
        "partitions": _partitions(node.partitions_def),
        "backfill": node.backfill_policy.policy_type.value if node.backfill_policy else None,
        "automation": condition.get_label() if condition else None,
    }


def _check(node: Any) -> dict[str, Any]:
    return {"blocking": node.blocking}


def _partitions(definition: dg.PartitionsDefinition[Any] | None) -> str | None:
    """Name the grain; the days without a session are the calendar's and change with it."""
    if definition is None:
        return None
    assert isinstance(definition, dg.TimeWindowPartitionsDefinition)
    return (
        f"{definition.cron_schedule} {definition.timezone}, {definition.fmt} from {definition.start:%Y-%m-%d}"
    )


def _job(job: Any) -> dict[str, Any]:
    return (
        {"selection": str(job.selection)}
        if hasattr(job, "selection")
        else {"ops": sorted(job.graph.node_dict)}
    )


def _schedule(schedule: Any) -> dict[str, Any]:
    return {
        "job": schedule.job_name,
        "cron": schedule.cron_schedule,
        "time_zone": schedule.execution_timezone,
        "default_status": schedule.default_status.value,
    }


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(shape(), indent=2, sort_keys=True) + "\n")
