"""lake: what lies on S3, which objects a reader takes, merging small ones, the bucket's own rules.

What belongs here: printing. What does not: merging (findata_resources.stores.compaction), its order (steps.upkeep).
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from findata_cli import opening, screen
from findata_cli.exits import PROOF_FAILED, FindataCommand, FindataGroup

if TYPE_CHECKING:
    from findata_assets.steps.upkeep import TableHoldings
    from findata_resources.stores.lake_rules import BucketRule

app = typer.Typer(
    cls=FindataGroup,
    invoke_without_command=True,
    help="The lake: Parquet on S3, one prefix a table. Without a command: what lies there.",
)

MEGABYTE = 1_000_000


@app.callback()
def show(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, an object a table.")] = False,
) -> None:
    """Show sizes, objects and small files of each table, and what could be merged."""
    if context.invoked_subcommand is not None:
        return
    from findata_assets.steps.upkeep import holdings, raw_holdings

    with opening.platform(opening.settings_in_force()) as platform:
        found = holdings(platform)
        if as_json:
            sys.stdout.write(json.dumps([vars(item) for item in found], indent=1) + "\n")
            return
        raw_objects, raw_bytes = raw_holdings(platform)
    _show(found)
    screen.say(f"raw: {raw_objects:,} objects, {_megabytes(raw_bytes)} MB, kept for ever")


def compact(
    tables: Annotated[
        list[str] | None, typer.Argument(metavar="[TABLE]...", help="Only these tables, as market.bars.")
    ] = None,
) -> None:
    """Merge the objects of each past month and year into one, sorted by instrument.

    The old objects go only after the new one was read back and has the same rows by hash. Killed at any moment it is
    finished by the next run; a publisher beside it is safe. Exit code 1 if something could not be merged.
    """
    from findata_assets.steps.upkeep import compact_lake

    with opening.platform(opening.settings_in_force()) as platform, screen.stages() as progress:
        done = compact_lake(platform, progress, tables or ())
    merged = [item for item in done if item.is_merged]
    if merged:
        screen.show(
            ("table", "merged", "objects", "MB", "MB now", "rows", "sha256 of the rows"),
            [
                (
                    item.table,
                    item.partition,
                    item.objects_before,
                    _megabytes(item.bytes_before),
                    _megabytes(item.bytes_after),
                    item.rows,
                    item.sha256[:16],
                )
                for item in merged
            ],
            numbers=("objects", "MB", "MB now", "rows"),
        )
    screen.say(f"merged: {sum(item.objects_before for item in merged):,} objects into {len(merged):,}")
    for item in done:
        if not item.is_merged:
            screen.say(f"{item.table} {item.partition}: {item.remark}", style="yellow")
    if any(item.is_trouble for item in done):
        raise typer.Exit(PROOF_FAILED)


def files(
    address: Annotated[str, typer.Argument(metavar="TABLE", help="A table of the lake, as market.bars.")],
) -> None:
    """Print the objects that hold a table, each row in one of them, as a JSON list of s3:// addresses."""
    from findata_assets.steps.upkeep import lake_of, published
    from findata_resources.stores.lake_layout import current

    with opening.platform(opening.settings_in_force()) as platform:
        lake = lake_of(platform)
        keys = [item.key for item in current(lake.objects_of(published(address)))]
    sys.stdout.write(json.dumps([f"s3://{lake.bucket}/{key}" for key in keys], indent=1) + "\n")


def rules() -> None:
    """Show which of findata's rules the bucket has: leftovers of broken uploads, replaced versions."""
    from findata_assets.steps.upkeep import lake_of
    from findata_resources.stores.lake_rules import bucket_rules

    with opening.platform(opening.settings_in_force()) as platform:
        _show_rules(bucket_rules(lake_of(platform)))


def set_rules() -> None:
    """Set findata's rules beside those that the bucket has; say which the server does not take."""
    from findata_assets.steps.upkeep import lake_of
    from findata_resources.stores.lake_rules import set_bucket_rules

    with opening.platform(opening.settings_in_force()) as platform:
        _show_rules(set_bucket_rules(lake_of(platform)))


def _show(found: list[TableHoldings]) -> None:
    numbers = ("objects", "MB", "small", "void", "could be merged", "into")
    screen.show(
        ("table", "first", "last", *numbers),
        [
            (
                item.table,
                item.first,
                item.last,
                item.objects,
                _megabytes(item.size_bytes),
                item.small_objects,
                item.void_objects,
                item.merged_objects,
                len(item.mergeable),
            )
            for item in found
        ],
        numbers=numbers,
    )
    objects, into = sum(item.merged_objects for item in found), sum(len(item.mergeable) for item in found)
    screen.say("small: below 1 MB; void: made void by a wider object, gone after the next merge")
    if into:
        screen.say(f"findata lake compact would merge {objects:,} objects into {into:,}")


def _show_rules(found: list[BucketRule]) -> None:
    screen.show(("rule", "state", "meaning"), [(item.name, item.state, item.meaning) for item in found])


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / MEGABYTE:,.1f}"


for _command in (compact, files, rules, set_rules):
    app.command(cls=FindataCommand)(_command)
