"""Rules that S3 itself keeps for the bucket: leftovers of broken uploads, object versions nobody reads.

What belongs here: the rules, setting them, asking which of them a server keeps. Raw objects are kept for ever: no
rule that deletes an object names them, and none expires a current object of the lake.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from findata_core.errors import StoreError
from findata_resources.stores.lake import Lake
from findata_resources.stores.lake_layout import published_tables

OURS = "findata-"
BROKEN_UPLOAD_DAYS = 7
NONCURRENT_DAYS = 30
NO_RULES = {"NoSuchLifecycleConfiguration"}
NOT_SUPPORTED = {"NotImplemented", "MethodNotAllowed", "InvalidArgument", "InvalidRequest", "MalformedXML"}


@dataclass(frozen=True)
class BucketRule:
    """One rule: what it does, and whether the bucket has it ("set", "not set", or the server's refusal)."""

    name: str
    meaning: str
    state: str


def rules() -> dict[str, tuple[str, dict[str, Any]]]:
    """Return findata's rules: name -> meaning, rule as S3 takes it."""
    broken = {
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": BROKEN_UPLOAD_DAYS},
    }
    found = {
        f"{OURS}broken-uploads": (
            f"uploads that were never completed go after {BROKEN_UPLOAD_DAYS} days",
            broken,
        )
    }
    for schema in sorted({item.schema for item in published_tables()}):
        rule = {
            "Filter": {"Prefix": f"{schema}/"},
            "NoncurrentVersionExpiration": {"NoncurrentDays": NONCURRENT_DAYS},
        }
        meaning = f"in a bucket with versions, replaced ones of {schema}/ go after {NONCURRENT_DAYS} days"
        found[f"{OURS}versions-{schema}"] = (meaning, rule)
    return found


def bucket_rules(lake: Lake) -> list[BucketRule]:
    """Return findata's rules and whether the bucket has them."""
    there = {item.get("ID"): item for item in _stored(lake)}
    return [
        BucketRule(name, meaning, "set" if _is_kept(rule, there.get(name)) else "not set")
        for name, (meaning, rule) in rules().items()
    ]


def set_bucket_rules(lake: Lake) -> list[BucketRule]:
    """Set findata's rules beside those that the bucket has; a rule that the server does not take is told of.

    Each is tried by itself, so that a server which lacks one keeps the others.
    """
    refusals: dict[str, str] = {}
    for name, (_, rule) in rules().items():
        kept = [item for item in _stored(lake) if item.get("ID") != name]
        refusals[name] = _put(lake, [*kept, {"ID": name, "Status": "Enabled", **rule}])
    return [
        item if item.state == "set" else BucketRule(item.name, item.meaning, refusals[item.name] or IGNORED)
        for item in bucket_rules(lake)
    ]


IGNORED = "not supported: the server took it and does not keep it"


def _put(lake: Lake, configuration: list[dict[str, Any]]) -> str:
    """Store the bucket's rules; return "" or why the server refused them."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        lake.client().put_bucket_lifecycle_configuration(
            Bucket=lake.bucket, LifecycleConfiguration={"Rules": configuration}
        )
    except ClientError as error:
        reason = error.response.get("Error", {})
        if reason.get("Code") in NOT_SUPPORTED:
            return f"not supported: {reason.get('Message') or reason['Code']}"
        raise _failed(lake, error) from error
    except BotoCoreError as error:
        raise _failed(lake, error) from error
    return ""


def _stored(lake: Lake) -> list[dict[str, Any]]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found: dict[str, Any] = lake.client().get_bucket_lifecycle_configuration(Bucket=lake.bucket)
        return list(found.get("Rules", []))
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in NO_RULES | NOT_SUPPORTED:
            return []
        raise _failed(lake, error) from error
    except BotoCoreError as error:
        raise _failed(lake, error) from error


def _is_kept(rule: dict[str, Any], stored: dict[str, Any] | None) -> bool:
    """Tell whether what the server gives back does what the rule says."""
    if stored is None or stored.get("Status") != "Enabled":
        return False
    return all(stored.get(name) == value for name, value in rule.items() if name != "Filter")


def _failed(lake: Lake, error: Exception) -> StoreError:
    return StoreError(
        f"S3 did not say or take the rules of the bucket {lake.bucket}: {error}",
        "See findata status; the keys need the right to the bucket's lifecycle",
    )
