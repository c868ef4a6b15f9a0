"""calendars: which exchanges' sessions are known, from which library, and what they say otherwise than before.

What belongs here: printing. What does not: what a change is (findata_core.calendar_changes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from findata_cli import opening, screen
from findata_cli.querying import print_csv, print_json
from findata_core.errors import ConfigurationError

if TYPE_CHECKING:
    import polars as pl

    from findata_assets.steps.platform import Platform


def calendars(
    mics: Annotated[
        list[str] | None,
        typer.Option("--mic", metavar="MIC", help="Only this exchange; may be given again."),
    ] = None,
    changes: Annotated[
        bool, typer.Option("--changes", help="List the days that were closed, opened or moved.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, an object a line.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Show the exchanges' calendars as they are known, or what has changed in them.

    Each calendar is a received snapshot of what the calendar library says. A day that a later snapshot closes, opens
    or moves is a change: its bars are placed anew, and what is made of them is made again.
    """
    if as_json and as_csv:
        raise ConfigurationError("--json and --csv exclude each other", "give one of them")
    with opening.platform(opening.settings_in_force()) as platform:
        known = _calendars(platform)
        rows = _changes(platform) if changes else known
    unknown = sorted(set(mics or []) - set(known.get_column("mic")))
    if unknown:
        raise ConfigurationError(
            f"No calendar of {', '.join(unknown)} was received",
            f"Known are {', '.join(known.get_column('mic')) or 'none: findata materialize receives them'}",
        )
    chosen = rows.filter(rows.get_column("mic").is_in(mics)) if mics else rows
    if as_json or as_csv:
        (print_json if as_json else print_csv)(chosen.columns, chosen.iter_rows())
    elif chosen.is_empty():
        screen.say("no calendar has changed" if changes else "no calendar was received yet")
    else:
        screen.show(chosen.columns, chosen.iter_rows())


def _calendars(platform: Platform) -> pl.DataFrame:
    """Return a row an exchange: how far its sessions reach, from which library, and how many days have changed."""
    import polars as pl

    from findata_core.schema.tables import table

    sessions = platform.store.read(table("reference.sessions"))
    changed = _changes(platform).group_by("mic").agg(changed_days=pl.col("session_date").n_unique())
    known = sessions.group_by("mic").agg(
        sessions=pl.len(),
        first_date=pl.col("session_date").min(),
        last_date=pl.col("session_date").max(),
        calendar_version=pl.col("calendar_version").sort_by("ingest_time").last(),
        received_time=pl.col("ingest_time").max(),
    )
    return (
        known.join(changed, on="mic", how="left")
        .with_columns(pl.col("changed_days").fill_null(0))
        .sort("mic")
    )


def _changes(platform: Platform) -> pl.DataFrame:
    from findata_core.schema.tables import table

    return platform.store.read(table("reference.session_changes")).drop("ingest_time")
