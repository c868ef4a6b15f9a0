"""Cursors: where the next page begins, as a text that only this question takes.

What belongs here: making and checking them. What does not: what a page holds.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from fastapi import Request

from findata_serving.problems import Problem

NOT_OF_THE_QUESTION = frozenset({"cursor", "format", "limit"})
DIGEST_BYTES = 9


def made(request: Request, key: Sequence[str | int]) -> str:
    """Return the cursor of what follows a row with this key."""
    text = orjson.dumps([_question(request), *key])
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def read(request: Request, cursor: str | None, kinds: Sequence[type]) -> list[Any] | None:
    """Return the key that a cursor holds, of these types; a Problem where it is none, or of another question."""
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        found = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        raise _malformed() from None
    if not isinstance(found, list) or len(found) != len(kinds) + 1:
        raise _malformed()
    question, *key = found
    if any(type(value) is not kind for value, kind in zip(key, kinds, strict=True)):
        raise _malformed()
    if any(isinstance(value, int) and abs(value) > 2**53 for value in key):
        raise _malformed()
    if any(isinstance(value, str) and "\x00" in value for value in key):
        raise _malformed()
    if question != _question(request):
        raise Problem(
            400,
            "foreign-cursor",
            "The cursor belongs to another question",
            "Repeat the question that the cursor came from, or leave the cursor out",
            parameter="cursor",
        )
    return key


def _question(request: Request) -> str:
    """Return what tells a question from others: its path and parameters, without where it goes on and how it looks."""
    asked = sorted(
        (name, value) for name, value in request.query_params.multi_items() if name not in NOT_OF_THE_QUESTION
    )
    text = orjson.dumps([request.url.path, asked])
    return base64.b64encode(hashlib.blake2b(text, digest_size=DIGEST_BYTES).digest()).decode()


def link(request: Request, cursor: str | None) -> Mapping[str, str]:
    """Return the headers that say where the next page is (RFC 8288), for forms that hold rows alone."""
    if cursor is None:
        return {}
    address = request.url.include_query_params(cursor=cursor)
    return {"Link": f'<{address.path}?{address.query}>; rel="next"', "Findata-Next-Cursor": cursor}


def _malformed() -> Problem:
    return Problem(
        400,
        "bad-cursor",
        "This is no cursor of findata",
        "Take next_cursor from an answer as it is, or leave the cursor out",
        parameter="cursor",
    )
