"""Publishing: the object is what the database holds, whoever publishes, and whenever one was killed."""

from datetime import date

import pytest

from findata_assets.steps.due_steps import STEPS
from findata_assets.steps.platform import Platform
from findata_core.errors import NotEqual
from findata_core.schema.tables import table
from findata_resources.environment import resolve_endpoints
from findata_resources.stores.lake import Lake, s3_resource
from findata_resources.stores.lake_files import parquet
from findata_resources.stores.lake_layout import object_key, partition_dates, published_tables
from findata_resources.stores.objects import Objects
from tests.stores.bars import BARS, DAY, SUBJECT, fold, no_marks, observed
from tests.stores.test_derived import CANDLES, candles

PARTITION = "2022-05-19"


def marks(platform: Platform) -> list[tuple[str, str]]:
    with platform.store.database.transaction() as cursor:
        return cursor.execute(b"SELECT table_name, partition FROM ops.lake_dirty ORDER BY 1, 2").fetchall()


def objects(platform: Platform) -> Objects:
    return Objects(resolve_endpoints(platform.settings))


def lake_with(platform: Platform, put: Objects) -> Lake:
    endpoints = resolve_endpoints(platform.settings)
    return Lake(put, lambda: s3_resource(endpoints), endpoints.s3_bucket)


def test_what_is_published_is_what_the_database_holds(platform: Platform) -> None:
    fold(platform.store, observed(1, {0: 10, 1: 20}), observed(1, {0: 30}, instrument_id="AZN.XLON"))

    assert platform.lake.publish(platform.store) == 1

    published = platform.lake.read(BARS, PARTITION)
    assert published is not None
    assert published.equals(platform.store.read(BARS))
    assert platform.lake.partitions(BARS) == [PARTITION]
    assert marks(platform) == []
    assert platform.lake.publish(platform.store) == 0


def test_only_the_table_that_is_named_is_published(platform: Platform) -> None:
    fold(platform.store, observed(1, {0: 10}))

    assert platform.lake.publish(platform.store, "market.candles") == 0
    assert marks(platform) == [("market.bars", PARTITION)]


@pytest.mark.parametrize("address", [item.address for item in published_tables()])
def test_the_next_run_publishes_what_a_killed_one_has_committed(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    target = table(address)
    partition = {"session": PARTITION, "month": "2022-05", "whole": "all"}[target.lake_partition.value]
    with platform.store.database.transaction() as cursor:
        cursor.execute("INSERT INTO ops.lake_dirty VALUES (%s, %s, 1)", [address, partition])
    published: list[str | None] = []
    monkeypatch.setattr(platform.lake, "publish", lambda _store, name=None: published.append(name))

    STEPS[address](platform)

    assert address in published


class Killed(BaseException):
    """What a test raises where a process would be killed."""


class KilledAfterPut(Objects):
    """Objects whose owner is killed as soon as a put has succeeded."""

    def replace(self, key: str, body: bytes, version: str | None, content_type: str | None = None) -> bool:
        super().replace(key, body, version, content_type)
        raise Killed


def test_a_kill_between_put_and_clearing_the_mark_costs_one_more_put(platform: Platform) -> None:
    fold(platform.store, observed(1, {0: 10}))

    with pytest.raises(Killed):
        lake_with(platform, KilledAfterPut(resolve_endpoints(platform.settings))).publish(platform.store)

    assert marks(platform) == [("market.bars", PARTITION)]
    assert platform.lake.publish(platform.store) == 1
    assert marks(platform) == []


class OvertakenOnce(Objects):
    """Objects that another publisher overtakes between this one's reading and its first put."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(resolve_endpoints(platform.settings))
        self.platform = platform
        self.puts: list[bool] = []

    def replace(self, key: str, body: bytes, version: str | None, content_type: str | None = None) -> bool:
        if not self.puts:
            fold(self.platform.store, observed(2, {0: 11}))
            self.platform.lake.publish(self.platform.store)
        self.puts.append(super().replace(key, body, version, content_type))
        return self.puts[-1]


@pytest.mark.parametrize("has_object", [False, True])
def test_the_older_of_two_publishers_loses_and_reads_again(platform: Platform, has_object: bool) -> None:
    if has_object:
        fold(platform.store, observed(1, {0: 9}))
        platform.lake.publish(platform.store)
    fold(platform.store, observed(1, {0: 10}, payload_id=5), splice=True)
    overtaken = OvertakenOnce(platform)

    lake_with(platform, overtaken).publish(platform.store)

    published = platform.lake.read(BARS, PARTITION)
    assert overtaken.puts == [False, True]
    assert published is not None
    assert published.get_column("close").to_list() == [11.0]


class MarkedAgain(Objects):
    """Objects during whose put the rows change once more."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(resolve_endpoints(platform.settings))
        self.platform = platform

    def replace(self, key: str, body: bytes, version: str | None, content_type: str | None = None) -> bool:
        fold(self.platform.store, observed(2, {0: 11}))
        return super().replace(key, body, version, content_type)


def test_a_mark_made_again_while_publishing_stays(platform: Platform) -> None:
    fold(platform.store, observed(1, {0: 10}))

    lake_with(platform, MarkedAgain(platform)).publish(platform.store)

    assert marks(platform) == [("market.bars", PARTITION)]
    platform.lake.publish(platform.store)
    published = platform.lake.read(BARS, PARTITION)
    assert published is not None
    assert published.get_column("close").to_list() == [11.0]


def test_a_partition_that_has_lost_its_rows_is_published_empty(platform: Platform) -> None:
    store = platform.store
    store.replace(CANDLES, candles(0), [(SUBJECT, DAY)], no_marks())
    platform.lake.publish(store)

    store.replace(CANDLES, candles(0).clear(), [(SUBJECT, DAY)], no_marks())
    platform.lake.publish(store)

    published = platform.lake.read(CANDLES, PARTITION)
    assert published is not None
    assert published.is_empty()


def test_an_object_that_is_not_the_tables_rows_is_told_of(platform: Platform) -> None:
    put = objects(platform)
    put.create(object_key(BARS, "2022-05-20"), b"no parquet")
    put.create(object_key(BARS, "2022-05-21"), parquet(candles(0)))

    for partition in ("2022-05-20", "2022-05-21"):
        with pytest.raises(NotEqual, match="findata rebuild"):
            platform.lake.read(BARS, partition)
    assert platform.lake.read(BARS, "2022-05-22") is None


def test_the_dates_of_a_partition_are_half_open() -> None:
    assert partition_dates(BARS, "2022-12-31") == (date(2022, 12, 31), date(2023, 1, 1))
    assert partition_dates(table("market.bars_1d"), "2022-12") == (date(2022, 12, 1), date(2023, 1, 1))
    assert partition_dates(table("market.bars_1d"), "2022-02") == (date(2022, 2, 1), date(2022, 3, 1))
    assert partition_dates(table("rates.rates"), "all") == (None, None)


def test_a_conditional_put_is_held_by_the_server(platform: Platform) -> None:
    put = objects(platform)

    assert put.create("a/b", b"1")
    assert not put.create("a/b", b"2")
    version = put.version("a/b")
    assert put.replace("a/b", b"3", version)
    assert not put.replace("a/b", b"4", version)
    assert put.get("a/b") == b"3"
    assert put.version("a/c") is None
    assert not put.replace("a/c", b"5", version)
