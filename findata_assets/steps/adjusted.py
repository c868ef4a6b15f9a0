"""Bars on another basis, on read: as traded, in the shares of a day, or with dividends taken out. Nothing is stored.

What belongs here: which bars, splits and dividends go together, as they are or as they were known at an instant. What
does not: the arithmetic (findata_core/market/adjusting.py), printing (findata_cli/adjusted.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
from psycopg import sql

from findata_assets.steps.known import KnownAt
from findata_assets.steps.platform import Platform, mic_of
from findata_core.errors import ConfigurationError
from findata_core.exchanges import exchange_of
from findata_core.intervals import PERIOD_INTERVALS
from findata_core.market.adjusting import STALE_CLOSE, Actions, View, actions_of, adjusted
from findata_core.market.candles import daily_candles, fold_period_candles, minute_candles
from findata_core.market.choosing import choose_sources
from findata_core.market.releases import with_received_times
from findata_core.schema.frames import empty
from findata_core.schema.tables import table

DAILY = "market.bars_1d"
LONGEST_PERIOD = timedelta(days=31)


@dataclass(frozen=True)
class Wanted:
    """Which bars, and how: sessions in [start, end).

    `on`: in the shares of which day, up to which ex-dates count (default: today, or the day of the instant).
    `instant`: as they were known then; None: as they are.
    """

    instrument_id: str
    interval: str
    view: View
    on: date | None = None
    instant: datetime | None = None
    start: date | None = None
    end: date | None = None
    source: str | None = None


@dataclass(frozen=True)
class AdjustedBars:
    """The bars with price_factor and volume_factor, the day of their shares, and what a reader should know."""

    rows: pl.DataFrame
    on: date
    notes: tuple[str, ...]


def adjusted_bars(platform: Platform, wanted: Wanted) -> AdjustedBars:
    """Return an instrument's bars on the basis wanted. ConfigurationError: there are none."""
    reads = KnownAt(platform, wanted.instant) if wanted.instant else platform
    bars = _bars(reads, wanted, wanted.start, wanted.end)
    zone = _zone(reads, wanted.instrument_id)
    moment = wanted.instant or platform.clock.now()
    on = wanted.on or moment.astimezone(ZoneInfo(zone)).date()
    actions = _actions(reads, wanted, zone)
    closes = _closes(reads, wanted, actions, zone, on) if wanted.view == "all" else None
    rows = adjusted(bars, actions, wanted.view, on, zone, closes)
    return AdjustedBars(rows.sort("event_time"), on, tuple(_refused(platform, wanted.instrument_id)))


def _bars(reads: Platform | KnownAt, wanted: Wanted, start: date | None, end: date | None) -> pl.DataFrame:
    address = DAILY if wanted.interval == "1d" else "market.bars"
    bars = reads.read(address, start, end, pl.Series([wanted.instrument_id]), wanted.interval)
    if wanted.source is not None:
        bars = bars.filter(source=wanted.source)
    if bars.is_empty():
        raise ConfigurationError(
            f"No bars of {wanted.instrument_id} of {wanted.interval} are known there",
            "findata coverage shows which sessions there are, as instrument_id and interval are spelt",
        )
    return _received(reads, choose_sources(bars))


def _received(reads: Platform | KnownAt, rows: pl.DataFrame) -> pl.DataFrame:
    """Add when rows were received, where some of their instrument were held at first: their basis is of that day."""
    return with_received_times(rows, reads.released(rows.get_column("instrument_id")))


def _zone(reads: Platform | KnownAt, instrument_id: str) -> str:
    sessions = reads.sessions_of(pl.Series([instrument_id]))
    return str(sessions.item(0, "time_zone"))


def _actions(reads: Platform | KnownAt, wanted: Wanted, zone: str) -> Actions:
    subject = pl.Series([wanted.instrument_id])
    splits = reads.read("reference.splits", subjects=subject)
    dividends = reads.read("reference.dividends", subjects=subject)
    known = reads.read("reference.instruments", subjects=subject)
    usual = exchange_of(mic_of(wanted.instrument_id))
    currency = usual.currency if known.is_empty() else str(known.item(0, "currency"))
    units = usual.price_units if known.is_empty() else int(known.item(0, "price_units"))
    dividends = _received(reads, dividends)
    paid = dividends if wanted.view == "all" else dividends.clear()
    return actions_of(splits, paid, zone, currency, units)


