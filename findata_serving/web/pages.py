"""The page at / and its files. What belongs here: serving them. What does not: what they show."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.responses import FileResponse
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

FOLDER = Path(__file__).parent


def install(app: FastAPI) -> None:
    """Put the page at / and its files under /static."""

    async def page(_request: object) -> FileResponse:
        return FileResponse(FOLDER / "index.html")

    app.router.routes.append(Route("/", page))
    app.mount("/static", StaticFiles(directory=FOLDER))
