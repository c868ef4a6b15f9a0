"""When a bearer token is good: RFC 7515 and 7519 read strictly, RS256 alone.

What belongs here: pure functions of a token's text, a key and the present moment. What does not: where keys
come from (signing_keys), what a refusal looks like to the caller (refusals): all of them look the same there,
and the reason that is raised here goes to the log alone.

PyJWT does the arithmetic of the signature; everything around it is said here, in the order in which it is
looked at. What is looked at before the signature is only what chooses the key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import jwt
from jwt.utils import base64url_decode

from findata_serving.auth.scopes import Caller, scopes_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

ALGORITHM = "RS256"
LEEWAY_SECONDS = 30  # what clocks of two machines may differ by
LONGEST_TOKEN_CHARACTERS = 8192  # what providers with many claims come to; more is no token
_LONGEST_NAME_CHARACTERS = 256
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")
_PRINTABLE = re.compile(r"[\x21-\x7e]+\Z")
# RFC 9068 names the second; providers leave the header out or write the first.
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
# A token that brings its own key, or says where to fetch it, proves nothing.
_OWN_KEYS = ("jku", "jwk", "x5c", "x5u")
_JWS = jwt.PyJWS()


class TokenRefused(Exception):
    """A token is not good. The text is for the log: it holds nothing of the token."""


def key_id_of(token: str) -> str:
    """Return which key a token says it is signed with; TokenRefused where its form alone rules it out."""
    if len(token) > LONGEST_TOKEN_CHARACTERS:
        raise TokenRefused("it is too long")
    if not _SHAPE.match(token):
        raise TokenRefused("it is not three parts of base64url")
    header = _object(_decoded(token.partition(".")[0]), "header")
    if header.get("alg") != ALGORITHM:
        raise TokenRefused(f"its algorithm is not {ALGORITHM}")
    if "crit" in header or "b64" in header or "zip" in header or "cty" in header:
        raise TokenRefused("its header asks for what is not understood here")
    if any(name in header for name in _OWN_KEYS):
        raise TokenRefused("its header brings a key of its own")
    kind = header.get("typ", "jwt")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise TokenRefused("it is not of the type of an access token")
    return _name(header.get("kid"), "key id")


def caller_of(token: str, key: RSAPublicKey, issuer: str, audience: str, now: datetime) -> Caller:
    """Return who a token of this key speaks for; TokenRefused where anything about it is wrong."""
    try:
        payload = _JWS.decode_complete(token, key, algorithms=[ALGORITHM])["payload"]
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise TokenRefused("its signature is not of the key that it names") from error
    claims = _object(payload, "payload")
    _require_parties(claims, issuer, audience)
    _require_times(claims, now.timestamp())
    # Without a user behind it the subject is the client (RFC 9068, 2.2); some providers name it elsewhere.
    said = next((claims[name] for name in ("sub", "client_id", "azp") if name in claims), None)
    return Caller(_name(said, "subject"), "token", scopes_of(claims))


def _require_parties(claims: Mapping[str, Any], issuer: str, audience: str) -> None:
    if claims.get("iss") != issuer:
        raise TokenRefused("its issuer is another one")
    named = claims.get("aud")
    if audience not in (named if isinstance(named, list) else [named]):
        raise TokenRefused("it is for another audience")


def _require_times(claims: Mapping[str, Any], now: float) -> None:
    """Of exp, iat and nbf, in seconds since 1970, the first two must be there."""
    if _instant(claims, "exp") <= now - LEEWAY_SECONDS:
        raise TokenRefused("it has expired")
    if _instant(claims, "iat") > now + LEEWAY_SECONDS:
        raise TokenRefused("it was issued in the future")
    if "nbf" in claims and _instant(claims, "nbf") > now + LEEWAY_SECONDS:
        raise TokenRefused("it is not good yet")


def _instant(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefused(f"its {name} is not an instant")
    return value


def _name(value: object, what: str) -> str:
    """Names go into logs: printable, and of a length that is one."""
    if not isinstance(value, str) or not _PRINTABLE.match(value) or len(value) > _LONGEST_NAME_CHARACTERS:
        raise TokenRefused(f"its {what} is not a name")
    return value


def _decoded(part: str) -> bytes:
    try:
        return base64url_decode(part)
    except ValueError as error:
        raise TokenRefused("its header is not base64url") from error


def _object(text: bytes, what: str) -> dict[str, Any]:
    """Read a JSON object in which no name stands twice and every number is one."""
    try:
        value = json.loads(
            text.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        raise TokenRefused(f"its {what} is not JSON with each name once") from error
    if not isinstance(value, dict):
        raise TokenRefused(f"its {what} is not an object")
    return value


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name stands twice")
    return made


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("too large a number")
    return number


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not JSON")
