"""What is killed: a process that takes in what is new and makes all that is due of it, without Dagster.

It is forked from a process that has imported everything and done nothing (forkserver), so that a kill falls into
the work. What belongs here: the work itself, the same that `findata materialize` does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import adbc_driver_postgresql.dbapi  # noqa: F401  (the heavy libraries before the fork)
import botocore.session  # noqa: F401
import dagster_aws.s3  # noqa: F401

import findata_core.calendar_library
import findata_core.schema.validation  # noqa: F401
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform, open_platform
from findata_assets.steps.receiving import receive_all
from findata_assets.steps.sources import adopt_receipts
from findata_assets.steps.upkeep import compact_lake
from findata_resources.environment import adopt_environment, load_settings
from tests.chaos.market import Task
from tests.chaos.points import Counting, Point, arm


def work(variables: Mapping[str, str], task: Task, point: Point, turn: int, seen: str) -> None:
    """Do a task and all that others have left; die at the n-th turn of a point; write down the points seen."""
    adopt_environment(variables)
    counting = Counting(point, turn)
    arm(counting)
    platform = open_platform(load_settings(_env_file=None))
    do(platform, task)
    platform.close()
    if seen:
        Path(seen).write_text(json.dumps(counting.seen))


def do(platform: Platform, task: Task) -> None:
    """Take in a task's payloads, and what killed runs have left on S3; make what is due; merge if it is time."""
    adopt_receipts(platform)
    receive_all(platform, task.payloads)
    run_due(platform)
    platform.lake.publish(platform.store)
    if task.is_merging:
        compact_lake(platform)
