"""Folding received payloads into a fact table: what is due, and nothing else.

A scope whose new payloads are younger than all that was folded is extended; one that an older payload
reached late is folded again from all its payloads, so that loading order never matters.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
from psycopg import sql

from findata_assets.steps import marks
from findata_assets.steps.completing import BAR_TABLES, complete_payloads
from findata_assets.steps.contradicted import contradicted_rows
from findata_assets.steps.marks import PAIR
from findata_assets.steps.platform import Platform
from findata_assets.steps.rescaled import without_rescaled
from findata_core.schema import runs
from findata_core.schema.frames import empty
from findata_core.schema.tables import LakePartition, Table, table
from findata_core.versions import without_overruled
from findata_resources.stores import due, holds
from findata_resources.stores.database import literal_list
from findata_resources.stores.raw import Payload
from findata_resources.stores.reports import WriteReport
from findata_resources.stores.timescale import Facts

INSTANT = pl.Datetime("us", "UTC")
MARKS_SCHEMA = {**due.MARKS_SCHEMA, "folded_time": INSTANT, "is_spliced": pl.Boolean()}
SPOKEN_SCHEMA = {
    "payload_id": pl.Int64(),
    "subject": pl.String(),
    "scope_date": pl.Date(),
    "received_time": INSTANT,
}
PAYLOAD_SCHEMA = {
    "payload_id": pl.Int64(),
    "sha256": pl.String(),
    "source": pl.String(),
    "dataset": pl.String(),
    "request": pl.String(),
    "object_key": pl.String(),
    "received_time": pl.String(),
    "known_time": pl.String(),
}
ISO = 'YYYY-MM-DD"T"HH24:MI:SS.US+00:00'


@dataclass(frozen=True)
class Work:
    """What is due of one table.

    `marks`: subject, scope_date, mark_id, from_time, is_spliced. `needs`: which payload each scope needs.
    `payloads`: their receipts. `released`: payload_id and received_time of those that were held at first.
    """

    marks: pl.DataFrame
    needs: pl.DataFrame
    payloads: list[Payload]
    released: pl.DataFrame


def fold_facts(
    platform: Platform, address: str, start: date | None = None, end: date | None = None
) -> WriteReport:
    """Fold what is due of a fact table with scope dates in [start, end)."""
    target = table(address)
    report = WriteReport()
    for portion in _portions(target, _marks(platform, target, start, end)):
        report += _fold_portion(platform, target, work_for(platform, target, portion))
    if address == "reference.sessions":
        platform.forget_sessions()
    platform.lake.publish(platform.store, address)
    return report


def _fold_portion(platform: Platform, target: Table, work: Work) -> WriteReport:
    """Fold a portion of what is due, a transaction for each session."""
    observations, refused = _read_payloads(platform, target, work)
    if target.address in BAR_TABLES:
        observations, repeated = without_rescaled(platform, target, observations)
        refused = pl.concat([refused, repeated])
    if not work.released.is_empty():
        observations = without_overruled(target, observations, work.released)
    contradicted = contradicted_rows(platform, target, observations, work.payloads)
    quarantine = pl.concat([refused, contradicted])
    report = WriteReport()
    for dates, part in _units(target, work.marks):
        scopes = frozenset(marks.pairs(part))
        facts = Facts(
            _within(target, observations, scopes),
            part,
            runs.chosen(quarantine, runs.within(quarantine, PAIR, scopes)),
            frozenset(marks.pairs(runs.chosen(part, part.get_column("is_spliced").to_numpy()))),
            dict(work.released.iter_rows()),
        )
        report += platform.store.fold_facts(target, facts, dates)
    return report


def _portions(target: Table, due_marks: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Cut the marks into what is held in memory at a time: a calendar month of sessions, or the whole of daily rows.

    A month, because that is what files and a provider's windows hold: each is read once or twice, not per session.
    """
    if target.lake_partition is not LakePartition.SESSION:
        yield due_marks
        return
    yield from marks.parts(due_marks, marks.month_of)


def _marks(platform: Platform, target: Table, start: date | None, end: date | None) -> pl.DataFrame:
    """Return what is due: subject, scope_date, mark_id, from_time, folded_time, is_spliced."""
    return platform.store.database.few(_marks_query(target, start, end), MARKS_SCHEMA)


def work_for(platform: Platform, target: Table, due_marks: pl.DataFrame) -> Work:
    """Return the payloads that each marked scope needs."""
    if due_marks.is_empty():
        return Work(due_marks.drop("folded_time"), pl.DataFrame(), [], pl.DataFrame())
    spoken = platform.store.database.few(_scopes_query(target, due_marks), SPOKEN_SCHEMA)
    released = _released(platform, spoken)
    if not released.is_empty():
        # What was released is known out of the order of receiving: only all payloads together say what holds.
        is_mixed = pl.struct(PAIR).is_in(released.select(pl.struct(PAIR)).to_series().implode())
        due_marks = due_marks.with_columns(
            pl.col("is_spliced") | (is_mixed & pl.col("folded_time").is_not_null())
        )
    # A scope that holds nothing yet or is spliced needs all its payloads, another one the new ones.
    wanted = (
        pl.col("folded_time").is_null()
        | pl.col("is_spliced")
        | (pl.col("received_time") >= pl.col("from_time"))
    )
    needs = spoken.join(due_marks, on=PAIR).filter(wanted).select("payload_id", *PAIR)
    payloads = payloads_by_id(platform, needs.get_column("payload_id"))
    times = released.select("payload_id", "received_time").unique()
    return Work(due_marks.drop("folded_time"), needs, payloads, times)


