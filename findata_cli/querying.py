"""sql: one read-only statement, its rows as a table, as JSON or as CSV."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from findata_cli import opening, screen
from findata_core.errors import ConfigurationError, StoreError
from findata_resources.migrations.role_names import READER

if TYPE_CHECKING:
    from psycopg import Connection

TIMEOUT_SECONDS = 60
MOST_ROWS_SHOWN = 200
# UTC whatever the server's zone is: so are all instants of findata.
SESSION = f"-c statement_timeout={TIMEOUT_SECONDS}s -c default_transaction_read_only=on -c timezone=UTC"
# SQLSTATE (PostgreSQL's documentation, appendix A) -> what to do
ADVICE = {
    "25006": "findata sql only reads; facts enter as payloads, with findata materialize",
    "42601": "correct the statement; one at a time, with nothing behind its semicolon",
    "3F000": "docs/sql.md lists the views of v1, findata migrate creates them",
    "42501": "findata sql reads the views of v1 (docs/sql.md); --owner reads the tables, for those who run findata",
    "42P01": "docs/sql.md lists the views of v1, findata migrate creates them; --owner reads the tables behind them",
    "42703": "SELECT * FROM the_view LIMIT 1 shows its columns",
    "57014": f"a statement may take {TIMEOUT_SECONDS} seconds: narrow it by instrument and time",
}

NO_READER = "findata migrate makes the role, or says what an administrator must run; --owner reads without it"

Row = Sequence[Any]


def sql(
    statement: Annotated[str, typer.Argument(help="One SQL statement. It can't change anything.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list of objects.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a header.")] = False,
    owner: Annotated[
        bool, typer.Option("--owner", help="Read as findata itself: the tables, and findata's own books.")
    ] = False,
) -> None:
    """Run one SQL statement, read-only, for at most 60 seconds; instants are in UTC.

    It reads the views of v1 (docs/sql.md) as the role findata_reader does. A table shows 200 rows at most; JSON and CSV
    give all. Exit code 2 if the database refuses it.
    """
    if as_json and as_csv:
        raise ConfigurationError("--json and --csv exclude each other", "give one of them")
    settings = opening.settings_in_force()
    from findata_resources.environment import resolve_endpoints

    endpoints = resolve_endpoints(settings)
    as_reader = endpoints.reader_database_url if not owner else None
    # Without a login of its own the reader is a role that findata's user takes on.
    options = SESSION if owner or as_reader else f"{SESSION} -c role={READER}"
    with rows_of(as_reader or endpoints.database_url, statement, options) as (names, rows):
        if as_json:
            print_json(names, rows)
        elif as_csv:
            print_csv(names, rows)
        else:
            print_table(names, rows)


@contextmanager
def rows_of(database_url: str, statement: str, options: str) -> Iterator[tuple[list[str], Iterator[Row]]]:
    """Yield the columns and rows of a statement, which come as they are read.

    Streaming uses PostgreSQL's extended protocol, which takes one statement alone: no second one can end
    the read-only transaction.
    """
    import psycopg

    try:
        with psycopg.connect(database_url, options=options, application_name="findata sql") as connection:
            connection.read_only = True
            cursor = connection.cursor()
            # Closed here: a stream that is left half read keeps the connection, which then can't be closed.
            stream = cast("Generator[tuple[Any, ...]]", cursor.stream(statement.encode()))
            with closing(stream) as rows:
                first = list(islice(rows, 1))
                names = [column.name for column in cursor.description or ()]
                yield names if first else _names_without_rows(connection, statement), chain(first, rows)
    except psycopg.Error as error:
        raise _explained(error) from error


def _names_without_rows(connection: Connection[tuple[Any, ...]], statement: str) -> list[str]:
    """Return the columns of a statement that gave no row: a stream names them with its first row only."""
    cursor = connection.execute(statement.encode(), prepare=True)
    return [column.name for column in cursor.description or ()]


def print_json(names: Sequence[str], rows: Iterator[Row]) -> None:
    """Print a list of objects, one a line."""
    sys.stdout.write("[")
    for number, row in enumerate(rows):
        record = {name: _plain(value) for name, value in zip(names, row, strict=True)}
        sys.stdout.write((",\n " if number else "") + json.dumps(record, default=str, ensure_ascii=False))
    sys.stdout.write("]\n")


def print_csv(names: Sequence[str], rows: Iterator[Row]) -> None:
    """Print CSV with a header; nulls are empty."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_text(value) for value in row] for row in rows)


def print_table(names: Sequence[str], rows: Iterator[Row]) -> None:
    """Print the first rows as a table."""
    shown = list(islice(rows, MOST_ROWS_SHOWN))
    numbers = [
        name for place, name in enumerate(names) if any(isinstance(row[place], int | float) for row in shown)
    ]
    screen.show(names, [[_text(value) for value in row] for row in shown], numbers=numbers)
    if next(rows, None) is not None:
        screen.say(f"the first {MOST_ROWS_SHOWN} rows; --csv or --json gives all")
    else:
        screen.say(f"{len(shown)} row{'' if len(shown) == 1 else 's'}")


def _explained(error: Any) -> Exception:
    import psycopg

    reason = (str(error).strip().splitlines() or ["no reason given"])[0]
    if error.sqlstate is None and f'"{READER}"' in reason:  # libpq has no SQLSTATE of a refused connection
        return ConfigurationError(f"findata's user can't read as {READER}: {reason}", NO_READER)
    if isinstance(error, psycopg.OperationalError) and (error.sqlstate or "08")[:2] in (
        "08",
        "28",
        "3D",
        "57",
    ):
        if error.sqlstate != "57014":
            return StoreError(
                f"The database does not answer: {reason}", "See findata status, then findata up"
            )
        return ConfigurationError(reason, ADVICE["57014"])
    position = error.diag.statement_position
    where = f" (at character {position})" if position else ""
    hint = error.diag.message_hint
    return ConfigurationError(
        f"{reason}{where}", hint or ADVICE.get(error.sqlstate or "", "correct the statement")
    )


def _plain(value: object) -> object:
    """Return a value that JSON has; numbers without one (NaN) become texts."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _text(value: object) -> object:
    if isinstance(value, list | dict):
        return json.dumps(value, default=str, ensure_ascii=False)
    return "" if value is None else str(value)
