"""Rules about the books against S3: what one speaks of and the other lacks; and about the backups.

What belongs here: comparing lists of names. What does not: listing (findata_resources/doctor).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from findata_core.backups.retention import HALF_AFTER
from findata_core.doctor.findings import Finding, ok, some, spell, warn, wrong

# Ours: a backup a day, a drill a week, and a day to spare for a night that went wrong.
BACKUP_NOTED = timedelta(days=2)
DRILL_NOTED = timedelta(days=8)


@dataclass(frozen=True)
class Raw:
    """Raw objects and the books: receipts (payload id -> key) and bodies on S3, payloads in the books (id -> body).

    `fetched`: payload ids that the ledger of requests names.
    """

    receipts: Mapping[int, str]
    bodies: Collection[str]
    payloads: Mapping[int, str]
    fetched: Collection[int]


@dataclass(frozen=True)
class Backup:
    """A backup on S3. `drilled`: True or False by its last drill, None where there was none."""

    name: str
    time: datetime
    is_whole: bool
    drilled: bool | None
    drill_time: datetime | None = None


def raw_findings(raw: Raw) -> list[Finding]:
    """Compare raw objects with the books, both ways."""
    bodies, known = set(raw.bodies), {*raw.payloads.values()}
    unknown = sorted(raw.receipts[item] for item in raw.receipts.keys() - raw.payloads.keys())
    no_receipt = sorted(raw.payloads.keys() - raw.receipts.keys())
    no_body = sorted(known - bodies)
    found = []
    if no_body or no_receipt:
        names = [*no_body, *(f"the receipt of payload {item}" for item in no_receipt)]
        found.append(
            wrong(
                "orphans",
                "payloads in the books without raw object",
                f"{len(names):,}: {some(names)}",
                "put the objects back from a copy or an older version of the bucket, then findata verify",
            )
        )
    if unknown:
        found.append(
            warn(
                "orphans",
                "raw payloads that the books lack",
                f"{len(unknown):,}: {some(unknown)}",
                "findata materialize enters them: a run was killed in between, or the database is an older one",
            )
        )
    if lost := sorted({*raw.fetched} - raw.payloads.keys()):
        found.append(
            warn(
                "orphans",
                "requests whose payload the books lack",
                f"{len(lost):,}: {some(map(str, lost))}",
                "findata materialize enters what is in raw; what is not was never whole",
            )
        )
    if not found:
        found.append(ok("orphans", "raw payloads", f"{len(raw.payloads):,}, each with receipt and body"))
    if nobody := sorted(bodies - known) if not unknown else []:
        said = f"{len(nobody):,} bodies without a receipt, of runs killed in between: harmless, kept"
        found.append(ok("orphans", "raw bodies", said))
    return found


def lake_findings(void: Collection[str], strange: Collection[str]) -> list[Finding]:
    """Judge objects of the lake that no reader takes: made void by a wider one, or of no table."""
    found = []
    if void:
        said = f"{len(void):,} that a wider one has made void: {some(sorted(void))}"
        found.append(
            warn(
                "orphans",
                "objects of the lake",
                said,
                "findata lake compact finishes the merge and removes them",
            )
        )
    if strange:
        said = f"{len(strange):,} that no table speaks of: {some(sorted(strange))}"
        next_step = "look who put them there; findata neither reads nor removes them"
        found.append(warn("orphans", "objects of the bucket", said, next_step))
    return found or [ok("orphans", "objects of the lake", "each is a table's")]


def backup_findings(backups: Collection[Backup], now: datetime) -> list[Finding]:
    """Judge the backups: how old the newest is, whether one was tried, what was left half."""
    whole = sorted((item for item in backups if item.is_whole), key=lambda item: item.time)
    halves = sorted(item.name for item in backups if not item.is_whole and now - item.time > HALF_AFTER)
    found = (
        [_age_finding(whole[-1], now)]
        if whole
        else [warn("backups", "newest", "there is none", "findata backup")]
    )
    if whole:
        found.append(_drill_finding(whole, now))
    if halves:
        said = f"{len(halves)} without a manifest: {some(halves)}"
        found.append(
            warn("backups", "halves", said, "findata backup removes them when it has taken a whole one")
        )
    return found


def _age_finding(newest: Backup, now: datetime) -> Finding:
    age = now - newest.time
    said = f"{newest.name}, {spell(age)} old"
    if age > BACKUP_NOTED:
        next_step = "findata backup; the schedule backup_daily in Dagster takes one a day"
        return warn("backups", "newest", said, next_step)
    return ok("backups", "newest", said)


def _drill_finding(whole: list[Backup], now: datetime) -> Finding:
    tried = [item for item in whole if item.drilled is not None and item.drill_time is not None]
    if not tried:
        return warn("backups", "drill", "no backup was ever restored to try it", "findata backup drill")
    last = max(tried, key=lambda item: item.drill_time or item.time)
    age = now - (last.drill_time or last.time)
    if not last.drilled:
        next_step = (
            "findata backup, then findata backup drill; findata verify says whether the database is right"
        )
        return wrong("backups", "drill", f"{last.name} restores to something else", next_step)
    said = f"{last.name} was equal {spell(age)} ago"
    if age > DRILL_NOTED:
        return warn(
            "backups", "drill", said, "findata backup drill; the schedule restore_drill_weekly does it weekly"
        )
    return ok("backups", "drill", said)
