"""The verdict: can these sessions be used? yes, with exceptions, no; and why, in one line.

What belongs here: weighing findings. What does not: making them (findings), showing them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from findata_core.quality.findings import BLOCKS, EXCEPTS, REASONS

YES, EXCEPTIONS, NO, NO_SESSION, NOT_CLOSED = "yes", "exceptions", "no", "no_session", "not_closed"
ANSWERS = (YES, EXCEPTIONS, NO, NO_SESSION, NOT_CLOSED)
# Where half of what is expected is not there, what is there is no picture of the market.
MOST_BLOCKED = 0.5
MOST_NAMED = 4


@dataclass(frozen=True)
class Verdict:
    """The answer (one of ANSWERS), one line that says it, and instruments by how they fare."""

    answer: str
    line: str
    expected: int = 0
    sound: int = 0
    excepted: int = 0
    blocked: int = 0


def verdict(expected: pl.DataFrame, findings: pl.DataFrame, settles_time: datetime | None = None) -> Verdict:
    """Return the verdict on closed sessions.

    `expected`: instrument_id, session_date; what should be there. `findings`: FINDING_SCHEMA. `settles_time`: when the
    last provider's own revisions are over, where that lies ahead.
    """
    total = expected.select("instrument_id").n_unique()
    if not total:
        return Verdict(NO, "No: no instrument that is followed should have bars here")
    weights = _heaviest(expected, findings)
    blocked = sum(weight == BLOCKS for weight in weights.values())
    excepted = sum(weight == EXCEPTS for weight in weights.values())
    counts = (total, total - blocked - excepted, excepted, blocked)
    until = f"; provisional until {settles_time:%Y-%m-%d %H:%M} UTC" if settles_time else ""
    of_days = expected.get_column("session_date").n_unique() > 1 and blocked < MOST_BLOCKED * total
    reasons = {**REASONS, **({"no_bars": "with sessions without a bar"} if of_days else {})}
    if blocked >= MOST_BLOCKED * total:
        return Verdict(NO, f"No: {_told(findings, total, reasons, BLOCKS)}{until}", *counts)
    heavy = findings.filter(pl.col("weight").cast(pl.String).is_in([BLOCKS, EXCEPTS]))
    if heavy.is_empty():
        return Verdict(YES, f"Yes: {_all(total)} complete, and nothing speaks against it{until}", *counts)
    return Verdict(EXCEPTIONS, f"Yes, with exceptions: {_told(findings, total, reasons)}{until}", *counts)


def without_session(mics: Sequence[str], first: date, last: date, around: Sequence[date]) -> Verdict:
    """Return the verdict on days on which none of the exchanges trades."""
    span = f"{first}" if first == last else f"{first} to {last}"
    kind = "weekend" if first == last and first.isoweekday() > 5 else "holiday"
    near = " and ".join(map(str, around))
    nearest = f"; the sessions around it are {near}" if near else ""
    return Verdict(NO_SESSION, f"No session: {kind} at {', '.join(mics)} ({span}){nearest}")


def not_closed(closes: Sequence[tuple[str, datetime]]) -> Verdict:
    """Return the verdict on sessions that have not closed: mic and close of each."""
    told = ", ".join(f"{mic} closes {close:%Y-%m-%d %H:%M} UTC" for mic, close in closes)
    return Verdict(NOT_CLOSED, f"Not yet: {told}")


def _heaviest(expected: pl.DataFrame, findings: pl.DataFrame) -> dict[str, str]:
    """Return "blocks" for the instruments of which no session can be used, "excepts" for others that lack something."""
    named = findings.filter(pl.col("weight").is_in([BLOCKS, EXCEPTS])).join(
        expected.select("instrument_id").unique(), on="instrument_id", how="semi"
    )
    sessions = expected.group_by("instrument_id").agg(sessions=pl.col("session_date").n_unique())
    is_blocked = (
        pl.col("session_date").filter(pl.col("weight") == BLOCKS).n_unique() >= pl.col("sessions").first()
    )
    told = named.join(sessions, on="instrument_id").group_by("instrument_id").agg(is_blocked=is_blocked)
    return {name: BLOCKS if blocked else EXCEPTS for name, blocked in told.iter_rows()}


def _told(findings: pl.DataFrame, total: int, reasons: Mapping[str, str], *only: str) -> str:
    """Return how many instruments fare how, and which where they are few."""
    counted = findings.filter(pl.col("weight").is_in(list(only or (BLOCKS, EXCEPTS))))
    parts: list[str] = []
    for reason, words in reasons.items():
        names = counted.filter(reason=reason).get_column("instrument_id").unique().sort().to_list()
        named = [name for name in names if name]
        if named:
            of_all = f"{total} {'instrument' if total == 1 else 'instruments'}" if not parts else f"{total}"
            parts.append(f"{len(named)} of {of_all} {words} ({_listed(named)})")
        elif names:
            parts.append(f"the session {words}")
    return "; ".join(parts)


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _all(total: int) -> str:
    return "the one instrument is" if total == 1 else f"all {total} instruments are"
