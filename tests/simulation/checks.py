"""What must hold at the end of the month: each check returns what is wrong, in words; nothing, if all is well.

What belongs here: the world's and the service's own knowledge against what the platform holds. What does not: running
anything (month).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

import polars as pl
from psycopg import sql

from findata_assets.steps.breaks import summarize
from findata_assets.steps.healing import health_of
from findata_assets.steps.platform import Platform
from findata_assets.steps.proof import verify
from findata_core.schema.hashing import content_hash, digests
from findata_core.schema.tables import table
from findata_resources.stores.due import due_dates
from tests.simulation.cuts import UNBOOKED
from tests.simulation.month import Done, Month
from tests.simulation.service import ALPHAVANTAGE_PER_DAY, MINUTE, NEW_YORK, SECOND, YAHOO_PER_MINUTE, Seen
from tests.simulation.standing import (
    SOURCES,
    audit_log_is_wrong,
    breaks_are_open,
    sensor_sees_work,
    states_are_wrong,
    undecided,
)
from tests.simulation.truth import day_rows, minute_rows

BAR_TABLES = ("market.bars", "market.bars_1d")
SCOPE = ["subject", "scope_date", "slice"]
# What may be refused, and which pathology explains it.
EXPLAINED = {
    "bar_in_progress": "window_edge",
    "malformed_payload": "html or malformed",
    "null_price": "null_bars",
}


def truth_of(platform: Platform, month: Month) -> Mapping[str, pl.DataFrame]:
    """Return the rows that a perfect reader holds, by table; of what is told once, where the answer arrived.

    An answer that was under way when the power was cut is lost, and one that is rejected does not count.
    """
    arrived = _query(
        platform,
        "SELECT sha256 FROM ops.payloads WHERE payload_id NOT IN "
        "(SELECT payload_id FROM ops.holds WHERE state <> 'released')",
    )
    answers = arrived.get_column("sha256").unique()
    told = {pair for sha256 in answers for pair in month.providers.told_closing.get(sha256, ())}
    return {"market.bars": minute_rows(month.world, told), "market.bars_1d": day_rows(month.world)}


def stored(platform: Platform, address: str) -> pl.DataFrame:
    """Return a table's rows in the database."""
    return platform.store.read(table(address))


def published(platform: Platform, address: str) -> pl.DataFrame:
    """Return a table's rows in the lake."""
    source = table(address)
    frames = [platform.lake.read(source, name) for name in platform.lake.partitions(source)]
    return pl.concat([frame for frame in frames if frame is not None])


def differs_from_the_truth(platform: Platform, month: Month) -> Iterator[str]:
    """Compare database, lake and the book of digests with the truth, by hash; where they differ, say where."""
    for address, truth in truth_of(platform, month).items():
        expected = content_hash(table(address), truth)
        for where, rows in (("database", stored(platform, address)), ("lake", published(platform, address))):
            if content_hash(table(address), rows) != expected:
                yield f"{address} in the {where} is not the truth: {_difference(address, truth, rows)}"
        booked = platform.store.read(table("ops.digests")).filter(table_name=address)
        wrong = digests(table(address), truth).join(booked, on=[*SCOPE, "sha256"], how="anti")
        if not wrong.is_empty():
            yield f"{wrong.height} digests of {address} are not the truth's: {wrong.select(SCOPE).rows()[:3]}"


def is_unfinished(platform: Platform, done: Done) -> Iterator[str]:
    """Tell what is left to do."""
    if not done.is_at_fixed_point:
        yield "requests were still made when the time was over"
    if not (due := due_dates(platform.store.database)).is_empty():
        yield f"still due: {due.rows()[:5]}"
    if not (dirty := _query(platform, "SELECT table_name, partition FROM ops.lake_dirty")).is_empty():
        yield f"not published: {dirty.rows()[:5]}"


