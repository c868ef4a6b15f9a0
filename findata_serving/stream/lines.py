"""The journal as readers take it: lines after a position, in the order in which none can come before another any more.

What belongs here: the SQL of lines and of the rows that they name. What does not: who is told (feed), bytes (events).

A line is of use once every transaction of a lower id is over: whatever is committed later has a higher id. So lines are
read up to pg_snapshot_xmin(), the lowest id that is still open, and never beyond, although younger ones may be there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeAlias

from findata_core.schema.tables import table
from findata_serving.stream.positions import Position, feed_name

AT_ONCE = 50  # lines a page: some thousand candles
# A session's candles start within two days around its date, in any zone; a month's may start days after its first.
BEFORE, AFTER = timedelta(days=2), timedelta(days=33)

Ask: TypeAlias = Callable[..., Awaitable[Sequence[Any]]]  # (query, *arguments) -> records


@dataclass(frozen=True)
class Line:
    """What a transaction changed of one scope."""

    position: Position
    table_name: str
    subject: str
    scope_date: date
    slice: str
    is_whole: bool
    new: frozenset[str]
    revised: frozenset[str]
    retracted: tuple[str, ...]
    written_time: datetime

    @property
    def scope(self) -> tuple[str, str, date, str]:
        """The table's scope that it is about."""
        return self.table_name, self.subject, self.scope_date, self.slice


@dataclass(frozen=True)
class Lines:
    """A page of the journal. `end`: where reading goes on; `is_pending`: younger lines wait for open transactions.

    `pruned_to`: lines up to here are gone. `horizon`: no line of this transaction or a later one was read.
    """

    feed: str
    lines: tuple[Line, ...]
    end: Position
    is_complete: bool
    is_pending: bool
    pruned_to: Position
    horizon: Position

    def continues(self, feed: str, position: Position) -> bool:
        """Whether these are all lines after a position of a feed: nothing was pruned, no other server answers."""
        return feed == self.feed and self.pruned_to <= position <= self.horizon


async def read_lines(
    ask: Ask, after: Position, instruments: Sequence[str] | None = None, limit: int = AT_ONCE
) -> Lines:
    """Return the lines after a position, of some instruments (default: all), in order."""
    found = await ask(_LINES, *after, list(instruments) if instruments is not None else None, limit)
    head = found[0]
    lines = tuple(_line(record) for record in found if record["table_name"] is not None)
    horizon = Position(head["horizon"], 0)
    is_complete = len(lines) < limit
    return Lines(
        feed=feed_name(head["server"], head["timeline"], head["database"]),
        lines=tuple(line for line in lines if line.table_name),
        end=max(after, horizon) if is_complete else lines[-1].position,
        is_complete=is_complete,
        is_pending=head["is_pending"],
        pruned_to=Position(head["pruned_transaction"] or 0, head["pruned_number"] or 0),
        horizon=horizon,
    )


async def read_rows(ask: Ask, lines: Sequence[Line]) -> dict[tuple[str, str, date, str], list[Any]]:
    """Return the rows that the lines' scopes hold now, in the order of their events."""
    rows: dict[tuple[str, str, date, str], list[Any]] = {line.scope: [] for line in lines}
    for address in {line.table_name for line in lines}:
        wanted = [line for line in lines if line.table_name == address]
        days = [line.scope_date for line in wanted]
        found = await ask(
            _rows_query(address),
            [line.subject for line in wanted],
            days,
            [line.slice for line in wanted],
            _midnight(min(days)) - BEFORE,
            _midnight(max(days)) + AFTER,
        )
        for record in found:
            rows[address, record["instrument_id"], record["scope_date"], record["source_interval"]].append(
                record
            )
    return rows


# One snapshot says how far lines may be read and which there are. The oldest line is the mark of pruning, if it is one.
_LINES = """
    SELECT s.*, p.transaction_id AS pruned_transaction, p.change_number AS pruned_number, l.*,
           EXISTS (SELECT FROM ops.changes WHERE transaction_id >= s.horizon) AS is_pending
    FROM (
        SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon,
               (SELECT system_identifier FROM pg_control_system()) AS server,
               (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline,
               (SELECT oid::bigint FROM pg_database WHERE datname = current_database()) AS database
    ) AS s
    LEFT JOIN (
        SELECT transaction_id, change_number, table_name
        FROM ops.changes ORDER BY transaction_id, change_number LIMIT 1
    ) AS p ON p.table_name = ''
    LEFT JOIN LATERAL (
        SELECT * FROM ops.changes
        WHERE (transaction_id, change_number) > ($1::bigint, $2::integer) AND transaction_id < s.horizon
        AND ($3::text[] IS NULL OR subject = ANY($3)) AND table_name <> ''
        ORDER BY transaction_id, change_number LIMIT $4
    ) AS l ON true
    ORDER BY l.transaction_id, l.change_number
"""


def _rows_query(address: str) -> str:
    declared = table(address)
    return (
        f'SELECT *, "{declared.digest_date}" AS scope_date, settles_time <= now() AS is_settled '  # noqa: S608
        f'FROM {address} WHERE (instrument_id, "{declared.digest_date}", source_interval) IN '
        "(SELECT * FROM unnest($1::text[], $2::date[], $3::text[])) "
        "AND event_time >= $4 AND event_time < $5 ORDER BY event_time, interval"
    )


def _line(record: Any) -> Line:
    return Line(
        Position(record["transaction_id"], record["change_number"]),
        record["table_name"],
        record["subject"],
        record["scope_date"],
        record["slice"],
        record["is_whole"],
        frozenset(record["new_keys"]),
        frozenset(record["revised_keys"]),
        tuple(record["retracted_keys"]),
        record["written_time"],
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
