"""What speaks against an instrument's session: each finding in words, with its weight and the command to run.

What belongs here: turning what the books say (states, breaks, refused rows, held answers, outliers, marks) into
findings of one shape. What does not: reading the books (findata_assets/steps/reports.py), the verdict (verdicts).

Weights: "blocks" (the instrument's session can't be used), "excepts" (it can, but for what is named), "notes" (a
reader should know it, and nothing is wrong).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import polars as pl

from findata_core import cures
from findata_core.exchanges import EXCHANGES

BLOCKS, EXCEPTS, NOTES = "blocks", "excepts", "notes"
WEIGHTS = (BLOCKS, EXCEPTS, NOTES)
FINDING_SCHEMA = pl.Schema(
    [
        ("weight", pl.Enum(WEIGHTS)),
        ("mic", pl.String()),
        ("instrument_id", pl.String()),  # "" for what is said of the session as a whole
        ("session_date", pl.Date()),
        ("reason", pl.String()),
        ("words", pl.String()),
        ("cure", pl.String()),
    ]
)
# Reason -> how a headline counts instruments by it.
REASONS = {
    "no_bars": "without a single bar",
    "minutes_missing": "with missing minutes",
    "sick_volume": "with volume that nobody traded",
    "open_break": "with figures that do not agree",
    "refused_rows": "with refused rows",
    "outlier": "with prices that stand apart",
    "held": "with an answer that is held",
    "late": "waiting for what is late",
    "behind": "with work that is due",
    "lake_behind": "with objects of the lake to be published",
}
UNOBTAINABLE = {
    "unobtainable": "its source no longer gives it",
    "awaiting": "asked, and to be asked again",
    "never_asked": "never asked for",
}

Finding = dict[str, Any]


def finding(
    weight: str, instrument_id: str, day: date, reason: str, words: str, cure: str, mic: str = ""
) -> Finding:
    """Return a row of FINDING_SCHEMA."""
    return {
        "weight": weight,
        "mic": mic or instrument_id.rpartition(".")[2],
        "instrument_id": instrument_id,
        "session_date": day,
        "reason": reason,
        "words": words,
        "cure": cure,
    }


def of_states(expected: pl.DataFrame, states: pl.DataFrame, sources: Iterable[str]) -> list[Finding]:
    """Return what is missing of each instrument that is expected, by its best source of minutes, else of days.

    `expected`: instrument_id, session_date of sessions that have closed. `states`: session_states() with
    missing_ranges; `sources`: those that can be asked at all.
    """
    live = set(sources)
    best = best_states(states)
    rows = expected.join(best, on=["instrument_id", "session_date"], how="left").iter_rows(named=True)
    return [item for row in rows for item in _of_state(row, live)]


def best_states(states: pl.DataFrame) -> pl.DataFrame:
    """Return the state of each session that has most to say: minutes before days, most of them first."""
    share = pl.col("present_bars") / pl.col("expected_bars").cast(pl.Float64)
    return (
        states.with_columns(
            is_daily=pl.col("interval") == "1d",
            share=share.fill_nan(0).fill_null(0),
            has_bars=pl.col("present_bars") > 0,
        )
        .sort(
            "has_bars",
            "is_daily",
            "share",
            "source",
            "interval",
            descending=[True, False, True, False, False],
        )
        .unique(["instrument_id", "session_date"], keep="first", maintain_order=True)
    )


def _of_state(row: Finding, live: set[str]) -> list[Finding]:
    instrument_id, day, source = row["instrument_id"], row["session_date"], row["source"]
    # What is beyond a source's wall, or was never asked of one, only files can bring.
    is_open = source in live and (row["is_due"] or row["expires_time"] is not None)
    cure = cures.ask_again(source, day, day) if is_open else cures.load_recorded()
    if row["state"] is None:
        words = "nothing was received of it, and no source was asked"
        return [finding(BLOCKS, instrument_id, day, "no_bars", words, cure)]
    if row["state"] == "proven_empty":
        words = f"no trade: {source} says so"
        return [finding(NOTES, instrument_id, day, "proven_empty", words, "")]
    if row["present_bars"] == 0:
        words = f"no bar: {UNOBTAINABLE.get(row['state'], row['state'])} ({source})"
        return [finding(BLOCKS, instrument_id, day, "no_bars", words, cure)]
    if row["status"] == "complete":
        return []
    lost = (row["expected_bars"] or 0) - row["present_bars"]
    words = f"{lost} of {row['expected_bars']} bars of {row['interval']} missing ({source})"
    if row["missing_ranges"]:
        words += f": {_shortened(row['missing_ranges'])} UTC"
    if row["is_final"]:
        return [finding(NOTES, instrument_id, day, "confirmed_gap", f"{words}; confirmed", "")]
    return [finding(EXCEPTS, instrument_id, day, "minutes_missing", words, cure)]


def _shortened(ranges: str, most: int = 4) -> str:
    parts = ranges.split(" ")
    rest = len(parts) - most
    return ", ".join(parts[:most]) + (f" and {rest} more stretches" if rest > 0 else "")


def of_breaks(breaks: pl.DataFrame) -> list[Finding]:
    """Return a finding for each instrument's session and kind of break: open ones except, explained ones are notes.

    Sick volume excepts though it is explained: the volumes are wrong all the same.
    """
    found = []
    live = breaks.filter(pl.col("state") != "closed")
    for (instrument_id, day, kind, state), rows in live.group_by(
        ["instrument_id", "session_date", "kind", "state"], maintain_order=True
    ):
        assert isinstance(day, date)
        is_sick = kind == "sick_volume"
        weight = EXCEPTS if is_sick or state == "open" else NOTES
        reason = "sick_volume" if is_sick else f"{state}_break"
        cure = cures.breaks_of(str(instrument_id), day, day)
        found.append(finding(weight, str(instrument_id), day, reason, _of_break(str(kind), rows), cure))
    return found


def _of_break(kind: str, rows: pl.DataFrame) -> str:
    fields = ", ".join(sorted(set(rows.get_column("field"))))
    first = rows.row(0, named=True)
    names = {first["left_source"], first["right_source"]}
    sources = " and ".join(sorted(names))
    words = {
        "providers": f"{sources} differ in {fields} ({first['interval']})",
        "minutes_daily": f"the minutes of {sources} do not fold to its own day: {fields}",
        "candles_bars": f"candles and {sources}'s own bars of {first['interval']} differ in {fields}",
        "sick_volume": f"volumes of the minutes of {sources} are not those of the market",
    }[kind]
    return f"{words}; {first['explanation']}" if first["explanation"] else words


def counted(refused: pl.DataFrame) -> pl.DataFrame:
    """Return how many rows of a subject's day were refused by each rule, as of_refused() takes them."""
    key = ["table_name", "rule", "instrument_id", "scope_date"]
    return refused.group_by(key).agg(rows=pl.len()).sort(key).rename({"instrument_id": "subject"})


