"""What ran: Dagster's own diary, read as it stands in its database. A run that was short is in it like any other.

What belongs here: runs, steps, checks, the daemon's heartbeat. The diary is pruned, so nothing here is a counter:
figures are of the last day, and may go down.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import LiteralString

import psycopg
from prometheus_client.core import Metric
from psycopg import sql
from psycopg.rows import DictRow

from findata_assets.metrics.families import Row, gauge, histogram
from findata_assets.metrics.outside import Outside, counts_within, has_table, rows

RUN_BOUNDS_SECONDS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)
OUTCOMES = {"SUCCESS": "success", "FAILURE": "failure", "CANCELED": "canceled"}
STATISTICS = {"median": "median_seconds", "p95": "p95_seconds", "longest": "longest_seconds"}

ENDED = sql.SQL(
    """
    SELECT pipeline_name AS job, status, count(*) AS number, sum(end_time - start_time) AS seconds, {}
    FROM runs WHERE status IN ('SUCCESS', 'FAILURE', 'CANCELED')
    AND end_time > extract(epoch FROM %(now)s::timestamptz) - 86400 GROUP BY 1, 2
    """
).format(counts_within("end_time - start_time", RUN_BOUNDS_SECONDS))
LAST: LiteralString = """
    SELECT pipeline_name AS job, status, max(end_time) AS last FROM runs
    WHERE status IN ('SUCCESS', 'FAILURE', 'CANCELED') AND end_time IS NOT NULL GROUP BY 1, 2
"""
UNDER_WAY: LiteralString = """
    SELECT pipeline_name AS job, lower(status) AS state, count(*) AS number,
           max(extract(epoch FROM %(now)s::timestamptz - create_timestamp AT TIME ZONE 'UTC')) AS age
    FROM runs WHERE status NOT IN ('SUCCESS', 'FAILURE', 'CANCELED') GROUP BY 1, 2
"""
# The event log keeps instants without a zone, in UTC.
STEPS: LiteralString = """
    WITH events AS (
        SELECT run_id, step_key, dagster_event_type AS kind, timestamp FROM event_logs
        WHERE dagster_event_type IN ('STEP_START', 'STEP_SUCCESS', 'STEP_FAILURE')
        AND timestamp > %(now)s::timestamptz AT TIME ZONE 'UTC' - interval '1 day'
    ), done AS (
        SELECT ended.step_key, ended.kind, extract(epoch FROM ended.timestamp - max(began.timestamp)) AS seconds
        FROM events AS ended JOIN events AS began USING (run_id, step_key)
        WHERE began.kind = 'STEP_START' AND ended.kind <> 'STEP_START' AND began.timestamp <= ended.timestamp
        GROUP BY run_id, step_key, ended.kind, ended.timestamp
    )
    SELECT step_key AS step, CASE kind WHEN 'STEP_SUCCESS' THEN 'success' ELSE 'failure' END AS outcome,
           count(*) AS number, percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds) AS median_seconds,
           percentile_disc(0.95) WITHIN GROUP (ORDER BY seconds) AS p95_seconds, max(seconds) AS longest_seconds
    FROM done GROUP BY 1, 2
"""
CHECKS: LiteralString = """
    SELECT asset_key, check_name, execution_status, failed_last_day,
           coalesce(lower(substring(evaluation_event FROM 'AssetCheckSeverity\\.([A-Z]+)')), 'error') AS severity
    FROM (
        SELECT *, row_number() OVER (PARTITION BY asset_key, check_name ORDER BY id DESC) AS place,
               count(*) FILTER (WHERE execution_status = 'FAILED' AND create_timestamp
                   > %(now)s::timestamptz AT TIME ZONE 'UTC' - interval '1 day')
                   OVER (PARTITION BY asset_key, check_name) AS failed_last_day
        FROM asset_check_executions WHERE execution_status IN ('SUCCEEDED', 'FAILED')
    ) AS evaluated WHERE place = 1
"""
HEARTBEATS: LiteralString = """
    SELECT daemon_type, extract(epoch FROM %(now)s::timestamptz - max(timestamp) AT TIME ZONE 'UTC') AS age
    FROM daemon_heartbeats GROUP BY 1
"""
TICKS: LiteralString = """
    SELECT lower(type) AS type, count(*) AS number FROM job_ticks WHERE status = 'FAILURE'
    AND timestamp > %(now)s::timestamptz AT TIME ZONE 'UTC' - interval '1 day' GROUP BY 1
