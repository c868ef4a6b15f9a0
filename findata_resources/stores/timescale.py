"""The rows' store: facts with their versions, derived rows, digests; one transaction per table and session.

A transaction takes the advisory lock of its table and dates, compares digests before rows, writes what
differs, and in the same breath marks the lake's objects and the assets downstream. What is due is in
due.py, connections are in database.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import polars as pl
from psycopg import sql

from findata_core.schema import runs
from findata_core.schema.frames import conform, empty, polars_schema
from findata_core.schema.hashing import digests
from findata_core.schema.tables import Table, table
from findata_core.versions import Versions, fold_versions
from findata_resources.stores import due, journal
from findata_resources.stores.database import (
    Cursor,
    Database,
    columns_of,
    copy_into,
    copying,
    literal_list,
    name_of,
    upsert,
)
from findata_resources.stores.digest_book import (
    keep_digests,
    latest_times,
    spread,
    stored_digests,
    times_by_scope,
)
from findata_resources.stores.fetches import count_revisions
from findata_resources.stores.reports import WriteReport, report_of
from findata_resources.stores.scopes import (
    SCOPE,
    changed_scopes,
    difference,
    pairs_frame,
    pairs_of,
    rows_of,
    scope_expressions,
    scope_set,
    scopes_frame,
    split,
    stale_pairs,
)
from findata_resources.stores.statements import (
    delete_rows,
    delete_scopes,
    lock_dates,
    rows_of_subjects,
    window,
)
from findata_resources.tracing import span


@dataclass(frozen=True)
class Facts:
    """What payloads say about some scopes of a fact table.

    `observations`: rows in the table's shape. `spliced`: (subject, date) pairs whose observations are
    complete and replace all versions, because a payload older than what is stored came late.
    `marks`: the due marks that this work answers. `quarantine`: rows refused on the way. `received_times`: of
    payloads that were held at first, whose observations are known from their release.
    """

    observations: pl.DataFrame
    marks: pl.DataFrame
    quarantine: pl.DataFrame
    spliced: frozenset[tuple[str, date]] = frozenset()
    received_times: Mapping[int, datetime] = field(default_factory=dict)

    def latest_times(self, target: Table) -> dict[tuple[str, date, str], datetime]:
        """Return the receive time of each scope's youngest observation, whenever it was released."""
        if not self.received_times:
            return latest_times(target, self.observations)
        schema = self.observations.schema
        received = pl.col("payload_id").replace_strict(
            dict(self.received_times), default=pl.col("ingest_time"), return_dtype=schema["ingest_time"]
        )
        return latest_times(target, self.observations.with_columns(ingest_time=received))


