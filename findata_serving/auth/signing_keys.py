"""The provider's public keys: where they are (OpenID Connect Discovery), fetched rarely, kept, and fetched
anew when rotated.

What belongs here: asking the provider, and when not to. What does not: what a key proves (tokens).

PyJWT's own client fetches with urllib, which would hold up the event loop, and asks for every key id that it
does not know: whoever sends made-up ids would have the provider asked as often as findata is. Here

- keys that are FRESH_SECONDS old are fetched again beside the requests, which go on with those at hand;
- an id that is not among them has them fetched once, and again after COOL_SECONDS at the earliest, whatever
  is sent; all who wait share one fetch;
- while the provider does not answer, keys at hand are good for MOST_STALE_SECONDS: a key that it has
  withdrawn can't live for ever because nobody can be asked. Without keys `ProviderUnavailable` is raised,
  never a token believed.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK, PyJWTError

from findata_resources.loopback import is_loopback

FRESH_SECONDS = 600.0
COOL_SECONDS = 10.0
MOST_STALE_SECONDS = 86_400.0
ANSWER_SECONDS = 5.0
LARGEST_ANSWER_BYTES = 1_000_000
MOST_KEYS = 100
SMALLEST_KEY_BITS = 2048  # RFC 7518, 3.3

logger = logging.getLogger("findata.serving.auth")

Keys = Mapping[str, RSAPublicKey]


class ProviderUnavailable(Exception):
    """The provider's keys can't be had now. `retry_seconds`: when it is asked again."""

    def __init__(self, reason: str, retry_seconds: float) -> None:
        super().__init__(reason)
        self.retry_seconds = retry_seconds


class ProviderAnswer(Exception):
    """What the provider answered can't be used; the text says why."""


class SigningKeys:
    """The RSA keys of one issuer, by id."""

    def __init__(
        self,
        issuer: str,
        client: httpx.AsyncClient | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._client = client
        self._clock = clock
        self._keys: Keys = {}
        self._fetched: float | None = None  # when the keys at hand were
        self._asked: float | None = None  # when the provider was asked last, whatever came of it
        self._failure: str | None = None  # what came of it, where it was not keys
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, key_id: str) -> RSAPublicKey | None:
        """Return a key; None where the provider has none of that id."""
        if self._age() > MOST_STALE_SECONDS:
            await self._fetch_unless_cooling()
            if self._age() > MOST_STALE_SECONDS:
                raise self._unavailable()
        elif self._age() > FRESH_SECONDS and not self._is_cooling():
            self._begin()
        if key_id not in self._keys:
            await self._fetch_unless_cooling()
            if key_id not in self._keys and self._failure is not None:
                raise self._unavailable()  # it may be a new key: nobody can say that it is none
        return self._keys.get(key_id)

    async def close(self) -> None:
        """End a fetch that is under way, and its connections."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def _age(self) -> float:
        return float("inf") if self._fetched is None else self._clock() - self._fetched

    def _is_cooling(self) -> bool:
        return self._asked is not None and self._clock() - self._asked < COOL_SECONDS

    def _unavailable(self) -> ProviderUnavailable:
        asked = self._clock() if self._asked is None else self._asked
        left = max(1.0, asked + COOL_SECONDS - self._clock())
        return ProviderUnavailable(self._failure or "it has not been asked yet", left)

    async def _fetch_unless_cooling(self) -> None:
        """Wait for the fetch that is under way, or begin one unless the last was a moment ago."""
        if self._fetching is None and self._is_cooling():
            return
        # A caller who goes away ends its own waiting, not the fetch that others wait for.
        await asyncio.shield(self._begin())

    def _begin(self) -> asyncio.Task[None]:
        if self._fetching is None:
            self._asked = self._clock()
            self._fetching = asyncio.create_task(self._fetch())
        return self._fetching

    async def _fetch(self) -> None:
        """Put the provider's keys in place of those at hand; where it does not give them, say so and keep those."""
        try:
            async with asyncio.timeout(2 * ANSWER_SECONDS):
                self._keys = await self._asked_keys()
            self._fetched, self._failure = self._clock(), None
        except (httpx.HTTPError, httpx.InvalidURL, ProviderAnswer, TimeoutError) as error:
            self._failure = f"{type(error).__name__}: {error}"
            logger.warning("the OIDC provider gives no keys: %s", self._failure)
        finally:
            self._asked = self._clock()
            self._fetching = None

    async def _asked_keys(self) -> Keys:
        described = await self._json(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if described.get("issuer") != self._issuer:
            raise ProviderAnswer("it says that it is another issuer")
        address = described.get("jwks_uri")
        if not isinstance(address, str) or not is_safe_address(address):
            raise ProviderAnswer("its jwks_uri is not an https address")
        return usable_keys(await self._json(address))

    async def _json(self, address: str) -> dict[str, Any]:
        """Return an object that the provider answers with; redirects are not followed."""
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=not is_local(self._issuer))
        async with self._client.stream("GET", address, headers={"accept": "application/json"}) as answer:
            if answer.status_code != httpx.codes.OK:
                raise ProviderAnswer(f"{urlsplit(address).path} answers {answer.status_code}")
            body = bytearray()
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > LARGEST_ANSWER_BYTES:
                    raise ProviderAnswer("its answer is too large")
        try:
            found = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise ProviderAnswer("its answer is not JSON") from error
        if not isinstance(found, dict):
            raise ProviderAnswer("its answer is not an object")
        return found


def usable_keys(answer: Mapping[str, Any]) -> Keys:
    """Return the RSA keys for signatures in a JWK set; others in it are none of our business."""
    listed = answer.get("keys")
    if not isinstance(listed, list):
        raise ProviderAnswer("it lists no keys")
    made = [_made(item) for item in listed[:MOST_KEYS] if isinstance(item, dict)]
    return dict(item for item in made if item is not None)


def is_safe_address(address: str) -> bool:
    """Tell whether nobody on the way can change what is answered there: https, or this machine."""
    return address.startswith("https://") or (address.startswith("http://") and is_local(address))


def is_local(address: str) -> bool:
    """Tell whether a web address is of this machine."""
    return is_loopback(urlsplit(address).hostname or "")


def _made(item: Mapping[str, Any]) -> tuple[str, RSAPublicKey] | None:
    key_id = item.get("kid")
    if item.get("kty") != "RSA" or item.get("use", "sig") != "sig" or item.get("alg", "RS256") != "RS256":
        return None
    if not isinstance(key_id, str) or "d" in item:  # a private key is no key to trust
        return None
    try:
        key = PyJWK({**item, "alg": "RS256"}).key
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None
    is_good = isinstance(key, RSAPublicKey) and key.key_size >= SMALLEST_KEY_BITS
    return (key_id, key) if is_good else None
