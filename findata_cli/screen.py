"""How things look: tables and results on standard output, progress and errors on standard error.

What belongs here: rich, and nothing about what is shown. What does not: deciding what a command says.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from rich.status import Status
    from rich.table import Table

VERBOSE = "findata.verbose"
WIDTH_WITHOUT_TERMINAL = 160  # a file or a pipe has no width; 80 would cut tables
SECONDS_BETWEEN_COUNTS = 5.0  # "payload 7 of 900" is not worth a line each where lines can't be overwritten


def is_verbose() -> bool:
    """Tell whether --verbose was given."""
    context = click.get_current_context(silent=True)
    return bool(context and context.find_root().meta.get(VERBOSE))


def results() -> Console:
    """Standard output."""
    return _console(to_errors=False)


def errors() -> Console:
    """Standard error."""
    return _console(to_errors=True)


def say(text: str = "", style: str = "") -> None:
    """Print a line of a result; square brackets mean themselves."""
    results().print(Text(text, style=style), soft_wrap=True)


def tell_error(message: str, next_step: str) -> None:
    """Print what went wrong and what to do about it."""
    console = errors()
    console.print(Text.assemble(("error ", "bold red"), message), soft_wrap=True)
    console.print(Text.assemble(("next  ", "bold"), next_step), soft_wrap=True)


def show(
    columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "", numbers: Sequence[str] = ()
) -> None:
    """Print a table; the columns named in `numbers` stand on the right."""
    results().print(_table(columns, rows, title, numbers))


@contextmanager
def stages() -> Iterator[Stages]:
    """Yield a callback for progress: a line each, with the seconds since the start, and a spinner."""
    console = errors()
    if not console.is_terminal:
        yield Stages(console, None)
        return
    with console.status("") as status:
        yield Stages(console, status)


class Stages:
    """Says what is being done."""

    def __init__(self, console: Console, status: Status | None) -> None:
        self._console = console
        self._status = status
        self._started = time.monotonic()
        self._counted = float("-inf")

    def __call__(self, message: str) -> None:
        """Say that something begins."""
        elapsed = time.monotonic() - self._started
        if self._status is not None:
            self._status.update(Text(message))
        if message.startswith("payload "):
            if self._status is not None or elapsed - self._counted < SECONDS_BETWEEN_COUNTS:
                return
            self._counted = elapsed
        self._console.print(Text.assemble((f"{elapsed:7.1f}s  ", "dim"), message), soft_wrap=True)


def _console(*, to_errors: bool) -> Console:
    console = Console(stderr=to_errors, highlight=False)
    if not console.is_terminal:
        console.width = WIDTH_WITHOUT_TERMINAL
    return console


def _table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], title: str, numbers: Sequence[str]
) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(
        title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for name in columns:
        table.add_column(Text(name), justify="right" if name in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    return table


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
