"""Raw payloads: bodies under their sha256, receipts that never change, bytes that are not what was received."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from findata_assets.steps.platform import Platform
from findata_core.errors import NotEqual, StoreError
from findata_resources.embedded.objects import s3_client
from findata_resources.environment import resolve_endpoints
from findata_resources.provider import Received, Request
from findata_resources.stores.raw import payload_id_in, receipt, receipt_key
from tests.conftest import MakePlatform

BODY = b'{"chart": "caf\xc3\xa9"}\r\n\x00'
REQUEST = Request("yahoo", "yahoo", "bars", "MSFT.XNAS", {"symbol": "MSFT"})
NOON = datetime(2022, 6, 1, 12, tzinfo=UTC)
ANSWER = Received(REQUEST, BODY, 200, {"content-type": "application/json"}, NOON)


@pytest.fixture(scope="module")
def platform(make_module_platform: MakePlatform) -> Platform:
    return make_module_platform()


def bucket(platform: Platform) -> tuple[Any, str]:
    endpoints = resolve_endpoints(platform.settings)
    keys = (endpoints.s3_access_key, endpoints.s3_secret_key)
    return s3_client(endpoints.s3_endpoint, *keys, endpoints.s3_region), endpoints.s3_bucket


def keys(platform: Platform) -> list[str]:
    client, name = bucket(platform)
    return [item["Key"] for item in client.list_objects_v2(Bucket=name).get("Contents", [])]


def test_a_body_lies_byte_for_byte_under_its_sha256(platform: Platform) -> None:
    payload = platform.raw.put(ANSWER)

    sha256 = hashlib.sha256(BODY).hexdigest()
    assert payload["object_key"] == f"raw/yahoo/bars/bodies/{sha256[:2]}/{sha256}"
    assert platform.raw.body(payload) == BODY
    assert platform.raw.read_receipt(receipt_key(payload)) == payload


def test_the_same_answer_again_changes_nothing(platform: Platform) -> None:
    first = platform.raw.put(ANSWER)
    before = keys(platform)

    assert platform.raw.put(ANSWER) == first
    assert keys(platform) == before


def test_the_same_body_at_another_time_is_one_body_and_two_receipts(platform: Platform) -> None:
    first = platform.raw.put(ANSWER)
    before = set(keys(platform))

    later = platform.raw.put(replace(ANSWER, received_time=NOON + timedelta(hours=1)))

    assert later["payload_id"] != first["payload_id"]
    assert set(keys(platform)) - before == {receipt_key(later)}


def test_an_answer_without_a_body_is_kept_too(platform: Platform) -> None:
    payload = platform.raw.put(replace(ANSWER, body=b""))

    assert platform.raw.body(payload) == b""


def test_receipts_are_listed_in_the_order_of_receiving(platform: Platform) -> None:
    for hours in (5, -7, 3):
        request = Request("nyfed", "nyfed", "sofr", "SOFR") if hours == 3 else REQUEST
        platform.raw.put(Received(request, BODY, 200, {}, NOON + timedelta(hours=hours)))

    times = [platform.raw.read_receipt(key)["received_time"] for key in platform.raw.receipts()]

    assert times == sorted(times)
    assert [payload_id_in(key) for key in platform.raw.receipts()] == [
        platform.raw.read_receipt(key)["payload_id"] for key in platform.raw.receipts()
    ]


def test_an_altered_body_is_refused(platform: Platform) -> None:
    payload = platform.raw.put(replace(ANSWER, body=b"one"))
    client, name = bucket(platform)
    client.put_object(Bucket=name, Key=payload["object_key"], Body=b"two")

    with pytest.raises(NotEqual, match="has other bytes than were received"):
        platform.raw.body(payload)


def test_a_lost_body_is_told_of(platform: Platform) -> None:
    payload = platform.raw.put(replace(ANSWER, body=b"lost"))
    client, name = bucket(platform)
    client.delete_object(Bucket=name, Key=payload["object_key"])

    with pytest.raises(StoreError, match="S3 has no object"):
        platform.raw.body(payload)


def test_the_identity_of_a_payload_is_the_instant_and_not_the_zone_it_is_told_in() -> None:
    local = replace(ANSWER, received_time=NOON.astimezone(timezone(timedelta(hours=8))))

    assert receipt(local) == receipt(ANSWER)


def test_a_receive_time_without_a_zone_is_refused() -> None:
    with pytest.raises(StoreError, match="no zone"):
        receipt(replace(ANSWER, received_time=datetime(2022, 6, 1, 12)))  # noqa: DTZ001  (naive on purpose)
