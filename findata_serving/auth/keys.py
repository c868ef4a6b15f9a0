"""API keys as texts: making one, taking one apart, proving that its secret is the stored one.

What belongs here: pure functions, and chance. What does not: the table (findata_resources.stores.api_keys),
keeping it at hand (keyring).

    fdk_<12 hexadecimal digits: its id>_<64 hexadecimal digits: 256 random bits>

The prefix lets scanners of repositories know one. A hash without salt and stretching is enough for what
nobody can guess.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

PREFIX = "fdk_"
_SHAPE = re.compile(r"fdk_([0-9a-f]{12})_([0-9a-f]{64})\Z")
_NO_SECRET = "0" * 64  # no sha256 that anybody knows the origin of


@dataclass(frozen=True)
class KeyText:
    """A key taken apart. The secret is not shown by its repr."""

    key_id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """The key as its owner sends it."""
        return f"{PREFIX}{self.key_id}_{self.secret}"

    @property
    def secret_sha256(self) -> str:
        """What is stored of it."""
        return hashlib.sha256(self.secret.encode("ascii")).hexdigest()


def new_key() -> KeyText:
    """Draw a key."""
    return KeyText(secrets.token_hex(6), secrets.token_hex(32))


def parse_key(text: str) -> KeyText | None:
    """Take a key apart; None where the text is none."""
    found = _SHAPE.match(text)
    return KeyText(found[1], found[2]) if found else None


def is_the_key(key: KeyText, secret_sha256: str | None) -> bool:
    """Tell whether the secret's hash is the stored one, in the same time whatever differs."""
    is_equal = hmac.compare_digest(key.secret_sha256, secret_sha256 or _NO_SECRET)
    return is_equal and secret_sha256 is not None
