"""The inbox on S3: files that somebody has dropped, and where they go when they were taken or refused.

What belongs here: objects below inbox/, inbox-done/ and inbox-refused/. What does not: what a file is, taking it in
(findata_assets/steps/inbox.py).

A file leaves the inbox last, and only if it is still the one that was read: whoever is killed before leaves it there,
and the next one finds it again. The listing is dagster-aws's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from findata_core.errors import StoreError

INBOX, DONE, REFUSED = "inbox/", "inbox-done/", "inbox-refused/"
MANIFEST = "recorded.toml"
_GONE = ("NoSuchKey", "404", "PreconditionFailed", "412", "ConditionalRequestConflict", "409")
_NOT_CONDITIONAL = ("NotImplemented", "501", "InvalidArgument")


@dataclass(frozen=True)
class Dropped:
    """A file as it was read; `path` is its key below the inbox, `received_time` when S3 took the last byte of it."""

    key: str
    version: str
    body: bytes
    received_time: datetime

    @property
    def path(self) -> str:
        """The key below inbox/."""
        return self.key.removeprefix(INBOX)

    @property
    def sha256(self) -> str:
        """The hash of the content."""
        return hashlib.sha256(self.body).hexdigest()


class Inbox:
    """The three prefixes of a bucket, by boto3's client."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._manifests: dict[str, bytes | None] = {}  # read once: an inbox is opened for a look or a run

    def waiting(self) -> dict[str, str]:
        """Return key -> version of each file in the inbox, in the order of dropping; manifests and folders are none."""
        from dagster_aws.s3.sensor import get_objects  # it brings boto3 along

        with _explained(INBOX):
            found = get_objects(self._bucket, INBOX, client=self._client)
        return {
            item["Key"]: _version(item)
            for item in found
            if not item["Key"].endswith("/") and PurePosixPath(item["Key"]).name != MANIFEST
        }

    def read(self, key: str, version: str) -> Dropped | None:
        """Return a file; None where it is gone, or not the one of that version any more."""
        found = self._get(key)
        if found is None or _version(found) != version:
            return None
        with _explained(key):
            return Dropped(key, version, found["Body"].read(), found["LastModified"])

    def manifest_of(self, path: str) -> tuple[str, bytes] | None:
        """Return the folder ("" for the inbox itself) and the content of the manifest nearest above a path."""
        for folder in PurePosixPath(path).parents:
            name = "" if str(folder) == "." else f"{folder}/"
            if name not in self._manifests:
                found = self._get(f"{INBOX}{name}{MANIFEST}")
                self._manifests[name] = None if found is None else found["Body"].read()
            manifest = self._manifests[name]
            if manifest is not None:
                return name, manifest
        return None

    def done(self, file: Dropped, told: Mapping[str, Any]) -> None:
        """Write what was made of a file, and take it out of the inbox; its bytes are a raw payload."""
        self._put(f"{_place(DONE, file)}.json", json.dumps(_about(file) | dict(told), indent=1).encode())
        self._remove(file)

    def refuse(self, file: Dropped, reason: str, next_step: str) -> None:
        """Move a file to the refused ones, with the reason beside it."""
        told = {"reason": reason, "next_step": next_step}
        self._put(f"{_place(REFUSED, file)}.reason.json", json.dumps(_about(file) | told, indent=1).encode())
        self._put(_place(REFUSED, file), file.body)
        self._remove(file)

    def _get(self, key: str) -> dict[str, Any] | None:
        from botocore.exceptions import ClientError

        with _explained(key):
            try:
                found: dict[str, Any] = self._client.get_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if error.response["Error"]["Code"] in _GONE:
                    return None
                raise
        return found

    def _put(self, key: str, body: bytes) -> None:
        with _explained(key):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body)

    def _remove(self, file: Dropped) -> None:
        """Delete a file unless somebody has dropped another one in its place: that one is looked at next."""
        from botocore.exceptions import ClientError

        now = self._get(file.key)
        if now is None or _version(now) != file.version:
            return
        place = {"Bucket": self._bucket, "Key": file.key}
        with _explained(file.key):
            try:
                self._client.delete_object(**place, IfMatch=now["ETag"])
            except ClientError as error:
                if error.response["Error"]["Code"] in _NOT_CONDITIONAL:
                    self._client.delete_object(**place)
                elif error.response["Error"]["Code"] not in _GONE:
                    raise


def _version(item: Mapping[str, Any]) -> str:
    """Return what tells one drop from the next; a listing's times are finer than an object's own."""
    return f"{item['ETag']} {item['LastModified']:%Y-%m-%dT%H:%M:%SZ}"


def _place(prefix: str, file: Dropped) -> str:
    """Return where a file goes: the same for the same drop, so that a second try writes the same object."""
    return f"{prefix}{file.received_time:%Y%m%dT%H%M%SZ}-{file.sha256[:8]}/{file.path}"


def _about(file: Dropped) -> dict[str, Any]:
    return {
        "key": file.key,
        "sha256": file.sha256,
        "size_bytes": len(file.body),
        "received_time": file.received_time.isoformat(),
    }


@contextmanager
def _explained(key: str) -> Iterator[None]:
    """Turn the client's errors into one that says what to do next."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StoreError(
            f"S3 did not do it ({key}): {error}",
            "See findata status; if the S3 server is down, findata up; look at the keys with findata config",
        ) from error
