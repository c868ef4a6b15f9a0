"""Keeping ops.arrivals: what is expected by when, and from the books when it came.

What belongs here: reading the books for findata_core/quality/arrivals.py, and writing the table. What does not: the
rules, and asking for what is late (live.py, findata_assets/late_sensor.py).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
from psycopg import sql

from findata_assets.steps.bar_sources import BAR_PROVIDERS
from findata_assets.steps.expected import asked_capabilities, followed_since, sessions_of_followed, states_of
from findata_assets.steps.platform import Platform
from findata_core.quality.arrivals import (
    ARRIVALS,
    BAR_SLOTS,
    FX_PROVIDER,
    KEPT,
    KEY,
    RATES_PROVIDER,
    SERIES_PROVIDER,
    bars_expected,
    exchange_rates_expected,
    in_force,
    matched,
    rates_expected,
    revision_slots,
    series_expected,
    with_lateness,
)
from findata_core.schema.frames import polars_schema
from findata_resources.provider import Capability
from findata_resources.stores.database import upsert
from findata_resources.stores.reports import WriteReport
from findata_resources.stores.statements import delete_rows

DAY = timedelta(days=1)
LONGEST_SETTLING = 7 * DAY  # from a session's close to the last slot of it that is kept


def refresh_arrivals(platform: Platform) -> WriteReport:
    """Make the table equal to what is expected now and what has come of it."""
    with platform.store.database.transaction() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [ARRIVALS.address])
        fresh = arrivals_now(platform)  # under the lock: whoever comes later has seen more
        stored = stored_arrivals(platform)
        delete_rows(cursor, ARRIVALS, stored.join(fresh, on=KEY, how="anti"))
        written = upsert(cursor, ARRIVALS, fresh)
    return WriteReport(rows_written=written, rows_unchanged=fresh.height - written)


def stored_arrivals(platform: Platform) -> pl.DataFrame:
    """Return the table as it was last kept, sorted by key."""
    return platform.store.read(ARRIVALS).sort(KEY)


def late_now(platform: Platform) -> pl.DataFrame:
    """Return what should be here and is not, with late_by, latest first; nothing is written."""
    rows = with_lateness(arrivals_now(platform), platform.clock.now())
    return rows.filter("is_late").sort("late_by", *KEY, descending=[True, *[False] * len(KEY)])


def arrivals_now(platform: Platform) -> pl.DataFrame:
    """Return the rows that the table should have now."""
    now = platform.clock.now()
    since = _asked_since(platform)
    found = [_bars(platform, source) for source in BAR_PROVIDERS if source in since]
    if RATES_PROVIDER in since:
        found.append(_rates(platform, now))
    if SERIES_PROVIDER in since:
        found.append(
            matched(series_expected(now), _first_seen(platform, "economic.observations", "series_id"))
        )
    if FX_PROVIDER in since:
        found.append(
            matched(exchange_rates_expected(now), _first_seen(platform, "economic.fx_rates", "base"))
        )
    return in_force(pl.concat([pl.DataFrame(schema=polars_schema(ARRIVALS)), *found]), since, now)


def next_step(provider: str, due: date) -> str:
    """Return the command that asks for what is late."""
    if provider in BAR_SLOTS:
        return f"findata materialize --source {provider} --sessions {due}"
    return f"findata materialize --source {provider}"


def _asked_since(platform: Platform) -> dict[str, datetime]:
    """Return when each provider was first asked: nothing is expected of it before."""
    query = sql.SQL("SELECT source, min(started_time) FROM ops.fetches GROUP BY source")
    return dict(platform.store.database.frame(query).iter_rows())


def _bars(platform: Platform, source: str) -> pl.DataFrame:
    found = [_interval(platform, source, capability) for capability in asked_capabilities(source)]
    return pl.concat([pl.DataFrame(schema=polars_schema(ARRIVALS)), *found])


def _interval(platform: Platform, source: str, capability: Capability) -> pl.DataFrame:
    """Return what is expected of one interval of a source: sessions that have closed, and those about to."""
    since = followed_since(platform, source, capability.interval)
    if since is None:
        return pl.DataFrame(schema=polars_schema(ARRIVALS))
    now = platform.clock.now()
    first, end = max(since, (now - KEPT - LONGEST_SETTLING).date()), (now + 2 * DAY).date()
    states = states_of(platform, source, capability, first, end)
    known = states.with_columns(is_wanted=pl.col("state") != "unobtainable").select(
        "instrument_id", "session_date", "close_time", "is_wanted", "told_time", "settled_time"
    )
    coming = sessions_of_followed(platform, source, capability.interval, first, end).filter(
        pl.col("close_time") > now
    )
    times = {name: pl.lit(None, pl.Datetime("us", "UTC")) for name in ("told_time", "settled_time")}
    open_yet = coming.with_columns(is_wanted=pl.lit(value=True), **times).select(known.columns)
    sessions = pl.concat([known, open_yet]).with_columns(
        dataset=pl.lit("market.bars_1d" if capability.interval == "1d" else "market.bars"),
        mic=pl.col("instrument_id").str.extract(r"\.([^.]*)$", 1),
    )
    return bars_expected(sessions, source, capability.settles_after)


def _rates(platform: Platform, now: datetime) -> pl.DataFrame:
    """Return both slots of each rate: its first version, and the first answer after the time of its revision."""
    expected = rates_expected(now)
    published = _first_seen(platform, "rates.rates", "rate").with_columns(slot=pl.lit("first"))
    slots = revision_slots(expected)
    answers = platform.store.database.frame(_rate_answers(now - KEPT - LONGEST_SETTLING))
    day = pl.col("due_date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    heard = (
        slots.join(answers, on="subject")
        .filter(
            pl.col("received_time") >= pl.col("slot_time"),
            pl.col("start_time") <= day,
            day < pl.col("end_time"),
        )
        .select(*KEY, arrived_time="received_time")
    )
    return matched(expected, pl.concat([published, heard]))


def _first_seen(platform: Platform, address: str, subject: str) -> pl.DataFrame:
    """Return KEY and arrived_time of a table of facts: when each observation was first known, from whom it is asked."""
    names = {
        "rates.rates": RATES_PROVIDER,
        "economic.observations": SERIES_PROVIDER,
        "economic.fx_rates": FX_PROVIDER,
    }
    schema, _, name = address.partition(".")
    slot = "first" if schema == "rates" else "release"
    query = sql.SQL(
        "SELECT {subject} AS subject, observation_date AS due_date, min(ingest_time) AS arrived_time FROM ("
        "SELECT {subject}, source, observation_date, ingest_time FROM {current} UNION ALL "
        "SELECT {subject}, source, observation_date, ingest_time FROM {closed}) AS said "
        "WHERE source = {source} AND observation_date >= {first}::date GROUP BY 1, 2"
    ).format(
        subject=sql.Identifier(subject),
        current=sql.Identifier(schema, name),
        closed=sql.Identifier("history", name),
        source=sql.Literal(names[address]),
        first=sql.Literal(str((platform.clock.now() - KEPT - 200 * DAY).date())),
    )
    told = platform.store.database.frame(query)
    constants = {"dataset": address, "provider": names[address], "slot": slot}
    return told.with_columns(
        pl.col("arrived_time").cast(pl.Datetime("us", "UTC")),
        **{column: pl.lit(value) for column, value in constants.items()},
    ).select(*KEY, "arrived_time")


def _rate_answers(first: datetime) -> sql.Composed:
    """The New York Fed's answers about rates (not averages) received from `first` on, and the days they are about."""
    return sql.SQL(
        "SELECT request -> 'parameters' ->> 'rate_type' AS subject, received_time, "
        "(request ->> 'window_start')::timestamptz AS start_time, (request ->> 'window_end')::timestamptz AS end_time "
        "FROM ops.payloads WHERE source = {} AND dataset = 'rates' AND received_time >= {}::timestamptz "
        "AND request ->> 'window_start' IS NOT NULL"
    ).format(sql.Literal(RATES_PROVIDER), sql.Literal(first.isoformat()))
