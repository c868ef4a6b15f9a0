"""Finding securities by their names, which need a date: a ticker outlives its security, and a security its ticker.

What belongs here: looking up reference.security_symbols and reference.securities, as they are or as they were known.
What does not: which names are one security (findata_core/reference), printing (findata_cli/instruments.py).
"""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

from findata_assets.steps.known import KnownAt
from findata_assets.steps.platform import Platform
from findata_core.errors import ConfigurationError

NAMES, SECURITIES = "reference.security_symbols", "reference.securities"


def find_security(
    platform: Platform,
    symbol: str,
    on: date,
    symbology: str = "ticker",
    mic: str | None = None,
    instant: datetime | None = None,
) -> pl.DataFrame:
    """Return the name on a date with its security: one row. ConfigurationError: it meant none, or several.

    `symbol` may be an instrument_id (AAPL.XNAS) too. `instant`: as it was known then.
    """
    named = _named(_reads(platform, instant).read(NAMES), symbol, symbology, mic)
    then = named.filter(pl.col("from_date") <= on, pl.col("to_date").fill_null(date.max) >= on)
    securities = then.get_column("security_id").unique().sort().to_list()
    if not securities:
        raise _nothing(symbol, on, symbology, named)
    if len(securities) > 1:
        raise ConfigurationError(
            f"On {on} {symbology} {symbol} meant {len(securities)} securities: {', '.join(securities)}",
            "Name the exchange with --mic, or ask for one of them with findata instrument show",
        )
    return then.head(1)


def show_security(platform: Platform, security_id: str, instant: datetime | None = None) -> pl.DataFrame:
    """Return a security's row. ConfigurationError: no security is called so."""
    found = _reads(platform, instant).read(SECURITIES).filter(security_id=security_id)
    if found.is_empty():
        raise ConfigurationError(
            f"No security is called {security_id}",
            "An id is like AAPL.XNAS@1998-01-02; findata instrument find SYMBOL --on DATE tells it",
        )
    return found


def history_of(platform: Platform, security_id: str, instant: datetime | None = None) -> pl.DataFrame:
    """Return all names of a security, the earliest first. ConfigurationError: no security is called so."""
    show_security(platform, security_id, instant)
    names = _reads(platform, instant).read(NAMES).filter(security_id=security_id)
    return names.sort("symbology", "from_date", "symbol")


def _reads(platform: Platform, instant: datetime | None) -> Platform | KnownAt:
    return KnownAt(platform, instant) if instant else platform


def _named(names: pl.DataFrame, symbol: str, symbology: str, mic: str | None) -> pl.DataFrame:
    """Return the spells of a name; SYMBOL.MIC names its exchange itself where nothing is called so."""
    mine = names.filter(symbology=symbology)
    named = mine.filter(pl.col("symbol") == symbol)
    if named.is_empty() and "." in symbol and mic is None:
        symbol, _, mic = symbol.rpartition(".")
        named = mine.filter(pl.col("symbol") == symbol)
    return named if mic is None else named.filter(mic=mic)


def _nothing(symbol: str, on: date, symbology: str, named: pl.DataFrame) -> ConfigurationError:
    if named.is_empty():
        return ConfigurationError(
            f"No security is known by the {symbology} {symbol}",
            "Load a list that names it (docs/reference.md), or give its --symbology",
        )
    spells = ", ".join(
        f"{start} to {end or 'now'}"
        for start, end in named.sort("from_date").select("from_date", "to_date").iter_rows()
    )
    return ConfigurationError(f"On {on} the {symbology} {symbol} meant no security", f"It did from {spells}")
