"""The live sources by name: the one list that the command, the runner and the step of fetching read.

What belongs here: how each provider of bars is made and asked. What does not: what is due (live). No library is
imported until a source is asked: the command reads the names for its help.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from findata_resources.environment import Settings
    from findata_resources.provider import Provider, Request


@dataclass(frozen=True)
class BarSource:
    """A provider, and how its request for (instrument_id, symbol, interval, start, end) is made."""

    provider: Provider
    bars_request: Callable[[str, str, str, datetime, datetime], Request]


def _alphavantage(settings: Settings) -> BarSource:
    from findata_resources.providers.alphavantage import AlphaVantageProvider
    from findata_resources.providers.alphavantage_series import bars_request

    provider = AlphaVantageProvider(
        settings.alphavantage_api_key, settings.alphavantage_base_url, settings.request_timeout_seconds
    )
    return BarSource(provider, bars_request)


def _yahoo(settings: Settings) -> BarSource:
    # It imports yfinance: half a second that only those pay who ask.
    from findata_resources.providers.yahoo import YahooProvider
    from findata_resources.providers.yahoo_chart import bars_request

    provider = YahooProvider(
        settings.home / "yahoo", settings.yahoo_base_url, settings.request_timeout_seconds
    )
    return BarSource(provider, bars_request)


# source -> how its provider is made; its asset is raw.<source>.bars. Sorted.
BAR_PROVIDERS: Mapping[str, Callable[[Settings], BarSource]] = {
    "alphavantage": _alphavantage,
    "yahoo": _yahoo,
}

# The New York Fed: it has rates, and no bars.
RATES_SOURCE = "nyfed"
# What is asked for as a whole, not by sessions or days -> its asset. Sorted.
WHOLE_SOURCES: Mapping[str, str] = {
    "ecb": "raw.ecb.fx",
    "fred": "raw.fred.series",
}

# What --source takes. Sorted.
LIVE_SOURCES = tuple(sorted((*BAR_PROVIDERS, RATES_SOURCE, *WHOLE_SOURCES)))
