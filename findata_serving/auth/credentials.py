"""From the headers of a request to who asks: a token of the provider, an API key, or nobody.

What belongs here: reading the headers, and asking whoever can tell. What does not: what a caller may do
(requires), how much (limits). Nothing is ever taken from the address: it stands in logs, histories and
Referer headers of others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from findata_resources.environment import Clock
from findata_serving.auth.keyring import BookUnavailable, KeyRefused, KeyRing
from findata_serving.auth.keys import PREFIX, parse_key
from findata_serving.auth.refusals import BAD_CREDENTIALS, NOBODY, Refusal, unable
from findata_serving.auth.scopes import Caller
from findata_serving.auth.signing_keys import ProviderUnavailable, SigningKeys
from findata_serving.auth.tokens import TokenRefused, caller_of, key_id_of

LONGEST_CREDENTIALS = 8192 + len("Bearer ")

RawHeaders = Iterable[tuple[bytes, bytes]]


class Refused(Exception):
    """A request is not answered. `reason` is for the log, `refusal` for the caller."""

    def __init__(self, refusal: Refusal, reason: str) -> None:
        super().__init__(reason)
        self.refusal = refusal
        self.reason = reason


@dataclass(frozen=True)
class Provider:
    """Whose tokens are taken."""

    issuer: str
    audience: str
    keys: SigningKeys


class Credentials:
    """What tells who asks."""

    def __init__(self, ring: KeyRing, provider: Provider | None, clock: Clock) -> None:
        self._ring = ring
        self._provider = provider
        self._clock = clock

    async def caller(self, headers: RawHeaders) -> Caller:
        """Return who asks; Refused where that is nobody, or nobody whom we know."""
        shown = _shown(headers)
        if shown.startswith(PREFIX):
            return await self._by_key(shown)
        return await self._by_token(shown)

    async def close(self) -> None:
        """Close what was opened."""
        await self._ring.close()
        if self._provider is not None:
            await self._provider.keys.close()

    async def _by_key(self, shown: str) -> Caller:
        key = parse_key(shown)
        if key is None:
            raise Refused(BAD_CREDENTIALS, "it has not the form of a key")
        try:
            return await self._ring.caller_of(key, self._clock.now())
        except KeyRefused as error:
            raise Refused(BAD_CREDENTIALS, str(error)) from error
        except BookUnavailable as error:
            raise Refused(unable("The database", error.retry_seconds), str(error)) from error

    async def _by_token(self, shown: str) -> Caller:
        if self._provider is None:
            raise Refused(BAD_CREDENTIALS, "it is no API key, and no provider of tokens is set")
        try:
            key_id = key_id_of(shown)
            key = await self._provider.keys.find(key_id)
            if key is None:
                raise TokenRefused("its key id is not among the provider's")
            return caller_of(shown, key, self._provider.issuer, self._provider.audience, self._clock.now())
        except TokenRefused as error:
            raise Refused(BAD_CREDENTIALS, str(error)) from error
        except ProviderUnavailable as error:
            raise Refused(unable("The provider of tokens", error.retry_seconds), str(error)) from error


def _shown(headers: RawHeaders) -> str:
    """Return the one token or key of the headers; Refused where there is none, or more than one."""
    found = [(name, value) for name, value in headers if name in (b"authorization", b"x-api-key")]
    if not found:
        raise Refused(NOBODY, "")
    if len(found) > 1:
        raise Refused(BAD_CREDENTIALS, "more than one token or key is shown")
    name, value = found[0]
    try:
        text = value.decode("ascii").strip()
    except UnicodeDecodeError:
        raise Refused(BAD_CREDENTIALS, "it is not ASCII") from None
    if len(text) > LONGEST_CREDENTIALS:
        raise Refused(BAD_CREDENTIALS, "it is too long")
    if name == b"authorization":
        return _bearer(text)
    if not text.startswith(PREFIX):
        raise Refused(BAD_CREDENTIALS, "what X-API-Key holds is no API key")
    return text


def _bearer(text: str) -> str:
    scheme, _, shown = text.partition(" ")
    if scheme.lower() != "bearer":
        raise Refused(BAD_CREDENTIALS, "its scheme is not Bearer")
    return shown.strip()
