"""What data cost in room: bytes of each layer, a row and a bar.

What belongs here: adding up. What does not: measuring (findata_resources/stores/sizes.py, the lake's listings).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from findata_assets.steps.platform import Platform
from findata_assets.steps.retention import dagster_database
from findata_assets.steps.upkeep import holdings, raw_holdings
from findata_core.errors import StoreError
from findata_resources.stores.sizes import database_bytes, raw_sizes, table_sizes

BAR_TABLES = ("market.bars", "market.bars_1d")


@dataclass(frozen=True)
class Cost:
    """A layer's share: what it is, rows (None where it has none of its own), bytes, and bytes for each bar."""

    layer: str
    what: str
    rows: int | None
    size_bytes: int
    bytes_per_row: float | None
    bytes_per_bar: float | None


def costs(platform: Platform) -> list[Cost]:
    """Return what each layer takes, largest first within a layer; bars are all rows of bars, of minutes and days."""
    sizes = table_sizes(platform.store.database)
    bars = int(sizes.filter(pl.col("address").is_in(BAR_TABLES)).get_column("rows").sum())
    made = [
        *_raw(platform, bars),
        *_database(sizes, bars),
        *_lake(platform, sizes, bars),
        _dagster(platform, bars),
    ]
    return [item for item in made if item.size_bytes]


def _raw(platform: Platform, bars: int) -> list[Cost]:
    """Bodies as received, and receipts with what else lies below raw/."""
    bodies = raw_sizes(platform.store.database)
    _, all_bytes = raw_holdings(platform)
    told = [
        _cost("raw", f"{dataset} bodies", payloads, size, bars)
        for dataset, payloads, size in bodies.sort("body_bytes", descending=True).iter_rows()
    ]
    rest = all_bytes - int(bodies.get_column("body_bytes").sum())
    return [*told, _cost("raw", "receipts", int(bodies.get_column("payloads").sum()), rest, bars)]


def _database(sizes: pl.DataFrame, bars: int) -> list[Cost]:
    """Heap and indexes of each table; the books together."""
    is_book = pl.col("address").str.starts_with("ops.")
    books = sizes.filter(is_book)
    found = []
    for address, rows, heap, index in sizes.filter(~is_book).sort("heap_bytes", descending=True).iter_rows():
        layer = "history" if address.startswith("history.") else "database"
        if rows:
            found += [
                _cost(layer, f"{address} heap", rows, heap or 0, bars),
                _cost(layer, f"{address} indexes", rows, index or 0, bars),
            ]
    told = books.select(pl.col("rows", "heap_bytes", "index_bytes").sum()).row(0)
    found.append(_cost("database", "ops.* heap and indexes", told[0], told[1] + told[2], bars))
    return sorted(found, key=lambda item: item.layer)


def _lake(platform: Platform, sizes: pl.DataFrame, bars: int) -> list[Cost]:
    rows = dict(sizes.select("address", "rows").iter_rows())
    found = [
        _cost("lake", item.table, rows[item.table], item.size_bytes, bars) for item in holdings(platform)
    ]
    return sorted(found, key=lambda item: -item.size_bytes)


def _dagster(platform: Platform, bars: int) -> Cost:
    """Runs, events and ticks: a database of its own."""
    database = dagster_database(platform)
    try:
        return _cost("dagster", "runs, events, ticks", 0, database_bytes(database), bars)
    except StoreError:  # Dagster was never started here
        return _cost("dagster", "runs, events, ticks", 0, 0, bars)
    finally:
        database.close()


def _cost(layer: str, what: str, rows: int, size_bytes: int, bars: int) -> Cost:
    return Cost(
        layer,
        what,
        rows or None,
        size_bytes,
        size_bytes / rows if rows else None,
        size_bytes / bars if bars else None,
    )
