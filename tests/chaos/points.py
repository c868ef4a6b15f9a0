"""Named points before and after each write, at which a process ends itself by SIGKILL.

What belongs here: which writes there are and how a process is armed. What does not: who chooses a point.

A write is a call that changes S3 or the database. Inside a transaction several follow one another; "commit" is
its end. Armed is a process of its own (tests/chaos/worker.py): methods are replaced there for good.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeAlias

from findata_assets.steps import receiving
from findata_resources.stores import compaction, due, journal, lake, objects, timescale
from findata_resources.stores.database import Cursor, Database

Point: TypeAlias = str  # "after lake object put"

# Not here: the book of alerts. What it takes in is known by run ids, and tests/assets/test_alerts.py takes it in twice.
# Where a write is called from: (owner, attribute, its name). Functions are replaced where they are used.
WRITES: tuple[tuple[Any, str, str], ...] = (
    (timescale, "copy_into", "rows copied"),
    (timescale, "delete_rows", "rows deleted"),
    (timescale, "keep_digests", "digests kept"),
    (timescale, "spread", "marks spread"),
    (due, "mark_downstream", "downstream marked"),
    (due, "clear", "due cleared"),
    (journal, "note", "change noted"),
    (receiving, "upsert", "books entered"),
    (timescale, "upsert", "quarantine entered"),
    (lake, "_clear_marks", "lake mark cleared"),
    (compaction, "_publish_again", "lake marked again"),
)


class Counting:
    """Counts points, and ends the process when the armed one is reached for the n-th time."""

    def __init__(self, point: Point = "", turn: int = 0) -> None:
        self.seen: Counter[Point] = Counter()
        self._armed = (point, turn)

    def reach(self, point: Point) -> None:
        """Count a point; this may be the last thing that the process does."""
        self.seen[point] += 1
        if (point, self.seen[point]) == self._armed:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, name: str, write: Callable[..., Any]) -> Callable[..., Any]:
        """Return the write with a point before and a point after it."""

        @wraps(write)
        def counted(*arguments: Any, **options: Any) -> Any:
            self.reach(f"before {name}")
            result = write(*arguments, **options)
            self.reach(f"after {name}")
            return result

        return counted


def arm(counting: Counting) -> None:
    """Put points around every write of this process."""
    for owner, attribute, name in WRITES:
        setattr(owner, attribute, counting.around(name, getattr(owner, attribute)))
    for attribute in ("create", "replace", "delete"):
        _arm_objects(counting, attribute)
    _arm_transactions(counting)


def _arm_objects(counting: Counting, attribute: str) -> None:
    write = getattr(objects.Objects, attribute)

    def counted(self: objects.Objects, key: str, *arguments: Any) -> Any:
        name = f"{_kind(key)} {'deleted' if attribute == 'delete' else 'put'}"
        return counting.around(name, write)(self, key, *arguments)

    setattr(objects.Objects, attribute, counted)


def _kind(key: str) -> str:
    if key.startswith("reports/"):
        return "page"
    if key.startswith("raw/"):
        return "raw body" if "/bodies/" in key else "raw receipt"
    if key.endswith(".ready"):
        return "ready object"
    return "lake object"


def _arm_transactions(counting: Counting) -> None:
    transaction = Database.transaction

    @contextmanager
    def counted(self: Database) -> Iterator[Cursor]:
        with transaction(self) as cursor:
            yield cursor
            counting.reach("before commit")
        counting.reach("after commit")

    setattr(Database, "transaction", counted)  # noqa: B010  (a method is replaced)
