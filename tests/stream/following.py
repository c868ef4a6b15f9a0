"""A follower of /v1/stream, as tests have it: a thread that reads events into a list, and waits for some of them.

What belongs here: reading. What does not: writing candles.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Event:
    """One event: its name, what it says, and its id where it bears one."""

    name: str
    data: dict[str, Any]
    cursor: str | None

    @property
    def short(self) -> tuple[str, str, str, Any]:
        """Name, interval, start in UTC and close, which most tests compare."""
        begin = self.data.get("eventTime", self.data.get("periodStartDate", ""))
        return self.name, self.data["interval"], begin, self.data.get("close")


@dataclass
class Follower:
    """What was read so far. `cursor`: the last id, also of what was no event."""

    events: list[Event] = field(default_factory=list)
    cursor: str = ""
    comments: list[str] = field(default_factory=list)
    is_ended: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def until(self, is_enough: Callable[[Follower], bool]) -> list[Event]:
        """Wait until enough was read; return all events."""
        with self._changed:
            assert self._changed.wait_for(lambda: is_enough(self), PATIENCE_SECONDS), self.events
            return list(self.events)

    def first(self, count: int) -> list[tuple[str, str, str, Any]]:
        """Wait for so many events and return them in short; there must not be more."""
        found = self.until(lambda one: len(one.events) >= count)
        return [event.short for event in found]

    def _take(self, name: str, data: str, cursor: str | None) -> None:
        with self._changed:
            if cursor is not None:
                self.cursor = cursor
            if data:
                self.events.append(Event(name, json.loads(data), cursor))
            self._changed.notify_all()

    def _end(self) -> None:
        with self._changed:
            self.is_ended = True
            self._changed.notify_all()

    def _read(self, lines: Iterator[str]) -> None:
        """https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation"""
        name, data, cursor = "message", "", None
        for line in lines:
            if line.startswith(":"):
                self.comments.append(line)
            elif line:
                key, _, value = line.partition(": ")
                name = value if key == "event" else name
                data = value if key == "data" else data
                cursor = value if key == "id" else cursor
            else:
                self._take(name, data, cursor)
                name, data, cursor = "message", "", None


@contextmanager
def following(client: httpx.Client, cursor: str | None = None, **parameters: Any) -> Iterator[Follower]:
    """Yield a follower that has begun; it leaves with the block."""
    follower = Follower()
    headers = {"Last-Event-ID": cursor} if cursor else {}
    with client.stream("GET", "/v1/stream", params=parameters, headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        reader = threading.Thread(target=_read, args=(answer, follower), daemon=True)
        reader.start()
        follower.until(lambda one: bool(one.cursor))
        yield follower
        _hang_up(answer)
        reader.join(PATIENCE_SECONDS)


def _read(answer: httpx.Response, follower: Follower) -> None:
    try:
        follower._read(answer.iter_lines())
    except (httpx.HTTPError, httpx.StreamError):
        pass  # the test has left, or the server is gone
    finally:
        follower._end()


def _hang_up(answer: httpx.Response) -> None:
    """Cut the connection as a network does: the thread that reads wakes up."""
    with suppress(OSError):  # the server was first
        answer.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
