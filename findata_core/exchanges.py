"""The catalogue of exchanges: which calendar each follows, and what its prices are usually quoted in.

What belongs here: market identifier codes (ISO 10383) and facts about an exchange that no date changes.
What does not: sessions and hours (calendars), an instrument's own currency (reference data).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import polars as pl

from findata_core.errors import UnknownExchange


@dataclass(frozen=True)
class Exchange:
    """A market identifier code (ISO 10383) and what is usual there.

    `currency` (ISO 4217) and `price_units` (price units in one unit of the currency) are what most
    instruments of the exchange are quoted in: an instrument that differs says so in its own record.
    """

    mic: str
    calendar: str
    country: str
    currency: str
    price_units: int = 1


# Sorted by MIC. Calendars: exchange_calendars 4.13.2 by its own names and aliases (calendar_utils).
# Price units of 100: London quotes in pence, Johannesburg in cents, Tel Aviv in agorot.
# Left out: ASEX, XBEL, XBSE and XCYS, which can't be built under pandas 3 (Orthodox Easter), and calendars
# whose sessions open on the day before their date (CMES, IEPA), which a local day does not contain.
EXCHANGES: Mapping[str, Exchange] = {
    exchange.mic: exchange
    for exchange in (
        Exchange("ARCX", "XNYS", "US", "USD"),
        Exchange("BATS", "XNYS", "US", "USD"),
        Exchange("BVMF", "BVMF", "BR", "BRL"),
        Exchange("OOTC", "XNYS", "US", "USD"),
        Exchange("XAMS", "XAMS", "NL", "EUR"),
        Exchange("XASE", "XNYS", "US", "USD"),
        Exchange("XASX", "XASX", "AU", "AUD"),
        Exchange("XBKK", "XBKK", "TH", "THB"),
        Exchange("XBOM", "XBOM", "IN", "INR"),
        Exchange("XBRU", "XBRU", "BE", "EUR"),
        Exchange("XBUD", "XBUD", "HU", "HUF"),
        Exchange("XBUE", "XBUE", "AR", "ARS"),
        # Index values (^GSPC, ^VIX), not Cboe's own futures (XCBF, 08:30-15:15 in Chicago): an index of
        # shares is computed while its shares trade, which is the hours of XNYS. Values outside of them
        # (VIX is sent before and after) are then bars of the phases "pre" and "post".
        Exchange("XCBO", "XNYS", "US", "USD"),
        Exchange("XCSE", "XCSE", "DK", "DKK"),
        Exchange("XDUB", "XDUB", "IE", "EUR"),
        Exchange("XETR", "XETR", "DE", "EUR"),
        Exchange("XFRA", "XFRA", "DE", "EUR"),
        Exchange("XHEL", "XHEL", "FI", "EUR"),
        Exchange("XHKG", "XHKG", "HK", "HKD"),
        Exchange("XICE", "XICE", "IS", "ISK"),
        Exchange("XIDX", "XIDX", "ID", "IDR"),
        Exchange("XIST", "XIST", "TR", "TRY"),
        Exchange("XJSE", "XJSE", "ZA", "ZAR", 100),
        Exchange("XKLS", "XKLS", "MY", "MYR"),
        Exchange("XKRX", "XKRX", "KR", "KRW"),
        Exchange("XLIM", "XLIM", "PE", "PEN"),
        Exchange("XLIS", "XLIS", "PT", "EUR"),
        Exchange("XLON", "XLON", "GB", "GBP", 100),
        Exchange("XMAD", "XMAD", "ES", "EUR"),
        Exchange("XMEX", "XMEX", "MX", "MXN"),
        Exchange("XMIL", "XMIL", "IT", "EUR"),
        Exchange("XNAS", "XNYS", "US", "USD"),
        Exchange("XNYS", "XNYS", "US", "USD"),
        Exchange("XNZE", "XNZE", "NZ", "NZD"),
        Exchange("XOSL", "XOSL", "NO", "NOK"),
        Exchange("XPAR", "XPAR", "FR", "EUR"),
        Exchange("XPHS", "XPHS", "PH", "PHP"),
        Exchange("XPRA", "XPRA", "CZ", "CZK"),
        Exchange("XSAU", "XSAU", "SA", "SAR"),
        Exchange("XSES", "XSES", "SG", "SGD"),
        Exchange("XSGO", "XSGO", "CL", "CLP"),
        Exchange("XSHG", "XSHG", "CN", "CNY"),
        Exchange("XSTO", "XSTO", "SE", "SEK"),
        Exchange("XSWX", "XSWX", "CH", "CHF"),
        Exchange("XTAE", "XTAE", "IL", "ILS", 100),
        Exchange("XTAI", "XTAI", "TW", "TWD"),
        Exchange("XTKS", "XTKS", "JP", "JPY"),
        Exchange("XTSE", "XTSE", "CA", "CAD"),
        Exchange("XTSX", "XTSE", "CA", "CAD"),
        Exchange("XWAR", "XWAR", "PL", "PLN"),
        Exchange("XWBO", "XWBO", "AT", "EUR"),
    )
}

# Values of indices: nobody trades them, and what a source gives as their volume is its own choice.
INDEX_EXCHANGES = frozenset({"XCBO"})


def exchange_of(mic: str) -> Exchange:
    """The exchange of a market identifier code; UnknownExchange names the nearest ones."""
    if mic in EXCHANGES:
        return EXCHANGES[mic]
    near = get_close_matches(mic.upper(), EXCHANGES, n=3, cutoff=0.5)
    next_step = f"use one of {', '.join(near)}" if near else "see findata_core.exchanges.EXCHANGES"
    raise UnknownExchange(f"There is no exchange {mic!r} in the catalogue", next_step)


def mic_of(instrument_id: pl.Expr) -> pl.Expr:
    """The market identifier code in symbol.MIC: what follows the last dot (BRK.B.XNYS is on XNYS)."""
    return instrument_id.str.extract(r"\.([^.]*)$", 1)
