"""retention and cost: how long what is kept, and how much room it takes.

What belongs here: printing. What does not: dropping (findata_assets.steps.retention), measuring (steps.costs).
"""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from findata_cli import opening, screen


def retention(
    is_applied: Annotated[
        bool, typer.Option("--apply", help="Do it: set policies, drop chunks, prune Dagster's step events.")
    ] = False,
    is_sql: Annotated[bool, typer.Option("--sql", help="Print the statements as SQL.")] = False,
) -> None:
    """Show what FINDATA_RETENTION_DAYS, _COMPRESSION_DAYS, _DAGSTER_EVENT_DAYS and _CHANGE_DAYS mean on this server.

    Only closed versions are ever dropped, never current rows, never raw payloads. The job `retention` does it weekly.
    """
    settings = opening.settings_in_force()
    from findata_assets.steps.retention import apply, plan, prune_changes, prune_dagster

    with opening.platform(settings) as platform:
        found = (apply if is_applied else plan)(platform)
        pruned = prune_dagster(platform) if is_applied else 0
        forgotten = prune_changes(platform) if is_applied else 0
    if is_sql:
        for _, statement in found.statements:
            screen.say(f"{statement};")
        return
    screen.say(f"TimescaleDB {'.'.join(map(str, found.edition.version))}, licence {found.edition.licence}")
    for words, _ in found.statements:
        screen.say(f"{'done' if is_applied else 'to do'}: {words}")
    for address in found.not_possible:
        screen.say(f"not possible: {address} can't be compressed by this edition", style="yellow")
    days = settings.dagster_event_days
    kept = f"for {days} days" if days else "for ever"
    screen.say(f"Dagster's step events are kept {kept}" + (f"; {pruned:,} deleted" if is_applied else ""))
    told = f"The journal of changes is kept for {settings.change_days} days"
    screen.say(told + (f"; {forgotten:,} lines deleted" if is_applied else ""))
    if not found.statements:
        screen.say("no chunk is dropped or compressed")


def cost(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, an object a line.")] = False,
) -> None:
    """Show the bytes of each layer, and what a row and a bar takes: raw payloads, database, history, lake."""
    from findata_assets.steps.costs import costs

    with opening.platform(opening.settings_in_force()) as platform:
        found = costs(platform)
    if as_json:
        sys.stdout.write(json.dumps([vars(item) for item in found], indent=1) + "\n")
        return
    numbers = ("rows", "MB", "bytes a row", "bytes a bar")
    screen.show(
        ("layer", "what", *numbers),
        [
            (
                item.layer,
                item.what,
                item.rows,
                f"{item.size_bytes / 1_000_000:,.2f}",
                _figure(item.bytes_per_row),
                _figure(item.bytes_per_bar),
            )
            for item in found
        ],
        numbers=numbers,
    )
    for layer in dict.fromkeys(item.layer for item in found):
        mine = [item for item in found if item.layer == layer]
        total, a_bar = sum(item.size_bytes for item in mine), sum(item.bytes_per_bar or 0 for item in mine)
        screen.say(f"{layer}: {total / 1_000_000:,.2f} MB, {a_bar:,.1f} bytes a bar")


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"