"""


def runs(outside: Outside) -> Iterator[Metric]:
    """Yield runs of the last day, the last of each job, and those under way."""
    with outside.dagster_database() as connection:
        now = {"now": outside.clock.now()}
        ended = _outcomes(_asked(connection, "runs", ENDED, now))
        last = _outcomes(_asked(connection, "runs", LAST, now))
        under_way = _asked(connection, "runs", UNDER_WAY, now)
    job = {"job_name": "job"}
    outcome = {**job, "outcome": "outcome"}
    yield gauge("findata_runs_last_day", "Runs that ended within a day.", ended, "number", outcome)
    yield histogram(
        "findata_run_duration_seconds",
        "Wall time of runs that ended within a day, from start to end.",
        ended,
        RUN_BOUNDS_SECONDS,
        job,
        is_windowed=True,
    )
    yield gauge(
        "findata_run_last_end_timestamp_seconds", "When the last run ended so.", last, "last", outcome
    )
    state = {**job, "state": "state"}
    yield gauge("findata_runs_under_way", "Runs that wait or run.", under_way, "number", state)
    yield gauge("findata_run_oldest_age_seconds", "Age of the oldest of them.", under_way, "age", state)


def steps(outside: Outside) -> Iterator[Metric]:
    """Yield the steps of the last day."""
    with outside.dagster_database() as connection:
        found = _asked(connection, "event_logs", STEPS, {"now": outside.clock.now()})
    yield gauge(
        "findata_steps_last_day",
        "Steps that ended within a day.",
        found,
        "number",
        {"step": "step", "outcome": "outcome"},
    )
    spread = [
        {"step": row["step"], "statistic": name, "seconds": row[column]}
        for row in found
        if row["outcome"] == "success"
        for name, column in STATISTICS.items()
    ]
    yield gauge(
        "findata_step_duration_seconds",
        "Wall time of steps that succeeded within a day: median, 95th percentile, longest.",
        spread,
        "seconds",
        {"step": "step", "statistic": "statistic"},
    )


def checks(outside: Outside) -> Iterator[Metric]:
    """Yield how each check was answered last."""
    with outside.dagster_database() as connection:
        found = _asked(connection, "asset_check_executions", CHECKS, {"now": outside.clock.now()})
    told = [
        {**row, "asset": _dotted(row["asset_key"]), "failed": row["execution_status"] == "FAILED"}
        for row in found
    ]
    labels = {"asset": "asset", "check": "check_name", "severity": "severity"}
    yield gauge("findata_check_failures", "1 where a check failed when it last ran.", told, "failed", labels)
    yield gauge(
        "findata_check_failures_last_day",
        "How many times a check failed within a day, of any partition.",
        told,
        "failed_last_day",
        {"asset": "asset", "check": "check_name"},
    )


def daemon(outside: Outside) -> Iterator[Metric]:
    """Yield the daemon's heartbeats, and ticks of schedules and sensors that failed."""
    with outside.dagster_database() as connection:
        now = {"now": outside.clock.now()}
        beats = _asked(connection, "daemon_heartbeats", HEARTBEATS, now)
        ticks = _asked(connection, "job_ticks", TICKS, now)
    yield gauge(
        "findata_daemon_heartbeat_age_seconds",
        "How long ago a part of Dagster's daemon was last alive.",
        beats,
        "age",
        {"daemon": "daemon_type"},
    )
    failed: Sequence[Row] = [{"type": name, "number": 0} for name in ("schedule", "sensor")]
    yield gauge(
        "findata_tick_failures_last_day",
        "Ticks of schedules and sensors that failed within a day.",
        [*failed, *ticks],
        "number",
        {"type": "type"},
    )


def _asked(
    connection: psycopg.Connection[DictRow], table: str, query: LiteralString | sql.Composed, parameters: Row
) -> list[DictRow]:
    """Return a query's rows; none before Dagster has made the table."""
    return rows(connection, query, parameters) if has_table(connection, table) else []


def _outcomes(found: Sequence[Row]) -> list[Row]:
    return [{**row, "outcome": OUTCOMES[row["status"]]} for row in found]


def _dotted(asset_key: str) -> str:
    """Return `market.bars` for `["market", "bars"]`."""
    return ".".join(part.strip(' "') for part in asset_key.strip("[]").split(","))
