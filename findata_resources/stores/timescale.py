"""The rows' store: facts with their versions, derived rows, digests; one transaction per table and session.

A transaction takes the advisory lock of its table and dates, compares digests before rows, writes what
differs, and in the same breath marks the lake's objects and the assets downstream. What is due is in
due.py, connections are in database.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
from psycopg import sql

from findata_core.schema.frames import conform, empty
from findata_core.schema.hashing import WHOLE_HISTORY, digests
from findata_core.schema.tables import LakePartition, Table, table
from findata_core.versions import Versions, fold_versions
from findata_resources.stores import due
from findata_resources.stores.database import (
    Cursor,
    Database,
    copy_into,
    copying,
    literal_list,
    name_of,
    upsert,
)

DAY = timedelta(days=1)
LONGEST_SESSION = timedelta(days=2)  # a session's rows start within two days around its date, in any zone
SCOPE = ["subject", "scope_date", "slice"]
NO_PAYLOAD = datetime(
    1970, 1, 1, tzinfo=UTC
)  # folding time of derived rows, which have no payload of their own


@dataclass(frozen=True)
class WriteReport:
    """What a write did: rows, and the first and last instant that they cover."""

    rows_written: int = 0
    rows_unchanged: int = 0
    rows_revised: int = 0
    rows_quarantined: int = 0
    first_time: datetime | None = None
    last_time: datetime | None = None
    subjects: frozenset[str] = field(default_factory=frozenset)

    def __add__(self, other: "WriteReport") -> "WriteReport":
        firsts = [time for time in (self.first_time, other.first_time) if time]
        lasts = [time for time in (self.last_time, other.last_time) if time]
        return WriteReport(
            self.rows_written + other.rows_written,
            self.rows_unchanged + other.rows_unchanged,
            self.rows_revised + other.rows_revised,
            self.rows_quarantined + other.rows_quarantined,
            min(firsts, default=None),
            max(lasts, default=None),
            self.subjects | other.subjects,
        )


@dataclass(frozen=True)
class Facts:
    """What payloads say about some scopes of a fact table.

    `observations`: rows in the table's shape. `spliced`: (subject, date) pairs whose observations are
    complete and replace all versions, because a payload older than what is stored came late.
    `marks`: the due marks that this work answers. `quarantine`: rows refused on the way.
    """

    observations: pl.DataFrame
    marks: pl.DataFrame
    quarantine: pl.DataFrame
    spliced: frozenset[tuple[str, date]] = frozenset()


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
    ) -> pl.DataFrame:
        """Return rows with digest date in [start, end) of some subjects (default: all), by business key."""
        conditions = [*_window(source, start, end), *([where] if where else [])]
        if subjects is not None:
            chosen = literal_list(sorted(subjects), "text")
            conditions.append(sql.SQL("{} = ANY({})").format(sql.Identifier(source.digest_subject), chosen))
        query = sql.SQL("SELECT {} FROM {} {} {} ORDER BY {}").format(
            sql.SQL(", ").join(map(sql.Identifier, source.column_names)),
            name_of(source),
            sql.SQL("WHERE") if conditions else sql.SQL(""),
            sql.SQL(" AND ").join(conditions),
            sql.SQL(", ").join(map(sql.Identifier, source.business_key)),
        )
        return conform(self.database.frame(query), source)

    def fold_facts(
        self, target: Table, facts: Facts, dates: Sequence[date], *, trust_digests: bool = True
    ) -> WriteReport:
        """Fold what payloads say about `dates` into current rows and history, in one transaction.

        With `trust_digests` a scope whose digest is unchanged is not read; without, the stored rows are
        hashed again, so that a change behind findata's back is repaired.
        """
        with self.database.transaction() as cursor:
            _lock(cursor, target, dates)
            facts = _still_due(target, facts, due.claim(cursor, target.address, facts.marks))
            report = self._fold(cursor, target, facts, dates, trust_digests=trust_digests)
            quarantined = upsert(cursor, table("ops.quarantine"), facts.quarantine)
            due.clear(cursor, target.address, facts.marks)
        return report + WriteReport(rows_quarantined=quarantined)

    def replace(
        self, target: Table, frame: pl.DataFrame, scopes: Sequence[tuple[str, date]], marks: pl.DataFrame
    ) -> WriteReport:
        """Make the derived rows of `scopes` equal to the frame's, in one transaction; answer `marks`.

        A scope whose mark has been answered or made again since it was read is left to whoever did that.
        """
        with self.database.transaction() as cursor:
            _lock(cursor, target, sorted({day for _, day in scopes}))
            held = due.claim(cursor, target.address, marks)
            stale = _stale(marks, held)
            if not stale.is_empty():
                frame = _split(target, frame, stale)[0]
                scopes = sorted({*scopes} - {*stale.iter_rows()})
            fresh = digests(target, frame)
            stored = _stored_digests(cursor, target, scopes)
            changed = _changed_scopes(fresh, stored)
            if not changed.is_empty():
                self._replace_rows(cursor, target, frame, changed, stored)
                _keep_digests(cursor, target, fresh, changed, {})
                _spread(cursor, target, changed)
            due.clear(cursor, target.address, held)
        written = _rows_of(target, frame, changed)
        return _report(target, written, unchanged=frame.height - written.height)

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
        pairs = _pairs_frame(scopes)
        with self.database.transaction() as cursor:
            _lock(cursor, target, sorted({day for _, day in scopes}))
            stored = _stored_digests(cursor, target, scopes)
            for side, rows in (
                (target, current),
                *([(target.history(), closed)] if closed is not None else []),
            ):
                gone, come = _difference(
                    _split(target, self._subject_rows(target, side, pairs), pairs)[1],
                    _split(target, rows, pairs)[1],
                )
                _delete(cursor, side, gone)
                copy_into(cursor, side, come)
            fresh = digests(target, _split(target, current, pairs)[1])
            everything = pl.concat([fresh.select(SCOPE), stored.select(SCOPE)]).unique()
            _keep_digests(cursor, target, fresh, everything, _times_by_scope(folded))
            _spread(cursor, target, pairs)  # what only the lake still has must leave it too

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
        pairs = _pairs_frame(scopes)
        return _split(target, self._subject_rows(target, source, pairs), pairs)[1]

    def close(self) -> None:
        """Close the connections."""
        self.database.close()

    def _fold(
        self, cursor: Cursor, target: Table, facts: Facts, dates: Sequence[date], *, trust_digests: bool
    ) -> WriteReport:
        versions = _fold_payloads(target, facts.observations)
        stored = _stored_digests(cursor, target, _pairs_of(target, versions.current) | facts.spliced)
        if stored.is_empty() and not facts.spliced:
            return _fill(cursor, target, facts, versions)
        with ThreadPoolExecutor(max_workers=1) as helper:
            hashing = helper.submit(digests, target, versions.current)
            if not trust_digests:
                stored = self._hashed_again(target, stored)
            fresh = hashing.result()
        # Payloads that stay silent about a scope, another source's of the same session, do not change it.
        spoken = stored.filter(_is_pair_of(facts.spliced)) if facts.spliced else stored.clear()
        spoken = pl.concat([stored.join(fresh, on=SCOPE, how="semi"), spoken]).unique()
        changed = _changed_scopes(fresh, spoken, facts.spliced)
        # What was said in between counts, although the last payload says again what is stored.
        between = versions.history.select(_scope_expressions(target)).unique()
        changed = pl.concat([changed, between.join(changed, on=SCOPE, how="anti")])
        untouched = changed.join(stored, on=SCOPE, how="anti") if not facts.spliced else changed.clear()
        touched = changed.join(untouched, on=SCOPE, how="anti")
        current, closed = (
            _rows_of(target, versions.current, untouched),
            _rows_of(target, versions.history, untouched),
        )
        copy_into(cursor, target, current)
        copy_into(cursor, target.history(), closed)
        report = _report(target, current, unchanged=0, revised=closed.height)
        if not touched.is_empty():
            report += self._merge(cursor, target, facts, touched)
        self._keep_fact_digests(cursor, target, facts, fresh, touched, changed)
        unchanged = versions.current.height - _rows_of(target, versions.current, changed).height
        return report + WriteReport(rows_unchanged=unchanged)

    def _merge(self, cursor: Cursor, target: Table, facts: Facts, touched: pl.DataFrame) -> WriteReport:
        """Fold observations of scopes that hold rows already; only rows that differ are written."""
        base = self._current_rows(target, touched)
        observed = _rows_of(target, facts.observations, touched)
        spliced = _pairs_frame(facts.spliced)
        kept, _ = _split(target, base, spliced)
        versions = fold_versions(target, pl.concat([kept, observed]))
        old_history = self._history_rows(target, spliced)
        gone, come = _difference(base, versions.current)
        _delete(cursor, target, gone)
        copy_into(cursor, target, come)
        history_gone, history_come = _difference(old_history, versions.history)
        _delete(cursor, target.history(), history_gone)
        copy_into(cursor, target.history(), history_come)
        return _report(
            target, come, unchanged=versions.current.height - come.height, revised=history_come.height
        )

    def _keep_fact_digests(
        self,
        cursor: Cursor,
        target: Table,
        facts: Facts,
        fresh: pl.DataFrame,
        touched: pl.DataFrame,
        changed: pl.DataFrame,
    ) -> None:
        """Store digests of what the scopes hold now, and how far their payloads have been folded."""
        if facts.observations.is_empty():
            return
        merged = digests(target, self._current_rows_in(cursor, target, touched))
        now = pl.concat([fresh.join(touched, on=SCOPE, how="anti"), merged])
        _keep_digests(cursor, target, now, now.select(SCOPE), _latest_times(target, facts.observations))
        _spread(cursor, target, changed)

    def _hashed_again(self, target: Table, scopes: pl.DataFrame) -> pl.DataFrame:
        """Return the digests of what the scopes hold; knowledge is no part of them and is not read."""
        facts_only = replace(target, columns=tuple(c for c in target.columns if not c.is_knowledge))
        hashed = digests(target, self._subject_rows(target, facts_only, scopes))
        return hashed.join(scopes, on=SCOPE, how="semi")

    def _current_rows(self, target: Table, scopes: pl.DataFrame) -> pl.DataFrame:
        return _rows_of(target, self._subject_rows(target, target, scopes), scopes)

    def _history_rows(self, target: Table, pairs: pl.DataFrame) -> pl.DataFrame:
        if pairs.is_empty():
            return empty(target.history())
        rows = self._subject_rows(target, target.history(), pairs)
        return _split(target, rows, pairs)[1]

    def _subject_rows(self, target: Table, source: Table, scopes: pl.DataFrame) -> pl.DataFrame:
        if scopes.is_empty():
            return empty(source)
        query = _subject_query(target, source, scopes)
        return conform(self.database.frame(query), source)

    def _current_rows_in(self, cursor: Cursor, target: Table, scopes: pl.DataFrame) -> pl.DataFrame:
        """Read rows inside the transaction, which the reading connection can't see yet."""
        if scopes.is_empty():
            return empty(target)
        cursor.execute(_subject_query(target, target, scopes))
        names = [column.name for column in cursor.description or ()]
        rows = pl.DataFrame(cursor.fetchall(), schema=names, orient="row", infer_schema_length=None)
        return _rows_of(target, conform(rows, target), scopes)

    def _replace_rows(
        self, cursor: Cursor, target: Table, frame: pl.DataFrame, changed: pl.DataFrame, stored: pl.DataFrame
    ) -> None:
        old = changed.join(stored, on=SCOPE, how="semi")
        if not old.is_empty():
            _delete(cursor, target, self._current_rows(target, old))
        copy_into(cursor, target, _rows_of(target, frame, changed))


