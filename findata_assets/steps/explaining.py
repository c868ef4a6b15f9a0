"""From a stored candle or bar back to the bytes that it came from: the chain, and whether it still holds.

The row is made again from the raw payloads alone: each body is read from S3 and hashed, parsed with its
stored request, and folded by the same pure functions. What differs is named. What belongs here: finding the
chain and comparing. What does not: printing it (findata_cli), proofs of whole tables (proof).
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from findata_assets.steps.asking import Asked, stored_rows
from findata_assets.steps.completing import complete_payloads
from findata_assets.steps.derivations import as_received, splits_of
from findata_assets.steps.facts import payloads_by_id
from findata_assets.steps.platform import Platform
from findata_core.errors import FindataError
from findata_core.market.candles import daily_candles, fold_session_candles
from findata_core.market.choosing import choose_sources
from findata_core.market.periods import fold_period_candles
from findata_core.schema.frames import conform, empty
from findata_core.schema.tables import Table, table
from findata_resources.stores.raw import Payload

DAY = timedelta(days=1)
BAR_TABLES = ("market.bars", "market.bars_1d")


@dataclass(frozen=True)
class Receipt:
    """A payload behind the row: what was received, and what its object on S3 holds now.

    `problem`: why the body can't be used, "" if it can. `bars`: rows of it that the fold takes.
    """

    payload: Payload
    sha256_now: str
    problem: str
    bars: int


@dataclass(frozen=True)
class Explanation:
    """The chain of one stored row: its bars, their payloads, and the row made again from these.

    `stored` is one row of `table_name`; `refolded` is that row made again, none if it can't be made.
    `bars` are the stored bars, `reparsed` the same bars as the payloads say them.
    """

    table_name: str
    source_interval: str
    stored: pl.DataFrame
    refolded: pl.DataFrame
    bars: pl.DataFrame
    reparsed: pl.DataFrame
    receipts: tuple[Receipt, ...]
    differences: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """True if the row follows from its payloads, bit for bit."""
        return not self.differences


def explain(platform: Platform, asked: Asked) -> list[Explanation]:
    """Explain every stored row that was asked for: one for each source interval, or source, that has it."""
    return [_explain(platform, table(address), row) for address, row in stored_rows(platform, asked)]


def _explain(platform: Platform, target: Table, stored: pl.DataFrame) -> Explanation:
    row = stored.row(0, named=True)
    bars = _bars_behind(platform, target, row)
    receipts, reparsed = _read_again(platform, bars)
    refolded = _make_again(platform, target, row, reparsed)
    differences = [
        *(f"payload {item.payload['payload_id']}: {item.problem}" for item in receipts if item.problem),
        *_bar_differences(bars, reparsed),
        *_row_differences(stored, refolded),
    ]
    return Explanation(
        target.address,
        row.get("source_interval", row["interval"]),
        stored,
        refolded,
        bars,
        reparsed,
        tuple(receipts),
        tuple(differences),
    )


def _bars_behind(platform: Platform, target: Table, row: dict[str, Any]) -> pl.DataFrame:
    """Return the stored bars that the row is made from: the chosen source's of its sessions, within its time."""
    if target.address in BAR_TABLES:
        return platform.store.read(
            target, row["session_date"], row["session_date"] + DAY, [row["instrument_id"]]
        ).filter(*(pl.col(name) == row[name] for name in target.business_key))
    first, last = _dates(row)
    source = table("market.bars_1d" if row["source_interval"] == "1d" else "market.bars")
    every = platform.store.read(source, first, last + DAY, [row["instrument_id"]])
    chosen = choose_sources(every.filter(pl.col("interval") == row["source_interval"]))
    # The choice is by session, so it is made before the bars are narrowed to the candle's own time.
    within = pl.col("event_time").is_between(row["event_time"], row["available_time"], closed="left")
    return chosen.filter(within, pl.col("session_phase") == "regular")