def coverage_is_wrong(platform: Platform, month: Month) -> Iterator[str]:
    """Compare the minutes that coverage counts with those that there were."""
    key = ["instrument_id", "session_date", "source", "interval"]
    truth = pl.concat(
        [
            rows.filter(session_phase="regular").group_by(key).agg(true_bars=pl.len())
            for rows in truth_of(platform, month).values()
        ]
    )
    counted = platform.store.read(table("ops.coverage")).select(*key, "present_bars")
    both = counted.join(truth, on=key, how="full", coalesce=True).fill_null(0)
    wrong = both.filter(pl.col("present_bars").cast(pl.Int64) != pl.col("true_bars").cast(pl.Int64))
    if not wrong.is_empty():
        yield f"{wrong.height} sessions are counted wrong: {wrong.sort(key).rows()[:3]}"


def refused_without_reason(platform: Platform, month: Month) -> Iterator[str]:
    """Tell which rows were refused though no pathology explains it."""
    del month
    rules = _query(
        platform, "SELECT rule, count(*) AS n, min(reason) AS reason FROM ops.quarantine GROUP BY rule"
    )
    for rule, count, reason in rules.rows():
        if rule not in EXPLAINED:
            yield f"{count} rows were refused by {rule}: {reason}"


def not_in_the_ledger(platform: Platform, month: Month, done: Done) -> Iterator[str]:
    """Compare the requests that reached the service with the rows of the ledger; a power cut may cost one."""
    booked = Counter(_query(platform, "SELECT source, subject, http_status FROM ops.fetches").rows())
    names = {one.symbol: one.instrument_id for one in month.world.instruments}
    names |= {one.alphavantage: one.instrument_id for one in month.world.instruments if one.alphavantage}
    reached = Counter(
        (one.provider, names[one.symbol], _booked_status(one)) for one in month.providers.seen if _counts(one)
    )
    lost = reached - booked
    if lost.total() > sum(point in UNBOOKED for point in done.cuts):
        yield f"{lost.total()} requests reached a provider and are not in the ledger: {list(lost)[:3]}"
    invented = {row: count for row, count in (booked - reached).items() if row[2] is not None}
    if invented:
        yield f"the ledger has requests that reached nobody: {list(invented)[:3]}"


def limits_were_broken(month: Month) -> Iterator[str]:
    """Tell where more was asked than is allowed, by the service's own log."""
    yahoo = [one.time for one in month.providers.requests("yahoo")]
    second = [one.time for one in month.providers.requests("alphavantage")]
    yield from _too_many_within(yahoo, MINUTE, YAHOO_PER_MINUTE, "Yahoo")
    yield from _too_many_within(second, SECOND, 1, "Alpha Vantage")
    days = Counter(moment.astimezone(NEW_YORK).date() for moment in second)
    yield from (
        f"Alpha Vantage was asked {n} times on {day}" for day, n in days.items() if n > ALPHAVANTAGE_PER_DAY
    )
    beyond = [one for one in month.providers.seen if one.status == 422]
    if beyond:
        yield f"{len(beyond)} windows were too wide or beyond the wall: {beyond[0]}"
    refused = Counter(
        one.trouble for one in month.providers.seen if one.trouble in ("too_fast", "day_used_up")
    )
    yield from (f"{count} requests were refused as {name}" for name, count in refused.items())


def differs_made_again(platform: Platform) -> Iterator[str]:
    """Make every table again from the raw payloads, history and derived ones included, and compare."""
    proof = verify(platform, progress=lambda _: None)
    if not proof.is_equal:
        told = proof.differences.group_by("table_name", "where", "finding").len().sort("table_name").rows()
        yield f"made again from raw it is not the same: {told[:5]}"


