"""Candles as they are stored: which query gives them, width by width.

What belongs here: the SQL behind /candles. What does not: candles of the past or on another basis (candle_frames),
parameters (rest/candles). Narrow candles, weeks and months are rows of v1_live.candles. Minutes and the providers' own
days are folded from v1_live.bars on the way, by the rule that candles are folded by (findata_core/market/choosing.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

from findata_core.market.choosing import ADJUSTMENT_ORDER, SOURCE_ORDER
from findata_serving.parameters import Span
from findata_serving.reading import Derive, Query, Rows, read
from findata_serving.records import Record, record
from findata_serving.sources import Sources

PERIODS = {"1w": "market.weekly_candles", "1mo": "market.monthly_candles"}
REACH = timedelta(days=2)  # an instant and the date of its session lie no farther apart
MANY_DAYS = 10  # of the calendar: a week and a half of minutes is read by one connection as soon as by two
LEAST_MINUTES = 200  # of a session, as a rule


@dataclass(frozen=True)
class Wanted:
    """Which candles: of one instrument, width and source interval, within a window."""

    instrument_id: str
    interval: str
    source_interval: str
    span: Span
    is_settled: bool = False
    limit: int = 500
    after: int | None = None  # microseconds: the last instant of the page before
    before: int | None = None  # or its first one, where pages go back in time

    @property
    def is_latest(self) -> bool:
        """Tell whether pages go back in time: nobody said where to begin."""
        return self.span.start is None

    @property
    def is_of_bars(self) -> bool:
        """Tell whether they are folded from stored bars when they are asked for."""
        return (self.interval, self.source_interval) in {("1m", "1m"), ("1d", "1d")}

    @property
    def table(self) -> str:
        """Return the table whose digests change with them."""
        if self.is_of_bars:
            return "market.bars" if self.interval == "1m" else "market.bars_1d"
        return PERIODS.get(self.interval, "market.candles")

    @property
    def date_column(self) -> str:
        """Return the column that a date of the window is compared with."""
        return "period_start_date" if self.interval in PERIODS else "session_date"


class Conditions:
    """Conditions of a query and their arguments, numbered as they come."""

    def __init__(self, *arguments: object) -> None:
        self.arguments: list[object] = list(arguments)
        self.texts: list[str] = []

    def add(self, text: str, value: object) -> None:
        """Add a condition with {} in the place of its argument."""
        self.arguments.append(value)
        self.texts.append(text.format(f"${len(self.arguments)}"))

    def joined(self) -> str:
        """Return them as one."""
        return " AND ".join(self.texts) or "true"


@cache
def narrowed(interval: str) -> tuple[Record, Mapping[str, str | None]]:
    """Return the record of candles of a width, and what is null in all of them: that need not be asked for."""
    of_periods = ("period_start_date", "period_end_date", "expected_sessions", "present_sessions")
    absent = ("session_date",) if interval in PERIODS else of_periods
    others = of_periods if interval in PERIODS else ("session_date",)
    known = record("candles")
    columns = tuple(
        replace(column, is_nullable=False) if column.name in others else column for column in known.columns
    )
    return replace(known, columns=columns), dict.fromkeys(absent)


async def rows_of(sources: Sources, wanted: Wanted) -> Rows:
    """Return the rows of a page, and some more where there is a next one."""
    if not wanted.is_of_bars:
        return await read(sources, _query_of_candles(wanted))
    rows_a_session = LEAST_MINUTES if wanted.interval == "1m" else 1
    stored = await _stored(sources, wanted, wanted.limit // rows_a_session + 5)
    rows = await read(sources, _query_of_bars(wanted, stored))
    if rows.height > wanted.limit or stored.is_all:
        return rows
    every = await _stored(sources, wanted, None)  # its sessions have fewer rows than that
    return await read(sources, _query_of_bars(wanted, every))


def _query_of_candles(wanted: Wanted) -> Query:
    conditions = Conditions(wanted.instrument_id)
    conditions.texts.append('"instrument_id" = $1')
    conditions.add('"interval" = {}', wanted.interval)
    conditions.add('"source_interval" = {}', wanted.source_interval)
    _bounds(wanted, conditions)
    return replace(_asked(wanted, conditions), where=conditions.joined())


def _query_of_bars(wanted: Wanted, stored: Stored) -> Query:
    conditions = Conditions(wanted.instrument_id)
    if wanted.interval != "1m" or len(stored.slices) != 1:
        relation = _of_bars(wanted, conditions, stored)
        return replace(_asked(wanted, conditions), where="true", relation=relation)
    where = _of_one_source(wanted, conditions, stored)
    query = _asked(wanted, conditions)
    is_whole = stored.row_count <= wanted.limit
    return replace(
        query,
        where=where,
        relation="v1_live.bars",
        constants={**query.constants, **_said_by(stored)},
        derived=OF_MINUTES,
        runs=OF_A_SESSION,
        limit=None if is_whole else query.limit,
        divided_at=stored.middle() if is_whole else None,
    )


def _asked(wanted: Wanted, conditions: Conditions) -> Query:
    """Return what all queries of candles have; one row more than the page has says that there is a next one."""
    shape, absent = narrowed(wanted.interval)
    constants: dict[str, object] = {
        "instrument_id": wanted.instrument_id,
        "interval": wanted.interval,
        "source_interval": wanted.source_interval,
        **absent,
    }
    return Query(
        shape,
        arguments=conditions.arguments,
        limit=wanted.limit + 1,
        is_latest=wanted.is_latest,
        constants=constants,
    )


def _bounds(wanted: Wanted, conditions: Conditions, *, are_days_known: bool = False) -> None:
    """Add what narrows the rows: the window, the page, and instants beside dates, which leave out chunks.

    `are_days_known`: sessions are named already (`_within`), so that dates need not be compared twice.
    """
    start, end = wanted.span.start, wanted.span.end
    column = wanted.date_column
    for bound, sign in ((start, ">="), (end, "<")):
        if bound is not None and bound.is_instant:
            conditions.add(f'"event_time" {sign} {{}}', bound.at)
        elif bound is not None and not are_days_known:
            conditions.add(f'"{column}" {sign} {{}}', bound.at)
            if column == "session_date":
                reach = -REACH if sign == ">=" else REACH
                conditions.add(f'"event_time" {sign} {{}}::date', bound.day + reach)
    if wanted.after is not None:
        conditions.add('"event_time" > {}', instant_at(wanted.after))
    if wanted.before is not None:
        conditions.add('"event_time" < {}', instant_at(wanted.before))
    if wanted.is_settled:
        conditions.texts.append('"is_settled"')


def instant_at(microseconds: int) -> datetime:
    """Return an instant that is counted from 1970-01-01."""
    return EPOCH + timedelta(microseconds=microseconds)


EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


async def last_days(
    sources: Sources, table: str, subject: str, count: int, end: date | None, instant: datetime | None = None
) -> tuple[date, date] | None:
    """Return the first and last of the latest `count` days before `end` of which a table holds something.

    With an instant those of which something had been received by then.
    """
    book, known = (
        ("ops.digests", "") if instant is None else ("ops.payload_scopes", "AND received_time <= $5 ")
    )
    query = (
        f"SELECT min(day) AS first, max(day) AS last FROM (SELECT DISTINCT scope_date AS day FROM {book} "  # noqa: S608
        f"WHERE table_name = $1 AND subject = $2 AND scope_date < $3 {known}ORDER BY 1 DESC LIMIT $4) AS days"
    )
    received = () if instant is None else (instant,)
    found = await sources.rows(query, table, subject, end or date(2200, 1, 1), count, *received, books=True)
    return (found[0]["first"], found[0]["last"]) if found[0]["first"] else None


@dataclass(frozen=True)
class Stored:
    """What there is of a window of bars: its first and last session, the slices, as "1m/yahoo/split", their rows.

    `is_all`: no session of the window lies beyond these.
    """

    first: date
    last: date
    slices: frozenset[str]
    row_count: int
    is_all: bool

    def middle(self) -> datetime | None:
        """Return an instant amid the sessions of a long window."""
        days = (self.last - self.first).days
        if days < MANY_DAYS:
            return None
        return datetime.combine(self.first + timedelta(days=days // 2), time(), UTC)


async def _stored(sources: Sources, wanted: Wanted, most_sessions: int | None) -> Stored:
    """Return which sessions a page of bars can lie in, and of which sources, by the book of digests."""
    conditions = Conditions(wanted.table, wanted.instrument_id, f"{wanted.interval}/%")
    first, end = wanted.span.first_day(), wanted.span.end_day()
    if wanted.after is not None:
        first = instant_at(wanted.after).date() - REACH
    if wanted.before is not None:
        end = instant_at(wanted.before).date() + REACH
    if first is not None:
        conditions.add("scope_date >= {}", first)
    if end is not None:
        conditions.add("scope_date < {}", end)
    direction = "DESC" if wanted.is_latest else "ASC"
    most = "" if most_sessions is None else f"LIMIT {most_sessions}"
    query = (
        "SELECT min(day) AS first, max(day) AS last, array_agg(DISTINCT slices) AS slices, "  # noqa: S608
        "sum(row_count)::bigint AS row_count, count(*) AS sessions FROM ("
        "SELECT scope_date AS day, string_agg(slice, ',') AS slices, sum(row_count) AS row_count FROM ops.digests "
        f"WHERE table_name = $1 AND subject = $2 AND slice LIKE $3 AND {conditions.joined()} "
        f"GROUP BY 1 ORDER BY 1 {direction} {most}) AS days"
    )
    (row,) = await sources.rows(query, *conditions.arguments, books=True)
    if row["first"] is None:
        return Stored(EPOCH.date(), EPOCH.date(), frozenset(), 0, is_all=True)
    slices = frozenset(",".join(row["slices"]).split(","))
    return Stored(
        row["first"], row["last"], slices, row["row_count"], is_all=row["sessions"] != most_sessions
    )


MINUTE_MICROSECONDS = 60_000_000
# A month of them is quick to compute here, and takes the database as long as reading two columns more.
OF_MINUTES: Mapping[str, Derive] = {
    "available_time": lambda values, _now: values["event_time"] + MINUTE_MICROSECONDS,
    "is_settled": lambda values, now: values["settles_time"] <= now,
}

# As a rule one answer of the provider holds a session, and its minutes settle together.
OF_A_SESSION = ("session_date", "settles_time", "ingest_time")


def _of_one_source(wanted: Wanted, conditions: Conditions, stored: Stored) -> str:
    """Return the condition of regular minutes where all sessions of a window have one source: nothing is chosen."""
    (only,) = stored.slices
    _, source, adjustment = only.split("/")
    conditions.texts += ['"instrument_id" = $1', "\"interval\" = '1m'", "\"session_phase\" = 'regular'"]
    conditions.add('"source" = {}', source)
    conditions.add('"adjustment" = {}', adjustment)
    _within(conditions, stored)
    _bounds(wanted, conditions, are_days_known=True)
    return conditions.joined()


def _said_by(stored: Stored) -> dict[str, object]:
    """Return what is the same in all minutes of the one source."""
    (only,) = stored.slices
    _, source, adjustment = only.split("/")
    whole = {"expected_minutes": 1, "present_minutes": 1, "is_complete": True}
    return {"source": source, "adjustment": adjustment, **whole}


def _within(conditions: Conditions, stored: Stored) -> None:
    """Add the sessions that there are, and the instants around them, which leave out chunks."""
    conditions.add('"event_time" >= {}::date', stored.first - REACH)
    conditions.add('"event_time" < {}::date', stored.last + REACH)
    conditions.add('"session_date" >= {}', stored.first)
    conditions.add('"session_date" <= {}', stored.last)


def _of_bars(wanted: Wanted, conditions: Conditions, stored: Stored) -> str:
    """Return the relation of candles that are one bar each, of the chosen source of each session."""
    before = len(conditions.texts)
    _within(conditions, stored)
    window = " AND ".join(conditions.texts[before:])
    del conditions.texts[before:]
    _bounds(wanted, conditions)
    return _bars_relation(wanted.interval, window, conditions.joined())


@cache
def _bars_relation(interval: str, window: str, narrowed: str) -> str:
    sources, bases = (", ".join(f"'{name}'" for name in order) for order in (SOURCE_ORDER, ADJUSTMENT_ORDER))
    of_bars = f'"instrument_id" = $1 AND "interval" = \'{interval}\' AND {window}'
    shape, regular = _SHAPES[interval]
    return f"""(WITH bar AS (SELECT * FROM v1_live.bars WHERE {of_bars}),
        candidate AS (SELECT session_date, source, adjustment, bool_or(session_phase = 'regular') AS has_regular
            FROM bar GROUP BY 1, 2, 3),
        chosen AS (SELECT DISTINCT ON (session_date) session_date, source, adjustment FROM candidate
            ORDER BY session_date, has_regular DESC, array_position(ARRAY[{sources}], source) NULLS LAST, source,
                array_position(ARRAY[{bases}], adjustment) NULLS LAST, adjustment)
        SELECT event_time, open, high, low, close, volume, session_date, NULL::date AS period_start_date,
            NULL::date AS period_end_date, {shape}, NULL::integer AS expected_sessions,
            NULL::integer AS present_sessions, true AS is_complete, bar.settles_time, source, adjustment,
            bar.ingest_time, is_settled
        FROM bar JOIN chosen USING (session_date, source, adjustment) {_SESSION_OF[interval]}
        WHERE {regular} AND {narrowed}) AS folded"""  # noqa: S608


_SHAPES = {
    "1m": (
        "1 AS expected_minutes, 1 AS present_minutes, event_time + interval '1 minute' AS available_time",
        "session_phase = 'regular'",
    ),
    "1d": (
        "trading_minutes AS expected_minutes, trading_minutes AS present_minutes, close_time AS available_time",
        "session.mic = substring($1 FROM '[^.]+$')",
    ),
}
_SESSION_OF = {
    "1m": "",
    "1d": "JOIN (SELECT mic, session_date, trading_minutes, close_time FROM v1_live.sessions) AS session "
    "USING (session_date) ",
}
