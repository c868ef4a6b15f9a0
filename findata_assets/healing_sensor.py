"""The sensor that fetches what is missing until nothing is, and lets it be then. Stopped by default.

One tick looks at every source of bars: what is due is asked for by one run over its sessions, unless one is under
way, the source rests, or nothing is due: the fixed point. What is due is asked of the books, never of Dagster.
"""

from collections.abc import Iterator

import dagster as dg

from findata_assets.partitions import RANGE_END, RANGE_START, SESSIONS
from findata_assets.resource import PlatformResource
from findata_assets.steps.bar_sources import BAR_PROVIDERS
from findata_assets.steps.healing import Health, health_of

HEALS = "findata/heals"  # tag of a run: the source that it asks
SECONDS_BETWEEN_LOOKS = 900
UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


JOBS = [
    dg.define_asset_job(
        f"heal_{source}",
        selection=dg.AssetSelection.assets(
            ["raw", source, "bars"], ["market", "bars"], ["market", "candles"]
        ),
        description=f"Asks {source} for the sessions that are due and folds them into candles.",
    )
    for source in BAR_PROVIDERS
]


@dg.sensor(
    name="healing",
    jobs=JOBS,
    minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Asks sources for what is missing or has settled since, soonest forgotten first, until nothing is due.",
)
def healing(context: dg.SensorEvaluationContext, platform: PlatformResource) -> dg.SensorResult:
    """Ask for one run for each source that something is due of."""
    looked = {source: health_of(platform.steps, source) for source in BAR_PROVIDERS}
    busy = set(_under_way(context.instance))
    keys = {source: _keys_of(health) for source, health in looked.items()}
    requests = [
        _request(source, keys[source])
        for source, health in looked.items()
        if keys[source] and health.rests_until is None and source not in busy
    ]
    if requests:
        return dg.SensorResult(run_requests=requests)
    words = [
        f"{source}: {health.in_words()}{_without_partition(health, keys[source])}"
        for source, health in looked.items()
        if source not in busy
    ]
    words += [f"{source}: a run is under way" for source in sorted(busy)]
    return dg.SensorResult(skip_reason="; ".join(words))


def _keys_of(health: Health) -> list[str]:
    """Return the partitions of the sessions that are due.

    There is none yet of one that has just closed east of Europe (partitions.py), nor before FINDATA_FIRST_SESSION.
    """
    due = {str(day) for day in health.days}
    return [key for key in SESSIONS.get_partition_keys() if key in due]


def _without_partition(health: Health, keys: list[str]) -> str:
    if not health.due or keys:
        return ""
    days = f"{health.days[0]} to {health.days[-1]}"
    return f", of {days}, which have no partition yet or lie before FINDATA_FIRST_SESSION"


def _request(source: str, keys: list[str]) -> dg.RunRequest:
    return dg.RunRequest(
        job_name=f"heal_{source}",
        tags={RANGE_START: keys[0], RANGE_END: keys[-1], HEALS: source, "findata/serial": source},
    )


def _under_way(instance: dg.DagsterInstance) -> Iterator[str]:
    """Yield the sources that a run of this sensor is asking."""
    for source in BAR_PROVIDERS:
        if instance.get_runs(dg.RunsFilter(tags={HEALS: source}, statuses=UNDER_WAY), limit=1):
            yield source
