"""Which payloads are held: decisions as they come in, and the state that follows from all of them.

What belongs here: `ops.decisions` and `ops.holds`, inside the caller's transaction; what was released. What does not:
deciding (findata_assets/steps), and what a release makes due (receiving).
"""

from collections.abc import Sequence
from typing import LiteralString

import polars as pl
from psycopg import sql

from findata_core.market.releases import RELEASED_SCHEMA
from findata_core.schema.tables import table
from findata_resources.stores.database import Cursor, Database, literal_list, upsert

# Payloads that were held and count by now: payload_id, decided_time, since when what they say is known. Others have no
# line, and are known since they were received.
RELEASED: LiteralString = "SELECT payload_id, decided_time FROM ops.holds WHERE state = 'released'"
PRICED = ("market.bars", "market.bars_1d", "reference.dividends")
# A hold, then the first release there is; a rejection counts while there is none. So the order in which decisions are
# entered never matters.
_STATE = """
    INSERT INTO ops.holds AS old (payload_id, state, rule, reason, evidence, hold_id, held_time, decided_time,
                                  operator, decided_reason, decision_id)
    SELECT held_payload_id,
           CASE final.verdict WHEN 'release' THEN 'released' WHEN 'reject' THEN 'rejected' ELSE 'held' END,
           coalesce(hold.rule, ''), coalesce(hold.reason, ''), coalesce(hold.evidence, '[]'),
           coalesce(hold.payload_id, final.payload_id), coalesce(hold.ingest_time, final.ingest_time),
           final.ingest_time, final.operator, final.reason, final.payload_id
    FROM (SELECT DISTINCT ON (held_payload_id) * FROM ops.decisions
          WHERE held_payload_id = ANY(%(ids)s) AND verdict = 'hold'
          ORDER BY held_payload_id, ingest_time, payload_id) AS hold
    FULL JOIN (SELECT DISTINCT ON (held_payload_id) * FROM ops.decisions
          WHERE held_payload_id = ANY(%(ids)s) AND verdict <> 'hold'
          ORDER BY held_payload_id, verdict = 'release' DESC, ingest_time, payload_id) AS final
         USING (held_payload_id)
    ON CONFLICT (payload_id) DO UPDATE
    SET state = excluded.state, rule = excluded.rule, reason = excluded.reason, evidence = excluded.evidence,
        hold_id = excluded.hold_id, held_time = excluded.held_time, decided_time = excluded.decided_time,
        operator = excluded.operator, decided_reason = excluded.decided_reason, decision_id = excluded.decision_id
"""


def lock(cursor: Cursor, *, exclusive: bool) -> None:
    """Keep decisions and payloads apart: none is decided about while it is entered. To be taken first."""
    function = "pg_advisory_xact_lock" if exclusive else "pg_advisory_xact_lock_shared"
    cursor.execute(f"SELECT {function}(hashtextextended('ops.holds', 0))".encode())


def enter_decisions(cursor: Cursor, decisions: pl.DataFrame) -> list[int]:
    """Enter rows of ops.decisions; return those payloads that are released by now and stand in the books."""
    upsert(cursor, table("ops.decisions"), decisions)
    decided = sorted(set(decisions.get_column("held_payload_id")))
    cursor.execute(_STATE, {"ids": decided})
    cursor.execute(
        "SELECT payload_id FROM ops.holds JOIN ops.payloads USING (payload_id) "
        "WHERE state = 'released' AND payload_id = ANY(%s) ORDER BY 1",
        [decided],
    )
    return [row[0] for row in cursor.fetchall()]


def withheld(cursor: Cursor, payload_ids: Sequence[int]) -> set[int]:
    """Return those payloads that are held or rejected."""
    cursor.execute(
        "SELECT payload_id FROM ops.holds WHERE state <> 'released' AND payload_id = ANY(%s)",
        [list(payload_ids)],
    )
    return {row[0] for row in cursor.fetchall()}


def released(database: Database, instrument_ids: Sequence[str]) -> pl.DataFrame:
    """Return of what prices of instruments released payloads speak, in RELEASED_SCHEMA: ingest_time is the release."""
    decided = database.few(
        sql.SQL(RELEASED),
        {"payload_id": pl.Int64(), "ingest_time": RELEASED_SCHEMA["ingest_time"]},
    )
    if decided.is_empty():
        return pl.DataFrame(schema=RELEASED_SCHEMA)
    spoken = sql.SQL(
        "SELECT payload_id, subject, CASE table_name WHEN 'market.bars_1d' THEN '1d' ELSE '1m' END, "
        "scope_date, received_time FROM ops.payload_scopes "
        "WHERE table_name = ANY({}) AND subject = ANY({}) AND payload_id = ANY({})"
    ).format(
        literal_list(PRICED, "text"),
        literal_list(sorted(instrument_ids), "text"),
        literal_list(decided.get_column("payload_id").to_list(), "bigint"),
    )
    schema = {name: kind for name, kind in RELEASED_SCHEMA.items() if name != "ingest_time"}
    return database.few(spoken, schema).join(decided, on="payload_id").select(*RELEASED_SCHEMA)
