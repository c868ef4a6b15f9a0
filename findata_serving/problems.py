"""What goes wrong, told as RFC 9457 problems: what happened and what to do next, never how it is made inside.

What belongs here: errors of routes, of FastAPI and of the stores as answers. What does not: deciding what is wrong.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from findata_core.errors import (
    ConfigurationError,
    DataError,
    FindataError,
    NotRunning,
    StoreError,
)

LOG = logging.getLogger("findata.serving")
MEDIA_TYPE = "application/problem+json"
LONGEST_SHOWN = 100  # characters of what a caller sent, where a problem repeats it

STATUS_OF: tuple[tuple[type[FindataError], int], ...] = (
    (StoreError, 503),
    (NotRunning, 503),
    (DataError, 422),
    (ConfigurationError, 400),
)
NEXT_STEPS = {
    404: "See /openapi.json for the paths there are",
    405: "Every path is read with GET",
    413: "Send no body: every path is read with GET",
    414: "Ask for less in one request: the whole address may have 8,192 bytes",
    422: "Correct the named parameters; /openapi.json says what each may be",
    503: "Ask again in some seconds; /ready says which store is away",
}


class Problem(FindataError):
    """An answer other than the one asked for. `kind`: what the problem's type ends with; `extra`: further members."""

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        next_step: str,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(message, next_step)
        self.status = status
        self.kind = kind
        self.headers = dict(headers or {})
        self.extra = extra


def bad_parameter(name: str, message: str, next_step: str, **extra: Any) -> Problem:
    """Return the problem of a parameter that can't be used."""
    return Problem(400, "bad-parameter", message, next_step, parameter=name, **extra)


def not_found(kind: str, message: str, next_step: str, **extra: Any) -> Problem:
    """Return the problem of a thing that is not there."""
    return Problem(404, kind, message, next_step, **extra)


def shown(text: str) -> str:
    """Return what a caller sent, short enough to be repeated."""
    return repr(text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "...")


def answer(problem: Problem) -> Response:
    """Return the response that tells a problem."""
    body = {
        "type": f"urn:findata:problem:{problem.kind}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.message,
        "next_step": problem.next_step,
        **problem.extra,
    }
    headers = {"Cache-Control": "no-store", **problem.headers}
    return Response(orjson.dumps(body), problem.status, headers, MEDIA_TYPE)


def of_error(error: FindataError) -> Problem:
    """Return the problem that an error of the steps is; what a store said of itself stays in the log."""
    if isinstance(error, Problem):
        return error
    status = next((status for kind, status in STATUS_OF if isinstance(error, kind)), 500)
    if status >= 500:
        LOG.error("%s", error)
        return away() if status == 503 else unexpected()
    return Problem(status, "refused", error.message, error.next_step)


def away(what: str = "The database") -> Problem:
    """Return the problem of a store that does not answer."""
    return Problem(
        503, "store-away", f"{what} does not answer", NEXT_STEPS[503], headers={"Retry-After": "5"}
    )


def unexpected() -> Problem:
    """Return the problem of what nobody foresaw; the log knows more."""
    return Problem(
        500, "unexpected", "Something unexpected happened", "Look at the server's log at this time"
    )


def install(app: FastAPI) -> None:
    """Make every error of the app a problem."""
    app.add_exception_handler(FindataError, _of_findata)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _of_anything)


async def _of_findata(_request: Request, error: Exception) -> Response:
    assert isinstance(error, FindataError)
    return answer(of_error(error))


async def _of_validation(_request: Request, error: Exception) -> Response:
    """FastAPI says what is wrong parameter by parameter; what was sent is repeated shortly, or not at all."""
    assert isinstance(error, RequestValidationError)
    found = [
        {"parameter": str(one["loc"][-1]), "message": str(one["msg"])[: 2 * LONGEST_SHOWN]}
        for one in error.errors()
    ]
    told = "; ".join(f"{one['parameter']}: {one['message']}" for one in found)
    return answer(Problem(422, "bad-parameter", told, NEXT_STEPS[422], errors=found))


async def _of_http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code
    kinds = {404: "no-such-path", 405: "no-such-method", 413: "too-large", 414: "too-long"}
    return answer(
        Problem(
            status,
            kinds.get(status, "refused"),
            str(error.detail),
            NEXT_STEPS.get(status, "See /openapi.json"),
            headers=error.headers,
        )
    )


async def _of_anything(_request: Request, error: Exception) -> Response:
    LOG.error("Unexpected", exc_info=error)
    return answer(unexpected())
