"""How much room everything takes: rows and bytes of each table, heap and indexes apart; raw bodies by dataset.

What belongs here: measuring in the database. What does not: the lake's objects (lake), what it comes to (steps/costs).
"""

from __future__ import annotations

import polars as pl
from psycopg import sql

from findata_core.schema.tables import tables
from findata_resources.stores.database import Database

# Of a hypertable its chunks and their compressed companions hold the rows.
_SIZES = """
    WITH parts AS (
        SELECT hypertable_schema || '.' || hypertable_name AS address,
               format('%I.%I', chunk_schema, chunk_name)::regclass AS part
        FROM timescaledb_information.chunks
        UNION ALL
        SELECT schemaname || '.' || tablename, format('%I.%I', schemaname, tablename)::regclass
        FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
    )
    SELECT address, sum(pg_table_size(part))::bigint AS heap_bytes, sum(pg_indexes_size(part))::bigint AS index_bytes
    FROM parts GROUP BY 1
"""


def table_sizes(database: Database) -> pl.DataFrame:
    """Return address, rows, heap_bytes and index_bytes of each declared table and its history. Counts every row."""
    sizes = database.frame(sql.SQL(_SIZES))
    known = [*tables(), *(one.history() for one in tables() if one.has_history)]
    counts = [
        sql.SQL("SELECT {} AS address, count(*) AS rows FROM {}").format(
            sql.Literal(item.address), sql.Identifier(item.schema, item.name)
        )
        for item in {item.address: item for item in known}.values()
    ]
    counted = database.frame(sql.SQL(" UNION ALL ").join(counts))
    return counted.join(sizes, on="address", how="left").sort("address")


def raw_sizes(database: Database) -> pl.DataFrame:
    """Return dataset, payloads and body_bytes of what was received; a body that came twice is stored once."""
    query = """
        SELECT dataset, count(*) AS payloads, (SELECT coalesce(sum(size_bytes), 0)::bigint FROM (
               SELECT DISTINCT object_key, size_bytes FROM ops.payloads AS one WHERE one.dataset = every.dataset
               ) AS bodies) AS body_bytes
        FROM ops.payloads AS every GROUP BY 1 ORDER BY 1
    """
    return database.frame(sql.SQL(query))


def database_bytes(database: Database) -> int:
    """Return the bytes of the whole database, catalogues included."""
    return int(database.frame(sql.SQL("SELECT pg_database_size(current_database()) AS size")).item())