def findings(platform: Platform, month: Month, done: Done) -> list[str]:
    """Return all that is wrong."""
    return [
        *differs_from_the_truth(platform, month),
        *is_unfinished(platform, done),
        *coverage_is_wrong(platform, month),
        *refused_without_reason(platform, month),
        *not_in_the_ledger(platform, month, done),
        *limits_were_broken(month),
        *states_are_wrong(platform, month),
        *sensor_sees_work(platform, month),
        *undecided(platform, month, done),
        *breaks_are_open(platform),
        *audit_log_is_wrong(platform, month, done),
        *differs_made_again(platform),
    ]


def figures(platform: Platform, month: Month, done: Done) -> Mapping[str, object]:
    """Return what a report quotes."""
    seen = month.providers.seen
    states = _query(
        platform,
        "SELECT source, interval, status, count(*) FROM ops.coverage GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
    )
    count: Callable[[str], int] = lambda name: int(_query(platform, f"SELECT count(*) FROM {name}").item())  # noqa: E731
    return {
        "requests": Counter(one.provider for one in seen if one.kind == "data"),
        "questions for a zone": sum(one.kind == "zone" for one in seen),
        "429": sum(one.status == 429 for one in seen),
        "troubles": Counter(one.trouble for one in seen if one.trouble),
        "met": {name: month.mischief.met[name] for name in sorted(month.mischief.on)},
        "rows": {name: count(name) for name in (*BAR_TABLES, "market.candles")},
        "revised": {name: count(name) for name in ("history.bars", "history.bars_1d")},
        "quarantined": dict(_query(platform, "SELECT rule, count(*) FROM ops.quarantine GROUP BY 1").rows()),
        "coverage": {" ".join(row[:3]): row[3] for row in states.rows()},
        "rejected": _by_rule(done.rejected),
        "released": _by_rule(done.released),
        "states": {
            f"{source} {state}": count
            for source in SOURCES
            for state, count in health_of(platform, source).counts.items()
        },
        "breaks": summarize(platform),
        "power cuts": len(done.cuts),
        "days of healing": done.healing_days,
        "hashes": {
            name: content_hash(table(name), rows)[:16] for name, rows in truth_of(platform, month).items()
        },
    }


def _by_rule(decided: Mapping[tuple[str, str], int]) -> Counter[str]:
    rules: Counter[str] = Counter()
    for (_, rule), count in decided.items():
        rules[rule] += count
    return rules


def _query(platform: Platform, query: str) -> pl.DataFrame:
    return platform.store.database.frame(sql.SQL(query))  # type: ignore[arg-type]


def row_differences(
    address: str, truth: pl.DataFrame, rows: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return the true rows that lack, the rows that are too many, and those that say something else."""
    key = list(table(address).business_key)
    mine = rows.select(truth.columns)
    lacking, extra = truth.join(mine, on=key, how="anti"), mine.join(truth, on=key, how="anti")
    common = mine.join(extra, on=key, how="anti").sort(key)
    true = truth.join(lacking, on=key, how="anti").sort(key)
    values = [name for name in truth.columns if name not in key]
    is_other = pl.any_horizontal(pl.col(name).ne_missing(true.get_column(name)) for name in values)
    return lacking, extra, common.filter(is_other)


def _difference(address: str, truth: pl.DataFrame, rows: pl.DataFrame) -> str:
    found = row_differences(address, truth, rows)
    examples = [frame.select("instrument_id", "event_time", "close", "volume").rows()[:2] for frame in found]
    lacking, extra, other = map(len, found)
    return f"{lacking} rows lack, {extra} are too many, {other} differ: {examples}"


def _counts(one: Seen) -> bool:
    """Tell whether the ledger has a row of its own for a request: of the question for a zone, only a refusal."""
    return one.kind == "data" or one.status >= 400


def _booked_status(one: Seen) -> int | None:
    """Return the status as the platform came to know it."""
    return None if one.trouble == "cut_off" else one.status


def _too_many_within(times: list[datetime], width: timedelta, most: int, who: str) -> Iterator[str]:
    for first, later in zip(times, times[most:], strict=False):
        if later - first < width:
            yield f"{who} was asked more than {most} times within {width}, from {first}"
            return
