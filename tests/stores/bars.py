"""Rows of market.bars and the facts that carry them, as small as a test of the store needs them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from findata_core.schema.frames import empty
from findata_core.schema.tables import table
from findata_resources.stores import due
from findata_resources.stores.reports import WriteReport
from findata_resources.stores.timescale import Facts, TimescaleStore
from tests.schema.good_rows import frame_of, good_row

BARS = table("market.bars")
DAY = date(2022, 5, 19)
OPEN = datetime(2022, 5, 19, 13, 30, tzinfo=UTC)
JUNE = datetime(2022, 6, 1, 12, tzinfo=UTC)
SUBJECT = "MSFT.XNAS"


def received(day: int) -> datetime:
    """Noon of a day of June 2022."""
    return JUNE + timedelta(days=day - 1)


def observed(day: int, prices: Mapping[int, float], **changes: Any) -> pl.DataFrame:
    """What a payload of a day of June says: minute of the session -> price."""
    rows = [
        {
            **good_row(BARS),
            **dict.fromkeys(("open", "high", "low", "close"), price),
            "event_time": OPEN + timedelta(minutes=minute),
            "ingest_time": received(day),
            "payload_id": day,
            **changes,
        }
        for minute, price in prices.items()
    ]
    return frame_of(BARS, *rows)


def no_marks() -> pl.DataFrame:
    """No due marks."""
    return pl.DataFrame(
        schema={
            "subject": pl.String,
            "scope_date": pl.Date,
            "mark_id": pl.Int64,
            "from_time": pl.Datetime("us", "UTC"),
        }
    )


def fold(
    store: TimescaleStore, *observations: pl.DataFrame, splice: bool = False, **facts: Any
) -> WriteReport:
    """Fold observations into the store; with `splice` they are all that there is of the session."""
    spliced = frozenset({(SUBJECT, DAY)}) if splice else frozenset()
    given = {"marks": no_marks(), "quarantine": empty(table("ops.quarantine")), "spliced": spliced, **facts}
    return store.fold_facts(BARS, Facts(pl.concat(observations), **given), [DAY])


def closes(store: TimescaleStore) -> dict[int, tuple[float, int]]:
    """Current rows: minute -> close and day of June when it became known."""
    rows = store.read(BARS).iter_rows(named=True)
    return {row["event_time"].minute - 30: (row["close"], row["ingest_time"].day) for row in rows}


def closed(store: TimescaleStore) -> list[tuple[int, float, int, int]]:
    """Closed versions: minute, close, known on and until which days of June."""
    rows = store.read(BARS.history()).iter_rows(named=True)
    return sorted(
        (r["event_time"].minute - 30, r["close"], r["ingest_time"].day, r["superseded_time"].day)
        for r in rows
    )


def places(store: TimescaleStore, address: str = "market.bars") -> set[tuple[Any, ...]]:
    """Where each row lies and which transaction wrote it: both change when a row is written again."""
    with store.database.transaction() as cursor:
        query = f"SELECT tableoid::regclass::text, ctid::text, xmin::text, event_time FROM {address}"
        return set(cursor.execute(query.encode()).fetchall())


def due_marks(store: TimescaleStore, asset: str) -> list[tuple[Any, ...]]:
    """Subject and date of what is due of an asset."""
    return due.due_scopes(store.database, asset).select("subject", "scope_date").rows()


def clear_marks(store: TimescaleStore) -> None:
    """As if all that is due had been done and published."""
    with store.database.transaction() as cursor:
        cursor.execute(b"TRUNCATE ops.due, ops.lake_dirty")
