"""--sessions A..B: what the text means, and whether such sessions exist and have closed.

What belongs here: the option and its errors. What does not: which sessions there are (findata_core.calendars).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from findata_core.errors import ConfigurationError

if TYPE_CHECKING:
    from findata_resources.environment import Settings

DAY = timedelta(days=1)
LONGEST_CLOSURE = timedelta(days=30)  # New York was shut for four and a half months in 1914, days ever since

SessionsOption = Annotated[
    str | None,
    typer.Option(
        "--sessions",
        metavar="A..B",
        help="Only sessions from A to B, both inclusive, as YYYY-MM-DD; A.., ..B and a single date are fine too.",
    ),
]


@dataclass(frozen=True)
class Span:
    """Dates from `first` to `last`, both inclusive; None where the end is open."""

    first: date | None = None
    last: date | None = None

    @property
    def end(self) -> date | None:
        """The day after the last one: the exclusive end that the steps take."""
        return self.last + DAY if self.last else None


def parse_span(text: str | None) -> Span:
    """Return the dates of "A..B", "A..", "..B" or "A"; ConfigurationError where it is none of them."""
    if text is None:
        return Span()
    head, dots, tail = text.strip().partition("..")
    if not dots:
        return Span(_date(head, text), _date(head, text))
    span = Span(_date(head, text) if head else None, _date(tail, text) if tail else None)
    if span == Span():
        raise _malformed(text)
    if span.first and span.last and span.first > span.last:
        raise ConfigurationError(
            f"--sessions {text}: the first date lies after the last one", f"write {span.last}..{span.first}"
        )
    return span


def require_sessions(span: Span, settings: Settings, now: datetime) -> None:
    """ConfigurationError unless a followed exchange has a session in the span that has closed by `now`."""
    if span == Span():
        return
    first, last = span.first or settings.first_session, span.last or max(now.date(), span.first or now.date())
    sessions = _followed_sessions(settings, first, last)
    if not sessions:
        raise _no_session(span, settings, first, last)
    open_mics = [item for item in sessions if item["close_time"] > now]
    if len(open_mics) == len(sessions):
        nearest = min(open_mics, key=lambda item: item["close_time"])
        raise ConfigurationError(
            f"The session {nearest['session_date']} of {nearest['mic']} closes at "
            f"{nearest['close_time']:%Y-%m-%d %H:%M} UTC",
            "Ask again then, or name sessions that have closed",
        )


def _date(part: str, text: str) -> date:
    try:
        return datetime.strptime(part.strip(), "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise _malformed(text) from None


def _malformed(text: str) -> ConfigurationError:
    return ConfigurationError(
        f"--sessions {text!r} is no range of dates",
        "write 2022-06-01..2022-06-15 (both inclusive), 2022-06-01.., ..2022-06-15 or 2022-06-01",
    )


def _no_session(span: Span, settings: Settings, first: date, last: date) -> ConfigurationError:
    before = [item["session_date"] for item in _followed_sessions(settings, first - LONGEST_CLOSURE, first)]
    after = [item["session_date"] for item in _followed_sessions(settings, last, last + LONGEST_CLOSURE)]
    around = [str(max(before))] if before else []
    around += [str(min(after))] if after else []
    named = f"on {first}" if first == last else f"from {first} to {last}"
    return ConfigurationError(
        f"No followed exchange has a session {named}",
        f"The sessions around it are {' and '.join(around)}"
        if around
        else "Name dates that the calendars reach",
    )


def _followed_sessions(settings: Settings, first: date, last: date) -> list[dict[str, Any]]:
    """Return mic, session_date and close_time of the sessions of the universe's exchanges."""
    from findata_core.calendars import sessions_of
    from findata_resources.providers.universe import parse

    instruments = parse(settings.universe.read_bytes(), {"source": "findata"})[0].rows
    mics = sorted(set(instruments.get_column("mic")))
    frames = [sessions_of(mic, first, last).select("mic", "session_date", "close_time") for mic in mics]
    return [row for frame in frames for row in frame.iter_rows(named=True)]
