"""findata lake: sizes and small files, merging, the objects of a table, the bucket's own rules."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from findata_assets.steps.platform import Platform
from findata_assets.steps.proof import verify
from findata_resources.environment import resolve_endpoints
from findata_resources.stores.lake_layout import object_key
from findata_resources.stores.lake_rules import bucket_rules, rules, set_bucket_rules
from findata_resources.stores.objects import Objects
from tests.stores.sessions import CANDLES, MAY, lake_of, load


def test_the_lake_shows_what_could_be_merged_and_after_merging_that_there_is_nothing(
    platform: Platform, findata: Any
) -> None:
    load(platform)

    before = findata("lake", on=platform)
    merged = findata("lake", "compact", "market.candles", on=platform)
    after = findata("lake", "--json", on=platform)

    assert before.exit_code == 0, before.stderr
    assert "would merge 5 objects into 1" in before.stdout
    assert "kept for ever" in before.stdout
    assert (merged.exit_code, "merged: 7 objects into 3" in merged.stdout) == (0, True)
    (found,) = [item for item in json.loads(after.stdout) if item["table"] == "market.candles"]
    assert (found["objects"], found["small_objects"], found["mergeable"]) == (3, 3, [])


def test_files_are_those_that_hold_each_row_once(platform: Platform, findata: Any) -> None:
    load(platform)
    findata("lake", "compact", on=platform)

    told = json.loads(findata("lake", "files", "market.candles", on=platform).stdout)

    bucket = platform.settings.s3_bucket
    assert told == [
        f"s3://{bucket}/market/candles/{name}.parquet"
        for name in ("year=2022", "session=2023-01-04", "session=2023-01-05")
    ]


def test_what_is_not_in_the_lake_is_wrong_usage(platform: Platform, findata: Any) -> None:
    for command in ("files", "compact"):
        result = findata("lake", command, "ops.due", on=platform)
        assert (result.exit_code, "not in the lake" in result.stderr) == (2, True)


def test_an_object_that_can_not_be_merged_is_told_of_and_the_exit_code_is_1(
    platform: Platform, findata: Any
) -> None:
    load(platform)
    objects, key = Objects(resolve_endpoints(platform.settings)), object_key(CANDLES, str(MAY[0]))
    objects.replace(key, b"no parquet", objects.version(key))

    result = findata("lake", "compact", on=platform)

    assert (result.exit_code, key in result.stdout) == (1, True)


def test_the_rules_are_set_beside_those_that_the_bucket_has_and_none_deletes_raw_objects(
    platform: Platform, findata: Any
) -> None:
    lake = lake_of(platform)
    own = {
        "ID": "of-the-owner",
        "Status": "Enabled",
        "Filter": {"Prefix": "other/"},
        "Expiration": {"Days": 9},
    }
    lake.client().put_bucket_lifecycle_configuration(
        Bucket=lake.bucket, LifecycleConfiguration={"Rules": [own]}
    )
    assert {item.state for item in bucket_rules(lake)} == {"not set"}

    told = findata("lake", "set-rules", on=platform)

    assert told.exit_code == 0
    assert {item.state for item in bucket_rules(lake)} == {"set"}
    kept = lake.client().get_bucket_lifecycle_configuration(Bucket=lake.bucket)["Rules"]
    assert {item["ID"] for item in kept} == {"of-the-owner", *rules()}
    for _, rule in rules().values():
        assert "Expiration" not in rule
        assert rule["Filter"]["Prefix"] or set(rule) == {"Filter", "AbortIncompleteMultipartUpload"}
    assert findata("lake", "rules", on=platform).stdout.count(" set ") == len(rules())


class Refusing:
    """An S3 that knows of uploads, and of no versions."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []

    def get_bucket_lifecycle_configuration(self, **_: Any) -> dict[str, Any]:
        if not self.kept:
            raise ClientError({"Error": {"Code": "NoSuchLifecycleConfiguration"}}, "Get")
        return {"Rules": self.kept}

    def put_bucket_lifecycle_configuration(self, **asked: Any) -> None:
        wanted = asked["LifecycleConfiguration"]["Rules"]
        if any("NoncurrentVersionExpiration" in item for item in wanted):
            raise ClientError({"Error": {"Code": "NotImplemented", "Message": "no versions here"}}, "Put")
        self.kept = wanted


def test_what_a_server_does_not_take_is_told_and_the_rest_is_set(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lake_of(platform), "_client", Refusing())
    states = {item.name: item.state for item in set_bucket_rules(lake_of(platform))}
    assert states.pop("findata-broken-uploads") == "set"
    assert set(states.values()) == {"not supported: no versions here"}


def test_verify_reads_merged_objects(platform: Platform) -> None:
    """The rows here have no payloads: made again they are missing, and only that differs."""
    load(platform)
    findata_differences = verify(platform, lambda _: None).differences
    platform_lake = lake_of(platform)
    for partition in ("2022-05", "2022-06", "2022"):
        assert platform_lake.compact(platform.store, CANDLES, partition).is_merged

    after = verify(platform, lambda _: None).differences

    assert after.equals(findata_differences)
    assert set(after.get_column("where")) == {"rebuilt"}
