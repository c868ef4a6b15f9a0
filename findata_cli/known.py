"""as-of: the rows of a table as they were known at an instant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from findata_cli import opening
from findata_cli.querying import print_csv, print_json, print_table
from findata_cli.spans import SessionsOption, parse_span
from findata_core.errors import ConfigurationError


def as_of(
    instant: Annotated[str, typer.Argument(help="An instant, in UTC unless it names its offset.")],
    table: Annotated[str, typer.Argument(help="schema.table, for example market.candles.")],
    instruments: Annotated[
        list[str] | None,
        typer.Option("--instrument", metavar="ID", help="Only this instrument or rate; may be given again."),
    ] = None,
    interval: Annotated[str | None, typer.Option(help="Only this interval.")] = None,
    sessions: SessionsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list of objects.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a header.")] = False,
) -> None:
    """Show a table as it was known at an instant: what a database had held that was fed only until then.

    Candles, pivots, signals and averages are folded on read from the facts of that time. In SQL each fact
    table has a function for it: SELECT * FROM as_of.bars('2022-06-01 12:00Z').
    """
    if as_json and as_csv:
        raise ConfigurationError("--json and --csv exclude each other", "give one of them")
    span = parse_span(sessions)
    settings = opening.settings_in_force()
    import polars as pl

    from findata_assets.steps.asking import moment_of
    from findata_assets.steps.known import KnownAt

    moment = moment_of(instant)
    subjects = pl.Series(instruments, dtype=pl.String) if instruments else None
    with opening.platform(settings) as platform:
        rows = KnownAt(platform, moment).read(
            table.replace("/", "."), span.first, span.end, subjects, interval
        )
    records: Iterator[tuple[object, ...]] = rows.iter_rows()
    show = print_json if as_json else print_csv if as_csv else print_table
    show(rows.columns, records)
