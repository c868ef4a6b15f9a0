"""backup, backup list, backup drill and restore: copies of the databases on S3, and back.

What belongs here: options and printing. What does not: the order of things (findata_assets/steps/backing_up.py,
restoring.py). None of them needs Dagster, which may be what is lost.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from findata_cli import opening, screen
from findata_cli.exits import PROOF_FAILED, FindataCommand, FindataGroup

if TYPE_CHECKING:
    from findata_core.backups.manifest import DrillRecord
    from findata_resources.backups.catalogue import Holding
    from findata_resources.stores.objects import Objects

app = typer.Typer(
    cls=FindataGroup,
    invoke_without_command=True,
    help="Back up the databases (findata's and Dagster's) to S3. Commands: list, drill.",
)

LATEST = "latest"
MEGABYTE = 1_000_000
NameArgument = Annotated[
    str, typer.Argument(metavar="[NAME]", help="A backup, as findata backup list names it.")
]


@app.callback()
def backup(context: typer.Context) -> None:
    """Take a backup of the databases as they are at one moment; remove those that are no longer kept.

    A backup that is interrupted is never taken for one: its manifest comes last.
    """
    if context.invoked_subcommand is not None:
        return
    from findata_assets.steps.backing_up import take_backup

    with opening.platform(opening.settings_in_force()) as platform, screen.stages() as progress:
        taken = take_backup(platform, progress)
    manifest = taken.manifest
    screen.show(
        ("part", "tables", "rows", "MB on S3", "sha256"),
        [
            (
                part.name,
                len(part.tables),
                sum(count.rows for count in part.tables.values()),
                _megabytes(part.size_bytes),
                part.sha256[:16],
            )
            for part in manifest.parts
        ],
        numbers=("tables", "rows", "MB on S3"),
    )
    screen.say(
        f"backup {manifest.name} in {manifest.duration_seconds:.1f} s; all tables: {manifest.content_hash}"
    )
    screen.say(
        f"youngest payload in it: {_instant(manifest.newest_payload_time)}; what comes later is in raw"
    )
    if taken.removed:
        screen.say(f"removed, as no longer kept: {', '.join(taken.removed)}")


def list_backups(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, an object a backup.")] = False,
) -> None:
    """Show the backups on S3, what the last drill found of each, and halves that were interrupted."""
    from findata_resources.backups.catalogue import drill_of, holdings
    from findata_resources.environment import resolve_endpoints
    from findata_resources.stores.objects import Objects

    objects = Objects(resolve_endpoints(opening.settings_in_force()))
    found = [_line(objects, item, drill_of(objects, item)) for item in holdings(objects)]
    if as_json:
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
        return
    columns = ("name", "state", "MB", "rows", "migration", "youngest payload", "drill")
    rows = [
        (*(line[name] for name in columns[:2]), _megabytes(line["bytes"]), *map(line.get, columns[3:]))
        for line in found
    ]
    screen.show(columns, rows, numbers=("MB", "rows"))
    if not found:
        screen.say("there is none; findata backup takes one")


def drill(name: NameArgument = LATEST) -> None:
    """Restore a backup into databases of its own, compare every table with what was backed up, drop them.

    The result is kept beside the backup. Exit code 1 if anything differs.
    """
    from findata_assets.steps.restoring import drill as try_out

    with opening.platform(opening.settings_in_force()) as platform, screen.stages() as progress:
        record = try_out(platform, name, progress)
    for difference in record.differences:
        screen.say(difference, style="red")
    outcome = "equal" if record.is_equal else f"different: {len(record.differences)} findings"
    screen.say(f"{outcome}: backup {record.name}, restored and compared in {record.duration_seconds:.1f} s")
    if not record.is_equal:
        screen.errors().print(
            "take another backup: findata backup; findata verify says whether the database is right"
        )
        raise typer.Exit(PROOF_FAILED)


def restore(
    name: NameArgument = LATEST,
    without_dagster: Annotated[
        bool, typer.Option("--without-dagster", help="Leave Dagster's runs and events out.")
    ] = False,
) -> None:
    """Restore a backup onto a server whose databases are empty, then make from raw what was received since.

    The databases take their names when they are whole and compared; an interrupted restore leaves nothing, and may be
    run again. Exit code 1 if something differs.
    """
    from findata_assets.steps.restoring import restore as bring_back

    with opening.platform(opening.settings_in_force()) as platform, screen.stages() as progress:
        done = bring_back(platform, name, progress, with_dagster=not without_dagster)
    screen.say(
        f"restored {done.manifest.name} in {done.restore_seconds:.1f} s: as it was at {_instant(done.manifest.time)}, "
        f"hash {done.manifest.content_hash}"
    )
    screen.say(
        f"received since, and made again from raw in {done.since_seconds:.1f} s: {done.payloads_since:,} payloads; "
        f"hash now {done.content_hash}"
    )
    for difference in done.differences:
        screen.say(difference, style="red")
    if done.differences:
        screen.errors().print(
            "it was so when the backup was taken; findata rebuild puts in place what raw says"
        )
        raise typer.Exit(PROOF_FAILED)
    screen.say("findata verify proves it against the raw payloads")


def _line(objects: Objects, holding: Holding, record: DrillRecord | None) -> dict[str, Any]:
    from findata_core.errors import FindataError
    from findata_resources.backups.catalogue import manifest_of

    line: dict[str, Any] = {
        "name": holding.name,
        "state": "half",
        "bytes": holding.size_bytes,
        "drill": _drilled(record),
    }
    if not holding.is_whole:
        return line
    try:
        manifest = manifest_of(objects, holding.name)
    except FindataError as error:
        return {**line, "state": f"unreadable: {error.message}"}
    return line | {
        "state": "whole",
        "rows": sum(count.rows for part in manifest.parts for count in part.tables.values()),
        "migration": manifest.migration,
        "youngest payload": _instant(manifest.newest_payload_time),
        "hash": manifest.content_hash,
    }


def _drilled(record: DrillRecord | None) -> str:
    if record is None:
        return "never"
    return f"{'equal' if record.is_equal else 'DIFFERENT'} at {_instant(record.time)}"


def _instant(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M:%SZ}" if time else "none"


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / MEGABYTE:,.1f}"


app.command("list", cls=FindataCommand)(list_backups)
app.command(cls=FindataCommand)(drill)
