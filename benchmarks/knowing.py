"""What was known when, and what is known of each session: an as-of read beside a current one, coverage of a year.

What belongs here: the data that both need, and the two measures. What does not: servers.
"""

from __future__ import annotations

import statistics
from datetime import UTC, date, datetime, timedelta

import polars as pl

from benchmarks.folders import write_universe
from benchmarks.measuring import Line, medians, seconds_of
from benchmarks.servers import temporary_home, temporary_servers
from benchmarks.year import PRESENCE, frame_of, make_year
from findata_assets.steps.expected import known_states
from findata_assets.steps.known import KnownAt
from findata_assets.steps.platform import Platform, open_platform
from findata_assets.steps.sources import refresh_reference
from findata_core.schema.frames import conform
from findata_core.schema.tables import table
from findata_resources.migrations.migrate import migrate
from findata_resources.stores.database import copy_into

TARGET_AS_OF, TARGET_COVERAGE_SECONDS = 1.3, 2.0
FIRST, LAST = date(2025, 1, 1), date(2025, 12, 31)
DAY = timedelta(days=1)
REVISED_SHARE = 0.02  # of the stored minutes; Yahoo corrects the last fifteen of New York's 390
INSTANT = datetime(2026, 1, 4, tzinfo=UTC)  # between what was said first and what was said last
SAID_FIRST, SAID_LAST = datetime(2026, 1, 3, tzinfo=UTC), datetime(2026, 1, 5, tzinfo=UTC)


def run(instruments: int = 200, stored: int = 10, repeats: int = 9) -> list[Line]:
    """Measure both, on servers of their own; minutes are stored of some instruments, coverage of all."""
    with temporary_home() as home:
        names = pl.Series([f"S{code:04d}.XNYS" for code in range(instruments)])
        write_universe(home / "universe.csv", names)
        with temporary_servers(home, universe=home / "universe.csv") as (settings, endpoints):
            migrate(endpoints.database_url)
            platform = open_platform(settings)
            try:
                refresh_reference(platform)
                return [_as_of(platform, stored, repeats), _coverage(platform, names, repeats)]
            finally:
                platform.close()


def _as_of(platform: Platform, stored: int, repeats: int) -> Line:
    """Read a ticker's year as it is and as it was."""
    rows = _store_minutes(platform, stored)
    one = pl.Series(["S0001.XNYS"])
    sides = {
        "now": lambda: platform.read("market.bars", FIRST, LAST + DAY, one),
        "then": lambda: KnownAt(platform, INSTANT).read("market.bars", FIRST, LAST + DAY, one),
    }
    now, then = sides["now"](), sides["then"]()
    if now.height != then.height or now.equals(then):
        raise AssertionError("As of then there were as many minutes, and some had other values")
    spent = medians(sides, repeats)
    detail = (
        f"{now.height:,} of {rows:,} bars, {REVISED_SHARE:.0%} of them revised since: {spent['then'] * 1e3:.0f} ms "
        f"against {spent['now'] * 1e3:.0f} ms; medians of {repeats}"
    )
    return Line(
        "as of: a ticker's year of minutes, against the current ones",
        spent["then"] / spent["now"],
        TARGET_AS_OF,
        detail,
    )


def _store_minutes(platform: Platform, instruments: int) -> int:
    """Store a year of minutes: some of them were said otherwise before."""
    bars = table("market.bars")
    first_said = pl.lit(SAID_FIRST).cast(pl.Datetime("us", "UTC"))
    rows = frame_of(make_year(instruments, first=FIRST, last=LAST, presence=PRESENCE))
    chosen = pl.int_range(pl.len()) % round(1 / REVISED_SHARE) == 0
    told = pl.lit(SAID_LAST).cast(pl.Datetime("us", "UTC"))
    current = rows.with_columns(ingest_time=pl.when(chosen).then(told).otherwise(first_said))
    closed = rows.filter(chosen).with_columns(
        volume=pl.col("volume") + 1, ingest_time=first_said, superseded_time=told
    )
    with platform.store.database.transaction() as cursor:
        copy_into(cursor, bars, current)
        copy_into(cursor, bars.history(), conform(closed, bars.history()))
        cursor.execute("ANALYZE market.bars, history.bars")
    return rows.height


def _coverage(platform: Platform, names: pl.Series, repeats: int) -> Line:
    """Tell what is known of every session of a year."""
    sessions = platform.sessions({"XNYS"}).filter(pl.col("session_date").is_between(FIRST, LAST))
    _store_books(platform, names, sessions)
    states = known_states(platform, FIRST, LAST + DAY)
    if states.height != names.len() * sessions.height:
        raise AssertionError(f"{states.height} sessions of {names.len()} x {sessions.height}")
    seconds = statistics.median(
        seconds_of(lambda: known_states(platform, FIRST, LAST + DAY)) for _ in range(repeats)
    )
    detail = (
        f"{names.len()} x {sessions.height} sessions: {seconds:.2f} s of {TARGET_COVERAGE_SECONDS} s; "
        f"median of {repeats}"
    )
    return Line(
        "coverage: a year of states, share of the time allowed",
        seconds / TARGET_COVERAGE_SECONDS,
        1.0,
        detail,
    )


def _store_books(platform: Platform, names: pl.Series, sessions: pl.DataFrame) -> None:
    """Enter counts of every session, their digests, and a request and its answer for every week."""
    grid = pl.DataFrame({"instrument_id": names}).join(
        sessions.select("session_date", "open_time", "close_time"), how="cross"
    )
    said = grid.with_columns(
        source=pl.lit("yahoo"),
        interval=pl.lit("1m"),
        status=pl.when(pl.int_range(pl.len()) % 20 == 0)
        .then(pl.lit("partial"))
        .otherwise(pl.lit("complete")),
        expected_bars=pl.lit(390),
        present_bars=pl.lit(390),
        other_bars=pl.lit(0),
        missing_ranges=pl.lit([], pl.List(pl.String)),
        table_name=pl.lit("market.bars"),
        subject=pl.col("instrument_id"),
        scope_date=pl.col("session_date"),
        slice=pl.lit("1m/yahoo/split"),
        sha256=pl.lit("0" * 64),
        row_count=pl.lit(390),
        ingest_time=pl.col("close_time") + timedelta(hours=1),
    )
    weeks = said.group_by("instrument_id", pl.col("session_date").dt.truncate("1w"), maintain_order=True).agg(
        pl.col("source", "interval").first(),
        start_time=pl.col("open_time").min(),
        end_time=pl.col("close_time").max(),
    )
    asked = weeks.with_row_index("payload_id").with_columns(
        received_time=pl.col("end_time") + timedelta(days=1),
        fetch_id=pl.col("payload_id").cast(pl.String),
        subject=pl.col("instrument_id"),
        dataset=pl.lit("bars"),
        window_start_time=pl.col("start_time"),
        window_end_time=pl.col("end_time"),
        started_time=pl.col("end_time") + timedelta(days=1),
        duration_seconds=pl.lit(0.2),
        size_bytes=pl.lit(1),
        rows_answered=pl.lit(390),
    )
    with platform.store.database.transaction() as cursor:
        for address, rows in (
            ("ops.coverage", said),
            ("ops.digests", said),
            ("ops.answered_windows", asked),
            ("ops.fetches", asked),
        ):
            copy_into(cursor, table(address), conform(rows, table(address)))
        cursor.execute("ANALYZE ops.coverage, ops.digests, ops.answered_windows, ops.fetches")
