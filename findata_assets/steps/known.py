"""Tables as they were known at an instant: facts by their versions, everything derived folded from these on read.

The law: what was known at T is what a fresh database holds that was given only the payloads received by T.
Calendars are taken as they are known now: when a session opens was never learnt from a market's bars.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from psycopg import sql

from findata_assets.steps.derivations import (
    SIGNAL_INTERVAL,
    Reads,
    averages_of_rates,
    disagreements_of_calendars,
    names_of_securities,
    period_candles,
    pivots_of_weeks,
    revisions_of_series,
    securities,
    session_candles,
    signals_of_week,
)
from findata_assets.steps.platform import Platform
from findata_core.errors import ConfigurationError
from findata_core.intervals import interval_of
from findata_core.schema.frames import conform, empty
from findata_core.schema.tables import Table, table, tables
from findata_resources.stores.versions import known_at

Derivation = Callable[[Reads, date | None, date | None, pl.Series | None], pl.DataFrame]


@dataclass(frozen=True)
class KnownAt:
    """The tables as they were known at `instant`, inclusive: a payload received at that very time counts."""

    platform: Platform
    instant: datetime

    def read(
        self,
        address: str,
        start: date | None = None,
        end: date | None = None,
        subjects: pl.Series | None = None,
        interval: str | None = None,
        *,
        are_few: bool = False,
    ) -> pl.DataFrame:
        """Return rows with scope dates in [start, end) of some subjects and one interval (default: all).

        In the table's shape, sorted by business key. ConfigurationError: the table keeps no versions, or has
        no dates or intervals to choose among; UnknownInterval: there is none of that name.
        """
        del are_few  # versions are folded in any case, which is most of it
        target = _versioned(address)
        if (start or end) and not target.digest_date:
            raise ConfigurationError(
                f"{address} has no sessions to choose among", "leave --sessions out; WHERE in SQL narrows it"
            )
        if interval is not None:
            _require_interval(target, interval)
        if target.has_history:
            rows = known_at(self.platform.store.database, target, self.instant, start, end, subjects)
        else:
            rows = conform(DERIVATIONS[address](self, start, end, subjects), target)
        if interval is not None:
            rows = rows.filter(interval=interval)
        return sorted_by_key(target, rows)

    def sessions_of(self, instrument_ids: pl.Series) -> pl.DataFrame:
        """Return the sessions of the exchanges that some instruments trade on, as they are known now."""
        return self.platform.sessions_of(instrument_ids)

    def released(self, instrument_ids: pl.Series) -> pl.DataFrame:
        """Return what was held at first of instruments' prices: no row of before its release names the release."""
        return self.platform.released(instrument_ids)

    def closed(self, address: str) -> pl.DataFrame:
        """Return the versions of a table of facts that were closed by then, with superseded_time."""
        instant = sql.SQL("superseded_time <= {}::timestamptz").format(sql.Literal(self.instant.isoformat()))
        return self.platform.store.read(table(address).history(), where=instant)


def sorted_by_key(target: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Sort by business key; what is the same in all rows, an instrument or an interval, need not be compared."""
    if rows.is_empty():
        return rows
    varies = rows.select((pl.col(name) != pl.col(name).first()).any() for name in target.business_key).row(0)
    key = [name for name, is_varied in zip(target.business_key, varies, strict=True) if is_varied]
    return rows.sort(key) if key else rows


def _signals(reads: Reads, start: date | None, end: date | None, subjects: pl.Series | None) -> pl.DataFrame:
    """Return the signals of sessions in [start, end), week by week."""
    days = reads.read("market.candles", start, end, subjects, SIGNAL_INTERVAL).select("session_date").unique()
    found = [empty(table("signals.pivot_signals"))]
    weeks = days.sort("session_date").group_by(pl.col("session_date").dt.truncate("1w"), maintain_order=True)
    for _, week in weeks:
        found.append(signals_of_week(reads, week.get_column("session_date").to_list(), subjects))
    return pl.concat(found)


DERIVATIONS: Mapping[str, Derivation] = {
    "economic.revisions": lambda reads, _start, _end, subjects: revisions_of_series(reads, subjects),
    "market.candles": session_candles,
    "market.monthly_candles": lambda *asked: _periods("market.monthly_candles", *asked),
    "market.weekly_candles": lambda *asked: _periods("market.weekly_candles", *asked),
    "rates.averages": lambda reads, _start, _end, subjects: averages_of_rates(reads, subjects),
    "rates.calendar_disagreements": lambda reads, _start, _end, subjects: disagreements_of_calendars(
        reads, subjects
    ),
    "reference.securities": lambda reads, _start, _end, subjects: securities(reads, subjects),
    "reference.security_symbols": lambda reads, _start, _end, subjects: names_of_securities(reads, subjects),
    "signals.pivot_signals": _signals,
    "signals.weekly_pivots": pivots_of_weeks,
}


def _periods(
    address: str, reads: Reads, start: date | None, end: date | None, subjects: pl.Series | None
) -> pl.DataFrame:
    return period_candles(reads, address, start, end, subjects)


def _versioned(address: str) -> Table:
    """Return a table whose past can be told; ConfigurationError names those."""
    known = sorted([*(found.address for found in tables() if found.has_history), *DERIVATIONS])
    if address not in known:
        raise ConfigurationError(
            f"{address} has no past that can be asked for", f"Use one of {', '.join(known)}"
        )
    return table(address)


def _require_interval(target: Table, interval: str) -> None:
    """Refuse an interval that there is none of, and any where the table's rows have none."""
    interval_of(interval)
    if "interval" not in target.column_names:
        raise ConfigurationError(
            f"{target.address} has no intervals to choose among",
            "leave --interval out; WHERE in SQL narrows it",
        )
