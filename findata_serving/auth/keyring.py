"""The API keys as the server has them at hand: read from the book every few seconds, so that revoking works
in seconds.

What belongs here: when the book is read, and what holds while it can't be. What does not: the book itself
(findata_resources.stores.api_keys), the text of keys (keys).

A request costs no query. A key that is not at hand has the book read once more, at most once a second
whatever is sent: one that was just made works at once. While the database is down, keys at hand are good for
MOST_STALE_SECONDS.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from findata_core.errors import StoreError
from findata_resources.stores.api_keys import ApiKey
from findata_serving.auth.keys import KeyText, is_the_key
from findata_serving.auth.scopes import SCOPES, Caller

FRESH_SECONDS = 5.0
COOL_SECONDS = 1.0
MOST_STALE_SECONDS = 60.0

logger = logging.getLogger("findata.serving.auth")


class KeyRefused(Exception):
    """A key is not good. The text is for the log."""


class BookUnavailable(Exception):
    """The book of keys can't be read, and what is at hand is too old. `retry_seconds`: when it is read again."""

    retry_seconds = COOL_SECONDS


class Book(Protocol):
    """Where keys are kept; called in a thread."""

    def read(self, used: Iterable[str]) -> list[ApiKey]:
        """Write down which keys were used since, and return all keys."""
        ...

    def close(self) -> None:
        """Close connections."""
        ...


class KeyRing:
    """Keys by id, of one server."""

    def __init__(self, book: Book, clock: Callable[[], float] = time.monotonic) -> None:
        self._book = book
        self._clock = clock
        self._keys: Mapping[str, ApiKey] = {}
        self._used: set[str] = set()
        self._read: float | None = None
        self._asked: float | None = None
        self._reading: asyncio.Task[None] | None = None

    async def caller_of(self, key: KeyText, now: datetime) -> Caller:
        """Return who shows a key; KeyRefused where it is none of ours, expired or revoked."""
        await self._freshen(key.key_id)
        found = self._keys.get(key.key_id)
        if not is_the_key(key, found.secret_sha256 if found else None) or found is None:
            raise KeyRefused("there is no such key")
        if found.state(now) != "good":
            raise KeyRefused(f"the key {found.key_id} is {found.state(now)}")
        self._used.add(found.key_id)
        return Caller(found.key_id, "key", frozenset(found.scopes) & frozenset(SCOPES))

    async def close(self) -> None:
        """Wait for a reading that is under way, write down what was used, and close connections."""
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._used:
            await self._read_book()
        await asyncio.to_thread(self._book.close)

    async def _freshen(self, key_id: str) -> None:
        """Have the book read where it must be: beside the request where what is at hand will do meanwhile."""
        age = float("inf") if self._read is None else self._clock() - self._read
        is_cooling = self._asked is not None and self._clock() - self._asked < COOL_SECONDS
        if self._reading is None and is_cooling:
            pass
        elif age > MOST_STALE_SECONDS or key_id not in self._keys:
            await asyncio.shield(self._begin())
        elif age > FRESH_SECONDS:
            self._begin()
        if self._read is None or self._clock() - self._read > MOST_STALE_SECONDS:
            raise BookUnavailable("the book of API keys can't be read")

    def _begin(self) -> asyncio.Task[None]:
        if self._reading is None:
            self._asked = self._clock()
            self._reading = asyncio.create_task(self._read_book())
        return self._reading

    async def _read_book(self) -> None:
        used, self._used = self._used, set()
        try:
            found = await asyncio.to_thread(self._book.read, used)
            self._keys = {key.key_id: key for key in found}
            self._read = self._clock()
        except StoreError as error:
            self._used |= used
            logger.warning("the book of API keys can't be read: %s", error.message)
        finally:
            self._reading = None
