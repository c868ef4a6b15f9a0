"""Pages that people read, on S3: each version under its content's hash, the newest under a name that stays.

    reports/sessions/2022-06-15.html                                      the newest
    reports/sessions/2022-06-15/8d2f0c4be19a7d3550aa1c64d1f3b0e2.html   a version, never replaced

What belongs here: where pages lie and how they are put. What does not: what is on them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from findata_core.errors import StoreError
from findata_resources.stores.objects import Objects

PREFIX = "reports"
HTML = "text/html; charset=utf-8"
ATTEMPTS = 5
VALID_FOR = timedelta(days=7)  # the longest that S3 signs an address for


@dataclass(frozen=True)
class PutPage:
    """A page that was put: the keys of its version and of the newest, and whether it differs from the one before."""

    bucket: str
    key: str
    newest_key: str
    is_new: bool

    @property
    def address(self) -> str:
        """The version, as s3://bucket/key."""
        return f"s3://{self.bucket}/{self.key}"


class Pages:
    """Puts pages and gives addresses that a browser can open."""

    def __init__(self, objects: Objects, bucket: str) -> None:
        self._objects = objects
        self._bucket = bucket

    def publish(self, kind: str, name: str, render: Callable[[], str]) -> PutPage:
        """Put what `render` returns; where somebody has put another one meanwhile, it is rendered again.

        `kind`: sessions or weeks; `name`: the session or week. The same content is the same object.
        """
        newest_key = f"{PREFIX}/{kind}/{name}.html"
        for _ in range(ATTEMPTS):
            before = self._objects.version(newest_key)
            body = render().encode()
            key = version_key(kind, name, body)
            self._objects.create(key, body, HTML)
            if before is not None and self._objects.get(newest_key) == body:
                return PutPage(self._bucket, key, newest_key, is_new=False)
            if self._objects.replace(newest_key, body, before, HTML):
                return PutPage(self._bucket, key, newest_key, is_new=True)
        raise StoreError(
            f"Others kept replacing {newest_key}", "Run it again; findata status shows what is under way"
        )

    def browser_address(self, page: PutPage) -> str:
        """Return an address of the version for a browser, valid for seven days; whoever has it can read the page."""
        return self._objects.address(page.key, VALID_FOR)


def version_key(kind: str, name: str, body: bytes) -> str:
    """Return the key of a version: its name holds the first half of the content's sha256."""
    return f"{PREFIX}/{kind}/{name}/{hashlib.sha256(body).hexdigest()[:32]}.html"
