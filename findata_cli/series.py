"""series: the followed series, what they were when, their vintages, and looking for others at FRED.

What belongs here: printing. What does not: reading (findata_assets.steps.published).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from findata_cli import opening
from findata_cli.querying import print_csv, print_json, print_table
from findata_core.economic.catalogue import SERIES
from findata_core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from findata_cli.querying import Row

SeriesArgument = Annotated[str, typer.Argument(metavar="ID", help="A series, for example GDP.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print a JSON list of objects.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV with a header.")]
LINE = ("series_id", "name", "unit", "frequency", "seasonal_adjustment", "release", "topic")
FOUND = ("id", "title", "unit", "frequency", "adjustment", "last observation")


def list_series(
    topic: Annotated[str | None, typer.Option(help="Only this topic, for example inflation.")] = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """List the series of the catalogue; a line in findata_core/economic/catalogue.py follows another one."""
    topics = sorted({line.topic for line in SERIES})
    if topic is not None and topic not in topics:
        raise ConfigurationError(f"No series is about {topic}", f"Use one of {', '.join(topics)}")
    rows = [
        tuple(getattr(line, name) for name in LINE) for line in SERIES if topic is None or line.topic == topic
    ]
    _print(LINE, iter(rows), as_json=as_json, as_csv=as_csv)


def show(
    series_id: SeriesArgument,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="T",
            help="As it was on a day of its publisher, inclusive, or at an instant (UTC).",
        ),
    ] = None,
    first: Annotated[bool, typer.Option("--first", help="The first value known of each date.")] = False,
    latest: Annotated[bool, typer.Option("--latest", help="The values that stand now. The default.")] = False,
    revisions: Annotated[
        bool, typer.Option("--revisions", help="Every value, and the days on which it stood.")
    ] = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Show the values of a series: as they were published at a moment, at first, now, or with every revision.

    An instant shows nothing that was released after it; where the time of a release is not known, nothing of a
    day that was not over in Chicago.
    """
    if sum([as_of is not None, first, latest, revisions]) > 1:
        raise ConfigurationError("--as-of, --first, --latest and --revisions exclude each other", "give one")
    with opening.platform(opening.settings_in_force()) as platform:
        from findata_assets.steps.published import View, values_as_of, values_of

        if as_of is not None:
            rows = values_as_of(platform, series_id, as_of)
        else:
            view = View.FIRST if first else View.REVISIONS if revisions else View.LATEST
            rows = values_of(platform, series_id, view)
    _print(rows.columns, rows.iter_rows(), as_json=as_json, as_csv=as_csv)


def vintages(series_id: SeriesArgument, as_json: JsonOption = False, as_csv: CsvOption = False) -> None:
    """List the days on which a series was published or revised, and how many values changed on each."""
    with opening.platform(opening.settings_in_force()) as platform:
        from findata_assets.steps.published import vintages_of

        rows = vintages_of(platform, series_id)
    _print(rows.columns, rows.iter_rows(), as_json=as_json, as_csv=as_csv)


def search(
    text: Annotated[str, typer.Argument(help="Words to look for, for example 'real gdp'.")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most matches.")] = 20,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Look for series at FRED. It needs FINDATA_FRED_API_KEY."""
    settings = opening.settings_in_force()
    from findata_resources.providers.fred import required_key

    required_key(settings.fred_api_key)
    with opening.platform(settings) as platform:
        from findata_assets.steps.published import search_series

        rows = search_series(platform, text, limit)
    _print(FOUND, iter(rows), as_json=as_json, as_csv=as_csv)


def _print(names: Sequence[str], rows: Iterator[Row], *, as_json: bool, as_csv: bool) -> None:
    if as_json and as_csv:
        raise ConfigurationError("--json and --csv exclude each other", "give one of them")
    if as_json:
        print_json(names, rows)
    elif as_csv:
        print_csv(names, rows)
    else:
        print_table(names, rows)
