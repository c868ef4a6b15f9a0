"""adjusted: an instrument's bars as traded, in the shares of a day, or with dividends taken out.

What belongs here: options and printing. What does not: reading and arithmetic (findata_assets.steps.adjusted).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from findata_cli import opening, screen
from findata_cli.querying import print_csv, print_json, print_table
from findata_cli.spans import SessionsOption, parse_span
from findata_core.errors import ConfigurationError

SHOWN = (
    "session_date",
    "event_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "price_factor",
    "source",
    "adjustment",
)
DECIMALS = 6  # shown in the table; JSON and CSV give all


def adjusted(
    instrument: Annotated[str, typer.Argument(metavar="INSTRUMENT", help="For example AAPL.XNAS.")],
    interval: Annotated[str, typer.Option(help="Width of the bars.")] = "1d",
    adjust: Annotated[
        str,
        typer.Option(
            help="raw: each as it was traded; split: in the shares of a day; all: dividends taken out too."
        ),
    ] = "split",
    on: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="In the shares of this day, and nothing later. Default: today."),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(metavar="INSTANT", help="As it was known then; --on is that day unless given."),
    ] = None,
    source: Annotated[str | None, typer.Option(help="Bars of this source only.")] = None,
    sessions: SessionsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list of objects.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a header.")] = False,
) -> None:
    """Show bars adjusted for splits and dividends, on any day, as known at any instant.

    What is stored is not changed. price_factor is what a stored price was multiplied by, volume_factor a volume.
    """
    if as_json and as_csv:
        raise ConfigurationError("--json and --csv exclude each other", "give one of them")
    span, day = parse_span(sessions), date_of(on, "--on")
    settings = opening.settings_in_force()
    from findata_assets.steps.adjusted import Wanted, adjusted_bars
    from findata_assets.steps.asking import moment_of
    from findata_core.market.adjusting import require_view

    moment = moment_of(as_of) if as_of else None
    wanted = Wanted(instrument, interval, require_view(adjust), day, moment, span.first, span.end, source)
    with opening.platform(settings) as platform:
        found = adjusted_bars(platform, wanted)
    if as_json or as_csv:
        (print_json if as_json else print_csv)(found.rows.columns, found.rows.iter_rows())
        return
    import polars.selectors as cs

    print_table(SHOWN, found.rows.select(SHOWN).with_columns(cs.float().round(DECIMALS)).iter_rows())
    basis = "each as it was traded" if adjust == "raw" else f"in the shares of {found.on}"
    screen.say(f"{adjust}: {basis}")
    for note in found.notes:
        screen.say(note)


def date_of(text: str | None, option: str) -> date | None:
    """Return a calendar day; ConfigurationError where it is none."""
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{option} {text!r} is no date", "write YYYY-MM-DD") from None
