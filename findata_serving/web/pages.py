"""The page at / and its files. What belongs here: serving them, and what a browser may do with them.

What does not: what they show. Nothing of the page is written inline and nothing is fetched from elsewhere, so that the
policy can forbid both.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parent / "static"

# `data:` is what a browser's own controls draw themselves with.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Kept, and asked for again each time: a new version of findata is seen at once, an old one costs a 304.
    "Cache-Control": "no-cache",
}


class PageFiles(StaticFiles):
    """The files of the page, each with the page's headers."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response


def install(app: FastAPI) -> None:
    """Put the page at / and its files under /static. They need no key: figures do."""
    app.router.routes.append(Route("/", _page))
    app.mount("/static", PageFiles(directory=FOLDER))


async def _page(_request: Request) -> Response:
    return FileResponse(FOLDER / "index.html", headers=HEADERS, media_type="text/html")
