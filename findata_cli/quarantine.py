"""quarantine: which payloads are held because they are implausible, why, and what is decided about them.

What belongs here: printing them. What does not: judging and deciding (findata_assets.steps.judging, holding).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from findata_cli import opening, screen
from findata_cli.querying import print_json

if TYPE_CHECKING:
    import polars as pl

    from findata_assets.steps.holding import Decided

NamesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="ID...", help="A payload, or what was held together: the first digits are enough."
    ),
]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept with the decision.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print a JSON list.")]
COLUMNS = ("payload_id", "hold_id", "state", "rule", "source", "subject", "interval", "held_time", "reason")


def list_held(
    every: Annotated[bool, typer.Option("--all", help="Also those that were released or rejected.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the payloads that wait for a decision, and count the rows that were refused one by one."""
    with opening.platform(opening.settings_in_force()) as platform:
        from findata_assets.steps.holding import STATES, held_payloads, refused_rows

        rows, refused = held_payloads(platform, STATES if every else STATES[:1]), refused_rows(platform)
    if as_json:
        print_json(COLUMNS, (tuple(row[name] for name in COLUMNS) for row in _named(rows)))
        return
    if rows.is_empty():
        screen.say("no payload waits for a decision")
    else:
        shown = [(row["payload_id"][:8], row["hold_id"][:8], *_described(row)) for row in _named(rows)]
        screen.show(
            ("id", "held with", "state", "rule", "source", "subject", "held (UTC)", "what was found"), shown
        )
        screen.say("findata quarantine show ID shows what a rule found; release or reject decides")
    if not refused.is_empty():
        screen.say("\nrows refused one by one (table ops.quarantine); the rest of their payloads counts:")
        screen.show(refused.columns, refused.iter_rows(), numbers=("rows",))


def show(names: NamesArgument, as_json: JsonOption = False) -> None:
    """Show why payloads are held: the rule, and old values beside new ones."""
    with opening.platform(opening.settings_in_force()) as platform:
        from findata_assets.steps.holding import find_held

        rows = find_held(platform, names)
    if as_json:
        columns = [
            *COLUMNS,
            "window_start",
            "window_end",
            "operator",
            "decided_time",
            "decided_reason",
            "evidence",
        ]
        print_json(columns, (tuple(row[name] for name in columns) for row in _named(rows)))
        return
    for row in _named(rows):
        _show_one(row)


def release(names: NamesArgument, reason: ReasonOption = "") -> None:
    """Let payloads count from now on. The next findata materialize folds them."""
    with opening.platform(opening.settings_in_force()) as platform:
        from findata_assets.steps.holding import release as released

        _tell(released(platform, names, reason), "released; findata materialize folds what they say")


def reject(names: NamesArgument, reason: ReasonOption = "") -> None:
    """Keep payloads out for good, unless they are released after all."""
    with opening.platform(opening.settings_in_force()) as platform:
        from findata_assets.steps.holding import reject as rejected

        _tell(rejected(platform, names, reason), "rejected; they stay on S3, and out of every table")


def _tell(decided: Decided, what: str) -> None:
    count = len(decided.payload_ids)
    screen.say(f"{count} payload{'' if count == 1 else 's'} {what}")


def _named(rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the rows with ids as receipts name them, and evidence as values."""
    from findata_assets.steps.holding import hex_id

    for row in rows.iter_rows(named=True):
        ids = {name: hex_id(row[name]) for name in ("payload_id", "hold_id")}
        yield {**row, **ids, "evidence": json.loads(row["evidence"])}


def _described(row: dict[str, Any]) -> tuple[str, ...]:
    subject = " ".join(part for part in (row["subject"], row["interval"]) if part)
    held = f"{row['held_time']:%Y-%m-%d %H:%M}"
    return row["state"], row["rule"], row["source"] or "", subject, held, row["reason"]


def _show_one(row: dict[str, Any]) -> None:
    state, rule, source, subject, held, reason = _described(row)
    lines = [
        ("payload", f"{row['payload_id']} (held with {row['hold_id']})"),
        ("asked", f"{source} {subject} from {row['window_start']} to {row['window_end']}"),
        ("held", f"{held} UTC by the rule {rule}"),
        ("found", reason),
        ("state", state),
    ]
    if row["decided_time"] is not None:
        why = f": {row['decided_reason']}" if row["decided_reason"] else ""
        lines.append(("decided", f"{row['decided_time']:%Y-%m-%d %H:%M} UTC by {row['operator']}{why}"))
    screen.show(("", "what"), lines)
    if row["evidence"]:
        names = list(dict.fromkeys(name for item in row["evidence"] for name in item))
        screen.show(names, [tuple(_plain(item.get(name)) for name in names) for item in row["evidence"]])


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return " ".join(
            f"{name[0]} {item:g}" if isinstance(item, float) else str(item) for name, item in value.items()
        )
    return f"{value:.6g}" if isinstance(value, float) else value
