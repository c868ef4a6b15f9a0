"""verify names whatever was changed behind findata's back; rebuild repairs all but the raw payloads.

A proof takes seconds: everything is changed at once, looked at, repaired, and looked at again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest

from findata_assets.steps.platform import Platform
from findata_core.schema.tables import table
from findata_resources.stores.lake_layout import object_key
from tests.cli.conftest import Run, run
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
    objects_of(platform).delete(object_key(table("market.candles"), "2022-05-31"))


def spoil_an_object_of_the_lake(platform: Platform) -> None:
    overwrite(platform, object_key(table("market.candles"), "2022-05-30"), b"this is not Parquet")


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
    (delete_an_object_of_the_lake, "market.candles", "AZN.XLON", "2022-05-31", "lake"),
    (spoil_an_object_of_the_lake, "market.candles", "AZN.XLON", "2022-05-30", "lake"),
    (add_an_object_to_the_lake, "market.candles", "MSFT.XNAS", "2022-06-05", "lake"),
    (change_a_fixing_in_the_database, "rates.rates", "SOFR", "1970-01-01", "database"),
    (change_an_average_in_the_lake, "rates.averages", "SOFR", "1970-01-01", "lake"),
    (change_history, "market.bars", "MSFT.XNAS", "2022-06-01", "rebuilt"),
]


@dataclass(frozen=True)
class Story:
    """What verify, rebuild and verify again ended with, after all the changes."""

    seen: Any
    repaired: Any
    proven: Any

    @property
    def found(self) -> set[tuple[str, str, str, str]]:
        """What verify named: table, subject, date and place."""
        return {
            (item["table_name"], item["subject"], item["scope_date"], item["where"])
            for item in json.loads(self.seen.stdout)
        }


@pytest.fixture(scope="module")
def story(own_sample: Platform) -> Story:
    """The sample with all the changes of REPAIRABLE, verified, rebuilt and verified."""
    for tamper, *_ in REPAIRABLE:
        tamper(own_sample)
    return Story(
        run("verify", "--json", on=own_sample), run("rebuild", on=own_sample), run("verify", on=own_sample)
    )


def test_an_untouched_sample_is_equal(findata: Run, loaded_sample: Platform) -> None:
    result = findata("verify", on=loaded_sample)
    assert result.exit_code == 0, result.output
    assert "equal: 279 scopes" in result.stdout


@pytest.mark.parametrize(
    ("address", "subject", "day", "where"),
    [item[1:] for item in REPAIRABLE],
    ids=[item[0].__name__ for item in REPAIRABLE],
)
def test_verify_names_the_table_the_instrument_the_session_and_the_place_of_a_change(
    story: Story, address: str, subject: str, day: str, where: str
) -> None:
    assert story.seen.exit_code == 1
    assert (address, subject, day, where) in story.found


def test_rebuild_says_what_differed_and_leaves_everything_equal(story: Story) -> None:
    assert story.repaired.exit_code == 0, story.repaired.output
    assert "put in place" in story.repaired.stdout
    assert story.proven.exit_code == 0, story.proven.output


def test_a_range_of_sessions_is_repaired_by_itself_and_printed(
    findata: Run, own_sample: Platform, story: Story
) -> None:
    change_a_close_in_the_database(own_sample)
    repaired = findata("rebuild", "--sessions", "2022-05-31..2022-06-01", on=own_sample)
    line = next(line for line in repaired.stdout.splitlines() if "AZN.XLON" in line)
    assert repaired.exit_code == 0, repaired.output
    assert line.split()[:3] == ["market.bars", "AZN.XLON", "2022-06-01"]
    assert "database" in line


def test_a_changed_byte_of_a_payload_is_named_and_nothing_is_built_from_it(
    findata: Run, own_sample: Platform, story: Story
) -> None:
    keys = [payload_key(own_sample, file) for file in ("MSFT_1m.csv", "sofr_published.csv")]
    before = {key: change_a_byte(own_sample, key) for key in keys}
    digests = own_sample.store.digests(table("market.bars"))
    seen = findata("verify", "--json", on=own_sample)
    refused = findata("rebuild", on=own_sample)
    for key, body in before.items():
        overwrite(own_sample, key, body)
    raw = [item for item in json.loads(seen.stdout) if item["where"] == "raw"]
    named = {(item["table_name"], item["subject"], item["scope_date"]) for item in raw}
    assert (seen.exit_code, refused.exit_code) == (1, 1)
    assert {("market.bars", "MSFT.XNAS", "2022-06-01"), ("rates.rates", "SOFR", "1970-01-01")} <= named
    assert all(any(key in item["finding"] for key in keys) for item in raw)
    assert all(key in refused.stdout for key in keys)
    assert "nothing was put in place" in refused.stderr
    assert own_sample.store.digests(table("market.bars")).equals(digests)
