"""Old chunks: dropped or compressed, as SQL for the edition of TimescaleDB that the server has.

What belongs here: which statements a setting means, and running them. What does not: what may be dropped at all
(findata_core/retention.py), when it is done (findata_assets/ops/retention.py).

Community keeps policies itself: they are set once, and the server does the work. The Apache edition has neither
policies nor compression; there drop_chunks() is called by a job. From 2.18 on TimescaleDB says columnstore where it
said compress.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from psycopg import sql

from findata_core.retention import chunked_tables
from findata_core.schema.tables import ColumnKind, Table
from findata_resources.stores.database import Database

APACHE, COMMUNITY = "apache", "timescale"
COLUMNSTORE_SINCE = (2, 18)

Statement = tuple[str, sql.Composed]  # what it does, in words; the statement


@dataclass(frozen=True)
class Edition:
    """What a server has: its licence ("apache" or "timescale") and version."""

    licence: str
    version: tuple[int, int]

    @property
    def is_community(self) -> bool:
        """Whether it has policies and compression."""
        return self.licence == COMMUNITY


def edition_of(database: Database) -> Edition:
    """Ask a server for its edition."""
    query = sql.SQL(
        "SELECT current_setting('timescaledb.license') AS licence, extversion FROM pg_extension "
        "WHERE extname = 'timescaledb'"
    )
    licence, version = database.frame(query).row(0)
    major, minor = version.split(".")[:2]
    return Edition(licence, (int(major), int(minor)))


def statements(
    edition: Edition, retention: Mapping[str, int], compression: Mapping[str, int]
) -> Iterator[Statement]:
    """Yield what the settings mean on a server: policies where it has them, else the work itself.

    On Community a table that is not named loses the policy that it may have had, and keeps its chunks as they are.
    """
    for address, source in chunked_tables().items():
        if edition.is_community:
            yield from _compression(edition, source, compression.get(address))
            if source.schema == "history":
                yield from _retention_policy(source, retention.get(address))
        elif address in retention:
            days = retention[address]
            words = f"{address}: drop chunks older than {days} days"
            yield words, _call("SELECT drop_chunks({name}, older_than => {after})", source, days)


def not_possible(edition: Edition, compression: Mapping[str, int]) -> list[str]:
    """Return the settings that a server has no means for."""
    return [] if edition.is_community else sorted(compression)


def apply(database: Database, wanted: list[Statement]) -> None:
    """Run statements, each in a transaction of its own."""
    for _, statement in wanted:
        with database.transaction() as cursor:
            cursor.execute(statement)


def _compression(edition: Edition, source: Table, days: int | None) -> Iterator[Statement]:
    is_new = edition.version >= COLUMNSTORE_SINCE
    if days is None:
        words = f"{source.address}: no compression policy"
        form = (
            "CALL remove_columnstore_policy({name}, if_exists => true)"
            if is_new
            else "SELECT remove_compression_policy({name}, if_exists => true)"
        )
        yield words, _call(form, source, 0)
        return
    option, segment, order = (
        ("timescaledb.enable_columnstore", "timescaledb.segmentby", "timescaledb.orderby")
        if is_new
        else ("timescaledb.compress", "timescaledb.compress_segmentby", "timescaledb.compress_orderby")
    )
    yield (
        f"{source.address}: compressed by {', '.join(segments(source))}",
        sql.SQL("ALTER TABLE {table} SET ({option}, {segment} = {by}, {order} = {time})").format(
            table=sql.Identifier(source.schema, source.name),
            option=sql.SQL(option),
            segment=sql.SQL(segment),
            order=sql.SQL(order),
            by=sql.Literal(", ".join(f'"{name}"' for name in segments(source))),
            time=sql.Literal(f'"{source.time_column}"'),
        ),
    )
    words = f"{source.address}: compress chunks older than {days} days"
    remove, add = (
        (
            "CALL remove_columnstore_policy({name}, if_exists => true)",
            "CALL add_columnstore_policy({name}, after => {after})",
        )
        if is_new
        else (
            "SELECT remove_compression_policy({name}, if_exists => true)",
            "SELECT add_compression_policy({name}, compress_after => {after})",
        )
    )
    yield f"{source.address}: the policy of before goes", _call(remove, source, days)
    yield words, _call(add, source, days)


def _retention_policy(source: Table, days: int | None) -> Iterator[Statement]:
    remove = _call("SELECT remove_retention_policy({name}, if_exists => true)", source, 0)
    yield f"{source.address}: no retention policy of before", remove
    if days is not None:
        words = f"{source.address}: drop chunks older than {days} days"
        yield words, _call("SELECT add_retention_policy({name}, drop_after => {after})", source, days)


def segments(source: Table) -> list[str]:
    """Return the columns that a compressed segment has one value of: the key but for its times."""
    kinds = {column.name: column.kind for column in source.columns}
    return [name for name in source.business_key if kinds[name] is ColumnKind.TEXT]


def _call(form: str, source: Table, days: int) -> sql.Composed:
    return sql.SQL(form).format(
        name=sql.SQL("{}::regclass").format(sql.Literal(source.address)),
        after=sql.SQL("{}::interval").format(sql.Literal(f"{days} days")),
    )