class TimescaleStore:
    """Reads and writes the tables of the contract in one TimescaleDB database."""

    def __init__(self, database_url: str) -> None:
        self.database = Database(database_url)

    def read(
        self,
        source: Table,
        start: date | None = None,
        end: date | None = None,
        subjects: Iterable[str] | None = None,
        where: sql.Composable | None = None,
        *,
        are_few: bool = False,
    ) -> pl.DataFrame:
        """Return rows with digest date in [start, end) of some subjects (default: all), by business key.

        `are_few`: the caller knows of some dozens at most, which come a quicker way.
        """
        conditions = [*window(source, start, end), *([where] if where else [])]
        if subjects is not None:
            chosen = literal_list(sorted(subjects), "text")
            conditions.append(sql.SQL("{} = ANY({})").format(sql.Identifier(source.digest_subject), chosen))
        query = sql.SQL("SELECT {} FROM {} {} {} ORDER BY {}").format(
            columns_of(source),
            name_of(source),
            sql.SQL("WHERE") if conditions else sql.SQL(""),
            sql.SQL(" AND ").join(conditions),
            sql.SQL(", ").join(map(sql.Identifier, source.business_key)),
        )
        if are_few:
            return self.database.few(query, polars_schema(source))
        return conform(self.database.frame(query), source)

    def fold_facts(
        self, target: Table, facts: Facts, dates: Sequence[date], *, trust_digests: bool = True
    ) -> WriteReport:
        """Fold what payloads say about `dates` into current rows and history, in one transaction.

        With `trust_digests` a scope whose digest is unchanged is not read; without, the stored rows are
        hashed again, so that a change behind findata's back is repaired.
        """
        with span("write", table=target.address), self.database.transaction() as cursor:
            lock_dates(cursor, target, dates)
            facts = _still_due(target, facts, due.claim(cursor, target.address, facts.marks))
            report = self._fold(cursor, target, facts, dates, trust_digests=trust_digests)
            quarantined = upsert(cursor, table("ops.quarantine"), facts.quarantine)
            count_revisions(cursor, facts.observations, report.revised_at)
            due.clear(cursor, target.address, facts.marks)
        return report + WriteReport(rows_quarantined=quarantined)

    def replace(
        self, target: Table, frame: pl.DataFrame, scopes: Sequence[tuple[str, date]], marks: pl.DataFrame
    ) -> WriteReport:
        """Make the derived rows of `scopes` equal to the frame's, in one transaction; answer `marks`.

        A scope whose mark has been answered or made again since it was read is left to whoever did that.
        """
        with span("write", table=target.address), self.database.transaction() as cursor:
            lock_dates(cursor, target, sorted({day for _, day in scopes}))
            held = due.claim(cursor, target.address, marks)
            stale = stale_pairs(marks, held)
            if not stale.is_empty():
                frame = split(target, frame, stale)[0]
                scopes = sorted({*scopes} - {*stale.iter_rows()})
            fresh = digests(target, frame)
            stored = stored_digests(cursor, target, scopes)
            changed = changed_scopes(fresh, stored)
            written = rows_of(target, frame, changed)
            if not changed.is_empty():
                self._replace_scopes(cursor, target, written, changed, stored)
                keep_digests(cursor, target, fresh, changed, {})
                spread(cursor, target, changed)
            due.clear(cursor, target.address, held)
        return report_of(target, written, unchanged=frame.height - written.height)

    def put_in_place(
        self,
        target: Table,
        current: pl.DataFrame,
        closed: pl.DataFrame | None,
        scopes: Sequence[tuple[str, date]],
        folded: pl.DataFrame,
    ) -> None:
        """Make the rows of `scopes`, closed versions included, equal to rows that were made elsewhere.

        `folded`: the digests of those rows, which say how far their payloads have been folded.
        """
        pairs = pairs_frame(scopes)
        with self.database.transaction() as cursor:
            lock_dates(cursor, target, sorted({day for _, day in scopes}))
            stored = stored_digests(cursor, target, scopes)
            for side, rows in (
                (target, current),
                *([(target.history(), closed)] if closed is not None else []),
            ):
                gone, come = difference(
                    split(target, self._subject_rows(target, side, pairs), pairs)[1],
                    split(target, rows, pairs)[1],
                )
                delete_rows(cursor, side, gone)
                copy_into(cursor, side, come)
                if side is target and journal.is_followed(target):
                    journal.note(cursor, target, journal.differing(target, gone, come))
            fresh = digests(target, split(target, current, pairs)[1])
            everything = pl.concat([fresh.select(SCOPE), stored.select(SCOPE)]).unique()
            keep_digests(cursor, target, fresh, everything, times_by_scope(folded))
            spread(cursor, target, pairs)  # what only the lake still has must leave it too

    def digests(self, target: Table, start: date | None = None, end: date | None = None) -> pl.DataFrame:
        """Return the stored digests of a table with scope_date in [start, end)."""
        query = sql.SQL(
            "SELECT table_name, subject, scope_date, slice, sha256, row_count, ingest_time FROM ops.digests "
            "WHERE table_name = {} AND scope_date >= {}::date AND scope_date < {}::date "
            "ORDER BY subject, scope_date, slice"
        ).format(
            sql.Literal(target.address),
            sql.Literal(str(start or date.min)),
            sql.Literal(str(end or date.max)),
        )
        return self.database.frame(query)

    def read_scopes(self, target: Table, source: Table, scopes: Sequence[tuple[str, date]]) -> pl.DataFrame:
        """Return the rows of (subject, date) pairs from `target` or, as `source`, its history."""
        pairs = pairs_frame(scopes)
        return split(target, self._subject_rows(target, source, pairs), pairs)[1]

    def close(self) -> None:
        """Close the connections."""
        self.database.close()

    def _replace_scopes(
        self,
        cursor: Cursor,
        target: Table,
        written: pl.DataFrame,
        changed: pl.DataFrame,
        stored: pl.DataFrame,
    ) -> None:
        """Delete the changed scopes that are stored, write the rows; who follows the table is told which differ."""
        held = scope_set(changed) & scope_set(stored)
        if not journal.is_followed(target):
            delete_scopes(cursor, target, held)
            copy_into(cursor, target, written)
            return
        facts = journal.fact_columns(target)
        is_few = len(held) <= journal.FEW_SCOPES
        before = empty(target) if is_few else self._current_rows(target, scopes_frame(sorted(held)))
        deleted = delete_scopes(cursor, target, held, facts if is_few else ())
        copy_into(cursor, target, written)
        after = rows_of(target, written, scopes_frame(sorted(held)))
        told = (
            journal.replaced(target, deleted, after)
            if is_few
            else journal.differing(target, *difference(before.select(facts), after.select(facts)))
        )
        journal.note(cursor, target, journal.whole(scope_set(changed) - held) + told)

    def _fold(
        self, cursor: Cursor, target: Table, facts: Facts, dates: Sequence[date], *, trust_digests: bool
    ) -> WriteReport:
        versions = _fold_payloads(target, facts.observations)
        stored = stored_digests(cursor, target, pairs_of(target, versions.current) | facts.spliced)
        if stored.is_empty() and not facts.spliced:
            return _fill(cursor, target, facts, versions)
        stored, fresh = self._compared(target, stored, versions.current, trust_digests=trust_digests)
        changed = _changed(target, facts, versions, fresh, stored)
        held = scope_set(stored)
        # Beside spliced scopes all are merged.
        new = {scope for scope in scope_set(changed) if scope not in held and not facts.spliced}
        untouched, touched = scopes_frame(sorted(new)), scopes_frame(sorted(scope_set(changed) - new))
        current, closed = (
            rows_of(target, versions.current, untouched),
            rows_of(target, versions.history, untouched),
        )
        copy_into(cursor, target, current)
        copy_into(cursor, target.history(), closed)
        report = report_of(target, current, unchanged=0, closed=closed)
        merged = empty(target)
        if not touched.is_empty():
            merged, merging = self._merge(cursor, target, facts, touched)
            report += merging
        self._keep_fact_digests(cursor, target, facts, fresh, touched, merged, changed)
        unchanged = versions.current.height - rows_of(target, versions.current, changed).height
        return report + WriteReport(rows_unchanged=unchanged)

    def _compared(
        self, target: Table, stored: pl.DataFrame, current: pl.DataFrame, *, trust_digests: bool
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the digests of what is stored, and of `current`: hashed while the server sends what is stored."""
        if trust_digests:
            return stored, digests(target, current)
        with ThreadPoolExecutor(max_workers=1) as helper:
            hashing = helper.submit(digests, target, current)
            return self._hashed_again(target, stored), hashing.result()

    def _merge(
        self, cursor: Cursor, target: Table, facts: Facts, touched: pl.DataFrame
    ) -> tuple[pl.DataFrame, WriteReport]:
        """Fold observations of scopes that hold rows already; only rows that differ are written.

        Returns what the scopes hold now.
        """
        base = self._current_rows(target, touched)
        observed = rows_of(target, facts.observations, touched)
        spliced = pairs_frame(facts.spliced)
        kept, _ = split(target, base, spliced)
        versions = fold_versions(target, observed, standing=kept)
        old_history = self._history_rows(target, spliced)
        gone, come = difference(base, versions.current)
        delete_rows(cursor, target, gone)
        copy_into(cursor, target, come)
        history_gone, history_come = difference(old_history, versions.history)
        delete_rows(cursor, target.history(), history_gone)
        copy_into(cursor, target.history(), history_come)
        return versions.current, report_of(target, come, versions.current.height - come.height, history_come)

    def _keep_fact_digests(
        self,
        cursor: Cursor,
        target: Table,
        facts: Facts,
        fresh: pl.DataFrame,
        touched: pl.DataFrame,
        merged: pl.DataFrame,
        changed: pl.DataFrame,
    ) -> None:
        """Store digests of what the scopes hold now, and how far their payloads have been folded.

        `merged`: the rows of the touched scopes, as they were written.
        """
        if facts.observations.is_empty() and not facts.spliced:
            return
        again, beside = scope_set(touched), scope_set(fresh)
        untouched = fresh.clear() if beside <= again else fresh.join(touched, on=SCOPE, how="anti")
        now = pl.concat([untouched, digests(target, merged)])
        # A scope of which nothing is left, its day having been taken out of the calendar, has no digest any more.
        scopes = scopes_frame(sorted(scope_set(now) | again))
        keep_digests(cursor, target, now, scopes, facts.latest_times(target))
        spread(cursor, target, changed)

    def _hashed_again(self, target: Table, scopes: pl.DataFrame) -> pl.DataFrame:
        """Return the digests of what the scopes hold; knowledge is no part of them and is not read."""
        facts_only = replace(target, columns=tuple(c for c in target.columns if not c.is_knowledge))
        hashed = digests(target, self._subject_rows(target, facts_only, scopes))
        return hashed.join(scopes, on=SCOPE, how="semi")

    def _current_rows(self, target: Table, scopes: pl.DataFrame) -> pl.DataFrame:
        return rows_of(target, self._subject_rows(target, target, scopes), scopes)

    def _history_rows(self, target: Table, pairs: pl.DataFrame) -> pl.DataFrame:
        if pairs.is_empty():
            return empty(target.history())
        rows = self._subject_rows(target, target.history(), pairs)
        return split(target, rows, pairs)[1]

    def _subject_rows(self, target: Table, source: Table, scopes: pl.DataFrame) -> pl.DataFrame:
        if scopes.is_empty():
            return empty(source)
        query = rows_of_subjects(target, source, scopes)
        return conform(self.database.frame(query), source)


def _changed(
    target: Table, facts: Facts, versions: Versions, fresh: pl.DataFrame, stored: pl.DataFrame
) -> pl.DataFrame:
    """Return the scopes that what was said changes, and those that are spliced."""
    # Payloads that stay silent about a scope, another source's of the same session, do not change it.
    said = scope_set(fresh)
    is_spoken = [scope in said or scope[:2] in facts.spliced for scope in stored.select(SCOPE).iter_rows()]
    changed = changed_scopes(fresh, stored.filter(pl.Series(is_spoken, dtype=pl.Boolean)), facts.spliced)
    if versions.history.is_empty():
        return changed
    # What was said in between counts, although the last payload says again what is stored.
    between = versions.history.select(scope_expressions(target)).unique()
    return pl.concat([changed, between.join(changed, on=SCOPE, how="anti")])


def _fill(cursor: Cursor, target: Table, facts: Facts, versions: Versions) -> WriteReport:
    """Write scopes that hold nothing yet; the digests are computed while the server takes the rows."""
    if versions.current.is_empty():
        return WriteReport()
    with copying(cursor, target, versions.current):
        fresh = digests(target, versions.current)
        folded = facts.latest_times(target)
        report = report_of(target, versions.current, unchanged=0, closed=versions.history)
    copy_into(cursor, target.history(), versions.history)
    keep_digests(cursor, target, fresh, fresh, folded)
    spread(cursor, target, fresh)
    return report


def _fold_payloads(target: Table, observations: pl.DataFrame) -> Versions:
    """Fold observations among themselves; one payload's rows of a subject are unique already."""
    said = [subject for subject, _ in runs.heads(observations, [target.digest_subject, "payload_id"])]
    if len(set(said)) == len(said):
        nothing = empty(target.history())
        return Versions(observations, nothing, observations.clear())
    return fold_versions(target, observations)


def _still_due(target: Table, facts: Facts, held: pl.DataFrame) -> Facts:
    """Return the facts of the scopes whose marks are held; the others are left to whoever took them."""
    stale = stale_pairs(facts.marks, held)
    if stale.is_empty():
        return facts
    observations = split(target, facts.observations, stale)[0]
    return replace(facts, observations=observations, marks=held, spliced=facts.spliced - {*stale.iter_rows()})
