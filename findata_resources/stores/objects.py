"""Objects on S3: conditional puts, whole gets, listings; errors that say what to do.

Bulk traffic goes through obstore, five times as fast as boto3; dagster-aws's S3Resource, which the
assets share, answers what needs the service's own calls (findata_resources/stores/lake.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, PreconditionError
from obstore.store import S3Store

from findata_core.errors import StoreError
from findata_resources.environment import Endpoints

if TYPE_CHECKING:
    from obstore import Attributes


class Objects:
    """The objects of one bucket."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._store = S3Store(
            endpoints.s3_bucket,
            endpoint=endpoints.s3_endpoint,
            access_key_id=endpoints.s3_access_key,
            secret_access_key=endpoints.s3_secret_key,
            region=endpoints.s3_region,
            virtual_hosted_style_request=False,
            client_options={"allow_http": True, "timeout": timedelta(seconds=60)},
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
        )

    def create(self, key: str, body: bytes, content_type: str | None = None) -> bool:
        """Put an object unless there is one of that key; tell whether it was put."""
        with _explained(key):
            try:
                obstore.put(self._store, key, body, mode="create", attributes=_attributes(content_type))
            except AlreadyExistsError:
                return False
        return True

    def get(self, key: str) -> bytes:
        """Return an object's bytes; StoreError if there is none."""
        with _explained(key):
            return obstore.get(self._store, key).bytes().to_bytes()

    def put_stream(self, key: str, blocks: Iterator[bytes], block_bytes: int) -> None:
        """Put an object of unknown size, a block at a time; what `blocks` raises is raised, and nothing is put."""
        with _explained(key):
            obstore.put(
                self._store, key, blocks, use_multipart=True, chunk_size=block_bytes, max_concurrency=2
            )

    def ranges(self, key: str, size_bytes: int, block_bytes: int) -> Iterator[bytes]:
        """Yield an object's bytes, range by range; StoreError if there is none."""
        for start in range(0, size_bytes, block_bytes):
            with _explained(key):
                length = min(block_bytes, size_bytes - start)
                block = obstore.get_range(self._store, key, start=start, length=length).to_bytes()
            yield block

    def listed(self, prefix: str) -> Iterator[tuple[str, int, datetime]]:
        """Yield key, bytes and time of change of all objects whose key begins with the prefix, as `keys` does."""
        with _explained(prefix):
            for batch in obstore.list(self._store, prefix.rstrip("/")):
                yield from ((meta["path"], meta["size"], meta["last_modified"]) for meta in batch)

    def version(self, key: str) -> str | None:
        """Return the ETag of an object; None if there is none."""
        with _explained(key):
            try:
                return obstore.head(self._store, key)["e_tag"]
            except (NotFoundError, FileNotFoundError):
                return None

    def replace(self, key: str, body: bytes, version: str | None, content_type: str | None = None) -> bool:
        """Put an object if it still has that ETag (None: if there is none); tell whether it was put."""
        if version is None:
            return self.create(key, body, content_type)
        with _explained(key):
            try:
                obstore.put(
                    self._store, key, body, mode={"e_tag": version}, attributes=_attributes(content_type)
                )
            except (PreconditionError, NotFoundError, FileNotFoundError):
                return False
        return True

    def address(self, key: str, valid_for: timedelta) -> str:
        """Return an address at which a browser may read an object for a while; it is signed, and holds no key."""
        return obstore.sign(self._store, "GET", key, valid_for)

    def delete(self, key: str) -> None:
        """Delete an object; nothing happens if there is none."""
        with _explained(key):
            obstore.delete(self._store, key)

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield all keys that begin with the prefix, which ends with a slash."""
        with _explained(prefix):
            for batch in obstore.list(self._store, prefix.rstrip("/")):
                yield from (meta["path"] for meta in batch)


def _attributes(content_type: str | None) -> "Attributes | None":
    return {"Content-Type": content_type} if content_type else None


@contextmanager
def _explained(key: str) -> Iterator[None]:
    try:
        yield
    except (NotFoundError, FileNotFoundError, BaseError, OSError) as error:
        raise _store_error(key, error) from error


def _store_error(key: str, error: Exception) -> StoreError:
    reason = str(error).strip().splitlines()[0]
    if "NoSuchBucket" in str(error):
        return StoreError(
            f"The bucket does not exist: {reason}",
            "Create it, or look at FINDATA_S3_BUCKET with findata config",
        )
    if isinstance(error, (NotFoundError, FileNotFoundError)):
        return StoreError(f"S3 has no object {key}", "See findata verify; restore it or rebuild")
    return StoreError(
        f"S3 did not do it ({key}): {reason}",
        "See findata status; if the S3 server is down, findata up; look at the keys with findata config",
    )
