"""rates: what is known of reference rates, a rate's fixings, a window in arrears, averages beside the published.

What belongs here: options and printing. What does not: reading (findata_assets.steps.rates), arithmetic
(findata_core.rates).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from findata_cli import opening, screen
from findata_cli.exits import FindataCommand, FindataGroup
from findata_cli.querying import print_csv, print_json, print_table
from findata_core.errors import ConfigurationError, NotEqual

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

MOST_MISMATCHES_SHOWN = 50
COUNTS = ("measure", "compared", "null", "unpublished", "mismatched", "reviewed", "largest difference")

app = typer.Typer(
    cls=FindataGroup,
    help="Reference rates: what is known, fixings, compounding in arrears, averages beside the published.",
    no_args_is_help=True,
)

RateArgument = Annotated[str, typer.Argument(metavar="RATE", help="BGCR, EFFR, OBFR, SOFR or TGCR.")]
AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", metavar="INSTANT", help="As it was known then; UTC unless it names its offset."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print a JSON list of objects.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV with a header.")]


def list_rates(as_json: JsonOption = False, as_csv: CsvOption = False) -> None:
    """List what is known of each rate: source, first and last day, days, versions."""
    _one_format(as_json, as_csv)
    settings = opening.settings_in_force()
    from findata_assets.steps.rates import known_rates

    with opening.platform(settings) as platform:
        rows = known_rates(platform)
    if rows.is_empty() and not (as_json or as_csv):
        screen.say("No rate is known: findata materialize --source nyfed asks for them")
        return
    _print(rows, as_json, as_csv)


def show(
    rate: RateArgument,
    first: Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day, inclusive.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day, inclusive.")] = None,
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Show a rate's fixings of all sources; JSON and CSV give every column."""
    import polars as pl

    _one_format(as_json, as_csv)
    day, start, end = pl.col("observation_date"), _day(first), _day(last)
    settings = opening.settings_in_force()
    from findata_assets.steps.rates import fixings_of_rate

    with opening.platform(settings) as platform:
        rows = fixings_of_rate(platform, rate, _moment(as_of))
    shown = rows.filter(day >= (start or date.min), day <= (end or date.max))
    _print(shown if as_json or as_csv else _what_is_said(shown), as_json, as_csv)


def compound(
    rate: RateArgument,
    start: Annotated[str, typer.Argument(metavar="START", help="First day of the window, inclusive.")],
    end: Annotated[str, typer.Argument(metavar="END", help="End of the window, exclusive.")],
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compound a rate in arrears from START to END, as the New York Fed compounds its averages.

    Business days compound, the days after them earn simple interest; ACT/360. A window that begins on a weekend or
    holiday begins with the preceding business day's rate. Exit code 1 where a fixing is missing.
    """
    first, last = _day(start), _day(end)
    settings = opening.settings_in_force()
    from findata_assets.steps.rates import compounded

    assert first is not None
    assert last is not None
    with opening.platform(settings) as platform:
        found = compounded(platform, rate, first, last, _moment(as_of))
    record = vars(found)
    if as_json:
        print_json(list(record), iter([list(record.values())]))
        return
    screen.show(("", found.rate), [(name, _exact(value)) for name, value in list(record.items())[1:]])


def averages(
    is_checked: Annotated[
        bool, typer.Option("--check", help="Compare with the published figures; exit code 1 if any differs.")
    ] = False,
    recorded: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Of these recorded files alone: no server is needed, nothing is stored."
        ),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="What the files are. Default: recorded.toml in DIR, or FRED's names."
        ),
    ] = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Show averages and index recomputed from the fixings, beside the published ones.

    With --check: per measure how many were compared, are null (with the reasons), and do not match. Averages are
    compared to 5 decimals, the index to 8.
    """
    _one_format(as_json, as_csv)
    if manifest is not None and recorded is None:
        raise ConfigurationError("--manifest says nothing without --recorded", "add --recorded DIR")
    rows, refused = _averages(recorded, manifest)
    if not is_checked:
        _print(rows, as_json, as_csv)
        return
    _check(rows, refused, as_json, as_csv)


def _averages(recorded: Path | None, manifest: Path | None) -> tuple[pl.DataFrame, list[str]]:
    settings = opening.settings_in_force()
    if recorded is not None:
        from findata_assets.steps.rates import averages_of_files

        return averages_of_files(recorded.resolve(), manifest.resolve() if manifest else None)
    with opening.platform(settings) as platform:
        rows = platform.read("rates.averages")
        return rows.sort("rate", "measure", "observation_date"), []


def _check(rows: pl.DataFrame, refused: list[str], as_json: bool, as_csv: bool) -> None:
    from findata_core.rates.reviewed import KEY, reviewed
    from findata_core.rates.sofr import compare, mismatches

    counts = compare(rows)
    wrong = mismatches(rows).join(reviewed(mismatches(rows)), on=KEY, maintain_order="left")
    if as_json or as_csv:
        _print(counts, as_json, as_csv)
    else:
        _show_counts(counts, rows, wrong, refused)
    if not counts.get_column("compared").sum():
        raise NotEqual(
            "No published figure could be compared", "Load fixings and published figures of the same days"
        )
    unknown = counts.get_column("mismatched").sum()
    if unknown:
        raise NotEqual(
            f"{unknown} published figures do not follow from the fixings",
            "Find the cause; enter what is the administrator's in findata_core/rates/reviewed.py",
        )


def _show_counts(counts: pl.DataFrame, rows: pl.DataFrame, wrong: pl.DataFrame, refused: list[str]) -> None:
    lines = [
        (*row[1:-1], f"{row[-1]:.1e}" if row[-1] is not None else "")
        for row in counts.sort("rate", "measure").iter_rows()
    ]
    screen.show(COUNTS, lines, numbers=COUNTS[1:])
    reasons = rows.drop_nulls("reason").group_by("measure", "reason").len().sort("measure", "len", "reason")
    for measure, reason, count in reasons.iter_rows():
        screen.say(f"{measure}: {count} null: {reason}")
    for line in refused:
        screen.say(f"refused: {line}")
    if wrong.height:
        shown = wrong.select("measure", "observation_date", "recomputed", "published", "difference", "cause")
        screen.show(shown.columns, shown.head(MOST_MISMATCHES_SHOWN).iter_rows(), title="mismatched")


def _what_is_said(rows: pl.DataFrame) -> pl.DataFrame:
    """Leave out what a table is too narrow for: columns that are null in all rows, and ids of payloads."""
    empty = {
        name for name in rows.columns if rows.height and rows.get_column(name).null_count() == rows.height
    }
    return rows.select(name for name in rows.columns if name not in empty | {"rate", "payload_id"})


def _print(rows: pl.DataFrame, as_json: bool, as_csv: bool) -> None:
    show_rows = print_json if as_json else print_csv if as_csv else print_table
    show_rows(rows.columns, rows.iter_rows())


def _one_format(as_json: bool, as_csv: bool) -> None:
    if as_json and as_csv:
        raise ConfigurationError("--json and --csv exclude each other", "give one of them")


def _moment(text: str | None) -> datetime | None:
    from findata_assets.steps.asking import moment_of

    return None if text is None else moment_of(text)


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{text!r} is no day", "write it as 2022-06-30") from None


def _exact(value: object) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)


app.command("list", cls=FindataCommand)(list_rates)
app.command(cls=FindataCommand)(show)
app.command(cls=FindataCommand)(compound)
app.command(cls=FindataCommand)(averages)
