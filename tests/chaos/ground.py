"""Where a campaign takes place: a database and bucket for each batch, and the truth that they hold in the end.

What belongs here: making platforms, hashing what they hold. What does not: faults.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from findata_assets.steps.platform import Platform
from findata_assets.steps.proof import verify
from findata_assets.steps.sources import refresh_reference
from findata_assets.steps.upkeep import compact_lake, lake_of
from findata_resources.stores.lake_layout import published_tables
from tests.chaos.market import UNIVERSE
from tests.conftest import MakePlatform

DIGESTS = "SELECT table_name, subject, scope_date::text, slice, sha256, row_count FROM ops.digests ORDER BY 1, 2, 3, 4"
LEFT = "SELECT (SELECT count(*) FROM ops.due) + (SELECT count(*) FROM ops.lake_dirty) AS marks"
HISTORY = "SELECT count(*) FROM history.bars"


@dataclass(frozen=True)
class Truth:
    """The hash of all digests, of the closed versions' count and of the lake's objects by name; what is wrong."""

    sha256: str
    rows: int
    wrong: tuple[str, ...] = ()


def ground(make: MakePlatform, **further: Any) -> Platform:
    """Return a platform with reference data, on a database and bucket of its own."""
    platform = make(**further)
    universe = platform.settings.home / "chaos.csv"
    universe.write_text(UNIVERSE)
    platform.settings = platform.settings.model_copy(update={"universe": universe})
    refresh_reference(platform)
    platform.lake.publish(platform.store)
    return platform


def truth_of(platform: Platform, *, is_proved: bool = True) -> Truth:
    """Bring the lake to rest and return what is held; with `is_proved` also made again from raw and compared."""
    compact_lake(platform)
    found = platform.store.database.frame(sql.SQL(DIGESTS)).rows()
    versions = int(platform.store.database.frame(sql.SQL(HISTORY)).item())
    names = [item.key for source in published_tables() for item in lake_of(platform).objects_of(source)]
    total = hashlib.sha256(repr((found, versions, sorted(names))).encode())
    wrong = [f"{marks} marks are left" for marks in [_marks(platform)] if marks]
    if is_proved:
        differences = verify(platform, lambda _: None).differences
        wrong += [str(row) for row in differences.head(5).iter_rows()]
    return Truth(total.hexdigest(), sum(row[5] for row in found), tuple(wrong))


def _marks(platform: Platform) -> int:
    return int(platform.store.database.frame(sql.SQL(LEFT)).item())
