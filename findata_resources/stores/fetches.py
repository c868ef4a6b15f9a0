"""The ledger of requests: a row of `ops.fetches` for each, whatever came of it.

What belongs here: the rows. What does not: making requests (findata_assets/steps/requesting.py).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
from psycopg import sql

from findata_core.schema import runs
from findata_resources.stores.database import Cursor, Database, literal_list


def enter(database: Database, row: Mapping[str, Any]) -> None:
    """Write a row of the ledger; columns that it lacks are null."""
    statement = sql.SQL("INSERT INTO ops.fetches ({}) VALUES ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(sql.Placeholder() * len(row))
    )
    with database.transaction() as cursor:
        cursor.execute(statement, list(row.values()))


def count_rows(database: Database, counts: Sequence[tuple[str, int, int, int]]) -> None:
    """Enter what answers held: fetch_id, rows answered, of them those said twice and those quarantined."""
    if not counts:
        return
    with database.transaction() as cursor:
        cursor.execute(
            """
            UPDATE ops.fetches SET rows_answered = counted.answered, rows_duplicate = counted.twice,
            rows_quarantined = counted.refused
            FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[])
            AS counted (fetch_id, answered, twice, refused) WHERE fetches.fetch_id = counted.fetch_id
            """,
            [list(column) for column in zip(*counts, strict=True)],
        )


def lines_of(database: Database, payload_ids: Sequence[int]) -> dict[int, str]:
    """Return the fetch_id of each payload that somebody asked for."""
    query = sql.SQL("SELECT payload_id, fetch_id FROM ops.fetches WHERE payload_id = ANY({})")
    return dict(database.frame(query.format(literal_list(payload_ids, "bigint"))).iter_rows())


def count_revisions(cursor: Cursor, observations: pl.DataFrame, revised_at: Mapping[datetime, int]) -> None:
    """Enter how many stored rows each answer has changed, now that its rows (`observations`) are folded.

    `revised_at`: how many, by the receive time of the answer that did it. Of answers received at one instant the
    one with the greater payload_id speaks (findata_core/versions.py).
    """
    folded = sorted(set(runs.heads(observations, ["payload_id", "ingest_time"])))
    speaking = {received: payload_id for payload_id, received in folded}
    counts = {payload_id: revised_at.get(received, 0) for received, payload_id in speaking.items()}
    if not counts:
        return
    cursor.execute(
        """
        UPDATE ops.fetches SET rows_revised = coalesce(rows_revised, 0) + folded.revised
        FROM unnest(%s::bigint[], %s::bigint[]) AS folded (payload_id, revised)
        WHERE fetches.payload_id = folded.payload_id
        """,
        [list(counts), list(counts.values())],
    )