def _fill(cursor: Cursor, target: Table, facts: Facts, versions: Versions) -> WriteReport:
    """Write scopes that hold nothing yet; the digests are computed while the server takes the rows."""
    if versions.current.is_empty():
        return WriteReport()
    with copying(cursor, target, versions.current):
        fresh = digests(target, versions.current)
        folded = _latest_times(target, facts.observations)
        report = _report(target, versions.current, unchanged=0, revised=versions.history.height)
    copy_into(cursor, target.history(), versions.history)
    cursor.execute(_KEEP, _digest_arguments(target, fresh, folded))
    _spread(cursor, target, fresh)
    return report


def _fold_payloads(target: Table, observations: pl.DataFrame) -> Versions:
    """Fold observations among themselves; one payload's rows of a subject are unique already."""
    said = _first_of_runs(observations, [target.digest_subject, "payload_id"])
    if said.get_column(target.digest_subject).is_unique().all():
        nothing = empty(target.history())
        return Versions(observations, nothing, observations.clear())
    return fold_versions(target, observations)


def _first_of_runs(rows: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Return these columns of each row in which one of them is not what it is in the row before."""
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in columns)
    return rows.select(columns).filter(differs | (pl.int_range(pl.len()) == 0))


def _window(source: Table, start: date | None, end: date | None) -> list[sql.Composable]:
    """Return the conditions of [start, end) on the digest date, and on the time column to prune chunks."""
    day = source.digest_date
    if not day or (start is None and end is None):
        return []
    conditions: list[sql.Composable] = []
    for bound, operator, reach in ((start, ">=", -LONGEST_SESSION), (end, "<", LONGEST_SESSION)):
        if bound is None:
            continue
        comparison = sql.SQL("{} " + operator + " {}")
        conditions.append(comparison.format(sql.Identifier(day), sql.Literal(str(bound)) + sql.SQL("::date")))
        if source.time_column:
            instant = sql.Literal(f"{bound + reach} 00:00+00") + sql.SQL("::timestamptz")
            conditions.append(comparison.format(sql.Identifier(source.time_column), instant))
    return conditions


def _subject_query(target: Table, source: Table, scopes: pl.DataFrame) -> sql.Composed:
    days = scopes.get_column("scope_date")
    subjects = literal_list(scopes.get_column("subject").unique().sort().to_list(), "text")
    conditions: list[sql.Composable] = [
        sql.SQL("{} = ANY({})").format(sql.Identifier(target.digest_subject), subjects)
    ]
    if target.digest_date:
        first, last = days.min(), days.max()
        assert isinstance(first, date)
        assert isinstance(last, date)
        conditions += _window(target, first, last + DAY)
    return sql.SQL("SELECT {} FROM {} WHERE {}").format(
        sql.SQL(", ").join(map(sql.Identifier, source.column_names)),
        name_of(source),
        sql.SQL(" AND ").join(conditions),
    )


def _lock(cursor: Cursor, target: Table, dates: Sequence[date]) -> None:
    """Take the locks of a table's dates (a session's, or their months'), in one order for all writers."""
    names = sorted({f"{target.address}/{lake_partition(target, day)}" for day in dates}) or [
        f"{target.address}/all"
    ]
    cursor.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(%s::text[]) WITH ORDINALITY "
        "AS locks (name, number) ORDER BY number",
        [names],
    )


