"""The break ledger: what is due is reconciled again, and its rows are made equal to what came out.

What belongs here: the order of reading, judging and writing, and how far a change reaches. What does not: what
a break is (findata_core.quality), SQL (findata_resources.stores.ledger).

How far a change reaches. What two bars say of each other is a matter of one instrument's session: the marks'
arrows say "the same date"; a split that becomes known has all sessions of its instrument compared again. Sick volume
is judged by the instrument's other sessions up to REACH_DAYS away, and by the venue's other names, which are judged
likewise. So a change of a session's minutes has all names of its venue judged again up to REACH_DAYS around it, from
profiles up to 2 * REACH_DAYS around it: a few figures a session, kept in ops.volume_profiles, so that no
minute of another session is read. Where a verdict turns, volume breaks of that session are explained anew.

One process at a time refreshes the ledger: it holds the table's lock from its first read on, so that it sees
what the one before has written. A week of sessions is one transaction: a kill leaves the rest due.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import polars as pl
from psycopg import sql

from findata_assets.steps.marks import span
from findata_assets.steps.platform import Platform, mic_of
from findata_core.market.releases import with_received_times
from findata_core.quality.breaks import facing, find_breaks, fold_breaks, known_instants, unexplained
from findata_core.quality.reconciliation import left_out
from findata_core.quality.volumes import (
    REACH_DAYS,
    explain_volumes,
    judge,
    profiles_at,
    regular_minutes,
    sick_findings,
)
from findata_core.schema.frames import empty
from findata_core.schema.tables import table
from findata_resources.stores import due, ledger
from findata_resources.stores.database import Cursor, literal_list
from findata_resources.stores.ledger import BAR_TABLES
from findata_resources.stores.reports import WriteReport
from findata_resources.stores.scopes import scope_pairs
from findata_resources.stores.versions import all_versions

BREAKS = table("ops.breaks")
PROFILES = table("ops.volume_profiles")
SPLITS = table("reference.splits")
PAIR = ["subject", "scope_date"]
REACH = timedelta(days=REACH_DAYS)
# Groups of sessions by what there is to compare, in the order in which they are refreshed, and the tables to read.
ALONE, INTRADAY, DAILY = range(3)
TABLES: Sequence[Sequence[str]] = ((), BAR_TABLES, BAR_TABLES[1:])
# What a verdict's turn is told by: not by how many other names were sick too.
LIFE = ["instrument_id", "session_date", "left_source", "adjustment", "state", "times_opened", "opened_time"]


@dataclass(frozen=True)
class Part:
    """What is refreshed in one transaction: marks, and the tables that hold bars of them to be compared."""

    marks: pl.DataFrame
    tables: Sequence[str]


@dataclass(frozen=True)
class Judged:
    """Verdicts around a part's sessions, the rows of sick volume that follow, as stored and as they are now, and the
    part's other rows as stored."""

    verdicts: pl.DataFrame
    stored: pl.DataFrame
    rows: pl.DataFrame
    compared: pl.DataFrame

    def turned(self) -> pl.DataFrame:
        """The (subject, scope_date) pairs whose verdict is not what the ledger says."""
        if self.stored.is_empty() and self.rows.is_empty():
            return pl.DataFrame(schema={"subject": pl.String, "scope_date": pl.Date})
        old, new = self.stored.select(LIFE), self.rows.select(LIFE)
        sides = [old.join(new, on=LIFE, how="anti"), new.join(old, on=LIFE, how="anti")]
        return pl.concat(sides).select(subject="instrument_id", scope_date="session_date").unique()


def refresh_breaks(platform: Platform) -> WriteReport:
    """Reconcile the sessions that are due, a week at a time."""
    report = WriteReport()
    for part in _parts(ledger.due_sessions(platform.store.database)):
        with platform.store.database.transaction() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [BREAKS.address])
            report += _refresh(platform, cursor, part)
            due.clear(cursor, BREAKS.address, part.marks)
    return report


