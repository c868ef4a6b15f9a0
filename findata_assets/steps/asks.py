"""One request of many: what it is about, what came of it, and what a source forgets while it waits for its turn.

What belongs here: the shapes, and how a request begins later. What does not: which requests there are (live.py,
series.py), making them (requesting.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from findata_core.errors import FindataError
from findata_resources.provider import Received, Request


@dataclass(frozen=True)
class Ask:
    """One request to make, and what it is about: [start, end).

    `starts`: where each session of it begins, in order, if it may begin at any of them; else empty.
    """

    request: Request
    start: datetime
    end: datetime
    starts: tuple[datetime, ...] = ()

    def from_wall(self, wall_time: datetime) -> Ask | None:
        """Return it without the sessions that begin before an instant; None where no other is in it.

        It begins with a session, not at the wall: of one that is cut nobody would have the whole, and a window's
        first bar is not always right (windows_over).
        """
        starts = tuple(start for start in self.starts if start >= wall_time)
        if not starts:
            return None
        return Ask(replace(self.request, window_start=starts[0]), starts[0], self.end, starts)


@dataclass(frozen=True)
class Made:
    """What came of an ask: an answer with the name of its row in the ledger, or an error; neither: it was left.

    `forgotten`: where those sessions begin that the source had forgotten when their turn came; nobody was asked.
    """

    ask: Ask
    fetch_id: str = ""
    received: Received | None = None
    error: FindataError | None = None
    forgotten: tuple[datetime, ...] = ()

    @property
    def is_passed(self) -> bool:
        """Whether nothing was asked because the source had forgotten all of it."""
        return bool(self.forgotten) and self.received is None


def answered(ask: Ask, fetch_id: str, received: Received) -> Made:
    """Return what came of an ask that was answered, perhaps about a later window."""
    begun = received.request.window_start
    forgotten = tuple(start for start in ask.starts if begun is not None and start < begun)
    return Made(ask, fetch_id, received, forgotten=forgotten)


def forgotten_in_words(source: str, made: Sequence[Made]) -> tuple[str, ...]:
    """Return one line about what a source forgot while it waited for its turn; none where that is nothing."""
    starts = [start for one in made for start in one.forgotten]
    if not starts:
        return ()
    last = f"{max(starts):%Y-%m-%d %H:%M} UTC"
    return (
        f"{len(starts)} instrument-sessions up to the one of {last}: {source} forgot them while they waited for their "
        "turn. Next: load older bars from recorded files (docs/providers/recorded.md)",
    )
