"""Writing a session of minutes: findata's fold of facts against a bare binary COPY of the same rows.

What belongs here: the sides and what is put back between them. What does not: servers, the data (year).

The bare COPY is the limit: the same rows by the same encoder into a hypertable of the same definition,
in one transaction, with nothing around it. findata's side is the whole of TimescaleStore.fold_facts:
lock, digests, due marks read before and cleared, marks downstream, history, the report.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import sqlalchemy
from psycopg import sql

from benchmarks.measuring import Line, seconds_of
from benchmarks.year import make_session
from findata_core.schema.frames import empty
from findata_core.schema.tables import table
from findata_resources.migrations.migrate import migrate
from findata_resources.stores import due
from findata_resources.stores.database import copy_into, name_of
from findata_resources.stores.statements import DAY
from findata_resources.stores.timescale import Facts, TimescaleStore

SESSION = date(2025, 6, 3)
TARGET_FIRST, TARGET_AGAIN, TARGET_VERIFIED = 1.15, 0.25, 0.80
BARS = table("market.bars")
BARE = replace(BARS, schema="bench", name="bare")
UPSERTED = replace(BARS, schema="bench", name="upserted")
TOUCHED = "market.bars, history.bars, ops.digests, ops.due, ops.lake_dirty, bench.bare, bench.upserted"
# One executemany of everything and to_sql take a while; their ratio is not asked to the percent.
SLOW_REPEATS = 2


@dataclass(frozen=True)
class Turn:
    """Seconds of one turn of the sides."""

    bare: float
    first: float
    again: float
    verified: float


def run(database_url: str, instruments: int = 200, repeats: int = 11) -> list[Line]:
    """Compare the sides on a database that holds nothing else; medians of the turns' own ratios."""
    migrate(database_url)
    store = TimescaleStore(database_url)
    try:
        rows = one_payload_an_instrument(make_session(instruments, session_date=SESSION))
        _make_bench_tables(store)
        turns = [_turn(store, rows, number) for number in range(repeats + 1)][1:]
        others = _slow_sides(store, rows)
    finally:
        store.close()
    return [*_lines(turns, rows.height), *_slow_lines(others, turns)]


