"""Who may read what: tokens of an OIDC provider, API keys, scopes, limits, the audit log.

What belongs here: the two functions that the rest of the server knows. What does not: routes, and what they
answer.

    requires("read:market")    what a router or route names: the scope that its callers must have
    install(app, settings)     what the app does once: put the gate in front of everything
"""

from __future__ import annotations

import time
from typing import Any, Literal

from fastapi import Depends, FastAPI, Request
from starlette.middleware.cors import CORSMiddleware

from findata_resources.environment import Clock, Settings, SystemClock
from findata_serving.auth.audit import AuditFile
from findata_serving.auth.book import DatabaseBook
from findata_serving.auth.credentials import Credentials, Provider
from findata_serving.auth.gate import CALLER, OPEN_PATHS, Doors, Gate
from findata_serving.auth.keyring import KeyRing
from findata_serving.auth.limits import Allowances
from findata_serving.auth.refusals import NOBODY, Refusal, lacking
from findata_serving.auth.scopes import SCOPES, Caller
from findata_serving.auth.signing_keys import SigningKeys
from findata_serving.problems import Problem

ScopeName = Literal["read:market", "read:rates", "admin"]

# What a page of a named origin may send and see beyond what browsers allow every page.
_CORS_SENT = ("Accept", "Authorization", "If-None-Match", "Last-Event-ID", "X-API-Key")
_CORS_SEEN = ("ETag", "RateLimit", "RateLimit-Policy", "Retry-After")


_SCHEMES = {
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "findata keys create makes one.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An access token of the provider in FINDATA_OIDC_ISSUER (JWT), or an API key. Scopes: "
        + "; ".join(f"{name}: {what}" for name, what in SCOPES.items())
        + ".",
    },
}


def requires(scope: ScopeName) -> Any:
    """Return the dependency that lets only callers with a scope pass.

    Its function takes the request alone: answers that are kept are given after it without the rest of
    FastAPI. Where nobody is asked who they are the caller has every scope, and this is a look into a set.
    """
    refusal = lacking(scope)

    async def permitted(request: Request) -> None:
        caller: Caller | None = request.scope.get(CALLER)
        if caller is None or not caller.may(scope):
            raise _problem(refusal if caller else NOBODY)

    return Depends(permitted)


def caller_of(request: Request) -> Caller | None:
    """Return who asks, as the gate has found."""
    return request.scope.get(CALLER)


def install(app: FastAPI, settings: Settings, clock: Clock | None = None) -> None:
    """Put the gate in front of the app; call it after every other middleware was added, so that it is the outermost."""
    clock = clock or SystemClock()
    credentials = _credentials(settings, clock) if settings.serving_auth == "required" else None
    if credentials is not None:
        _describe(app)
    allowances = Allowances(settings.serving_requests_per_minute, time.monotonic)
    app.add_middleware(Gate, doors=Doors(credentials, allowances, AuditFile(settings.home), clock))
    if settings.serving_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.serving_origins.split(","),
            allow_methods=("GET", "HEAD"),
            allow_headers=_CORS_SENT,
            expose_headers=_CORS_SEEN,
        )


def _credentials(settings: Settings, clock: Clock) -> Credentials:
    provider = None
    if settings.oidc_issuer is not None and settings.oidc_audience is not None:
        keys = SigningKeys(settings.oidc_issuer)
        provider = Provider(settings.oidc_issuer, settings.oidc_audience, keys)
    return Credentials(KeyRing(DatabaseBook(settings, clock)), provider, clock)


def _describe(app: FastAPI) -> None:
    """Say in the API's description what must be shown, and where nothing must."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        document = plain()
        document.setdefault("components", {})["securitySchemes"] = _SCHEMES
        document["security"] = [{name: []} for name in _SCHEMES]
        for path in OPEN_PATHS & document["paths"].keys():
            for operation in document["paths"][path].values():
                operation["security"] = []
        return document

    app.openapi = described  # type: ignore[method-assign]


def _problem(refusal: Refusal) -> Problem:
    return Problem(refusal.status, refusal.kind, refusal.detail, refusal.next_step, dict(refusal.headers))
