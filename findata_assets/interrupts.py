"""Ctrl-C that is never lost: whether an interrupt arrived, also where its exception was swallowed.

What belongs here: noticing. What does not: what a run does about it (`running`).

An interrupt is raised in whatever Python happens to run. Where that is a weak reference's callback or a
`__del__`, Python prints the exception and goes on: the run would end well, as if nobody had asked it to stop.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

INTERRUPT = "DagsterExecutionInterruptedError"  # dagster._core.errors; not in Dagster's public names

_SIGNALS = {signal.SIGINT, signal.SIGTERM}


@contextmanager
def interrupts_seen() -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether SIGINT or SIGTERM arrived since; only the main thread can notice."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    reading, writing = os.pipe()
    for end in (reading, writing):
        os.set_blocking(end, False)
    arrived: set[int] = set()

    def seen() -> bool:
        arrived.update(_waiting(reading))
        return not arrived.isdisjoint(_SIGNALS)

    # The interpreter writes each signal's number here, whatever becomes of the handler's exception.
    previous_end = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    previous_hook = sys.unraisablehook
    sys.unraisablehook = _quiet_about_interrupts(previous_hook)
    try:
        yield seen
    finally:
        sys.unraisablehook = previous_hook
        signal.set_wakeup_fd(previous_end)
        os.close(reading)
        os.close(writing)


def _waiting(reading: int) -> bytes:
    try:
        return os.read(reading, 4096)
    except BlockingIOError:
        return b""


def _quiet_about_interrupts(
    report: Callable[["sys.UnraisableHookArgs"], object],
) -> Callable[["sys.UnraisableHookArgs"], object]:
    def hook(swallowed: "sys.UnraisableHookArgs") -> object:
        name = swallowed.exc_type.__name__
        return None if name in (INTERRUPT, KeyboardInterrupt.__name__) else report(swallowed)

    return hook
