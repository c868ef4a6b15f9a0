"""Running what is due through Dagster: which assets, in which blocks of partitions, until nothing is left.

Runs happen in this process with the instance that the UI shows. What is due is asked of the books, never
of Dagster's partition status; a second call starts no run.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from findata_assets.definitions import definitions_on
from findata_assets.groups import GROUPS, REFERENCE
from findata_assets.interrupts import INTERRUPT
from findata_assets.partitions import RANGE_END, RANGE_START, SESSIONS
from findata_assets.resource import given
from findata_assets.steps.arrivals import refresh_arrivals
from findata_assets.steps.bar_sources import BAR_PROVIDERS, LIVE_SOURCES, RATES_SOURCE, WHOLE_SOURCES
from findata_assets.steps.platform import Platform
from findata_assets.steps.receiving import known_payloads
from findata_assets.steps.sources import (
    RECORDED_ASSETS,
    adopt_receipts,
    recorded_payloads,
    reference_is_current,
)
from findata_core.errors import ConfigurationError, RunFailed
from findata_resources import tracing
from findata_resources.providers.fred import required_key
from findata_resources.stores.due import due_dates

ROUNDS = (
    4  # a round may make more due (a session loaded late reaches next week's signals); it ends long before
)

Progress = Callable[[str], None]


@dataclass
class Runs:
    """What was run: the number of runs and of materializations, by asset."""

    runs: int = 0
    materializations: dict[str, int] = field(default_factory=dict)

    def add(self, result: dg.ExecuteInProcessResult) -> None:
        """Count a run."""
        self.runs += 1
        for event in result.get_asset_materialization_events():
            key = event.asset_key.to_user_string() if event.asset_key else ""
            self.materializations[key] = self.materializations.get(key, 0) + 1


class Runner:
    """Starts runs in this process and counts them; none after `interrupted` has said so (interrupts_seen)."""

    def __init__(
        self,
        platform: Platform,
        instance: dg.DagsterInstance,
        progress: Progress,
        console_log_level: str = "INFO",
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        self._platform = platform
        self._instance = instance
        self._progress = progress
        self._interrupted = interrupted
        self._loggers = {"console": {"config": {"log_level": console_log_level}}}
        self._job = definitions_on(given(platform)).resolve_implicit_global_asset_job_def()
        self.done = Runs()

    def load_recorded(self, directory: Path, manifest: Path | None) -> None:
        """Receive a folder; files that are known already start no run."""
        for asset, datasets in RECORDED_ASSETS.items():
            ids = {
                payload_id
                for dataset in datasets
                for payload_id in recorded_payloads(self._platform, directory, manifest, dataset)
            }
            if len(known_payloads(self._platform, ids)) < len(ids):
                config = {"directory": str(directory), "manifest": str(manifest) if manifest else ""}
                operation = f"raw__recorded__{asset}"
                self._run([f"raw.recorded.{asset}"], {}, {"ops": {operation: {"config": config}}})

    def refresh_reference(self) -> None:
        """Bring universe and calendars up to date, if they are not."""
        adopt_receipts(self._platform)
        if not reference_is_current(self._platform):
            self._run(REFERENCE, {})

    def fetch(self, source: str, start: date | None, end: date | None) -> None:
        """Ask a live provider for the sessions in [start, end), or for its rates of those days.

        Without dates rates are asked for since the last day known.
        """
        if source == "fred":
            required_key(self._platform.settings.fred_api_key)
        if source == RATES_SOURCE:
            config = {"first": str(start) if start else "", "end": str(end) if end else ""}
            self._run(["raw.nyfed.rates"], {}, {"ops": {"raw__nyfed__rates": {"config": config}}})
            return
        if source in WHOLE_SOURCES:
            self._run([WHOLE_SOURCES[source]], {})
            return
        if source not in BAR_PROVIDERS:
            raise ConfigurationError(
                f"No live source is called {source}", f"Use one of {', '.join(LIVE_SOURCES)}"
            )
        keys = [key for key in SESSIONS.get_partition_keys() if str(start or "") <= key < str(end or "9")]
        if not keys:
            raise ConfigurationError(
                f"No followed exchange has a session from {start} to before {end} that has closed",
                "Choose other sessions; the last one is there after its close",
            )
        self._run([f"raw.{source}.bars"], range_tags(keys[0], keys[-1]))

    def run_due(
        self, select: Iterable[str] | None = None, start: date | None = None, end: date | None = None
    ) -> None:
        """Run what is due until nothing is: of some tables (default all), of partitions in [start, end).

        The dates choose among partitions; tables without any run whole.
        """
        wanted = set(select) if select is not None else None
        for _ in range(ROUNDS):
            before = self.done.runs
            for group in GROUPS:
                chosen = [name for name in group.tables if wanted is None or name in wanted]
                self._run_group(chosen, group.grain, start or date.min, end or date.max)
            if self.done.runs == before:
                break
        # Objects that a killed publisher has left marked, although nothing is due any more.
        self._platform.lake.publish(self._platform.store)
        refresh_arrivals(self._platform)

    def _run_group(
        self, group: Sequence[str], grain: dg.TimeWindowPartitionsDefinition | None, start: date, end: date
    ) -> None:
        due = due_dates(self._platform.store.database)
        mine = due.filter(due.get_column("asset").is_in(list(group)))
        if grain is not None:
            mine = mine.filter(mine.get_column("scope_date").is_between(start, end, closed="left"))
        if mine.is_empty():
            return
        # What is due makes what follows it in its group due: they run together.
        first = min(group.index(name) for name in set(mine.get_column("asset")))
        if grain is None:
            self._run(group[first:], {})
            return
        for first_key, last_key in blocks(grain, set(mine.get_column("scope_date"))):
            self._run(group[first:], range_tags(first_key, last_key))

    def _run(self, tables: Sequence[str], tags: dict[str, str], config: dict[str, Any] | None = None) -> None:
        span = f" {tags[RANGE_START]}..{tags[RANGE_END]}" if tags else ""
        self._progress(f"{', '.join(tables)}{span}")
        if self._interrupted():
            raise KeyboardInterrupt
        with tracing.span("run", assets=", ".join(tables)):
            result = self._job.execute_in_process(
                instance=self._instance,
                asset_selection=[dg.AssetKey(name.split(".")) for name in tables],
                run_config={**(config or {}), "loggers": self._loggers},
                tags=tags,
                raise_on_error=False,
            )
            self.done.add(result)
            if self._interrupted() or _was_interrupted(result):
                raise KeyboardInterrupt
        if not result.success:
            raise RunFailed(*_failure(result))


def keep_connections(instance: dg.DagsterInstance) -> None:
    """Let an instance keep its connections: it opens one for every event otherwise, half of a load's time."""
    instance.optimize_for_webserver(statement_timeout=600_000, pool_recycle=3600, max_overflow=20)


