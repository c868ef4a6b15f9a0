"""What an operator decides about held payloads: released, they count from then on; rejected, they stay out.

A decision is received like an answer: kept as a raw object first, then entered in the books with what it makes due.
What belongs here: finding what is meant, refusing what makes no sense, deciding. What does not: judging (judging),
printing (findata_cli).
"""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl
from psycopg import sql

from findata_assets.steps.platform import Platform
from findata_assets.steps.receiving import receive
from findata_core.errors import ConfigurationError
from findata_resources.providers.decisions import decision

LONGEST_NAME = 64
SHORTEST_PREFIX = 4
TICK = timedelta(microseconds=1)
STATES = ("held", "released", "rejected")


@dataclass(frozen=True)
class Decided:
    """What a decision did: its own payload, and the payloads it is about."""

    verdict: str
    payload_ids: tuple[int, ...]


def hex_id(payload_id: int) -> str:
    """Return a payload's id as receipts are named: sixteen hexadecimal digits."""
    return f"{payload_id:016x}"


def held_payloads(platform: Platform, states: Sequence[str] = ("held",)) -> pl.DataFrame:
    """Return the payloads in these states with what was asked of whom, the one held last first."""
    chosen = sql.SQL(", ").join(map(sql.Literal, states))
    query = sql.SQL(
        "SELECT holds.payload_id, hold_id, state, rule, reason, evidence::text AS evidence, source, "
        "coalesce(request ->> 'subject', '') AS subject, request -> 'parameters' ->> 'interval' AS interval, "
        "request ->> 'window_start' AS window_start, request ->> 'window_end' AS window_end, received_time, "
        "held_time, decided_time, operator, decided_reason "
        "FROM ops.holds AS holds LEFT JOIN ops.payloads USING (payload_id) WHERE state IN ({}) "
        "ORDER BY held_time DESC, subject, interval, holds.payload_id"
    ).format(chosen)
    return platform.store.database.frame(query)


def count_held(platform: Platform, source: str | None = None) -> int:
    """Return how many payloads wait for a decision, of one source or of all."""
    rows = held_payloads(platform)
    return rows.height if source is None else rows.filter(source=source).height


def refused_rows(platform: Platform) -> pl.DataFrame:
    """Return table_name, rule and the number of rows in the quarantine."""
    return platform.store.database.frame(
        sql.SQL("SELECT table_name, rule, count(*) AS rows FROM ops.quarantine GROUP BY 1, 2 ORDER BY 1, 2")
    )


def find_held(platform: Platform, names: Sequence[str]) -> pl.DataFrame:
    """Return the payloads that names mean: an id or its first digits, of a payload or of what was held together.

    ConfigurationError: a name means nothing, or several payloads that were not held together.
    """
    every = held_payloads(platform, STATES)
    return pl.concat([every.clear(), *(_meant(every, name) for name in names)]).unique(maintain_order=True)


def _meant(every: pl.DataFrame, name: str) -> pl.DataFrame:
    prefix = name.lower()
    if not re.fullmatch(r"[0-9a-f]{1,16}", prefix) or len(prefix) < SHORTEST_PREFIX:
        raise ConfigurationError(
            f"{name!r} is no id of a payload",
            f"give at least {SHORTEST_PREFIX} digits of one in findata quarantine list",
        )
    for column in ("payload_id", "hold_id"):
        ids = [value for value in every.get_column(column).unique() if hex_id(value).startswith(prefix)]
        if len(ids) > 1:
            raise ConfigurationError(f"{name} may mean {len(ids)} payloads", "give more of its digits")
        if ids:
            return every.filter(pl.col(column) == ids[0])
    raise ConfigurationError(
        f"No payload was held that is called {name}", "see findata quarantine list --all for those there are"
    )


def release(platform: Platform, names: Sequence[str], reason: str = "") -> Decided:
    """Let held or rejected payloads count from now on. ConfigurationError: one of them does already."""
    found = find_held(platform, names)
    _refuse(found, ("released",), "it can't be released twice")
    return _decide(platform, "release", found, reason)


def reject(platform: Platform, names: Sequence[str], reason: str = "") -> Decided:
    """Keep held payloads out and off the list. ConfigurationError: one of them is released, or rejected already."""
    found = find_held(platform, names)
    _refuse(found, ("released",), "what it says is known and can't be unsaid: a correction is a new payload")
    _refuse(found, ("rejected",), "it can't be rejected twice; it can still be released")
    return _decide(platform, "reject", found, reason)


def _refuse(found: pl.DataFrame, states: Sequence[str], why: str) -> None:
    wrong = found.filter(pl.col("state").is_in(states))
    if not wrong.is_empty():
        row = wrong.row(0, named=True)
        when = f"{row['decided_time']:%Y-%m-%d %H:%M} UTC"
        raise ConfigurationError(
            f"Payload {hex_id(row['payload_id'])} was {row['state']} by {row['operator']} at {when}: {why}",
            "see findata quarantine list for those that wait for a decision",
        )


def _decide(platform: Platform, verdict: str, found: pl.DataFrame, reason: str) -> Decided:
    text = reason.replace("\0", "").strip()
    ids = tuple(sorted(found.get_column("payload_id")))
    about: list[tuple[int, str, list[dict[str, Any]]]] = [(payload_id, text, []) for payload_id in ids]
    # Later than what it is about, however the clock stands: what is released was not known before it was held.
    latest = found.select(pl.max_horizontal(pl.col("held_time").max(), pl.col("decided_time").max())).item()
    moment = max(platform.clock.now(), latest + TICK)
    receive(platform, decision(verdict, about, moment, operator=operator_name(platform.settings.operator)))
    return Decided(verdict, ids)


def operator_name(setting: str) -> str:
    """Return who decides: the setting, else the login name; no path of a machine and no control character in it."""
    name = setting.strip() or _login()
    name = re.split(r"[/\\]", name.rstrip("/\\"))[-1]
    return re.sub(r"[^\w.@+ -]", "", name).strip()[:LONGEST_NAME] or "unknown"


def _login() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a user id without a name, as in a container
        return "unknown"
