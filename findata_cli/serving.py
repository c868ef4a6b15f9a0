"""serve: answer readers over HTTP, in the foreground.

What belongs here: starting and ending. What does not: what is answered (findata_serving).
"""

from __future__ import annotations

from typing import Annotated

import typer

from findata_cli import opening, screen

PORT = 8642


def serve(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Where to listen.")] = PORT,
    address: Annotated[str, typer.Option("--address", help="Where to listen.")] = "127.0.0.1",
) -> None:
    """Answer readers over HTTP until interrupted: the API under /v1, the page at /."""
    settings = opening.settings_in_force()
    import uvicorn

    from findata_serving.app import create_app

    screen.say(f"http://{address}:{port}/")
    uvicorn.run(create_app(settings), host=address, port=port, log_level="warning", ws="none")
