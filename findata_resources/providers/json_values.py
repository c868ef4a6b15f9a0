"""Values of JSON answers: what is no number, day or text is null, and never zero.

What belongs here: single values, whatever the provider. What does not: which key holds what (each provider's module).
"""

from __future__ import annotations

from datetime import date
from typing import Any


def number(value: Any) -> float | None:
    """Return a number that the API may also write as text; "", "NA" and other words are null."""
    try:
        return None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def text(value: Any) -> str | None:
    """Return a value as text; what has no UTF-8 becomes a NUL, which no table takes: the row is quarantined."""
    if value is None:
        return None
    try:
        return str(value).encode().decode()
    except UnicodeEncodeError:
        return "\x00"
