"""What was worked out and may be asked for again soon, as long as there is room.

What belongs here: forgetting the oldest. What does not: when what is kept is no longer true (platform).
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """Values by key, the ones asked for last, of so many rows together."""

    def __init__(self, room_rows: int) -> None:
        self._room_rows = room_rows
        self._values: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._rows = 0

    def get(self, key: Hashable, make: Callable[[], Value], rows_in: Callable[[Value], int]) -> Value:
        """Return what is kept under the key; else make it, and keep it if it fits."""
        if key not in self._values:
            value = make()
            self._keep(key, value, rows_in(value))
            return value
        self._values.move_to_end(key)
        return self._values[key][0]

    def forget(self) -> None:
        """Forget everything."""
        self._values.clear()
        self._rows = 0

    def _keep(self, key: Hashable, value: Value, rows: int) -> None:
        if rows > self._room_rows:
            return
        self._values[key] = (value, rows)
        self._rows += rows
        while self._rows > self._room_rows:
            self._rows -= self._values.popitem(last=False)[1][1]