def _stored_digests(cursor: Cursor, target: Table, scopes: Iterable[tuple[str, date]]) -> pl.DataFrame:
    pairs = sorted(scopes)
    cursor.execute(
        "SELECT subject, scope_date, slice, sha256 FROM ops.digests JOIN unnest(%s::text[], %s::date[]) "
        "AS wanted (subject, scope_date) USING (subject, scope_date) WHERE table_name = %s",
        [[subject for subject, _ in pairs], [day for _, day in pairs], target.address],
    )
    return pl.DataFrame(
        cursor.fetchall(),
        schema={"subject": pl.String, "scope_date": pl.Date, "slice": pl.String, "sha256": pl.String},
        orient="row",
    )


def _changed_scopes(
    fresh: pl.DataFrame, stored: pl.DataFrame, always: frozenset[tuple[str, date]] = frozenset()
) -> pl.DataFrame:
    """Return the scopes that are new, different or gone, and those to be done in any case."""
    both = fresh.join(stored, on=SCOPE, how="full", suffix="_stored", coalesce=True)
    differs = pl.col("sha256").ne_missing(pl.col("sha256_stored"))
    return both.filter(differs | _is_pair_of(always) if always else differs).select(SCOPE)


def _is_pair_of(pairs: frozenset[tuple[str, date]]) -> pl.Expr:
    return pl.struct("subject", "scope_date").is_in(
        [{"subject": subject, "scope_date": day} for subject, day in pairs]
    )


