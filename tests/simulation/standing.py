"""What the platform itself says at the end: its session states, holds, breaks, audit log and sensor.

What belongs here: each of these against what the world and its providers know; a check returns what is wrong, in words.
What does not: the rows, the limits, the rebuild (checks).
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
from psycopg import sql

from findata_assets.steps.breaks import open_breaks
from findata_assets.steps.expected import ASKED_INTERVALS, followed_states
from findata_assets.steps.healing import health_of
from findata_assets.steps.holding import held_payloads
from findata_assets.steps.platform import Platform
from tests.simulation.instruments import Instrument
from tests.simulation.month import Done, Month

KEY = ["instrument_id", "interval", "session_date"]
SOURCES = ("yahoo", "alphavantage")


def states_are_wrong(platform: Platform, month: Month) -> Iterator[str]:
    """Compare the state of each session that a source should hold with what became of it in the world."""
    for source in SOURCES:
        truth = _expected(month, source)
        states = followed_states(platform, source) if truth.height else truth.clear()
        if states.is_empty() and truth.is_empty():
            continue
        states = states.filter(pl.col("session_date") <= month.world.days[-1])  # no world is after it
        both = states.join(truth, on=KEY, how="full", coalesce=True)
        yield from _told(
            source, "is in another state", both.filter(pl.col("state").ne_missing(pl.col("true_state")))
        )
        is_open = ~pl.col("is_final") & (pl.col("state") != "unobtainable")
        yield from _told(source, "is not final", both.filter(is_open))
        yield from _told(source, "is due", both.filter("is_due"))
        unproven = (pl.col("state") == "proven_empty") & pl.col("payload_id").is_null()
        yield from _told(source, "is empty without an answer that says so", both.filter(unproven))


def sensor_sees_work(platform: Platform, month: Month) -> Iterator[str]:
    """Tell what the healing sensor would still ask for."""
    for source in SOURCES if any(one.alphavantage for one in month.world.instruments) else SOURCES[:1]:
        health = health_of(platform, source)
        if not health.is_followed or (health.days and health.days[0] <= month.world.days[-1]):
            yield f"{source}: {health.in_words()}"


def undecided(platform: Platform, month: Month, done: Done) -> Iterator[str]:
    """Tell what is held still, and what was held though it was right and nothing wrong was stored."""
    held = held_payloads(platform)
    if not held.is_empty():
        yield f"{held.height} answers are still held: {held.select('subject', 'rule', 'reason').rows()[:3]}"
    # A right answer contradicts a wrong one that is stored: where nothing was known before, nothing did contradict it.
    struck = {name for name, _ in month.mischief.odd_evening.values()}
    if wrongly := {told: count for told, count in done.released.items() if told[0] not in struck}:
        yield f"answers were held that were right: {wrongly}"


def breaks_are_open(platform: Platform) -> Iterator[str]:
    """Tell which breaks nobody explains."""
    found = open_breaks(platform)
    columns = ["kind", "instrument_id", "session_date", "field", "left_value", "right_value", "tolerance"]
    for kind, field, count in found.group_by("kind", "field").len().sort("kind", "field").iter_rows():
        mine = found.filter(kind=kind, field=field).select(columns).rows()[:3]
        yield f"{count} breaks of {kind} in {field} are open: {mine}"


def audit_log_is_wrong(platform: Platform, month: Month, done: Done) -> Iterator[str]:
    """Compare what the ledger says of each answer with what the provider sent, and with what became of it."""
    booked = _query(platform, BOOKED)
    sent = pl.DataFrame(
        [(sha256, *counts) for sha256, counts in month.providers.sent.items()],
        schema={"sha256": pl.String, "sent": pl.Int64, "sent_twice": pl.Int64},
        orient="row",
    )
    counted = booked.join(sent, on="sha256").with_columns(pl.col("sent_twice") - pl.col("refused_again"))
    for mine, theirs in (("rows_answered", "sent"), ("rows_duplicate", "sent_twice")):
        wrong = counted.filter(pl.col(mine).cast(pl.Int64) != pl.col(theirs))
        yield from (
            f"{wrong.height} answers: {mine} {a}, {theirs} {b}" for a, b in _first(wrong, mine, theirs)
        )
    refused = booked.filter(~pl.col("is_out"), pl.col("rows_quarantined").cast(pl.Int64) != pl.col("refused"))
    yield from (
        f"{refused.height} answers: rows_quarantined {a}, in the quarantine {b}"
        for a, b in _first(refused, "rows_quarantined", "refused")
    )
    kept = _query(platform, HISTORY).item()
    revised = booked.get_column("rows_revised").sum()
    if revised != kept and not (done.cuts and 0 < revised < kept):
        yield f"{kept} rows were revised, by the ledger {revised}"


BOOKED = """
    SELECT fetches.*, payloads.sha256, coalesce(refused, 0) AS refused, coalesce(refused_again, 0) AS refused_again,
           payload_id IN (SELECT payload_id FROM ops.holds WHERE state <> 'released') AS is_out
    FROM ops.fetches JOIN ops.payloads USING (payload_id) LEFT JOIN (
         SELECT payload_id, count(DISTINCT (table_name, row_number)) AS refused,
                -- a live bar that is sent twice is refused twice, and none of those that are kept once
                count(DISTINCT row_number) FILTER (WHERE rule = 'bar_in_progress')
                - count(DISTINCT row ->> 'event_time') FILTER (WHERE rule = 'bar_in_progress') AS refused_again
         FROM ops.quarantine GROUP BY 1)
         AS quarantined USING (payload_id)
    WHERE fetches.dataset = 'bars'
"""
HISTORY = "SELECT (SELECT count(*) FROM history.bars) + (SELECT count(*) FROM history.bars_1d)"


def _expected(month: Month, source: str) -> pl.DataFrame:
    """Return the state that each session of a source should end in."""
    rows = [
        (one.instrument_id, interval, session.day, _true_state(one, session.day in traded))
        for one in month.world.instruments
        if source == "yahoo" or one.alphavantage
        for traded in [month.world.traded.get(one.instrument_id, {})]
        for session in month.world.sessions_on(one.mic)
        if one.trades_on(session.day)
        for interval in ASKED_INTERVALS
    ]
    names = ["instrument_id", "interval", "session_date", "true_state"]
    return pl.DataFrame(rows, schema=names, orient="row")


def _true_state(one: Instrument, is_traded: bool) -> str:
    if not one.is_known:
        return "unobtainable"
    return "present" if is_traded else "proven_empty"


def _told(source: str, what: str, wrong: pl.DataFrame) -> Iterator[str]:
    if not wrong.is_empty():
        shown = wrong.sort(KEY).select(*KEY, "status", "state", "true_state").rows()[:3]
        yield f"{source}: {wrong.height} times a session {what}: {shown}"


def _first(wrong: pl.DataFrame, *columns: str) -> list[tuple[int, int]]:
    return wrong.select(columns).rows()[:1]


def _query(platform: Platform, query: str) -> pl.DataFrame:
    return platform.store.database.frame(sql.SQL(query))  # type: ignore[arg-type]
