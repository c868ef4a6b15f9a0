"""Raw payloads on S3: bodies byte for byte under their sha256, and a receipt for each time one came.

A body is stored once however often it is received; a receipt says who was asked for what, when the
answer came and which body it was. Receipts are enough to rebuild everything else.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from findata_core.errors import NotEqual, StoreError
from findata_resources.provider import Received
from findata_resources.stores.objects import Objects

Payload = dict[str, Any]  # a row of ops.payloads; request and headers are JSON texts

REGIONS = {
    "fred": "US",
    "nyfed": "US",
}  # publishers that belong to a country; exchanges' are known by their MIC
CATEGORIES = {
    "bars": "equity",
    "rates": "rate",
    "sofr": "rate",
    "sessions": "calendar",
    "universe": "universe",
}


class RawStore:
    """Puts and gets payloads; nothing is ever overwritten or deleted."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def put(self, received: Received) -> Payload:
        """Store body and receipt, in this order, and return the receipt; doing it again changes nothing."""
        payload = receipt(received)
        self._objects.create(payload["object_key"], received.body)
        self._objects.create(receipt_key(payload), json.dumps(payload, sort_keys=True).encode())
        return payload

    def body(self, payload: Mapping[str, Any]) -> bytes:
        """Return the body; NotEqual if its bytes are not the ones that were received."""
        body = self._objects.get(payload["object_key"])
        if hashlib.sha256(body).hexdigest() != payload["sha256"]:
            raise NotEqual(
                f"The raw object {payload['object_key']} has other bytes than were received",
                "Restore it from a backup: every number behind it is in doubt until then",
            )
        return body

    def receipts(self, provider: str = "", dataset: str = "") -> list[str]:
        """Return the key of every receipt, or of a provider's dataset, in the order of receiving."""
        prefix = f"raw/{provider}/{dataset}/receipts/" if provider and dataset else "raw/"
        keys = [key for key in self._objects.keys(prefix) if "/receipts/" in key]
        return sorted(keys, key=lambda key: key.rsplit("/", 1)[1])

    def read_receipt(self, key: str) -> Payload:
        """Return a receipt; NotEqual if it does not say what its name stands for."""
        try:
            payload: Payload = json.loads(self._objects.get(key))
            request = json.loads(payload["request"])
            named = {name: payload[name] for name in ("payload_id", "source", "dataset")}
            expected = {
                "payload_id": identity(payload["request"], payload["received_time"], payload["sha256"]),
                "source": request["source"],
                "dataset": request["dataset"],
            }
            is_sound = named == expected and receipt_key(payload) == key
        except (ValueError, KeyError, TypeError):
            is_sound = False
        if not is_sound:
            raise NotEqual(
                f"The receipt {key} is not what was written",
                "Restore it from a backup: what its payload said can't be placed in time until then",
            )
        return payload


def receipt(received: Received) -> Payload:
    """Return the row of ops.payloads for an answer."""
    request = received.request
    if received.received_time.tzinfo is None:
        raise StoreError("A receive time has no zone", "Give the instant with its offset from UTC")
    sha256 = hashlib.sha256(received.body).hexdigest()
    time = received.received_time.astimezone(UTC).isoformat(timespec="microseconds")
    return {
        "payload_id": identity(request.to_json(), time, sha256),
        "sha256": sha256,
        "source": request.source,
        "dataset": request.dataset,
        "request": request.to_json(),
        "http_status": received.http_status,
        "headers": json.dumps(dict(received.headers), sort_keys=True),
        "received_time": time,
        "size_bytes": len(received.body),
        "object_key": f"raw/{request.provider}/{request.dataset}/bodies/{sha256[:2]}/{sha256}",
        "source_system": request.source,
        "region": REGIONS.get(request.source, ""),
        "category": CATEGORIES.get(request.dataset, request.dataset),
        "quality_flags": [],
        "tags": [],
    }


def identity(request: str, received_time: str, sha256: str) -> int:
    """Return the payload_id: 63 bits of a hash over what was asked, when the answer came, and its body."""
    text = json.dumps([request, received_time, sha256]).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1


def payload_id_in(key: str) -> int:
    """Return the payload_id that a receipt's key names."""
    return int(key.rpartition("-")[2].removesuffix(".json"), 16)


def receipt_key(payload: Mapping[str, Any]) -> str:
    """Return the S3 key of a receipt: by receive time, so that a listing is in the order of receiving."""
    request = json.loads(payload["request"])
    time = datetime.fromisoformat(payload["received_time"])
    name = f"{time:%Y%m%dT%H%M%S.%fZ}-{payload['payload_id']:016x}.json"
    return f"raw/{request['provider']}/{request['dataset']}/receipts/{name}"
