"""coverage: which sessions of which instruments are there, in numbers and as a picture made of characters.

What belongs here: printing ops.coverage. What does not: counting (findata_assets.steps.coverage).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from findata_cli import opening, screen
from findata_cli.querying import print_csv, print_json
from findata_cli.spans import SessionsOption, Span, parse_span
from findata_core.errors import ConfigurationError

if TYPE_CHECKING:
    import polars as pl

    from findata_assets.steps.platform import Platform

MARKS = {"complete": "█", "partial": "▄", "missing": "·"}
MOST_SESSIONS_DRAWN = 60


def coverage(
    instruments: Annotated[
        list[str] | None,
        typer.Option("--instrument", metavar="ID", help="Only this instrument; may be given again."),
    ] = None,
    sessions: SessionsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, an object a session.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, a line a session.")] = False,
) -> None:
    """Show which sessions are complete, partial or missing, by instrument, interval and source.

    Every session between the first and the last is counted against the minutes that the calendar expects.
    The last sessions are drawn, the youngest on the right; JSON and CSV give them all, with their gaps.
    """
    if as_json and as_csv:
        raise ConfigurationError("--json and --csv exclude each other", "give one of them")
    span = parse_span(sessions)
    with opening.platform(opening.settings_in_force()) as platform:
        rows = counted(platform, span, instruments or [])
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


def counted(platform: Platform, span: Span, instruments: list[str]) -> pl.DataFrame:
    """Return the lines of ops.coverage, in the order of instrument, interval, source and session."""
    from psycopg import sql

    from findata_resources.stores.database import literal_list

    conditions: list[sql.Composable] = [sql.SQL("true")]
    if instruments:
        conditions.append(sql.SQL("instrument_id = ANY({})").format(literal_list(instruments, "text")))
    for operator, day in ((">=", span.first), ("<=", span.last)):
        if day:
            comparison = sql.SQL("session_date " + operator + " {}::date")
            conditions.append(comparison.format(sql.Literal(str(day))))
    return platform.store.database.frame(
        sql.SQL(
            "SELECT instrument_id, interval, source, session_date, status, present_bars, expected_bars, "
            "array_to_string(missing_ranges, ' ') AS gaps_utc FROM ops.coverage WHERE {} ORDER BY 1, 2, 3, 4"
        ).format(sql.SQL(" AND ").join(conditions))
    )


def _draw(rows: pl.DataFrame) -> None:
    lines = []
    for (instrument, interval, source), part in rows.group_by(
        ["instrument_id", "interval", "source"], maintain_order=True
    ):
        states = part.get_column("status").to_list()
        drawn = "".join(MARKS[status] for status in states[-MOST_SESSIONS_DRAWN:])
        dates = part.get_column("session_date")
        counts = (len(states), *(states.count(status) for status in MARKS))
        lines.append((instrument, interval, source, dates.min(), dates.max(), *counts, drawn))
    numbers = ("sessions", *MARKS)
    screen.show(
        ("instrument", "interval", "source", "first", "last", *numbers, "the last sessions"),
        lines,
        numbers=numbers,
    )
    legend = ", ".join(f"{mark} {status}" for status, mark in MARKS.items())
    screen.say(f"{legend}; --csv gives each session with its gaps")
