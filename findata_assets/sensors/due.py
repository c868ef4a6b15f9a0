"""The sensor that runs what is due, of exactly the dates that are: the books' own marks, whoever made them.

What belongs here: from marks to runs. What does not: what makes what due (findata_core/lineage.py), the groups
(findata_assets/groups.py), running what is due at once (findata_assets/running.py).

A look asks for the first group of the lineage that something is due of, and for the next one when that is done: what
is due of a group is known when what lies before it has run. Late and revised payloads, a released hold, a calendar that
changed, a dropped file: all of them leave marks, so none of them needs a sensor of its own.
"""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import polars as pl

from findata_assets.groups import GROUPS, Group
from findata_assets.partitions import RANGE_END, RANGE_START
from findata_assets.resource import PlatformResource
from findata_assets.sensors.attempts import Attempt, attempt, is_under_way
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import reference_is_current
from findata_resources.stores.due import marks_by_date

SECONDS_BETWEEN_LOOKS = 30
# The same marks again: their run failed, or left them. Who has mended the cause need not wait: findata materialize.
PAUSE = timedelta(hours=1)


DUE_GROUPS = [group for group in GROUPS if group.is_made_due]
JOBS = {
    group.name: dg.define_asset_job(
        f"due_{group.name}",
        selection=dg.AssetSelection.assets(*(name.split(".") for name in group.tables)),
        description=f"Runs what is due of {', '.join(group.tables)}.",
    )
    for group in DUE_GROUPS
}


@dg.sensor(
    name="due",
    jobs=list(JOBS.values()),
    minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Runs what ops.due says, of exactly the dates that are due, in the order of the lineage.",
)
def due(context: dg.SensorEvaluationContext, platform: PlatformResource) -> dg.SensorResult:
    """Ask for runs of the first group that something is due of."""
    reasons = []
    marks = marks_by_date(platform.steps.store.database)
    for group in DUE_GROUPS:
        if is_under_way(context.instance, f"due_{group.name}"):
            return dg.SensorResult(skip_reason=f"{group.name}: a run is under way")
        attempts = list(_attempts(context.instance, platform.steps, group, marks))
        requests = [request for request in attempts if isinstance(request, dg.RunRequest)]
        if requests:
            return dg.SensorResult(run_requests=requests)
        reasons += [reason for reason in attempts if isinstance(reason, str)]
    return dg.SensorResult(skip_reason="; ".join(reasons) or "nothing is due")


def _attempts(
    instance: dg.DagsterInstance, platform: Platform, group: Group, marks: pl.DataFrame
) -> Iterator[dg.RunRequest | str]:
    """Yield a request for each block of dates that is due of a group, or why there is none."""
    mine = marks.filter(pl.col("asset").is_in(list(group.tables)))
    if group.name == "reference" and mine.is_empty() and not reference_is_current(platform):
        content = f"not current on {platform.clock.now():%Y-%m-%d}"
        yield _request(
            attempt(instance, "due reference", content, platform.clock.now(), PAUSE), group, group.tables
        )
        return
    if mine.is_empty():
        return
    outside = _no_partitions(group, mine)
    if outside:
        yield f"{group.name}: {', '.join(outside[:3])} are no partitions (yet)"
    # What is due of a table makes what follows it in its group due: they run together.
    tables = group.tables[min(group.tables.index(name) for name in set(mine.get_column("asset"))) :]
    for first, last in _blocks(group, mine):
        inside = mine if first is None else mine.filter(_key(group).is_between(pl.lit(first), pl.lit(last)))
        told = "|".join(map(str, inside.sort("asset", "scope_date").rows()))
        asked = attempt(instance, f"due {group.name}", told, platform.clock.now(), PAUSE)
        yield _request(asked, group, tables, first, last)


def _blocks(group: Group, marks: pl.DataFrame) -> Iterator[tuple[str | None, str | None]]:
    """Yield the ends of each unbroken block of partitions that hold the dates; (None, None) without partitions.

    A date that is no partition yet (its key exists from 10:00 UTC on) is looked at again later.
    """
    if group.grain is None:
        yield None, None
        return
    wanted = set(marks.select(_key(group)).to_series())
    block: list[str] = []
    for key in [*group.grain.get_partition_keys(), ""]:
        if key in wanted:
            block.append(key)
        elif block:
            yield block[0], block[-1]
            block = []


def _no_partitions(group: Group, marks: pl.DataFrame) -> list[str]:
    """Return the dates that no partition holds: today's before its key exists, or none of the followed exchanges'."""
    if group.grain is None:
        return []
    return sorted({*marks.select(_key(group)).to_series()} - {*group.grain.get_partition_keys()})


def _key(group: Group) -> pl.Expr:
    assert group.grain is not None
    return pl.col("scope_date").dt.strftime(group.grain.fmt)


def _request(
    asked: Attempt, group: Group, tables: tuple[str, ...], first: str | None = None, last: str | None = None
) -> dg.RunRequest | str:
    if not asked.run_key:
        return asked.reason
    span = {RANGE_START: first, RANGE_END: last} if first and last else {}
    return dg.RunRequest(
        run_key=asked.run_key,
        job_name=f"due_{group.name}",
        asset_selection=[dg.AssetKey(name.split(".")) for name in tables],
        tags={**dict(asked.tags), **span},
    )
