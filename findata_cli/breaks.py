"""breaks: which figures do not agree, since when, and why where findata knows it.

What belongs here: printing ops.breaks. What does not: comparing (findata_assets.steps.breaks).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from findata_cli import opening, screen
from findata_cli.querying import print_csv, print_json
from findata_cli.spans import SessionsOption, Span, parse_span
from findata_core.errors import ConfigurationError
from findata_core.schema.tables import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from findata_assets.steps.platform import Platform

MOST_BREAKS_SHOWN = 100
SHOWN = ("state", "kind", "instrument", "session", "field", "source", "figures", "bars", "since", "why")


def breaks(
    instruments: Annotated[
        list[str] | None,
        typer.Option("--instrument", metavar="ID", help="Only this instrument; may be given again."),
    ] = None,
    sessions: SessionsOption = None,
    states: Annotated[
        list[str] | None,
        typer.Option(
            "--state", metavar="STATE", help="Only open, explained or closed ones; may be given again."
        ),
    ] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            metavar="KIND",
            help="Only providers, minutes_daily, candles_bars or sick_volume; may be given again.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, an object a break.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, a line a break.")] = False,
) -> None:
    """Show which figures should agree and do not: of two sources, of a source's minutes and its days.

    The open ones first: nobody knows why they differ. JSON and CSV give all columns of ops.breaks.
    """
    if as_json and as_csv:
        raise ConfigurationError("--json and --csv exclude each other", "give one of them")
    _require("state", states or [])
    _require("kind", kinds or [])
    span = parse_span(sessions)
    chosen = {"instrument_id": instruments or [], "state": states or [], "kind": kinds or []}
    with opening.platform(opening.settings_in_force()) as platform:
        rows = found(platform, span, chosen)
    if as_json or as_csv:
        (print_json if as_json else print_csv)(rows.columns, rows.iter_rows())
        return
    _show(rows)


def found(platform: Platform, span: Span, chosen: dict[str, list[str]]) -> pl.DataFrame:
    """Return rows of ops.breaks, open ones first; `chosen`: column -> the values wanted, none means all."""
    from psycopg import sql

    from findata_resources.stores.database import literal_list

    conditions: list[sql.Composable] = [sql.SQL("true")]
    for column, values in chosen.items():
        if values:
            condition = sql.SQL("{} = ANY({})")
            conditions.append(condition.format(sql.Identifier(column), literal_list(values, "text")))
    for operator, day in ((">=", span.first), ("<=", span.last)):
        if day:
            comparison = sql.SQL("session_date " + operator + " {}::date")
            conditions.append(comparison.format(sql.Literal(str(day))))
    return platform.store.database.frame(
        sql.SQL("SELECT {} FROM ops.breaks WHERE {} ORDER BY state DESC, 2, 3, 1, 4, 5, 6, 7, 8").format(
            sql.SQL(", ").join(map(sql.Identifier, table("ops.breaks").column_names)),
            sql.SQL(" AND ").join(conditions),
        )
    )


def _require(column: str, values: Sequence[str]) -> None:
    allowed = next(item.allowed for item in table("ops.breaks").columns if item.name == column)
    wrong = [value for value in values if value not in allowed]
    if wrong:
        raise ConfigurationError(
            f"There is no {column} {wrong[0]!r} among breaks", f"use one of {', '.join(allowed)}"
        )


def _show(rows: pl.DataFrame) -> None:
    if rows.is_empty():
        screen.say("No break there")
        return
    lines = [_line(row) for row in rows.head(MOST_BREAKS_SHOWN).iter_rows(named=True)]
    screen.show(SHOWN, lines)
    counts = rows.get_column("state").value_counts().sort("state", descending=True)
    said = ", ".join(f"{count} {state}" for state, count in counts.iter_rows())
    rest = rows.height - MOST_BREAKS_SHOWN
    screen.say(f"{said}{f'; {rest} more, --csv gives all' if rest > 0 else ''}")


def _line(row: dict[str, object]) -> tuple[object, ...]:
    left, right = row["left_source"], row["right_source"]
    return (
        *(row[name] for name in ("state", "kind", "instrument_id", "session_date")),
        f"{row['interval']} {row['field']}",
        left if left == right else f"{left}, {right}",
        f"{row['left_value']:.10g}, {row['right_value']:.10g}",
        f"{row['broken_bars']} of {row['compared_bars']}",
        f"{row['opened_time']:%Y-%m-%d}",
        row["explanation"],
    )
