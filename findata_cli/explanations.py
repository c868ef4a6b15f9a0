"""explain: from a stored candle or bar back to the bytes that it came from."""
from __future__ import annotations

def explain() -> None:
    """placeholder"""
