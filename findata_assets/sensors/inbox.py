"""The sensor of the inbox on S3: files that have come to rest are taken in by one run; the sensor `due` does the rest.

What belongs here: which files are whole. What does not: taking them in (findata_assets/steps/inbox.py).

A file is whole when two looks in a row have seen the same version of it: S3 shows objects whole, but those who drop
files through gateways and mounts write them in pieces. The cursor is what the last look saw.
"""

import json
from datetime import timedelta

import dagster as dg

from findata_assets.resource import PlatformResource
from findata_assets.sensors.attempts import attempt, is_under_way
from findata_assets.steps.inbox import inbox_of

SECONDS_BETWEEN_LOOKS = 30
PAUSE = timedelta(minutes=10)  # the same files again: their run failed before it could take any of them in
MOST_FILES = 200  # a run; the rest follow

inbox_job = dg.define_asset_job(
    "inbox",
    selection=dg.AssetSelection.assets(["raw", "recorded", "inbox"]),
    description="Takes in files that were dropped below inbox/ of the bucket.",
)


@dg.sensor(
    name="inbox",
    job=inbox_job,
    minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Takes in files that were dropped below inbox/ of the bucket, once they are whole.",
)
def inbox(context: dg.SensorEvaluationContext, platform: PlatformResource) -> dg.SensorResult:
    """Ask for one run over the files that have not changed since the last look."""
    seen = inbox_of(platform.steps).waiting()
    before = json.loads(context.cursor) if context.cursor else {}
    whole = {key: version for key, version in seen.items() if before.get(key) == version}
    cursor = json.dumps(seen, sort_keys=True)
    if not whole:
        return dg.SensorResult(skip_reason=f"{len(seen)} files wait to come to rest", cursor=cursor)
    if is_under_way(context.instance, inbox_job.name):
        return dg.SensorResult(skip_reason="a run is under way", cursor=cursor)
    chosen = dict(list(whole.items())[:MOST_FILES])
    asked = attempt(
        context.instance, "inbox", json.dumps(chosen, sort_keys=True), platform.steps.clock.now(), PAUSE
    )
    if not asked.run_key:
        return dg.SensorResult(skip_reason=asked.reason, cursor=cursor)
    config = {"ops": {"raw__recorded__inbox": {"config": {"files": chosen}}}}
    request = dg.RunRequest(run_key=asked.run_key, run_config=config, tags=dict(asked.tags))
    return dg.SensorResult(run_requests=[request], cursor=cursor)