def _dates(row: dict[str, Any]) -> tuple[date, date]:
    """Return the first and last date that the row covers, both inclusive."""
    if "period_start_date" in row:
        return row["period_start_date"], row["period_end_date"]
    return row["session_date"], row["session_date"]


def _read_again(platform: Platform, bars: pl.DataFrame) -> tuple[list[Receipt], pl.DataFrame]:
    """Read every payload behind the bars again; return what they say where the bars are."""
    target = table("market.bars_1d" if bars.get_column("interval").eq("1d").all() else "market.bars")
    receipts, found = [], [empty(target)]
    for payload in payloads_by_id(platform, bars.get_column("payload_id")):
        mine = bars.filter(pl.col("payload_id") == payload["payload_id"])
        receipt, rows = _read_one(platform, payload, target, mine)
        receipts.append(receipt)
        found.append(rows)
    return receipts, pl.concat(found).sort(list(target.business_key))


def _read_one(
    platform: Platform, payload: Payload, target: Table, mine: pl.DataFrame
) -> tuple[Receipt, pl.DataFrame]:
    try:
        body = platform.raw.body(payload)
        platform.parsed.hand_over(payload, body)
        parts = [
            part.rows
            for _, completed in complete_payloads(platform, [payload], target)
            for part in completed
            if part.target == target
        ]
    except FindataError as error:
        return Receipt(payload, "", error.message, 0), empty(target)
    rows = pl.concat([empty(target), *parts]).join(mine, on=list(target.business_key), how="semi")
    return Receipt(payload, hashlib.sha256(body).hexdigest(), "", rows.height), rows


def _make_again(platform: Platform, target: Table, row: dict[str, Any], bars: pl.DataFrame) -> pl.DataFrame:
    """Return the row as it follows from the bars; no row where it does not."""
    if bars.is_empty():
        return empty(target)
    sessions = platform.sessions_of(bars.get_column("instrument_id"))
    splits = splits_of(platform, bars.get_column("instrument_id"))
    made = conform(_fold(platform, target, row, splits)(bars, sessions), target)
    return made.filter(*(pl.col(name) == row[name] for name in target.business_key))


def _fold(
    platform: Platform, target: Table, row: dict[str, Any], splits: pl.DataFrame
) -> Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]:
    """Return the function of bars and sessions that makes rows of the table."""
    if target.address in BAR_TABLES:
        return lambda bars, _: bars
    if target.address == "market.candles":
        return fold_session_candles
    to_days = daily_candles if row["source_interval"] == "1d" else fold_session_candles
    return lambda bars, sessions: fold_period_candles(
        as_received(platform, to_days(bars, sessions), splits), sessions, row["interval"], splits
    )


def _bar_differences(bars: pl.DataFrame, reparsed: pl.DataFrame) -> Iterator[str]:
    """Yield what the stored bars have otherwise than their payloads."""
    key = ["instrument_id", "interval", "source", "adjustment", "event_time"]
    others = [name for name in bars.columns if name not in key]
    both = bars.join(reparsed, on=key, how="left", suffix="_payload", maintain_order="left")
    missing = bars.join(reparsed, on=key, how="anti")
    for time in missing.get_column("event_time"):
        yield f"bar {time:%Y-%m-%d %H:%M}: no payload says it"
    for row in both.join(missing, on=key, how="anti", maintain_order="left").iter_rows(named=True):
        for name in others:
            if row[name] != row[f"{name}_payload"]:
                yield (
                    f"bar {row['event_time']:%Y-%m-%d %H:%M}: {name} is {row[name]} in the database, "
                    f"{row[f'{name}_payload']} in the payload"
                )


def _row_differences(stored: pl.DataFrame, refolded: pl.DataFrame) -> Sequence[str]:
    """Return what the stored row has otherwise than the row made again."""
    if refolded.is_empty():
        return ["the row can't be made again: none of its bars could be read from a payload"]
    old, new = stored.row(0, named=True), refolded.row(0, named=True)
    return [
        f"{name} is {old[name]} in the database, {new[name]} when made again"
        for name in old
        if old[name] != new[name]
    ]
