"""Currencies that providers write for hundredths of one: pence, cents, agorot.

What belongs here: the names and what they stand for. What does not: an instrument's own price_units (reference data).
"""

from __future__ import annotations

from collections.abc import Mapping

# What Yahoo and others write (no ISO 4217) -> the currency, and how many of them make one unit of it. Sorted.
MINOR_UNITS: Mapping[str, tuple[str, int]] = {
    "GBX": ("GBP", 100),
    "GBp": ("GBP", 100),
    "ILA": ("ILS", 100),
    "ZAC": ("ZAR", 100),
    "ZAc": ("ZAR", 100),
}


def whole_currency(name: str) -> tuple[str, int]:
    """Return the ISO currency of a provider's, and how many of the provider's units make one of it."""
    return MINOR_UNITS.get(name, (name, 1))