def _released(platform: Platform, spoken: pl.DataFrame) -> pl.DataFrame:
    """Return those lines of `spoken` whose payload was held at first."""
    released = {"payload_id": pl.Int64(), "decided_time": INSTANT}
    lines = platform.store.database.few(sql.SQL(holds.RELEASED), released)
    held_first = lines.get_column("payload_id").to_list()
    return spoken.filter(pl.col("payload_id").is_in(held_first)) if held_first else spoken.clear()


def _read_payloads(platform: Platform, target: Table, work: Work) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the observations and the refused rows of all payloads that the work needs."""
    observations, refused = [empty(target)], [empty(table("ops.quarantine"))]
    needs = frozenset(work.needs.iter_rows())
    for _, parts in complete_payloads(platform, work.payloads, target):
        observations.extend(_within(target, part.rows, needs, ["payload_id"]) for part in parts)
        refused.extend(part.refused for part in parts)
    return pl.concat(observations), pl.concat(refused)


def _units(target: Table, due_marks: pl.DataFrame) -> Iterator[tuple[list[date], pl.DataFrame]]:
    """Cut the marks into transactions: a session each, or a year of daily rows, or the whole table."""
    if due_marks.is_empty():
        return
    if target.lake_partition is LakePartition.WHOLE:
        yield [], due_marks
        return
    is_yearly = target.lake_partition is LakePartition.MONTH
    for unit in marks.parts(due_marks, marks.year_of if is_yearly else marks.day_of):
        yield sorted(set(unit.get_column("scope_date"))), unit


def _within(
    target: Table, rows: pl.DataFrame, scopes: Collection[runs.Values], before: Sequence[str] = ()
) -> pl.DataFrame:
    """Return the rows whose (subject, scope_date), after other columns, is among the scopes, in their order."""
    day = [target.digest_date] if target.digest_date else []
    wanted = scopes if day else {scope[:-1] for scope in scopes}
    return runs.chosen(rows, runs.within(rows, [*before, target.digest_subject, *day], wanted))


def payloads_by_id(platform: Platform, payload_ids: pl.Series) -> list[Payload]:
    """Return what the books say of payloads, in the order of receiving."""
    query = sql.SQL(
        "SELECT payload_id, sha256, source, dataset, request::text AS request, object_key, "
        "to_char(received_time AT TIME ZONE 'UTC', {}) AS received_time, "
        "to_char(decided_time AT TIME ZONE 'UTC', {}) AS known_time "
        "FROM ops.payloads LEFT JOIN ({}) AS released USING (payload_id) WHERE payload_id = ANY({}) "
        "ORDER BY payloads.received_time, payload_id"
    ).format(
        sql.Literal(ISO),
        sql.Literal(ISO),
        sql.SQL(holds.RELEASED),
        literal_list(payload_ids.unique().to_list(), "bigint"),
    )
    return list(platform.store.database.few(query, PAYLOAD_SCHEMA).iter_rows(named=True))


def _marks_query(target: Table, start: date | None, end: date | None) -> sql.Composed:
    return sql.SQL(
        "SELECT subject, scope_date, mark_id, from_time, folded_time, "
        "coalesce(from_time <= folded_time, folded_time IS NOT NULL) AS is_spliced FROM ops.due LEFT JOIN LATERAL ("
        "SELECT max(ingest_time) AS folded_time FROM ops.digests AS d WHERE d.table_name = due.asset "
        "AND d.subject = due.subject AND d.scope_date = due.scope_date) AS folded ON true "
        "WHERE asset = {} AND scope_date >= {}::date AND scope_date < {}::date ORDER BY scope_date, subject"
    ).format(
        sql.Literal(target.address), sql.Literal(str(start or date.min)), sql.Literal(str(end or date.max))
    )


def _scopes_query(target: Table, marks: pl.DataFrame) -> sql.Composed:
    """Which payloads speak of the scopes; without those that repeat what the one before them says.

    Before is who was received before. If it was released only after the other had come, it is the one that says
    nothing new: what the other says has been known since then.
    """
    return sql.SQL(
        "SELECT payload_id, subject, scope_date, received_time FROM ("
        "SELECT *, lag(content) OVER said AS content_before, lag(known_time) OVER said AS known_before FROM ("
        "SELECT scopes.*, coalesce(decided_time, received_time) AS known_time FROM ops.payload_scopes AS scopes "
        "LEFT JOIN ({}) AS released USING (payload_id) WHERE table_name = {} AND subject = ANY({}) "
        "AND scope_date BETWEEN {}::date AND {}::date) AS known "
        "WINDOW said AS (PARTITION BY subject, scope_date ORDER BY received_time, payload_id)) AS told "
        "WHERE content IS NULL OR content IS DISTINCT FROM content_before OR known_before > known_time"
    ).format(
        sql.SQL(holds.RELEASED),
        sql.Literal(target.address),
        literal_list(marks.get_column("subject").unique().to_list(), "text"),
        sql.Literal(str(marks.get_column("scope_date").min())),
        sql.Literal(str(marks.get_column("scope_date").max())),
    )
