"""What callers may ask with: each parameter once, with its description, and how its text is read.

What belongs here: parameters that several routes have. What does not: what an answer is made of (rest/).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import Path, Query

from findata_core.intervals import CANDLE_INTERVALS, INTERVALS, PERIOD_INTERVALS
from findata_serving.problems import bad_parameter, not_found, shown

MOST_ROWS = 50_000
USUAL_ROWS = 500
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2200, 1, 1)
LONGEST_NAME = 64
ASKED_INTERVALS = ("1m", *CANDLE_INTERVALS, *PERIOD_INTERVALS)

InstrumentId = Annotated[
    str, Path(description="symbol.MIC of the instrument.", examples=["MSFT.XNAS"], min_length=1)
]
Interval = Annotated[
    str,
    Query(
        description=f"Width: {', '.join(ASKED_INTERVALS)}. 1m are the regular bars of the chosen source.",
        examples=["5m"],
        json_schema_extra={"enum": list(ASKED_INTERVALS)},
    ),
]
SourceInterval = Annotated[
    str | None,
    Query(
        description="Width of the bars behind it: 1m or 1d. Default: 1m for 1m to 4h, 1d for 1d, 1w and 1mo, and the "
        "other one where there is nothing of it.",
        json_schema_extra={"enum": ["1m", "1d"]},
    ),
]
Start = Annotated[
    str | None,
    Query(
        description="Inclusive start: an instant by RFC 3339 (of what starts from then on), or a date (of sessions, "
        "periods or observations from then on).",
        examples=["2022-06-01"],
    ),
]
End = Annotated[
    str | None,
    Query(description="Exclusive end: an instant by RFC 3339, or a date.", examples=["2022-06-08"]),
]
AsOf = Annotated[
    str | None,
    Query(
        description="As it was known at this instant (RFC 3339): what was received at that very time counts.",
        examples=["2022-06-10T00:00:00Z"],
    ),
]
Limit = Annotated[int, Query(description="How many rows at most.", ge=1, le=MOST_ROWS)]
Cursor = Annotated[
    str | None, Query(description="The next_cursor of an answer to the same question.", max_length=600)
]
Format = Annotated[
    str | None,
    Query(
        alias="format",
        description="rows, columns, csv, arrow or two-streams; else the Accept header decides.",
        json_schema_extra={"enum": ["rows", "columns", "csv", "arrow", "two-streams"]},
    ),
]
Settled = Annotated[
    bool, Query(description="Only rows that the provider does not revise any more (settles_time has passed).")
]


@dataclass(frozen=True)
class Bound:
    """An end of a window: an instant, or a date of sessions or observations."""

    at: datetime | date

    @property
    def is_instant(self) -> bool:
        """Tell whether it is an instant."""
        return isinstance(self.at, datetime)

    @property
    def day(self) -> date:
        """Return its day in UTC."""
        return self.at.date() if isinstance(self.at, datetime) else self.at


@dataclass(frozen=True)
class Span:
    """A window [start, end); an end that is not given is open."""

    start: Bound | None
    end: Bound | None

    def first_day(self) -> date | None:
        """Return a day that is not later than any session of the window: a day of UTC may be another one elsewhere."""
        return _moved(self.start, -1)

    def end_day(self) -> date | None:
        """Return a day that is later than every session of the window."""
        return _moved(self.end, 2)


def _moved(bound: Bound | None, days: int) -> date | None:
    if bound is None:
        return None
    return bound.day + timedelta(days=days) if bound.is_instant else bound.day


def span_of(start: str | None, end: str | None) -> Span:
    """Read a window; a Problem where it is none, or where it ends before it starts."""
    span = Span(_bound("start", start), _bound("end", end))
    if span.start and span.end and _instant(span.start) > _instant(span.end):
        raise bad_parameter(
            "end", f"The window ends before it starts: {start} to {end}", "Give an end after the start"
        )
    return span


def _instant(bound: Bound) -> datetime:
    at = bound.at
    return at if isinstance(at, datetime) else datetime(at.year, at.month, at.day, tzinfo=UTC)


def _bound(name: str, text: str | None) -> Bound | None:
    return None if text is None else Bound(_moment(name, text))


def days_of(start: str | None, end: str | None) -> tuple[date | None, date | None]:
    """Read a window of dates [start, end); a Problem where an end is an instant."""
    span = span_of(start, end)
    for name, bound in (("start", span.start), ("end", span.end)):
        if bound and bound.is_instant:
            raise bad_parameter(name, f"{name} is an instant, and these rows are of days", "Give YYYY-MM-DD")
    return (span.start.day if span.start else None), (span.end.day if span.end else None)


def day_of(name: str, text: str | None) -> date | None:
    """Read a date."""
    moment = None if text is None else _moment(name, text)
    if isinstance(moment, datetime):
        raise bad_parameter(name, f"{name} is an instant, and a day is asked for", "Give YYYY-MM-DD")
    return moment


def instant_of(name: str, text: str | None) -> datetime | None:
    """Read an instant; a Problem for a date, within which a whole day may pass."""
    moment = None if text is None else _moment(name, text)
    if moment is not None and not isinstance(moment, datetime):
        raise bad_parameter(
            name,
            f"{text} is a date, and a whole day may pass in it",
            f"Give {text}T00:00:00Z, or another time",
        )
    return moment


def as_of_of(text: str | None, now: datetime) -> datetime | None:
    """Read as_of; a Problem where it lies in the future: what will be known then nobody knows."""
    instant = instant_of("as_of", text)
    if instant is not None and instant > now:
        raise bad_parameter(
            "as_of",
            f"{shown(text or '')} lies in the future",
            f"Give an instant up to {now:%Y-%m-%dT%H:%M:%SZ}, or leave as_of out",
        )
    return instant


def _moment(name: str, text: str) -> datetime | date:
    try:
        moment = date.fromisoformat(text) if len(text) == len("2022-06-01") else datetime.fromisoformat(text)
    except ValueError:
        raise bad_parameter(
            name,
            f"{shown(text)} is neither a date nor an instant",
            "Give 2022-06-01 or 2022-06-01T13:30:00Z (in an address a plus sign is written %2B)",
        ) from None
    if isinstance(moment, datetime) and moment.tzinfo is None:
        raise bad_parameter(name, f"{shown(text)} names no time zone", f"Write {text}Z if it is meant in UTC")
    day = moment if not isinstance(moment, datetime) else moment.date()
    if not FIRST_DAY <= day <= LAST_DAY:
        raise bad_parameter(
            name, f"{shown(text)} lies outside of {FIRST_DAY} to {LAST_DAY}", "Give a day within"
        )
    return moment.astimezone(UTC) if isinstance(moment, datetime) else moment


def require_interval(interval: str) -> str:
    """Return an interval that candles are asked in; a Problem names them."""
    if interval not in ASKED_INTERVALS:
        raise bad_parameter(
            "interval",
            f"There are no candles of {shown(interval)}",
            f"Use one of {', '.join(name for name in INTERVALS if name in ASKED_INTERVALS)}",
        )
    return interval


def require_choice(name: str, value: str | None, choices: tuple[str, ...]) -> str | None:
    """Return a value that is one of some words; a Problem names them."""
    if value is not None and value not in choices:
        raise bad_parameter(
            name, f"{name} can't be {shown(value)}", f"Use one of {', '.join(choices)}, or leave it out"
        )
    return value


def require_name(name: str, value: str) -> str:
    """Return a text that may be the name of something; a Problem where nothing can be called so."""
    if not value.isprintable() or len(value) > LONGEST_NAME:
        raise not_found(
            "no-such-name",
            f"Nothing is called {shown(value)}",
            f"Give {name} as it is listed by its own path",
        )
    return value
