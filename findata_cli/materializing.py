"""materialize: receive what is new, then run through Dagster what it makes due."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from findata_assets.interrupts import interrupts_seen
from findata_assets.steps.bar_sources import LIVE_SOURCES, RATES_SOURCE
from findata_cli import opening, screen
from findata_cli.spans import SessionsOption, Span, parse_span, require_sessions
from findata_core.errors import ConfigurationError, ProviderError, RunFailed

if TYPE_CHECKING:
    from findata_assets.running import Runner
    from findata_cli.outcome import Outcome
    from findata_resources.environment import Settings

RECENT = timedelta(days=7)  # what a live source is asked for where no sessions are named


@dataclass(frozen=True)
class Task:
    """What is to be received, and which tables and sessions are run."""

    source: str | None = None
    recorded: Path | None = None
    manifest: Path | None = None
    tables: tuple[str, ...] = ()
    span: Span = field(default_factory=Span)


def materialize(
    select: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE", help="Run this table only, for example market.candles; may be repeated."
        ),
    ] = None,
    sessions: SessionsOption = None,
    source: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=f"Ask this live source first: {', '.join(LIVE_SOURCES)}."),
    ] = None,
    recorded: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Receive the recorded files of this folder first.")
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What the recorded files are. Default: recorded.toml in DIR."),
    ] = None,
) -> None:
    """Receive recorded files or a live source's answers, then run through Dagster what is due.

    Without --recorded and --source only what is due already is run. What was received once is not
    received again: a second run starts no run and asks for nothing new of settled sessions. A live
    source without --sessions is asked for the last seven days; the New York Fed for all rates, each since
    its last fixing known.
    """
    task = Task(source, recorded, manifest, tuple(select or ()), parse_span(sessions))
    check(task)
    settings = opening.settings_in_force()
    require_sessions(task.span, settings, datetime.now(UTC))
    with screen.stages() as progress:
        outcome = run(settings, task, progress)
    outcome.show()


def check(task: Task) -> None:
    """ConfigurationError where the options contradict each other or name what is not there."""
    if task.manifest is not None and task.recorded is None:
        raise ConfigurationError("--manifest says nothing without --recorded", "add --recorded DIR")
    if task.source is not None and task.source not in LIVE_SOURCES:
        raise ConfigurationError(
            f"No live source is called {task.source}",
            f"Use one of {', '.join(LIVE_SOURCES)}; recorded files come in with --recorded",
        )
    if task.recorded is not None and not task.recorded.is_dir():
        raise ConfigurationError(
            f"There is no folder {task.recorded}", "Name the folder of the recorded files"
        )


def run(settings: Settings, task: Task, progress: Callable[[str], None]) -> Outcome:
    """Do it and return what was done."""
    progress("loading the definitions")
    with (
        interrupts_seen() as interrupted,
        opening.dagster_instance(settings) as instance,
        opening.platform(settings) as platform,
    ):
        from findata_assets.running import Runner
        from findata_cli.outcome import Outcome

        tables = known_tables(task.tables)
        level = "DEBUG" if screen.is_verbose() else "CRITICAL"
        runner = Runner(platform, instance, progress, level, interrupted)
        runner.done = outcome = Outcome()
        progress("looking for what is new and what is due")
        runner.refresh_reference()
        _receive(runner, outcome, settings, task)
        runner.run_due(tables or None, task.span.first, task.span.end)
        if interrupted():
            raise KeyboardInterrupt
        return outcome


def known_tables(names: Sequence[str]) -> list[str]:
    """Return the tables as `schema.name`; ConfigurationError names what is meant instead of an unknown one."""
    from findata_assets.groups import GROUPS

    known = sorted(name for group in GROUPS for name in group.tables)
    dotted = [name.replace("/", ".") for name in names]
    for name in dotted:
        if name not in known:
            near = get_close_matches(name, known, n=3) or [item for item in known if name in item] or known
            raise ConfigurationError(f"No table that can be run is called {name}", f"Use {' or '.join(near)}")
    return dotted


def _receive(runner: Runner, outcome: Outcome, settings: Settings, task: Task) -> None:
    if task.recorded is not None:
        folder, manifest = task.recorded.resolve(), task.manifest.resolve() if task.manifest else None
        _name_files(outcome, folder, manifest)
        runner.load_recorded(folder, manifest)
    if task.source is not None:
        _fetch(runner, settings, task.source, task.span)


def _fetch(runner: Runner, settings: Settings, source: str, span: Span) -> None:
    today = datetime.now(UTC).date()
    if source == RATES_SOURCE and span.first is None and span.last is None:
        _ask(runner, source, None, None)  # since the last day that is known
        return
    start = span.first or (today - RECENT if span.last is None else settings.first_session)
    _ask(runner, source, start, span.end or today + timedelta(days=1))


def _ask(runner: Runner, source: str, start: date | None, end: date | None) -> None:
    try:
        runner.fetch(source, start, end)
    except RunFailed as error:
        raise ProviderError(error.message, error.next_step) from error


def _name_files(outcome: Outcome, folder: Path, manifest: Path | None) -> None:
    """Note which files each set has and which ones no set takes."""
    from findata_assets.steps.sources import RECORDED_ASSETS, recorded_requests

    for dataset in (name for datasets in RECORDED_ASSETS.values() for name in datasets):
        requests, skipped = recorded_requests(folder, manifest, dataset)
        for request in requests:
            name = str(request.parameters["reading"]["name"])
            outcome.files[name] = outcome.files.get(name, 0) + 1
        outcome.skipped.update({item.path: item.reason for item in skipped})