def open_breaks(platform: Platform) -> pl.DataFrame:
    """Return the rows of ops.breaks that nobody can explain; empty after a good month."""
    return ledger.read(platform.store.database, BREAKS, sql.SQL("state = 'open'")).sort(BREAKS.business_key)


def summarize(platform: Platform) -> dict[str, int | float]:
    """Return how many breaks there are by kind and state, and for how many days the oldest open one has been
    known."""
    breaks = ledger.read(platform.store.database, BREAKS, sql.SQL("true"))
    counts = breaks.group_by("kind", "state").len().sort("kind", "state")
    summary: dict[str, int | float] = {f"{kind}_{state}": count for kind, state, count in counts.iter_rows()}
    oldest = unexplained(breaks).get_column("opened_time").min()
    if isinstance(oldest, datetime):
        summary["oldest_open_days"] = round((platform.clock.now() - oldest) / timedelta(days=1), 1)
    return summary


def uncompared(platform: Platform) -> pl.DataFrame:
    """Return the sessions of two sources that are not compared: instrument_id, session_date, interval, reason."""
    return left_out(ledger.slices(platform.store.database))


def _parts(marks: pl.DataFrame) -> Iterator[Part]:
    """Cut the marks into transactions: a week of intraday sessions, ten years of days.

    Sessions with one slice of bars, and no minutes, have nothing to be compared with: they come as one part.
    """
    if marks.is_empty():
        return
    placed = marks.with_columns(**_placing()).sort("group", "span", "scope_date", "subject")
    for part in placed.partition_by("group", "span", maintain_order=True):
        yield Part(part, TABLES[part.item(0, "group")])


@cache
def _placing() -> Mapping[str, pl.Expr]:
    """The group of a mark, and the week or the ten years of its transaction."""
    is_alone = (pl.col("slices") < 2) & ~pl.col("has_minutes")
    week, decade = (pl.col("scope_date").dt.truncate(width) for width in ("1w", "10y"))
    return {
        "group": pl.when(is_alone).then(ALONE).when("has_intraday").then(INTRADAY).otherwise(DAILY),
        "span": pl.when(is_alone).then(None).when("has_intraday").then(week).otherwise(decade),
    }


def _refresh(platform: Platform, cursor: Cursor, part: Part) -> WriteReport:
    database = platform.store.database
    versions = ledger.bar_versions(database, part.marks, part.tables)
    judged = _judge_around(platform, cursor, part.marks, versions)
    again = _to_explain_again(platform, judged.turned(), part.marks)
    todo = pl.concat([part.marks.select(PAIR), again])
    versions = pl.concat([versions, ledger.bar_versions(database, again)])
    compared = _compare(platform, facing(versions), todo, judged.verdicts)
    old, new = (
        pl.concat([judged.compared, ledger.breaks_of(database, again), judged.stored]),
        pl.concat([compared, judged.rows]),
    )
    written = ledger.put(cursor, BREAKS, old, new)
    return WriteReport(
        rows_written=written,
        rows_unchanged=new.height - written,
        subjects=frozenset(part.marks.get_column("subject")),
    )


def _compare(
    platform: Platform, versions: pl.DataFrame, todo: pl.DataFrame, verdicts: pl.DataFrame
) -> pl.DataFrame:
    """Return the ledger's rows of versions that face each other, those of sick volume left out."""
    if versions.is_empty():
        return empty(BREAKS)
    received = ledger.receive_times(platform.store.database, todo)
    splits = _split_versions(platform, versions)
    if not splits.is_empty():
        versions = with_received_times(versions, platform.released(splits.get_column("instrument_id")))
    findings, instants = find_breaks(versions, _sessions(platform, versions), received, splits)
    return fold_breaks(explain_volumes(findings, verdicts), instants)