def one_payload_an_instrument(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows as providers answer: a request an instrument."""
    return rows.with_columns(pl.col("instrument_id").rle_id().cast(pl.Int64).alias("payload_id") + 1)


def _turn(store: TimescaleStore, rows: pl.DataFrame, number: int) -> Turn:
    """Let both sides write the session once, the one that begins alternating; then fold it again twice."""
    _clear(store, rows)
    sides: list[tuple[str, Callable[[], object]]] = [
        ("bare", lambda: _copy(store, rows)),
        ("first", lambda: _fold(store, rows, written=rows.height)),
    ]
    seconds = {}
    for name, side in sides if number % 2 else reversed(sides):
        _checkpoint(store)
        seconds[name] = seconds_of(side)
    _mark(store, rows)
    again = seconds_of(lambda: _fold(store, rows, written=0))
    _mark(store, rows)
    verified = seconds_of(lambda: _fold(store, rows, written=0, trust_digests=False))
    return Turn(again=again, verified=verified, **seconds)


def _copy(store: TimescaleStore, rows: pl.DataFrame) -> None:
    with store.database.transaction() as cursor:
        copy_into(cursor, BARE, rows)


def _fold(store: TimescaleStore, rows: pl.DataFrame, written: int, *, trust_digests: bool = True) -> None:
    """What an asset does with rows that it has: read what is due, fold."""
    marks = due.due_scopes(store.database, BARS.address, SESSION, SESSION + DAY)
    facts = Facts(rows, marks, empty(table("ops.quarantine")))
    report = store.fold_facts(BARS, facts, [SESSION], trust_digests=trust_digests)
    assert report.rows_written == written, report


def _lines(turns: list[Turn], rows: int) -> list[Line]:
    measured = (
        ("write: a session, first time, against a bare COPY", "first", TARGET_FIRST),
        ("write: again, unchanged, digests trusted", "again", TARGET_AGAIN),
        ("write: again, unchanged, stored rows hashed again", "verified", TARGET_VERIFIED),
    )
    bare = statistics.median(turn.bare for turn in turns)
    lines = []
    for name, side, target in measured:
        seconds = [getattr(turn, side) for turn in turns]
        ratios = sorted(spent / turn.bare for spent, turn in zip(seconds, turns, strict=True))
        detail = (
            f"{rows:,} rows: {statistics.median(seconds):.3f} s against {bare:.3f} s; "
            f"{len(turns)} turns from {ratios[0]:.2f} to {ratios[-1]:.2f}"
        )
        lines.append(Line(name, statistics.median(ratios), target, detail))
    return lines


def _slow_sides(store: TimescaleStore, rows: pl.DataFrame) -> dict[str, float]:
    engine = sqlalchemy.create_engine(store.database.url.replace("postgresql://", "postgresql+psycopg://", 1))
    frame, records = rows.to_pandas(), list(rows.iter_rows())
    sides: dict[str, Callable[[], object]] = {
        "pandas.to_sql": lambda: frame.to_sql(
            "upserted", engine, schema="bench", if_exists="append", index=False
        ),
        "executemany upsert": lambda: _executemany(store, records),
    }
    seconds: dict[str, float] = {}
    for name, side in sides.items():
        spent = []
        for _ in range(SLOW_REPEATS):
            _clear(store, rows)
            spent.append(seconds_of(side))
        seconds[name] = statistics.median(spent)
    engine.dispose()
    return seconds


def _slow_lines(others: dict[str, float], turns: list[Turn]) -> list[Line]:
    bare = statistics.median(turn.bare for turn in turns)
    return [
        Line(f"write: {name}, against a bare COPY", spent / bare, None, f"{spent:.1f} s")
        for name, spent in others.items()
    ]


def _executemany(store: TimescaleStore, records: list[tuple[object, ...]]) -> None:
    others = [name for name in BARS.column_names if name not in BARS.business_key]
    statement = sql.SQL("INSERT INTO {} VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {}").format(
        name_of(UPSERTED),
        sql.SQL(", ").join([sql.Placeholder()] * len(BARS.columns)),
        sql.SQL(", ").join(map(sql.Identifier, BARS.business_key)),
        sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in others),
    )
    with store.database.transaction() as cursor:
        cursor.executemany(statement, records)


def _make_bench_tables(store: TimescaleStore) -> None:
    with store.database.transaction() as cursor:
        cursor.execute("CREATE SCHEMA bench")
        for target in (BARE, UPSERTED):
            cursor.execute(
                sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(name_of(target), name_of(BARS))
            )
            cursor.execute(
                "SELECT create_hypertable(%s::regclass, by_range(%s, %s), create_default_indexes => false)",
                [target.address, BARS.time_column, timedelta(days=BARS.chunk_days)],
            )


def _clear(store: TimescaleStore, rows: pl.DataFrame) -> None:
    """Empty every table, mark the session due, and make the week's chunks as an earlier session would."""
    earlier = rows.head(1).with_columns(
        pl.col("event_time", "settles_time") - DAY, pl.col("session_date") - DAY
    )
    with store.database.transaction() as cursor:
        cursor.execute(f"TRUNCATE {TOUCHED}".encode())
        for target in (BARS, BARE, UPSERTED):
            copy_into(cursor, target, earlier)
    _mark(store, rows)


def _mark(store: TimescaleStore, rows: pl.DataFrame) -> None:
    scopes = [(name, SESSION) for name in rows.get_column("instrument_id").unique(maintain_order=True)]
    with store.database.transaction() as cursor:
        due.mark(cursor, BARS.address, scopes, from_time=datetime(2026, 1, 5, tzinfo=UTC))


def _checkpoint(store: TimescaleStore) -> None:
    """Give each side the same start: nothing of the other one's left to be written to disk."""
    with store.database.transaction() as cursor:
        cursor.execute("CHECKPOINT")
    time.sleep(0.05)
