"""metrics: what Prometheus is told, once or for as long as the command runs.

What belongs here: starting and ending. What does not: which metrics there are (findata_assets.metrics).
"""

from __future__ import annotations

import signal
import sys
import threading
from typing import Annotated

import typer

from findata_cli import opening, screen
from findata_cli.exits import FindataCommand, FindataGroup

app = typer.Typer(
    cls=FindataGroup, no_args_is_help=True, help="What Prometheus is told, read from the books: serve, show."
)


def serve(
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, help="Default: FINDATA_METRICS_PORT.")
    ] = None,
    address: Annotated[
        str,
        typer.Option(
            "--address", help="Where to listen. Nobody is asked for a password: keep it on a loopback."
        ),
    ] = "127.0.0.1",
) -> None:
    """Answer Prometheus until interrupted. Stores that are down are told of; nothing needs to run before."""
    settings = opening.settings_in_force()
    from findata_assets.metrics.exporter import Exporter, serve
    from findata_assets.metrics.outside import Outside

    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    serving = serve(Exporter(Outside(settings)), address, port or settings.metrics_port)
    screen.say(f"http://{address}:{serving.port}/metrics")
    ended.wait()
    serving.stop()


def show() -> None:
    """Print one scrape."""
    settings = opening.settings_in_force()
    from findata_assets.metrics.exporter import Exporter, text_of
    from findata_assets.metrics.outside import Outside

    exporter = Exporter(Outside(settings), patience_seconds=60)
    sys.stdout.write(text_of(exporter))
    exporter.close()


for _command in (serve, show):
    app.command(cls=FindataCommand)(_command)
