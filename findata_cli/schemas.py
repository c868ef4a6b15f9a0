"""migrate, schema diff and schema revision: the database's tables brought to, and compared with, the contract."""

from __future__ import annotations

from typing import Annotated

import typer

from findata_cli import opening, screen
from findata_cli.exits import PROOF_FAILED


def migrate(
    bucket: Annotated[
        bool, typer.Option("--bucket", help="Also create the bucket on S3, where the keys may.")
    ] = False,
) -> None:
    """Bring the database's tables to the newest revision. Safe to run twice, or twice at once."""
    settings = opening.settings_in_force()
    from findata_resources.embedded.objects import create_bucket
    from findata_resources.environment import resolve_endpoints
    from findata_resources.migrations.migrate import migrate as bring_to_newest
    from findata_resources.migrations.migrate import wanted_of_administrator

    endpoints = resolve_endpoints(settings)
    if bucket:
        create_bucket(endpoints)
        screen.say(f"the bucket {endpoints.s3_bucket} is there")
    before, after = bring_to_newest(endpoints.database_url)
    screen.say(
        f"the database is at revision {after} already"
        if before == after
        else f"revision before: {before or 'none'}, now: {after}"
    )
    wanted = wanted_of_administrator(endpoints.database_url)
    if wanted:
        screen.say(
            "this user may not give readers their rights; an administrator runs, then findata migrate again:"
        )
        screen.say("\n".join(f"  {statement};" for statement in wanted))


def diff() -> None:
    """Compare the database with the contract in proto/; exit code 1 if they differ."""
    settings = opening.settings_in_force()
    from findata_resources.environment import resolve_endpoints
    from findata_resources.migrations.migrate import schema_difference

    operations = schema_difference(resolve_endpoints(settings).database_url)
    if not operations:
        screen.say("nothing to do: the database is what the contract says")
        return
    screen.say("the database would become what the contract says by:")
    screen.say(operations)
    raise typer.Exit(PROOF_FAILED)


def revision(
    message: Annotated[str, typer.Argument(metavar="MESSAGE", help="What changes, in a few words.")],
) -> None:
    """Write the migration that brings the database from its newest revision to the contract in proto/.

    For whoever develops findata: change proto/, run scripts/generate.py, then this on a migrated database; read what it
    wrote before it is committed.
    """
    settings = opening.settings_in_force()
    from findata_resources.environment import resolve_endpoints
    from findata_resources.migrations.migrate import write_revision

    path = write_revision(resolve_endpoints(settings).database_url, message)
    screen.say(
        f"wrote {path}; read it, then run findata migrate"
        if path
        else "nothing to write: the database is what the contract says"
    )
