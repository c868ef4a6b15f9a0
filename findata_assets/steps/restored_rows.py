"""Whether the rows of a restored database are what its own digests say, hashed again month by month.

What belongs here: that comparison. What does not: comparing with raw, which is verify (proof).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import polars as pl

from findata_assets.steps.proof import SCOPE, digested_tables
from findata_core.backups.manifest import Manifest
from findata_core.schema.hashing import digests
from findata_core.schema.tables import Table
from findata_resources.migrations.migrate import known_revisions
from findata_resources.stores.timescale import TimescaleStore

Progress = Callable[[str], None]


def rows_unlike_digests(database_url: str, manifest: Manifest, progress: Progress) -> list[str]:
    """Return the tables of which rows and digests differ, a sentence each.

    A backup of an older migration is not hashed: columns that came since change digests (`findata rebuild`).
    """
    if manifest.migration != known_revisions()[0]:
        return []
    store = TimescaleStore(database_url)
    try:
        progress("hashing the restored rows")
        return [text for target in digested_tables() if (text := _unlike(store, target))]
    finally:
        store.close()


def _unlike(store: TimescaleStore, target: Table) -> str:
    written, wrong = store.digests(target), 0
    for start, end in _spans(target, written):
        view = digests(target, store.read(target, start, end))
        said = written if start is None else written.filter(_between(start, end))
        both = said.select(*SCOPE, "sha256").join(
            view.select(*SCOPE, "sha256"), on=SCOPE, how="full", suffix="_view"
        )
        wrong += both.filter(pl.col("sha256").ne_missing(pl.col("sha256_view"))).height
    return f"{target.address}: {wrong:,} scopes are not what their digests say" if wrong else ""


def _spans(target: Table, written: pl.DataFrame) -> Iterator[tuple[date | None, date | None]]:
    """Yield the months [start, end) that have digests, so that a month's rows are in memory; None: everything."""
    if not target.digest_date:
        yield None, None
        return
    for (first,) in written.select(pl.col("scope_date").dt.month_start().unique().sort()).iter_rows():
        yield first, date(first.year + first.month // 12, first.month % 12 + 1, 1)


def _between(start: date | None, end: date | None) -> pl.Expr:
    return pl.col("scope_date").is_between(pl.lit(start), pl.lit(end), closed="left")