def _closes(reads: Platform | KnownAt, wanted: Wanted, actions: Actions, zone: str, on: date) -> pl.DataFrame:
    """Return closes as traded, up to `on`: the provider's days, and where it has none the last bar of the session.

    Later than the sessions wanted too: each dividend up to `on` is taken out of them.
    """
    before, end = wanted.start - STALE_CLOSE if wanted.start else None, on + timedelta(days=1)
    own = [_received(reads, reads.read(DAILY, before, end, pl.Series([wanted.instrument_id]), "1d"))]
    if wanted.interval != "1d":
        own.append(_bars(reads, wanted, before, end))
    traded = [
        adjusted(choose_sources(bars), actions, "raw", date.max, zone)
        .filter(pl.col("session_phase") == "regular")
        .sort("event_time")
        .group_by("session_date", maintain_order=True)
        .agg(pl.col("close").last().round(12))
        for bars in own
        if not bars.is_empty()
    ]
    empty = pl.DataFrame(schema={"session_date": pl.Date, "close": pl.Float64})
    return pl.concat([empty, *traded]).unique("session_date", keep="first", maintain_order=True)


def _refused(platform: Platform, instrument_id: str) -> list[str]:
    """Return, in words, which splits and dividends of the instrument were refused: the view lacks them."""
    query = sql.SQL(
        "SELECT table_name, count(DISTINCT (payload_id, row_number)) AS rows FROM ops.quarantine "
        "WHERE table_name IN ('reference.splits', 'reference.dividends') AND subject = {} GROUP BY 1 ORDER BY 1"
    ).format(sql.Literal(instrument_id))
    counts = platform.store.database.frame(query)
    return [
        f"{count} row{'' if count == 1 else 's'} meant for {name} {'was' if count == 1 else 'were'} refused and "
        f"{'is' if count == 1 else 'are'} not taken out: see ops.quarantine"
        for name, count in counts.iter_rows()
    ]


def adjusted_candles(
    platform: Platform, wanted: Wanted, source_interval: str, first: date, end: date
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return an instrument's candles of sessions, or whole periods, in [first, end) on a basis, and notes.

    All bars of a session are on one basis, so that what they are multiplied by is what their candle is. Weeks and
    months are folded from adjusted days. Volumes are whole shares, as they are stored. Without candles: none.
    """
    reads = KnownAt(platform, wanted.instant) if wanted.instant else platform
    subject = pl.Series([wanted.instrument_id])
    is_period = wanted.interval in PERIOD_INTERVALS
    reach = LONGEST_PERIOD if is_period else timedelta()
    days = _candles(reads, wanted, source_interval, first - reach, end + reach)
    if days.is_empty():
        return days, ()
    zone = _zone(reads, wanted.instrument_id)
    moment = wanted.instant or platform.clock.now()
    on = wanted.on or moment.astimezone(ZoneInfo(zone)).date()
    actions = _actions(reads, wanted, zone)
    closes = None
    if wanted.view == "all":
        closes = _closes(reads, replace(wanted, interval="1d", start=first - reach), actions, zone, on)
        closes = None if closes.is_empty() else closes
    rows = adjusted(_received(reads, days), actions, wanted.view, on, zone, closes)
    rows = rows.with_columns(pl.col("volume").round().cast(pl.Int64))
    if is_period:
        basis = rows.drop("price_factor", "volume_factor").with_columns(adjustment=pl.lit("split"))
        no_splits = empty(table("reference.splits"))  # they are taken out already
        rows = fold_period_candles(basis, reads.sessions_of(subject), wanted.interval, no_splits)
    return rows.sort("event_time"), tuple(_refused(platform, wanted.instrument_id))


def _candles(
    reads: Platform | KnownAt, wanted: Wanted, source_interval: str, first: date, end: date
) -> pl.DataFrame:
    """Return the candles to be adjusted: of weeks and months their days."""
    subject = pl.Series([wanted.instrument_id])
    interval = "1d" if wanted.interval in PERIOD_INTERVALS else wanted.interval
    if interval == "1d" and source_interval == "1d":
        bars = choose_sources(reads.read(DAILY, first, end, subject, "1d"))
        return daily_candles(bars, reads.sessions_of(subject))
    if interval == "1m":
        bars = choose_sources(reads.read("market.bars", first, end, subject, "1m"))
        return minute_candles(bars)
    return reads.read("market.candles", first, end, subject, interval).filter(source_interval=source_interval)
