"""Which stored rows a person means by an instrument, an interval and a start; what is near where there are none.

What belongs here: reading START and finding rows by it. What does not: explaining them (explaining).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches

import polars as pl
from psycopg import sql

from findata_assets.steps.platform import Platform
from findata_core.errors import ConfigurationError
from findata_core.intervals import BAR_INTERVALS, CANDLE_INTERVALS, PERIOD_INTERVALS, interval_of
from findata_core.schema.frames import conform
from findata_core.schema.tables import table
from findata_resources.stores.database import name_of

PERIOD_TABLES = {"1w": "market.weekly_candles", "1mo": "market.monthly_candles"}
MIDDAY = 12


@dataclass(frozen=True)
class Asked:
    """A row that somebody asks for: by the instant it starts at, or by a date that it covers."""

    instrument_id: str
    interval: str
    start: datetime | date
    source_interval: str | None = None


def asked(instrument_id: str, interval: str, start: str, source_interval: str | None = None) -> Asked:
    """Read START: an instant in ISO 8601 (UTC where it names no offset), or a date for 1d, 1w and 1mo."""
    interval_of(interval)
    if source_interval is not None:
        interval_of(source_interval)
    moment = _moment(start)
    if not isinstance(moment, datetime) and interval_of(interval).minutes is not None:
        raise ConfigurationError(
            f"{start} is a date, and an interval of {interval} starts at an instant",
            f"write it as '{start} 14:30' (UTC), or with its offset: '{start} 09:30-05:00'",
        )
    return Asked(instrument_id, interval, moment, source_interval)


def moment_of(text: str) -> datetime:
    """Read an instant in ISO 8601, in UTC where it names no offset; a date alone names none."""
    moment = _moment(text)
    if not isinstance(moment, datetime):
        raise ConfigurationError(
            f"{text} is a date, and a whole day may pass between two answers",
            f"write '{moment} 00:00' (UTC), or the time of day that you mean",
        )
    return moment


def stored_rows(platform: Platform, wanted: Asked) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the table and the row (a frame of one) of everything that fits; ConfigurationError where nothing does."""
    found = False
    for address in _tables(wanted.interval):
        rows = _rows(platform, address, wanted)
        for number in range(rows.height):
            found = True
            yield address, rows[number]
    if not found:
        raise _nothing(platform, wanted)


def _moment(text: str) -> datetime | date:
    """Return the instant in UTC, or the date; a month such as 2022-06 is its first day. ConfigurationError: neither."""
    stripped = text.strip()
    try:
        if len(stripped) == len("2022-06"):
            return date.fromisoformat(f"{stripped}-01")
        if len(stripped) <= len("2022-06-01"):
            return date.fromisoformat(stripped)
        moment = datetime.fromisoformat(stripped)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except ValueError:
        raise ConfigurationError(
            f"{text!r} is neither an instant nor a date",
            "write 2022-06-01T13:30Z, '2022-06-01 13:30' (UTC), '2022-06-01 09:30-04:00' or 2022-06-01",
        ) from None
    except OverflowError:  # its offset takes it out of the years that there are
        raise ConfigurationError(
            f"{stripped} lies outside of the years 1 to 9999 in UTC",
            "write an instant of a year that findata holds data of, such as 2022-06-01T13:30Z",
        ) from None


def _tables(interval: str) -> list[str]:
    """Return the tables that have rows of an interval: candles first, then bars as providers report them."""
    if interval in PERIOD_INTERVALS:
        return [PERIOD_TABLES[interval]]
    candles = ["market.candles"] if interval in CANDLE_INTERVALS else []
    bars = ["market.bars_1d" if interval == "1d" else "market.bars"] if interval in BAR_INTERVALS else []
    return candles + bars


def _rows(platform: Platform, address: str, wanted: Asked) -> pl.DataFrame:
    target = table(address)
    conditions = [
        sql.SQL("instrument_id = {}").format(sql.Literal(wanted.instrument_id)),
        sql.SQL("interval = {}").format(sql.Literal(wanted.interval)),
        _at(address, wanted.start),
    ]
    if wanted.source_interval is not None:
        column = "source_interval" if "source_interval" in target.column_names else "interval"
        conditions.append(
            sql.SQL("{} = {}").format(sql.Identifier(column), sql.Literal(wanted.source_interval))
        )
    query = sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY {}").format(
        sql.SQL(", ").join(map(sql.Identifier, target.column_names)),
        name_of(target),
        sql.SQL(" AND ").join(conditions),
        sql.SQL(", ").join(map(sql.Identifier, target.business_key)),
    )
    return conform(platform.store.database.frame(query), target)


def _at(address: str, start: datetime | date) -> sql.Composed:
    if isinstance(start, datetime):
        return sql.SQL("event_time = {}::timestamptz").format(sql.Literal(start.isoformat()))
    day = sql.SQL("{}::date").format(sql.Literal(str(start)))
    if address in PERIOD_TABLES.values():
        return sql.SQL("{} BETWEEN period_start_date AND period_end_date").format(day)
    # The session's date says it; the instants beside it let TimescaleDB leave other chunks alone.
    return sql.SQL("session_date = {0} AND event_time BETWEEN {0} - 2 AND {0} + 2").format(day)


def _nothing(platform: Platform, wanted: Asked) -> ConfigurationError:
    """Say what there is instead: nearest rows of the instrument, or instruments of a similar name."""
    known = _instruments(platform)
    if wanted.instrument_id not in known:
        near = get_close_matches(wanted.instrument_id, known, n=3, cutoff=0.4) or sorted(known)[:3]
        return ConfigurationError(
            f"No rows of {wanted.instrument_id} are stored",
            f"An instrument is written symbol.MIC: {' or '.join(near)}"
            if near
            else "findata materialize loads some",
        )
    times = {time for address in _tables(wanted.interval) for time in _nearest(platform, address, wanted)}
    nearest = [f"{time:%Y-%m-%d %H:%M}" for time in sorted(times)]
    relation = "starts at" if isinstance(wanted.start, datetime) else "is of"
    what = f"No row of {wanted.instrument_id} {wanted.interval} {relation} {wanted.start}"
    if wanted.source_interval is not None:
        what += f", folded from {wanted.source_interval}"
    return ConfigurationError(
        what,
        f"The nearest ones start at {' and '.join(nearest)} (UTC)"
        if nearest
        else "findata status shows what there is",
    )


def _instruments(platform: Platform) -> list[str]:
    query = sql.SQL("SELECT DISTINCT subject FROM ops.digests WHERE table_name LIKE 'market.%' ORDER BY 1")
    return platform.store.database.frame(query).get_column("subject").to_list()


def _nearest(platform: Platform, address: str, wanted: Asked) -> Iterator[datetime]:
    """Yield the starts of the last row before and the first row after."""
    moment = wanted.start
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, MIDDAY, tzinfo=UTC)
    for operator, order in ((sql.SQL("<="), sql.SQL("DESC")), (sql.SQL(">"), sql.SQL("ASC"))):
        query = sql.SQL(
            "SELECT event_time FROM {} WHERE instrument_id = {} AND interval = {} AND event_time {} {}::timestamptz "
            "ORDER BY event_time {} LIMIT 1"
        ).format(
            name_of(table(address)),
            sql.Literal(wanted.instrument_id),
            sql.Literal(wanted.interval),
            operator,
            sql.Literal(moment.isoformat()),
            order,
        )
        yield from platform.store.database.frame(query).get_column("event_time")
