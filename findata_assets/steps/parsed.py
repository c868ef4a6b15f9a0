"""What payloads say, parsed once: kept for the next who asks, as long as there is room.

A payload is read when it is received, to know its scopes, and again when its table is folded, most often
by the same run. Parsing is pure, so that what was kept is what would be read again. Proofs don't rely on it:
they hand over bodies that they have read themselves (`explaining`), or start with nothing kept (`scratch`).

A parser that ends with an exception of Python or a library must not take the body with it, nor the answers beside it:
it becomes an error with a name here, and nowhere else, so that tests of parsers see the exception itself.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from polars.exceptions import PanicException

from findata_core.errors import FindataError, ParserFailed
from findata_resources.provider import Parsed
from findata_resources.providers import parse_payload
from findata_resources.stores.raw import Payload

ROOM_ROWS = 400_000  # five sessions of 200 instruments, some 60 MB


class ParsedPayloads:
    """Parsed payloads, the ones asked for last; `read_body` gets the body of one that is not among them."""

    def __init__(self, read_body: Callable[[Payload], bytes], room_rows: int = ROOM_ROWS) -> None:
        self._read_body = read_body
        self._room_rows = room_rows
        self._bodies: dict[int, bytes] = {}
        self._kept: OrderedDict[int, list[Parsed]] = OrderedDict()
        self._rows = 0

    def hand_over(self, payload: Payload, body: bytes) -> None:
        """Take a body as it was just stored or read; the payload is parsed from it when next asked for."""
        known = self._kept.pop(payload["payload_id"], [])
        self._rows -= _rows_of(known)
        self._bodies[payload["payload_id"]] = body

    def has(self, payload: Payload) -> bool:
        """Tell whether a payload is parsed, or its body here to be."""
        return payload["payload_id"] in self._kept or payload["payload_id"] in self._bodies

    def of(self, payload: Payload) -> list[Parsed]:
        """Return what a payload says, per table. MalformedPayload: it can't be parsed (ParserFailed: it crashed)."""
        payload_id = payload["payload_id"]
        if payload_id not in self._kept:
            self._keep(payload_id, self._read(payload))
        self._kept.move_to_end(payload_id)
        return self._kept[payload_id]

    def _read(self, payload: Payload) -> list[Parsed]:
        body = self._bodies.pop(payload["payload_id"], None)
        return _parsed(self._read_body(payload) if body is None else body, json.loads(payload["request"]))

    def _keep(self, payload_id: int, said: list[Parsed]) -> None:
        """Keep one and forget the oldest where room is short; the last one stays, however large."""
        self._kept[payload_id] = said
        self._rows += _rows_of(said)
        while self._rows > self._room_rows and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._rows -= _rows_of(oldest)


def _parsed(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    try:
        return parse_payload(body, request)
    except (FindataError, MemoryError, OSError):
        raise  # the reason is known, or it is the machine's: the same bytes may be read next time
    except (Exception, PanicException) as error:
        raise ParserFailed(
            f"The parser of {request['dataset']} of {request['provider']} failed: {error!r:.300}",
            "Report it with the payload, which is kept: when the parser is mended, findata rebuild reads it",
        ) from error


def _rows_of(said: list[Parsed]) -> int:
    return sum(part.rows.height for part in said)
