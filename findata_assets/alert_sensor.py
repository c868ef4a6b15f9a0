"""The sensor that tells of failed runs and checks, over all jobs and runs of the command line too. Stopped by default.

What belongs here: reading finished runs out of Dagster's events. What does not: what they mean and who is told
(findata_core.alerts, steps/alerting.py).

Dagster's own run failure sensor moves its cursor also when its function fails, and knows nothing of checks or of what
is well again. Here the cursor moves only after the book was written; a run that is looked at twice counts once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster import DagsterEventType

from findata_assets.partitions import MONTHS, PARTITION, RANGE_END, RANGE_START
from findata_assets.resource import PlatformResource
from findata_core.alerts.troubles import ERROR, WARN, CheckResult, FailedStep, FinishedRun, first_line

SECONDS_BETWEEN_LOOKS = 60
FIRST_LOOK = timedelta(days=1)  # what failed before the sensor was started
MOST_RUNS = 200  # a look
ENDS = (DagsterEventType.RUN_FAILURE, DagsterEventType.RUN_SUCCESS)
TOLD_BY_RUNS = {
    DagsterEventType.STEP_FAILURE,
    DagsterEventType.ASSET_CHECK_EVALUATION,
    DagsterEventType.ASSET_MATERIALIZATION,
}
CURE_WORDS = ("what_to_do", "next_step")
MONTH_NAME = len("2022-06")


@dg.sensor(
    name="alerts",
    minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Tells of failed runs and checks, with the command that mends each, and when they are well again: "
    "FINDATA_ALERT_SINKS.",
)
def alerts(context: dg.SensorEvaluationContext, platform: PlatformResource) -> dg.SensorResult:
    """Look at the runs that have ended since the last look."""
    # A run needs none of it, and would load it with the definitions.
    from findata_assets.steps.alerting import sinks_of, take_in_and_tell

    steps = platform.steps
    if not sinks_of(steps.settings):
        return dg.SensorResult(skip_reason="FINDATA_ALERT_SINKS is none")
    cursor: dict[str, str] = json.loads(context.cursor or "{}")
    since = steps.clock.now() - FIRST_LOOK
    runs, further = finished_runs(context.instance, cursor, since)
    told = take_in_and_tell(steps, runs)
    words = f"{told.runs} runs have ended, {told.sent} messages sent"
    reason = "; ".join((words, *told.failures))
    return dg.SensorResult(skip_reason=reason, cursor=json.dumps(further))


def finished_runs(
    instance: dg.DagsterInstance, cursor: dict[str, str], since: datetime
) -> tuple[list[FinishedRun], dict[str, str]]:
    """Return the runs that have ended after a cursor (an empty one: since an instant), and the next cursor."""
    found, further = [], dict(cursor)
    for kind in ENDS:
        before = cursor.get(kind.value)
        records = dg.RunStatusChangeRecordsFilter(
            event_type=kind,  # type: ignore[arg-type]  # one of the kinds that end a run
            after_timestamp=None if before else since.timestamp(),
        )
        page = instance.fetch_run_status_changes(records, limit=MOST_RUNS, cursor=before, ascending=True)
        if page.cursor:
            further[kind.value] = page.cursor
        for record in page.records:
            run = instance.get_run_by_id(record.run_id)
            if run is not None:
                ended = datetime.fromtimestamp(record.timestamp, UTC)
                found.append(_finished(instance, run, ended, is_success=kind is DagsterEventType.RUN_SUCCESS))
    return found, further


def _finished(
    instance: dg.DagsterInstance, run: dg.DagsterRun, ended: datetime, *, is_success: bool
) -> FinishedRun:
    events = list(_events(instance, run.run_id))
    first, last = _span(run)
    return FinishedRun(
        run.run_id,
        run.job_name,
        ended,
        is_success,
        first,
        last,
        [_failed(event) for event in events if event.is_step_failure and not _is_upstream(event)],
        [_check(event) for event in events if event.event_type is DagsterEventType.ASSET_CHECK_EVALUATION],
        sorted(set(_made(events))),
        _folder(run),
    )


def _made(events: Sequence[dg.DagsterEvent]) -> Iterator[str]:
    """Yield the tables and raw datasets that were made."""
    for event in events:
        if event.is_step_materialization and event.asset_key:
            yield ".".join(event.asset_key.path)


def _events(instance: dg.DagsterInstance, run_id: str) -> Iterator[dg.DagsterEvent]:
    cursor = None
    while True:
        page = instance.get_records_for_run(run_id, cursor=cursor, of_type=TOLD_BY_RUNS)
        yield from (
            record.event_log_entry.dagster_event
            for record in page.records
            if record.event_log_entry.dagster_event is not None
        )
        if not page.has_more:
            return
        cursor = page.cursor


def _failed(event: dg.DagsterEvent) -> FailedStep:
    """Return the step with the first line of the real error: findata's own words, else the innermost cause."""
    data = event.step_failure_data
    name = (event.step_key or "").split("[")[0].replace("__", ".")
    told = data.user_failure_data.metadata if data.user_failure_data else {}
    if "cause" in told:
        next_step = told.get("next_step")
        return FailedStep(name, str(told["cause"].value), str(next_step.value) if next_step else "")
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause
    text = first_line(error.message if error else "")
    cause, _, next_step_text = text.partition(". Next: ")
    return FailedStep(name, cause, next_step_text)


def _is_upstream(event: dg.DagsterEvent) -> bool:
    """A step that did not run because one before it failed says nothing of its own."""
    error = event.step_failure_data.error
    return error is not None and "DagsterStepUpstreamFailed" in (error.cls_name or "")


def _check(event: dg.DagsterEvent) -> CheckResult:
    said = event.asset_check_evaluation_data
    words = next((str(said.metadata[name].value) for name in CURE_WORDS if name in said.metadata), "")
    severity = ERROR if said.severity is dg.AssetCheckSeverity.ERROR else WARN
    name = ".".join(said.asset_key.path)
    return CheckResult(
        name, said.check_name, said.passed, severity, bool(said.blocking), words or (said.description or "")
    )


def _span(run: dg.DagsterRun) -> tuple[str, str]:
    """Return the first and last day of a run's partitions, "" where it has none; months are all of their days."""
    first = run.tags.get(RANGE_START) or run.tags.get(PARTITION) or ""
    last = run.tags.get(RANGE_END) or run.tags.get(PARTITION) or ""
    return (_day(first, is_end=False), _day(last, is_end=True)) if first and last else ("", "")


def _day(key: str, *, is_end: bool) -> str:
    if len(key) != MONTH_NAME:
        return key
    window = MONTHS.time_window_for_partition_key(key)
    return str((window.end - timedelta(days=1) if is_end else window.start).date())


def _folder(run: dg.DagsterRun) -> str:
    """Return the folder of recorded files that a run was given."""
    operations = run.run_config.get("ops", {}) if isinstance(run.run_config, dict) else {}
    found: Sequence[str] = [
        str(given["config"]["directory"])
        for given in operations.values()
        if isinstance(given, dict) and "directory" in given.get("config", {})
    ]
    return found[0] if found else ""
