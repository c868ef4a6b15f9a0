"""Sessions of candles over months and years, small, for what happens to their objects in the lake."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import polars as pl

from findata_assets.steps.platform import Platform
from findata_core.schema.frames import empty
from findata_core.schema.tables import table
from findata_resources.environment import resolve_endpoints
from findata_resources.stores.lake import Lake
from findata_resources.stores.lake_layout import partition_in
from findata_resources.stores.objects import Objects
from tests.schema.good_rows import frame_of, good_row
from tests.stores.bars import no_marks

CANDLES = table("market.candles")
SUBJECTS = ("AZN.XLON", "MSFT.XNAS")
MAY = (date(2022, 5, 18), date(2022, 5, 19), date(2022, 5, 20))
JUNE = (date(2022, 6, 1), date(2022, 6, 2))
NEXT_YEAR = (date(2023, 1, 4), date(2023, 1, 5))
ALL = (*MAY, *JUNE, *NEXT_YEAR)


def candles_of(days: Iterable[date], close: float = 10.0) -> pl.DataFrame:
    """Two candles of an hour of each subject and day."""
    rows = []
    for subject in SUBJECTS:
        for day in days:
            opened = datetime(day.year, day.month, day.day, 14, 30, tzinfo=UTC)
            for hour in range(2):
                start = opened + timedelta(hours=hour)
                prices = dict.fromkeys(("open", "high", "low", "close"), close)
                times = {"event_time": start, "available_time": start + timedelta(hours=1)}
                row = {"instrument_id": subject, "session_date": day, **times, **prices}
                rows.append({**good_row(CANDLES), **row})
    return frame_of(CANDLES, *rows) if rows else empty(CANDLES)


def write(platform: Platform, days: Iterable[date], close: float = 10.0) -> None:
    """Make the candles of some days so, and nothing of it published."""
    days = list(days)
    scopes = [(subject, day) for subject in SUBJECTS for day in days]
    platform.store.replace(CANDLES, candles_of(days, close), scopes, no_marks())


def load(platform: Platform, days: Iterable[date] = ALL) -> None:
    """Write and publish, a session at a time, as they come in."""
    for day in days:
        write(platform, [day])
        platform.lake.publish(platform.store)


def lake_of(platform: Platform) -> Lake:
    assert isinstance(platform.lake, Lake)
    return platform.lake


def names(platform: Platform) -> list[str]:
    """The objects of the candles, without their prefix."""
    return sorted(item.key.removeprefix("market/candles/") for item in lake_of(platform).objects_of(CANDLES))


def seen_by_rule(platform: Platform) -> pl.DataFrame:
    """What a reader sees who keeps to the rule: of all objects the widest of each date."""
    frames = [platform.lake.read(CANDLES, partition) for partition in platform.lake.partitions(CANDLES)]
    return pl.concat([frame for frame in frames if frame is not None]).sort(CANDLES.business_key)


def seen_by_glob(platform: Platform) -> pl.DataFrame:
    """What a reader sees who takes whatever ends in .parquet."""
    lake = lake_of(platform)
    keys = [item.key for item in lake.objects_of(CANDLES) if item.key.endswith(".parquet")]
    frames = [lake.read(CANDLES, partition_in(key) or "") for key in keys]
    return pl.concat([candles_of([]), *[frame for frame in frames if frame is not None]])


def stored(platform: Platform) -> pl.DataFrame:
    """What the database holds."""
    return platform.store.read(CANDLES)


def start_again(platform: Platform) -> None:
    """Throw the lake away and publish everything anew, a session an object."""
    for item in lake_of(platform).objects_of(CANDLES):
        Objects(resolve_endpoints(platform.settings)).delete(item.key)
    write(platform, ALL)
    with platform.store.database.transaction() as cursor:
        cursor.execute(
            "INSERT INTO ops.lake_dirty SELECT DISTINCT table_name, scope_date::text, 1 FROM ops.digests "
            "WHERE table_name = 'market.candles' ON CONFLICT DO NOTHING"
        )
    platform.lake.publish(platform.store)
