"""The catalogue of providers: which parser reads which payload, when revisions are over, what is allowed.

A provider is one module beside this file and its lines here. Fetching is asked of the modules themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from findata_core.errors import ConfigurationError, MalformedPayload
from findata_core.quotas import Limit, parse_limits, with_zones
from findata_resources.provider import Capability, Parsed
from findata_resources.providers import (
    alphavantage_series,
    calendar,
    decisions,
    ecb,
    fred_answers,
    nyfed,
    recorded,
    recorded_actions,
    recorded_economic,
    recorded_securities,
    series_catalogue,
    universe,
    yahoo_chart,
)

Parser = Callable[[bytes, Mapping[str, Any]], list[Parsed]]
RequestParser = Callable[[Mapping[str, Any]], Parsed | None]

# (provider, dataset) of a stored request -> its parser. Sorted.
PARSERS: Mapping[tuple[str, str], Parser] = {
    ("alphavantage", "bars"): alphavantage_series.parse,
    ("ecb", "fx"): ecb.parse,
    ("findata", "catalogue"): series_catalogue.parse,
    ("findata", "decisions"): decisions.parse,
    ("findata", "sessions"): calendar.parse,
    ("findata", "universe"): universe.parse,
    ("fred", "observations"): fred_answers.parse_observations,
    ("fred", "series"): fred_answers.parse_series,
    ("fred", "vintages"): fred_answers.parse_vintages,
    ("nyfed", "rates"): nyfed.parse,
    ("nyfed", "sofr"): nyfed.parse,  # what the dataset was called at first: such payloads are on S3
    ("recorded", "actions"): recorded_actions.parse,
    ("recorded", "bars"): recorded.parse_bars,
    ("recorded", "fx"): recorded_economic.parse_fx,
    ("recorded", "index_levels"): recorded_economic.parse_levels,
    ("recorded", "index_members"): recorded_economic.parse_members,
    ("recorded", "observations"): recorded_economic.parse_fred,
    ("recorded", "rates"): recorded.parse_rates,
    ("recorded", "securities"): recorded_securities.parse,
    ("recorded", "series"): recorded_economic.parse_fred,
    ("recorded", "sofr"): recorded.parse_rates,
    ("recorded", "vintages"): recorded_economic.parse_fred,
    ("yahoo", "bars"): yahoo_chart.parse,
}

# (provider, dataset, table) -> what a stored request alone says for the table, if it says anything. Sorted.
REQUEST_PARSERS: Mapping[tuple[str, str, str], RequestParser] = {
    ("recorded", "bars", "reference.instruments"): recorded.instruments_by_request,
}

# source -> what it can be asked for. Sorted.
CAPABILITIES: Mapping[str, tuple[Capability, ...]] = {
    "alphavantage": alphavantage_series.CAPABILITIES,
    "ecb": ecb.CAPABILITIES,
    "fred": fred_answers.CAPABILITIES,
    "nyfed": nyfed.CAPABILITIES,
    "yahoo": yahoo_chart.CAPABILITIES,
}

# provider -> what it allows; FINDATA_REQUEST_LIMITS overrides it. All of a provider's limits hold. Sorted.
LIMITS: Mapping[str, tuple[Limit, ...]] = {
    # Free keys: "25 requests per day" (https://www.alphavantage.co/support/) and about one a second, counted at
    # their end: half a second is to spare. Where its day begins is not said; its stamps are New York's.
    "alphavantage": (Limit(40, "minute"), Limit(25, "day", "America/New_York")),
    # No limit is stated for files; ours, out of courtesy.
    "ecb": (Limit(1, "second"),),
    # "You may make up to 120 requests per minute" (https://fred.stlouisfed.org/docs/api/fred/errors.html, HTTP 429).
    "fred": (Limit(120, "minute"),),
    # No limit is stated (https://markets.newyorkfed.org/static/docs/markets-api.html): ours, out of courtesy.
    "nyfed": (Limit(1, "second"),),
    # No limit is stated, and 429 comes at small volumes (yfinance#2125, #2614). yfinance's own example makes 2
    # requests per 5 seconds (https://ranaroussi.github.io/yfinance/advanced/caching.html); here evenly spaced.
    "yahoo": (Limit(24, "minute"),),
}
# For providers whose limit nobody has stated.
DEFAULT_LIMITS = (Limit(1, "second"),)

# For sources whose rule nobody has stated: a bar that a source still corrects is corrected overnight (Yahoo's
# daily bars are; consolidated tapes take late and cancelled trades until the evening).
DEFAULT_SETTLES_AFTER = timedelta(hours=24)


def parse_payload(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    """Return what a payload says, per table. `request` is the stored request (Request.to_dict).

    Pure: the same bytes and request always give the same rows. MalformedPayload: the bytes can't be read;
    RetriableProviderError or RefusedRequest: they are a provider's error body, not data.
    """
    key = (request["provider"], request["dataset"])
    if key not in PARSERS:
        raise MalformedPayload(
            f"No parser reads {key[1]} of {key[0]}", "Add it to findata_resources/providers"
        )
    return PARSERS[key](body, request)


def said_by_request(request: Mapping[str, Any], table: str) -> Parsed | None:
    """Return what the parser would say for a table where the request alone tells it, else None.

    Spares reading a file of bars to learn again which instrument it is about. Only for payloads that are
    known to have rows for the table.
    """
    parser = REQUEST_PARSERS.get((request["provider"], request["dataset"], table))
    return parser(request) if parser else None


def settles_after(source: str, interval: str) -> timedelta:
    """Return how long after a session's close a source's own revisions of its bars are over."""
    for capability in CAPABILITIES.get(source, ()):
        if capability.interval == interval:
            return capability.settles_after
    return DEFAULT_SETTLES_AFTER


def limits_of(provider: str, overrides: str) -> tuple[Limit, ...]:
    """Return what a provider allows; `overrides` is the setting FINDATA_REQUEST_LIMITS."""
    declared = LIMITS.get(provider, DEFAULT_LIMITS)
    chosen = parse_limits(overrides)
    unknown = sorted(chosen.keys() - LIMITS.keys() - {provider})
    if unknown:
        raise ConfigurationError(
            f"FINDATA_REQUEST_LIMITS limits {', '.join(unknown)}, which is no provider",
            f"Use {', '.join(LIMITS)}",
        )
    return with_zones(chosen[provider], declared) if provider in chosen else declared
