"""Processor time: what a side has cost, whoever else was using the machine meanwhile.

What belongs here: the seconds that this process and the servers of a home have computed. What does not: what is
measured, and waiting (measuring).

Linux tells it in clock ticks of a hundredth of a second: sides that take less are measured many times together.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from findata_resources.embedded.objects import ObjectServer
from findata_resources.embedded.processes import marked_processes
from findata_resources.embedded.server import mark_of
from findata_resources.embedded.timescale import TimescaleServer

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
# Fields of /proc/<number>/stat counted from the state (see proc(5)): the parent, and the time of the process itself
# and of the children that it has waited for, in user and kernel mode.
PARENT, TIMES = 1, slice(11, 15)


def processor_seconds_of(home: Path, work: Callable[[], object]) -> float:
    """Return how long this process and the servers of a home compute for one call; looking at them is not counted."""
    servers, own = _server_seconds(home), time.process_time()
    work()
    spent = time.process_time() - own
    return spent + _server_seconds(home) - servers


def _server_seconds(home: Path) -> float:
    """Return how long the servers of a home and their processes have computed, those that have ended included."""
    stats = dict(_stats())
    inside = _roots(home)
    grown = -1
    while grown != len(inside):
        grown = len(inside)
        inside |= {number for number, fields in stats.items() if int(fields[PARENT]) in inside}
    ticks = sum(int(value) for number in inside & stats.keys() for value in stats[number][TIMES])
    return ticks / TICKS_A_SECOND


def _roots(home: Path) -> set[int]:
    names = (TimescaleServer.name, ObjectServer.name)
    return {record.process_id for name in names for record in marked_processes(mark_of(home, name))}


def _stats() -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each process and its fields from the state on."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except OSError:
                continue  # it has just ended
            # The command's name is in parentheses and may hold spaces.
            yield int(entry.name), text.rpartition(")")[2].split()
