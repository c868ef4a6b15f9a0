"""What a command ends with: the exit codes, and how each error is told in two lines.

What belongs here: turning exceptions into "error / next" and a code. What does not: what commands print
when they succeed (screen), the errors themselves (findata_core.errors).

0    done
1    a proof or a check failed, or something unexpected happened
2    wrong usage or configuration
3    a server of the stack or a store can't be reached
4    a provider failed
130  interrupted
141  the reader of the output has gone, as of any program whose output is piped
"""

from __future__ import annotations

import os
import sys
from typing import Any

import click
import typer
from typer.core import TyperCommand, TyperGroup

from findata_cli import screen
from findata_core.errors import (
    ConfigurationError,
    FindataError,
    ProviderError,
    StackError,
    StoreError,
)

PROOF_FAILED = 1
WRONG_USAGE = 2
NOT_REACHABLE = 3
PROVIDER_FAILED = 4
INTERRUPTED = 130
READER_GONE = 141

# First match counts; any other FindataError (a failed check, unequal copies) is a failed proof.
_CODES: tuple[tuple[type[FindataError], int], ...] = (
    (ConfigurationError, WRONG_USAGE),
    (ProviderError, PROVIDER_FAILED),
    (StackError, NOT_REACHABLE),
    (StoreError, NOT_REACHABLE),
)
_INTERRUPTS = ("KeyboardInterrupt", "DagsterExecutionInterruptedError")  # the latter without loading Dagster


class FindataCommand(TyperCommand):
    """A command that also takes --verbose, wherever it stands."""

    def __init__(self, *args: Any, **further: Any) -> None:
        super().__init__(*args, **further)
        self.params.append(verbose_option())


class FindataGroup(TyperGroup):
    """Commands whose errors are explained and whose exit codes mean something."""

    def __init__(self, *args: Any, **further: Any) -> None:
        super().__init__(*args, **further)
        self.params.append(verbose_option())

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; whatever is raised becomes two lines and an exit code."""
        try:
            return super().invoke(ctx)
        except (click.exceptions.ClickException, click.exceptions.Exit, click.exceptions.Abort):
            raise
        except BrokenPipeError:
            # Whoever read the output has gone (`| head`): what is left in the buffer goes nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(READER_GONE) from None
        except BaseException as error:
            code = explain(error)
            if screen.is_verbose():
                screen.errors().print_exception()
            raise typer.Exit(code) from None


def verbose_option() -> click.Option:
    """Return the option --verbose, which sets itself."""
    return click.Option(
        ["--verbose"],
        is_flag=True,
        expose_value=False,
        callback=_note_verbose,
        help="Show Dagster's log, libraries' warnings, and the traceback of an error.",
    )


def explain(error: BaseException) -> int:
    """Print what happened and what to do next; return the exit code."""
    if type(error).__name__ in _INTERRUPTS:
        screen.tell_error("interrupted", "run the same command again: it goes on where this one stopped")
        return INTERRUPTED
    if isinstance(error, FindataError):
        screen.tell_error(error.message, error.next_step)
        return exit_code(error)
    if isinstance(error, SystemExit):
        raise error
    reason = (str(error).strip().splitlines() or [""])[0]
    again = (
        "report it with what is above" if screen.is_verbose() else "run it again with --verbose to see where"
    )
    screen.tell_error(f"unexpected {type(error).__name__}: {reason}", again)
    return PROOF_FAILED


def exit_code(error: FindataError) -> int:
    """Return the exit code of an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), PROOF_FAILED)


def _note_verbose(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.find_root().meta[screen.VERBOSE] = True
