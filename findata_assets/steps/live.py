"""What a live provider is asked for: what is due, soonest forgotten first, in the widest windows that it allows.

What belongs here: from sessions that are due to requests. What does not: which are due (findata_core/quality/
states.py, expected.py), making the requests (requesting.py), limits and waits (patience.py).
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from operator import itemgetter

import polars as pl

from findata_assets.steps.asks import Ask
from findata_assets.steps.bar_sources import BAR_PROVIDERS, BarSource
from findata_assets.steps.expected import DAILY_LEAD, asked_capabilities, states_of
from findata_assets.steps.platform import Platform
from findata_assets.steps.requesting import Fetched, ask_all
from findata_core.errors import ConfigurationError
from findata_core.rates.catalogue import AVERAGES_OF, FAMILIES, rate_of, types_of
from findata_core.rates.gaps import spans_to_ask, windows
from findata_core.schema.tables import table
from findata_resources.environment import Settings
from findata_resources.provider import Capability, windows_over
from findata_resources.providers.ecb import EcbProvider, fx_request
from findata_resources.providers.nyfed import PROVIDER, WIDEST_WINDOW, NewYorkFedProvider, rates_request

FIRST_FX = date(1999, 1, 4)  # first day of the euro's reference rates
DAY = timedelta(days=1)
Span = tuple[datetime, datetime]  # [start, end)
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
        beyond += _out_of_reach(source, capability, states)
    return ask_all(platform, made.provider, asks) + beyond


def source_of_bars(source: str) -> Callable[[Settings], BarSource]:
    """Return how a source of bars is made; ConfigurationError names those that there are."""
    if source not in BAR_PROVIDERS:
        raise ConfigurationError(
            f"No provider of bars is called {source}", f"Use one of {', '.join(BAR_PROVIDERS)}"
        )
    return BAR_PROVIDERS[source]


def fetch_rates(
    platform: Platform, family: str | None = None, start: date | None = None, end: date | None = None
) -> Fetched:
    """Ask the New York Fed for the rates of a family (default: of all), and for their averages and index.

    Without dates for what was never answered, and again for the last days known, which may have been revised; with
    dates for the days in [start, end), whatever is known.
    """
    if family is not None and family not in FAMILIES:
        raise ConfigurationError(f"There is no family of rates '{family}'", f"Use {' or '.join(FAMILIES)}")
    provider = NewYorkFedProvider(platform.settings.nyfed_base_url, platform.settings.request_timeout_seconds)
    return ask_all(platform, provider, _rate_asks(platform, family, start, end))


def _rate_asks(platform: Platform, family: str | None, start: date | None, end: date | None) -> list[Ask]:
    today = platform.clock.now().date()
    known = {
        address: platform.store.read(table(address)).filter(source=PROVIDER)
        for address in ("rates.rates", "rates.published_averages")
    }
    asks = []
    for rate_type in types_of(family):
        rate, address = rate_of(rate_type), "rates.rates"
        if rate_type in AVERAGES_OF:
            address = "rates.published_averages"
        days = known[address].filter(rate=rate.name).get_column("observation_date").to_list()
        spans = spans_to_ask(days, rate.first_date, today)
        if start is not None or end is not None:
            spans = [(max(start or rate.first_date, rate.first_date), min(end or today + DAY, today + DAY))]
        asks += [
            Ask(rates_request(rate_type, begin, stop), _midnight(begin), _midnight(stop))
            for span in spans
            for begin, stop in windows(*span, WIDEST_WINDOW)
        ]
    return asks


def fetch_fx(platform: Platform) -> Fetched:
    """Ask the European Central Bank for its file of all days: one request, and corrections are in it."""
    provider = EcbProvider(platform.settings.ecb_base_url, platform.settings.request_timeout_seconds)
    end = platform.clock.now().date() + DAY
    return ask_all(platform, provider, [Ask(fx_request(), _midnight(FIRST_FX), _midnight(end))])


def _asks(platform: Platform, made: BarSource, capability: Capability, states: pl.DataFrame) -> list[Ask]:
    """Return the requests for what is due, the ones that begin first in front: those a source forgets first."""
    windows = windows_of(platform, capability, states.filter("is_due"))
    return [
        Ask(made.bars_request(instrument_id, symbol, capability.interval, begin, stop), begin, stop, starts)
        for instrument_id, symbol, begin, stop, starts in sorted(windows, key=lambda item: (item[2], item[0]))
    ]


def _out_of_reach(source: str, capability: Capability, states: pl.DataFrame) -> Fetched:
    """Return, in words, how many sessions a source has forgotten before it was asked for them, and has refused."""
    lost = states.filter(state="unobtainable")
    found = []
    for is_beyond, sessions in lost.group_by("is_beyond_wall"):
        days = sessions.get_column("session_date")
        what = f"{sessions.height} instrument-sessions of {capability.interval} from {days.min()!s} to {days.max()!s}"
        found.append(f"{what}: {_forgotten(source, capability) if is_beyond[0] else _refused(source)}")
    return Fetched(beyond_wall=tuple(sorted(found)))


def _forgotten(source: str, capability: Capability) -> str:
    reach = "nothing" if capability.wall is None else f"the last {capability.wall.days} days"
    return f"{source} gives {reach}. Next: load older bars from recorded files (docs/providers/recorded.md)"


def _refused(source: str) -> str:
    return (
        f"{source} has refused them twice, a day apart. Next: see why in ops.fetches; correct the symbol in the "
        "universe file, or load them from recorded files (docs/providers/recorded.md)"
    )


def windows_of(
    platform: Platform, capability: Capability, sessions: pl.DataFrame
) -> Iterator[tuple[str, str, datetime, datetime, tuple[datetime, ...]]]:
    """Yield instrument, symbol and window of due sessions, as few as the source's windows allow.

    And where each of its sessions begins, if the source forgets: the first ones may be gone when their turn comes.
    """
    lead = DAILY_LEAD if capability.interval == "1d" else timedelta()
    now = platform.clock.now()
    for (instrument_id, symbol), mine in sessions.group_by(["instrument_id", "symbol"], maintain_order=True):
        spans = [
            (opens - lead, min(closes + CLOSING, now))
            for opens, closes in mine.select("open_time", "close_time").iter_rows()
        ]
        for some in _older_and_recent(capability, spans, now):
            for begin, stop in windows_over(capability, some):
                inside = (start for start, _ in some if begin <= start < stop) if capability.wall else ()
                yield str(instrument_id), str(symbol), begin, stop, tuple(inside)


def _older_and_recent(
    capability: Capability, spans: Sequence[Span], now: datetime
) -> tuple[Sequence[Span], Sequence[Span]]:
    """Part spans, in order, where a source may refuse what begins before; all are recent where it may not."""
    if capability.recent_reach is None:
        return [], spans
    first = bisect_left(spans, now - capability.recent_reach, key=itemgetter(0))
    return spans[:first], spans[first:]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
