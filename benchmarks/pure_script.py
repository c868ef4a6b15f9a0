"""The limit that a run through Dagster is measured against: its pure functions, one after the other.

What belongs here: a session from the bodies of its payloads to rows, candles, weeks, months, coverage and
digests, with the checks that a run makes on the way. What does not: databases, S3, Dagster, processes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path

import polars as pl

from findata_assets.steps.sources import recorded_requests
from findata_core.calendars import sessions_of
from findata_core.intervals import CANDLE_INTERVALS
from findata_core.market.bars import complete_together
from findata_core.market.candles import fold_session_candles
from findata_core.market.choosing import choose_sources
from findata_core.market.periods import fold_period_candles
from findata_core.market.proofs import refold_differences, untiled
from findata_core.quality.gaps import coverage
from findata_core.schema.frames import conform
from findata_core.schema.hashing import digests
from findata_core.schema.tables import Table, table
from findata_core.schema.validation import sift, validate
from findata_resources.environment import SystemClock
from findata_resources.provider import Received
from findata_resources.providers import parse_payload, settles_after
from findata_resources.providers.recorded import RecordedProvider
from findata_resources.stores.raw import receipt

BARS, CANDLES = table("market.bars"), table("market.candles")


@dataclass(frozen=True)
class Answers:
    """What a folder says: the answers, read beforehand, and the calendar."""

    answers: list[Received]
    sessions: pl.DataFrame


def read_folder(folder: Path, session_date: date) -> Answers:
    """Read the files into memory; none of it is measured."""
    provider, clock = RecordedProvider(folder), SystemClock()
    requests, _ = recorded_requests(folder, None, "bars")
    first, last = date(session_date.year, 1, 1), date(session_date.year, 12, 31)
    return Answers([provider.fetch(request, clock) for request in requests], sessions_of("XNYS", first, last))


def run(answers: Answers) -> dict[str, pl.DataFrame]:
    """Return the digests of every table that a session leads to, by address."""
    bars = _completed(answers.answers, answers.sessions).sort(list(BARS.business_key))
    chosen = choose_sources(bars)
    candles = _in_shape(CANDLES, fold_session_candles(chosen, answers.sessions))
    tables = {BARS.address: bars, CANDLES.address: candles, **_periods(candles, answers.sessions)}
    _check(chosen, candles, answers.sessions)
    _count(bars, answers.sessions)
    for address, rows in tables.items():
        _require(validate(table(address), rows).failures.is_empty(), address)
    return {address: digests(table(address), rows) for address, rows in tables.items()}


def _completed(answers: Sequence[Received], sessions: pl.DataFrame) -> pl.DataFrame:
    """The good rows of the payloads in the shape of market.bars."""
    payloads = [receipt(answer) for answer in answers]
    known = pl.DataFrame(
        {
            "payload_number": range(len(payloads)),
            "payload_id": [payload["payload_id"] for payload in payloads],
            "received_time": [datetime.fromisoformat(payload["received_time"]) for payload in payloads],
            "settles_after": [settles_after(payload["source"], "1m") for payload in payloads],
        }
    )
    parsed = [
        part.rows.with_columns(payload_number=pl.lit(number, pl.Int64))
        for number, (answer, payload) in enumerate(zip(answers, payloads, strict=True))
        for part in parse_payload(answer.body, json.loads(payload["request"]))
        if part.table == BARS.address
    ]
    rows = pl.concat(parsed).join(known, on="payload_number", maintain_order="left")
    completed = complete_together(rows.drop("payload_id"), sessions)
    _require(completed.refused.is_empty(), "completing")
    numbers = completed.origins.get_column("payload_number")
    knowledge = known.select(pl.col("received_time").alias("ingest_time"), "payload_id")[numbers]
    bars = conform(pl.concat([completed.bars, knowledge], how="horizontal"), BARS)
    return sift(BARS, bars).good


def _periods(candles: pl.DataFrame, sessions: pl.DataFrame) -> dict[str, pl.DataFrame]:
    daily = candles.filter(pl.col("interval") == "1d")
    periods = {"market.weekly_candles": "1w", "market.monthly_candles": "1mo"}
    return {
        address: _in_shape(table(address), fold_period_candles(daily, sessions, period))
        for address, period in periods.items()
    }


def _check(bars: pl.DataFrame, candles: pl.DataFrame, sessions: pl.DataFrame) -> None:
    """Prove the candles as the assets' checks do."""
    families = [bars, *(candles.filter(pl.col("interval") == name) for name in CANDLE_INTERVALS)]
    for children, parents in pairwise(families):
        _require(refold_differences(parents, children).is_empty(), "folds")
    _require(untiled(candles, sessions).is_empty(), "tiles")


def _count(bars: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Count the session against the grid."""
    days = pl.col("session_date")
    asked = bars.group_by("instrument_id", "source", "interval").agg(
        days.min().alias("first_date"), days.max().alias("last_date")
    )
    return coverage(bars, sessions, asked)


def _in_shape(target: Table, rows: pl.DataFrame) -> pl.DataFrame:
    return conform(rows, target).sort(list(target.business_key))


def _require(is_good: bool, what: str) -> None:
    if not is_good:
        raise AssertionError(f"The script refuses its own rows: {what}")
