"""Reading one instrument's year of minutes from the lake: from merged objects, against the sessions' objects.

What belongs here: the sides, and the proof that all three give the same rows. What does not: servers, the data.

A reader lists the table, takes the objects that speak, and lets Polars fetch what its filter needs, over HTTP.
"""

from __future__ import annotations

import resource
from datetime import date, timedelta
from functools import partial

import polars as pl

from benchmarks.measuring import Line, medians, seconds_of
from benchmarks.servers import temporary_home, temporary_servers
from benchmarks.year import make_session
from findata_core.calendars import session_dates
from findata_core.schema.tables import table
from findata_resources.environment import Endpoints
from findata_resources.migrations.migrate import migrate
from findata_resources.stores.lake import Lake, s3_resource
from findata_resources.stores.lake_files import parquet
from findata_resources.stores.lake_layout import current, mergeable, object_key
from findata_resources.stores.objects import Objects
from findata_resources.stores.timescale import TimescaleStore

BARS = table("market.bars")
YEAR = 2025
TARGET_MONTHS, TARGET_YEAR = 0.6, 0.3


def run(instruments: int = 100, last: date = date(YEAR, 12, 31), repeats: int = 5) -> list[Line]:
    """Publish a year of sessions and one of the next year; measure, merge months, measure, merge the year, measure."""
    with temporary_home() as home, temporary_servers(home) as (_, endpoints):
        migrate(endpoints.database_url)
        store = TimescaleStore(endpoints.database_url)
        try:
            return _measure(endpoints, store, instruments, last, repeats)
        finally:
            store.close()


def _measure(
    endpoints: Endpoints, store: TimescaleStore, instruments: int, last: date, repeats: int
) -> list[Line]:
    lake = Lake(Objects(endpoints), partial(s3_resource, endpoints), endpoints.s3_bucket)
    rows = _publish(endpoints, instruments, last)
    wanted = f"S{instruments // 2:04d}.XNYS"
    spent, answers, merging = {}, {}, {}
    for width, side in ((10, "sessions"), (7, "months"), (4, "year")):
        if width < 10:
            merging[side] = seconds_of(lambda width=width: _merge(lake, store, width))  # type: ignore[misc]
        read = partial(_read, endpoints, lake, wanted)
        spent[side] = medians({"read": read}, repeats)["read"]
        answers[side] = read()
    merging["correction"] = seconds_of(lambda: lake.rewritten(store, BARS, str(YEAR), [f"{YEAR}-06-03"]))
    assert answers["sessions"].equals(answers["months"])
    assert answers["sessions"].equals(answers["year"])
    return _lines(spent, merging, rows, answers["year"].height)


def _publish(endpoints: Endpoints, instruments: int, last: date) -> int:
    """Put the sessions' objects as the publisher does; the next year's first one makes this year a past one."""
    objects, rows = Objects(endpoints), 0
    days = session_dates(["XNYS"], date(YEAR, 1, 1), last)
    after = session_dates(["XNYS"], date(YEAR + 1, 1, 1), date(YEAR + 1, 1, 1) + timedelta(days=7))[:1]
    for number, day in enumerate([*days, *after]):
        session = make_session(instruments, seed=number, session_date=day)
        objects.create(object_key(BARS, str(day)), parquet(session))
        rows += session.height
    return rows


def _merge(lake: Lake, store: TimescaleStore, width: int) -> None:
    for partition in mergeable(BARS, lake.objects_of(BARS), width):
        done = lake.compact(store, BARS, partition)
        assert done.is_merged, done


def _read(endpoints: Endpoints, lake: Lake, instrument: str) -> pl.DataFrame:
    options = {
        "aws_endpoint_url": endpoints.s3_endpoint,
        "aws_access_key_id": endpoints.s3_access_key,
        "aws_secret_access_key": endpoints.s3_secret_key,
        "aws_region": endpoints.s3_region,
        "aws_allow_http": "true",
    }
    keys = [item.key for item in current(lake.objects_of(BARS)) if str(YEAR) in item.partition]
    files = [f"s3://{endpoints.s3_bucket}/{key}" for key in keys]
    lazy = pl.scan_parquet(files, storage_options=options).filter(pl.col("instrument_id") == instrument)
    return lazy.collect().sort("event_time")


def _lines(spent: dict[str, float], merging: dict[str, float], rows: int, found: int) -> list[Line]:
    lines = [
        Line(
            f"lake: a year of one instrument from {side}, against sessions",
            spent[side] / spent["sessions"],
            target,
            f"{found:,} rows of {rows:,}: {spent[side] * 1000:.0f} ms against {spent['sessions'] * 1000:.0f} ms",
        )
        for side, target in (("months", TARGET_MONTHS), ("year", TARGET_YEAR))
    ]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    detail = (
        f"months {merging['months']:.0f} s, the year from them {merging['year']:.0f} s; "
        f"{merging['correction']:.0f} s to make the year's object with one session changed"
    )
    return [*lines, Line("lake: merging a year, peak in GB", peak, None, detail)]
