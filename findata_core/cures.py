"""The command that mends exactly what is wrong: what reports and alerts tell a person to run.

What belongs here: composing commands of the command line as text. What does not: running them, deciding what is wrong.
Every command made here is parsed by findata's own command line in a test.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import date, datetime

COMMAND = "findata"


def command(*words: str) -> str:
    """Return a command as a shell takes it: words with blanks or signs are quoted."""
    return shlex.join([COMMAND, *words])


def sessions_between(first: date, last: date) -> str:
    """Return what --sessions takes for the days from `first` to `last`, both inclusive."""
    return f"{first}" if first == last else f"{first}..{last}"


def materialize(
    tables: Sequence[str] = (), first: date | None = None, last: date | None = None, source: str = ""
) -> str:
    """Run what is due: of some tables (default all), of some sessions, after asking a source for them."""
    words = ["materialize"]
    words += ["--source", source] if source else []
    for name in tables:
        words += ["--select", name]
    words += ["--sessions", sessions_between(first, last)] if first and last else []
    return command(*words)


def ask_again(source: str, first: date, last: date) -> str:
    """Ask a live source of bars for sessions; what is settled and complete is not asked for."""
    return materialize(first=first, last=last, source=source)


def load_recorded() -> str:
    """Receive recorded files, where no source gives the bars any more; the folder is the reader's."""
    return command("materialize", "--recorded", "DIR")


def explain(instrument_id: str, interval: str, start: datetime) -> str:
    """Trace a bar or candle back to its payload, and make it again."""
    return command("explain", instrument_id, interval, f"{start:%Y-%m-%d %H:%M}")


def breaks_of(instrument_id: str, first: date, last: date) -> str:
    """List the figures of an instrument that do not agree."""
    return command("breaks", "--instrument", instrument_id, "--sessions", sessions_between(first, last))


def coverage_of(instrument_id: str, first: date, last: date) -> str:
    """List the sessions of an instrument with their gaps."""
    return command(
        "coverage", "--instrument", instrument_id, "--sessions", sessions_between(first, last), "--csv"
    )


def look_at_held(payload_id: int) -> str:
    """Show a held answer, about which somebody has to decide."""
    return command("quarantine", "show", f"{payload_id:016x}")


def refused_rows(table_name: str, first: date | None = None, last: date | None = None) -> str:
    """List the rows meant for a table that were refused, of some days or all; two hundred at most."""
    between = f" AND scope_date BETWEEN '{first}' AND '{last}'" if first and last else ""
    columns = "rule, subject, scope_date, reason, payload_id"
    rows = f"WHERE table_name = '{table_name}'{between} LIMIT 200"
    return command("sql", "--owner", f"SELECT {columns} FROM ops.quarantine {rows}")  # noqa: S608  # names of the contract, dates


def verify(first: date | None = None, last: date | None = None) -> str:
    """Make tables again from the raw payloads and compare."""
    return command("verify", *(["--sessions", sessions_between(first, last)] if first and last else []))


def status() -> str:
    """See what runs and what is due."""
    return command("status")
