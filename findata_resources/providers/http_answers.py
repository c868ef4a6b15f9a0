"""What an HTTP status means for the caller: the same for every provider that is asked over HTTP.

What belongs here: turning statuses and failed transfers into the errors that say what to do next.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from findata_core.errors import KeyRefused, ProviderError, RefusedRequest, RetriableProviderError, Unreachable

TRY_LATER = "Run again later: what is stored stays, and only what is missing is asked for again"
# 408 Request Timeout, 425 Too Early, 429 Too Many Requests (RFC 9110 15.5.9, RFC 8470, RFC 6585 4).
_RETRIABLE_STATUSES = frozenset({408, 425, 429})
_KEY_STATUSES = frozenset({401, 403})  # RFC 9110 15.5.2, 15.5.4: who asks is refused, not what
_QUOTED = 200  # characters of a body that a message quotes
# A year: longer is as good as for ever, and added to any clock it is still a date.
_LONGEST_SECONDS = 366 * 86_400.0


def refusal(who: str, status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> ProviderError:
    """Return the error that a status of 300 or more stands for, with the start of the body."""
    said = body[:_QUOTED].decode("utf-8", "replace").strip()
    message = f"{who} answered HTTP {status}: {said or 'nothing'}"
    if status in _RETRIABLE_STATUSES or status >= 500:
        error: ProviderError = RetriableProviderError(message, TRY_LATER, retry_after_seconds(headers, now))
    elif status in _KEY_STATUSES:
        error = KeyRefused(message, "Check the key and the base URL with findata config")
    else:
        advice = "Check the symbol, the window and the base URL; asking again won't help"
        error = RefusedRequest(message, advice)
    error.http_status = status
    return error


def interrupted(who: str, error: Exception) -> RetriableProviderError:
    """Return the error for an answer that did not come, or not whole."""
    return RetriableProviderError(f"{who} gave no whole answer: {type(error).__name__}: {error}", TRY_LATER)


def unreachable(who: str, error: Exception) -> Unreachable:
    """Return the error for a connection that could not be made at all."""
    return Unreachable(
        f"{who} can't be reached: {type(error).__name__}: {error}",
        "Look at the network and at the provider's base URL with findata config, then run again",
    )


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return how long Retry-After asks to wait: seconds or an HTTP date (RFC 9110 10.2.3), a year at most.

    None where there is none, or where it is neither: other digits than ASCII's are none.
    """
    value = {name.lower(): text for name, text in headers.items()}.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), _LONGEST_SECONDS)
    try:
        instant = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # the latter: a number of it has more digits than a date can hold
        return None
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return min(max(0.0, (aware - now).total_seconds()), _LONGEST_SECONDS)
