"""serve: answer readers over HTTP, in the foreground.

What belongs here: starting and ending. What does not: what is answered (findata_serving).
"""

from __future__ import annotations

from typing import Annotated

import typer

from findata_cli import opening, screen


def serve(
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, help="Default: FINDATA_SERVING_PORT.")
    ] = None,
    address: Annotated[
        str | None, typer.Option("--address", help="Default: FINDATA_SERVING_ADDRESS.")
    ] = None,
) -> None:
    """Answer readers over HTTP until interrupted: the API under /v1, the page at /.

    Readers show a key (findata keys create) or a token of FINDATA_OIDC_ISSUER, unless FINDATA_SERVING_AUTH=off.
    """
    opening.settings_in_force()
    from findata_resources.embedded.serving import page_address
    from findata_resources.environment import load_settings, resolve_endpoints
    from findata_serving.app import create_app
    from findata_serving.server import listen, serve

    named = {"serving_port": port, "serving_address": address}
    settings = load_settings(**{name: value for name, value in named.items() if value is not None})
    resolve_endpoints(settings)  # says findata up where nothing runs
    taken = listen(settings)
    screen.say(page_address(settings))
    try:
        serve(create_app(settings), settings, taken)
    except KeyboardInterrupt:  # how a server in the foreground is meant to end
        screen.say("stopped")
