"""verify sees any change behind findata's back and names it; rebuild repairs all but the raw payloads.

A test tampers, looks, and repairs: the next one finds the platform as it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from findata_assets.steps.platform import Platform
from findata_core.schema.tables import table
from findata_resources.stores.lake import object_key
from tests.cli.tampering import (
    change_a_byte,
    change_database,
    change_lake,
    objects_of,
    overwrite,
    payload_key,
)

CENT = pl.lit(0.01)


def change_a_close_in_the_database(platform: Platform) -> None:
    change_database(
        platform,
        "UPDATE market.bars SET close = close + 0.01 WHERE instrument_id = 'AZN.XLON' "
        "AND event_time = '2022-06-01 10:00+00' AND interval = '1m'",
    )


def change_a_close_in_the_lake(platform: Platform) -> None:
    is_it = (pl.col("instrument_id") == "AZN.XLON") & (pl.col("event_time").dt.strftime("%H:%M") == "10:00")
    change = pl.when(is_it).then(pl.col("close") + CENT).otherwise(pl.col("close"))
    change_lake(platform, "market.bars", "2022-06-01", {"close": change})


def delete_a_candle(platform: Platform) -> None:
    change_database(
        platform,
        "DELETE FROM market.candles WHERE instrument_id = '9988.XHKG' AND interval = '1d' "
        "AND session_date = '2022-06-01'",
    )


def change_a_digest(platform: Platform) -> None:
    change_database(
        platform,
        "UPDATE ops.digests SET sha256 = repeat('0', 64) WHERE table_name = 'market.candles' "
        "AND subject = 'MSFT.XNAS' AND scope_date = '2022-06-01'",
    )


def delete_an_object_of_the_lake(platform: Platform) -> None:
    objects_of(platform).delete(object_key(table("market.candles"), "2022-06-01"))


def spoil_an_object_of_the_lake(platform: Platform) -> None:
    overwrite(platform, object_key(table("market.candles"), "2022-06-01"), b"this is not Parquet")


def add_an_object_to_the_lake(platform: Platform) -> None:
    source = table("market.candles")
    body = objects_of(platform).get(object_key(source, "2022-06-01"))
    overwrite(platform, object_key(source, "2022-06-05"), body)  # a Sunday


def change_a_fixing_in_the_database(platform: Platform) -> None:
    change_database(
        platform, "UPDATE rates.rates SET rate_percent = 9.99 WHERE observation_date = '2022-06-01'"
    )


def change_an_average_in_the_lake(platform: Platform) -> None:
    change_lake(platform, "rates.averages", "all", {"recomputed": pl.col("recomputed") + 1.0})


def change_history(platform: Platform) -> None:
    change_database(
        platform,
        "INSERT INTO history.bars SELECT *, '2026-01-01 00:00+00' FROM market.bars "
        "WHERE instrument_id = 'MSFT.XNAS' AND event_time = '2022-06-01 14:00+00'",
    )


REPAIRABLE: list[tuple[Callable[[Platform], None], str, str, str, str]] = [
    (change_a_close_in_the_database, "market.bars", "AZN.XLON", "2022-06-01", "database"),
    (change_a_close_in_the_lake, "market.bars", "AZN.XLON", "2022-06-01", "lake"),
    (delete_a_candle, "market.candles", "9988.XHKG", "2022-06-01", "database"),
    (change_a_digest, "market.candles", "MSFT.XNAS", "2022-06-01", "database"),
    (delete_an_object_of_the_lake, "market.candles", "AZN.XLON", "2022-06-01", "lake"),
    (spoil_an_object_of_the_lake, "market.candles", "AZN.XLON", "2022-06-01", "lake"),
    (add_an_object_to_the_lake, "market.candles", "", "2022-06-05", "lake"),
    (change_a_fixing_in_the_database, "rates.rates", "SOFR", "1970-01-01", "database"),
    (change_an_average_in_the_lake, "rates.averages", "SOFR", "1970-01-01", "lake"),
    (change_history, "market.bars", "MSFT.XNAS", "2022-06-01", "rebuilt"),
]


def test_an_untouched_sample_is_equal(findata: Any, loaded_sample: Platform) -> None:
    result = findata("verify", on=loaded_sample)
    assert result.exit_code == 0, result.output
    assert "equal: 278 scopes" in result.stdout


@pytest.mark.parametrize(
    ("tamper", "address", "subject", "day", "where"), REPAIRABLE, ids=[item[0].__name__ for item in REPAIRABLE]
)
def test_a_change_is_named_and_rebuild_repairs_it(
    findata: Any,
    own_sample: Platform,
    tamper: Callable[[Platform], None],
    address: str,
    subject: str,
    day: str,
    where: str,
) -> None:
    tamper(own_sample)
    seen = findata("verify", "--json", on=own_sample)
    found = {(item["table_name"], item["subject"], item["scope_date"], item["where"]) for item in json.loads(seen.stdout)}
    repaired = findata("rebuild", on=own_sample)
    proven = findata("verify", on=own_sample)
    assert seen.exit_code == 1
    assert any(item[::3] == (address, where) and item[2] == day and subject in item[1] for item in found), found
    assert repaired.exit_code == 0, repaired.output
    assert address in repaired.stdout
    assert proven.exit_code == 0, proven.output


def test_a_change_is_printed_with_table_instrument_session_and_place(findata: Any, own_sample: Platform) -> None:
    change_a_close_in_the_database(own_sample)
    seen = findata("verify", "--sessions", "2022-05-30..2022-06-03", on=own_sample)
    elsewhere = findata("verify", "--sessions", "2022-06-06..2022-06-10", on=own_sample)
    findata("rebuild", on=own_sample)
    line = next(line for line in seen.stdout.splitlines() if "AZN.XLON" in line)
    assert seen.exit_code == 1
    assert line.split()[:3] == ["market.bars", "AZN.XLON", "2022-06-01"]
    assert "database" in line
    assert elsewhere.exit_code == 0, elsewhere.output


@pytest.mark.parametrize(
    ("file", "address", "subject", "day"),
    [
        ("MSFT_1m.csv", "market.bars", "MSFT.XNAS", "2022-06-01"),
        ("sofr_published.csv", "rates.rates", "SOFR", "1970-01-01"),
    ],
)
def test_a_changed_byte_of_a_payload_is_named_and_nothing_is_built_from_it(
    findata: Any, own_sample: Platform, file: str, address: str, subject: str, day: str
) -> None:
    key = payload_key(own_sample, file)
    before = change_a_byte(own_sample, key)
    digests = own_sample.store.digests(table(address))
    seen = findata("verify", "--json", on=own_sample)
    refused = findata("rebuild", on=own_sample)
    overwrite(own_sample, key, before)
    raw = [item for item in json.loads(seen.stdout) if item["where"] == "raw"]
    assert (seen.exit_code, refused.exit_code) == (1, 1)
    assert (address, subject, day) in {(item["table_name"], item["subject"], item["scope_date"]) for item in raw}
    assert all(key in item["finding"] for item in raw)
    assert key in refused.stdout
    assert own_sample.store.digests(table(address)).equals(digests)
    assert findata("verify", on=own_sample).exit_code == 0


def test_a_lost_payload_is_named(findata: Any, own_sample: Platform) -> None:
    key = payload_key(own_sample, "AZN.L_1d.csv")
    objects = objects_of(own_sample)
    before = objects.get(key)
    objects.delete(key)
    seen = findata("verify", on=own_sample)
    objects.create(key, before)
    assert seen.exit_code == 1
    assert key in seen.stdout
