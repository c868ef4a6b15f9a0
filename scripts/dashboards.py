"""Write docker/grafana/dashboards/*.json: the dashboards, built from the lines below. A test holds them current and
runs every query against a real Prometheus.

    .venv/bin/python scripts/dashboards.py [FOLDER]

What belongs here: which panels there are. What does not: metrics (findata_assets/metrics), rules (docker/prometheus).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
)
from grafana_foundation_sdk.models.dashboard import DataSourceRef, Threshold, ThresholdsMode

FOLDER = Path(__file__).parents[1] / "docker" / "grafana" / "dashboards"
SOURCE = DataSourceRef(type_val="prometheus", uid="findata")
WIDTH, STAT_WIDTH, HEIGHT, STAT_HEIGHT = 12, 4, 8, 4  # of Grafana's 24 columns


@dataclass(frozen=True)
class Lines:
    """A panel of lines over time: a query and what its lines are called, and the unit of their values."""

    title: str
    unit: str
    query: str
    legend: str
    stacked: bool = False


@dataclass(frozen=True)
class Figure:
    """A panel with one figure as it is now; from `bad` on it is red, and red below it where `low_is_bad`."""

    title: str
    unit: str
    query: str
    bad: float
    low_is_bad: bool = False


Panels = Sequence[tuple[str, Sequence[Figure | Lines]]]  # rows: their title, their panels

PLATFORM: Panels = (
    (
        "Now",
        (
            Figure("Database", "none", "findata_database_up", 1, low_is_bad=True),
            Figure("S3", "none", "findata_s3_up", 1, low_is_bad=True),
            Figure("Alerts firing", "none", 'count(ALERTS{alertstate="firing"}) or vector(0)', 1),
            Figure(
                "Runs failed, last day",
                "none",
                'sum(findata_runs_last_day{outcome="failure"}) or vector(0)',
                1,
            ),
            Figure("Daemon last alive", "s", "min(findata_daemon_heartbeat_age_seconds)", 300),
            Figure(
                "Room on disk", "percentunit", "min(folder:findata_disk_free:ratio)", 0.1, low_is_bad=True
            ),
        ),
    ),
    (
        "Runs",
        (
            Lines(
                "Runs of the last day",
                "none",
                "findata_runs_last_day",
                "{{job_name}} {{outcome}}",
                stacked=True,
            ),
            Lines(
                "Duration of runs, 95th percentile of the last day",
                "s",
                "histogram_quantile(0.95, sum by (job_name, le) (findata_run_duration_seconds_bucket))",
                "{{job_name}}",
            ),
            Lines(
                "Slowest steps of the last day",
                "s",
                'topk(10, findata_step_duration_seconds{statistic="p95"})',
                "{{step}}",
            ),
            Lines(
                "Runs that wait or run",
                "none",
                "sum by (state) (findata_runs_under_way) or vector(0)",
                "{{state}}",
                stacked=True,
            ),
            Lines(
                "Steps of the last day", "none", "sum by (outcome) (findata_steps_last_day)", "{{outcome}}"
            ),
            Lines("Failed ticks of the last day", "none", "findata_tick_failures_last_day", "{{type}}"),
        ),
    ),
    (
        "Lake and disk",
        (
            Lines("Lake", "bytes", "findata_lake_bytes > 0", "{{table}}", stacked=True),
            Lines("Objects of the lake", "none", "findata_lake_objects > 0", "{{table}}", stacked=True),
            Lines("S3 round trip", "s", "findata_s3_round_trip_seconds", "least request"),
            Lines("Free on disk", "bytes", "findata_disk_free_bytes", "{{folder}}"),
        ),
    ),
    (
        "The exporter itself",
        (
            Lines("Time of a scrape", "s", 'scrape_duration_seconds{job="findata"}', "{{instance}}"),
            Lines("Time of collectors", "s", "findata_collector_duration_seconds", "{{collector}}"),
            Lines("Age of what is told", "s", "findata_collector_age_seconds", "{{collector}}"),
            Lines("Collectors that work", "none", "sum(findata_collector_up)", "collectors"),
        ),
    ),
)

INGESTION: Panels = (
    (
        "Now",
        (
            Figure("Late by the calendar", "s", "max(findata_freshness_lag_seconds) or vector(0)", 1800),
            Figure("Sessions due", "none", "sum(findata_sessions_due) or vector(0)", 1000),
            Figure("Forgotten within a week", "none", "sum(findata_sessions_expiring) or vector(0)", 1),
            Figure("Left alone", "none", "sum(findata_provider_breaker_open) or vector(0)", 1),
            Figure(
                "Least left of a day's requests",
                "percentunit",
                'min(provider_window:findata_provider_quota_remaining:ratio{window="day"}) or vector(1)',
                0.1,
                low_is_bad=True,
            ),
            Figure(
                "Most that fail, last hour",
                "percentunit",
                "max(provider:findata_provider_request_failures:ratio1h) or vector(0)",
                0.5,
            ),
        ),
    ),
    (
        "Requests",
        (
            Lines(
                "Requests",
                "reqps",
                "sum by (provider, status) (rate(findata_provider_requests_total[5m]))",
                "{{provider}} {{status}}",
                stacked=True,
            ),
            Lines(
                "Requests that fail",
                "none",
                "sum by (provider, kind) (findata_provider_request_failures_total)",
                "{{provider}} {{kind}}",
            ),
            Lines(
                "Latency, 95th percentile of all so far",
                "s",
                "histogram_quantile(0.95, sum by (provider, le) (findata_request_duration_seconds_bucket))",
                "{{provider}}",
            ),
            Lines(
                "Left of the limits", "none", "findata_provider_quota_remaining", "{{provider}} a {{window}}"
            ),
            Lines("Failures in a row", "none", "findata_provider_failures_in_row", "{{provider}}"),
            Lines(
                "Bytes received",
                "Bps",
                "sum by (provider) (rate(findata_received_bytes_total[5m]))",
                "{{provider}}",
            ),
        ),
    ),
    (
        "Rows",
        (
            Lines(
                "Rows kept",
                "none",
                "sum by (provider, dataset) (findata_rows_ingested_total)",
                "{{provider}} {{dataset}}",
            ),
            Lines(
                "Rows revised",
                "none",
                "sum by (provider, dataset) (findata_rows_revised_total)",
                "{{provider}} {{dataset}}",
            ),
            Lines(
                "Rows refused",
                "none",
                "sum by (provider, dataset) (findata_rows_quarantined_total)",
                "{{provider}} {{dataset}}",
            ),
            Lines(
                "Since the last payload",
                "s",
                "time() - findata_payload_last_received_timestamp_seconds",
                "{{provider}} {{dataset}}",
            ),
            Lines("Payloads", "none", "findata_payloads_total", "{{provider}} {{dataset}}"),
            Lines("Raw payloads", "bytes", "findata_raw_bytes", "{{provider}} {{dataset}}", stacked=True),
        ),
    ),
    (
        "By the calendar",
        (
            Lines("Late by", "s", "findata_freshness_lag_seconds", "{{dataset}} {{provider}} {{slot}}"),
            Lines(
                "Expected in 31 days",
                "none",
                "sum by (dataset, state) (findata_arrivals)",
                "{{dataset}} {{state}}",
                stacked=True,
            ),
        ),
    ),
)

QUALITY: Panels = (
    (
        "Now",
        (
            Figure(
                "Checks that fail", "none", 'sum(findata_check_failures{severity="error"}) or vector(0)', 1
            ),
            Figure(
                "Checks that warn", "none", 'sum(findata_check_failures{severity="warn"}) or vector(0)', 1
            ),
            Figure("Held payloads", "none", "findata_quarantine_waiting_payloads", 1),
            Figure("Oldest of them", "s", "findata_quarantine_oldest_age_seconds", 86400),
            Figure("Open breaks", "none", 'sum(findata_breaks{state="open"}) or vector(0)', 1),
            Figure("Scopes due", "none", "sum(findata_due_scopes) or vector(0)", 1000),
        ),
    ),
    (
        "Coverage",
        (
            Lines(
                "Sessions that are complete",
                "percentunit",
                "provider_interval:findata_coverage_complete:ratio",
                "{{provider}} {{interval}}",
            ),
            Lines(
                "Sessions by state",
                "none",
                "findata_coverage_sessions",
                "{{provider}} {{interval}} {{state}}",
                stacked=True,
            ),
            Lines("Rows of tables", "none", "findata_table_rows", "{{table}}"),
            Lines("Youngest date", "s", "time() - findata_table_last_date_timestamp_seconds", "{{table}}"),
        ),
    ),
    (
        "Findings",
        (
            Lines("Checks that fail or warn", "none", "findata_check_failures", "{{asset}} {{check}}"),
            Lines(
                "Failures of the last day",
                "none",
                "findata_check_failures_last_day",
                "{{asset}} {{check}}",
            ),
            Lines("Breaks", "none", "findata_breaks", "{{kind}} {{state}}", stacked=True),
            Lines("Rows refused", "none", "findata_quarantine_rows", "{{table}} {{rule}}", stacked=True),
        ),
    ),
    (
        "What waits",
        (
            Lines(
                "Due", "none", "sum by (asset) (findata_due_scopes) or vector(0)", "{{asset}}", stacked=True
            ),
            Lines(
                "Objects to be published",
                "none",
                "sum by (table) (findata_lake_unpublished_objects) or vector(0)",
                "{{table}}",
                stacked=True,
            ),
        ),
    ),
)

DATABASE: Panels = (
    (
        "Now",
        (
            Figure("Database", "none", "findata_database_up", 1, low_is_bad=True),
            Figure("Round trip", "s", "findata_database_round_trip_seconds", 0.5),
            Figure("Size", "bytes", "findata_database_size_bytes", 1e12),
            Figure(
                "Connections taken",
                "percentunit",
                "findata_database_connections / findata_database_connections_limit",
                0.9,
            ),
            Figure("Waiting for a lock", "none", "findata_database_waiting_sessions", 5),
            Figure(
                "Found in memory", "percentunit", "findata_database_cache_hit_ratio", 0.9, low_is_bad=True
            ),
        ),
    ),
    (
        "Work",
        (
            Lines("Round trip", "s", "findata_database_round_trip_seconds", "least query"),
            Lines("Transactions", "ops", "rate(findata_database_transactions_total[5m])", "transactions"),
            Lines("Connections", "none", "findata_database_connections", "connections"),
            Lines("Oldest transaction", "s", "findata_database_longest_transaction_seconds", "age"),
            Lines("Deadlocks", "none", "findata_database_deadlocks_total", "deadlocks"),
            Lines("Up", "none", "findata_database_up", "database"),
        ),
    ),
    (
        "Tables",
        (
            Lines("Largest tables", "bytes", "topk(12, findata_table_size_bytes)", "{{table}}", stacked=True),
            Lines("Rows", "none", "topk(12, findata_table_rows)", "{{table}}"),
        ),
    ),
)

DASHBOARDS = {
    "database": ("findata: database", DATABASE),
    "ingestion": ("findata: ingestion", INGESTION),
    "platform": ("findata: platform", PLATFORM),
    "quality": ("findata: data quality", QUALITY),
}


def write(folder: Path) -> None:
    """Write every dashboard as JSON into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (title, rows) in DASHBOARDS.items():
        text = JSONEncoder(sort_keys=True, indent=1).encode(_dashboard(name, title, rows).build())
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _dashboard(name: str, title: str, rows: Panels) -> dashboard.Dashboard:
    board = (
        dashboard.Dashboard(title)
        .uid(f"findata-{name}")
        .tags(["findata"])
        .refresh("1m")
        .time("now-24h", "now")
        .timezone("utc")
        .readonly()
    )
    for row_title, panels in rows:
        board = board.with_row(dashboard.Row(row_title))
        for panel in panels:
            board = board.with_panel(_figure(panel) if isinstance(panel, Figure) else _lines(panel))
    return board


def _lines(panel: Lines) -> timeseries.Panel:
    built = (
        timeseries.Panel()
        .title(panel.title)
        .datasource(SOURCE)
        .unit(panel.unit)
        .height(HEIGHT)
        .span(WIDTH)
        .min(0)
        .fill_opacity(20 if panel.stacked else 0)
        .legend(_legend())
        .with_target(_query(panel.query).legend_format(panel.legend))
    )
    return built.stacking(common.StackingConfig().mode(StackingMode.NORMAL)) if panel.stacked else built


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().show_legend(True)
    return legend.display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)


def _figure(panel: Figure) -> stat.Panel:
    below, above = ("red", "green") if panel.low_is_bad else ("green", "red")
    steps = [Threshold(value=None, color=below), Threshold(value=panel.bad, color=above)]
    return (
        stat.Panel()
        .title(panel.title)
        .datasource(SOURCE)
        .unit(panel.unit)
        .height(STAT_HEIGHT)
        .span(STAT_WIDTH)
        .color_mode(BigValueColorMode.BACKGROUND)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
        .with_target(_query(panel.query).instant())
    )


def _query(expression: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expression).datasource(SOURCE).ref_id("A")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
