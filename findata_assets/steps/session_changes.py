"""Following a calendar: what its changes are, and what has to be computed again because of them.

What belongs here: the order of things. What does not: what a change is (findata_core.calendar_changes), SQL of the
books (findata_resources.stores.reopening).

A bar's session, phase and settling time come from the calendar, so the bars of a changed day are made again from
their payloads, and what is made of them. Weeks, months, levels and coverage count sessions, so they are made again
around the day even where no bar has changed. Nothing else is.

Dependents are marked before the change is written down: a kill between the two has them marked once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl
from psycopg import sql

from findata_assets.steps.completing import BAR_TABLES, complete_payloads
from findata_assets.steps.derived import derive_signals, fold_candles
from findata_assets.steps.entries import spoken_of
from findata_assets.steps.facts import fold_facts, payloads_by_id
from findata_assets.steps.platform import Platform
from findata_core.calendar_changes import session_changes
from findata_core.schema.tables import table
from findata_resources.stores import due, reopening
from findata_resources.stores.database import literal_list
from findata_resources.stores.reports import WriteReport
from findata_resources.stores.versions import all_versions

CHANGES = table("reference.session_changes")
SESSIONS = table("reference.sessions")
DAY = ["mic", "session_date"]
DAY_LONG = timedelta(days=1)
MOST_SHOWN = 20


def note_session_changes(platform: Platform) -> WriteReport:
    """Write down what the calendars that are due say otherwise than before, and mark what depends on it."""
    marks = due.due_scopes(platform.store.database, CHANGES.address)
    platform.lake.publish(platform.store, CHANGES.address)
    if marks.is_empty():
        return WriteReport()
    mine = sql.SQL("mic = ANY({})").format(literal_list(marks.get_column("subject").to_list(), "text"))
    current, history = all_versions(platform.store.database, SESSIONS, where=mine)
    known = platform.store.read(CHANGES, where=mine)
    changes = session_changes(current, history)
    new = changes.join(known, on=CHANGES.business_key, how="anti").select(DAY).unique().sort(DAY)
    reopen(platform, list(new.iter_rows()))
    _empty_closed(platform, new.join(current, on=DAY, how="anti"))
    scopes = list(marks.select("subject", "scope_date").iter_rows())
    report = platform.store.replace(CHANGES, changes, scopes, marks)
    platform.lake.publish(platform.store, CHANGES.address)
    return report


def latest_changes(platform: Platform) -> str | None:
    """Return the youngest changes as a Markdown table; None where there is none."""
    changes = platform.store.read(CHANGES).sort("changed_time", *DAY, descending=[True, False, False])
    if changes.is_empty():
        return None
    shown = (
        "mic",
        "session_date",
        "kind",
        "open_time_before",
        "close_time_before",
        "open_time",
        "close_time",
    )
    lines = [
        "| " + " | ".join("" if value is None else str(value) for value in row) + " |"
        for row in changes.select(shown).head(MOST_SHOWN).iter_rows()
    ]
    return "\n".join(["| " + " | ".join(shown) + " |", "|---" * len(shown) + "|", *lines])


def _empty_closed(platform: Platform, closed: pl.DataFrame) -> None:
    """Take bars, candles and signals off days that are no sessions any more: there is no partition to run them by."""
    for day in closed.get_column("session_date").unique().sort():
        for name in BAR_TABLES:
            fold_facts(platform, name, day, day + DAY_LONG)
        fold_candles(platform, day, day + DAY_LONG)
        derive_signals(platform, day, day + DAY_LONG)


def reopen(platform: Platform, days: Sequence[tuple[str, date]]) -> None:
    """Make due what depends on the sessions of (mic, date) pairs, and enter anew what payloads say of those days."""
    if not days:
        return
    platform.forget_sessions()
    payload_ids = reopening.payloads_around(platform.store.database, days)
    spoken = [
        spoken_of(read, parts)
        for read, parts in complete_payloads(platform, payloads_by_id(platform, payload_ids))
    ]
    with platform.store.database.transaction() as cursor:
        reopening.forget_spoken(cursor, payload_ids, days)
        for scopes, _windows, scopeless in spoken:
            reopening.enter_spoken(cursor, scopes, scopeless, days)
        for name in BAR_TABLES:
            due.mark(cursor, name, reopening.scopes_on(cursor, name, days), from_time=reopening.EVER)
        around = reopening.subjects_around(cursor, days)
        for name in (*BAR_TABLES, "market.candles"):
            due.mark_downstream(cursor, name, around)
