"""An inbox and somebody who drops files into it: a manifest of minutes, and a session of MSFT.

What belongs here: what the tests of the inbox share. What does not: servers (conftest).
"""

from __future__ import annotations

from typing import Any

from findata_assets.steps.inbox import inbox_of
from findata_assets.steps.platform import Platform
from findata_assets.steps.upkeep import lake_of
from findata_resources.stores.inbox import DONE, INBOX, REFUSED
from tests.conftest import SAMPLE

DAY = "2022-06-14"
MINUTES = 390
MANIFEST = """
title = "What a friend drops"

[[set]]
name = "minutes"
files = "*_1m.csv"
dataset = "bars"
source = "friend"
interval = "1m"
adjustment = "split"
received = 2022-06-15T16:30:00Z
category = "equity"

[set.instrument]
path_pattern = '(?P<symbol>[A-Z]+)[^/]*_1m\\.csv$'
mic = "XNAS"

[set.time]
column = "date"
label = "start"

[set.values]
float32 = true
"""


def minutes(day: str = DAY) -> bytes:
    """Return a session of the sample's minutes of MSFT as a file of its own."""
    head, *lines = (SAMPLE / "MSFT_1m.csv").read_text().splitlines()
    return "\n".join([head, *(line for line in lines if line.startswith(day))]).encode() + b"\n"


class Dropper:
    """Somebody with access to the bucket."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self._client, self._bucket = lake_of(platform).client(), lake_of(platform).bucket

    def drop(self, path: str, body: bytes) -> str:
        """Put a file below the inbox, and return its key."""
        self._client.put_object(Bucket=self._bucket, Key=f"{INBOX}{path}", Body=body)
        return f"{INBOX}{path}"

    def waiting(self) -> dict[str, str]:
        """Return what waits, as the sensor sees it."""
        return inbox_of(self.platform).waiting()

    def listed(self, prefix: str) -> list[str]:
        """Return the keys below a prefix."""
        return sorted(item["Key"] for item in lake_of(self.platform).listed(prefix))

    def read(self, key: str) -> bytes:
        """Return an object."""
        body: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return body

    def clear(self) -> None:
        """Take everything out of the three prefixes."""
        for prefix in (INBOX, DONE, REFUSED):
            for key in self.listed(prefix):
                self._client.delete_object(Bucket=self._bucket, Key=key)


def count(platform: Platform, query: Any) -> int:
    """Return the one number that a query gives."""
    return int(platform.store.database.frame(query).item())
