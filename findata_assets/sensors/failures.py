"""The sensor of failed runs: it says what failed, of which dates, and why; who is told is AFTER_FAILURE.

What belongs here: from a failed run to words. What does not: telling anybody.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg

from findata_assets.partitions import PARTITION, RANGE_END, RANGE_START
from findata_assets.resource import PlatformResource
from findata_assets.steps.platform import Platform

LOG = logging.getLogger("findata")


@dataclass(frozen=True)
class FailedRun:
    """A run that failed: what it was to make, of which partitions ("" for none), why it failed, and what to do."""

    run_id: str
    job_name: str
    assets: tuple[str, ...]
    first: str
    last: str
    cause: str
    next_step: str


def _log(platform: Platform, failed: FailedRun) -> None:
    del platform
    span = f" {failed.first}..{failed.last}" if failed.first else ""
    LOG.error("%s%s failed: %s. Next: %s", failed.job_name, span, failed.cause, failed.next_step)


# Who is told of a failed run, in order. What one of them raises is an error of the sensor's tick.
AFTER_FAILURE: tuple[Callable[[Platform, FailedRun], None], ...] = (_log,)


@dg.run_failure_sensor(
    name="run_failures",
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Says of each failed run what failed, of which dates, why, and what to do next.",
)
def run_failures(context: dg.RunFailureSensorContext, platform: PlatformResource) -> None:
    """Tell everybody in AFTER_FAILURE."""
    failed = failed_run(context)
    for tell in AFTER_FAILURE:
        tell(platform.steps, failed)


def failed_run(context: dg.RunFailureSensorContext) -> FailedRun:
    """Return what is known of the failure: findata's own words where a step gave them."""
    run, look = context.dagster_run, f"Look at run {context.dagster_run.run_id} in the Dagster UI"
    cause, next_step = context.failure_event.message or "the run failed", look
    for event in context.get_step_failure_events():
        data = event.step_failure_data
        told = data.user_failure_data.metadata if data.user_failure_data else {}
        if "next_step" in told:
            cause, next_step = f"{event.step_key}: {told['cause'].value}", str(told["next_step"].value)
        elif data.error is not None:
            error = data.error.cause or data.error
            cause = f"{event.step_key}: {(error.message.strip().splitlines() or ['failed'])[0]}"
        break
    one = run.tags.get(PARTITION, "")
    return FailedRun(
        run.run_id,
        run.job_name,
        tuple(sorted(key.to_user_string() for key in run.asset_selection or ())),
        run.tags.get(RANGE_START, one),
        run.tags.get(RANGE_END, one),
        cause,
        next_step,
    )
