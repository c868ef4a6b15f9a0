"""coverage: which sessions of which instruments are there, in numbers and as a picture made of characters.

What belongs here: printing. What does not: what is known of a session (findata_assets.steps.expected).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from findata_cli import opening, screen
from findata_cli.querying import print_csv, print_json
from findata_cli.spans import SessionsOption, Span, parse_span
from findata_core.errors import ConfigurationError

if TYPE_CHECKING:
    import polars as pl

    from findata_assets.steps.platform import Platform

# status where bars are there, state where none is -> how a session is drawn
MARKS = {
    "complete": "█",
    "partial": "▄",
    "proven_empty": "○",
    "awaiting": "?",
    "never_asked": "·",
    "unobtainable": "×",
}
ALWAYS_COUNTED = ("complete", "partial")
MOST_SESSIONS_DRAWN = 60
COLUMNS = (
    "instrument_id", "interval", "source", "session_date", "status", "state", "is_final", "is_due",
    "present_bars", "expected_bars", "payload_id", "expires_time", "gaps_utc",
)  # fmt: skip


def coverage(
    instruments: Annotated[
        list[str] | None,
        typer.Option("--instrument", metavar="ID", help="Only this instrument; may be given again."),
    ] = None,
    sessions: SessionsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, an object a session.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, a line a session.")] = False,
) -> None:
    """Show what is known of every session, by instrument, interval and source.

    Complete, or partial (minutes are missing); and where no bar is: proven empty (the source says so), awaiting
    (asked, and to be asked again), never asked, or unobtainable (the source no longer gives it). The last sessions
    are drawn, the youngest on the right; JSON and CSV give them all, with their gaps and the payload that speaks.
    """
    if as_json and as_csv:
        raise ConfigurationError("--json and --csv exclude each other", "give one of them")
    span = parse_span(sessions)
    with opening.platform(opening.settings_in_force()) as platform:
        rows = states(platform, span, instruments or [])
        now = platform.clock.now()
    if rows.is_empty():
        asked_for_all = span == Span() and not instruments
        raise ConfigurationError(
            "Nothing was counted there",
            "findata materialize brings bars, and counts them"
            if asked_for_all
            else "see findata coverage without options for what there is",
        )
    if as_json or as_csv:
        (print_json if as_json else print_csv)(rows.columns, rows.iter_rows())
        return
    _draw(rows)
    _warn(rows, now)


def states(platform: Platform, span: Span, instruments: list[str]) -> pl.DataFrame:
    """Return COLUMNS of every session, in the order of instrument, interval, source and session."""
    import polars as pl

    from findata_assets.steps.expected import known_states

    rows = known_states(platform, span.first or date.min, span.end or date.max, instruments)
    return rows.rename({"missing_ranges": "gaps_utc"}).select(COLUMNS) if rows.width else pl.DataFrame()


def _draw(rows: pl.DataFrame) -> None:
    import polars as pl

    kind = pl.when(pl.col("state") == "present").then("status").otherwise("state")
    drawn = rows.with_columns(kind.alias("kind"))
    kinds = set(drawn.get_column("kind"))
    shown = [name for name in MARKS if name in kinds or name in ALWAYS_COUNTED]
    lines = []
    for (instrument, interval, source), part in drawn.group_by(
        ["instrument_id", "interval", "source"], maintain_order=True
    ):
        mine = part.get_column("kind").to_list()
        picture = "".join(MARKS[name] for name in mine[-MOST_SESSIONS_DRAWN:])
        dates = part.get_column("session_date")
        counts = (len(mine), *(mine.count(name) for name in shown))
        lines.append((instrument, interval, source, dates.min(), dates.max(), *counts, picture))
    numbers = ("sessions", *(name.replace("_", " ") for name in shown))
    screen.show(
        ("instrument", "interval", "source", "first", "last", *numbers, "the last sessions"),
        lines,
        numbers=numbers,
    )
    legend = ", ".join(f"{MARKS[name]} {name.replace('_', ' ')}" for name in shown)
    screen.say(f"{legend}; --csv gives each session with its gaps")


def _warn(rows: pl.DataFrame, now: datetime) -> None:
    """Say what is to be asked for, and when the first of it is forgotten."""
    due = rows.filter("is_due")
    if due.is_empty():
        screen.say("nothing is due: every session is final, not settled yet, or out of reach")
        return
    forgotten = due.get_column("expires_time").drop_nulls()
    first = forgotten.min()
    when = f"; the first is forgotten in {(first - now).days} days" if isinstance(first, datetime) else ""
    sources = ", ".join(sorted(set(due.get_column("source"))))
    screen.say(f"{due.height:,} sessions are due of {sources}{when}: findata materialize --source SOURCE")