def _split_versions(platform: Platform, versions: pl.DataFrame) -> pl.DataFrame:
    """Return all versions of the splits of the bars' instruments: superseded_time is null for current ones."""
    names = literal_list(sorted(versions.get_column("instrument_id").unique()), "text")
    is_named = sql.SQL("instrument_id = ANY({})").format(names)
    current, closed = all_versions(platform.store.database, SPLITS, where=is_named)
    open_ended = current.with_columns(superseded_time=pl.lit(None, closed.schema["superseded_time"]))
    return pl.concat([open_ended.select(closed.columns), closed])


def _judge_around(platform: Platform, cursor: Cursor, part: pl.DataFrame, versions: pl.DataFrame) -> Judged:
    """Put the profiles of the part in place, and judge its venues as far as they reach."""
    database = platform.store.database
    mics = sorted({mic_of(name) for name in part.get_column("subject").unique()})
    first, last = span(part)
    fresh = _profiles(platform, versions)
    if fresh.is_empty() and not _has_profiles(platform, part, mics):
        return Judged(judge(empty(PROFILES)), empty(BREAKS), empty(BREAKS), ledger.breaks_of(database, part))
    around = ledger.profiles_on(database, mics, first - 2 * REACH, last + 2 * REACH)
    mine, others = _split(around, part)
    ledger.put(cursor, PROFILES, mine, fresh)
    is_reached = pl.col("session_date").is_between(first - REACH, last + REACH)
    verdicts = judge(pl.concat([others, fresh])).filter(is_reached)
    compared, stored = ledger.breaks_around(database, part, mics, first - REACH, last + REACH)
    return Judged(verdicts, stored, _sick_rows(platform, verdicts), compared)


def _has_profiles(platform: Platform, part: pl.DataFrame, mics: list[str]) -> bool:
    """Tell whether minutes of the part's sessions were there before."""
    mine, _ = _split(ledger.profiles_on(platform.store.database, mics, *span(part)), part)
    return not mine.is_empty()


def _split(profiles: pl.DataFrame, part: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split profiles into those of the part's sessions, and those of others."""
    sessions = scope_pairs(part)
    columns = (profiles.get_column(name).to_list() for name in ("instrument_id", "session_date"))
    is_mine = pl.Series([session in sessions for session in zip(*columns, strict=True)], dtype=pl.Boolean)
    return profiles.filter(is_mine), profiles.filter(~is_mine)


def _profiles(platform: Platform, versions: pl.DataFrame) -> pl.DataFrame:
    """Return the volume profile of each version of the sessions' minutes."""
    minutes = regular_minutes(versions)
    if minutes.is_empty():
        return empty(PROFILES)
    return profiles_at(minutes, known_instants(minutes, _sessions(platform, minutes)))


def _sick_rows(platform: Platform, verdicts: pl.DataFrame) -> pl.DataFrame:
    if "sick" not in verdicts.get_column("verdict"):
        return empty(BREAKS)
    series = ["instrument_id", "session_date", "left_source", "adjustment"]
    looked_at = verdicts.rename({"source": "left_source"}).select(*series, "known_time").unique()
    ordered = looked_at.sort(*series, "known_time")
    instants = ordered.with_columns(step=pl.int_range(pl.len()).over(series))
    return fold_breaks(sick_findings(verdicts, _sessions(platform, verdicts)), instants, series)


def _to_explain_again(platform: Platform, turned: pl.DataFrame, part: pl.DataFrame) -> pl.DataFrame:
    """Return the sessions outside of the part whose volume breaks a turned verdict may explain, or no more."""
    if turned.is_empty():
        return turned
    others = turned.join(part, on=PAIR, how="anti").select(PAIR)
    volumes = ledger.breaks_of(platform.store.database, others).filter(field="volume")
    return others.join(volumes, left_on=PAIR, right_on=["instrument_id", "session_date"], how="semi")


def _sessions(platform: Platform, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the sessions of the rows' exchanges on their dates."""
    days = rows.get_column("session_date")
    sessions = platform.sessions_of(rows.get_column("instrument_id"))
    return sessions.filter(pl.col("session_date").is_between(days.min(), days.max()))
