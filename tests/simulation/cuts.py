"""Power cuts: the platform ends at a point, as if its process were gone; whoever comes next opens another one.

What belongs here: the points. What does not: when they strike (month), and what must hold afterwards (checks).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from findata_assets.steps.platform import Platform
from findata_resources.provider import Received
from findata_resources.stores.raw import Payload
from findata_resources.stores.timescale import TimescaleStore


class PowerCut(BaseException):
    """Nothing after it is done: no handler of errors sees it."""


def _while_waiting(platform: Platform) -> None:
    """End while a request waits for its turn."""
    platform.sleep = _after(7, platform.sleep)


def _after_the_body_is_put(platform: Platform) -> None:
    """End with an answer on S3 that the books do not know."""
    put = platform.raw.put

    def ending(received: Received) -> Payload:
        payload = put(received)
        if received.request.dataset == "bars":
            _cut()
        return payload

    setattr(platform.raw, "put", ending)  # noqa: B010  (a method is replaced)


def _before_publishing(platform: Platform) -> None:
    """End after the commit of bars, before anything of it is in the lake."""
    publish = platform.lake.publish

    def ending(store: TimescaleStore, address: str | None = None) -> int:
        return _cut() if address == "market.bars" else publish(store, address)

    setattr(platform.lake, "publish", ending)  # noqa: B010


def _before_replacing(platform: Platform) -> None:
    """End when bars are folded, before a candle is."""
    setattr(platform.store, "replace", _cut)  # noqa: B010


POINTS: Mapping[str, Callable[[Platform], None]] = {
    "waiting for a turn": _while_waiting,
    "answer put, not in the books": _after_the_body_is_put,
    "bars committed, not published": _before_publishing,
    "bars folded, no candle": _before_replacing,
}
# After these a request was answered of which the ledger knows nothing: its row is written last.
UNBOOKED = frozenset({"answer put, not in the books"})


def _after(calls: int, function: Callable[[float], None]) -> Callable[[float], None]:
    made = [0]

    def counting(argument: float) -> None:
        made[0] += 1
        if made[0] > calls:
            _cut()
        function(argument)

    return counting


def _cut(*_: Any, **__: Any) -> NoReturn:
    raise PowerCut
