"""The sensor that keeps ops.arrivals and asks again for what is late, an hour after it was asked last.

What belongs here: noticing that something came or became late, and which job asks for it. What does not: what is
expected (findata_core/quality/arrivals.py). Late bars are the healing sensor's to ask for: it knows which sessions.
"""

import hashlib
from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import polars as pl

from findata_assets.automation import fx_job, rates_job, series_job
from findata_assets.resource import PlatformResource
from findata_assets.sensors.attempts import attempt, is_under_way
from findata_assets.steps.arrivals import arrivals_now
from findata_assets.steps.platform import Platform
from findata_core.quality.arrivals import with_lateness

SECONDS_BETWEEN_LOOKS = 300
PAUSE = timedelta(hours=1)

freshness_job = dg.define_asset_job(
    "freshness",
    selection=dg.AssetSelection.assets(["ops", "arrivals"])
    | dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey(["ops", "coverage"]), "nothing_expires_soon")),
    description="Keeps ops.arrivals, and judges whether anything is late or about to be forgotten.",
)
# provider -> the job that asks it for whatever it has not told yet. Sorted.
ASKED_BY = {
    "ecb": fx_job,
    "fred": series_job,
    "nyfed": rates_job,
}

daily_checks = dg.ScheduleDefinition(
    name="freshness_daily",
    job=freshness_job,
    cron_schedule="0 5 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Judges once a day, whatever has happened, that nothing is late or about to be forgotten.",
)


@dg.sensor(
    name="freshness",
    jobs=[freshness_job, *ASKED_BY.values()],
    minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Keeps ops.arrivals when something has come or is late, and asks publishers again for what is late.",
)
def freshness(context: dg.SensorEvaluationContext, platform: PlatformResource) -> dg.SensorResult:
    """Ask for the table to be kept when it would change, and of each late publisher once an hour.

    The cursor is a hash of what the table was last asked to say.
    """
    rows = with_lateness(arrivals_now(platform.steps), platform.steps.clock.now())
    state = _state(rows)
    requests = []
    if state != context.cursor:
        requests.append(dg.RunRequest(run_key=f"freshness/{state}", job_name=freshness_job.name))
    asked = list(_asked_again(context.instance, platform.steps, rows.filter("is_late")))
    requests += [item for item in asked if isinstance(item, dg.RunRequest)]
    if requests:
        return dg.SensorResult(run_requests=requests, cursor=state)
    reasons = [item for item in asked if isinstance(item, str)]
    return dg.SensorResult(
        skip_reason="; ".join(reasons) or "nothing has come, nothing is late", cursor=state
    )


def _state(rows: pl.DataFrame) -> str:
    told = rows.drop("late_by").write_csv()
    return hashlib.sha256(told.encode()).hexdigest()[:20]


def _asked_again(
    instance: dg.DagsterInstance, platform: Platform, late: pl.DataFrame
) -> Iterator[dg.RunRequest | str]:
    """Yield a request for each publisher that something is late of, or why there is none."""
    for provider, job in ASKED_BY.items():
        if late.filter(provider=provider).is_empty():
            continue
        if is_under_way(instance, job.name):
            yield f"{provider}: a run is under way"
            continue
        asked = attempt(instance, f"late {provider}", provider, platform.clock.now(), PAUSE)
        if asked.run_key:
            yield dg.RunRequest(run_key=asked.run_key, job_name=job.name, tags=dict(asked.tags))
        else:
            yield asked.reason
