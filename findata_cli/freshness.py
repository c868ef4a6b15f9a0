"""freshness: what should have come from which provider by when, when it came, and how late it is.

What belongs here: printing ops.arrivals. What does not: what is expected (findata_core/quality/arrivals.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from findata_cli import opening, screen
from findata_cli.querying import print_csv, print_json
from findata_core.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    import polars as pl

COLUMNS = ("provider", "slot", "table", "subject", "date", "expected by (UTC)", "late by", "here", "next")


def freshness(
    show_all: Annotated[
        bool, typer.Option("--all", help="Also what is here, and what is expected within the next day.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, an object a row.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, a line a row.")] = False,
) -> None:
    """Show what is late by the calendars of exchanges and publishers, latest first, and the command that asks for it.

    The table ops.arrivals is brought up to date first. JSON and CSV give all of its rows, with late_by in seconds.
    """
    if as_json and as_csv:
        raise ConfigurationError("--json and --csv exclude each other", "give one of them")
    with opening.platform(opening.settings_in_force()) as platform:
        from findata_assets.steps.arrivals import refresh_arrivals, stored_arrivals
        from findata_core.quality.arrivals import with_lateness

        refresh_arrivals(platform)
        now = platform.clock.now()
        rows = with_lateness(stored_arrivals(platform), now).sort(
            "is_late", "late_by", "expected_time", descending=[True, True, False], nulls_last=True
        )
    if as_json or as_csv:
        import polars as pl

        told = rows.with_columns(late_by_seconds=pl.col("late_by").dt.total_seconds()).drop("late_by")
        (print_json if as_json else print_csv)(told.columns, told.iter_rows())
        return
    _show(rows, now, show_all)


def _show(rows: pl.DataFrame, now: datetime, show_all: bool) -> None:
    late = rows.filter("is_late")
    shown = rows if show_all else late
    if shown.height:
        screen.show(COLUMNS, [_line(row) for row in shown.iter_rows(named=True)])
    if rows.is_empty():
        screen.say("Nothing is expected: no provider was asked yet. findata materialize --source asks one")
        return
    coming = rows.filter(rows.get_column("expected_time") > now)
    screen.say(
        f"{late.height} late, {rows.get_column('arrived_time').count()} here, {coming.height} expected within a day"
    )


def _line(row: dict[str, object]) -> tuple[object, ...]:
    from findata_assets.steps.arrivals import next_step

    due, provider = row["due_date"], row["provider"]
    counts = (row["arrived_instruments"], row["expected_instruments"])
    return (
        *(row[name] for name in ("provider", "slot", "dataset", "subject", "due_date")),
        f"{row['expected_time']:%Y-%m-%d %H:%M}",
        in_words(row["late_by"]),  # type: ignore[arg-type]
        "yes" if row["arrived_time"] else "no" if counts[1] is None else f"{counts[0]} of {counts[1]}",
        next_step(str(provider), due) if row["is_late"] else "",  # type: ignore[arg-type]
    )


def in_words(late_by: timedelta | None) -> str:
    """Return a delay as "2 d 3 h" or "3 h 20 min"; "" where there is none."""
    if late_by is None:
        return ""
    hours, rest = divmod(int(late_by.total_seconds()), 3600)
    if hours >= 24:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours} h {rest // 60} min"
