"""Secrets taken out of texts that leave the house: keys, passwords, tokens, whatever shape they come in.

What belongs here: recognizing them. What does not: which secrets this installation has (the caller names them).

Two nets: what is known to be a secret here goes whatever is around it; and what looks like one goes whoever's it is.
A word too many that is masked costs a reader a look at the log; one too few costs a password.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from urllib.parse import quote, quote_plus

MASK = "********"
SHORTEST_SECRET = 4  # shorter ones would mask half the text and protect nothing

# How the same secret is written in an address's path, in its query, and in a text that Python shows.
_SPELLS: tuple[Callable[[str], str], ...] = (
    str,
    quote,
    lambda text: quote(text, safe=""),
    quote_plus,
    lambda text: repr(text)[1:-1],
)
_NAMES = (
    r"api[-_ ]?key|apikey|access[-_ ]?key(?:[-_ ]?id)?|secret(?:[-_ ]?(?:access[-_ ]?)?key)?|private[-_ ]?key|"
    r"client[-_ ]?secret|pass(?:word|wd|phrase)?|pwd|pgpassword|token|(?:access|refresh|auth|session)[-_ ]?token|"
    r"credential|signature|sig|x-amz-(?:signature|credential|security-token)|cookie|crumb"
)
_PATTERNS = (
    # A scheme, someone, a password, a host: postgresql://findata:hunter2@db:5432/findata. A password may hold any
    # sign: up to the last @ before a blank or quote.
    (
        re.compile(r"(?P<keep>\b[a-z][a-z0-9+.-]*://)[^\s/?#'\"<>@]*(?:[^\s'\"<>]*(?=@))@", re.IGNORECASE),
        r"\g<keep>" + MASK + "@",
    ),
    # Authorization: Basic Zm9v, Authorization: "AWS4-HMAC-SHA256 Credential=..., Signature=..." to the line's end.
    (
        re.compile(
            r"(?P<keep>\b(?:proxy-)?authorization\b['\"]?\s*[:=]\s*)[^\r\n]+|(?P<cookie>\b(?:set-)?cookie\b['\"]?\s*[:=]\s*)[^\r\n]+",
            re.IGNORECASE,
        ),
        lambda found: (found.group("keep") or found.group("cookie")) + MASK,
    ),
    (re.compile(r"(?P<keep>\b(?:bearer|basic)\s+)[a-z0-9+/._~=-]{4,}", re.IGNORECASE), r"\g<keep>" + MASK),
    # password=hunter2, "api_key": "abc", --token abc, X-Api-Key: abc, FINDATA_FRED_API_KEY=abc, {'pwd': 'a b'}
    (
        re.compile(
            rf"(?P<keep>(?:\b|[_-])(?:{_NAMES})['\"]?\s*(?:=>|[:=]|\s(?=['\"]))\s*)"
            r"(?:\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?|[^\s&;,)\]}\"'<>]+)",
            re.IGNORECASE,
        ),
        r"\g<keep>" + MASK,
    ),
    # Slack's and the like: the path of the hook is the secret.
    (re.compile(r"(?P<keep>https?://hooks\.[^\s/]+/)[^\s'\"<>]+", re.IGNORECASE), r"\g<keep>" + MASK),
    # Keys that are known by their form: AWS access key ids, GitHub and Slack tokens, JSON web tokens, private keys.
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), MASK),
    (re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|xox[abeprs]-[A-Za-z0-9-]{8,})"), MASK),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), MASK),
    (
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
        ),
        MASK,
    ),
)


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text with MASK where a secret stood. `secrets`: those that are known, as they are."""
    for secret in sorted(_spellings(secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def _spellings(secrets: Iterable[str]) -> set[str]:
    """Return the secrets as they are and as addresses spell them."""
    known = [secret for secret in secrets if len(secret.strip()) >= SHORTEST_SECRET]
    return {spell(secret) for secret in known for spell in _SPELLS}
