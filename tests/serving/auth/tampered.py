"""Tokens that must be refused, each by what is wrong with it; made by hand, part by part, so that no library smooths them.

What belongs here: making them. What does not: who refuses them (the tests). The key is the provider's own, so that a token is
wrong in one way alone: nearly all of these are signed as they should be.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from jwt.algorithms import RSAAlgorithm

DAY = 86_400


@dataclass
class Signer:
    """A provider's key and what its tokens say. `now`: seconds since 1970."""

    issuer: str
    audience: str
    now: int
    key_id: str = "first"
    elsewhere: str = "http://127.0.0.1:9/keys"  # where a token of an attacker has its key fetched
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    stranger: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    def header(self, **changes: Any) -> dict[str, Any]:
        """Return a good header with changes; None takes a name out."""
        return _changed({"alg": "RS256", "typ": "at+jwt", "kid": self.key_id}, changes)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return good claims with changes; None takes a name out."""
        good = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": "charts",
            "scope": "read:market",
            "iat": self.now - 5,
            "exp": self.now + 300,
        }
        return _changed(good, changes)

    def token(self, header: Any = None, claims: Any = None, key: rsa.RSAPrivateKey | None = None) -> str:
        """Return a token, signed as RS256 whatever its header says. Text and bytes stand as they are."""
        signed = f"{part(self.header() if header is None else header)}.{part(self.claims() if claims is None else claims)}"
        return f"{signed}.{encoded(rs256(key or self.key, signed))}"

    def private_jwk(self) -> dict[str, Any]:
        """Return the key as a provider keeps it."""
        told = json.loads(RSAAlgorithm.to_jwk(self.key))
        told.pop("key_ops")
        return {**told, "kid": self.key_id, "use": "sig", "alg": "RS256"}

    def public_jwk(self) -> dict[str, Any]:
        """Return the key as a provider publishes it."""
        told = self.private_jwk()
        return {name: told[name] for name in ("kty", "n", "e", "kid", "use", "alg")}

    def public_pem(self) -> bytes:
        """Return the public key as everybody knows it."""
        kind = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(serialization.Encoding.PEM, kind)


def encoded(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def part(value: Any) -> str:
    """Return a part of a token: text and bytes as they are, anything else as JSON."""
    if isinstance(value, str):
        return encoded(value.encode())
    return encoded(value if isinstance(value, bytes) else json.dumps(value).encode())


def rs256(key: rsa.RSAPrivateKey, signed: str) -> bytes:
    """Sign."""
    return key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())


def _changed(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (values | changes).items() if value is not None}


def _hs256_with_the_public_key(by: Signer) -> str:
    signed = f"{part(by.header(alg='HS256'))}.{part(by.claims())}"
    return f"{signed}.{encoded(hmac.new(by.public_pem(), signed.encode(), hashlib.sha256).digest())}"


def _rs384(by: Signer) -> str:
    signed = f"{part(by.header(alg='RS384'))}.{part(by.claims())}"
    return f"{signed}.{encoded(by.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA384()))}"


def _ps256(by: Signer) -> str:
    signed = f"{part(by.header(alg='PS256'))}.{part(by.claims())}"
    salted = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    return f"{signed}.{encoded(by.key.sign(signed.encode(), salted, hashes.SHA256()))}"


def _es256(by: Signer) -> str:
    signed = f"{part(by.header(alg='ES256'))}.{part(by.claims())}"
    key = ec.generate_private_key(ec.SECP256R1())
    return f"{signed}.{encoded(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))}"


def _altered_payload(by: Signer) -> str:
    header, _, signature = by.token().split(".")
    return f"{header}.{part(by.claims(scope='read:market read:rates admin'))}.{signature}"


def _altered_header(by: Signer) -> str:
    _, payload, signature = by.token().split(".")
    return f"{part(by.header(typ='JWT'))}.{payload}.{signature}"


def _anothers_signature(by: Signer) -> str:
    first, other = by.token(), by.token(claims=by.claims(sub="other"))
    return f"{first.rpartition('.')[0]}.{other.rpartition('.')[2]}"


def _embedded_key(by: Signer) -> str:
    stranger = Signer(by.issuer, by.audience, by.now, by.key_id, key=by.stranger)
    return stranger.token(by.header(jwk=stranger.public_jwk()))


def _of_a_stranger(by: Signer, **header: Any) -> str:
    return by.token(by.header(**header), key=by.stranger)


def _certificate(by: Signer) -> str:
    return _of_a_stranger(by, x5c=[base64.b64encode(b"a certificate of my own").decode()])


TAMPERED: dict[str, Callable[[Signer], str]] = {
    "alg none, no signature": lambda by: f"{part(by.header(alg='none'))}.{part(by.claims())}.",
    "alg none in capitals": lambda by: f"{part(by.header(alg='NONE'))}.{part(by.claims())}.",
    "alg none, signed": lambda by: by.token(by.header(alg="none")),
    "alg missing": lambda by: by.token(by.header(alg=None)),
    "alg in small letters": lambda by: by.token(by.header(alg="rs256")),
    "alg a list": lambda by: by.token(by.header(alg=["RS256"])),
    "HS256 with the public key as secret": _hs256_with_the_public_key,
    "HS256 named, RS256 signed": lambda by: by.token(by.header(alg="HS256")),
    "RS384 of the right key": _rs384,
    "RS512 named, RS256 signed": lambda by: by.token(by.header(alg="RS512")),
    "PS256 of the right key": _ps256,
    "ES256 of a key of its own": _es256,
    "another audience": lambda by: by.token(claims=by.claims(aud="https://other.example")),
    "another audience in a list": lambda by: by.token(claims=by.claims(aud=["https://other.example"])),
    "an audience that begins alike": lambda by: by.token(claims=by.claims(aud=f"{by.audience}.evil.example")),
    "audience missing": lambda by: by.token(claims=by.claims(aud=None)),
    "audience an object": lambda by: by.token(claims=by.claims(aud={by.audience: True})),
    "another issuer": lambda by: by.token(claims=by.claims(iss="https://other.example")),
    "issuer with a slash more": lambda by: by.token(claims=by.claims(iss=f"{by.issuer}/")),
    "issuer missing": lambda by: by.token(claims=by.claims(iss=None)),
    "issuer in a list": lambda by: by.token(claims=by.claims(iss=[by.issuer])),
    "expired": lambda by: by.token(claims=by.claims(iat=by.now - 2 * DAY, exp=by.now - DAY)),
    "expired beyond what clocks differ by": lambda by: by.token(claims=by.claims(exp=by.now - 45)),
    "expiry missing": lambda by: by.token(claims=by.claims(exp=None)),
    "expiry as text": lambda by: by.token(claims=by.claims(exp=str(by.now + 300))),
    "expiry true": lambda by: by.token(claims=by.claims(exp=True)),
    "expiry infinite": lambda by: by.token(claims=json.dumps(by.claims(exp="X")).replace('"X"', "Infinity")),
    "expiry not a number": lambda by: by.token(claims=json.dumps(by.claims(exp="X")).replace('"X"', "NaN")),
    "expiry beyond all numbers": lambda by: by.token(
        claims=json.dumps(by.claims(exp="X")).replace('"X"', "1e999")
    ),
    "expiry of five thousand digits": lambda by: by.token(
        claims=json.dumps(by.claims(exp="X")).replace('"X"', "9" * 5000)
    ),
    "not good yet": lambda by: by.token(claims=by.claims(nbf=by.now + DAY)),
    "not before as text": lambda by: by.token(claims=by.claims(nbf="soon")),
    "issued in the future": lambda by: by.token(claims=by.claims(iat=by.now + DAY, exp=by.now + 2 * DAY)),
    "issue time missing": lambda by: by.token(claims=by.claims(iat=None)),
    "key id unknown": lambda by: by.token(by.header(kid="unknown")),
    "key id missing": lambda by: by.token(by.header(kid=None)),
    "key id empty": lambda by: by.token(by.header(kid="")),
    "key id a number": lambda by: by.token(by.header(kid=1)),
    "key id a path": lambda by: by.token(by.header(kid="../../../../dev/null")),
    "key id an address": lambda by: by.token(by.header(kid=by.elsewhere)),
    "key id SQL": lambda by: by.token(by.header(kid="x' UNION SELECT 'secret' --")),
    "key id with a line break": lambda by: by.token(by.header(kid="first\r\nx: y")),
    "key id with NUL": lambda by: by.token(by.header(kid="first\x00")),
    "key id of ten thousand letters": lambda by: by.token(by.header(kid="k" * 5000)),
    "jku elsewhere": lambda by: _of_a_stranger(by, jku=by.elsewhere),
    "jku elsewhere with a key of its own": lambda by: _of_a_stranger(by, jku=by.elsewhere, kid="mine"),
    "x5u elsewhere": lambda by: _of_a_stranger(by, x5u=by.elsewhere),
    "jwk of its own": _embedded_key,
    "x5c of its own": _certificate,
    "signed by a stranger": lambda by: by.token(key=by.stranger),
    "signature stripped": lambda by: by.token().rpartition(".")[0] + ".",
    "signature and its dot stripped": lambda by: by.token().rpartition(".")[0],
    "signature of another token": _anothers_signature,
    "signature of zeros": lambda by: f"{by.token().rpartition('.')[0]}.{encoded(bytes(256))}",
    "signature with bytes more": lambda by: by.token() + "AAAA",
    "truncated": lambda by: by.token()[:-40],
    "payload altered": _altered_payload,
    "header altered": _altered_header,
    "payload empty": lambda by: by.token(claims=b""),
    "payload a list": lambda by: by.token(claims=[by.claims()]),
    "payload text": lambda by: by.token(claims='"admin"'),
    "payload no UTF-8": lambda by: by.token(claims=b'{"iss":"\xff"}'),
    "a claim twice": lambda by: by.token(
        claims=json.dumps(by.claims())[:-1] + ', "aud": "https://other.example"}'
    ),
    "a header name twice": lambda by: by.token(header=json.dumps(by.header())[:-1] + ', "alg": "RS256"}'),
    "a token in a token": lambda by: by.token(by.header(cty="JWT"), by.token()),
    "a token in a token that does not say so": lambda by: by.token(claims=by.token()),
    "an ID token by its type": lambda by: by.token(by.header(typ="id_token+jwt")),
    "a logout token by its type": lambda by: by.token(by.header(typ="logout+jwt")),
    "type a number": lambda by: by.token(by.header(typ=7)),
    "huge": lambda by: by.token(claims=by.claims(more="m" * 9000)),
    "nested a thousand deep": lambda by: by.token(claims="[" * 3000 + "]" * 3000),
    "crit": lambda by: by.token(by.header(crit=["exp"])),
    "crit of what is unknown": lambda by: by.token(by.header(crit=["x"], x=1)),
    "crit empty": lambda by: by.token(by.header(crit=[])),
    "payload not encoded (b64)": lambda by: by.token(by.header(b64=False, crit=["b64"])),
    "compressed": lambda by: by.token(by.header(zip="DEF")),
    "subject missing": lambda by: by.token(claims=by.claims(sub=None)),
    "subject with a line break": lambda by: by.token(claims=by.claims(sub="a\nb")),
    "subject an object": lambda by: by.token(claims=by.claims(sub={"a": 1})),
    "padding": lambda by: by.token() + "==",
    "plus and slash for base64url's own": lambda by: by.token()[:-4] + "+/+/",
    "a part more": lambda by: by.token() + ".AAAA",
    "two parts": lambda by: "AAAA.AAAA",
    "dots alone": lambda by: "..",
    "an empty header": lambda by: by.token(header={}),
    "a header that is no JSON": lambda by: by.token(header="{"),
    "words": lambda by: "let me in",
    "a key of findata without its secret": lambda by: "fdk_0123456789ab_",
}
