"""Ctrl-C arrives although its exception was swallowed where Python can't raise."""

from __future__ import annotations

import signal
import sys
import weakref
from typing import Any

import pytest

from findata_assets.interrupts import interrupts_seen


class _Kept:
    """Something that a weak reference can point at."""


def _swallow(number: int) -> None:
    """Raise a signal inside a weak reference's callback, where its exception is printed and forgotten."""
    kept = _Kept()
    reference = weakref.ref(kept, lambda _: signal.raise_signal(number))
    del kept
    assert reference() is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_python_swallows_is_seen(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    before: Any = signal.signal(number, signal.default_int_handler)
    try:
        with interrupts_seen() as seen:
            assert not seen()
            _swallow(number)
            assert seen()
            assert seen(), "it stays seen"
    finally:
        signal.signal(number, before)
    assert capsys.readouterr().err == ""


def test_nothing_is_seen_when_nothing_arrives_and_other_signals_are_left_alone() -> None:
    before: Any = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with interrupts_seen() as seen:
            signal.raise_signal(signal.SIGUSR1)
            assert not seen()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert signal.set_wakeup_fd(-1) == -1, "the earlier state is restored"


def test_what_else_is_swallowed_is_still_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise ValueError

    reported: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda swallowed: reported.append(swallowed.exc_type.__name__))
    with interrupts_seen():
        kept = _Kept()
        reference = weakref.ref(kept, fail)
        del kept
    assert reference() is None
    assert reported == ["ValueError"]
