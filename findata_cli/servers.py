"""up, down, status: the servers of this machine, and how the stores are doing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from findata_cli import opening, screen
from findata_cli.exits import exit_code
from findata_core.errors import FindataError

if TYPE_CHECKING:
    from findata_resources.environment import Settings

NAMED = {"database": "FINDATA_DATABASE_URL", "objects": "FINDATA_S3_ENDPOINT"}


def up(
    ui: Annotated[
        bool, typer.Option("--ui", help="Also Dagster's UI and daemon, as findata demo does.")
    ] = False,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Also the exporter that Prometheus asks.")
    ] = False,
    serving: Annotated[
        bool, typer.Option("--serving", help="Also the API for readers, with its page.")
    ] = False,
) -> None:
    """Start TimescaleDB and S3, unless they run or are named in the settings."""
    settings = opening.settings_in_force()
    from findata_resources.embedded import exporter, orchestrator, stack
    from findata_resources.embedded.serving import page_address

    with screen.stages() as progress:
        endpoints = stack.up(settings, progress)
        if ui:
            stack.dagster_up(settings, endpoints, progress)
        if metrics:
            stack.metrics_up(settings, endpoints, progress)
        if serving:
            stack.serving_up(settings, endpoints, progress)
    show_servers(settings)
    if metrics:
        screen.say(f"metrics: {exporter.metrics_address(settings.metrics_port)}")
    if serving:
        screen.say(f"readers: {page_address(settings)}")
    if ui:
        screen.say(f"Dagster: {orchestrator.ui_address(settings.dagster_port)}")


def down() -> None:
    """Stop every server that findata started here, Dagster's too. The data stays."""
    settings = opening.settings_in_force()
    from findata_resources.embedded import stack

    with screen.stages() as progress:
        stack.down(settings, progress)
    screen.say("nothing of this home runs now; findata up starts it again")


def status() -> None:
    """Show the servers, the rows of each table, what is due, and lake objects to be published.

    Exit code 3 if a store can't be reached.
    """
    settings = opening.settings_in_force()
    show_servers(settings)
    try:
        show_contents(settings)
    except FindataError as error:
        screen.tell_error(error.message, error.next_step)
        raise typer.Exit(exit_code(error)) from None


def show_servers(settings: Settings) -> None:
    """Print which servers run, where."""
    from findata_resources.embedded import stack

    named = {"database": settings.database_url is not None, "objects": settings.s3_endpoint is not None}
    rows = []
    for server in stack.status(settings):
        state = "running" if server.is_running else "not running"
        if named.get(server.name):
            state = f"yours, named in {NAMED[server.name]}"
        rows.append((server.name, state, str(server.port or ""), str(server.process_id or ""), server.log))
    screen.show(("server", "state", "port", "process", "log"), rows, numbers=("port", "process"))
    if readers_address(settings):
        screen.say(f"readers (docs/sql.md): {readers_address(settings)}")


def readers_address(settings: Settings) -> str:
    """Return where readers of the embedded database connect, their password included; "" where it does not run.

    The login reads what is settled and nothing else, and answers on this machine only. Passwords of other databases are
    not shown.
    """
    from findata_resources.embedded.state import read_state

    state = read_state(settings.home)
    named = settings.database_url is not None or settings.reader_database_url is not None
    if named or state.database is None or not state.is_running("database"):
        return ""
    return state.database.reader_database_url or ""


def show_contents(settings: Settings) -> None:
    """Print the rows of each table, what is due and what the lake lacks."""
    from findata_cli.contents import contents

    with opening.platform(settings) as platform:
        found = contents(platform)
    _require_objects(settings)
    screen.show(("table", "rows", "first", "last"), found.tables, numbers=("rows",))
    if found.due:
        screen.show(("due", "scopes", "first", "last"), found.due, numbers=("scopes",))
        screen.say("findata materialize runs what is due")
    else:
        screen.say("nothing is due")
    screen.say(
        f"lake: {found.lake_marks} objects to be published" if found.lake_marks else "lake: up to date"
    )


def _require_objects(settings: Settings) -> None:
    """Ask S3 for an object that nobody puts: StoreError if nobody answers."""
    from findata_resources.environment import resolve_endpoints
    from findata_resources.stores.objects import Objects

    Objects(resolve_endpoints(settings)).version("status")
