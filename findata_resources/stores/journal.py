"""The journal: what a transaction changed of the tables that readers follow, written in that transaction.

What belongs here: lines of `ops.changes`, which rows they name, and pruning. What does not: reading them in an order
that loses nothing (findata_serving/stream), the rows themselves (timescale).

A scope that held nothing before is one line without keys, whatever its rows; else the keys of the rows that came, that
hold other values, that are gone. Whoever follows reads the rows as they are then: a line says where to look, not what
was seen. A notification wakes up who listens and carries nothing: the lines are the truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, TypeAlias

import polars as pl
from psycopg import Connection

from findata_core.schema.tables import Table
from findata_resources.stores.database import Cursor, Database
from findata_resources.stores.scopes import Scope

CHANNEL = "findata_changes"
# Tables that can be followed. Bars are not: who shows minutes reads them again when a candle over them comes.
FOLLOWED = ("market.candles", "market.monthly_candles", "market.weekly_candles")
FEW_SCOPES = 8  # up to so many are compared in Python, where a query of Polars would take longer
ALONE = "-"  # the key of a row that is alone in its scope, as a week is

RowKey: TypeAlias = tuple[Scope, str]


@dataclass
class Change:
    """What became of a scope: keys of rows; none where all of its rows are new."""

    scope: Scope
    is_whole: bool = False
    new: list[str] = field(default_factory=list)
    revised: list[str] = field(default_factory=list)
    retracted: list[str] = field(default_factory=list)


def is_followed(target: Table) -> bool:
    """Whether changes of a table are written down."""
    return target.address in FOLLOWED


def whole(scopes: Iterable[Scope]) -> list[Change]:
    """Return the changes of scopes that held nothing before."""
    return [Change(scope, is_whole=True) for scope in sorted(scopes)]


def between(gone: Iterable[RowKey], come: Iterable[RowKey]) -> list[Change]:
    """Return what became of scopes, by the keys of rows that were taken out and of those that were put in."""
    changes: dict[Scope, Change] = {}
    before, after = set(gone), set(come)
    for scope, key in sorted(before | after):
        change = changes.setdefault(scope, Change(scope))
        if (scope, key) not in before:
            change.new.append(key)
        elif (scope, key) in after:
            change.revised.append(key)
        else:
            change.retracted.append(key)
    return list(changes.values())


def differing(target: Table, gone: pl.DataFrame, come: pl.DataFrame) -> list[Change]:
    """Return what became of scopes by the rows that were taken out and those that were put in."""
    return replaced(target, gone.select(fact_columns(target)).iter_rows(), come)


def fact_columns(target: Table) -> list[str]:
    """Return the columns whose values make a revision."""
    return [column.name for column in target.columns if not column.is_knowledge]


def replaced(target: Table, deleted: Iterable[tuple[Any, ...]], written: pl.DataFrame) -> list[Change]:
    """Return what became of scopes whose rows were deleted, as tuples of the fact columns, and written again."""
    new = _by_key(target, written.select(fact_columns(target)).iter_rows())
    return _compared(target, _by_key(target, deleted), new)


def note(cursor: Cursor, target: Table, changes: Sequence[Change]) -> None:
    """Write down the changes of a table inside the caller's transaction, and wake up who listens."""
    if not changes:
        return
    scopes = [change.scope for change in changes]
    cursor.execute(
        _NOTE,
        {
            "table": target.address,
            "subjects": [subject for subject, _, _ in scopes],
            "dates": [day for _, day, _ in scopes],
            "slices": [part for _, _, part in scopes],
            "whole": [change.is_whole for change in changes],
            "new": ["\n".join(change.new) for change in changes],
            "revised": ["\n".join(change.revised) for change in changes],
            "retracted": ["\n".join(change.retracted) for change in changes],
            "channel": CHANNEL,
        },
    )


# Arrays of arrays must be of one length: keys come joined, by a sign that none of them holds.
_NOTE = b"""
    WITH noted AS (
        INSERT INTO ops.changes
        SELECT pg_current_xact_id()::text::bigint, number + (
                   SELECT coalesce(max(change_number), 0) FROM ops.changes
                   WHERE transaction_id = pg_current_xact_id()::text::bigint),
               %(table)s, subject, scope_date, slice, is_whole,
               string_to_array(new, E'\\n'), string_to_array(revised, E'\\n'), string_to_array(retracted, E'\\n'), now()
        FROM unnest(%(subjects)s::text[], %(dates)s::date[], %(slices)s::text[], %(whole)s::boolean[],
                    %(new)s::text[], %(revised)s::text[], %(retracted)s::text[])
             WITH ORDINALITY AS lines (subject, scope_date, slice, is_whole, new, revised, retracted, number)
    )
    SELECT pg_notify(%(channel)s, '')
"""


def prune(database: Database, before: datetime) -> int:
    """Delete lines written before an instant; return how many. The newest of them stays as a mark of how far it went.

    What an open transaction may still stand before is left for the next time.
    """
    with database.transaction() as cursor:
        cursor.execute(_MARK, [before])
        marked = cursor.fetchone()
        if marked is None:
            return 0
        cursor.execute(b"DELETE FROM ops.changes WHERE (transaction_id, change_number) < (%s, %s)", marked)
        return cursor.rowcount


def forget(connection: Connection[Any]) -> None:
    """Empty the journal of a restored database: its lines name transactions of the server that it was saved on.

    Who followed it is told to read anew: a cursor names its server and database.
    """
    connection.execute(b"TRUNCATE ops.changes")


_MARK = b"""
    UPDATE ops.changes AS mark SET table_name = '', subject = '', slice = '', is_whole = false,
           new_keys = '{}', revised_keys = '{}', retracted_keys = '{}'
    FROM (
        SELECT transaction_id, change_number FROM ops.changes
        WHERE written_time < %s AND transaction_id < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        ORDER BY transaction_id DESC, change_number DESC LIMIT 1
    ) AS newest
    WHERE mark.transaction_id = newest.transaction_id AND mark.change_number = newest.change_number
    RETURNING mark.transaction_id, mark.change_number
"""


def _by_key(target: Table, rows: Iterable[tuple[Any, ...]]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Return rows of the fact columns by the values of their keys."""
    names = fact_columns(target)
    key = itemgetter(*(names.index(name) for name in (*_scope_columns(target), *_rest(target))))
    return {key(row): row for row in rows}


def _compared(
    target: Table,
    old: Mapping[tuple[Any, ...], tuple[Any, ...]],
    new: Mapping[tuple[Any, ...], tuple[Any, ...]],
) -> list[Change]:
    """Return what became of rows; those that differ in nothing but when they became known are left out."""
    gone = [_key(target, key) for key, row in old.items() if new.get(key) != row]
    come = [_key(target, key) for key, row in new.items() if old.get(key) != row]
    return between(gone, come)


def _key(target: Table, values: tuple[Any, ...]) -> RowKey:
    subject, day, *others = values
    parts = len(target.digest_slice)
    rest = map(_text, others[parts:]) if len(others) > parts else (ALONE,)
    return (subject, day, "/".join(others[:parts])), "/".join(rest)


def _scope_columns(target: Table) -> list[str]:
    assert target.digest_subject
    assert target.digest_date
    return [target.digest_subject, target.digest_date, *target.digest_slice]


def _rest(target: Table) -> list[str]:
    known = _scope_columns(target)
    return [name for name in target.business_key if name not in known]


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    return str(value)
