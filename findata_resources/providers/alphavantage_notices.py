"""What Alpha Vantage says with HTTP 200 in place of data: limits, refusals, and which error each stands for.

Told by the words, for there is nothing else: the same names (`Note`, `Information`, `Error Message`) have held
limits, upsells and refusals over the years. Asking and parsing are in alphavantage.py and alphavantage_series.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from findata_core.errors import (
    DailyLimitReached,
    KeyRefused,
    ProviderError,
    RefusedRequest,
    RetriableProviderError,
)
from findata_resources.providers.http_answers import TRY_LATER

_NAMES = ("Error Message", "Information", "Note")
_QUOTED = 300  # characters of a notice that a message quotes
_DAY_SECONDS = 86_400.0

# Texts as received by others: "The outputsize=full parameter value is a premium feature for the TIME_SERIES_DAILY
# endpoint", "This is a premium endpoint". The notice about bursts ends in "unlock all premium endpoints", so the
# word alone says nothing.
_PAID = re.compile(r"\bis a premium\b", re.IGNORECASE)
# "the parameter apikey is invalid or missing. Please claim your free API key on ...", "The **demo** API key is
# for demo purposes only. Please claim your free API key at ...".
_KEY = re.compile(r"apikey is invalid|claim your free API key", re.IGNORECASE)
# "Please consider spreading out your free API requests more sparingly (1 request per second). You may subscribe
# ... to lift the free key rate limit (25 requests per day)"; before 2024 "Our standard API call frequency is 5
# calls per minute and 500 calls per day", before that "if you would like to have a higher API call volume".
_SECOND = re.compile(r"per.second|sparingly", re.IGNORECASE)
_MINUTE = re.compile(r"per minute|call frequency|call volume", re.IGNORECASE)
# "We have detected your API key as ... and our standard API rate limit is 25 requests per day."
_DAILY = re.compile(r"per day|\bdaily\b", re.IGNORECASE)
# The notice about the day's limit repeats the key.
_REPEATED_KEY = re.compile(r"(API key as )\S+", re.IGNORECASE)


def notice(content: Mapping[str, Any]) -> ProviderError | None:
    """Return the error that an answer's notice stands for; None where the answer has none."""
    said = next((content[name] for name in _NAMES if name in content), None)
    if said is None:
        return None
    text = _REPEATED_KEY.sub(r"\1***", printable(str(said)))
    return _error(text, f"Alpha Vantage answered: {text[:_QUOTED]}")


def printable(text: str) -> str:
    """Return a text without what can't be stored or shown: lone surrogates, control characters."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return whole if whole.isprintable() else "".join(c if c.isprintable() else "?" for c in whole)


def _error(text: str, message: str) -> ProviderError:
    if _PAID.search(text):
        return RefusedRequest(message, "It needs a paid plan: ask for another interval, or another source")
    if _KEY.search(text):
        return KeyRefused(
            message,
            "Put your key into FINDATA_ALPHAVANTAGE_API_KEY: https://www.alphavantage.co/support/#api-key",
        )
    if _SECOND.search(text):
        return RetriableProviderError(message, TRY_LATER, retry_after_seconds=1.0)
    if _MINUTE.search(text):
        return RetriableProviderError(message, TRY_LATER, retry_after_seconds=60.0)
    if _DAILY.search(text):
        return DailyLimitReached(
            f"The requests that this key has for a day are used up. {message}",
            "Run again tomorrow, after 24 hours at the latest: what is stored stays, and only what is missing "
            "is asked for again",
            retry_after_seconds=_DAY_SECONDS,
        )
    return RefusedRequest(message, "Check the symbol, the interval and the month; asking again won't help")
