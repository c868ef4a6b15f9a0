"""instrument: which security a name meant on a date, what is known of it, what it was called.

What belongs here: options and printing. What does not: looking up (findata_assets.steps.names).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from findata_cli import opening, screen
from findata_cli.adjusted import date_of
from findata_cli.querying import print_csv, print_json, print_table
from findata_core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import polars as pl

    from findata_assets.steps.platform import Platform

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="For example AAPL.XNAS@1998-01-02.")]
AsOfOption = Annotated[str | None, typer.Option("--as-of", metavar="INSTANT", help="As it was known then.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print a JSON list of objects.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV with a header.")]


def find(
    symbol: Annotated[str, typer.Argument(help="A ticker, or a name of another symbology.")],
    on: Annotated[
        str | None, typer.Option(metavar="DATE", help="The date on which it was called so. Needed.")
    ] = None,
    symbology: Annotated[str, typer.Option(help="What kind of name it is.")] = "ticker",
    mic: Annotated[str | None, typer.Option(help="Its exchange, where several have the name.")] = None,
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Show which security a name meant on a date.

    Without a date a name means nothing: tickers are changed, and given to others. Exit code 2 if it meant none then,
    or several.
    """
    day = date_of(on, "--on")
    if day is None:
        raise ConfigurationError(
            f"{symbol} may have meant several securities: tickers are changed, and given to others",
            "say when with --on YYYY-MM-DD",
        )
    from findata_assets.steps.names import find_security

    _answer(
        lambda platform, at: find_security(platform, symbol, day, symbology, mic, at), as_of, as_json, as_csv
    )


def show(
    security_id: IdArgument, as_of: AsOfOption = None, as_json: JsonOption = False, as_csv: CsvOption = False
) -> None:
    """Show what is known of a security: name, kind, exchange, currency, first and last day, GICS where given."""
    from findata_assets.steps.names import show_security

    def upright(rows: pl.DataFrame) -> None:
        row = rows.row(0, named=True)
        said = [(name, value) for name, value in row.items() if value is not None]
        screen.show(("column", "value"), [(name, str(value)) for name, value in said])

    _answer(lambda platform, at: show_security(platform, security_id, at), as_of, as_json, as_csv, upright)


def history(
    security_id: IdArgument, as_of: AsOfOption = None, as_json: JsonOption = False, as_csv: CsvOption = False
) -> None:
    """Show all names that a security had, with their dates and who says so."""
    from findata_assets.steps.names import history_of

    _answer(lambda platform, at: history_of(platform, security_id, at), as_of, as_json, as_csv)


def _answer(
    ask: Callable[[Platform, datetime | None], pl.DataFrame],
    as_of: str | None,
    as_json: bool,
    as_csv: bool,
    upright: Callable[[pl.DataFrame], None] | None = None,
) -> None:
    if as_json and as_csv:
        raise ConfigurationError("--json and --csv exclude each other", "give one of them")
    settings = opening.settings_in_force()
    from findata_assets.steps.asking import moment_of

    moment = moment_of(as_of) if as_of else None
    with opening.platform(settings) as platform:
        rows = ask(platform, moment)
    if as_json or as_csv:
        (print_json if as_json else print_csv)(rows.columns, rows.iter_rows())
    elif upright is not None:
        upright(rows)
    else:
        print_table(rows.columns, rows.iter_rows())
