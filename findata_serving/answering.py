"""From rows to a response: form, headers, and whether it is kept.

What belongs here: the end that all routes of rows have. What does not: which rows.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from fastapi import Request
from starlette.responses import Response

from findata_serving import cursors, formats
from findata_serving.caching import FOREVER, LIVE, SETTLED, Answer, Depends, Given
from findata_serving.formats import Page
from findata_serving.reading import Rows
from findata_serving.routes import key_of

# A payload that was received may enter the books after a crash: within a day every run has adopted it.
CERTAIN_AFTER = timedelta(days=1)


def lasting_of(as_of: datetime | None, now: datetime, *, is_settled: bool) -> str:
    """Return how long an answer may be kept by those who get it."""
    if as_of is not None:
        return FOREVER if now - as_of >= CERTAIN_AFTER else LIVE
    return SETTLED if is_settled else LIVE


def form_of(request: Request, named: str | None) -> str:
    """Return the form that the request asks for."""
    return formats.wanted(named, request.headers.get("accept"))


def answer(
    request: Request,
    form: str,
    rows: Rows,
    page: Page,
    lasting: str = LIVE,
    depends: Depends | None = None,
) -> Response:
    """Return the response with the rows; it is kept where it lasts, or where what it depends on is known."""
    headers = {**cursors.link(request, page.next_cursor)}
    if page.notes:
        headers["Findata-Note"] = " / ".join(page.notes).encode("ascii", "replace").decode()
    made = Answer(formats.written(form, rows, page), formats.MEDIA_TYPES[form], lasting, headers, depends)
    if lasting == FOREVER or depends is not None:
        request.app.state.kept.offer(key_of(request), made, request.state.before)
    return Given(made, request)


def told(request: Request, body: Any, lasting: str = LIVE) -> Response:
    """Return a response with one JSON document."""
    return Given(Answer(orjson.dumps(body), "application/json", lasting), request)


def now_of(request: Request) -> datetime:
    """Return the time by the app's clock."""
    now: datetime = request.app.state.clock.now()
    return now.astimezone(UTC)