def range_tags(first: str, last: str) -> dict[str, str]:
    """Return the run tags of a range of partition keys, both ends inclusive."""
    return {RANGE_START: first, RANGE_END: last}


def blocks(partitions: dg.TimeWindowPartitionsDefinition, dates: set[date]) -> Iterator[tuple[str, str]]:
    """Yield the first and last key of each unbroken block of partitions that hold the dates."""
    keys = partitions.get_partition_keys()
    position = {key: number for number, key in enumerate(keys)}
    wanted = {day.strftime(partitions.fmt) for day in dates}
    unknown = sorted(wanted - position.keys())
    if unknown:
        raise ConfigurationError(
            f"{', '.join(unknown[:3])} {'is' if len(unknown) == 1 else 'are'} no partition: before the first session, "
            "or a day on which no followed exchange trades",
            "Lower FINDATA_FIRST_SESSION, or add an instrument of that exchange to the universe file",
        )
    numbers = sorted(position[key] for key in wanted)
    start = previous = numbers[0]
    for number in numbers[1:]:
        if number != previous + 1:
            yield keys[start], keys[previous]
            start = number
        previous = number
    yield keys[start], keys[previous]


def _was_interrupted(result: dg.ExecuteInProcessResult) -> bool:
    """Tell whether a step ended by Ctrl-C, which Dagster reports as a failure of the step."""
    failures = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    return any(data.error and INTERRUPT in str(data.error) for data in failures)


def _failure(result: dg.ExecuteInProcessResult) -> tuple[str, str]:
    """Return what failed first and what to do: findata's own words where there are any."""
    look = f"Look at run {result.run_id} in the Dagster UI"
    failed = [item for item in result.get_asset_check_evaluations() if not item.passed and item.blocking]
    if failed:
        names = ", ".join(f"{item.asset_key.to_user_string()}:{item.check_name}" for item in failed)
        return (
            f"Checks failed: {names}",
            f"{look}: each check shows the rows; findata verify says which are wrong",
        )
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data and "next_step" in data.user_failure_data.metadata:
                told = data.user_failure_data.metadata
                return f"{event.step_key}: {told['cause'].value}", str(told["next_step"].value)
            error = data.error.cause or data.error if data.error else None
            message, _, next_step = (error.message if error else "").strip().partition(". Next: ")
            return f"{event.step_key}: {message.splitlines()[0] if message else 'failed'}", next_step or look
    return "The run failed before its first step", look