def of_refused(refused: pl.DataFrame) -> list[Finding]:
    """Return a finding for each subject and rule of refused rows: table_name, rule, subject, scope_date, rows."""
    return [
        finding(
            EXCEPTS,
            row["subject"] or "",
            row["scope_date"],
            "refused_rows",
            f"{row['rows']} rows meant for {row['table_name']} refused: {row['rule']}",
            cures.refused_rows(row["table_name"], row["scope_date"], row["scope_date"]),
            _mic(row["subject"]),
        )
        for row in refused.iter_rows(named=True)
    ]


def of_outliers(outliers: pl.DataFrame) -> list[Finding]:
    """Return a finding for each minute that stands apart (quality.outliers)."""
    return [
        finding(
            EXCEPTS,
            row["instrument_id"],
            row["session_date"],
            "outlier",
            f"{row['field']} {row['price']:.10g} at {row['event_time']:%H:%M} UTC, {row['distance']:+.1%} from the "
            f"minutes around it ({row['source']})",
            cures.explain(row["instrument_id"], "1m", row["event_time"]),
        )
        for row in outliers.iter_rows(named=True)
    ]


def of_held(held: pl.DataFrame) -> list[Finding]:
    """Return a finding for each answer that waits for a decision: payload_id, subject, rule, reason, session_date."""
    return [
        finding(
            EXCEPTS,
            row["subject"],
            row["session_date"],
            "held",
            f"an answer is held ({row['rule']}): {row['reason']}",
            cures.look_at_held(row["payload_id"]),
            _mic(row["subject"]),
        )
        for row in held.iter_rows(named=True)
    ]


def of_arrivals(arrivals: pl.DataFrame, sources: Iterable[str], now: datetime) -> list[Finding]:
    """Return a finding for what was expected by now and is not here: rows of ops.arrivals."""
    live = set(sources)
    late = arrivals.filter(pl.col("arrived_time").is_null(), pl.col("expected_time") < now)
    return [
        finding(
            EXCEPTS,
            "",
            row["due_date"],
            "late",
            f"{row['dataset']} of {row['subject']} from {row['provider']} ({row['slot']}) expected by "
            f"{row['expected_time']:%Y-%m-%d %H:%M} UTC is not here",
            cures.ask_again(row["provider"], row["due_date"], row["due_date"])
            if row["provider"] in live
            else cures.status(),
            _mic(f".{row['subject']}"),
        )
        for row in late.iter_rows(named=True)
    ]


def of_marks(due: pl.DataFrame, first: date, last: date) -> list[Finding]:
    """Return one finding for each table that has yet to be made again: asset, session_date, scopes."""
    return [
        finding(
            EXCEPTS,
            "",
            row["session_date"],
            "behind",
            f"{row['asset']} is behind what was received: {row['scopes']} scopes are due",
            cures.materialize(first=first, last=last),
        )
        for row in due.iter_rows(named=True)
    ]


def of_lake(marks: pl.DataFrame, day: date) -> list[Finding]:
    """Return one finding for each table whose objects are older than its rows: table_name, objects."""
    return [
        finding(
            NOTES,
            "",
            day,
            "lake_behind",
            f"{row['objects']} objects of {row['table_name']} in the lake are older than the table",
            cures.materialize(),
        )
        for row in marks.iter_rows(named=True)
    ]


def as_frame(found: Iterable[Finding]) -> pl.DataFrame:
    """Return findings as FINDING_SCHEMA, the heaviest first."""
    rows = pl.DataFrame(list(found), schema=FINDING_SCHEMA)
    return rows.sort("weight", "mic", "instrument_id", "session_date", "reason", "words")


def _mic(subject: str | None) -> str:
    mic = (subject or "").rpartition(".")[2]
    return mic if mic in EXCHANGES else ""