def _stale(marks: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Return the (subject, scope_date) pairs of marks that are no longer held."""
    pair = ["subject", "scope_date"]
    if held.height == marks.height:
        return marks.select(pair).clear()
    return marks.select(pair).join(held.select(pair), on=pair, how="anti")


def _still_due(target: Table, facts: Facts, held: pl.DataFrame) -> Facts:
    """Return the facts of the scopes whose marks are held; the others are left to whoever took them."""
    stale = _stale(facts.marks, held)
    if stale.is_empty():
        return facts
    observations = _split(target, facts.observations, stale)[0]
    return replace(facts, observations=observations, marks=held, spliced=facts.spliced - {*stale.iter_rows()})


def _scope_expressions(target: Table) -> list[pl.Expr]:
    day = pl.col(target.digest_date) if target.digest_date else pl.lit(WHOLE_HISTORY)
    parts = [pl.col(name) for name in target.digest_slice] or [pl.lit("")]
    return [
        pl.col(target.digest_subject).alias("subject"),
        day.alias("scope_date"),
        pl.concat_str(parts, separator="/").alias("slice"),
    ]


def _pairs_of(target: Table, rows: pl.DataFrame) -> set[tuple[str, date]]:
    """Return the (subject, scope_date) pairs of rows; quick where the rows of a pair lie together."""
    columns = [name for name in (target.digest_subject, target.digest_date) if name]
    subject, day, _ = _scope_expressions(target)
    return set(_first_of_runs(rows, columns).select(subject, day).iter_rows())


def _rows_of(target: Table, rows: pl.DataFrame, scopes: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that belong to the scopes, in their order."""
    if scopes.is_empty() or rows.is_empty():
        return rows.clear()
    keyed = rows.with_columns(_scope_expressions(target)) if not _has_scope_columns(target) else rows
    return keyed.join(scopes.select(SCOPE), on=SCOPE, how="semi", maintain_order="left").select(rows.columns)


def _has_scope_columns(target: Table) -> bool:
    return set(SCOPE) <= set(target.column_names)


def _split(target: Table, rows: pl.DataFrame, pairs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split rows into those outside and those inside the (subject, scope_date) pairs."""
    keyed = rows.with_columns(_scope_expressions(target))
    on = ["subject", "scope_date"]
    outside = keyed.join(pairs, on=on, how="anti").select(rows.columns)
    return outside, keyed.join(pairs, on=on, how="semi").select(rows.columns)


def _pairs_frame(pairs: Iterable[tuple[str, date]]) -> pl.DataFrame:
    return pl.DataFrame(sorted(pairs), schema={"subject": pl.String, "scope_date": pl.Date}, orient="row")


def _scope_pairs(scopes: pl.DataFrame) -> set[tuple[str, date]]:
    return set(scopes.select("subject", "scope_date").unique().iter_rows())


def _difference(old: pl.DataFrame, new: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows that are only in `old` and those that are only in `new`, all columns compared."""
    columns = new.columns
    gone = old.join(new, on=columns, how="anti", nulls_equal=True)
    return gone, new.join(old, on=columns, how="anti", nulls_equal=True)


def _delete(cursor: Cursor, target: Table, rows: pl.DataFrame) -> None:
    """Delete rows by business key; the time range lets TimescaleDB leave other chunks alone."""
    if rows.is_empty():
        return
    staging = sql.Identifier(f"deleted_{target.schema}_{target.name}")
    cursor.execute(
        sql.SQL("CREATE TEMP TABLE IF NOT EXISTS {} (LIKE {}) ON COMMIT DROP").format(
            staging, name_of(target)
        )
    )
    cursor.execute(sql.SQL("TRUNCATE {}").format(staging))
    copy_into(cursor, target, rows, staging)
    conditions = [sql.SQL("old.{0} = gone.{0}").format(sql.Identifier(name)) for name in target.business_key]
    arguments: list[Any] = []
    if target.time_column:
        times = rows.get_column(target.time_column)
        conditions.append(sql.SQL("old.{} BETWEEN %s AND %s").format(sql.Identifier(target.time_column)))
        arguments = [times.min(), times.max()]
    cursor.execute(
        sql.SQL("DELETE FROM {} AS old USING {} AS gone WHERE {}").format(
            name_of(target), staging, sql.SQL(" AND ").join(conditions)
        ),
        arguments,
    )


def _keep_digests(
    cursor: Cursor,
    target: Table,
    fresh: pl.DataFrame,
    changed: pl.DataFrame,
    folded: Mapping[tuple[str, date, str], datetime],
) -> None:
    """Store the digests of changed scopes; those of scopes that hold nothing any more go.

    `folded`: receive time of the youngest payload folded into each; derived rows have none of their own.
    """
    rows = fresh.join(changed, on=SCOPE, how="semi")
    gone = changed.join(fresh, on=SCOPE, how="anti")
    for statement, frame in ((_KEEP, rows), (_FORGET, gone)):
        if not frame.is_empty():
            cursor.execute(statement, _digest_arguments(target, frame, folded))


_KEEP = """
    INSERT INTO ops.digests AS old (table_name, subject, scope_date, slice, sha256, row_count, ingest_time)
    SELECT %(table)s, subject, scope_date, slice, sha256, row_count, folded_time
    FROM unnest(%(subject)s::text[], %(scope_date)s::date[], %(slice)s::text[], %(sha256)s::text[],
                %(row_count)s::bigint[], %(folded_time)s::timestamptz[])
         AS new (subject, scope_date, slice, sha256, row_count, folded_time)
    ON CONFLICT (table_name, subject, scope_date, slice) DO UPDATE
    SET sha256 = excluded.sha256, row_count = excluded.row_count,
        ingest_time = greatest(old.ingest_time, excluded.ingest_time)
"""
_FORGET = """
    DELETE FROM ops.digests AS old
    USING unnest(%(subject)s::text[], %(scope_date)s::date[], %(slice)s::text[]) AS gone (subject, scope_date, slice)
    WHERE old.table_name = %(table)s AND old.subject = gone.subject AND old.scope_date = gone.scope_date
    AND old.slice = gone.slice
"""


def _digest_arguments(
    target: Table, frame: pl.DataFrame, folded: Mapping[tuple[str, date, str], datetime]
) -> dict[str, object]:
    columns = {name: frame.get_column(name).to_list() for name in frame.columns}
    times = [folded.get(scope, NO_PAYLOAD) for scope in frame.select(SCOPE).iter_rows()]
    return {"table": target.address, "folded_time": times, **columns}


def _latest_times(target: Table, observations: pl.DataFrame) -> dict[tuple[str, date, str], datetime]:
    """Return the receive time of each scope's youngest observation."""
    names = [name for name in (target.digest_subject, target.digest_date, *target.digest_slice) if name]
    latest = observations.group_by(names).agg(pl.col("ingest_time").max())
    return _times_by_scope(latest.select(*_scope_expressions(target), "ingest_time"))


def _times_by_scope(scopes: pl.DataFrame) -> dict[tuple[str, date, str], datetime]:
    return {(row[0], row[1], row[2]): row[3] for row in scopes.select(*SCOPE, "ingest_time").iter_rows()}


def _spread(cursor: Cursor, target: Table, changed: pl.DataFrame) -> None:
    """Mark the objects of the lake and the assets downstream of changed scopes."""
    if changed.is_empty():
        return
    due.mark_downstream(cursor, target.address, sorted(_scope_pairs(changed)))
    partitions = sorted({lake_partition(target, day) for day in changed.get_column("scope_date").unique()})
    if target.lake_partition is not LakePartition.NONE:
        cursor.execute(
            "INSERT INTO ops.lake_dirty (table_name, partition, mark_id) "
            "SELECT %s, name, pg_current_xact_id()::text::bigint FROM unnest(%s::text[]) AS names (name) "
            "ON CONFLICT (table_name, partition) DO UPDATE SET mark_id = excluded.mark_id",
            [target.address, partitions],
        )


def lake_partition(target: Table, day: date) -> str:
    """Return the name of the lake's partition that a scope date lies in."""
    if target.lake_partition is LakePartition.SESSION:
        return day.isoformat()
    if target.lake_partition is LakePartition.MONTH:
        return f"{day:%Y-%m}"
    return "all"


def _report(target: Table, written: pl.DataFrame, unchanged: int, revised: int = 0) -> WriteReport:
    first, last = _span_of(target, written)
    return WriteReport(
        rows_written=written.height,
        rows_unchanged=unchanged,
        rows_revised=revised,
        first_time=first,
        last_time=last,
        subjects=frozenset(written.get_column(target.digest_subject).unique()),
    )


def _span_of(target: Table, rows: pl.DataFrame) -> tuple[datetime | None, datetime | None]:
    """Return the first and last instant of rows; a date stands for its midnight, UTC."""
    dates = [name for name in target.business_key if name.endswith("_date")]
    column = target.time_column or target.digest_date or next(iter(dates), "")
    if not column or rows.is_empty():
        return None, None
    times = rows.get_column(column).cast(pl.Datetime("us", "UTC"))
    first, last = times.min(), times.max()
    assert isinstance(first, datetime | None)
    assert isinstance(last, datetime | None)
    return first, last
