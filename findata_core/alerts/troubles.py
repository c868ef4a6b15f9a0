"""What a finished run says: which tables and checks are in trouble, of which days, and which are well.

What belongs here: runs as plain data, causes, the command that mends. What does not: reading Dagster's events
(findata_assets/alert_sensor.py), who was told what (ledger).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from findata_core import cures

ERROR, WARN = "error", "warn"
SEVERITIES = (ERROR, WARN)
RUN_FAILED, CHECK_FAILED = "run_failed", "check_failed"
LONGEST_CAUSE = 400
# Checks that nothing stored is wrong of: a person looks, decides, or has a source asked.
LOOKED_AT = {
    "averages_equal_the_published": ("rates", "averages", "--check"),
    "catalogue_agrees_with_the_publisher": ("series", "list"),
    "disagreements_are_explained": ("rates", "list"),
    "held": ("quarantine", "list"),
    "nothing_expires_soon": ("materialize",),
    "sources_tell_the_same_rates": ("rates", "list"),
}
LOOKED_AT_BY_DAYS = {
    "breaks_are_explained": ("breaks", "--state", "open"),
    "sessions_are_complete": ("coverage", "--csv"),
}

# What differs between two failures of one cause: numbers, ids, dates, quoted names.
_PARTICULARS = re.compile(r"\b[0-9a-f]{8,}\b|\d+(?:[-:.,]\d+)*|'[^']*'|\"[^\"]*\"", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class Scope:
    """A table (or a job, where no table is concerned) and the days of it, both inclusive; "" for all."""

    name: str
    first: str = ""
    last: str = ""

    def covers(self, other: Scope) -> bool:
        """Tell whether what is well of this scope makes the other one well."""
        if self.name != other.name:
            return False
        return not self.first or (bool(other.first) and self.first <= other.first and other.last <= self.last)

    @property
    def text(self) -> str:
        """The scope as it is kept: market.candles|2022-06-01|2022-06-03."""
        return f"{self.name}|{self.first}|{self.last}" if self.first else self.name


def scope_of(text: str) -> Scope:
    """Return the scope that a text says."""
    return Scope(*text.split("|"))


@dataclass(frozen=True)
class FailedStep:
    """A step that failed: its table (schema.name, or the step's own name), the error's first line and next step."""

    name: str
    cause: str
    next_step: str = ""


@dataclass(frozen=True)
class CheckResult:
    """How a check of a table ended; `words` is what its result says to do, where it says so."""

    table: str
    check: str
    is_passed: bool
    severity: str = ERROR
    is_blocking: bool = False
    words: str = ""

    @property
    def name(self) -> str:
        """The check as Dagster writes it: market.bars:contract."""
        return f"{self.table}:{self.check}"


@dataclass(frozen=True)
class FinishedRun:
    """A run that ended. `first`, `last`: its partitions as dates, "" where it has none. `folder`: of recorded files."""

    run_id: str
    job: str
    ended_time: datetime
    is_success: bool
    first: str = ""
    last: str = ""
    failed: Sequence[FailedStep] = ()
    checks: Sequence[CheckResult] = ()
    made: Sequence[str] = ()
    folder: str = ""


@dataclass(frozen=True)
class Trouble:
    """Something that a run says is wrong: `cause` in one line, and where."""

    kind: str
    severity: str
    cause: str
    next_step: str
    scope: Scope
    run_id: str
    time: datetime
    folder: str = ""

    @property
    def alert_id(self) -> str:
        """Which alert it belongs to: one for each cause, whatever table and day it strikes."""
        general = _PARTICULARS.sub("#", self.cause)
        text = f"{self.kind}\n{self.severity}\n{general}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def troubles_of(run: FinishedRun) -> Iterator[Trouble]:
    """Yield what is wrong: the steps that failed, and the checks; a step that a check stopped is told as the check."""
    failed_checks = [check for check in run.checks if not check.is_passed]
    for check in failed_checks:
        cause = f"Check failed: {check.name}"
        yield _trouble(run, CHECK_FAILED, check.severity, cause, check.words, check.name)
    if run.is_success:
        return
    steps = [step for step in run.failed if not any(step.name == check.table for check in failed_checks)]
    for step in steps:
        yield _trouble(run, RUN_FAILED, ERROR, step.cause, step.next_step, step.name)
    if not run.failed and not failed_checks:
        cause = f"The run of {run.job} failed before its first step or was lost"
        look = f"Look at run {run.run_id} in the Dagster UI"
        yield _trouble(run, RUN_FAILED, ERROR, cause, look, f"job:{run.job}")


def well_of(run: FinishedRun) -> Iterator[Scope]:
    """Yield what a run shows to be well: tables that it made, checks that passed, the job if all of it succeeded."""
    if run.is_success:
        yield Scope(f"job:{run.job}")
    bad = {step.name for step in run.failed}
    for name in run.made:
        if name not in bad:
            yield Scope(name, run.first, run.last)
    for check in run.checks:
        if check.is_passed:
            yield Scope(check.name, run.first, run.last)


def first_line(text: str) -> str:
    """Return the first line of an error that says something, cut where it is longer than a person reads."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    line = lines[0] if lines else "no reason given"
    return line if len(line) <= LONGEST_CAUSE else line[: LONGEST_CAUSE - 4] + " ..."


def cure_of(kind: str, scopes: Sequence[Scope], folder: str = "") -> str:
    """Return the command that repairs what is in trouble, and nothing else."""
    if not scopes:
        return cures.status()
    if kind == CHECK_FAILED:
        return _cure_of_check(scopes)
    jobs = [scope.name.removeprefix("job:") for scope in scopes if scope.name.startswith("job:")]
    if len(jobs) == len(scopes):
        return _cure_of_job(jobs[0])
    names = sorted({scope.name for scope in scopes if not scope.name.startswith("job:")})
    return _cure_of_tables(names, *_days(scopes), folder)


def _trouble(run: FinishedRun, kind: str, severity: str, cause: str, next_step: str, name: str) -> Trouble:
    scope = Scope(name, run.first, run.last) if not name.startswith("job:") else Scope(name)
    return Trouble(
        kind, severity, first_line(cause), next_step, scope, run.run_id, run.ended_time, run.folder
    )


def _days(scopes: Sequence[Scope]) -> tuple[date | None, date | None]:
    """Return the first and last day of all scopes; None where one of them is about all days."""
    if any(not scope.first for scope in scopes):
        return None, None
    return (
        date.fromisoformat(min(scope.first for scope in scopes)),
        date.fromisoformat(max(scope.last for scope in scopes)),
    )


def _cure_of_tables(names: Sequence[str], first: date | None, last: date | None, folder: str) -> str:
    """Return the command that makes tables again; where asking is what failed, the one that asks again."""
    for name in names:
        words = name.split(".")
        if name == "raw.recorded.inbox":
            return cures.materialize()
        if words[:2] == ["raw", "recorded"]:
            return cures.command("materialize", "--recorded", folder or "DIR")
        if words[0] == "raw" and len(words) == 3:
            return cures.materialize((), first, last, words[1])
    made = [name for name in names if name.split(".")[0] != "reports" and name.count(".") == 1]
    if made:
        return cures.materialize(made, first, last)
    if names[0].startswith("reports.") and last:
        return cures.command("report", "--week" if names[0] == "reports.weeks" else "--session", str(last))
    return _cure_of_job(names[0])


def _cure_of_job(name: str) -> str:
    cure = {
        "backup": cures.command("backup"),
        "compact": cures.command("lake", "compact"),
        "lake_upkeep": cures.command("lake", "compact"),
        "prune_run_events": cures.command("retention", "--apply"),
        "rates": cures.materialize(source="nyfed"),
        "retain": cures.command("retention", "--apply"),
        "retention": cures.command("retention", "--apply"),
        "restore_drill": cures.command("backup", "drill"),
        "series": cures.materialize(source="fred"),
        "take": cures.command("backup"),
        "try_out": cures.command("backup", "drill"),
        "fx": cures.materialize(source="ecb"),
    }
    if name.startswith("heal_"):
        return cures.materialize(source=name.removeprefix("heal_"))
    return cure.get(name, cures.materialize())


def _cure_of_check(scopes: Sequence[Scope]) -> str:
    """Return what a failed check asks for: the rows, a decision, asking again; else proving and repairing."""
    table_name, _, check = scopes[0].name.partition(":")
    first, last = _days(scopes)
    span = ["--sessions", cures.sessions_between(first, last)] if first and last else []
    if check == "quarantine":
        return cures.refused_rows(table_name, first, last)
    if check.endswith("_is_fresh"):
        return cures.materialize((), first, last, check.split("_")[0])
    if check in LOOKED_AT:
        return cures.command(*LOOKED_AT[check])
    if check in LOOKED_AT_BY_DAYS:
        return cures.command(*LOOKED_AT_BY_DAYS[check], *span)
    return cures.command("rebuild", *span)
