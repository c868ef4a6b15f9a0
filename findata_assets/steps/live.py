"""What a live provider is asked for: what is due, soonest forgotten first, in the widest windows that it allows.

What belongs here: from sessions that are due to requests. What does not: which are due (findata_core/quality/
states.py, expected.py), making the requests (requesting.py), limits and waits (patience.py).
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from findata_assets.steps.bar_sources import BAR_PROVIDERS, BarSource
from findata_assets.steps.expected import DAILY_LEAD, asked_capabilities, states_of
from findata_assets.steps.platform import Platform
from findata_assets.steps.requesting import Ask, Fetched, ask_all
from findata_core.errors import ConfigurationError
from findata_core.schema.tables import table
from findata_resources.environment import Settings
from findata_resources.provider import Capability, windows_over
from findata_resources.providers.ecb import EcbProvider, fx_request
from findata_resources.providers.nyfed import NewYorkFedProvider, rates_request

FIRST_FX = date(1999, 1, 4)  # first day of the euro's reference rates
FIRST_SOFR = date(2018, 4, 2)  # first value date; published on the next day (New York Fed)
SOFR_TYPES = {"SOFR": "rates.rates", "SOFRAI": "rates.published_averages"}  # what is asked -> its table
DAY = timedelta(days=1)
CLOSING = timedelta(
    hours=3
)  # bars that Yahoo adds after a close belong to the session: auctions, late prints


def fetch_bars(platform: Platform, source: str, start: date, end: date) -> Fetched:
    """Ask a source for the bars that are due of sessions in [start, end), soonest forgotten first."""
    made = source_of_bars(source)(platform.settings)
    asks: list[Ask] = []
    beyond = Fetched()
    for capability in asked_capabilities(source):
        states = states_of(platform, source, capability, start, end)
        asks += _asks(platform, made, capability, states)
        beyond += _beyond_wall(source, capability, states)
    return ask_all(platform, made.provider, asks) + beyond


def source_of_bars(source: str) -> Callable[[Settings], BarSource]:
    """Return how a source of bars is made; ConfigurationError names those that there are."""
    if source not in BAR_PROVIDERS:
        raise ConfigurationError(
            f"No provider of bars is called {source}", f"Use one of {', '.join(BAR_PROVIDERS)}"
        )
    return BAR_PROVIDERS[source]


def fetch_sofr(platform: Platform) -> Fetched:
    """Ask the New York Fed for fixings and averages, each since the last day known, that day included."""
    provider = NewYorkFedProvider(platform.settings.nyfed_base_url, platform.settings.request_timeout_seconds)
    end = platform.clock.now().date() + DAY
    asks = []
    for rate_type, address in SOFR_TYPES.items():
        known = platform.store.read(table(address)).filter(pl.col("source") == "nyfed")
        latest = known.get_column("observation_date").max()
        start = latest if isinstance(latest, date) else FIRST_SOFR
        asks.append(Ask(rates_request(rate_type, start, end), _midnight(start), _midnight(end)))
    return ask_all(platform, provider, asks)


def fetch_fx(platform: Platform) -> Fetched:
    """Ask the European Central Bank for its file of all days: one request, and corrections are in it."""
    provider = EcbProvider(platform.settings.ecb_base_url, platform.settings.request_timeout_seconds)
    end = platform.clock.now().date() + DAY
    return ask_all(platform, provider, [Ask(fx_request(), _midnight(FIRST_FX), _midnight(end))])


def _asks(platform: Platform, made: BarSource, capability: Capability, states: pl.DataFrame) -> list[Ask]:
    """Return the requests for what is due, the ones that begin first in front: those a source forgets first."""
    windows = windows_of(platform, capability, states.filter("is_due"))
    return [
        Ask(made.bars_request(instrument_id, symbol, capability.interval, begin, stop), begin, stop)
        for instrument_id, symbol, begin, stop in sorted(windows, key=lambda window: (window[2], window[0]))
    ]


def _beyond_wall(source: str, capability: Capability, states: pl.DataFrame) -> Fetched:
    """Return, in words, how many sessions a source has forgotten before it was asked for them."""
    lost = states.filter(state="unobtainable")
    if lost.is_empty() or capability.wall is None:
        return Fetched()
    days = lost.get_column("session_date")
    days = lost.get_column("session_date")
    text = (
        f"{lost.height} instrument-sessions of {capability.interval} from {days.min()!s} to {days.max()!s}: {source} "
        f"gives the last {capability.wall.days} days. Next: load older bars from recorded files "
        "(docs/providers/recorded.md)"
    )
    return Fetched(beyond_wall=(text,))


def windows_of(
    platform: Platform, capability: Capability, sessions: pl.DataFrame
) -> Iterator[tuple[str, str, datetime, datetime]]:
    """Yield instrument, symbol and window of due sessions, as few as the source's windows allow."""
    lead = DAILY_LEAD if capability.interval == "1d" else timedelta()
    now = platform.clock.now()
    for (instrument_id, symbol), mine in sessions.group_by(["instrument_id", "symbol"], maintain_order=True):
        spans = (
            (opens - lead, min(closes + CLOSING, now))
            for opens, closes in mine.select("open_time", "close_time").iter_rows()
        )
        for begin, stop in windows_over(capability, spans):
            yield str(instrument_id), str(symbol), begin, stop


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
