"""Where a reader of the journal stands, and the cursor that says it.

What belongs here: positions, their spelling, what is refused. What does not: reading the journal (lines).

A position is the key of the last line that was delivered, or (transaction, 0): all lines of lower transactions were.
Transactions are numbered by one server, so a cursor names whose numbers it means: the feed, made of the server's
identifier, its timeline, and the database.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import NamedTuple

from findata_serving.problems import Problem, bad_parameter, shown

_SPELLING = re.compile(r"([0-9a-f]{8})\.(\d{1,19})\.(\d{1,10})", re.ASCII)
MOST_TRANSACTION, MOST_NUMBER = 2**63 - 1, 2**31 - 1


class Position(NamedTuple):
    """A place in the journal; positions are compared as pairs."""

    transaction_id: int
    change_number: int


@dataclass(frozen=True)
class StreamCursor:
    """A position, and the feed that it is one of."""

    feed: str
    position: Position

    def __str__(self) -> str:
        return f"{self.feed}.{self.position.transaction_id}.{self.position.change_number}"


def parse_cursor(text: str) -> StreamCursor:
    """Read a cursor; a Problem where it is none."""
    spelt = _SPELLING.fullmatch(text)
    if not spelt:
        raise _unreadable(text)
    position = Position(int(spelt[2]), int(spelt[3]))
    if position > Position(MOST_TRANSACTION, MOST_NUMBER) or position.change_number > MOST_NUMBER:
        raise _unreadable(text)
    return StreamCursor(spelt[1], position)


def feed_name(server: int, timeline: int, database: int) -> str:
    """Return the short name of a feed."""
    return hashlib.sha256(f"{server}/{timeline}/{database}".encode()).hexdigest()[:8]


def _unreadable(text: str) -> Problem:
    return bad_parameter(
        "cursor",
        f"{shown(text)} is no cursor of this stream",
        "Give the id of the last event as it came, or leave cursor and Last-Event-ID out to begin now",
    )
