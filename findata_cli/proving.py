"""verify and rebuild: whether database, lake and raw payloads say the same, and the repair from raw."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from findata_cli import opening, screen
from findata_cli.exits import PROOF_FAILED
from findata_cli.spans import SessionsOption, parse_span, require_sessions

if TYPE_CHECKING:
    import polars as pl

    from findata_assets.steps.proof import Proof

MOST_LINES_SHOWN = 60
SEE_ABOVE = "its payload is damaged, see above"
GROUP = ["table_name", "subject", "slice", "where", "finding"]


def verify(
    sessions: SessionsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every difference, as JSON.")] = False,
) -> None:
    """Make everything again from the raw payloads and compare: database, lake, made again.

    Nothing is changed. Exit code 1 if anything differs.
    """
    from findata_assets.steps.proof import verify as prove

    _finish(_prove(prove, sessions), as_json, "findata rebuild puts in place what raw payloads say")


def rebuild(sessions: SessionsOption = None) -> None:
    """Make everything again from the raw payloads and put in place what differs.

    A raw object whose bytes are not those that were received repairs nothing: it is named, nothing is
    put in place, and the exit code is 1.
    """
    from findata_assets.steps.proof import rebuild as repair

    proof = _prove(repair, sessions)
    if proof.scopes_made:
        screen.say(f"the database held nothing: {proof.scopes_made:,} scopes made; findata verify proves it")
        return
    if not proof.is_equal and "raw" not in set(proof.differences["where"]):
        _show(proof)
        screen.say("what differed was put in place; findata verify proves it")
        return
    _finish(
        proof, False, "restore the raw objects that are named above from a backup; nothing was put in place"
    )


def _prove(step: Callable[..., Proof], sessions: str | None) -> Proof:
    span, started = parse_span(sessions), time.monotonic()
    settings = opening.settings_in_force()
    require_sessions(span, settings, datetime.now(UTC))
    with opening.platform(settings) as platform, screen.stages() as progress:
        proof = step(platform, progress, span.first, span.end)
        _tell_hash(platform.store.database.url, time.monotonic() - started)
    return proof


def _tell_hash(database_url: str, elapsed_seconds: float) -> None:
    """Print one hash for all tables as they are now: equal where two databases hold the same."""
    from findata_resources.backups.servers import content_hash_of

    told = f"all tables: {content_hash_of(database_url)} after {elapsed_seconds:.1f} s"
    screen.errors().print(told, soft_wrap=True)


def _finish(proof: Proof, as_json: bool, next_step: str) -> None:
    if as_json:
        sys.stdout.write(json.dumps(proof.differences.to_dicts(), default=str, indent=1) + "\n")
    else:
        _show(proof)
    if not proof.is_equal:
        screen.errors().print(next_step)
        raise typer.Exit(PROOF_FAILED)


def _show(proof: Proof) -> None:
    """Print what was compared and what differs, neighbouring sessions in one line."""
    if proof.is_equal:
        screen.say(
            f"equal: {proof.scopes_compared:,} scopes, each in the database, in the lake, and made again"
        )
        return
    for reason in damages(proof.differences):
        screen.say(reason, style="red")
    lines = grouped(proof.differences)
    columns = ("table", "instrument or rate", "sessions", "slice", "where", "finding")
    shown = [
        (row["table_name"], row["subject"], _dates(row), row["slice"], row["where"], row["finding"])
        for row in lines.head(MOST_LINES_SHOWN).iter_rows(named=True)
    ]
    screen.show(columns, shown)
    if lines.height > len(shown):
        screen.say(f"and {lines.height - len(shown):,} more lines; --json prints all")
    screen.say(f"different: {proof.differences.height:,} findings in {proof.scopes_compared:,} scopes")


def damages(differences: pl.DataFrame) -> list[str]:
    """Return what is wrong with raw objects, each object once, as texts that are not cut into table cells."""
    import polars as pl

    return differences.filter(pl.col("where") == "raw").get_column("finding").unique().sort().to_list()


def grouped(differences: pl.DataFrame) -> pl.DataFrame:
    """Return one row for what is the same but for its date: first and last date, and how many; raw first."""
    import polars as pl

    return (
        differences.with_columns(
            pl.when(pl.col("where") == "raw").then(pl.lit(SEE_ABOVE)).otherwise("finding").alias("finding")
        )
        .group_by(GROUP)
        .agg(
            pl.col("scope_date").min().alias("first"),
            pl.col("scope_date").max().alias("last"),
            pl.len().alias("dates"),
        )
        .sort(pl.col("where") != "raw", *GROUP, "first")
    )


def _dates(row: dict[str, object]) -> str:
    if str(row["first"]) == "1970-01-01":
        return "whole history"
    return str(row["first"]) if row["dates"] == 1 else f"{row['first']}..{row['last']} ({row['dates']})"
