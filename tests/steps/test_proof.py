"""verify and rebuild: equal where nothing was touched, red by name where anything was, and repaired.

The module's platform holds two sessions of a few minutes, one of them revised, a daily bar and fixings.
Each test damages it, sees that, rebuilds, and leaves it equal.
"""

import io
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from psycopg import sql

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.facts import fold_facts
from findata_assets.steps.platform import Platform, platform_at
from findata_assets.steps.proof import Proof, rebuild, verify
from findata_assets.steps.sources import refresh_reference
from findata_core.errors import NotEqual
from findata_core.schema.tables import table, tables
from findata_resources.embedded.objects import s3_client
from findata_resources.environment import resolve_endpoints
from tests.conftest import MakePlatform
from tests.steps.folders import at, flat, minutes_from, take_in, write_folder, write_rates

FIRST, SECOND = "2022-05-19 13:30", "2022-05-20 13:30"
BARS_KEY = "market/bars/session=2022-05-19.parquet"


def quiet(_message: str) -> None:
    """A progress that says nothing."""


@pytest.fixture(scope="module")
def proven(
    make_module_platform: MakePlatform, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    platform, folder = make_module_platform(), tmp_path_factory.mktemp("proven")
    refresh_reference(platform)
    take_in_everything(platform, folder)
    run_due(platform)
    yield platform
    assert findings(platform) == []


def take_in_everything(platform: Platform, folder: Path) -> None:
    sessions = {
        "one": minutes_from(at(FIRST), [flat(10), flat(11), flat(12)]),
        "two": minutes_from(at(SECOND), [flat(20), flat(0), flat(22)]),  # a price of 0 is refused
    }
    for name, bars in sessions.items():
        take_in(platform, write_folder(folder / name, "2022-06-01T12:00:00Z", bars))
    revised = minutes_from(at(FIRST), [flat(10), flat(11.5)])
    take_in(platform, write_folder(folder / "revised", "2022-06-02T12:00:00Z", revised))
    days = {"2022-05-19": flat(12)}
    take_in(platform, write_folder(folder / "days", "2022-06-01T12:00:00Z", days, interval="1d"))
    fixings = {"2022-05-19": 0.8, "2022-05-20": 0.79}
    take_in(platform, write_rates(folder / "sofr", "2022-06-01T12:00:00Z", fixings), "rates")
    take_in(platform, write_folder(folder / "cut", "2022-06-01T12:00:00Z", {"no time": ("x",) * 5}))


def findings(platform: Platform) -> list[tuple[Any, ...]]:
    return told(verify(platform, quiet))


def told(proof: Proof) -> list[tuple[Any, ...]]:
    """Table, subject, date and place of each difference."""
    return (
        proof.differences.select("table_name", "subject", "scope_date", "where")
        .unique(maintain_order=True)
        .rows()
    )


def execute(platform: Platform, statement: str) -> None:
    with platform.store.database.transaction() as cursor:
        cursor.execute(statement.encode())


def bucket_of(platform: Platform) -> tuple[Any, str]:
    endpoints = resolve_endpoints(platform.settings)
    keys = (endpoints.s3_access_key, endpoints.s3_secret_key)
    return s3_client(endpoints.s3_endpoint, *keys, endpoints.s3_region), endpoints.s3_bucket


def read_object(platform: Platform, key: str) -> bytes:
    client, bucket = bucket_of(platform)
    body: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def write_object(platform: Platform, key: str, body: bytes) -> None:
    client, bucket = bucket_of(platform)
    client.put_object(Bucket=bucket, Key=key, Body=body)


def write_rows(platform: Platform, key: str, **changes: Any) -> None:
    """Publish other rows than those that an object holds."""
    altered = io.BytesIO()
    pl.read_parquet(io.BytesIO(read_object(platform, key))).with_columns(**changes).write_parquet(altered)
    write_object(platform, key, altered.getvalue())


def delete_object(platform: Platform, key: str) -> None:
    client, bucket = bucket_of(platform)
    client.delete_object(Bucket=bucket, Key=key)


def payload(platform: Platform, name: str) -> dict[str, Any]:
    """The payload of the file that a folder of this name holds."""
    query = "SELECT payload_id, object_key, request::text AS request FROM ops.payloads"
    rows = platform.store.database.frame(sql.SQL(query)).iter_rows(named=True)
    return next(row for row in rows if f"_{name}.csv" in row["request"])


def stored_rows(platform: Platform) -> dict[str, list[Any]]:
    """Everything that is stored but for the audit of requests and what is never written twice alike."""
    left_out = {"ops.changes", "ops.digests", "ops.due", "ops.lake_dirty", "ops.fetches"}
    return {
        item.address: sorted(platform.store.read(item).rows(), key=repr)
        for item in tables()
        if item.address not in left_out
    }


def test_database_lake_and_raw_agree_on_the_sample(loaded_sample: Platform) -> None:
    proof = verify(loaded_sample, quiet, date(2022, 6, 13), date(2022, 6, 16))

    assert proof.is_equal, proof.differences
    assert proof.scopes_compared > 0


def test_whatever_is_altered_in_database_or_lake_is_named_and_repaired(proven: Platform) -> None:
    first, second = date(2022, 5, 19), date(2022, 5, 20)
    execute(
        proven, "UPDATE market.bars SET close = 10.2, high = 10.2 WHERE event_time = '2022-05-19 13:30+00'"
    )
    execute(proven, "UPDATE history.bars SET close = 10.75")
    execute(proven, "DELETE FROM market.candles WHERE session_date = '2022-05-20' AND interval = '15m'")
    execute(proven, "UPDATE rates.rates SET ingest_time = '2022-06-01 11:00+00' WHERE rate_percent = 0.8")
    write_rows(proven, "market/bars_1d/month=2022-05.parquet", volume=pl.col("volume") + 1)
    write_object(proven, "market/weekly_candles/whole=all.parquet", b"PAR1 or so")
    delete_object(proven, "market/candles/session=2022-05-19.parquet")
    foreign = BARS_KEY.replace("2022-05-19", "2022-05-23")
    write_object(proven, foreign, read_object(proven, BARS_KEY))
    write_rows(proven, foreign, session_date=date(2022, 5, 23))
    expected = [
        ("market.bars", "MSFT.XNAS", first, "database", "differs from its digest"),
        ("market.bars", "MSFT.XNAS", first, "rebuilt", "history differs"),
        ("market.bars", "MSFT.XNAS", first, "rebuilt", "rows or their times of knowledge differ"),
        ("market.bars", "MSFT.XNAS", date(2022, 5, 23), "lake", "has rows that no digest knows"),
        ("market.bars_1d", "MSFT.XNAS", first, "lake", "differs from its digest"),
        ("market.candles", "MSFT.XNAS", first, "lake", "is missing"),
        ("market.candles", "MSFT.XNAS", second, "database", "differs from its digest"),
        ("market.weekly_candles", "MSFT.XNAS", date(2022, 5, 16), "lake", "is missing"),
        ("rates.rates", "SOFR", date(1970, 1, 1), "rebuilt", "rows or their times of knowledge differ"),
    ]

    found = rebuild(proven, quiet).differences

    columns = ["table_name", "subject", "scope_date", "where", "finding"]
    assert sorted(found.select(columns).unique().rows(), key=repr) == sorted(expected, key=repr)
    assert findings(proven) == []
    delete_object(proven, foreign)


def test_a_row_that_nobody_has_said_is_named_and_removed(proven: Platform) -> None:
    columns = ", ".join(table("market.bars").column_names)
    forged = columns.replace("event_time", "event_time + interval '5 minutes'", 1)
    minute = "WHERE event_time = '2022-05-19 13:32+00'"
    execute(proven, f"INSERT INTO market.bars ({columns}) SELECT {forged} FROM market.bars {minute}")

    assert ("market.bars", "MSFT.XNAS", date(2022, 5, 19), "database") in told(rebuild(proven, quiet))
    assert proven.store.read(table("market.bars"), date(2022, 5, 19), date(2022, 5, 20)).height == 3


def test_an_altered_raw_byte_is_named_and_repairs_nothing(proven: Platform) -> None:
    key = payload(proven, "two")["object_key"]
    body, before = read_object(proven, key), stored_rows(proven)
    write_object(proven, key, body.replace(b"22", b"23", 1))

    assert ("market.bars", "MSFT.XNAS", date(2022, 5, 20), "raw") in told(rebuild(proven, quiet))
    assert stored_rows(proven) == before

    write_object(proven, key, body)


@pytest.mark.parametrize("damage", ["altered", "torn", "deleted"])
def test_a_damaged_receipt_is_named_and_repairs_nothing(proven: Platform, damage: str) -> None:
    payload_id = payload(proven, "two")["payload_id"]
    (key,) = [key for key in proven.raw.receipts() if f"-{payload_id:016x}" in key]
    body, before = read_object(proven, key), stored_rows(proven)
    earlier = json.dumps(json.loads(body) | {"received_time": "2022-05-31T12:00:00.000000+00:00"}).encode()
    if damage == "deleted":
        delete_object(proven, key)
    else:
        write_object(proven, key, earlier if damage == "altered" else body[:-9])

    assert ("market.bars", "MSFT.XNAS", date(2022, 5, 20), "raw") in told(rebuild(proven, quiet))
    assert stored_rows(proven) == before

    write_object(proven, key, body)


def test_only_the_window_that_is_asked_for_is_compared(proven: Platform) -> None:
    execute(proven, "UPDATE market.bars SET volume = volume + 1 WHERE session_date = '2022-05-19'")

    outside = verify(proven, quiet, date(2022, 5, 20), date(2022, 5, 21))
    inside = rebuild(proven, quiet, date(2022, 5, 19), date(2022, 5, 20))

    assert outside.is_equal, outside.differences
    assert {row[:3] for row in told(inside)} == {("market.bars", "MSFT.XNAS", date(2022, 5, 19))}


def test_everything_comes_back_in_an_empty_database(
    proven: Platform, make_module_platform: MakePlatform
) -> None:
    bucket = proven.settings.s3_bucket
    settings = make_module_platform(s3_bucket=bucket).settings
    empty = platform_at(settings, resolve_endpoints(settings))
    assert empty.store.read(tables()[0]).is_empty()
    assert empty.sessions({"XNAS"}).is_empty()  # what a step may have cached before

    rebuild(empty, quiet)

    restored, original = stored_rows(empty), stored_rows(proven)
    for address, rows in original.items():
        assert restored[address] == rows, address
    assert original["ops.quarantine"]
    assert original["history.bars"]
    assert empty.store.digests(table("market.bars")).equals(proven.store.digests(table("market.bars")))
    assert findings(empty) == []
    empty.close()


def test_a_late_payload_is_folded_rightly_into_what_was_rebuilt(
    make_module_platform: MakePlatform, tmp_path: Path
) -> None:
    loaded, rebuilt = make_module_platform(), make_module_platform()
    minute = minutes_from(at(FIRST), [flat(10)])
    changed = minutes_from(at(FIRST), [flat(12)])
    late = minutes_from(at(FIRST), [flat(11)])
    for platform in (loaded, rebuilt):
        refresh_reference(platform)
        take_in(platform, write_folder(tmp_path / "a", "2022-06-01T12:00:00Z", minute))
        take_in(platform, write_folder(tmp_path / "c", "2022-06-03T12:00:00Z", changed))
        fold_facts(platform, "market.bars")
    execute(rebuilt, "TRUNCATE market.bars; TRUNCATE history.bars; DELETE FROM ops.digests")
    rebuild(rebuilt, quiet)

    for platform in (loaded, rebuilt):
        take_in(platform, write_folder(tmp_path / "b", "2022-06-02T12:00:00Z", late))
        fold_facts(platform, "market.bars")

    for address in ("market.bars", "history.bars"):
        assert stored_rows(rebuilt)[address] == stored_rows(loaded)[address]


def test_a_receipt_whose_bytes_are_another_ones_is_refused(proven: Platform) -> None:
    first, second = proven.raw.receipts()[:2]
    body = read_object(proven, first)
    write_object(proven, first, read_object(proven, second))

    with pytest.raises(NotEqual, match="is not what was written"):
        proven.raw.read_receipt(first)

    write_object(proven, first, body)
