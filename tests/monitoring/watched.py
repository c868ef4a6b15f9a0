"""A platform in which everything that is watched has happened: asked and refused, run and failed, held and late.

What belongs here: making it. What does not: what must be told of it (the tests).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
from dagster._daemon.types import DaemonHeartbeat

from findata_assets.checks.contract import contract_checks
from findata_assets.market.assets import bars
from findata_assets.raw.yahoo import yahoo_bars
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import refresh_reference
from findata_core.breaker import FAILURES_IN_ROW
from findata_resources.environment import Settings
from findata_resources.stores import breakers
from tests.orchestration import Orchestrated, SetClock
from tests.standin import StandIn, sample_bars

TUESDAY = date(2022, 6, 14)
TUESDAY_EVENING = datetime(2022, 6, 14, 21, 0, tzinfo=UTC)  # an hour after New York's close


@dataclass(frozen=True)
class Watched:
    """Where it is: settings for this process, variables for another one."""

    settings: Settings
    variables: Mapping[str, str]


def standin() -> StandIn:
    """Return Yahoo as it would have answered on that Tuesday evening."""
    server = StandIn(now=TUESDAY_EVENING)
    for interval in ("1m", "1d"):
        server.yahoo_bars["MSFT", interval] = sample_bars("MSFT", interval)
    return server


def live_through(dagster: Orchestrated) -> None:
    """Ask for a session through Dagster, fail once, and leave in the books what a bad day leaves."""
    platform = dagster.platform
    platform.clock = SetClock(TUESDAY_EVENING)
    refresh_reference(platform)
    checked = [*contract_checks("market.bars"), always_fails, always_warns]
    done = dagster.materialize([yahoo_bars, bars, *checked], partition_key=str(TUESDAY))
    assert [event.step_key for event in done.all_events if event.is_step_failure] == []
    assert not dagster.materialize([breaks_down]).success
    run_due(platform)
    platform.lake.publish(platform.store)
    dagster.instance.add_daemon_heartbeat(
        DaemonHeartbeat(timestamp=time.time(), daemon_type="SCHEDULER", daemon_id="d", errors=[])
    )
    enter_troubles(platform)


@dg.asset_check(asset=["market", "bars"])
def always_fails() -> dg.AssetCheckResult:
    """Fail, as an error."""
    return dg.AssetCheckResult(passed=False)


@dg.asset_check(asset=["market", "bars"])
def always_warns() -> dg.AssetCheckResult:
    """Fail, as a warning."""
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)


@dg.asset
def breaks_down() -> None:
    """Fail."""
    raise dg.Failure("as it must", allow_retries=False)


def enter_troubles(platform: Platform) -> None:
    """Enter a hold, refused rows, a request that failed, a provider that is down, and what is late."""
    now = datetime.now(UTC)
    for _ in range(FAILURES_IN_ROW):
        breakers.note_failure(platform.store.database, "fred", now)
    with platform.store.database.transaction() as cursor:
        for number in range(2):
            cursor.execute(HOLD, [number, now - timedelta(hours=2 - number)])
        cursor.execute(REFUSED, [now])
        cursor.execute(BREAK, [now, now, now, now])
        cursor.execute(FAILED_REQUEST, [now, now, now])
        for slot, late, arrived in (("close", 2.0, None), ("close", 3.0, now), ("settled", -5.0, None)):
            cursor.execute(
                "INSERT INTO ops.arrivals (dataset, provider, subject, due_date, slot, expected_time, arrived_time) "
                "VALUES ('market.bars', 'yahoo', %s, %s, %s, %s, %s)",
                [f"X{late}", now.date(), slot, now - timedelta(hours=late), arrived],
            )


HOLD: Any = (
    "INSERT INTO ops.holds (payload_id, state, rule, reason, evidence, hold_id, held_time) "
    "VALUES (%s, 'held', 'other_scale', 'twice as high', '{}', 1, %s)"
)
REFUSED: Any = (
    'INSERT INTO ops.quarantine (payload_id, row_number, rule, table_name, reason, "row", ingest_time) '
    "VALUES (1, 0, 'high_below_close', 'market.bars', 'no bar', '{}', %s)"
)
BREAK: Any = (
    "INSERT INTO ops.breaks (kind, instrument_id, session_date, interval, adjustment, field, left_source, right_source, "
    "event_time, left_value, right_value, difference, compared_bars, broken_bars, state, first_seen_time, opened_time, "
    "last_seen_time, times_opened) VALUES ('providers', 'MSFT.XNAS', '2022-06-14', '1d', 'raw', 'close', 'yahoo', "
    "'alphavantage', %s, 1, 2, -1, 1, 1, 'open', %s, %s, %s, 1)"
)
FAILED_REQUEST: Any = (
    "INSERT INTO ops.fetches (fetch_id, source, dataset, subject, window_start_time, window_end_time, started_time, "
    "duration_seconds, http_status, size_bytes, rows_answered, error, is_refused) "
    "VALUES ('one', 'fred', 'series', 'GDP', %s, %s, %s, 0.3, 503, 0, 0, 'down', false)"
)
