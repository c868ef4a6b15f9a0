"""Merging session objects: content equal by hash, no reader is told a row twice, killed anywhere it ends the same."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from findata_assets.steps.platform import Platform
from findata_assets.steps.upkeep import compact_lake, holdings
from findata_core.errors import ConfigurationError
from findata_core.schema.hashing import content_hash
from findata_core.schema.tables import table
from findata_resources.embedded.processes import wait_until
from findata_resources.environment import resolve_endpoints
from findata_resources.stores.lake import Lake, s3_resource
from findata_resources.stores.lake_files import merged_parquet, parquet
from findata_resources.stores.lake_layout import (
    LakeObject,
    current,
    mergeable,
    object_key,
    partition_in,
    wider,
    within,
)
from findata_resources.stores.objects import Objects
from tests.conftest import MakePlatform
from tests.stores.bars import no_marks
from tests.stores.sessions import (
    ALL,
    CANDLES,
    JUNE,
    MAY,
    NEXT_YEAR,
    candles_of,
    lake_of,
    load,
    names,
    seen_by_glob,
    seen_by_rule,
    start_again,
    stored,
    write,
)

PATIENCE_SECONDS = 60.0
MERGED = [
    "session=2023-01-04.parquet",
    "session=2023-01-05.parquet",
    "year=2022.parquet",
]


def item(name: str) -> LakeObject:
    partition = partition_in(name)
    assert partition is not None
    return LakeObject(f"market/candles/{name}", partition, 1, "etag")


def test_past_months_and_years_become_one_object_each_with_the_rows_of_the_old_ones(
    platform: Platform,
) -> None:
    load(platform)
    before = content_hash(CANDLES, seen_by_rule(platform))

    done = compact_lake(platform)

    assert names(platform) == MERGED
    assert [(one.partition, one.objects_before, one.rows) for one in done] == [
        ("2022-05", 3, 12),
        ("2022-06", 2, 8),
        ("2022", 2, 20),
    ]
    assert content_hash(CANDLES, seen_by_rule(platform)) == before
    assert seen_by_glob(platform).sort(CANDLES.business_key).equals(stored(platform))


def test_the_newest_month_keeps_its_sessions_until_there_is_a_newer_one(platform: Platform) -> None:
    load(platform, [*MAY, *JUNE])
    compact_lake(platform)
    assert names(platform) == [
        "month=2022-05.parquet",
        "session=2022-06-01.parquet",
        "session=2022-06-02.parquet",
    ]

    load(platform, NEXT_YEAR)
    compact_lake(platform)
    assert names(platform) == MERGED


def test_merging_again_finds_nothing_to_do(platform: Platform) -> None:
    load(platform)
    compact_lake(platform)
    versions = {one.key: one.version for one in lake_of(platform).objects_of(CANDLES)}

    assert compact_lake(platform) == []
    assert {one.key: one.version for one in lake_of(platform).objects_of(CANDLES)} == versions


@pytest.mark.parametrize("merged_first", [["2022-05"], ["2022-05", "2022"]])
def test_a_session_that_changes_after_its_month_or_year_was_merged_is_changed_in_the_merged_object(
    platform: Platform, merged_first: list[str]
) -> None:
    load(platform)
    for partition in merged_first:
        lake_of(platform).compact(platform.store, CANDLES, partition)
    before = names(platform)

    write(platform, [MAY[1]], close=99.0)
    new_day = MAY[2] + timedelta(days=3)
    write(platform, [new_day], close=7.0)
    platform.lake.publish(platform.store)

    assert names(platform) == before
    assert seen_by_glob(platform).sort(CANDLES.business_key).equals(stored(platform))
    changed = seen_by_rule(platform).filter(pl.col("session_date") == MAY[1])
    assert changed.get_column("close").unique().to_list() == [99.0]


def test_rows_that_vanish_from_the_database_vanish_from_the_merged_object(platform: Platform) -> None:
    load(platform)
    compact_lake(platform)

    platform.store.replace(CANDLES, candles_of([]), [("MSFT.XNAS", MAY[0]), ("AZN.XLON", MAY[0])], no_marks())
    platform.lake.publish(platform.store)

    assert MAY[0] not in set(seen_by_glob(platform).get_column("session_date"))
    assert seen_by_rule(platform).equals(stored(platform))


class Killed(BaseException):
    """What a test raises where a process would be killed."""


class Dying(Objects):
    """Objects whose owner is killed before or after the n-th thing that it does to S3."""

    def __init__(self, platform: Platform, left: int, before: bool) -> None:
        super().__init__(resolve_endpoints(platform.settings))
        self.left, self.before = left, before

    def create(self, key: str, body: bytes, content_type: str | None = None) -> bool:
        return self._counted(lambda: super(Dying, self).create(key, body, content_type))

    def get(self, key: str) -> bytes:
        return self._counted(lambda: super(Dying, self).get(key))

    def delete(self, key: str) -> None:
        self._counted(lambda: super(Dying, self).delete(key))

    def _counted(self, act: Callable[[], Any]) -> Any:
        self.left -= 1
        if self.left == 0 and self.before:
            raise Killed
        result = act()
        if self.left == 0:
            raise Killed
        return result


def lake_with(platform: Platform, objects: Objects) -> Lake:
    endpoints = resolve_endpoints(platform.settings)
    return Lake(objects, lambda: s3_resource(endpoints), endpoints.s3_bucket)


# Three reads of the old ones, put and read back, three deletes, put and read back, delete.
STEPS = range(1, 12)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("next_one", ["compact", "publish"])
def test_a_merge_that_is_killed_at_any_step_shows_no_row_twice_and_is_finished_by_whoever_comes_next(
    platform: Platform, before: bool, next_one: str
) -> None:
    for step in STEPS:
        start_again(platform)
        whole = stored(platform)

        with pytest.raises(Killed):
            lake_with(platform, Dying(platform, step, before)).compact(platform.store, CANDLES, "2022-05")
        platform.store.database.close()  # with the process its connections go, and its locks

        assert seen_by_rule(platform).equals(whole)
        assert not seen_by_glob(platform).select(CANDLES.business_key).is_duplicated().any()

        if next_one == "publish":
            write(platform, [MAY[1]], close=99.0)
            platform.lake.publish(platform.store)
            assert seen_by_glob(platform).sort(CANDLES.business_key).equals(stored(platform))
            assert not any(name.endswith(".ready") for name in names(platform))
        compact_lake(platform)
        assert names(platform) == MERGED
        assert seen_by_glob(platform).sort(CANDLES.business_key).equals(stored(platform))


def test_the_steps_above_are_all_that_a_merge_takes(platform: Platform) -> None:
    load(platform)
    counting = Dying(platform, 0, True)
    lake_with(platform, counting).compact(platform.store, CANDLES, "2022-05")
    assert -counting.left == STEPS[-1]


def test_an_object_that_a_dead_publisher_left_beside_the_merged_one_goes_and_its_date_is_published_again(
    platform: Platform,
) -> None:
    load(platform)
    compact_lake(platform)
    stray = parquet(candles_of([MAY[0]], close=1.0))
    Objects(resolve_endpoints(platform.settings)).create(object_key(CANDLES, str(MAY[0])), stray)
    assert seen_by_rule(platform).equals(stored(platform))
    (found,) = [one for one in holdings(platform) if one.table == "market.candles"]
    assert found.void_objects == 1

    (swept,) = compact_lake(platform)

    assert "removed" in swept.remark
    assert names(platform) == MERGED
    assert seen_by_glob(platform).sort(CANDLES.business_key).equals(stored(platform))


def test_a_stale_merged_object_that_arrives_late_never_takes_a_place(platform: Platform) -> None:
    """A put that was under way when its process was killed, and arrives after a session has changed."""
    load(platform)
    objects = Objects(resolve_endpoints(platform.settings))
    lake = lake_of(platform)
    old = {one.key: one.version for one in within(lake.objects_of(CANDLES), "2022-05")}
    late = merged_parquet(CANDLES, {"AZN.XLON": 6, "MSFT.XNAS": 6}, lambda _: candles_of(MAY), old)
    write(platform, [MAY[1]], close=99.0)
    lake.publish(platform.store)
    objects.create(object_key(CANDLES, "2022-05", ".ready"), late)

    compact_lake(platform)
    compact_lake(platform)

    assert names(platform) == MERGED
    assert seen_by_glob(platform).sort(CANDLES.business_key).equals(stored(platform))


@pytest.mark.parametrize("body", [b"no parquet", parquet(candles_of(MAY))], ids=["damaged", "says nothing"])
@pytest.mark.parametrize("killed_again", [False, True])
def test_a_merged_object_that_stands_alone_and_can_not_be_read_is_published_again_before_it_goes(
    platform: Platform, body: bytes, killed_again: bool
) -> None:
    """Killed after the old objects were deleted; then what stood ready in their place is damaged."""
    load(platform)
    with pytest.raises(Killed):
        lake_with(platform, Dying(platform, 8, before=False)).compact(platform.store, CANDLES, "2022-05")
    platform.store.database.close()
    objects, ready = Objects(resolve_endpoints(platform.settings)), object_key(CANDLES, "2022-05", ".ready")
    assert [name for name in names(platform) if "2022-05" in name] == ["month=2022-05.ready"]
    assert objects.replace(ready, body, objects.version(ready))
    if killed_again:  # once it was deleted: read, delete
        with pytest.raises(Killed):
            lake_with(platform, Dying(platform, 2, before=False)).compact(platform.store, CANDLES, "2022-05")
        platform.store.database.close()

    for _ in range(2):  # what the first one has found out of order the next one publishes
        platform.lake.publish(platform.store)
        compact_lake(platform)

    assert names(platform) == MERGED
    assert seen_by_glob(platform).sort(CANDLES.business_key).equals(stored(platform))


@pytest.mark.parametrize(
    "body", [b"no parquet", parquet(candles_of([MAY[1]])), parquet(candles_of([date(2022, 5, 3)]))]
)
def test_objects_that_are_damaged_share_rows_or_hold_other_dates_are_not_merged_but_told_of(
    platform: Platform, body: bytes
) -> None:
    load(platform)
    before = names(platform)
    objects = Objects(resolve_endpoints(platform.settings))
    key = object_key(CANDLES, str(MAY[0]))
    assert objects.replace(key, body, objects.version(key))

    done = {one.partition: one for one in compact_lake(platform)}

    assert done["2022-05"].is_trouble
    assert "findata rebuild" in done["2022-05"].remark
    assert {name for name in before if "2022-05" in name} <= {*names(platform)}


def test_a_merged_object_that_is_damaged_is_made_again_from_the_database(platform: Platform) -> None:
    load(platform)
    compact_lake(platform)
    objects = Objects(resolve_endpoints(platform.settings))
    key = object_key(CANDLES, "2022")
    assert objects.replace(key, b"no parquet", objects.version(key))

    write(platform, [MAY[1]], close=99.0)
    platform.lake.publish(platform.store)

    assert seen_by_glob(platform).sort(CANDLES.business_key).equals(stored(platform))


class Interfering(Objects):
    """Objects beside which, while old ones are read, a session changes and is published."""

    def __init__(self, platform: Platform, other: Platform) -> None:
        super().__init__(resolve_endpoints(platform.settings))
        self.other, self.is_done = other, False

    def get(self, key: str) -> bytes:
        body = super().get(key)
        if not self.is_done:
            self.is_done = True
            write(self.other, [MAY[1]], close=99.0)
            self.other.lake.publish(self.other.store)
        return body


def test_a_merge_that_a_publisher_overtakes_changes_nothing_and_says_so(platform: Platform) -> None:
    load(platform)
    before = names(platform)

    done = lake_with(platform, Interfering(platform, platform)).compact(platform.store, CANDLES, "2022-05")

    assert "run it again" in done.remark
    assert names(platform) == before
    assert seen_by_glob(platform).sort(CANDLES.business_key).equals(stored(platform))


def test_daily_bars_are_merged_from_months_to_years_and_tables_without_dates_are_left_alone() -> None:
    daily, rates = table("market.bars_1d"), table("rates.rates")
    months = [LakeObject(f"market/bars_1d/month={m}.parquet", m, 1, "e") for m in ("2021-12", "2022-01")]
    assert mergeable(daily, months, 7) == []
    assert mergeable(daily, months, 4) == ["2021"]
    assert mergeable(rates, [LakeObject("rates/rates/whole=all.parquet", "all", 1, "e")], 4) == []


def test_a_table_that_is_not_in_the_lake_is_refused_by_name(platform: Platform) -> None:
    with pytest.raises(ConfigurationError, match=r"ops\.due is not in the lake.*market\.bars"):
        compact_lake(platform, addresses=["ops.due"])


def test_the_widest_object_of_a_date_speaks_and_of_two_of_one_width_the_one_with_its_name() -> None:
    objects = [
        item(name)
        for name in (
            "month=2022-05.parquet",
            "month=2022-05.ready",
            "month=2023-01.ready",
            "session=2022-05-19.parquet",
            "session=2022-06-01.parquet",
            "session=2023-01-04.parquet",
        )
    ]
    assert [one.key.rpartition("/")[2] for one in current(objects)] == [
        "month=2022-05.parquet",
        "session=2022-06-01.parquet",
        "month=2023-01.ready",
    ]
    assert wider("2022-05-19") == ["2022", "2022-05"]
    assert partition_in("market/candles/other.txt") is None


def test_row_groups_of_a_merged_object_are_cut_at_instruments_so_that_one_is_found_by_statistics() -> None:
    subjects = [f"S{number:03d}.XNAS" for number in range(30)]
    rows = pl.concat(
        [
            candles_of(MAY)
            .head(1)
            .with_columns(instrument_id=pl.lit(name))
            .select(pl.all().repeat_by(1_000))
            .explode(pl.all())
            for name in subjects
        ]
    )
    body = merged_parquet(
        CANDLES,
        dict.fromkeys(subjects, 1_000),
        lambda batch: rows.filter(pl.col("instrument_id").is_in(batch)),
        {},
    )
    metadata = pq.ParquetFile(io.BytesIO(body)).metadata
    place = CANDLES.column_names.index("instrument_id")
    spans = [
        (found.min, found.max)
        for group in range(metadata.num_row_groups)
        if (found := metadata.row_group(group).column(place).statistics)
    ]
    assert [sum(low <= name <= high for low, high in spans) for name in subjects] == [1] * 30
    assert len(spans) > 5


def test_two_who_merge_and_publish_at_once_leave_one_consistent_lake(make_platform: MakePlatform) -> None:
    """With a reader beside them who keeps to the rule: every look that met no change shows each row once."""
    import threading

    first = make_platform()
    others = [_beside(first) for _ in range(3)]
    load(first)
    errors: list[BaseException] = []
    looks: list[int] = []
    is_over = threading.Event()

    def guarded(work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except BaseException as error:
                errors.append(error)

        return threading.Thread(target=run)

    def look() -> None:
        while not is_over.is_set():
            before = lake_of(others[2]).objects_of(CANDLES)
            try:
                rows = pl.concat(
                    [pl.read_parquet(io.BytesIO(_bytes(others[2], one.key))) for one in current(before)]
                )
            except FileNotFoundError:
                continue
            if lake_of(others[2]).objects_of(CANDLES) == before:
                looks.append(rows.height)
                assert not rows.select(CANDLES.business_key).is_duplicated().any()

    def publish() -> None:
        for number in range(8):
            write(others[1], [ALL[number % len(ALL)]], close=20.0 + number)
            others[1].lake.publish(others[1].store)

    def merge(platform: Platform) -> None:
        for _ in range(3):
            compact_lake(platform)

    mergers = [guarded(partial(merge, platform)) for platform in (first, others[0])]
    threads = [*mergers, guarded(publish)]
    reader = guarded(look)
    for thread in (*threads, reader):
        thread.start()
    for thread in threads:
        thread.join()
    # Amid writes on a busy machine every look may have met a change; now there are none.
    assert wait_until(lambda: bool(looks or errors), PATIENCE_SECONDS)
    is_over.set()
    reader.join()
    for one in others:
        one.close()

    assert errors == []
    assert set(looks) == {4 * len(ALL)}
    compact_lake(first)
    assert names(first) == MERGED
    assert seen_by_glob(first).sort(CANDLES.business_key).equals(stored(first))


def _beside(platform: Platform) -> Platform:
    from findata_assets.steps.platform import platform_at

    return platform_at(platform.settings, resolve_endpoints(platform.settings))


def _bytes(platform: Platform, key: str) -> bytes:
    from findata_core.errors import StoreError

    try:
        return Objects(resolve_endpoints(platform.settings)).get(key)
    except StoreError as error:
        raise FileNotFoundError(key) from error
